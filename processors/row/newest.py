"""Sets of the N newest, as parallel arrays in a row: union, then truncate, so that order never matters within N.

An entry is (instant, event hash); the greater instant is newer, of one instant the greater hash. NONE is a free place.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.layout import NONE

Instants = npt.NDArray[np.int64]
Events = npt.NDArray[np.uint64]


@compiled_leaf
def oldest_of(instants: Instants, events: Events) -> int:
    """The place of the oldest entry, or of a free one."""
    place = 0
    for i in range(1, len(instants)):
        if instants[i] < instants[place] or (instants[i] == instants[place] and events[i] < events[place]):
            place = i
    return place


@compiled_leaf
def note(row: Any, instants: Instants, events: Events, at: int, event: np.uint64) -> None:
    """Put (``at``, ``event``) into the set; what falls out, or doesn't come in, counts as forgotten."""
    for i in range(len(instants)):
        if instants[i] == at and events[i] == event:
            return
    place = oldest_of(instants, events)
    row.forgotten += int(instants[place] != NONE)
    if at > instants[place] or (at == instants[place] and event > events[place]):
        instants[place] = at
        events[place] = event


@compiled_leaf
def note_instant(row: Any, instants: Instants, at: int) -> None:
    """Put an instant into a set of instants."""
    place = 0
    for i in range(len(instants)):
        if instants[i] == at:
            return
        if instants[i] < instants[place]:
            place = i
    row.forgotten += int(instants[place] != NONE)
    if at > instants[place]:
        instants[place] = at


@compiled_leaf
def unite(row: Any, instants: Instants, events: Events, other_instants: Instants, other_events: Events) -> None:
    """Add the entries of another set."""
    for i in range(len(other_instants)):
        if other_instants[i] != NONE:
            note(row, instants, events, other_instants[i], other_events[i])


@compiled_leaf
def unite_instants(row: Any, instants: Instants, others: Instants) -> None:
    """Add the instants of another set."""
    for i in range(len(others)):
        if others[i] != NONE:
            note_instant(row, instants, others[i])


@compiled_leaf
def newest_within(instants: Instants, first: int, last: int) -> int:
    """The place of the newest entry in ``first..last`` (ms, both included); -1: there is none."""
    found = -1
    for i in range(len(instants)):
        inside = instants[i] != NONE and first <= instants[i] <= last
        if inside and (found < 0 or instants[i] > instants[found]):
            found = i
    return found


@compiled_leaf
def first_from(instants: Instants, at: int, never: int) -> int:
    """The earliest instant that is no earlier than ``at``; ``never`` where there is none."""
    first = never
    for i in range(len(instants)):
        if at <= instants[i] < first:
            first = int(instants[i])
    return first
