"""Amounts of money as people write them: separators, signs and codes of currencies, signs of the number. Compiled.

A text is split into what stands before its digits, the digits with what separates them, and what stands after. The
digits are read in both ways of writing, with a decimal point and with a decimal comma; the whole column decides where
both readings are possible (``evidence.py``). The few different things that stand around digits are read once each.

Grouping is by thousands, or as in India by thousands and then hundreds (Unicode CLDR, "Number Patterns"); the first
group does not begin with a zero. A sign that is not the decimal sign, an apostrophe or a space may separate groups.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled, compiled_leaf
from processors.words import Int, byte_at
from streams.imports.columns import Parts, from_parts, parts_of
from streams.imports.currencies import Dressing, dressing_of
from streams.imports.evidence import EITHER, FIRST, NEUTRAL, SECOND
from streams.imports.money import NOT_A_NUMBER, decimal_at

POINT: Final = 46
COMMA: Final = 44
_BOTH: Final = POINT + COMMA
_UNDRESSED: Final = -1

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]


class Split(NamedTuple):
    """Where the digits of each text are: [start, stop), start -1 where it has none. ``negative``: a minus alone stands
    before them; ``dressed``: something else stands around them."""

    starts: Places
    stops: Places
    negative: npt.NDArray[np.bool_]
    dressed: npt.NDArray[np.bool_]


@compiled_leaf
def _is_digit(byte: Int) -> bool:
    return bool(48 <= byte <= 57)


@compiled_leaf
def _is_mark(byte: Int) -> bool:
    return bool(byte == POINT or byte == COMMA)  # noqa: SIM109 (Numba would build a tuple)


@compiled_leaf
def _belongs_to_a_word(data: Bytes, at: Int, start: Int) -> bool:
    """Whether a point before the digits ends a word, as in ``Rs.500``, and is no decimal sign, as in ``.50``."""
    if at == start:
        return False
    before = byte_at(data, at - 1) | 32
    return bool(97 <= before <= 122 or before >= 128)


@compiled
def _split(text: Parts, starts: Places, stops: Places, negative: npt.NDArray[np.bool_],
           dressed: npt.NDArray[np.bool_]) -> None:  # fmt: skip
    data = text.data
    for i in range(len(text.valid)):
        starts[i] = stops[i] = -1
        if not text.valid[i]:
            continue
        start, stop = np.int64(text.offsets[i]), np.int64(text.offsets[i + 1])
        first, end = start, stop
        while first < stop and not _is_digit(byte_at(data, first)):
            first += 1
        if first == stop:
            continue
        while not _is_digit(byte_at(data, end - 1)):
            end -= 1
        if first > start and _is_mark(byte_at(data, first - 1)) and not _belongs_to_a_word(data, first - 1, start):
            first -= 1
        if end < stop and _is_mark(byte_at(data, end)):
            end += 1
        starts[i], stops[i] = first, end
        sign = byte_at(data, start)
        if first == start + 1 and end == stop and (sign == 45 or sign == 43):
            negative[i] = sign == 45
        else:
            dressed[i] = first > start or end < stop


@compiled_leaf
def _separator_at(data: Bytes, at: Int, stop: Int, point: int) -> tuple[int, int]:
    """(bytes, kind) of what separates groups of digits at ``at``; (0, 0): nothing that does."""
    byte = byte_at(data, at)
    if byte == _BOTH - point:
        return 1, 1
    if byte == 39:
        return 1, 2
    if byte == 32:
        return 1, 3
    if byte == 0xC2 and at + 1 < stop and byte_at(data, at + 1) == 0xA0:
        return 2, 3
    if byte == 0xE2 and at + 2 < stop and byte_at(data, at + 1) == 0x80:
        last = byte_at(data, at + 2)
        if last == 0x99:
            return 3, 2
        if last == 0xAF or last == 0x89 or last == 0x87:
            return 3, 3
    return 0, 0


@compiled_leaf
def _ungrouped(data: Bytes, at: Int, stop: Int, point: int, out: Bytes) -> int:
    """Write the digits without their separators, and what follows them; returns how many bytes, -1: no such number."""
    n, group, groups, inner, kind = 0, 0, 0, 0, 0
    leads_with_zero = at < stop and byte_at(data, at) == 48
    while at < stop:
        byte = byte_at(data, at)
        if _is_digit(byte):
            out[n] = byte
            n += 1
            group += 1
            at += 1
            continue
        if byte == point or byte == 69 or byte == 101:
            break
        width, found = _separator_at(data, at, stop, point)
        if width == 0 or (kind != 0 and kind != found):
            return -1
        if groups == 0:
            if group < 1 or group > 3 or leads_with_zero:
                return -1
        elif group < 2 or group > 3 or (inner != 0 and inner != group):
            return -1
        else:
            inner = group
        groups, group, kind = groups + 1, 0, found
        at += width
    if groups > 0 and group != 3:
        return -1
    while at < stop:
        byte = byte_at(data, at)
        out[n] = POINT if byte == point else byte
        n += 1
        at += 1
    return n


@compiled_leaf
def amount_at(data: Bytes, at: Int, stop: Int, decimals: Int, point: int, room: Bytes) -> Int:
    """The number in ``data[at:stop]``, digits with separators, × 10^decimals; ``NOT_A_NUMBER`` when it is none."""
    value = decimal_at(data, at, stop, decimals, False, point)
    if value != NOT_A_NUMBER:
        return value
    size = _ungrouped(data, at, stop, point, room)
    return NOT_A_NUMBER if size < 0 else decimal_at(room, 0, size, decimals, False, POINT)


@compiled_leaf
def _marks_of(data: Bytes, at: Int, stop: Int) -> int:
    """1: a point stands among the digits, 2: a comma, 3: both, 0: neither."""
    marks = 0
    for i in range(at, stop):
        byte = byte_at(data, i)
        marks |= 1 if byte == POINT else 2 if byte == COMMA else 0
    return marks


@compiled_leaf
def _way_of(with_point: Int, with_comma: Int, marks: int, decimals: Int) -> int:
    """Which way of writing a text speaks for.

    What could be read both ways is decided by the currency where it can be: without minor units there are no decimals,
    and where there are three (all of them written with a point) a point before three digits is the decimal one.
    """
    if marks == 0 or with_point == with_comma:
        return NEUTRAL
    if with_comma == NOT_A_NUMBER:
        return FIRST
    if with_point == NOT_A_NUMBER:
        return SECOND
    if decimals == 0:
        return SECOND if marks == 1 else FIRST
    return FIRST if decimals == 3 and marks == 1 else EITHER


@compiled_leaf
def _separates_groups(byte: Int) -> bool:
    """Whether this before the last digits surely separates thousands: an apostrophe or a space."""
    return bool(byte == 39 or byte == 32 or byte >= 128)


@compiled
def _read(text: Parts, split: Split, minus: npt.NDArray[np.bool_], decimals: npt.NDArray[np.int8], finer: int,
          told: int, assumed: int, room: Bytes, out: npt.NDArray[np.int64],
          ways: npt.NDArray[np.int8]) -> None:  # fmt: skip
    for i in range(len(split.starts)):
        if split.starts[i] < 0:
            continue
        at, stop, places = np.int64(split.starts[i]), np.int64(split.stops[i]), np.int64(decimals[i])
        if told != 0:
            value = amount_at(text.data, at, stop, places + finer, told, room)
        else:
            value = amount_at(text.data, at, stop, places + finer, POINT, room)
            marks = _marks_of(text.data, at, stop)
            if marks != 0:
                other = amount_at(text.data, at, stop, places + finer, COMMA, room)
                way = _way_of(value, other, marks, places)
                ways[i] = way
                if way == SECOND or (way == EITHER and assumed == SECOND):
                    value = other
        out[i] = -value if minus[i] and value != NOT_A_NUMBER else value


@compiled
def _may_be_finer(text: Parts, split: Split, decimals: npt.NDArray[np.int8]) -> bool:
    for i in range(len(split.starts)):
        start = np.int64(split.starts[i])
        if start < 0:
            continue
        stop = np.int64(split.stops[i])
        at = stop
        while at > start and _is_digit(byte_at(text.data, at - 1)):
            at -= 1
        if at > start and stop - at > decimals[i] and not _separates_groups(byte_at(text.data, at - 1)):
            return True
    return False


class Amounts:
    """A trimmed text column of n amounts, split; ``read`` gives the numbers once the currencies are known.

    ``bad`` bool[n]: no writing of money. ``dressings``: the different things around digits, ``which`` int32[n] of each
    row (-1: none). ``sure``: the values were numbers in the file, with a decimal point.
    """

    def __init__(self, text: Any, *, sure: bool) -> None:
        self.text = text
        self.sure = sure
        self._parts = parts_of(text)
        n = len(text)
        split = Split(np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.bool_), np.zeros(n, np.bool_))
        _split(self._parts, *split)
        self._split = split
        self._minus = split.negative
        self.dressings: list[Dressing | None] = []
        self.which = np.full(n, _UNDRESSED, np.int32)
        self.bad = self._parts.valid & (split.starts < 0)
        if split.dressed.any():
            self._undress()

    def _undress(self) -> None:
        rows = np.flatnonzero(self._split.dressed)
        around = around_of(self._parts, self._split, rows).dictionary_encode()
        self.dressings = [dressing_of(*text.split("\0")) for text in around.dictionary.to_pylist()]
        codes = around.indices.to_numpy()
        self.which[rows] = codes
        self.bad[rows] |= np.array([dressing is None for dressing in self.dressings])[codes]
        self._minus[rows] = np.array([dressing is not None and dressing.negative for dressing in self.dressings])[codes]

    def may_be_finer(self, decimals: npt.NDArray[np.int8]) -> bool:
        """Whether some may have more decimals than their currencies have, int8[n]: False where none has."""
        return bool(_may_be_finer(self._parts, self._split, decimals))

    def read(
        self, decimals: npt.NDArray[np.int8], told: str | None, assumed: int, finer: int = 0
    ) -> tuple[Any, Any, Any]:
        """(int64 array of minor units, bad bool[n], ways int8[n]).

        ``decimals`` int8[n]: of each row's currency. ``told``: the decimal sign, where somebody said it; otherwise
        values with two readings are read as ``assumed`` (FIRST: a point, SECOND: a comma). ``finer``: so many decimals
        more than the currency has, in which the numbers are given then.
        """
        n = len(self.text)
        out, ways = np.zeros(n, np.int64), np.zeros(n, np.int8)
        sign = POINT if self.sure else 0 if told is None else ord(told)
        room = np.empty(int(np.max(np.diff(self._parts.offsets), initial=0)) + 1, np.uint8)
        _read(self._parts, self._split, self._minus, decimals, finer, sign, assumed, room, out, ways)
        bad = self.bad | (self._parts.valid & (out == NOT_A_NUMBER))
        ways[bad] = NEUTRAL
        return pa.array(out, mask=bad | ~self._parts.valid), bad, ways


@compiled
def _around(text: Parts, split: Split, rows: npt.NDArray[np.int64], out: Bytes, offsets: Places) -> None:
    data, at = text.data, 0
    for k in range(len(rows)):
        i = rows[k]
        offsets[k] = at
        start, stop = text.offsets[i], text.offsets[i + 1]
        for j in range(start, split.starts[i]):
            out[at] = data[j] if data[j] != 0 else 32
            at += 1
        out[at] = 0
        at += 1
        after = split.stops[i]
        if _is_mark(byte_at(data, after - 1)) and after - 1 > split.starts[i]:
            after -= 1
        for j in range(after, stop):
            out[at] = data[j] if data[j] != 0 else 32
            at += 1
    offsets[len(rows)] = at


def around_of(parts: Parts, split: Split, rows: npt.NDArray[np.int64]) -> Any:
    """A text for each of these rows: what stands before its digits, a zero byte, and what stands after."""
    size = int(np.sum(parts.offsets[rows + 1] - parts.offsets[rows])) + 2 * len(rows)
    out, offsets = np.empty(size, np.uint8), np.empty(len(rows) + 1, np.int32)
    _around(parts, split, rows, out, offsets)
    return from_parts(offsets, out[: int(offsets[-1])])
