"""Memory for what may grow: zero, writable, refused with a MemoryError, and given back."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from streams.engine.address_space import give_back, reserved, room


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


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems let go of pages when they want to")
def test_what_is_given_back_takes_no_memory_any_more() -> None:
    array = reserved(1 << 30)
    assert array is not None
    array[: 64 << 20] = 7
    before = _resident()
    give_back(array, 16 << 20)
    assert before - _resident() > 40 << 20
    assert (array[: 16 << 20] == 7).all()
    assert not array[32 << 20 :][:4096].any()
    array[63 << 20] = 1
    assert array[63 << 20] == 1


@pytest.mark.parametrize("used", [0, 1000, 4096])
def test_of_what_was_not_reserved_nothing_is_given_back(used: int) -> None:
    for array in (np.full(4096, 7, np.uint8), room(4 << 20, np.uint8)):
        array[:] = 7
        give_back(array, used)
        assert (array == 7).all()
