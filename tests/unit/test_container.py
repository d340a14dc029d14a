"""Containers hold the bodies byte for byte, and other readers of Avro understand them."""

import io
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_rows import slices

from streams.reports.container import ROWS_PER_BLOCK, Places, container

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Pair",
    "fields": [{"name": "word", "type": "string"}, {"name": "number", "type": ["null", "long"]}],
}
PARSED = fastavro.parse_schema(SCHEMA)


def body(record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, record)
    return out.getvalue()


records = st.fixed_dictionaries({"word": st.text(), "number": st.none() | st.integers(-(2**63), 2**63 - 1)})


@given(st.lists(records))
def test_fastavro_reads_what_was_put_in(written: list[dict[str, Any]]) -> None:
    reader = fastavro.reader(io.BytesIO(container(SCHEMA, *slices([body(record) for record in written]))))
    assert list(reader) == written
    assert reader.writer_schema == SCHEMA
    assert reader.codec == "null"


@given(st.lists(records, min_size=1), st.data())
def test_what_lies_between_the_bodies_is_left_out(written: list[dict[str, Any]], data: st.DataObject) -> None:
    bodies = [body(record) for record in written]
    junk = [data.draw(st.binary(max_size=8)) for _ in bodies]
    buffer, _, stops = slices([before + one for before, one in zip(junk, bodies, strict=True)])
    starts = stops - np.array([len(one) for one in bodies])
    assert list(fastavro.reader(io.BytesIO(container(SCHEMA, buffer, starts, stops)))) == written


@pytest.mark.parametrize("count", [ROWS_PER_BLOCK, ROWS_PER_BLOCK + 1, 2 * ROWS_PER_BLOCK + 5])
def test_many_rows_make_several_blocks(count: int) -> None:
    bodies = [body({"word": f"w{number}", "number": number}) for number in range(count)]
    blocks = list(fastavro.block_reader(io.BytesIO(container(SCHEMA, *slices(bodies)))))
    assert [block.num_records for block in blocks] == [
        min(ROWS_PER_BLOCK, count - first) for first in range(0, count, ROWS_PER_BLOCK)
    ]
    numbers = [record["number"] for block in blocks for record in block if isinstance(record, dict)]
    assert numbers == list(range(count))


def test_the_same_bodies_give_the_same_bytes() -> None:
    bodies = slices([body({"word": "a", "number": 1})])
    assert container(SCHEMA, *bodies) == container(SCHEMA, *bodies)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 1), (0, 5)])
def test_slices_outside_of_the_buffer_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        container(SCHEMA, np.zeros(4, np.uint8), np.array([start]), np.array([stop]))


def test_as_many_stops_as_starts_are_needed() -> None:
    with pytest.raises(ValueError, match="outside"):
        container(SCHEMA, np.zeros(4, np.uint8), np.array([0, 1]), np.array([1]))


@given(st.lists(records), st.integers(0, 2**31 - 1), st.integers(0, 2**62), st.data())
def test_a_place_in_the_log_stands_before_each_body(
    written: list[dict[str, Any]], partition: int, epoch: int, data: st.DataObject
) -> None:
    offsets = [data.draw(st.integers(0, 2**62)) for _ in written]
    places = Places(partition, np.array(offsets, np.int64), epoch)
    placed = container(SCHEMA, *slices([body(record) for record in written]), places)
    assert list(fastavro.reader(io.BytesIO(placed))) == [
        {"log_partition": partition, "log_offset": offset, "log_epoch": epoch} | record
        for offset, record in zip(offsets, written, strict=True)
    ]


def test_a_field_of_the_writers_own_does_not_hide_the_place() -> None:
    schema = SCHEMA | {"fields": [{"name": "log_offset", "type": "string"}, SCHEMA["fields"][1]]}
    placed = container(schema, *slices([body({"word": "a", "number": 1})]), Places(0, np.array([7])))
    (record,) = fastavro.reader(io.BytesIO(placed))
    assert record == {"log_partition": 0, "log_offset": 7, "log_epoch": 0, "writers_log_offset": "a", "number": 1}
