"""Which partition a key belongs to, as every client of Kafka computes it: of one key, compiled.

Source: Apache Kafka, org.apache.kafka.common.utils.Utils.murmur2 and the default partitioner:
``toPositive(murmur2(key)) % partitions``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import Int

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_LOW: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF


@compiled_leaf
def _murmur2(buffer: npt.NDArray[np.uint8], start: Int, stop: Int) -> int:
    # Products of two 32-bit words don't fit into a signed 64-bit one, but their low halves survive the overflow.
    h = _SEED ^ (stop - start)
    at = start
    while stop - at >= 4:
        k = int(buffer[at]) | int(buffer[at + 1]) << 8 | int(buffer[at + 2]) << 16 | int(buffer[at + 3]) << 24
        k = (k * _FACTOR) & _LOW
        k = ((k ^ (k >> 24)) * _FACTOR) & _LOW
        h = ((h * _FACTOR) & _LOW) ^ k
        at += 4
    if at < stop:
        for i in range(stop - at):
            h ^= int(buffer[at + i]) << (8 * i)
        h = (h * _FACTOR) & _LOW
    h = ((h ^ (h >> 13)) * _FACTOR) & _LOW
    return int(h ^ (h >> 15))


@compiled_leaf
def partition_of(buffer: npt.NDArray[np.uint8], start: Int, stop: Int, count: Int) -> int:
    """The partition of the key ``buffer[start:stop]`` among ``count``."""
    return int((_murmur2(buffer, start, stop) & _POSITIVE) % count)
