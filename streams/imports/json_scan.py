"""Lines of flat JSON objects, split into values by compiled code.

Flat is an object of texts, numbers, truths and nulls with names that are known and stand there once. Any other line,
also one that is no JSON, is left to Python's reader, which says what it is. Source: RFC 8259.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled, compiled_leaf
from processors.words import Int, byte_at

VALUE_ABSENT: Final = 0
VALUE_NULL: Final = 1
VALUE_TEXT: Final = 2
VALUE_ESCAPED: Final = 3
VALUE_NUMBER: Final = 4
VALUE_TRUTH: Final = 5

FLAT: Final = 0
OTHER: Final = 1
UNKNOWN_NAME: Final = 2

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]

_QUOTE: Final = 34
_ESCAPE: Final = 92
_TRUE: Final = np.frombuffer(b"true", np.uint8)
_FALSE: Final = np.frombuffer(b"false", np.uint8)
_NULL: Final = np.frombuffer(b"null", np.uint8)


@compiled_leaf
def _past_space(data: Bytes, at: Int, stop: Int) -> Int:
    while at < stop and (data[at] == 32 or data[at] == 9 or data[at] == 13):
        at += 1
    return at


@compiled_leaf
def _hex_at(data: Bytes, at: Int) -> Int:
    """The number in four hexadecimal digits, or -1."""
    value = np.int64(0)
    for i in range(at, at + 4):
        sign = byte_at(data, i)
        small = sign | 32
        if 48 <= sign <= 57:
            value = value * 16 + sign - 48
        elif 97 <= small <= 102:
            value = value * 16 + small - 87
        else:
            return np.int64(-1)
    return value


@compiled_leaf
def _text_end(data: Bytes, at: Int, stop: Int) -> tuple[Int, bool]:
    """(the closing quote of the text whose content begins at ``at``, or -1; whether something in it is escaped)."""
    escaped = False
    while at < stop:
        sign = byte_at(data, at)
        if sign == _QUOTE:
            return at, escaped
        if sign < 32:
            break
        if sign == _ESCAPE:
            escaped = True
            if at + 1 >= stop:
                break
            what = byte_at(data, at + 1)
            if what == 117:  # u
                if at + 6 > stop:
                    break
                code = _hex_at(data, at + 2)
                if code < 0 or 0xD800 <= code <= 0xDFFF:
                    break
                at += 6
                continue
            # " \ / b f n r t
            if not (what == 34 or what == 92 or what == 47 or what == 98 or what == 102 or what == 110 or what == 114
                    or what == 116):  # fmt: skip
                break
            at += 1
        at += 1
    return np.int64(-1), escaped


@compiled_leaf
def _past_digits(data: Bytes, at: Int, stop: Int) -> Int:
    while at < stop and 48 <= byte_at(data, at) <= 57:
        at += 1
    return at


@compiled_leaf
def _number_end(data: Bytes, at: Int, stop: Int) -> Int:
    """Where a number ends, or -1."""
    if at < stop and data[at] == 45:
        at += 1
    end = _past_digits(data, at, stop)
    if end == at or (data[at] == 48 and end > at + 1):
        return np.int64(-1)
    at = end
    if at < stop and data[at] == 46:
        end = _past_digits(data, at + 1, stop)
        if end == at + 1:
            return np.int64(-1)
        at = end
    if at < stop and (data[at] | 32) == 101:
        at += 1
        if at < stop and (data[at] == 43 or data[at] == 45):
            at += 1
        end = _past_digits(data, at, stop)
        if end == at:
            return np.int64(-1)
        at = end
    return at


@compiled_leaf
def _is_word(data: Bytes, at: Int, stop: Int, word: Bytes) -> bool:
    if at + len(word) > stop:
        return False
    for i in range(len(word)):
        if data[at + i] != word[i]:
            return False
    return True


@compiled_leaf
def _value_at(data: Bytes, at: Int, stop: Int) -> tuple[int, Int, Int, Int]:
    """(kind, where its text begins and ends, where the value itself ends); VALUE_ABSENT: it is none that is flat."""
    sign = byte_at(data, at) if at < stop else np.int64(0)
    if sign == _QUOTE:
        end, escaped = _text_end(data, at + 1, stop)
        if end < 0:
            return VALUE_ABSENT, at, at, at
        return (VALUE_ESCAPED if escaped else VALUE_TEXT), at + 1, end, end + 1
    if sign == 45 or 48 <= sign <= 57:
        end = _number_end(data, at, stop)
        return (VALUE_ABSENT if end < 0 else VALUE_NUMBER), at, end, end
    if _is_word(data, at, stop, _TRUE):
        return VALUE_TRUTH, at, at + 4, at + 4
    if _is_word(data, at, stop, _FALSE):
        return VALUE_TRUTH, at, at + 5, at + 5
    if _is_word(data, at, stop, _NULL):
        return VALUE_NULL, at, at, at + 4
    return VALUE_ABSENT, at, at, at


@compiled_leaf
def _name_of(data: Bytes, at: Int, stop: Int, names: Bytes, bounds: Places, likely: int) -> int:
    """Which of the names stands at ``at``; -1: none. ``likely``: the one that is tried first."""
    for k in range(len(bounds) - 1):
        which = (likely + k) % (len(bounds) - 1)
        start = np.int64(bounds[which])
        if bounds[which + 1] - start == stop - at:
            same = True
            for i in range(stop - at):
                if data[at + i] != names[start + i]:
                    same = False
                    break
            if same:
                return which
    return -1


@compiled_leaf
def _scan_line(data: Bytes, at: Int, stop: Int, names: Bytes, bounds: Places, row: int, starts: Places, stops: Places,
               kinds: Kinds) -> int:  # fmt: skip
    at = _past_space(data, at, stop)
    if at >= stop or data[at] != 123:
        return OTHER
    at = _past_space(data, at + 1, stop)
    likely = 0
    if at < stop and data[at] == 125:
        return FLAT if _past_space(data, at + 1, stop) == stop else OTHER
    while True:
        if at >= stop or data[at] != _QUOTE:
            return OTHER
        end, escaped = _text_end(data, at + 1, stop)
        if end < 0 or escaped:
            return OTHER
        which = _name_of(data, at + 1, end, names, bounds, likely)
        at = _past_space(data, end + 1, stop)
        if at >= stop or data[at] != 58:
            return OTHER
        kind, start, text_end, at = _value_at(data, _past_space(data, at + 1, stop), stop)
        if kind == VALUE_ABSENT:
            return OTHER
        if which < 0:
            return UNKNOWN_NAME
        if kinds[which, row] != VALUE_ABSENT:
            return OTHER
        kinds[which, row], starts[which, row], stops[which, row] = kind, start, text_end
        likely = which + 1
        at = _past_space(data, at, stop)
        if at < stop and data[at] == 44:
            at = _past_space(data, at + 1, stop)
        elif at < stop and data[at] == 125:
            return FLAT if _past_space(data, at + 1, stop) == stop else OTHER
        else:
            return OTHER


@compiled
def scan(
    data: Bytes,
    lines: Places,
    first: int,
    names: Bytes,
    bounds: Places,
    longest: int,
    starts: Places,
    stops: Places,
    kinds: Kinds,
    other: npt.NDArray[np.bool_],
) -> int:
    """Split the lines from ``first`` on (``lines``: where each begins, and one behind the end of the last).

    Of the value of each name (``names[bounds[i]:bounds[i + 1]]``) and line: kind, and where its text begins and ends;
    ``other`` marks lines that are not flat. Returns the line that has a name which is not known, or how many there are.
    """
    for row in range(first, len(lines) - 1):
        stop = np.int64(lines[row + 1]) - 1
        at = np.int64(lines[row])
        result = OTHER
        if stop - at <= longest:
            result = _scan_line(data, at, stop, names, bounds, row, starts, stops, kinds)
        if result != FLAT:
            for which in range(len(bounds) - 1):
                kinds[which, row] = VALUE_ABSENT
            if result == UNKNOWN_NAME:
                return row
        other[row] = result != FLAT
    return len(lines) - 1


@compiled_leaf
def _put_escaped(data: Bytes, at: Int, stop: Int, out: Bytes, to: Int) -> Int:
    while at < stop:
        sign = byte_at(data, at)
        if sign != _ESCAPE:
            out[to] = sign
            to += 1
            at += 1
            continue
        what = byte_at(data, at + 1)
        at += 2
        if what != 117:
            out[to] = (8 if what == 98 else 12 if what == 102 else 10 if what == 110 else 13 if what == 114
                       else 9 if what == 116 else what)  # fmt: skip
            to += 1
            continue
        code = _hex_at(data, at)
        at += 4
        if code < 0x80:
            out[to] = code
            to += 1
        elif code < 0x800:
            out[to], out[to + 1] = 0xC0 | code >> 6, 0x80 | code & 0x3F
            to += 2
        else:
            out[to], out[to + 1], out[to + 2] = 0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F
            to += 3
    return to


@compiled
def gather_values(data: Bytes, starts: Places, stops: Places, kinds: Kinds, out: Bytes, offsets: Places) -> int:
    """Copy one value of each line into ``out``, escapes as what they stand for; ``offsets`` int32[n + 1]. Returns the
    size."""
    to: Int = np.int64(0)
    for i in range(len(starts)):
        offsets[i] = to
        if kinds[i] == VALUE_ESCAPED:
            to = _put_escaped(data, np.int64(starts[i]), np.int64(stops[i]), out, to)
        elif kinds[i] > VALUE_NULL:
            for at in range(starts[i], stops[i]):
                out[to] = data[at]
                to += 1
    offsets[len(starts)] = to
    return int(to)
