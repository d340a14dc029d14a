"""Named readers of the log's topics: each reads at its own pace, and goes on where it was after a restart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from schemas.reasons import OK
from streams.embedded.failures import StorageDamaged
from streams.embedded.log import ENGINE, READ_BYTES, Log
from streams.log.batches import (
    SPAN_BASE_OFFSET,
    SPAN_COUNT,
    SPAN_START,
    SPAN_STOP,
    CorruptBatch,
    Fetch,
    read_batches,
)
from streams.log.records import (
    HEAD_CELLS,
    HEAD_KEY,
    HEAD_KEY_SIZE,
    HEAD_NEXT,
    HEAD_OFFSET,
    HEAD_VALUE,
    HEAD_VALUE_SIZE,
    next_record,
)


class Record(NamedTuple):
    """One record of a topic; a key or value of None is null."""

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Batch:
    """Records as they follow each other. ``next_offset`` acknowledges all of them."""

    records: list[Record]
    next_offset: int


class Reader:
    """Reads one partition of a topic under a name. What it has not committed is read again by the next of that name.

    So whoever acts on a record before committing it acts at least once, and recognises what comes again by its id.
    It begins at the first record. In another thread than the engine's it needs a ``Log`` of its own, with its turn.
    """

    def __init__(self, log: Log, name: str, topic: str, partition: int = 0) -> None:
        if not name or name == ENGINE:
            raise ValueError(f"{name!r} can't be a reader: the engine's position goes with its checkpoint")
        self.name: Final = name
        self.topic: Final = topic
        self.partition: Final = partition
        self._log = log
        self._next = self.committed

    @property
    def committed(self) -> int:
        """The first offset that is not acknowledged."""
        return self._log.position(self.name, self.topic, self.partition)

    @property
    def lag(self) -> int:
        """Records that are not acknowledged."""
        return self._log.end_offset(self.topic, self.partition) - self.committed

    def read(self, max_bytes: int = READ_BYTES) -> Batch | None:
        """The records after those that were read last, about ``max_bytes`` of them; None: there are no more now.

        Raises StorageDamaged where what is stored is no record batch.
        """
        data = self._log.read(self.topic, self.partition, self._next, max_bytes)
        if not data:
            return None
        try:
            fetch = read_batches(data, self._next)
        except CorruptBatch as error:
            raise self._damaged(self._next, str(error)) from error
        records = [record for record in self._records(fetch) if record.offset >= self._next]
        self._next = fetch.end
        return Batch(records, fetch.end)

    def _records(self, fetch: Fetch) -> Iterator[Record]:
        head = np.zeros(HEAD_CELLS, np.int64)
        for span in fetch.spans:
            place = int(span[SPAN_START])
            for number in range(int(span[SPAN_COUNT])):
                if next_record(fetch.buffer, place, int(span[SPAN_STOP]), head) != OK:
                    raise self._damaged(int(span[SPAN_BASE_OFFSET]) + number, "it is no record")
                key = _slice(fetch, int(head[HEAD_KEY]), int(head[HEAD_KEY_SIZE]))
                value = _slice(fetch, int(head[HEAD_VALUE]), int(head[HEAD_VALUE_SIZE]))
                yield Record(int(span[SPAN_BASE_OFFSET] + head[HEAD_OFFSET]), key, value)
                place = int(head[HEAD_NEXT])

    def _damaged(self, offset: int, why: str) -> StorageDamaged:
        return StorageDamaged(
            f"{self._log.path}: {self.topic} {self.partition} can't be read at offset {offset} ({why}). Restore the "
            "data directory from a copy."
        )

    def commit(self, next_offset: int) -> None:
        """Acknowledge every record below ``next_offset``, in a transaction of its own: durable when it returns.

        Raises ValueError for what was acknowledged already, or was not read yet.
        """
        if not self.committed <= next_offset <= self._next:
            raise ValueError(
                f"{self.name} has committed {self.topic} up to offset {self.committed} and read it up to {self._next}: "
                f"{next_offset} can't be committed"
            )
        with self._log.transaction():
            self._log.put_position(self.name, self.topic, self.partition, next_offset)


def _slice(fetch: Fetch, start: int, size: int) -> bytes | None:
    return None if size < 0 else fetch.buffer[start : start + size].tobytes()
