"""Ticks that an import puts between touchpoints, on a fixed grid of event time: history replays as it happened."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.row.layout import NONE
from schemas.bodies import Bodies
from schemas.registry import Registry
from streams.log.arranging import interleave
from streams.log.messages import encoded

TICK_GRID_MS: Final = 86_400_000


def grid_ticks(occurred_at: npt.NDArray[np.int64], time: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(instants of the grid that pass while these touchpoints occur, the touchpoint that each precedes).

    ``time``: the newest tick so far, NONE before the first; only later ones are given. Event time is the greatest
    instant so far. How touchpoints are cut into batches doesn't change the ticks.
    """
    if len(occurred_at) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    days = np.maximum.accumulate(occurred_at) // TICK_GRID_MS
    first = int(days[0]) if time == NONE else time // TICK_GRID_MS + 1
    ticks = np.arange(first, int(days[-1]) + 1, dtype=np.int64)
    return ticks * TICK_GRID_MS, np.searchsorted(days, ticks, "left").astype(np.int64)


def tick_messages(registry: Registry, instants: npt.NDArray[np.int64] | list[int]) -> Bodies:
    """One Tick for each instant (ms)."""
    return encoded(registry, "Tick", pa.record_batch({"at": pa.array(instants, pa.int64())}))


def with_ticks(
    keys: Bodies, bodies: Bodies, ticks: npt.NDArray[np.int64], before: npt.NDArray[np.int64], registry: Registry
) -> tuple[Bodies, Bodies]:
    """(keys, messages) with tick i before message ``before[i]`` (ascending). An empty key: it is for everybody."""
    if len(ticks) == 0:
        return keys, bodies
    no_keys = Bodies(np.zeros(0, np.uint8), np.zeros(len(ticks) + 1, np.int64))
    return interleave(keys, no_keys, before), interleave(bodies, tick_messages(registry, ticks), before)
