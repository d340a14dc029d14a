"""The due index: which rows silence may end next. A heap of (instant, customer), compiled.

An entry's instant is a lower bound. A purchase usually moves a row's due instant later; then the entry stays where it
is and is put back when it surfaces, so that most touchpoints never touch the heap. A row's ``entry_at`` names the
entry that counts; others are stale and dropped when they surface.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.prefetch import LINE, ask_for_line

ARITY: Final = 4  # half the levels of a binary heap, and four children are one or two lines of memory

_LINES: Final = 3  # in which ARITY times ARITY instants lie

Instants = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]


@compiled_leaf
def push(instants: Instants, indices: Indices, size: int, at: int, index: int) -> int:
    """Add an entry to a heap of ``size``; returns the new size. The arrays must have room."""
    slot = size
    while slot > 0:
        parent = (slot - 1) // ARITY
        if instants[parent] <= at:
            break
        instants[slot] = instants[parent]
        indices[slot] = indices[parent]
        slot = parent
    instants[slot] = at
    indices[slot] = index
    return size + 1


@compiled_leaf
def pop(instants: Instants, indices: Indices, size: int) -> int:
    """Remove the first entry of a heap of ``size`` > 0; returns the new size. Read slot 0 before."""
    size -= 1
    at, index = instants[size], indices[size]
    slot = 0
    while True:
        first = ARITY * slot + 1
        if first >= size:
            break
        # The children of whichever child it will be: a large heap is in no cache near the processor.
        below = ARITY * first + 1
        for line in range(_LINES):
            ask_for_line(instants.ctypes.data + below * 8 + line * LINE)
        ask_for_line(indices.ctypes.data + below * 4)
        # Which child is the least can't be foreseen: values are chosen among, not ways.
        child, least = first, instants[first]
        for other in range(first + 1, min(first + ARITY, size)):
            value = instants[other]
            is_less = value < least
            child = other if is_less else child
            least = value if is_less else least
        if least >= at:
            break
        instants[slot] = least
        indices[slot] = indices[child]
        slot = child
    instants[slot] = at
    indices[slot] = index
    return size
