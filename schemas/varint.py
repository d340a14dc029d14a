"""Variable-length zig-zag integers, as Avro and Kafka's record format share them, compiled.

Source: Avro specification 1.12, "Primitive types" of the binary encoding; the encoding is that of Protocol Buffers.
Positions are never negative, so a reader returns the next position or, negated, a reason code.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at
from schemas.reasons import BAD_VARINT, TRUNCATED

VARINT_BYTES: Final = 10
_LOW_63_BITS: Final = 0x7FFF_FFFF_FFFF_FFFF


@compiled_leaf
def _read_longer(buffer: npt.NDArray[np.uint8], at: Int, stop: Int) -> tuple[np.int64, np.int64]:
    raw = np.int64(0)
    for i in range(VARINT_BYTES):
        if at + i >= stop:
            return np.int64(0), np.int64(-TRUNCATED)
        byte = byte_at(buffer, at + i)
        if i == VARINT_BYTES - 1 and byte > 1:
            break
        raw |= (byte & np.int64(127)) << np.int64(7 * i)
        if byte < 128:
            return ((raw >> np.int64(1)) & np.int64(_LOW_63_BITS)) ^ -(raw & np.int64(1)), np.int64(at + i + 1)
    return np.int64(0), np.int64(-BAD_VARINT)


@compiled_inline
def read_long(buffer: npt.NDArray[np.uint8], at: Int, stop: Int) -> tuple[np.int64, np.int64]:
    """The integer at ``buffer[at:stop]`` and the position after it; that is a negated reason code on failure.

    Padded encodings of up to ten bytes are read, as every other reader of Avro does.
    """
    if at >= stop:
        return np.int64(0), np.int64(-TRUNCATED)
    byte = byte_at(buffer, at)
    if byte < 128:
        return (byte >> np.int64(1)) ^ -(byte & np.int64(1)), np.int64(at + 1)
    return _read_longer(buffer, at, stop)


@compiled_inline
def long_size(value: Int) -> np.int64:
    """How many bytes ``write_long`` needs."""
    folded = np.int64(value) ^ (np.int64(value) >> np.int64(63))
    size = 1
    while folded > 63:
        folded >>= np.int64(7)
        size += 1
    return np.int64(size)


@compiled_inline
def write_long(out: npt.NDArray[np.uint8], at: Int, value: Int) -> np.int64:
    """Write ``value`` at ``out[at]`` and return the position after it. The caller has made room."""
    wide = np.int64(value)
    raw = (wide << np.int64(1)) ^ (wide >> np.int64(63))
    while raw < 0 or raw > 127:
        out[np.uint64(at)] = np.uint8((raw & np.int64(127)) | np.int64(128))
        raw = (raw >> np.int64(7)) & np.int64(_LOW_63_BITS >> 6)
        at += 1
    out[np.uint64(at)] = np.uint8(raw)
    return np.int64(at + 1)
