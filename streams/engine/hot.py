"""Which rows stand in full: those touched last. The others are packed, and unpacked when something concerns them.

A touchpoint makes a row the newest. A timer only has it stand for the moment: it goes to the old end, where the next
one that needs a place pushes it out.
"""

from typing import Any, Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.prefetch import LINE, ask_for_line
from processors.row.layout import NEVER, ROW
from processors.words import Int, put_word, word_at
from streams.engine.arena import claim, release
from streams.engine.due import push
from streams.engine.packing import EMPTY, ROW_WORDS, due_at, offset_at, pack_row, unpack_row
from streams.engine.rows import (
    IS_FORGOTTEN,
    IS_TOUCHED,
    USED_ARENA,
    USED_FORGOTTEN,
    USED_HEAP,
    USED_HOT,
    USED_KEPT,
    USED_LOOKED,
    USED_MOST_HOT,
    USED_NEWEST,
    USED_OLDEST,
    USED_ROWS,
    USED_TOUCHED,
    Table,
    append,
    is_forward,
    key_of,
    list_touched,
    note_change,
    schedule,
)

_MANY: Final = 2048  # fewer rows than this stay in the caches by themselves
_ROW_LINES: Final = -(-ROW.itemsize // LINE)

OUR_LAYOUT: Final = 0
"""The number of our layout in memory; in a checkpoint it may have another one."""


@compiled_leaf
def _unlink(table: Table, slot: Int) -> None:
    newer, older = table.hot[slot].newer, table.hot[slot].older
    if newer >= 0:
        table.hot[newer].older = older
    else:
        table.used[USED_NEWEST] = older
    if older >= 0:
        table.hot[older].newer = newer
    else:
        table.used[USED_OLDEST] = newer


@compiled_leaf
def _make_newest(table: Table, slot: Int) -> None:
    newest = table.used[USED_NEWEST]
    table.hot[slot].newer = -1
    table.hot[slot].older = newest
    if newest >= 0:
        table.hot[newest].newer = slot
    else:
        table.used[USED_OLDEST] = slot
    table.used[USED_NEWEST] = slot


@compiled_leaf
def _make_oldest(table: Table, slot: Int) -> None:
    oldest = table.used[USED_OLDEST]
    table.hot[slot].older = -1
    table.hot[slot].newer = oldest
    if oldest >= 0:
        table.hot[oldest].older = slot
    else:
        table.used[USED_NEWEST] = slot
    table.used[USED_OLDEST] = slot


@compiled_leaf
def put_away(table: Table, slot: Int) -> None:
    """Pack a hot row. Its slot is free then, and in no list."""
    number, end = table.hot[slot].holder, table.used[USED_ARENA]
    # Written behind everything, where there always is room: how long it is shows afterwards.
    length = pack_row(table.words[slot], table.arena, end, OUR_LAYOUT)
    put_word(table.arena, end, np.int64(number), 4)
    at = claim(table, length)
    if at != end:
        for step in range(0, length, 8):
            put_word(table.arena, at + step, word_at(table.arena, end + step), 8)
    table.customers[number].place = -1 - (at >> 3)
    _unlink(table, slot)


@compiled_leaf
def vacate(table: Table, slot: Int) -> None:
    """Let go of a hot row; nobody's number has it any more. The last of the hot rows moves into its place."""
    _unlink(table, slot)
    last = table.used[USED_HOT] - 1
    table.used[USED_HOT] = last
    if slot != last:
        _move(table, last, slot)


@compiled_leaf
def _move(table: Table, last: Int, slot: Int) -> None:
    """Have a hot row stand in another slot."""
    for k in range(ROW_WORDS):
        table.words[slot, k] = table.words[last, k]
    holder, newer, older = table.hot[last].holder, table.hot[last].newer, table.hot[last].older
    table.hot[slot].holder, table.hot[slot].newer, table.hot[slot].older = holder, newer, older
    table.customers[holder].place = slot
    if newer >= 0:
        table.hot[newer].older = slot
    else:
        table.used[USED_NEWEST] = slot
    if older >= 0:
        table.hot[older].newer = slot
    else:
        table.used[USED_OLDEST] = slot


@compiled_inline
def _free_slot(table: Table) -> int:
    hot = table.used[USED_HOT]
    if hot < min(len(table.rows), table.used[USED_MOST_HOT]):
        table.used[USED_HOT] += 1
        return int(hot)
    slot = table.used[USED_OLDEST]
    put_away(table, slot)
    if hot >= _MANY:
        # The one after the next has not been touched for long: it is in no cache, and all of it will be read.
        soon = table.hot[table.used[USED_OLDEST]].newer
        ask_for_line(table.hot.ctypes.data + soon * table.hot.itemsize)
        first = table.rows.ctypes.data + soon * table.rows.itemsize
        for line in range(_ROW_LINES):
            ask_for_line(first + line * LINE)
    return int(slot)


@compiled_inline
def borrow(table: Table) -> int:
    """A hot slot that is nobody's. Until it is given back nothing else may become hot."""
    return _free_slot(table)


@compiled_leaf
def give_back(table: Table, slot: Int) -> None:
    """Let go of a borrowed slot. Slots of hot rows may change by that."""
    last = table.used[USED_HOT] - 1
    if slot != last:
        _move(table, last, slot)
    table.used[USED_HOT] = last


@compiled_inline
def place_in_arena(table: Table, number: Int) -> np.int64:
    """Where in the arena a customer's row lies; below zero: it is hot."""
    return np.int64((-1 - table.customers[number].place) << 3)


@compiled_inline
def _unpack(table: Table, number: Int) -> int:
    slot = _free_slot(table)
    at = place_in_arena(table, number)
    unpack_row(table.arena, at, table.words[slot])
    table.rows[slot].hash = key_of(table, number)
    release(table, at)
    table.customers[number].place = slot
    table.hot[slot].holder = number
    _make_oldest(table, slot)
    return slot


@compiled_inline
def warm(table: Table, number: Int) -> int:
    """The slot of a customer's row, which is unpacked if need be. There must be room."""
    place = table.customers[number].place
    return int(place) if place >= 0 else _unpack(table, number)


@compiled_inline
def touch(table: Table, slot: Int) -> None:
    """A hot row is the last one to be packed now."""
    if table.used[USED_NEWEST] != slot:
        _unlink(table, slot)
        _make_newest(table, slot)


@compiled_inline
def add(table: Table, buffer: Any, start: Int, length: Int, key: np.uint64, namespace: Int) -> int:
    """Number a customer whose id is not in the table, with an empty hot row; there must be room."""
    number = append(table, buffer, start, length, key, namespace)
    begin(table, number, key)
    return number


@compiled_inline
def begin(table: Table, number: Int, key: np.uint64) -> None:
    """Give what has a number and stands nowhere an empty hot row."""
    slot = _free_slot(table)
    # By words: what stands between the fields would else be written with them.
    for k in range(ROW_WORDS):
        table.words[slot, k] = EMPTY[k]
    table.rows[slot].hash = key
    table.customers[number].place = slot
    table.hot[slot].holder = number
    _make_newest(table, slot)


@compiled_leaf
def forget(table: Table, number: Int, offset: Int) -> None:
    """Let nothing be known any more of a visitor whose row is hot, as of a record at ``offset``."""
    slot = table.customers[number].place
    entry_at = table.rows[slot].entry_at
    for k in range(ROW_WORDS):
        table.words[slot, k] = EMPTY[k]
    row = table.rows[slot]
    row.hash = key_of(table, number)
    row.offset = offset
    row.entry_at = entry_at
    note_change(table, number)
    if table.customers[number].id & IS_FORGOTTEN == 0:
        table.customers[number].id |= IS_FORGOTTEN
        table.used[USED_FORGOTTEN] += 1


@compiled_inline
def offset_of(table: Table, number: Int) -> np.int64:
    """The last log offset that a customer's row contains."""
    place = table.customers[number].place
    if place >= 0:
        return np.int64(table.rows[place].offset)
    return np.int64(offset_at(table.arena, place_in_arena(table, number)))


@compiled_inline
def entry_of(table: Table, number: Int) -> np.int64:
    """The key under which the due index holds a customer."""
    place = table.customers[number].place
    if place >= 0:
        return np.int64(table.rows[place].entry_at)
    return np.int64(due_at(table.arena, place_in_arena(table, number)))


@compiled_leaf
def reschedule(table: Table) -> None:
    """Build the due index, and the list of touched customers, anew.

    Also in the middle of a tick that goes through the list: it begins again, with those that it has not judged yet.
    """
    table.used[USED_HEAP] = 0
    table.used[USED_TOUCHED] = 0
    table.used[USED_LOOKED] = 0
    table.used[USED_KEPT] = 0
    for number in range(table.used[USED_ROWS]):
        if table.customers[number].id & IS_TOUCHED:
            table.customers[number].id ^= IS_TOUCHED
            list_touched(table, number)
        place = table.customers[number].place
        if place >= 0:
            table.rows[place].entry_at = NEVER
            schedule(table, place)
        else:
            key = due_at(table.arena, place_in_arena(table, number))
            if key != NEVER:
                table.used[USED_HEAP] = push(table.heap_at, table.heap_row, table.used[USED_HEAP], key, number)


@compiled_leaf
def read_rows(table: Table, numbers: Any, out: Any, words: Any) -> None:
    """Full copies of the rows of customers; ``words``: the memory of ``out`` (recarray of ROW). Nothing becomes hot.

    A forwarding address has an empty one.
    """
    for i in range(len(numbers)):
        number = numbers[i]
        place = table.customers[number].place
        if is_forward(table, number):
            for k in range(words.shape[1]):
                words[i, k] = EMPTY[k]
            out[i].hash = key_of(table, number)
        elif place >= 0:
            for k in range(words.shape[1]):
                words[i, k] = table.words[place, k]
        else:
            unpack_row(table.arena, place_in_arena(table, number), words[i])
            out[i].hash = key_of(table, number)
