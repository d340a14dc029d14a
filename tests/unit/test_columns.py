"""Records of a fetch as columns, and what is kept of a changelog: what any reader with a dictionary would keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import bodies_of
from streams.kafka.fetch import read
from streams.kafka.held import Held
from streams.log.batches import Fetch, read_batches, write_batch
from streams.log.columns import Columns, UnreadableRecords, columns_of, newest
from streams.log.headers import put_producer

Records = list[tuple[bytes, bytes | None]]

KEYS = st.binary(min_size=1, max_size=3)
RECORDS = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=40)), max_size=60)


def columns(records: Records) -> Columns:
    keys, values = bodies_of([key for key, _ in records]), bodies_of([value or b"" for _, value in records])
    return Columns(keys, values, np.array([value is None for _, value in records], np.bool_))


def fetched(*parts: list[tuple[bytes, bytes]]) -> Fetch:
    data, offset = b"", 0
    for part in parts:
        keys, values = bodies_of([key for key, _ in part]), bodies_of([value for _, value in part])
        batch = bytearray(write_batch(keys, values, np.zeros(len(part), np.int64), offset))
        put_producer(batch, 7, 1, offset, transactional=True)
        data += batch
        offset += len(part)
    return read_batches(data, 0)


def records_of(found: Columns) -> Records:
    return [
        (found.keys.message(i), None if found.deleted[i] else found.values.message(i))
        for i in range(len(found.deleted))
    ]


@given(
    st.lists(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=60)), min_size=1), min_size=1, max_size=4)
)
def test_columns_hold_all_records_in_their_order(parts: list[list[tuple[bytes, bytes]]]) -> None:
    assert records_of(columns_of(fetched(*parts))) == [record for part in parts for record in part]


def test_a_value_that_is_null_deletes_its_key() -> None:
    # Attributes, two deltas, a key of one byte, no value, no headers: seven bytes, their number in front.
    record = bytes([14, 0, 0, 0, 2, ord("k"), 1, 0])
    batch = bytearray(write_batch(bodies_of([b"k"]), bodies_of([b""]), np.zeros(1, np.int64), 0))
    assert bytes(batch[-8:]) == bytes([14, 0, 0, 0, 2, ord("k"), 0, 0])
    batch[-8:] = record
    put_producer(batch, 7, 1, 0)
    assert records_of(columns_of(read_batches(bytes(batch), 0))) == [(b"k", None)]


def test_records_that_cannot_be_read_are_named_by_their_place() -> None:
    batch = bytearray(write_batch(None, bodies_of([b"value"]), np.zeros(1, np.int64), 12))
    batch[61] = 0x7F  # longer than what is there
    put_producer(batch, 7, 1, 0)
    with pytest.raises(UnreadableRecords, match="offset 12"):
        columns_of(read_batches(bytes(batch), 12))


def test_an_aborted_transaction_leaves_no_columns_but_moves_on() -> None:
    batch = bytearray(write_batch(None, bodies_of([b"never"] * 3), np.zeros(3, np.int64), 4))
    put_producer(batch, 9, 0, 0, transactional=True)
    found = read("t", 0, bytes(batch), 4, [(9, 4)])
    assert found.fetch is not None
    assert (found.end, records_of(columns_of(found.fetch))) == (7, [])


@given(st.lists(KEYS, max_size=80))
def test_the_last_record_of_each_key_is_marked(keys: list[bytes]) -> None:
    assert newest(bodies_of(keys)).tolist() == [key not in keys[i + 1 :] for i, key in enumerate(keys)]


@given(st.lists(RECORDS, max_size=6), st.booleans())
def test_what_is_held_is_what_compaction_would_leave(parts: list[Records], compacting: bool) -> None:
    held = Held(few_bytes=0 if compacting else 1 << 20)
    wanted: dict[bytes, bytes] = {}
    for part in parts:
        held.add(columns(part))
        for key, value in part:
            wanted.pop(key, None)
            if value is not None:
                wanted[key] = value
    found: dict[bytes, bytes] = {}
    for keys, values in held.stored():
        for i in range(len(keys.offsets) - 1):
            found.pop(keys.message(i), None)
            found[keys.message(i)] = values.message(i)
    assert list(found.items()) == list(wanted.items())
    assert list(held.stored()) == []


def test_a_standby_that_reads_along_holds_no_more_than_twice_what_stands() -> None:
    held = Held(few_bytes=0)
    rows = columns([(b"customer %d" % number, b"r" * 300) for number in range(100)])
    for _ in range(50):
        held.add(rows)
        assert held.nbytes <= 3 * 100 * 311
