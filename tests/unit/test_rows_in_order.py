"""A checkpoint on its way into SQLite: the same records, rows by key."""

import pytest
from support.changelogs import crowded
from support.messages import START, touchpoint
from support.shell import apply_all

from streams.embedded.rows_in_order import in_order


@pytest.mark.parametrize("customers", [1, 300])
def test_the_records_are_all_there_and_rows_stand_in_order(customers: int) -> None:
    partition = crowded(customers)
    apply_all(partition, *(touchpoint("2", name, START) for name in ("ü", "a\0", "c", "zz")))
    checkpoint = partition.checkpoint()
    found = [(bytes(key), value if value is None else bytes(value)) for key, value in in_order(checkpoint)]
    assert sorted(found) == sorted(checkpoint.all_records())
    rows = [key for key, _ in found if key[0] == 0]
    assert rows == sorted(rows)
    assert len(rows) == customers + 4
    assert [key for key, _ in in_order(partition.checkpoint())] == [checkpoint.header[0]]
