"""Named readers of topics: each reads at its own pace, and goes on where it was after a restart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from schemas.reasons import OK
from streams.embedded.database import ENGINE, READ_BYTES, Database
from streams.embedded.failures import StorageDamaged
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


def read_records(file: Database, topic: str, partition: int, wanted: int, max_bytes: int = READ_BYTES) -> Batch | None:
    """About ``max_bytes`` of a topic's records from an offset on; None: there are none.

    Raises StorageDamaged where what is stored is no record batch.
    """
    data = file.read(topic, partition, wanted, max_bytes)
    if not data:
        return None
    where = f"{file.path}: {topic} {partition}"
    try:
        fetch = read_batches(data, wanted)
    except CorruptBatch as error:
        raise _damaged(where, wanted, str(error)) from error
    return Batch([record for record in _records(fetch, where) if record.offset >= wanted], fetch.end)


def _records(fetch: Fetch, where: str) -> Iterator[Record]:
    head = np.zeros(HEAD_CELLS, np.int64)
    for span in fetch.spans:
        place = int(span[SPAN_START])
        for number in range(int(span[SPAN_COUNT])):
            if next_record(fetch.buffer, place, int(span[SPAN_STOP]), head) != OK:
                raise _damaged(where, int(span[SPAN_BASE_OFFSET]) + number, "it is no record")
            key = _slice(fetch, int(head[HEAD_KEY]), int(head[HEAD_KEY_SIZE]))
            value = _slice(fetch, int(head[HEAD_VALUE]), int(head[HEAD_VALUE_SIZE]))
            yield Record(int(span[SPAN_BASE_OFFSET] + head[HEAD_OFFSET]), key, value)
            place = int(head[HEAD_NEXT])


def _damaged(where: str, offset: int, why: str) -> StorageDamaged:
    return StorageDamaged(f"{where} can't be read at offset {offset} ({why}). Restore the data directory from a copy.")


class Reader:
    """Reads one partition of a topic under a name. What it has not committed is read again by the next of that name.

    So whoever acts on a record before committing it acts at least once, and recognises what comes again by its id.
    It begins at the first record. In another thread than the engine's it needs a connection of its own, with its turn.
    """

    def __init__(self, file: Database, name: str, topic: str, partition: int = 0) -> None:
        if not name or name == ENGINE:
            raise ValueError(f"{name!r} can't be a reader: the engine's position goes with its checkpoint")
        self.name: Final = name
        self.topic: Final = topic
        self.partition: Final = partition
        self._file = file
        self._next = self.committed

    @property
    def committed(self) -> int:
        """The first offset that is not acknowledged."""
        return self._file.position(self.name, self.topic, self.partition)

    @property
    def lag(self) -> int:
        """Records that are not acknowledged."""
        return self._file.end_offset(self.topic, self.partition) - self.committed

    def read(self, max_bytes: int = READ_BYTES) -> Batch | None:
        """The records after those that were read last, about ``max_bytes`` of them; None: there are no more now.

        Raises StorageDamaged where what is stored is no record batch.
        """
        batch = read_records(self._file, self.topic, self.partition, self._next, max_bytes)
        if batch is not None:
            self._next = batch.next_offset
        return batch

    def commit(self, next_offset: int) -> None:
        """Acknowledge every record below ``next_offset``, in a transaction of its own: durable when it returns.

        Raises ValueError for what was acknowledged already, or was not read yet.
        """
        if not self.committed <= next_offset <= self._next:
            raise ValueError(
                f"{self.name} has committed {self.topic} up to offset {self.committed} and read it up to {self._next}: "
                f"{next_offset} can't be committed"
            )
        with self._file.transaction():
            self._file.put_position(self.name, self.topic, self.partition, next_offset)


def _slice(fetch: Fetch, start: int, size: int) -> bytes | None:
    return None if size < 0 else fetch.buffer[start : start + size].tobytes()
