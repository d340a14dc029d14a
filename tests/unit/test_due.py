"""The due index against Python's own heap."""

import heapq

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.due import pop, push

ROOM = 200
INSTANTS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5)


@given(st.lists(INSTANTS | st.none(), max_size=ROOM))
def test_entries_surface_by_instant_and_none_is_lost(operations: list[int | None]) -> None:
    """A number is pushed, None pops."""
    instants, indices = np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int32)
    size, model = 0, list[tuple[int, int]]()
    for number, at in enumerate(operations):
        if at is not None:
            size = push(instants, indices, size, at, number)
            heapq.heappush(model, (at, number))
        elif model:
            first = (int(instants[0]), int(indices[0]))
            assert first[0] == model[0][0]
            size = pop(instants, indices, size)
            model.remove(first)
            heapq.heapify(model)
        assert size == len(model)
        assert sorted(zip(instants[:size].tolist(), indices[:size].tolist(), strict=True)) == sorted(model)


def test_a_full_heap_empties_in_order() -> None:
    instants, indices = np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int32)
    size = 0
    for i in range(ROOM):
        size = push(instants, indices, size, i * 37 % 50, i)
    surfaced = []
    while size > 0:
        surfaced.append((int(instants[0]), int(indices[0])))
        size = pop(instants, indices, size)
    assert [at for at, _ in surfaced] == sorted(i * 37 % 50 for i in range(ROOM))
    assert sorted(i for _, i in surfaced) == list(range(ROOM))
