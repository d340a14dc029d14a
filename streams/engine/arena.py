"""Where packed rows lie: bytes in which a place that becomes free is used again for the same length. Compiled.

A row that comes back from being hot is as long as before, or a little longer. So the free places of each length are
kept in a list, and what is free grows slowly; when it is a fourth of all, the rows are moved together.
"""

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.prefetch import ask_for_line
from processors.words import Int, put_word, word_at
from streams.engine.packing import length_at
from streams.engine.rows import USED_ARENA, USED_FREED, USED_ROWS, Table

_UNIT = 8
_SMALL = 128  # bytes


@compiled_inline
def _units_of(length: Int) -> np.int64:
    """What a packed row takes. Most rows grow a little with each touch, and should find their old place large enough;
    visitors of whom there is little to say are many, and stay as they are.
    """
    if length <= _SMALL:
        return np.int64((length + _UNIT - 1) >> 3)
    return np.int64(((length + 31) >> 5) << 2)


@compiled_leaf
def claim(table: Table, length: Int) -> int:
    """A place for a packed row of ``length`` bytes; there must be room."""
    units = _units_of(length)
    first = table.free[units]
    if first >= 0:
        at = first * _UNIT
        table.free[units] = word_at(table.arena, at + _UNIT)
        table.used[USED_FREED] -= units * _UNIT
        return int(at)
    at = table.used[USED_ARENA]
    table.used[USED_ARENA] += units * _UNIT
    return int(at)


@compiled_leaf
def release(table: Table, at: Int) -> None:
    """Let go of the packed row at a place. It lies there until the place is claimed."""
    units = _units_of(length_at(table.arena, at))
    put_word(table.arena, at, np.int64(-1), 4)
    put_word(table.arena, at + _UNIT, table.free[units], _UNIT)
    table.free[units] = at >> 3
    table.used[USED_FREED] += units * _UNIT


@compiled_leaf
def compact(table: Table) -> None:
    """Move all packed rows together, in place."""
    at, to = np.int64(0), np.int64(0)
    while at < table.used[USED_ARENA]:
        size = _units_of(length_at(table.arena, at)) * _UNIT
        head = word_at(table.arena, at)
        number = (head & 0xFFFFFFFF) ^ 0x80000000  # the lower half, signed
        number -= 0x80000000
        ahead = word_at(table.arena, at + size) & 0xFFFFFFFF
        if ahead < table.used[USED_ROWS]:
            ask_for_line(table.customers.ctypes.data + ahead * table.customers.itemsize)
        if number >= 0:
            for step in range(0, size, _UNIT):
                put_word(table.arena, to + step, word_at(table.arena, at + step), _UNIT)
            table.customers[number].place = -1 - (to >> 3)
            to += size
        at += size
    table.free[:] = -1
    table.used[USED_ARENA] = to
    table.used[USED_FREED] = 0
