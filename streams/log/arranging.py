"""Messages put together anew: chosen, interleaved, joined, cut into pieces. Compiled where bytes move."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import copy_bytes
from schemas.bodies import Bodies, one_after_another

RECORD_OVERHEAD: Final = 24
"""Bytes that frame a key and a body in a batch, at most, but for keys or bodies of megabytes."""

Numbers = npt.NDArray[np.int64]


@compiled_leaf
def _move(
    source: npt.NDArray[np.uint8],
    starts: Numbers,
    rows: Numbers,
    out: npt.NDArray[np.uint8],
    offsets: Numbers,
    places: Numbers,
) -> None:
    """Message ``rows[i]`` of ``source`` becomes message ``places[i]`` of ``out``."""
    for i in range(len(rows)):
        row = rows[i]
        copy_bytes(source, starts[row], starts[row + 1] - starts[row], out, offsets[places[i]])


def only(messages: Bodies, rows: Numbers) -> Bodies:
    """The messages with these numbers."""
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.diff(messages.offsets)[rows], out=offsets[1:])
    out = np.empty(int(offsets[-1]), np.uint8)
    _move(messages.buffer, np.ascontiguousarray(messages.offsets), rows, out, offsets, np.arange(len(rows)))
    return Bodies(out, offsets)


def interleave(first: Bodies, second: Bodies, before: Numbers) -> Bodies:
    """Messages of ``first`` with message i of ``second`` put in before message ``before[i]`` (ascending)."""
    mine = np.arange(len(first.offsets) - 1) + np.searchsorted(before, np.arange(len(first.offsets) - 1), "right")
    theirs = before + np.arange(len(before))
    sizes = np.zeros(len(mine) + len(theirs) + 1, np.int64)
    sizes[mine + 1] = np.diff(first.offsets)
    sizes[theirs + 1] = np.diff(second.offsets)
    offsets = np.cumsum(sizes)
    out = np.empty(int(offsets[-1]), np.uint8)
    for bodies, places in ((first, mine), (second, theirs)):
        _move(bodies.buffer, np.ascontiguousarray(bodies.offsets), np.arange(len(places)), out, offsets, places)
    return Bodies(out, offsets)


def joined(parts: Sequence[tuple[Bodies | None, Bodies]]) -> tuple[Bodies | None, Bodies]:
    """All (keys, messages), in their order; a part without keys has empty ones where another has some."""
    bodies = one_after_another([bodies for _, bodies in parts])
    if all(keys is None for keys, _ in parts):
        return None, bodies
    return one_after_another([_no_keys(bodies) if keys is None else keys for keys, bodies in parts]), bodies


def _no_keys(bodies: Bodies) -> Bodies:
    return Bodies(np.zeros(0, np.uint8), np.zeros(len(bodies.offsets), np.int64))


def sizes_of(keys: Bodies | None, bodies: Bodies) -> Numbers:
    """Bytes of each message's key and body together."""
    sizes = np.diff(bodies.offsets)
    return sizes if keys is None else sizes + np.diff(keys.offsets)


def pieces(
    keys: Bodies | None, bodies: Bodies, most_bytes: int, most: int | None = None
) -> Iterator[tuple[Bodies | None, Bodies]]:
    """Cut messages into runs of at most ``most_bytes`` bytes, framing included, and ``most`` messages; one at least."""
    count = len(bodies.offsets) - 1
    ends = np.zeros(count + 1, np.int64)
    np.cumsum(sizes_of(keys, bodies) + RECORD_OVERHEAD, out=ends[1:])
    first = 0
    while first < count:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + most_bytes, "right")) - 1)
        last = last if most is None else min(last, first + most)
        part = slice(first, last + 1)
        some_keys = None if keys is None else Bodies(keys.buffer, keys.offsets[part])
        yield some_keys, Bodies(bodies.buffer, bodies.offsets[part])
        first = last
