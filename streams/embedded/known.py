"""Which events are stored already: a set of 128-bit hashes of event ids, compiled.

Two XXH64 of the id, the second over the id and a zero byte: ClickHouse computes the same of what it has stored.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled_leaf
from processors.hashing import xxh64
from streams.log.messages import text_bodies
from streams.reports.sink import Sink

STORED: Final = (
    "SELECT xxHash64(event_id) AS first, xxHash64(concat(event_id, char(0))) AS second FROM touchpoints_raw "
    "WHERE occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND "
    "fromUnixTimestamp64Milli({until:Int64}, 'UTC')"
)
_SEED: Final = np.uint64(0)

Hashes = npt.NDArray[np.uint64]


@compiled_leaf
def _hash_texts(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    scratch: npt.NDArray[np.uint8],
    first: Hashes,
    second: Hashes,
) -> None:
    for i in range(len(first)):
        size = offsets[i + 1] - offsets[i]
        for j in range(size):
            scratch[j] = data[offsets[i] + j]
        scratch[size] = 0
        first[i] = xxh64(scratch, 0, size, _SEED)
        second[i] = xxh64(scratch, 0, size + 1, _SEED)


@compiled_leaf
def _insert(first: Hashes, second: Hashes, firsts: Hashes, seconds: Hashes, seen: npt.NDArray[np.bool_]) -> None:
    """Add hashes to the table (``firsts``, ``seconds``); ``seen`` tells which were there. (0, 0) marks a free slot."""
    mask = np.uint64(len(firsts) - 1)
    for i in range(len(first)):
        slot = first[i] & mask
        while True:
            if firsts[slot] == np.uint64(0) and seconds[slot] == np.uint64(0):
                firsts[slot], seconds[slot] = first[i], second[i]
                seen[i] = False
                break
            if firsts[slot] == first[i] and seconds[slot] == second[i]:
                seen[i] = True
                break
            slot = (slot + np.uint64(1)) & mask


class KnownEvents:
    """Event ids met so far. 16 bytes an event at a load of one half."""

    def __init__(self) -> None:
        self._firsts: Hashes = np.zeros(1024, np.uint64)
        self._seconds: Hashes = np.zeros(1024, np.uint64)
        self._count = 0

    def load(self, sink: Sink, first_at: int, last_at: int) -> None:
        """Take in what the reports hold of an interval of event time (ms, both ends included)."""
        stored: Any = sink.query(STORED, {"from": first_at, "until": last_at})
        if stored.num_rows:
            self._add(stored.column("first").to_numpy(), stored.column("second").to_numpy())

    def notice(self, event_ids: pa.Array) -> npt.NDArray[np.bool_]:
        """Which of these ids were known before; from now on all of them are."""
        bodies = text_bodies(event_ids)
        first, second = np.empty(len(event_ids), np.uint64), np.empty(len(event_ids), np.uint64)
        longest = int(np.diff(bodies.offsets).max(initial=0))
        _hash_texts(bodies.buffer, bodies.offsets, np.empty(longest + 1, np.uint8), first, second)
        return self._add(first, second)

    def _add(self, first: Hashes, second: Hashes) -> npt.NDArray[np.bool_]:
        while (self._count + len(first)) * 2 > len(self._firsts):
            self._grow()
        seen = np.zeros(len(first), np.bool_)
        _insert(np.ascontiguousarray(first), np.ascontiguousarray(second), self._firsts, self._seconds, seen)
        self._count += int(np.count_nonzero(~seen))
        return seen

    def _grow(self) -> None:
        used = (self._firsts != 0) | (self._seconds != 0)
        first, second = self._firsts[used], self._seconds[used]
        self._firsts = np.zeros(len(self._firsts) * 2, np.uint64)
        self._seconds = np.zeros(len(self._firsts), np.uint64)
        _insert(first, second, self._firsts, self._seconds, np.zeros(len(first), np.bool_))
