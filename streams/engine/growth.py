"""More room for the customers of a partition, a copy of them, and how much memory they take."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.layout import ROW
from streams.engine.address_space import give_back, reserved, room
from streams.engine.arena import compact
from streams.engine.hot import reschedule
from streams.engine.packing import PACKED_BYTES
from streams.engine.rows import (
    LEAST_HOT,
    LONGEST_ID,
    MOST_NEW,
    USED_ARENA,
    USED_CHANGED,
    USED_HEAP,
    USED_HOT,
    USED_IDS,
    USED_LINKING,
    USED_MOST_HOT,
    USED_PARTITIONS,
    USED_ROWS,
    USED_TOUCHED,
    USED_UNREPORTED,
    Table,
    crowded,
    enter,
    key_of,
    new_table,
    rows_as_words,
    worn,
)
from streams.engine.window import copied_window, has_place, widened

STEEP: Final = 16
"""By so much few rows get more room. Each step copies them all; what isn't used costs address space, not memory."""
FEW_ROWS: Final = 65_536
LESS_STEEP: Final = 4

_SMALL_ARENA: Final = 16 * 1024 * 1024
_LARGEST_ARENA: Final = 256 * 1024 * 1024 * 1024


@compiled_leaf
def _reindex(table: Table, index: npt.NDArray[np.uint64]) -> None:
    for number in range(table.used[USED_ROWS]):
        enter(index, key_of(table, number), number)


def reserve(table: Table, customers: int) -> Table:
    """The same table with room for so many customers; only an empty one is made anew."""
    if int(table.used[USED_ROWS]) > 0 or customers <= len(table.customers):
        return table
    made = new_table(
        customers + MOST_NEW,
        (customers + 1) * 24 + MOST_NEW * LONGEST_ID,
        int(table.used[USED_MOST_HOT]),
        table.window,
        table.past,
        int(table.used[USED_PARTITIONS]),
    )
    made.used[USED_LINKING:] = table.used[USED_LINKING:]
    return made


def _larger(array: Any, used: int, capacity: int) -> Any:
    # The pages beyond the old contents stay untouched: room to grow costs address space, not memory.
    grown = room(capacity, array.dtype)
    grown[:used] = array[:used]
    return grown.view(type(array))


def _copied_rows(table: Table, capacity: int) -> Any:
    # By words: records are copied field by field, and what stands between the fields would be anything.
    rows, hot = room(capacity, ROW).view(np.recarray), int(table.used[USED_HOT])
    rows_as_words(rows)[:hot] = table.words[:hot]
    return rows


def _with_customers(table: Table, capacity: int) -> Table:
    used = table.used
    table = table._replace(
        customers=_larger(table.customers, int(used[USED_ROWS]), capacity),
        touched=_larger(table.touched, int(used[USED_TOUCHED]), capacity),
        changed=_larger(table.changed, int(used[USED_CHANGED]), capacity),
        unreported=_larger(table.unreported, int(used[USED_UNREPORTED]), capacity),
    )
    # Every customer must find a place in the due index when it is built anew.
    return _with_heap(table, int(used[USED_HEAP]), capacity) if capacity > len(table.heap_at) else table


def _with_hot_rows(table: Table, capacity: int) -> Table:
    hot = int(table.used[USED_HOT])
    rows = _copied_rows(table, min(capacity, int(table.used[USED_MOST_HOT])))
    return table._replace(rows=rows, words=rows_as_words(rows), hot=_larger(table.hot, hot, len(rows)))


def _stepwise(table: Table, grown: Any, used: int, size: int) -> Table:
    """The table with a larger array of ``size`` entries: so many more, or as many as the system allows."""
    steep = size * (STEEP if used < FEW_ROWS else LESS_STEEP)
    try:
        return grown(table, steep)  # type: ignore[no-any-return]
    except MemoryError:
        # Systems refuse what they could never fill, and some count address space as memory.
        return grown(table, size * 2)  # type: ignore[no-any-return]


def _larger_arena(arena: npt.NDArray[np.uint8], used: int, small: int, large: int) -> npt.NDArray[np.uint8]:
    """A copy with ``small`` bytes where that is little, else with as many as it will ever need.

    Once and for all, or each step would for a moment need memory for two of them. ``large``: bytes where the system
    refuses so much address space.
    """
    if len(arena) < _SMALL_ARENA:
        return _larger(arena, used, small)  # type: ignore[no-any-return]
    grown = reserved(_LARGEST_ARENA)
    if grown is None:
        return _larger(arena, used, large)  # type: ignore[no-any-return]
    grown[:used] = arena[:used]
    return grown


def grow(table: Table) -> Table:
    """The same table with more room wherever ``has_room`` finds too little."""
    used = table.used
    rows, ids, heap, hot = (int(used[i]) for i in (USED_ROWS, USED_IDS, USED_HEAP, USED_HOT))
    if rows + MOST_NEW > len(table.customers):
        table = _stepwise(table, _with_customers, rows, len(table.customers))
    if hot + LEAST_HOT > len(table.rows) and len(table.rows) < int(used[USED_MOST_HOT]):
        table = _stepwise(table, _with_hot_rows, hot, len(table.rows))
    if ids + MOST_NEW * LONGEST_ID > len(table.ids):
        table = table._replace(ids=_larger(table.ids, ids, len(table.ids) * 2))
    if rows * 10 >= len(table.slots) * 7:
        slots = room(len(table.slots) * 2, np.uint64)
        _reindex(table, slots)
        table = table._replace(slots=slots)
    if worn(table):
        compact(table)
        give_back(table.arena, int(used[USED_ARENA]))
    if int(used[USED_ARENA]) + LEAST_HOT * PACKED_BYTES > len(table.arena):
        room_now = len(table.arena)
        table = table._replace(arena=_larger_arena(table.arena, int(used[USED_ARENA]), room_now * STEEP, room_now * 2))
    if not has_place(table.window):
        table = table._replace(window=widened(table.window))
    if not has_place(table.past.seen):
        table = table._replace(past=table.past._replace(seen=widened(table.past.seen)))
    return _grow_heap(table, heap) if crowded(table) else table


def _grow_heap(table: Table, heap: int) -> Table:
    # Stale entries would let the heap outgrow the rows: sweep them out before it does.
    if heap > 2 * int(table.used[USED_ROWS]) + 1024:
        reschedule(table)
        return table
    return _with_heap(table, heap, len(table.heap_at) * 2)


def _with_heap(table: Table, heap: int, capacity: int) -> Table:
    return table._replace(
        heap_at=_larger(table.heap_at, heap, capacity), heap_row=_larger(table.heap_row, heap, capacity)
    )


def copied(table: Table) -> Table:
    """A table of its own with the same contents."""
    used = table.used
    rows, heap, hot = int(used[USED_ROWS]), int(used[USED_HEAP]), int(used[USED_HOT])
    hot_rows = _copied_rows(table, len(table.rows))
    arena = int(used[USED_ARENA])
    least = max(arena + LEAST_HOT * PACKED_BYTES, 64 * 1024)
    return Table(
        rows=hot_rows,
        words=rows_as_words(hot_rows),
        hot=_larger(table.hot, hot, len(hot_rows)),
        customers=_larger(table.customers, rows, len(table.customers)),
        ids=_larger(table.ids, int(used[USED_IDS]), len(table.ids)),
        slots=_larger(table.slots, len(table.slots), len(table.slots)),
        heap_at=_larger(table.heap_at, heap, len(table.heap_at)),
        heap_row=_larger(table.heap_row, heap, len(table.heap_row)),
        touched=_larger(table.touched, int(used[USED_TOUCHED]), len(table.touched)),
        changed=_larger(table.changed, int(used[USED_CHANGED]), len(table.changed)),
        unreported=_larger(table.unreported, int(used[USED_UNREPORTED]), len(table.unreported)),
        arena=_larger_arena(table.arena, arena, least, least),
        free=table.free.copy(),
        used=used.copy(),
        window=copied_window(table.window),
        past=table.past._replace(seen=copied_window(table.past.seen)),
    )


def memory_bytes(table: Table) -> int:
    """Bytes that hold customers: hot and packed rows, ids, due entries and lists, and the whole index."""
    used = table.used
    lists = sum(int(used[i]) for i in (USED_TOUCHED, USED_CHANGED, USED_UNREPORTED)) * 4
    hot = int(used[USED_HOT]) * (table.rows.itemsize + table.hot.itemsize)
    rest = int(used[USED_IDS]) + int(used[USED_HEAP]) * 12 + int(used[USED_ARENA])
    return int(hot + int(used[USED_ROWS]) * table.customers.itemsize + rest + lists + table.slots.nbytes)
