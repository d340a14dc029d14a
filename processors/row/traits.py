"""What a row knows of the properties of its customer that the policy names.

The newest value by (instant, value), so any order of arrival and any merge give the same. A value is one number: of a
text 53 bits of its XXH64, which a double holds exactly; of what is true or false 1 or 0.
"""

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import NONE, TRAITS, Row


@compiled_leaf
def trait_place(row: Row, name: int) -> int:
    """The place of a property by 32 bits of the hash of its name; -1: nothing is known of it."""
    for i in range(TRAITS):
        if np.int64(row.trait_name[i]) == name:
            return i
    return -1


@compiled_leaf
def trait_of(row: Row, name: int) -> float:
    """The value of a property; nan: nothing is known of it."""
    place = trait_place(row, name)
    return float(row.trait[place]) if place >= 0 else np.nan


@compiled_leaf
def note_trait(row: Row, name: int, at: int, value: float) -> None:
    """A touchpoint at ``at`` (ms) told the value of a property.

    Where more have been named than there is room for, which takes a change of the policy, the oldest is forgotten.
    """
    place = trait_place(row, name)
    if place >= 0:
        if at > row.trait_at[place] or (at == row.trait_at[place] and value > row.trait[place]):
            row.trait_at[place] = at
            row.trait[place] = value
        return
    if row.trait_name[TRAITS - 1] == 0:
        last = TRAITS - 1
    else:
        last = 0
        for i in range(1, TRAITS):
            if row.trait_at[i] < row.trait_at[last]:
                last = i
        if at < row.trait_at[last] or (at == row.trait_at[last] and name < np.int64(row.trait_name[last])):
            return
        for i in range(last, TRAITS - 1):
            _move(row, i + 1, i)
        last = TRAITS - 1
    # By name, so that the same properties stand in the same places whatever their order of arrival.
    while last > 0 and (row.trait_name[last - 1] == 0 or np.int64(row.trait_name[last - 1]) > name):
        _move(row, last - 1, last)
        last -= 1
    row.trait_name[last] = name
    row.trait_at[last] = at
    row.trait[last] = value


@compiled_leaf
def _move(row: Row, source: int, place: int) -> None:
    row.trait_name[place] = row.trait_name[source]
    row.trait_at[place] = row.trait_at[source]
    row.trait[place] = row.trait[source]


@compiled_leaf
def merge_traits(into: Row, other: Row) -> None:
    """Of each property the newer value."""
    for i in range(TRAITS):
        if other.trait_name[i] != 0 and other.trait_at[i] != NONE:
            note_trait(into, int(other.trait_name[i]), int(other.trait_at[i]), float(other.trait[i]))
