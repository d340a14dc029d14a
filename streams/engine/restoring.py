"""Rows that come back from a checkpoint. Compiled."""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.blank import clear_memory, clear_profile
from processors.row.layout import NEVER, ROW
from streams.engine.rows import Table, append, find, has_room


@compiled_leaf
def _clear_rows(rows: Any) -> None:
    for number in range(len(rows)):
        clear_profile(rows[number])
        clear_memory(rows[number])


def empty_rows(count: int) -> Any:
    """Rows of customers of whom nothing is known."""
    rows = np.zeros(count, ROW).view(np.recarray)
    _clear_rows(rows)
    return rows


@compiled_leaf
def take_in(table: Table, rows: Any, ids: npt.NDArray[np.uint8], first: int) -> int:
    """Restore rows from number ``first`` on, each unless a newer one of its customer is there; returns the next number.

    The ids stand in ``ids`` one after another; ``id_start`` of the rows says where. Stops where the table needs room.
    """
    for i in range(first, len(rows)):
        if not has_room(table):
            return int(i)
        row = rows[i]
        key, start, length = np.uint64(row.hash), row.id_start, row.id_length
        space = np.int64(row.namespace)
        number = find(table, ids, start, length, key, space)
        if number < 0:
            number = append(table, ids, start, length, key, space)
        elif table.rows[number].offset >= row.offset:
            continue
        place = table.rows[number].id_start
        table.rows[number] = row
        table.rows[number].id_start = place
        table.rows[number].entry_at = NEVER
    return len(rows)
