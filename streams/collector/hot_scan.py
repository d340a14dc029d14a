"""A strict reader of JSON's common form, for the fast way of an event. Compiled.

What it takes is JSON, and means what a parser makes of it. What it does not take may be JSON all the same: escapes in
strings, numbers that are written otherwise than they are printed, a name that stands twice in an object. Then it says
``DECLINED``, and the event goes the slow way.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at, word_at
from streams.collector.splitting import (
    BACKSLASH,
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    past_space,
)

DECLINED: Final = -1
PADDING: Final = 16
"""Bytes of room behind the text: names are compared by words."""

TEXT: Final = 1
NUMBER: Final = 2
TRUE: Final = 3
FALSE: Final = 4
NULL: Final = 5
OBJECT: Final = 6
ARRAY: Final = 7

NAME: Final = 0
NAME_SIZE: Final = 1
NAME_HEAD: Final = 2
NAME_TAIL: Final = 3
VALUE: Final = 4
VALUE_STOP: Final = 5
TYPE: Final = 6
PARENT: Final = 7
SCAN_CELLS: Final = 8
"""Of a member: where its name stands, how long it is, its first and last eight bytes, its value (of a text what stands
between the quotes), the type of that, and the number of the member that it is in, -1 for none."""

MOST_MEMBERS: Final = 64
MOST_NESTED: Final = 8
MOST_NAMES: Final = 32
_MOST_WHOLE: Final = 18
_MOST_DIGITS: Final = 15
_T, _F, _N = 0x74, 0x66, 0x6E
_TRUE, _ALSE, _NULL = 0x65757274, 0x65736C61, 0x6C6C756E

_SEVEN_BYTES: Final = 0x00FFFFFFFFFFFFFF
_LOW_BITS: Final = 0x007F7F7F7F7F7F7F
_HIGH_BITS: Final = 0x0080808080808080
_QUOTES: Final = 0x0022222222222222
_SLASHES: Final = 0x005C5C5C5C5C5C5C
_HIGH_THREE: Final = 0x00E0E0E0E0E0E0E0

MASKS: Final = np.array([(1 << (8 * size)) - 1 for size in range(8)], np.int64)
MASKS.flags.writeable = False

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


@compiled_inline
def text_end(data: Bytes, at: Int, stop: Int) -> Int:
    """The closing quote of the string whose text begins at ``at``; DECLINED where it has an escape, or no end.

    Seven bytes at a time are looked at as one word, so that sums of theirs never pass into the sign: a byte of ``x`` is
    zero where ``(x & 0x7f) + 0x7f | x`` has no high bit (H. S. Warren, "Hacker's Delight", 6-1).
    """
    while at + 8 <= stop:
        word = word_at(data, at) & _SEVEN_BYTES
        quotes, slashes, high = word ^ _QUOTES, word ^ _SLASHES, word & _HIGH_THREE
        none = ((quotes & _LOW_BITS) + _LOW_BITS) | quotes
        none &= ((slashes & _LOW_BITS) + _LOW_BITS) | slashes
        none &= ((high & _LOW_BITS) + _LOW_BITS) | high
        if none & _HIGH_BITS != _HIGH_BITS:
            break
        at += 7
    while at < stop:
        byte = byte_at(data, at)
        if byte == QUOTE:
            return at
        if byte < 0x20 or byte == BACKSLASH:
            return DECLINED
        at += 1
    return DECLINED


@compiled_leaf
def number_end(data: Bytes, at: Int, stop: Int) -> Int:
    """The end of a number that stands as Python and JSON print it: no exponent, no zero at the end of decimals."""
    if byte_at(data, at) == 45:
        at += 1
    first = at
    while at < stop and 48 <= byte_at(data, at) <= 57:
        at += 1
    whole = at - first
    if whole == 0 or whole > _MOST_WHOLE or at >= stop or (whole > 1 and byte_at(data, first) == 48):
        return DECLINED
    byte = byte_at(data, at)
    if byte == 46:
        at += 1
        point = at
        while at < stop and 48 <= byte_at(data, at) <= 57:
            at += 1
        decimals = at - point
        if decimals == 0 or whole + decimals > _MOST_DIGITS or byte_at(data, at - 1) == 48 or at >= stop:
            return DECLINED
        if byte_at(data, first) == 48:
            # Less than 0.0001 is printed with an exponent.
            some = False
            for i in range(point, min(at, point + 4)):
                some = bool(some or byte_at(data, i) != 48)
            if not some:
                return DECLINED
        byte = byte_at(data, at)
    elif byte_at(data, first) == 48 and byte_at(data, first - 1) == 45:
        return DECLINED
    if byte == 69 or byte == 101 or byte == 46:
        return DECLINED
    return at


@compiled_leaf
def _literal(data: Bytes, at: Int, stop: Int) -> tuple[Int, int]:
    """(end, type) of true, false or null."""
    first = byte_at(data, at)
    if first == _T and stop - at >= 4 and (word_at(data, at) & 0xFFFFFFFF) == _TRUE:
        return at + 4, TRUE
    if first == _N and stop - at >= 4 and (word_at(data, at) & 0xFFFFFFFF) == _NULL:
        return at + 4, NULL
    if first == _F and stop - at >= 5 and (word_at(data, at + 1) & 0xFFFFFFFF) == _ALSE:
        return at + 5, FALSE
    return DECLINED, 0


@compiled_leaf
def compact_end(data: Bytes, at: Int, stop: Int, names: Places, levels: Places) -> Int:  # noqa: C901 (one pass)
    """The end of an object or a list that stands as it would be printed: no space, no escape, no name twice.

    ``names`` (32, 3) and ``levels`` (8) are room.
    """
    depth, objects, count = 0, 0, 0
    begins = True
    while at < stop:
        byte = byte_at(data, at)
        if byte == CLOSE_OBJECT or byte == CLOSE_ARRAY:  # noqa: SIM109 (Numba would build a tuple)
            # A level is the number of its object, 0 of a list.
            if depth == 0 or (byte == CLOSE_OBJECT) != (levels[depth - 1] != 0):
                return DECLINED
            depth -= 1
            at += 1
            begins = False
            if depth == 0:
                return at
            continue
        if depth > 0:
            if not begins:
                if byte != COMMA:
                    return DECLINED
                at += 1
            if at >= stop:
                return DECLINED
            if levels[depth - 1] != 0:
                if byte_at(data, at) != QUOTE or count == MOST_NAMES:
                    return DECLINED
                end = text_end(data, at + 1, stop)
                if end < 0 or end + 1 >= stop or byte_at(data, end + 1) != COLON:
                    return DECLINED
                names[count, 0] = levels[depth - 1]
                _identify(data, at + 1, end - at - 1, names, count, 1)
                for i in range(count):
                    same = names[i, 0] == names[count, 0] and names[i, 1] == names[count, 1]
                    if same and names[i, 2] == names[count, 2]:
                        return DECLINED
                count += 1
                at = end + 2
            if at >= stop:
                return DECLINED
            byte = byte_at(data, at)
        begins = False
        if byte == OPEN_OBJECT or byte == OPEN_ARRAY:  # noqa: SIM109
            if depth == MOST_NESTED:
                return DECLINED
            objects += 1
            levels[depth] = objects if byte == OPEN_OBJECT else 0
            depth += 1
            at += 1
            begins = True
            continue
        if depth == 0:
            return DECLINED
        if byte == QUOTE:
            end = text_end(data, at + 1, stop)
            at = end + 1 if end >= 0 else DECLINED
        elif byte == 45 or 48 <= byte <= 57:
            at = number_end(data, at, stop)
        else:
            at, _ = _literal(data, at, stop)
        if at < 0:
            return DECLINED
    return DECLINED


@compiled_inline
def _identify(data: Bytes, start: Int, size: Int, table: Places, k: int, cell: int) -> None:
    """First and last eight bytes of a name into two cells; the length is in the first where it is short."""
    if size < 8:
        table[k, cell] = (word_at(data, start) & MASKS[size]) | (np.int64(size) << np.int64(56))
        table[k, cell + 1] = 0
    else:
        table[k, cell] = word_at(data, start)
        table[k, cell + 1] = word_at(data, start + size - 8) ^ np.int64(size)


@compiled_leaf
def value_end(data: Bytes, at: Int, stop: Int, table: Places, k: int, names: Places, levels: Places) -> Int:
    """The end of the value at ``at``, told in row ``k``; DECLINED."""
    if at >= stop:
        return DECLINED
    byte = byte_at(data, at)
    table[k, VALUE] = at
    if byte == QUOTE:
        end = text_end(data, at + 1, stop)
        table[k, VALUE], table[k, VALUE_STOP], table[k, TYPE] = at + 1, end, TEXT
        return end + 1 if end >= 0 else DECLINED
    if byte == OPEN_OBJECT or byte == OPEN_ARRAY:  # noqa: SIM109
        table[k, TYPE] = OBJECT if byte == OPEN_OBJECT else ARRAY
        end = compact_end(data, at, stop, names, levels)
    elif byte == 45 or 48 <= byte <= 57:
        table[k, TYPE] = NUMBER
        end = number_end(data, at, stop)
    else:
        end, table[k, TYPE] = _literal(data, at, stop)
    table[k, VALUE_STOP] = end
    return end


@compiled_inline
def name_end(data: Bytes, at: Int, stop: Int, table: Places, k: int) -> Int:
    """The position of the value after the name at ``at``, which is told in row ``k``; DECLINED."""
    if at >= stop or byte_at(data, at) != QUOTE:
        return DECLINED
    end = text_end(data, at + 1, stop)
    if end < 0:
        return DECLINED
    size = end - at - 1
    table[k, NAME], table[k, NAME_SIZE] = at + 1, size
    _identify(data, at + 1, size, table, k, NAME_HEAD)
    at = end + 1
    if at < stop and byte_at(data, at) != COLON:
        at = past_space(data, at, stop)
    if at >= stop or byte_at(data, at) != COLON:
        return DECLINED
    at += 1
    if at < stop and byte_at(data, at) <= 0x20:
        at = past_space(data, at, stop)
    return at


@compiled_inline
def stands_twice(table: Places, first: int, count: int) -> bool:
    """Whether the name of the last member stands before, among those of the same object from ``first`` on."""
    last = count - 1
    for i in range(first, last):
        same = table[i, NAME_HEAD] == table[last, NAME_HEAD] and table[i, NAME_TAIL] == table[last, NAME_TAIL]
        if same and table[i, PARENT] == table[last, PARENT]:
            return True
    return False


@compiled_inline
def next_member(data: Bytes, at: Int, stop: Int, close: int) -> tuple[Int, bool]:
    """(the position after a comma, or after the bracket that closes; whether it closed); DECLINED."""
    if at < stop and byte_at(data, at) <= 0x20:
        at = past_space(data, at, stop)
    if at >= stop:
        return DECLINED, False
    byte = byte_at(data, at)
    if byte == close:
        return at + 1, True
    if byte != COMMA:
        return DECLINED, False
    at += 1
    if at < stop and byte_at(data, at) <= 0x20:
        at = past_space(data, at, stop)
    return at, False


@compiled_leaf
def flat_members(
    data: Bytes, at: Int, stop: Int, table: Places, count: int, parent: int, names: Places, levels: Places
) -> tuple[Int, int]:
    """(the end of the object at ``at``, the members in ``table`` then); DECLINED. What is nested stays text."""
    first = count
    at = past_space(data, at + 1, stop)
    if at < stop and byte_at(data, at) == CLOSE_OBJECT:
        return at + 1, count
    while True:
        if count == table.shape[0]:
            return DECLINED, count
        table[count, PARENT] = parent
        at = name_end(data, at, stop, table, count)
        if at < 0:
            return DECLINED, count
        at = value_end(data, at, stop, table, count, names, levels)
        count += 1
        if at < 0 or stands_twice(table, first, count):
            return DECLINED, count
        at, closed = next_member(data, at, stop, CLOSE_OBJECT)
        if closed or at < 0:
            return at, count


@compiled_leaf
def deep_members(data: Bytes, at: Int, stop: Int, table: Places, names: Places, levels: Places) -> tuple[Int, int]:
    """The same of an object whose own objects are read too, one level deep: their members follow them."""
    count = 0
    at = past_space(data, at + 1, stop)
    if at < stop and byte_at(data, at) == CLOSE_OBJECT:
        return at + 1, count
    while True:
        if count == table.shape[0]:
            return DECLINED, count
        k = count
        table[k, PARENT] = -1
        at = name_end(data, at, stop, table, k)
        if at < 0 or at >= stop:
            return DECLINED, count
        count += 1
        if stands_twice(table, 0, count):
            return DECLINED, count
        if byte_at(data, at) == OPEN_OBJECT:
            table[k, TYPE], table[k, VALUE] = OBJECT, at
            at, count = flat_members(data, at, stop, table, count, count - 1, names, levels)
            table[k, VALUE_STOP] = at
        else:
            at = value_end(data, at, stop, table, k, names, levels)
        if at < 0:
            return DECLINED, count
        at, closed = next_member(data, at, stop, CLOSE_OBJECT)
        if closed or at < 0:
            return at, count
