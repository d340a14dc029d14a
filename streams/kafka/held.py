"""What was read of a changelog, kept as log compaction would keep it: of each key the newest record."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from schemas.bodies import Bodies, one_after_another
from streams.kafka.fetch import Fetched
from streams.log.arranging import only
from streams.log.columns import Columns, UnreadableRecords, columns_of, newest

_FEW_BYTES: Final = 16 << 20
"""So much may always be kept in vain."""


class Held:
    """Records of one partition's changelog, in columns, in the order of the log.

    A standby reads along for ever, so what was replaced is let go: never more is kept than twice what is needed.
    """

    def __init__(self, few_bytes: int = _FEW_BYTES) -> None:
        self._few_bytes = few_bytes
        self._parts: list[Columns] = []
        self._bytes = 0
        self._needed = 0
        self._deletes = False
        self.read = -1
        """The offset up to which the changelog was read. Markers and what was aborted count, too."""

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self._bytes

    def take(self, fetched: Fetched) -> None:
        """Take in a fetch, unless there is a gap before it: it was on its way before a seek, and comes again.

        Raises what made it unreadable.
        """
        if fetched.fetch is None:
            raise fetched.error or UnreadableRecords("a fetch without content")
        if fetched.wanted <= self.read + 1 and fetched.end - 1 > self.read:
            self.add(columns_of(fetched.fetch))
            self.read = fetched.end - 1

    def add(self, columns: Columns) -> None:
        """Take in what came next in the log."""
        if not len(columns.deleted):
            return
        self._parts.append(columns)
        self._bytes += _bytes_of(columns)
        self._deletes = self._deletes or bool(columns.deleted.any())
        if self._bytes > 2 * self._needed + self._few_bytes:
            self._compact()

    def stored(self) -> Iterator[tuple[Bodies, Bodies]]:
        """Keys and values that stand, in the order of the log; a key may come more than once, its last one counts.

        What was read is let go on the way: rows exist twice only piece by piece.
        """
        if self._deletes:
            self._compact()
        parts, self._parts = self._parts, []
        self._bytes = self._needed = 0
        while parts:
            keys, values, _ = parts.pop(0)
            yield keys, values

    def _compact(self) -> None:
        keys = one_after_another([part.keys for part in self._parts])
        values = one_after_another([part.values for part in self._parts])
        standing = np.flatnonzero(newest(keys) & ~np.concatenate([part.deleted for part in self._parts]))
        columns = Columns(only(keys, standing), only(values, standing), np.zeros(len(standing), np.bool_))
        self._parts, self._deletes = [columns], False
        self._bytes = self._needed = _bytes_of(columns)


def _bytes_of(columns: Columns) -> int:
    return int(columns.keys.buffer.nbytes + columns.values.buffer.nbytes)
