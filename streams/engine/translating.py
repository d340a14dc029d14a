"""Touchpoints in a schema that the reports could not take as it is: written anew in ours, before the loop reads them.

All of a fetch at once, when the loop meets the first of them. The new bodies stand behind the fetched bytes in one
buffer, so that slices of either are slices of the same.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from schemas.known import TYPE_TOUCHPOINT, Known
from schemas.plans import Plans
from schemas.reasons import OK
from streams.log.batches import SPAN_COUNT, SPAN_REASON, SPAN_START, SPAN_STOP
from streams.log.records import HEAD_CELLS, HEAD_NEXT, HEAD_VALUE, HEAD_VALUE_SIZE, next_record

FRAMING: Final = 5  # bytes of the wire format before a body

# Cells of what stands where: the record's value in the fetch (and its length), and the body that was made of it.
ANEW_VALUE: Final = 0
ANEW_VALUE_SIZE: Final = 1
ANEW_START: Final = 2
ANEW_LENGTH: Final = 3
ANEW_REASON: Final = 4
ANEW_DETAIL: Final = 5
ANEW_CELLS: Final = 6

_INDEX: Final = 2  # in the list of what is to be written anew: value, its length, index of its schema


@compiled_leaf
def schema_index(plans: Plans, buffer: npt.NDArray[np.uint8], start: int) -> int:
    """Index of the wire schema id at ``start`` among the plans; -1: not there, -2: no registry gives such ids."""
    if buffer[start] > 127:
        return -2
    wanted = 0
    for i in range(4):
        wanted = wanted << 8 | int(buffer[start + i])
    low, high = 0, len(plans.ids)
    while low < high:
        middle = (low + high) >> 1
        if plans.ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < len(plans.ids) and plans.ids[low] == wanted:
        return low
    return -1


@compiled_leaf
def place_of(anew: npt.NDArray[np.int64], value: int) -> int:
    """Where in the list (ascending) the record with this value stands; -1: it doesn't."""
    low, high = 0, len(anew)
    while low < high:
        middle = (low + high) >> 1
        if anew[middle, ANEW_VALUE] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < len(anew) and anew[low, ANEW_VALUE] == value else -1


@compiled_leaf
def list_foreign(
    buffer: npt.NDArray[np.uint8],
    spans: npt.NDArray[np.int64],
    plans: Plans,
    first: int,
    found: npt.NDArray[np.int64],
    head: npt.NDArray[np.int64],
) -> int:
    """List the touchpoints from span ``first`` on that can't be read as they are; how many there are."""
    count = 0
    for i in range(first, len(spans)):
        span = spans[i]
        place = span[SPAN_START]
        if span[SPAN_REASON] != OK:
            continue
        for _ in range(span[SPAN_COUNT]):
            if place >= span[SPAN_STOP]:
                break
            reason = next_record(buffer, place, span[SPAN_STOP], head)
            value, size = head[HEAD_VALUE], head[HEAD_VALUE_SIZE]
            place = head[HEAD_NEXT]
            if reason != OK or size < FRAMING or buffer[value] != 0:
                continue
            index = schema_index(plans, buffer, value + 1)
            if index >= 0 and plans.types[index] == TYPE_TOUCHPOINT and plans.plain[index] == 0:
                found[count, 0], found[count, 1], found[count, _INDEX] = value, size, index
                count += 1
    return count


def written_anew(
    buffer: npt.NDArray[np.uint8],
    spans: npt.NDArray[np.int64],
    first: int,
    most: int,
    plans: Plans,
    schemas: Mapping[int, Known],
    number_of: Callable[[str], int],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """(the buffer with the new bodies behind it, what stands where in it: shape (n, ANEW_CELLS), ascending).

    ``first``: span from which on it is wanted; ``most``: records that there can be. ``number_of`` gives the number
    under which a text is kept that says what is wrong.
    """
    found = np.empty((most, 3), np.int64)
    found = found[: list_foreign(buffer, spans, plans, first, found, np.zeros(HEAD_CELLS, np.int64))]
    anew = np.zeros((len(found), ANEW_CELLS), np.int64)
    anew[:, : ANEW_VALUE_SIZE + 1] = found[:, :2]
    parts, size = [buffer], len(buffer)
    for index in np.unique(found[:, _INDEX]):
        translation = schemas[int(plans.ids[index])].translation
        assert translation is not None
        mine = np.flatnonzero(found[:, _INDEX] == index)
        values, sizes = found[mine, 0], found[mine, 1]
        made = translation.translate(buffer, values + FRAMING, values + sizes)
        anew[mine, ANEW_START] = size + made.bodies.offsets[:-1]
        anew[mine, ANEW_LENGTH] = np.diff(made.bodies.offsets)
        anew[mine, ANEW_REASON] = made.reasons
        for row in np.flatnonzero(made.fields >= 0):
            field = translation.names[made.fields[row]]
            anew[mine[row], ANEW_DETAIL] = number_of(translation.says(int(made.reasons[row]), field))
        parts.append(made.bodies.buffer)
        size += len(made.bodies.buffer)
    joined = np.concatenate(parts)
    # Compiled code is made for buffers that are read only, or for those that are not.
    joined.flags.writeable = buffer.flags.writeable
    return joined, anew
