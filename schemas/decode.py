"""The compiled decoder: runs the program of a plan over the Avro body of one record.

Source: Avro specification 1.12, "Binary encoding". Every byte is checked, those of skipped fields too: bodies that
pass go on unchanged, inside Avro containers, to readers that stop at the first malformed record.
Positions are never negative, so the functions here return the next position or, negated, a reason code.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import byte_at, half_word_at, word_at
from schemas.plan import (
    CELLS,
    NO_NULL,
    OP_BLOCKS,
    OP_BOOLEAN,
    OP_BYTES,
    OP_DOUBLE,
    OP_ENUM,
    OP_FIXED,
    OP_FLOAT,
    OP_INT,
    OP_JUMP,
    OP_NULL,
    OP_RECORD,
    OP_STOP,
    OP_STRING,
    OP_UNION,
    SKIP,
)
from schemas.reasons import (
    BAD_BLOCK,
    BAD_BOOLEAN,
    BAD_ENUM,
    BAD_INT,
    BAD_LENGTH,
    BAD_UNION,
    BAD_UTF8,
    OK,
    TRAILING_BYTES,
    TRUNCATED,
)
from schemas.utf8 import is_utf8
from schemas.varint import read_long

ABSENT: Final = -1
"""Second cell of a slot without a value."""


@compiled_inline
def _fixed_width(
    buffer: npt.NDArray[np.uint8], at: np.int64, stop: np.int64, code: np.int64, size: np.int64
) -> tuple[np.int64, np.int64, np.int64]:
    room = stop - at
    if code == OP_NULL:
        return np.int64(0), np.int64(ABSENT), at
    if code == OP_FIXED and room >= size:
        return at, size, at + size
    if code == OP_DOUBLE and room >= 8:
        return word_at(buffer, at), np.int64(0), at + 8
    if code == OP_FLOAT and room >= 4:
        single = np.uint32(half_word_at(buffer, at)).view(np.float32)
        return np.float64(single).view(np.int64), np.int64(0), at + 4
    if code == OP_BOOLEAN and room >= 1:
        truth = byte_at(buffer, at)
        return truth, np.int64(0), at + 1 if truth <= 1 else np.int64(-BAD_BOOLEAN)
    return np.int64(0), np.int64(ABSENT), np.int64(-TRUNCATED)


@compiled_inline
def _value(
    buffer: npt.NDArray[np.uint8], at: np.int64, stop: np.int64, code: np.int64, size: np.int64
) -> tuple[np.int64, np.int64, np.int64]:
    """Two cells of the leaf value at ``at``, and the position after it. ``size``: of a fixed, or symbols of an enum."""
    if code > OP_BYTES or code == OP_NULL:
        return _fixed_width(buffer, at, stop, code, size)
    value, after = read_long(buffer, at, stop)
    if after < 0:
        return value, np.int64(ABSENT), after
    if code >= OP_STRING:
        if value < 0 or value > stop - after:
            return value, np.int64(ABSENT), np.int64(-BAD_LENGTH)
        if code == OP_STRING and not is_utf8(buffer, after, after + value):
            return value, np.int64(ABSENT), np.int64(-BAD_UTF8)
        return after, value, after + value
    if code == OP_INT and (value < -(1 << 31) or value >= 1 << 31):
        return value, np.int64(ABSENT), np.int64(-BAD_INT)
    if code == OP_ENUM and (value < 0 or value >= size):
        return value, np.int64(ABSENT), np.int64(-BAD_ENUM)
    return value, np.int64(0), after


@compiled_leaf
def next_block(
    buffer: npt.NDArray[np.uint8], at: np.int64, stop: np.int64, end: np.int64
) -> tuple[np.int64, np.int64, np.int64]:
    """Head of a block of an array or map: number of items, where it must end (-1: unsaid), position of the first item.

    ``end`` is where the block before had to end. An item takes a byte at least (plans refuse smaller ones), which
    bounds the count.
    """
    unsaid = np.int64(-1)
    if end >= 0 and at != end:
        return np.int64(0), unsaid, np.int64(-BAD_BLOCK)
    count, after = read_long(buffer, at, stop)
    if after < 0:
        return np.int64(0), unsaid, after
    if count >= 0:
        return count, unsaid, after if count <= stop - after else np.int64(-BAD_BLOCK)
    if count < after - stop:
        return np.int64(0), unsaid, np.int64(-BAD_BLOCK)
    size, first = read_long(buffer, after, stop)
    if first < 0:
        return np.int64(0), unsaid, first
    if size < 0 or size > stop - first:
        return np.int64(0), unsaid, np.int64(-BAD_BLOCK)
    return -count, first + size, first


@compiled_leaf
def _branch(
    buffer: npt.NDArray[np.uint8], at: np.int64, stop: np.int64, ops: npt.NDArray[np.int32], pc: np.int64
) -> tuple[np.int64, np.int64]:
    """Program position of the branch that a union of any shape chose, and the position after the choice."""
    choice, after = read_long(buffer, at, stop)
    if after < 0:
        return pc, after
    if choice < 0 or choice >= ops[pc + 1]:
        return pc, np.int64(-BAD_UNION)
    return pc + np.int64(ops[pc + CELLS + choice]), after


@compiled_inline
def _absence(buffer: npt.NDArray[np.uint8], at: np.int64, stop: np.int64, null: np.int64) -> tuple[bool, np.int64]:
    """Whether nothing is to be read of a value that may be null (a malformed choice too), and the position after."""
    if null == NO_NULL:
        return False, at
    choice, after = read_long(buffer, at, stop)
    if after < 0 or choice == null:
        return True, after
    if choice == 1 - null:
        return False, after
    return True, np.int64(-BAD_UNION)


@compiled_leaf
def run_program(
    buffer: npt.NDArray[np.uint8],
    at: np.int64,
    stop: np.int64,
    ops: npt.NDArray[np.int32],
    pc: np.int64,
    out: npt.NDArray[np.int64],
) -> np.int64:
    """Run the program at ``pc`` until its STOP. Calls itself for items of arrays and maps, as deep as the schema is."""
    while at >= 0:
        code, argument = np.int64(ops[pc]), np.int64(ops[pc + 3])
        if code == OP_STOP:
            return at
        if code == OP_JUMP:
            pc += argument
            continue
        if code == OP_UNION:
            pc, at = _branch(buffer, at, stop, ops, pc)
            continue
        step = argument if code >= OP_BLOCKS else np.int64(CELLS)
        absent, at = _absence(buffer, at, stop, np.int64(ops[pc + 2]))
        if absent:
            pc += step
            continue
        if code < OP_BLOCKS:
            first, second, at = _value(buffer, at, stop, code, argument)
        else:
            first = at
            if code == OP_RECORD:
                at = run_program(buffer, at, stop, ops, pc + CELLS, out)
            else:
                count, end, at = next_block(buffer, at, stop, np.int64(-1))
                while at >= 0 and count > 0:
                    at = run_program(buffer, at, stop, ops, pc + CELLS, out)
                    count -= 1
                    if count == 0 and at >= 0:
                        count, end, at = next_block(buffer, at, stop, end)
            second = at - first
        slot = ops[pc + 1]
        if slot != SKIP and at >= 0:
            out[slot, 0] = first
            out[slot, 1] = second
        pc += step
    return at


@compiled_inline
def decode(
    buffer: npt.NDArray[np.uint8],
    start: int,
    stop: int,
    ops: npt.NDArray[np.int32],
    pc: int,
    out: npt.NDArray[np.int64],
) -> int:
    """Decode the Avro body ``buffer[start:stop]`` by the program at ``ops[pc]``; returns OK or a reason code.

    ``out`` (slots, 2) is filled anew: strings, bytes and fixed as (start in buffer, length in bytes); integers, enums
    and booleans as (value, 0); floats and doubles as (bits of the double, 0); nulls and what the writer lacks as
    (0, NULL); arrays, maps and records as (start, length) of their Avro bytes. After a reason code it holds what was
    read until then. Nothing outside of [start, stop) is read, whatever the bytes are; [start, stop) must lie in the
    buffer.
    """
    for slot in range(out.shape[0]):
        out[slot, 0] = 0
        out[slot, 1] = ABSENT
    at = run_program(buffer, np.int64(start), np.int64(stop), ops, np.int64(pc), out)
    if at < 0:
        return -int(at)
    return OK if at == stop else TRAILING_BYTES
