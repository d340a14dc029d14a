"""Compressed record batches hold the same records, for our readers and for a Kafka client's."""

from typing import Any

import numpy as np
import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import bodies_of
from streams.log.batches import read_batches, write_batch
from streams.log.compression import compressed

RECORDS_AT = 61


def batch_of(bodies: list[bytes], base_offset: int) -> bytes:
    return write_batch(bodies_of([b"k"] * len(bodies)), bodies_of(bodies), np.arange(len(bodies)) + 7, base_offset)


def told(batch: bytes) -> list[tuple[Any, ...]]:
    """What a Kafka client reads, its checksum included."""
    records = MemoryRecords(batch).next_batch()
    assert records is not None
    assert records.validate_crc()
    return [(record.offset, record.timestamp, record.key, record.value) for record in records]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=30), st.integers(0, 2**40))
def test_the_same_records_come_back(bodies: list[bytes], base_offset: int) -> None:
    batch = batch_of(bodies, base_offset)
    short = compressed(batch)
    assert len(short) <= len(batch)
    assert told(short) == told(batch)
    ours, plain = read_batches(short, base_offset), read_batches(batch, base_offset)
    assert ours.end == plain.end
    ((start, stop, *rest),), ((first, last, *others),) = ours.spans.tolist(), plain.spans.tolist()
    assert ours.buffer[start:stop].tobytes() == plain.buffer[first:last].tobytes()
    assert rest == others


@pytest.mark.parametrize(("body", "shorter"), [(b"x", False), (b"the same words again and again " * 50, True)])
def test_what_would_grow_stays_as_it_is(body: bytes, *, shorter: bool) -> None:
    batch = batch_of([body], 0)
    assert (len(compressed(batch)) < len(batch)) == shorter
    assert compressed(batch) is batch or shorter
