"""Which partitions keys belong to, and messages by that."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from schemas.bodies import Bodies
from streams.log.arranging import only
from streams.log.murmur import partition_of

EVERY: Final = -1
"""In the place of a partition's number: all of them."""


@compiled_leaf
def _fill(
    buffer: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], count: int, out: npt.NDArray[np.int32]
) -> None:
    for i in range(len(out)):
        out[i] = partition_of(buffer, offsets[i], offsets[i + 1], count)


def partitions_of(keys: Bodies, count: int) -> npt.NDArray[np.int32]:
    """The partition of each key among ``count``."""
    out = np.empty(len(keys.offsets) - 1, np.int32)
    _fill(keys.buffer, np.ascontiguousarray(keys.offsets), count, out)
    return out


def split(keys: Bodies | None, bodies: Bodies, count: int) -> list[tuple[Bodies | None, Bodies]]:
    """(keys, messages) of each of ``count`` partitions, in their order.

    A message without a key, or with an empty one, goes to every partition, at its place.
    """
    if keys is None or count == 1:
        return [(keys, bodies)] * count
    partitions = partitions_of(keys, count)
    partitions[np.diff(keys.offsets) == 0] = EVERY
    chosen = [np.flatnonzero((partitions == number) | (partitions == EVERY)) for number in range(count)]
    return [(only(keys, rows), only(bodies, rows)) for rows in chosen]
