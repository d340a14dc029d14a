"""Malformed records in batches of the right checksum: each is a reject, and the others go on."""

from typing import Final

import numpy as np
import pytest
from support.messages import START, Message, batch, raw_batch, record, touchpoint, varint
from support.shell import Refusal, applied, new_partition, refusals_of, rows_of

from processors.row.layout import NONE
from streams.log.batches import read_batches

pytestmark = pytest.mark.usefixtures("hot_rows")

SMALL: Final = Message(touchpoint("good", "ann", START))
BAD_FRAMES: Final = [
    varint(3) + b"\0\0\xff",  # the offset delta goes on beyond the record
    varint(1) + b"\0",
    varint(7) + b"\0\0" + varint(1) + varint(99) + b"\1\0",  # a key longer than the record
    varint(6) + b"\0\0" + varint(1) + b"\1" + varint(-2) + b"\0",
    record(SMALL, -1),
    record(SMALL, 0),  # the offset of the one before
    record(SMALL, 4),  # beyond the batch
    record(SMALL, 2**62),
    record(SMALL, -(2**63)),
    record(SMALL, 2**63 - 1),
]


@pytest.mark.parametrize("bad", BAD_FRAMES)
def test_a_malformed_record_in_a_batch_of_the_right_checksum_stops_nothing(bad: bytes) -> None:
    good = [record(Message(touchpoint(f"{i}", f"c{i}", START)), i) for i in (0, 2, 3)]
    partition = new_partition()
    data = raw_batch(good[0] + bad + good[1] + good[2], 4, 0) + batch([Message(touchpoint("4", "c4", START))], 4)
    fetch = read_batches(data, 0)
    came = applied(partition, fetch)
    assert refusals_of(came) == [Refusal(1, "bad_record", NONE, bad)]
    assert set(rows_of(partition)) == {b"c0", b"c2", b"c3", b"c4"}
    assert partition.rows(np.arange(4)).offset.tolist() == [0, 2, 3, 4]
    assert came.next_offset == 5
    assert applied(partition, fetch).counts["rejected"] == 0


@pytest.mark.parametrize("length", [varint(-1), varint(0), varint(2**40), b"\xff" * 11])
def test_beyond_a_length_that_can_not_be_trusted_the_rest_of_the_batch_is_one_reject(length: bytes) -> None:
    good = [record(Message(touchpoint(f"{i}", f"c{i}", START)), i) for i in (0, 2)]
    partition = new_partition()
    data = raw_batch(good[0] + length + good[1], 3, 0) + batch([Message(touchpoint("3", "c3", START))], 3)
    came = applied(partition, read_batches(data, 0))
    assert refusals_of(came) == [Refusal(1, "bad_record", NONE, length + good[1])]
    assert set(rows_of(partition)) == {b"c0", b"c3"}
    assert came.next_offset == 4


def test_records_that_a_batch_announces_and_does_not_hold_are_a_reject() -> None:
    partition = new_partition()
    came = applied(partition, read_batches(raw_batch(record(SMALL, 0), 5, 0), 0))
    assert refusals_of(came) == [Refusal(1, "bad_record", NONE, b"")]
    assert (came.counts["accepted"], came.next_offset) == (1, 5)


@pytest.mark.parametrize(("tiny", "reason"), [(b"\2\0", "bad_record"), (b"\x0a\0\0%b\1\1", "no_value")])
def test_a_batch_full_of_the_smallest_records_is_a_batch_full_of_rejects(tiny: bytes, reason: str) -> None:
    records = [tiny.replace(b"%b", varint(i)) if b"%b" in tiny else tiny for i in range(64)]
    fetch = read_batches(raw_batch(b"".join(records), len(records), 0), 0)
    assert [refusal[:2] for refusal in refusals_of(applied(new_partition(), fetch))] == [(i, reason) for i in range(64)]
