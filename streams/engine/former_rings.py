"""What rows remembered of their own events before the partition had a window: a ring of sixteen hashes each.

The window begins with them, so that what was delivered before an upgrade and is sent again after it counts once, as far
as the rings reach. A ring does not say at which offsets its events stood: no later than its row's last one. So they are
entered by the last offsets of the rows, and of one row in the order of arrival.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_UNSTATED, salt_of
from streams.engine.window import TOLD_LIMIT, Window
from streams.engine.window_records import seeded

Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]


class Rings:
    """Those of rows that were read: 24 bytes for each event, until they are entered."""

    def __init__(self) -> None:
        self._parts: list[tuple[Hashes, Hashes, Offsets]] = []

    def add(self, rows: Any, keys: Hashes, offsets: Offsets, namespaces: npt.NDArray[np.uint8]) -> None:
        """Rows of any layout; of each the salted hash of its id, its last offset, and its id's namespace."""
        if "ring" not in (rows.dtype.names or ()) or not len(rows):
            return
        ring = np.asarray(rows["ring"], np.uint64)
        order = (rows["ring_at"].astype(np.int64)[:, None] + np.arange(ring.shape[1])) % ring.shape[1]
        ring = np.take_along_axis(ring, order, 1)
        self._add(ring, keys, offsets)
        unstated = namespaces == NAMESPACE_UNSTATED
        if unstated.any():
            # Such a row stood for its text in every namespace, and messages say which they mean.
            self._add(ring[unstated], keys[unstated] ^ salt_of(NAMESPACE_ANONYMOUS), offsets[unstated])

    def _add(self, ring: Hashes, keys: Hashes, offsets: Offsets) -> None:
        known = ring != 0
        counts = known.sum(1)
        self._parts.append((np.repeat(keys, counts), ring[known], np.repeat(offsets, counts).astype(np.int64)))

    def entered(self, window: Window, below: int) -> Window:
        """The window with all of them in it, the newest as far as it reaches; ``below``: the offset that comes next."""
        if not self._parts:
            return window
        keys, events, offsets = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        self._parts = []
        order = np.argsort(offsets, kind="stable")[-max(int(window.told[TOLD_LIMIT]), 1) :]
        return seeded(window, keys[order], events[order], np.minimum(offsets[order], below - 1))
