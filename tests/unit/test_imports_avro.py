"""Flat Avro containers, decoded by compiled code, beside fastavro and Python's objects."""

import io
from datetime import UTC, datetime
from typing import Any, Final

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampled import examples

from streams.imports.avro_columns import flat_columns, flat_fields
from streams.imports.columnar import _column
from streams.imports.container import Container, ContainerProblem

INSTANT: Final = {"type": "long", "logicalType": "timestamp-millis"}
FINER: Final = {"type": "long", "logicalType": "timestamp-micros"}
_INSTANTS: Final = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
VALUES: Final[list[tuple[Any, Any]]] = [
    ("string", st.text(max_size=9)),
    ("bytes", st.binary(max_size=9)),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("double", st.floats(allow_nan=False)),
    ("float", st.floats(allow_nan=False, width=32)),
    ("boolean", st.booleans()),
    ("null", st.none()),
    (INSTANT, _INSTANTS.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))),
    (FINER, _INSTANTS),
]


def container(schema: Any, rows: list[Any], codec: str = "null", **more: Any) -> io.BytesIO:
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, codec=codec, **more)
    out.seek(0)
    return out


def flat(file: io.BytesIO, most: int, names: list[str] | None = None) -> list[tuple[dict[str, Any], int]]:
    found = Container(file, len(file.getvalue()))
    fields = flat_fields(found.schema)
    assert fields is not None
    return list(flat_columns(found.blocks(), fields, names or [field.name for field in fields], most))


@settings(max_examples=examples(60))
@given(data=st.data(), most=st.sampled_from([1, 3, 1000]), codec=st.sampled_from(["null", "deflate"]))
def test_columns_are_those_of_the_values_as_objects(data: st.DataObject, most: int, codec: str) -> None:
    chosen = data.draw(st.lists(st.tuples(st.integers(0, len(VALUES) - 1), st.integers(-1, 1)), min_size=1, max_size=6))
    # A record of nothing but nulls takes no bytes, and is refused.
    fields: list[dict[str, Any]] = [{"name": "row", "type": "long"}]
    values: list[st.SearchStrategy[Any]] = [st.integers(0, 300)]
    for n, (which, null) in enumerate(chosen):
        kind, strategy = VALUES[which]
        union = kind if null < 0 or kind == "null" else (["null", kind] if null == 0 else [kind, "null"])
        fields.append({"name": f"f{n}", "type": union})
        values.append(strategy if union is kind else st.one_of(st.none(), strategy))
    schema = {"type": "record", "name": "R", "fields": fields}
    names = [field["name"] for field in fields]
    drawn = data.draw(st.lists(st.tuples(*values), max_size=9))
    rows = [dict(zip(names, row, strict=True)) for row in drawn]
    pieces = flat(container(schema, rows, codec, sync_interval=20), most)
    assert sum(count for _, count in pieces) == len(rows)
    assert all(0 < count <= most for _, count in pieces)
    first = 0
    for columns, count in pieces:
        for name, column in columns.items():
            expected = _column([row[name] for row in rows[first : first + count]])
            assert column.to_pylist() == expected.to_pylist()
            assert column.type == expected.type or pa.types.is_null(expected.type)
        first += count


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "int"}, {"type": "map", "values": "string"}, ["null", "string", "int"],
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, {"type": "int", "logicalType": "date"},
        {"type": "enum", "name": "E", "symbols": ["A"]}, {"type": "string", "logicalType": "uuid"},
    ],
)  # fmt: skip
def test_what_is_not_flat_goes_another_way(kind: Any) -> None:
    assert flat_fields({"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]}) is None


def test_only_what_is_wanted_becomes_columns() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "long"}]}
    ((columns, count),) = flat(container(schema, [{"a": "x", "b": 7}]), 10, ["b"])
    assert ({name: column.to_pylist() for name, column in columns.items()}, count) == ({"b": [7]}, 1)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_records_are_told(seed: int) -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "a", "type": ["null", "string"]}, {"name": "b", "type": "long"}],
    }
    found = Container(file := container(schema, [{"a": f"x{n}", "b": n} for n in range(30)]), len(file.getvalue()))
    fields = flat_fields(found.schema)
    assert fields is not None
    ((count, data),) = list(found.blocks())
    for damaged in (
        data[: len(data) - 1 - seed],
        data + b"\0",
        b"\xff" * (seed + 1) + data[seed + 1 :],
        b"\x06" + data[1:],
    ):
        with pytest.raises(ContainerProblem):
            list(flat_columns([(count, damaged)], fields, ["a", "b"], 1000))


def test_text_that_is_none_is_told() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
    fields = flat_fields(schema)
    assert fields is not None
    with pytest.raises(pa.ArrowInvalid):
        list(flat_columns([(1, b"\x02\xff")], fields, ["a"], 10))
