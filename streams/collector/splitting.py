"""Where the values of a JSON text stand, without reading them: so one bad event does not sink its neighbours. Compiled.

Only strings and brackets are looked at. Whether a value is JSON is the parser's to say, one value at a time.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import Int, byte_at

QUOTE: Final = 0x22
BACKSLASH: Final = 0x5C
COLON: Final = 0x3A
COMMA: Final = 0x2C
OPEN_OBJECT: Final = 0x7B
CLOSE_OBJECT: Final = 0x7D
OPEN_ARRAY: Final = 0x5B
CLOSE_ARRAY: Final = 0x5D
BROKEN: Final = -1
FULL: Final = -2
"""More values than there is room for."""

MEMBER_CELLS: Final = 4
ELEMENT_CELLS: Final = 3

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


@compiled_leaf
def past_space(data: Bytes, at: Int, stop: Int) -> Int:
    """The first position that is no white space of JSON (RFC 8259, section 2)."""
    while at < stop:
        byte = byte_at(data, at)
        if byte != 0x20 and byte != 0x0A and byte != 0x0D and byte != 0x09:
            break
        at += 1
    return at


@compiled_leaf
def past_string(data: Bytes, at: Int, stop: Int) -> Int:
    """The position after the string whose quote is at ``at``; ``BROKEN`` where it does not end."""
    at += 1
    while at < stop:
        byte = byte_at(data, at)
        if byte == QUOTE:
            return at + 1
        at += 2 if byte == BACKSLASH else 1
    return BROKEN


@compiled_leaf
def _ends_a_scalar(byte: Int) -> bool:
    if byte == COMMA or byte == COLON or byte <= 0x20:  # noqa: SIM109
        return True
    return bool(byte == CLOSE_OBJECT or byte == CLOSE_ARRAY)  # noqa: SIM109 (Numba would build a tuple)


@compiled_leaf
def past_value(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int]:
    """(the position after the value at ``at``, or ``BROKEN``; how deeply it is nested, 0 for what is not)."""
    if at >= stop:
        return BROKEN, 0
    first = byte_at(data, at)
    if first == QUOTE:
        return past_string(data, at, stop), 0
    if first != OPEN_OBJECT and first != OPEN_ARRAY:
        start = at
        while at < stop:
            byte = byte_at(data, at)
            if _ends_a_scalar(byte):
                break
            at += 1
        return (at if at > start else BROKEN), 0
    depth, deepest = 0, 0
    while at < stop:
        byte = byte_at(data, at)
        if byte == QUOTE:
            at = past_string(data, at, stop)
            if at < 0:
                return BROKEN, deepest
            continue
        if byte == OPEN_OBJECT or byte == OPEN_ARRAY:  # noqa: SIM109 (Numba would build a tuple)
            depth += 1
            deepest = max(deepest, depth)
        elif byte == CLOSE_OBJECT or byte == CLOSE_ARRAY:  # noqa: SIM109
            depth -= 1
            if depth == 0:
                return at + 1, deepest
        at += 1
    return BROKEN, deepest


@compiled_leaf
def members(data: Bytes, start: int, stop: int, out: Places) -> int:
    """The members of the object in [start, stop), which has nothing around it but white space.

    Row i of ``out``: start and stop of name i (its quotes included) and of its value. Returns how many, ``BROKEN``,
    ``FULL``.
    """
    at = past_space(data, start, stop)
    if at >= stop or byte_at(data, at) != OPEN_OBJECT:
        return BROKEN
    at = past_space(data, at + 1, stop)
    count = 0
    if at < stop and byte_at(data, at) == CLOSE_OBJECT:
        return count if past_space(data, at + 1, stop) == stop else BROKEN
    while True:
        if at >= stop or byte_at(data, at) != QUOTE:
            return BROKEN
        if count == out.shape[0]:
            return FULL
        out[count, 0] = at
        at = past_string(data, at, stop)
        if at < 0:
            return BROKEN
        out[count, 1] = at
        at = past_space(data, at, stop)
        if at >= stop or byte_at(data, at) != COLON:
            return BROKEN
        at = past_space(data, at + 1, stop)
        out[count, 2] = at
        at, _ = past_value(data, at, stop)
        if at < 0:
            return BROKEN
        out[count, 3] = at
        count += 1
        at = past_space(data, at, stop)
        if at >= stop:
            return BROKEN
        byte = byte_at(data, at)
        if byte == CLOSE_OBJECT:
            return count if past_space(data, at + 1, stop) == stop else BROKEN
        if byte != COMMA:
            return BROKEN
        at = past_space(data, at + 1, stop)


@compiled_leaf
def elements(data: Bytes, start: int, stop: int, out: Places) -> int:
    """The elements of the array in [start, stop), which has nothing around it but white space.

    Row i of ``out``: start and stop of element i, and how deeply it is nested. Returns how many, ``BROKEN``, ``FULL``.
    """
    at = past_space(data, start, stop)
    if at >= stop or byte_at(data, at) != OPEN_ARRAY:
        return BROKEN
    at = past_space(data, at + 1, stop)
    count = 0
    if at < stop and byte_at(data, at) == CLOSE_ARRAY:
        return count if past_space(data, at + 1, stop) == stop else BROKEN
    while True:
        if count == out.shape[0]:
            return FULL
        out[count, 0] = at
        at, depth = past_value(data, at, stop)
        if at < 0:
            return BROKEN
        out[count, 1] = at
        out[count, 2] = depth
        count += 1
        at = past_space(data, at, stop)
        if at >= stop:
            return BROKEN
        byte = byte_at(data, at)
        if byte == CLOSE_ARRAY:
            return count if past_space(data, at + 1, stop) == stop else BROKEN
        if byte != COMMA:
            return BROKEN
        at = past_space(data, at + 1, stop)
