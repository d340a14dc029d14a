"""Memory for what may grow: zero, writable, refused with a MemoryError, and given back."""

import numpy as np
import pytest

from streams.engine.address_space import room


@pytest.mark.parametrize("count", [0, 5, 300_000])
def test_room_is_zero_and_writable_whatever_its_size(count: int) -> None:
    array = room(count, np.uint64)
    assert array.dtype == np.uint64
    assert len(array) == count
    assert not array.any()
    array[:] = np.arange(count, dtype=np.uint64)
    assert array.tolist() == list(range(count))


def test_records_find_room_too() -> None:
    kind = np.dtype([("at", "i8"), ("which", "i4"), ("rest", "i4")])
    records = room(200_000, kind)
    records[199_999] = (7, 1, 2)
    assert records[199_999].tolist() == (7, 1, 2)
    assert records[0].tolist() == (0, 0, 0)


def test_more_than_any_system_has_is_refused() -> None:
    with pytest.raises(MemoryError):
        room(2**59, np.uint64)
