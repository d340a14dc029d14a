"""What a customer costs in memory: as the documentation of the row says, and within the limit."""

import re
from typing import Any, Final

import numba
import numpy as np
import pytest
from support.messages import DAY, START, tick, touchpoint
from support.shell import apply_all, new_partition

from processors.hashing import avalanche
from processors.row import layout
from processors.row.layout import DELIVERY_FIELDS, IDENTITY_FIELDS, LINK_FIELDS, PROFILE_FIELDS, PUBLISHED_FIELDS, ROW
from processors.row.namespaces import NAMESPACE_KNOWN
from streams.engine.growth import grow, memory_bytes
from streams.engine.hot import add
from streams.engine.packing import PACKED_BYTES
from streams.engine.rows import USED_ARENA, USED_FREED, USED_HEAP, has_room, list_touched, new_table, schedule

LIMIT: Final = 3_100  # bytes a customer


def test_a_row_has_the_size_that_its_documentation_states() -> None:
    stated = re.search(r"([\d,]+) bytes", layout.__doc__ or "")
    assert stated is not None
    assert int(stated[1].replace(",", "")) == ROW.itemsize


def test_the_fields_of_a_row_take_nearly_all_of_it() -> None:
    parts: list[list[Any]] = [IDENTITY_FIELDS, DELIVERY_FIELDS, LINK_FIELDS, PROFILE_FIELDS, PUBLISHED_FIELDS]
    fields = [field for part in parts for field in part]
    assert {name for name, *_ in fields} == set(ROW.names or ())
    assert ROW.itemsize - sum(np.dtype([field]).itemsize for field in fields) < 64


@pytest.mark.parametrize("customers", [45_000, 46_000])
def test_with_ids_of_sixteen_bytes_and_all_indexes_a_hot_customer_costs_at_most_the_limit(customers: int) -> None:
    table = new_table(hot_rows=customers)
    for number in range(customers):
        while not has_room(table):
            table = grow(table)
        name = np.frombuffer(f"{number:016d}".encode(), np.uint8)
        place = add(table, name, 0, 16, np.uint64(avalanche(np.uint64(number))), NAMESPACE_KNOWN)
        # Due, reviewed and touched: every list that may hold the row does.
        table.rows[place].due_at = 2_000_000 + number
        schedule(table, place)
        table.rows[place].review_at = 1_000_000 + number
        schedule(table, place)
        list_touched(table, place)
    assert memory_bytes(table) / customers <= LIMIT


def test_a_visitor_without_initiative_takes_little_in_all() -> None:
    """Packed, with an id of 16 bytes, and all that finds it again."""
    visitors = 1_400 if numba.config.DISABLE_JIT else 22_000  # type: ignore[attr-defined]
    partition = new_partition(hot_rows=8)
    told = [touchpoint("1", f"visitor-{i:08d}", START + i, "email_delivered") for i in range(visitors)]
    apply_all(partition, *told)
    apply_all(partition, tick(START + DAY), tick(START + 2 * DAY))
    partition.take_unreported(visitors)
    partition.checkpoint()
    # Nothing is due, so nothing wakes it.
    used = partition.table.used
    assert used[USED_HEAP] == 0
    # Eight rows stand in full. What is free in the arena is used again, and bounded.
    assert used[USED_FREED] <= used[USED_ARENA] / 4 + 4 * PACKED_BYTES
    assert (memory_bytes(partition.table) - used[USED_FREED] - 8 * ROW.itemsize) / visitors <= 150
