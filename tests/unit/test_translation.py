"""Random schemas of touchpoints, read with fastavro and by our rules in plain Python, and written anew."""

import io
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from avro_cases import Encoded, Maker, definitions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sampled import examples
from support.writers import OWN, VALUE, WRITERS, Writer

from schemas.known import TYPE_TOUCHPOINT, known
from schemas.reasons import OK, REASONS
from schemas.references import inlined
from schemas.translation import Translated, Translation
from schemas.writers import bare, own_fields, stored_as_they_are

TEXTS: Final = ["string", "bytes", {"type": "enum", "name": "Word", "symbols": ["a", "ß", "c"]}]
NUMBERS: Final = ["int", "long"]
TOLD: Final = ["boolean", "int", "long", "double", *TEXTS]
SIMPLE: Final = ["null", "boolean", "int", "long", "float", "double", "string", "bytes"]


def named(kind: Any, number: int) -> Any:
    """Each use of an enum has a name of its own."""
    if isinstance(kind, list):
        return [named(branch, number) for branch in kind]
    return {**kind, "name": f"Word{number}"} if isinstance(kind, dict) and kind["type"] == "enum" else kind


@st.composite
def unions(draw: st.DrawFn, fitting: list[Any], number: int) -> Any:
    """One of the types, or a union of some of them, null and, now and then, one that can't be read."""
    branches = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2, unique_by=str))
    if len(branches) == 1 and draw(st.booleans()):
        return named(branches[0], number)
    # A float among the properties is told by its own digits; what fastavro makes of it has more.
    extra = [kind for kind in SIMPLE if kind not in (*branches, "float")]
    branches += draw(st.lists(st.sampled_from(["null", *extra]), max_size=2, unique=True))
    return named(draw(st.permutations(branches)), number)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    fields = []
    for number, field in enumerate(OWN["fields"]):
        name = field["name"]
        if "default" in field and draw(st.integers(0, 4)) == 0:
            continue
        if name == "lines":
            line = [
                {"name": "sku", "type": draw(unions(TEXTS, 100))},
                {"name": "category", "type": draw(unions(TEXTS, 101))},
                {"name": "quantity", "type": draw(unions(NUMBERS, 102))},
                {"name": "more", "type": draw(st.sampled_from(SIMPLE))},
                {"name": "amount_minor", "type": draw(unions(NUMBERS, 103))},
            ]
            record: Any = {"type": "record", "name": "Row", "fields": draw(st.permutations(line))}
            kind: Any = {"type": "array", "items": draw(st.sampled_from([record, ["null", record]]))}
        elif name == "properties":
            kind = {
                "type": "map",
                "values": draw(unions(TOLD, number)),
            }
        elif name in ("occurred_at", "received_at", "amount_minor", "cost_minor", "margin_minor"):
            kind = draw(unions(NUMBERS, number))
        elif name == "satisfaction":
            kind = draw(unions(["double", "float", *NUMBERS], number))
        elif name in ("known", "is_account"):
            kind = draw(unions(["boolean"], number))
        else:
            kind = draw(unions(TEXTS, number))
        fields.append({"name": name, "type": kind})
        if draw(st.integers(0, 5)) == 0:
            fields.append({"name": f"more_{number}", "type": draw(st.sampled_from(SIMPLE))})
    return {"type": "record", "name": "Touchpoint", "namespace": "relasi", "fields": draw(st.permutations(fields))}


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, Any], list[Encoded]]:
    """A writer schema and some records of it."""
    schema = draw(schemas())
    maker = Maker(draw, definitions(schema, {}))
    return schema, [maker.make(schema) for _ in range(3)]


class Refused(Exception):
    """The record is a reject."""


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise Refused
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refused from None


def number(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Refused


def truth(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Refused


def required(value: Any) -> Any:
    if value is None:
        raise Refused
    return value


def word(value: Any) -> str | None:
    """A property as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(pa.array([value]).cast(pa.string())[0].as_py())
    return str(value) if isinstance(value, int) else text(value)


def line(row: dict[str, Any]) -> dict[str, Any]:
    quantity = required(number(row["quantity"]))
    if not -(2**31) <= quantity < 2**31:
        raise Refused
    return {
        "sku": required(text(row["sku"])),
        "category": text(row["category"]),
        "quantity": quantity,
        "amount_minor": number(row["amount_minor"]),
    }


def meant(value: dict[str, Any]) -> dict[str, Any]:
    """What a record says in our schema. Raises Refused."""
    found: dict[str, Any] = {}
    for name, field in own_fields(OWN).items():
        told = value.get(name)
        if name == "lines":
            found[name] = [line(row) for row in told or [] if row is not None]
        elif name == "properties":
            words = {key: word(each) for key, each in (told or {}).items()}
            found[name] = {key: each for key, each in words.items() if each is not None}
        elif name == "satisfaction":
            if told is not None and (isinstance(told, bool) or not isinstance(told, int | float)):
                raise Refused
            found[name] = None if told is None else float(told)
        elif name in ("known", "is_account"):
            found[name] = truth(told)
        else:
            read = number(told) if "at" in name.split("_") or "minor" in name else text(told)
            found[name] = read if field.nullable else required(read)
    return found


def translated(schema: dict[str, Any], *bodies: bytes) -> Translated:
    data = b"..".join([b"", *bodies, b""])
    stops = np.cumsum([len(body) + 2 for body in bodies])
    starts = stops - np.array([len(body) for body in bodies])
    return Translation(schema, OWN).translate(np.frombuffer(data, np.uint8), starts, stops)


def plain(kind: Any) -> Any:
    """Without logical types, so that instants are read as numbers."""
    return bare(kind)


def read(body: bytes) -> Any:
    stream = io.BytesIO(body)
    value = fastavro.schemaless_reader(stream, fastavro.parse_schema(plain(OWN)), None)
    assert stream.read() == b""
    return value


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(written())
def test_what_is_written_anew_says_what_the_writer_said(drawn: tuple[dict[str, Any], list[Encoded]]) -> None:
    schema, made = drawn
    found = translated(schema, *(each.body for each in made))
    for i, each in enumerate(made):
        try:
            wanted = meant(each.value)
        except Refused:
            assert found.reasons[i] != OK
        else:
            assert found.reasons[i] == OK, REASONS[int(found.reasons[i])]
            assert read(found.bodies.message(i)) == wanted


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_plain_ones_could_be_written_anew_as_well(writer: Writer) -> None:
    found = translated(writer.schema, writer.body(), writer.body()[:-1], writer.body())
    assert found.reasons[1] != OK
    for i in (0, 2):
        if writer.reason:
            assert REASONS[int(found.reasons[i])] == writer.reason
        else:
            assert read(found.bodies.message(i)) == VALUE | writer.means


def test_what_is_stored_as_it_is_is_little_and_known() -> None:
    fields = own_fields(OWN)
    plain_ones = [writer.name for writer in WRITERS if stored_as_they_are(writer.schema, fields)]
    assert "ours" in plain_ones
    assert "without channel" in plain_ones
    assert "beside: weather string" in plain_ones
    assert [name for name in plain_ones if name.startswith("lines:")] == []
    assert [name for name in plain_ones if name.startswith("properties:")] == [
        "properties: {'type': 'map', 'values': 'string'}"
    ]
    assert [name for name in plain_ones if name.startswith("occurred_at:")] == ["occurred_at: long"]


def test_a_container_says_no_more_than_reading_it_needs() -> None:
    found = known(5, OWN)
    assert (found.kind, found.translation) == (TYPE_TOUCHPOINT, None)
    assert "default" not in str(found.stored)
    assert "doc" not in str(found.stored)
    assert fastavro.parse_schema(dict(found.stored or {}))


@pytest.mark.parametrize("bad", [None, [], "record", 5, {}, {"type": []}, {"fields": 5}, {"type": "record"}])
def test_what_is_no_schema_is_unreadable(bad: Any) -> None:
    schema = bad if isinstance(bad, dict) else {"type": bad}
    assert known(5, schema).problem.startswith("schema id 5")
    assert known(5, {**OWN, "fields": bad}).problem.startswith("schema id 5")


def test_references_are_put_in_where_they_are_first_used() -> None:
    used = {"type": "record", "name": "relasi.T", "fields": [
        {"name": "a", "type": "shop.Line"}, {"name": "b", "type": {"type": "array", "items": "Near"}},
        {"name": "c", "type": ["null", "shop.Line"]}]}  # fmt: skip
    near = {"type": "enum", "name": "Near", "namespace": "relasi", "symbols": ["x"]}
    item = {"type": "record", "name": "Line", "namespace": "shop", "fields": [{"name": "n", "type": "relasi.Near"}]}
    found = inlined(used, {"shop.Line": item, "relasi.Near": near})
    parsed: Any = fastavro.parse_schema(found)
    value = {"a": {"n": "x"}, "b": ["x"], "c": {"n": "x"}}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, value)
    assert fastavro.schemaless_reader(io.BytesIO(out.getvalue()), parsed, None) == value
