"""The column encoder against fastavro's writer, and what it refuses."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest
from avro_cases import DOUBLE, INT, LONG, SINGLE, TEXT, long_bytes, read_by_fastavro, read_only, written_by_fastavro
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import decode
from schemas.encode import EncodeError, encode_bodies
from schemas.plan import compile_plan
from schemas.reasons import OK
from schemas.registry import FileRegistry
from schemas.varint import long_size, read_long, write_long
from schemas.wire import unframe
from streams.imports.canonical import CANONICAL

REGISTRY: Final = FileRegistry()
TOUCHPOINT: Final = REGISTRY.schema(1)
TRANSITION: Final = REGISTRY.schema(6)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT: Final = st.integers(0, 4_102_444_800_000)

EVERYTHING: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Everything",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "maybe_text", "type": ["null", "string"]},
        {"name": "bytes", "type": "bytes"},
        {"name": "number", "type": "long"},
        {"name": "small", "type": ["int", "null"]},
        {"name": "truth", "type": "boolean"},
        {"name": "maybe_truth", "type": ["null", "boolean"]},
        {"name": "double", "type": "double"},
        {"name": "single", "type": ["null", "float"]},
        {"name": "list", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "lists", "type": ["null", {"type": "array", "items": {"type": "array", "items": "long"}}]},
        {"name": "map", "type": {"type": "map", "values": ["null", "double"]}},
        {
            "name": "record",
            "type": {
                "type": "record",
                "name": "Part",
                "fields": [{"name": "a", "type": ["null", "long"]}, {"name": "b", "type": "string"}],
            },
        },
    ],
}
ARROW: Final = pa.schema(
    {
        "text": pa.string(),
        "maybe_text": pa.large_string(),
        "bytes": pa.binary(),
        "number": pa.int64(),
        "small": pa.int32(),
        "truth": pa.bool_(),
        "maybe_truth": pa.bool_(),
        "double": pa.float64(),
        "single": pa.float32(),
        "list": pa.list_(pa.string()),
        "lists": pa.large_list(pa.list_(pa.int64())),
        "map": pa.map_(pa.string(), pa.float64()),
        "record": pa.struct({"a": pa.int64(), "b": pa.string()}),
    }
)
everything: Final = st.fixed_dictionaries(
    {
        "text": TEXT,
        "maybe_text": st.none() | TEXT,
        "bytes": st.binary(max_size=40),
        "number": LONG,
        "small": st.none() | INT,
        "truth": st.booleans(),
        "maybe_truth": st.none() | st.booleans(),
        "double": DOUBLE,
        "single": st.none() | SINGLE,
        "list": st.lists(st.none() | TEXT, max_size=3),
        "lists": st.none() | st.lists(st.lists(LONG, max_size=3), max_size=3),
        "map": st.dictionaries(TEXT, st.none() | DOUBLE, max_size=3),
        "record": st.fixed_dictionaries({"a": st.none() | LONG, "b": TEXT}),
    }
)


@given(st.lists(everything, max_size=6), st.integers(0, 3))
def test_any_column_is_written_as_fastavro_writes_it(rows: list[dict[str, Any]], skipped: int) -> None:
    """Slices too: Arrow's buffers then begin before the first row."""
    whole = [{**row, "map": list(row["map"].items())} for row in rows]
    batch = pa.RecordBatch.from_pylist(whole, schema=ARROW).slice(skipped)
    bodies = encode_bodies(batch, EVERYTHING, 77)
    kept = rows[skipped:]
    assert bodies.offsets.tolist() == np.cumsum([0, *(len(bodies.message(i)) for i in range(len(kept)))]).tolist()
    for i, row in enumerate(kept):
        schema_id, body = unframe(bodies.message(i))
        assert schema_id == 77
        assert read_by_fastavro(EVERYTHING, body) == row
        assert body == written_by_fastavro(EVERYTHING, row)


RAW: Final = st.just(b"\0")
canonical: Final = st.fixed_dictionaries(
    {
        "event_id": TEXT,
        "customer_id": st.none() | TEXT,
        "anonymous_id": st.none() | TEXT,
        "occurred_at": INSTANT,
        "received_at": INSTANT,
        "kind": TEXT,
        "channel": st.none() | TEXT,
        "amount_minor": st.none() | LONG,
        "currency": st.none() | TEXT,
        "cost_minor": st.none() | LONG,
        "margin_minor": st.none() | LONG,
        "campaign": st.none() | TEXT,
        "order_id": st.none() | TEXT,
        "lines": st.just(b"\0") | st.just(b"\x02\x02a\x00\x04\x00\x00"),
        "agent_id": st.none() | TEXT,
        "satisfaction": st.none() | DOUBLE,
        "properties": st.just(b"\0") | st.just(b"\x02\x02k\x02v\x00"),
        "row": st.integers(1, 1000),
    }
)


@given(st.lists(canonical, min_size=1, max_size=5))
def test_an_importers_batch_becomes_touchpoints(rows: list[dict[str, Any]]) -> None:
    bodies = encode_bodies(pa.RecordBatch.from_pylist(rows, schema=CANONICAL), TOUCHPOINT, 1)
    ops = compile_plan(TOUCHPOINT, {})
    for i, row in enumerate(rows):
        _, body = unframe(bodies.message(i))
        assert decode(read_only(body), 0, len(body), ops, 0, np.zeros((1, 2), np.int64)) == OK
        line = {"sku": "a", "category": None, "quantity": 2, "amount_minor": None}
        expected = {name: value for name, value in row.items() if name != "row"}
        expected["lines"] = [] if row["lines"] == b"\0" else [line]
        expected["properties"] = {} if row["properties"] == b"\0" else {"k": "v"}
        for name in ("occurred_at", "received_at"):
            expected[name] = EPOCH + timedelta(milliseconds=row[name])
        assert read_by_fastavro(TOUCHPOINT, body) == expected


def test_a_transition_from_the_columns_of_the_reports() -> None:
    ms = pa.timestamp("ms", "UTC")
    row = {
        "id": "ab" * 16,
        "customer_id": "c",
        "at": EPOCH + timedelta(days=1),
        "known_at": EPOCH + timedelta(days=2),
        "from_stage": "exploration",
        "to_stage": "commitment",
        "cause": "late",
        "episode": 2,
        "win_back": True,
        "supersedes": ["x", "y"],
        "evidence_event_id": "",
        "evidence_purchases": 3,
        "evidence_weeks": 3,
        "evidence_first_purchase_at": None,
        "evidence_last_purchase_at": EPOCH,
        "policy_hash": "f",
    }
    types = {"at": ms, "known_at": ms, "episode": pa.int32(), "supersedes": pa.list_(pa.string())}
    types |= {"evidence_first_purchase_at": ms, "evidence_last_purchase_at": ms}
    columns = {name: pa.array([value], types.get(name)) for name, value in row.items()}
    columns["cause"] = columns["cause"].dictionary_encode()
    columns["partition"] = pa.array([7])
    bodies = encode_bodies(pa.RecordBatch.from_pydict(columns), TRANSITION, 6)
    schema_id, body = unframe(bodies.message(0))
    assert schema_id == 6
    assert read_by_fastavro(TRANSITION, body) == {**row, "evidence_last_sign_at": None}


def test_no_rows_are_no_messages() -> None:
    bodies = encode_bodies(pa.RecordBatch.from_pylist([], schema=CANONICAL), TOUCHPOINT, 1)
    assert (bodies.buffer.size, bodies.offsets.tolist()) == (0, [0])


def test_more_rows_than_are_written_at_a_time() -> None:
    tick = REGISTRY.schema(2)
    instants = list(range(-5000, 5000))
    bodies = encode_bodies(pa.RecordBatch.from_pydict({"at": pa.array(instants)}), tick, 2)
    assert bodies.buffer.tobytes() == b"".join(b"\0\0\0\0\x02" + long_bytes(at) for at in instants)


def only(kind: Any, **attributes: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Only", "fields": [{"name": "it", "type": kind, **attributes}]}


SECONDS: Final = pa.array([datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
MILLIS: Final = {"type": "long", "logicalType": "timestamp-millis"}


@pytest.mark.parametrize(
    ("kind", "column", "says"),
    [
        ("string", pa.array(["a", None]), "field 'it' of Only: row 1 of the batch is null"),
        ({"type": "array", "items": "long"}, pa.array([[1], None]), "row 1 of the batch is null"),
        ({"type": "array", "items": "long"}, pa.array([[1, None]]), "row 1 of the batch is null"),
        ("int", pa.array([0, 1 << 31]), "2147483648 in row 1 of the batch doesn't fit into 32 bits"),
        ("long", pa.array(["a"]), "can't be written as int64"),
        ("long", pa.array([0.5]), "can't be written as int64"),
        ("string", pa.array([b"\xff"]), "takes a column of strings"),
        ("string", pa.array([[1]]), "can't be written as large_string"),
        ("long", SECONDS, "only written to fields of logical type timestamp-millis"),
        (MILLIS, pa.array([1], pa.timestamp("ns", "UTC")), r"can't be written as timestamp\[ms"),
        (["null", "long", "string"], pa.array([1]), "only unions of null and one other type"),
        ({"type": "fixed", "name": "F", "size": 2}, pa.array([b"ab"]), "columns of type fixed are not written"),
        ({"type": "map", "values": "long"}, pa.array([1]), "a column of type int64 can't be written as map"),
    ],
)
def test_what_is_refused(kind: Any, column: Any, says: str) -> None:
    with pytest.raises(EncodeError, match=says):
        encode_bodies(pa.RecordBatch.from_arrays([column], ["it"]), only(kind), 1)


def test_missing_columns() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2])], ["other"])
    assert encode_bodies(batch, only(["null", "long"]), 1).buffer.tobytes() == b"\0\0\0\0\x01\0" * 2
    assert encode_bodies(batch, only(["long", "null"]), 1).buffer.tobytes() == b"\0\0\0\0\x01\x02" * 2
    empty_list = only({"type": "array", "items": "long"}, default=[])
    assert encode_bodies(batch, empty_list, 1).buffer.tobytes() == b"\0\0\0\0\x01\0" * 2
    with pytest.raises(EncodeError, match="has no such column"):
        encode_bodies(batch, only("long"), 1)


def test_coarser_instants_and_narrower_numbers_are_widened() -> None:
    batch = pa.RecordBatch.from_arrays([SECONDS], ["it"])
    assert encode_bodies(batch, only(MILLIS), 1).message(0)[5:] == long_bytes(1_577_836_800_000)
    batch = pa.RecordBatch.from_arrays([pa.array([-3], pa.int8())], ["it"])
    assert encode_bodies(batch, only("long"), 1).message(0)[5:] == long_bytes(-3)
    assert encode_bodies(batch, only("double"), 1).message(0)[5:] == struct.pack("<d", -3.0)


@given(
    LONG
    | st.integers(-70, 70)
    | st.sampled_from([s * (1 << b) + d for s in (1, -1) for b in range(63) for d in (0, -1)])
)
def test_varints(value: int) -> None:
    out = np.full(12, 0xAA, np.uint8)
    after = write_long(out, 1, np.int64(value))
    assert out[1:after].tobytes() == long_bytes(value)
    assert (out[after:] == 0xAA).all()
    assert long_size(np.int64(value)) == after - 1
    read, position = read_long(read_only(out.tobytes()), 1, after)
    assert (int(read), int(position)) == (value, int(after))
