"""Keys and values of a fetch as columns, and which of several records of a key is the newest. Compiled."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.hashing import xxh64
from processors.words import copy_bytes
from schemas.bodies import Bodies
from schemas.reasons import OK
from streams.log.batches import SPAN_BASE_OFFSET, SPAN_COUNT, SPAN_REASON, SPAN_START, SPAN_STOP, Fetch
from streams.log.records import HEAD_CELLS, HEAD_KEY, HEAD_KEY_SIZE, HEAD_NEXT, HEAD_VALUE, HEAD_VALUE_SIZE, next_record

_SEED: Final = np.uint64(0)

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class UnreadableRecords(ValueError):
    """Records of a topic that nobody but us writes, and that can't be read; says where they stand."""


class Columns(NamedTuple):
    """Records in the order of their log. ``deleted`` (bool, n): those that delete their key; their values are empty."""

    keys: Bodies
    values: Bodies
    deleted: npt.NDArray[np.bool_]


@compiled_leaf
def _copy_records(
    buffer: Bytes,
    start: int,
    stop: int,
    at: int,
    keys: Bytes,
    key_ends: Numbers,
    values: Bytes,
    ends: Numbers,
    deleted: npt.NDArray[np.bool_],
    head: Numbers,
) -> int:
    """Copy the records in [start, stop) behind the ``at`` that are there; their number then, below zero: a bad one."""
    while start < stop and at < deleted.size:
        if next_record(buffer, start, stop, head) != OK:
            return -1
        key_size, size = max(head[HEAD_KEY_SIZE], np.int64(0)), max(head[HEAD_VALUE_SIZE], np.int64(0))
        key_ends[at + 1] = copy_bytes(buffer, head[HEAD_KEY], key_size, keys, key_ends[at])
        ends[at + 1] = copy_bytes(buffer, head[HEAD_VALUE], size, values, ends[at])
        deleted[at] = head[HEAD_VALUE_SIZE] < 0
        start = head[HEAD_NEXT]
        at += 1
    return int(at) if start >= stop else -1


def columns_of(fetch: Fetch) -> Columns:
    """The records of a fetch, those before what was wanted included. Raises UnreadableRecords.

    A null key comes out empty. What belongs to no record (control batches, aborted transactions) is gone by now.
    """
    count = int(fetch.spans[:, SPAN_COUNT].sum())
    most = int((fetch.spans[:, SPAN_STOP] - fetch.spans[:, SPAN_START]).sum())
    keys, values = np.empty(most, np.uint8), np.empty(most, np.uint8)
    key_ends, ends, deleted = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64), np.zeros(count, np.bool_)
    out = (keys, key_ends, values, ends, deleted, np.zeros(HEAD_CELLS, np.int64))
    at = 0
    for span in fetch.spans:
        start, stop = int(span[SPAN_START]), int(span[SPAN_STOP])
        at = _copy_records(fetch.buffer, start, stop, at, *out) if span[SPAN_REASON] == OK else -1
        if at < 0:
            raise UnreadableRecords(
                f"the batch at offset {int(span[SPAN_BASE_OFFSET])} holds records that can't be read"
            )
    if at != count:
        raise UnreadableRecords(f"{count} records were announced, and {at} found, from offset {fetch.wanted} on")
    # Copies: a view would keep all of the room that either might have needed.
    return Columns(Bodies(keys[: key_ends[-1]].copy(), key_ends), Bodies(values[: ends[-1]].copy(), ends), deleted)


@compiled_leaf
def _newest(keys: Bytes, offsets: Numbers, slots: Numbers, last: npt.NDArray[np.bool_]) -> None:
    """Mark the last record of each key. ``slots``: all -1, a power of two of them, more than keys."""
    mask = np.uint64(slots.size - 1)
    for i in range(last.size - 1, -1, -1):
        start, size = offsets[i], offsets[i + 1] - offsets[i]
        slot = np.uint64(xxh64(keys, start, offsets[i + 1], _SEED)) & mask
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = i
                last[i] = True
                break
            begins, same = offsets[other], offsets[other + 1] - offsets[other] == size
            k = 0
            while same and k < size:
                same = keys[begins + k] == keys[start + k]
                k += 1
            if same:
                break
            slot = (slot + np.uint64(1)) & mask


def newest(keys: Bodies) -> npt.NDArray[np.bool_]:
    """Of each record whether it is the last one of its key. Keys are compared in full."""
    count = len(keys.offsets) - 1
    last = np.zeros(count, np.bool_)
    slots = np.full(1 << (2 * count + 1).bit_length(), -1, np.int64)
    _newest(keys.buffer, np.ascontiguousarray(keys.offsets), slots, last)
    return last
