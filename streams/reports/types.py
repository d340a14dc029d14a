"""ClickHouse's names of types as Arrow types, so that a server's answers look like those of the engine in process."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa

_PLAIN: Final = {
    "String": pa.string(),
    "Bool": pa.bool_(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Date": pa.date32(),
    "Date32": pa.date32(),
    "UUID": pa.string(),
    "IPv4": pa.string(),
    "IPv6": pa.string(),
    "Nothing": pa.null(),
    **{f"Int{bits}": getattr(pa, f"int{bits}")() for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": getattr(pa, f"uint{bits}")() for bits in (8, 16, 32, 64)},
}
_UNITS: Final = {3: "ms", 6: "us", 9: "ns"}
_ZONE: Final = re.compile(r"'([^']*)'")
_FIELD_NAME: Final = re.compile(r"^(`[^`]+`|[A-Za-z_]\w*) (?=[A-Z])")


def outer(name: str) -> tuple[str, list[str]]:
    """``Map(String, Array(Int8))`` as its head and the texts of its arguments."""
    head, bracket, rest = name.partition("(")
    if not bracket:
        return head, []
    arguments, depth, start, body = [], 0, 0, rest[:-1]
    for at, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            arguments.append(body[start:at].strip())
            start = at + 1
    return head, [*arguments, body[start:].strip()]


def _instant(head: str, arguments: Sequence[str]) -> pa.DataType:
    # A DateTime has no fraction, but the engine in process answers with milliseconds at the least.
    places = int(arguments[0]) if head == "DateTime64" else 3
    zones = [found.group(1) for text in arguments if (found := _ZONE.search(text))]
    unit = _UNITS[next(known for known in _UNITS if known >= places)]
    return pa.timestamp(unit, tz=zones[0] if zones else "UTC")


def _fields(arguments: Sequence[str]) -> list[pa.Field]:
    fields = []
    for number, argument in enumerate(arguments, 1):
        named = _FIELD_NAME.match(argument)
        label = named.group(1).strip("`") if named else str(number)
        fields.append(pa.field(label, arrow_type(argument[named.end() :] if named else argument)))
    return fields


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a ClickHouse type; text for those that have none here."""
    head, arguments = outer(name.strip())
    if head in _PLAIN:
        return _PLAIN[head]
    if head in ("Nullable", "LowCardinality"):
        return arrow_type(arguments[0])
    if head in ("DateTime", "DateTime64"):
        return _instant(head, arguments)
    if head == "Array":
        return pa.list_(arrow_type(arguments[0]))
    if head == "Map":
        return pa.map_(arrow_type(arguments[0]), arrow_type(arguments[1]))
    if head == "Tuple":
        return pa.struct(_fields(arguments))
    if head == "Decimal":
        return pa.decimal128(int(arguments[0]), int(arguments[1]))
    return pa.string()


def _fitting(kind: pa.DataType) -> Callable[[Any], Any]:
    """How a value of clickhouse-driver becomes one that ``pa.array`` takes for that type."""
    if pa.types.is_list(kind):
        item = _fitting(kind.value_type)
        return lambda values: None if values is None else [item(value) for value in values]
    if pa.types.is_map(kind):
        value_of = _fitting(kind.item_type)
        return lambda pairs: None if pairs is None else [(key, value_of(value)) for key, value in pairs.items()]
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        parts = [_fitting(field.type) for field in kind]
        return lambda values: (
            None
            if values is None
            else {name: part(value) for name, part, value in zip(names, parts, values, strict=True)}
        )
    if kind == pa.bool_():
        # Where nearly all are false a server sends the others only, and the driver fills the gaps with 0 (measured).
        return lambda value: None if value is None else bool(value)
    if kind == pa.string():
        return lambda value: value if value is None or isinstance(value, str | bytes) else str(value)
    return lambda value: value


def arrow_column(name: str, values: Sequence[Any]) -> pa.Array:
    """Values of a column as clickhouse-driver returns them, of a ClickHouse type, as an Arrow array."""
    kind = arrow_type(name)
    fit = _fitting(kind)
    fitted = [fit(value) for value in values]
    if kind == pa.string() and any(isinstance(value, bytes) for value in fitted):
        # The driver leaves bytes that are no UTF-8 as they are, and so do we, in the whole column.
        return pa.array([value.encode() if isinstance(value, str) else value for value in fitted], pa.binary())
    return pa.array(fitted, kind)
