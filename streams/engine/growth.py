"""More room for the rows of a partition, a copy of them, and how much memory they take."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from streams.engine.rows import (
    LONGEST_ID,
    USED_HEAP,
    USED_ROWS,
    USED_TOUCHED,
    Table,
    crowded,
    enter,
    new_table,
    reschedule,
)

STEEP: Final = 16
"""By so much few rows get more room. Each step copies them all; what isn't used costs address space, not memory."""
FEW_ROWS: Final = 65_536
LESS_STEEP: Final = 4


@compiled_leaf
def _reindex(rows: Any, count: int, index: npt.NDArray[np.uint64]) -> None:
    for number in range(count):
        enter(index, np.uint64(rows[number].hash), number)


def reserve(table: Table, customers: int) -> Table:
    """The same table with room for so many customers; only an empty one is made anew."""
    if int(table.used[USED_ROWS]) > 0 or customers <= len(table.rows):
        return table
    return new_table(customers + 1, (customers + 1) * 24 + LONGEST_ID)


def _larger(array: Any, used: int, capacity: int, *, zero: bool = False) -> Any:
    # np.empty leaves the pages beyond the old contents untouched: room to grow costs address space, not memory.
    grown = np.zeros(capacity, array.dtype) if zero else np.empty(capacity, array.dtype)
    grown[:used] = array[:used]
    return grown.view(type(array))


def _with_rows(table: Table, rows: int, capacity: int) -> Table:
    table = table._replace(
        rows=_larger(table.rows, rows, capacity),
        dirty=_larger(table.dirty, rows, capacity, zero=True),
        written=_larger(table.written, rows, capacity, zero=True),
        touched=_larger(table.touched, int(table.used[USED_TOUCHED]), capacity),
    )
    # Every row must find a place in the due index when it is built anew.
    return _with_heap(table, int(table.used[USED_HEAP]), capacity) if capacity > len(table.heap_at) else table


def _with_more_rows(table: Table, rows: int) -> Table:
    try:
        return _with_rows(table, rows, len(table.rows) * (STEEP if rows < FEW_ROWS else LESS_STEEP))
    except MemoryError:
        # Systems refuse what they could never fill, and some count address space as memory.
        return _with_rows(table, rows, len(table.rows) * 2)


def grow(table: Table) -> Table:
    """The same table with more room wherever ``has_room`` finds too little."""
    rows, ids, heap = (int(n) for n in table.used[:3])
    if rows >= len(table.rows):
        table = _with_more_rows(table, rows)
    if ids + LONGEST_ID > len(table.ids):
        table = table._replace(ids=_larger(table.ids, ids, len(table.ids) * 2))
    if rows * 10 >= len(table.slots) * 7:
        slots = np.zeros(len(table.slots) * 2, np.uint64)
        _reindex(table.rows, rows, slots)
        table = table._replace(slots=slots)
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
    rows, ids, heap, touched = (int(n) for n in table.used[:4])
    return Table(
        _larger(table.rows, rows, len(table.rows)),
        _larger(table.ids, ids, len(table.ids)),
        table.slots.copy(),
        _larger(table.heap_at, heap, len(table.heap_at)),
        _larger(table.heap_row, heap, len(table.heap_row)),
        _larger(table.dirty, rows, len(table.dirty), zero=True),
        _larger(table.written, rows, len(table.written), zero=True),
        _larger(table.touched, touched, len(table.touched)),
        table.used.copy(),
    )


def memory_bytes(table: Table) -> int:
    """Bytes that hold customers: used rows, ids and due entries, and the whole index."""
    rows, ids, heap = (int(n) for n in table.used[:3])
    per_row = table.rows.itemsize + table.dirty.itemsize + table.written.itemsize + table.touched.itemsize
    return int(rows * per_row) + ids + heap * 12 + table.slots.nbytes
