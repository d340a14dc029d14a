"""All rows of a partition: one array, the ids in an arena, a hash index over both.

The index holds one word a slot: the upper half of the id's hash, and the row's number plus one; 0 is free. Ids are
compared in full on look-up: a collision of hashes must never merge two people.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.blank import clear_memory, clear_profile
from processors.row.layout import NEVER, ROW, Row
from processors.row.namespaces import NAMESPACE_UNSTATED, salt_of
from processors.words import Int
from streams.engine.due import push

LONGEST_ID: Final = 255

USED_ROWS: Final = 0  # slots of Table.used
USED_IDS: Final = 1
USED_HEAP: Final = 2
USED_TOUCHED: Final = 3  # entries of the list of touched rows …
USED_LOOKED: Final = 4  # … and while a tick goes through it: those looked at …
USED_KEPT: Final = 5  # … and those that stay in it
USED_CELLS: Final = 6

_UPPER: Final = np.uint64(0xFFFFFFFF00000000)
_LOWER: Final = np.uint64(0x00000000FFFFFFFF)
_FREE: Final = np.uint64(0)


class Table(NamedTuple):
    """Arrays with room to grow; ``used`` says how far each is filled."""

    rows: Any  # recarray of ROW
    ids: npt.NDArray[np.uint8]
    slots: npt.NDArray[np.uint64]  # the hash index; its length is a power of two
    heap_at: npt.NDArray[np.int64]
    heap_row: npt.NDArray[np.int32]
    dirty: npt.NDArray[np.uint8]  # changed since the last checkpoint
    written: npt.NDArray[np.int32]  # number of the checkpoint that last wrote the row
    touched: npt.NDArray[np.int32]  # rows to be judged when the day ends; each once at most
    used: npt.NDArray[np.int64]  # shape (USED,)


def new_table(rows: int = 1024, id_bytes: int = 32 * 1024) -> Table:
    """An empty table with room for ``rows`` customers whose ids have ``id_bytes`` in all."""
    slots = 1024
    while slots * 7 < rows * 10:
        slots *= 2
    return Table(
        np.empty(rows, ROW).view(np.recarray),
        np.empty(id_bytes, np.uint8),
        np.zeros(slots, np.uint64),
        np.empty(rows, np.int64),
        np.empty(rows, np.int32),
        np.zeros(rows, np.uint8),
        np.zeros(rows, np.int32),
        np.empty(rows, np.int32),
        np.zeros(USED_CELLS, np.int64),
    )


@compiled_leaf
def crowded(table: Table) -> bool:
    """Whether the due index is full, or holds so many stale entries that they have to be swept out.

    The second long before the first: rows have room for many more, and entries that were written stay in memory.
    """
    heap = table.used[USED_HEAP]
    return bool(heap >= len(table.heap_at) or heap >= 4 * table.used[USED_ROWS] + 1024)


@compiled_leaf
def has_room(table: Table) -> bool:
    """Whether one more customer with an id of any length, and one more due entry, fit."""
    used = table.used
    return bool(
        used[USED_ROWS] < len(table.rows)
        and used[USED_ROWS] * 10 < len(table.slots) * 7
        and used[USED_IDS] + LONGEST_ID <= len(table.ids)
        and not crowded(table)
    )


@compiled_leaf
def same_id(table: Table, row: Row, buffer: npt.NDArray[np.uint8], start: int, length: int) -> bool:
    """Whether the row's id is ``buffer[start:start + length]``."""
    if row.id_length != length:
        return False
    at = row.id_start
    for i in range(length):
        if table.ids[at + i] != buffer[start + i]:
            return False
    return True


@compiled_leaf
def find(table: Table, buffer: npt.NDArray[np.uint8], start: int, length: int, key: np.uint64, namespace: Int) -> int:
    """Number of the row of the id ``buffer[start:start + length]``; -1: unknown.

    ``key``: its XXH64, salted by the namespace.
    """
    plain = key ^ salt_of(namespace)
    mask = np.uint64(len(table.slots) - 1)
    slot = key & mask
    while True:
        word = table.slots[slot]
        if word == _FREE:
            return -1
        if (word ^ key) & _UPPER == _FREE or (word ^ plain) & _UPPER == _FREE:
            number = np.int64((word & _LOWER) - np.uint64(1))
            row = table.rows[number]
            fits = np.int64(row.namespace) in (np.int64(namespace), np.int64(NAMESPACE_UNSTATED))
            if fits and same_id(table, row, buffer, start, length):
                return int(number)
        slot = (slot + np.uint64(1)) & mask


@compiled_leaf
def enter(index: npt.NDArray[np.uint64], key: np.uint64, number: int) -> None:
    """Put a row that is not in the index into it."""
    mask = np.uint64(len(index) - 1)
    slot = key & mask
    while index[slot] != _FREE:
        slot = (slot + np.uint64(1)) & mask
    index[slot] = (key & _UPPER) | np.uint64(number + 1)


@compiled_leaf
def append(table: Table, buffer: npt.NDArray[np.uint8], start: int, length: int, key: np.uint64, namespace: Int) -> int:
    """Make a row for an id that is not in the table; there must be room. Only its identity is filled."""
    number = table.used[USED_ROWS]
    place = table.used[USED_IDS]
    row = table.rows[number]
    row.hash = key
    row.id_start = place
    row.id_length = length
    row.namespace = namespace
    for i in range(length):
        table.ids[place + i] = buffer[start + i]
    table.dirty[number] = 0
    table.written[number] = 0
    table.used[USED_ROWS] += 1
    table.used[USED_IDS] += length
    enter(table.slots, key, number)
    return int(number)


@compiled_leaf
def add(table: Table, buffer: npt.NDArray[np.uint8], start: int, length: int, key: np.uint64, namespace: Int) -> int:
    """Append an empty row for an id that is not in the table; there must be room."""
    number = append(table, buffer, start, length, key, namespace)
    clear_profile(table.rows[number])
    clear_memory(table.rows[number])
    return number


@compiled_leaf
def schedule(table: Table, number: int) -> None:
    """Make sure that the due index finds this row no later than one of its timers is due.

    The review of a touched row is left to the list of touched rows: it is due with the day's end, as all of them are.
    """
    row = table.rows[number]
    wake = row.due_at if row.touched != 0 else min(row.due_at, row.review_at)
    if wake < row.entry_at:
        table.used[USED_HEAP] = push(table.heap_at, table.heap_row, table.used[USED_HEAP], wake, number)
        row.entry_at = wake


@compiled_leaf
def list_touched(table: Table, number: int) -> None:
    """Have the row judged when the day ends."""
    row = table.rows[number]
    if row.touched == 0:
        row.touched = 1
        table.touched[table.used[USED_TOUCHED]] = number
        table.used[USED_TOUCHED] += 1


@compiled_leaf
def reschedule(table: Table) -> None:
    """Build the due index, and the list of touched rows, anew from the rows.

    Also in the middle of a tick that goes through the list: it begins again, with those that it has not judged yet.
    """
    table.used[USED_HEAP] = 0
    table.used[USED_TOUCHED] = 0
    table.used[USED_LOOKED] = 0
    table.used[USED_KEPT] = 0
    for number in range(table.used[USED_ROWS]):
        row = table.rows[number]
        row.entry_at = NEVER
        if row.touched != 0:
            row.touched = 0
            list_touched(table, number)
        schedule(table, number)
