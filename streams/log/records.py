"""The records section of a batch, compiled: a cursor that reads records, and a writer of columns.

Source: Apache Kafka documentation, "Record" under "Message format" (format v2): length, attributes, timestamp delta,
offset delta, key, value, headers; all integers but the attributes are zig-zag varints, a length of -1 means null.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, copy_bytes
from schemas.reasons import BAD_RECORD, OK
from schemas.varint import long_size, read_long, write_long

HEAD_TIME: Final = 0
HEAD_OFFSET: Final = 1
HEAD_KEY: Final = 2
HEAD_KEY_SIZE: Final = 3
HEAD_VALUE: Final = 4
HEAD_VALUE_SIZE: Final = 5
HEAD_NEXT: Final = 6
HEAD_CELLS: Final = 7

_ATTRIBUTES_SIZE: Final = 1
_NO_HEADERS_SIZE: Final = 1


@compiled_inline
def _slice(buffer: npt.NDArray[np.uint8], at: Int, stop: Int) -> tuple[np.int64, np.int64, np.int64]:
    """Start and size (-1: null) of a key or value, and the position after it, negative when it's malformed."""
    size, start = read_long(buffer, at, stop)
    if start < 0:
        return np.int64(0), np.int64(-1), np.int64(-1)
    if size == -1:
        return start, np.int64(-1), start
    if size < 0 or size > stop - start:
        return np.int64(0), np.int64(-1), np.int64(-1)
    return start, size, start + size


@compiled_inline
def next_record(buffer: npt.NDArray[np.uint8], at: int, stop: int, head: npt.NDArray[np.int64]) -> int:
    """Read the frame of the record at ``at`` into ``head``; returns OK or BAD_RECORD.

    ``head``: timestamp delta, offset delta, start and size of the key (size -1: null), start and size of the value,
    position of the next record. Headers are stepped over by the record's own length. Nothing outside of [at, stop) is
    read. Of a bad record the next position is valid (``stop`` when its length can't be trusted), the offset delta is -1
    if it couldn't be read, and nothing else means anything.
    """
    head[HEAD_OFFSET] = -1
    head[HEAD_NEXT] = stop
    size, start = read_long(buffer, at, stop)
    if start < 0 or size < _ATTRIBUTES_SIZE or size > stop - start:
        return BAD_RECORD
    end = start + size
    head[HEAD_NEXT] = end
    head[HEAD_TIME], after = read_long(buffer, start + _ATTRIBUTES_SIZE, end)
    if after < 0:
        return BAD_RECORD
    offset_delta, after = read_long(buffer, after, end)
    if after < 0 or offset_delta < 0:
        return BAD_RECORD
    head[HEAD_OFFSET] = offset_delta
    head[HEAD_KEY], head[HEAD_KEY_SIZE], after = _slice(buffer, after, end)
    if after < 0:
        return BAD_RECORD
    head[HEAD_VALUE], head[HEAD_VALUE_SIZE], after = _slice(buffer, after, end)
    return OK if after >= 0 else BAD_RECORD


@compiled_inline
def _body_size(key_size: Int, value_size: Int, time_delta: Int, offset_delta: Int) -> np.int64:
    size = _ATTRIBUTES_SIZE + _NO_HEADERS_SIZE + long_size(time_delta) + long_size(offset_delta)
    size += long_size(key_size) + max(np.int64(key_size), np.int64(0))
    return np.int64(size + long_size(value_size) + value_size)


@compiled_leaf
def records_size(
    key_offsets: npt.NDArray[np.int64],
    null_keys: npt.NDArray[np.bool_],
    value_offsets: npt.NDArray[np.int64],
    time_deltas: npt.NDArray[np.int64],
) -> int:
    """Bytes that ``write_records`` is going to write."""
    total = np.int64(0)
    for i in range(time_deltas.size):
        key_size = np.int64(-1) if null_keys[i] else key_offsets[i + 1] - key_offsets[i]
        size = _body_size(key_size, value_offsets[i + 1] - value_offsets[i], time_deltas[i], i)
        total += long_size(size) + size
    return int(total)


@compiled_leaf
def write_records(
    keys: npt.NDArray[np.uint8],
    key_offsets: npt.NDArray[np.int64],
    null_keys: npt.NDArray[np.bool_],
    values: npt.NDArray[np.uint8],
    value_offsets: npt.NDArray[np.int64],
    time_deltas: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint8],
    start: int,
) -> int:
    """Write one record per time delta to ``out[start:]``, with offset deltas 0, 1, 2 …; returns the position after."""
    at = np.int64(start)
    for i in range(time_deltas.size):
        key_size = np.int64(-1) if null_keys[i] else key_offsets[i + 1] - key_offsets[i]
        value_size = value_offsets[i + 1] - value_offsets[i]
        at = write_long(out, at, _body_size(key_size, value_size, time_deltas[i], i))
        out[np.uint64(at)] = 0
        at = write_long(out, at + _ATTRIBUTES_SIZE, time_deltas[i])
        at = write_long(out, at, i)
        at = write_long(out, at, key_size)
        at = copy_bytes(keys, key_offsets[i], max(key_size, np.int64(0)), out, at)
        at = write_long(out, at, value_size)
        at = copy_bytes(values, value_offsets[i], value_size, out, at)
        out[np.uint64(at)] = 0
        at += _NO_HEADERS_SIZE
    return int(at)
