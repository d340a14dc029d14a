"""What a writer's schema of touchpoints may be like, so that it is read, and so that its bodies are stored as they are.

Avro 1.12, "Schema Resolution", says which types can be read as which; an enum is read as the text of its symbol beside
that. Whatever else differs is refused with the name of the field.

*As they are* is a narrow list, found by experiment (ClickHouse 26.9 and chDB 4.4, ``INSERT … FORMAT Avro``): they take
each type of ours, with null or without it and in either order, and step over fields that they have no column for. Of
the rest they refuse much (unions of three, a line with another field, maps of numbers), and some of what they take
means something else: a quantity beyond 32 bits wraps, a null property becomes an empty one, and a null among the lines
a line without an article. So all of the rest is written anew in our own schema (``translation``).
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.landing import Alternative
from schemas.plan import PlanError

# How a field is read.
TEXT: Final = "a text"
NUMBER: Final = "a whole number"
INSTANT: Final = "an instant (long, timestamp-millis)"
SMALL: Final = "a whole number of 32 bits"
MEASURE: Final = "a number"
TRUTH: Final = "a truth value"
LINES: Final = "an array of lines"
PROPERTIES: Final = "a map"

_OF_TYPE: Final = {
    "string": TEXT,
    "long": NUMBER,
    "int": SMALL,
    "double": MEASURE,
    "boolean": TRUTH,
    "array": LINES,
    "map": PROPERTIES,
}
_READ_AS: Final = {
    TEXT: ("string", "bytes", "enum"),
    NUMBER: ("int", "long"),
    INSTANT: ("int", "long"),
    SMALL: ("int", "long"),
    MEASURE: ("double", "float", "int", "long"),
    TRUTH: ("boolean",),
    LINES: ("array",),
    PROPERTIES: ("map",),
}
_AS_THEY_ARE: Final = {
    TEXT: ("string",),
    NUMBER: ("int", "long"),
    SMALL: ("int",),
    MEASURE: ("double", "float"),
    TRUTH: ("boolean",),
}
_PER_MS: Final = {"": 1, "timestamp-millis": 1, "timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}
_TEXTS: Final = ("", "uuid")
_OF_TIME: Final = ("timestamp", "local-timestamp", "date", "time")
_SIMPLE: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "string", "bytes"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Field(NamedTuple):
    """A field of ours: how it is read, whether it may be null, and whether a writer may leave it out."""

    name: str
    reading: str
    nullable: bool
    required: bool
    schema: Any


def _plain(kind: Any) -> tuple[Any, bool]:
    """A type without its null, and whether it had one."""
    if isinstance(kind, list) and len(kind) == 2 and "null" in kind:
        return kind[1 - kind.index("null")], True
    return kind, False


def own_fields(record: Mapping[str, Any]) -> dict[str, Field]:
    """The fields of a record of ours by name, in their order."""
    found = {}
    for field in record["fields"]:
        kind, nullable = _plain(field["type"])
        instant = isinstance(kind, dict) and "logicalType" in kind
        reading = INSTANT if instant else _OF_TYPE[kind["type"] if isinstance(kind, dict) else kind]
        found[field["name"]] = Field(field["name"], reading, nullable, "default" not in field, field["type"])
    return found


def scale_of(alternative: Alternative) -> int:
    """By what an instant of this type is divided to be one of ms."""
    return _PER_MS[alternative.logical]


def check(fields: Mapping[str, Field], values: Mapping[str, tuple[Alternative, ...]], of: str = "") -> None:
    """Raise PlanError where a field can't be read from what its writer has, with its name and type.

    Of the types of a union one has to fit; a record that has another one is refused by itself, as Avro says.
    """
    for name, field in fields.items():
        where = f"field {of + name!r}"
        if name not in values:
            if field.required:
                raise PlanError(f"{where} is missing; it has to be {field.reading}")
            continue
        found = values[name]
        if not found and not field.nullable and field.reading not in (LINES, PROPERTIES):
            raise PlanError(f"{where} is always null; it has to be {field.reading}")
        if found and not any(fits(field, each) for each in found):
            told = f" ({found[0].logical})" if found[0].logical else ""
            raise PlanError(f"{where} is of type {found[0].kind}{told}; it is read as {field.reading}")
        if field.reading in (LINES, PROPERTIES) and sum(fits(field, each) for each in found) > 1:
            raise PlanError(f"{where} may be one of several arrays or maps; it is read as {field.reading}")


def fits(field: Field, each: Alternative) -> bool:
    """Whether a value of this type can be read."""
    if each.kind not in _READ_AS[field.reading]:
        return False
    if field.reading == TEXT:
        return each.logical in _TEXTS
    if field.reading == INSTANT:
        return each.logical in _PER_MS
    return not each.logical.startswith(_OF_TIME)


def bare(kind: Any) -> Any:
    """A schema without what its bytes don't need: documentation, defaults, aliases, logical types.

    ClickHouse's reader refuses a default that doesn't fit the first branch of its union, which other readers let pass.
    """
    if isinstance(kind, list):
        return [bare(branch) for branch in kind]
    if not isinstance(kind, dict):
        return kind
    if isinstance(kind.get("type"), dict | list) or kind.get("type") in _SIMPLE:
        return bare(kind["type"])
    kept = {key: kind[key] for key in ("type", "name", "namespace", "symbols", "size") if key in kind}
    for key in ("items", "values"):
        if key in kind:
            kept[key] = bare(kind[key])
    if "fields" in kind:
        kept["fields"] = [{"name": field["name"], "type": bare(field["type"])} for field in kind["fields"]]
    return kept


def stored_as_they_are(schema: Mapping[str, Any], fields: Mapping[str, Field]) -> bool:
    """Whether ClickHouse takes the bodies of a schema byte for byte, and reads in them what the engine reads."""
    taken = set()
    for field in schema["fields"]:
        own = fields.get(field["name"])
        if own is None:
            if not _skipped(field):
                return False
        elif field["name"] in taken or not _same(field["type"], own):
            return False
        taken.add(field["name"])
    return True


def _skipped(field: Mapping[str, Any]) -> bool:
    """Whether a field that there is no column for is of a kind that ClickHouse is known to step over."""
    kind = bare(field["type"])
    if isinstance(kind, dict):
        kind = kind.get("items", kind.get("values", kind))
    branches = kind if isinstance(kind, list) else [kind]
    simple = all(isinstance(branch, str) and branch in _SIMPLE for branch in branches)
    return simple and bool(_NAME.fullmatch(str(field["name"])))


def _same(kind: Any, own: Field) -> bool:
    """Whether a type is ours, with null or, where ours may be null, without it."""
    value, nullable = _plain(kind)
    ours, _ = _plain(own.schema)
    if nullable and not own.nullable:
        return False
    if own.reading == INSTANT:
        return logical(value) in ("", "timestamp-millis") and bool(bare(value) == "long")
    if own.reading in (LINES, PROPERTIES):
        return bool(_layout(value) == _layout(ours))
    accepted = _AS_THEY_ARE[own.reading]
    return logical(value) in _TEXTS and bare(value) in accepted


def logical(kind: Any) -> str:
    """Name of a type's logical type, of one that may be null as well; empty: none."""
    kind, _ = _plain(kind)
    return str(kind.get("logicalType", "")) if isinstance(kind, dict) else ""


def _layout(kind: Any) -> Any:
    """A type without what ClickHouse does not look at: all that is not bare, and the names of records."""
    kind = bare(kind)
    if isinstance(kind, list):
        return [_layout(branch) for branch in kind]
    if not isinstance(kind, dict):
        return kind
    if "fields" in kind:
        return [(field["name"], _layout(field["type"])) for field in kind["fields"]]
    return {key: _layout(value) for key, value in kind.items() if key in ("type", "items", "values")}
