"""What a customer costs in memory: as the documentation of the row says, and within the limit."""

import re
from typing import Any, Final

import numpy as np
import pytest

from processors.hashing import avalanche
from processors.row import layout
from processors.row.layout import DELIVERY_FIELDS, IDENTITY_FIELDS, PROFILE_FIELDS, PUBLISHED_FIELDS, ROW
from processors.row.namespaces import NAMESPACE_KNOWN
from streams.engine.growth import grow, memory_bytes
from streams.engine.rows import add, has_room, list_touched, new_table, schedule

LIMIT: Final = 2_500  # bytes a customer


def test_a_row_has_the_size_that_its_documentation_states() -> None:
    stated = re.search(r"([\d,]+) bytes", layout.__doc__ or "")
    assert stated is not None
    assert int(stated[1].replace(",", "")) == ROW.itemsize


def test_the_fields_of_a_row_take_nearly_all_of_it() -> None:
    parts: list[list[Any]] = [IDENTITY_FIELDS, DELIVERY_FIELDS, PROFILE_FIELDS, PUBLISHED_FIELDS]
    fields = [field for part in parts for field in part]
    assert {name for name, *_ in fields} == set(ROW.names or ())
    assert ROW.itemsize - sum(np.dtype([field]).itemsize for field in fields) < 64


@pytest.mark.parametrize("customers", [45_000, 46_000])
def test_with_ids_of_sixteen_bytes_and_all_indexes_a_customer_costs_at_most_the_limit(customers: int) -> None:
    table = new_table()
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
