"""Messages that wait for the checkpoint: compressed as they will stand in their topics, by far fewer bytes."""

import os
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from streams.embedded.database import Database
from streams.embedded.leftovers import SPOOLED
from streams.log.compression import compressed
from streams.log.headers import moved, offsets_of
from streams.log.writing import record_batches
from streams.outputs.output import Messages, Topic

_Place = tuple[int, int]


class Told:
    """Record batches by topic, in the order in which they were added; where they will stand they are told at the end.

    They wait in a file of ``directory`` that has no name there, and in memory without one, or where it takes no more.
    One thread adds while another asks what waits; who puts or clears is alone.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._batches: Final[dict[str, list[bytes | _Place]]] = {}
        self._directory = directory
        self._file = -1
        self._close: Any = None
        self._end = 0
        self.nbytes = 0

    def add(self, messages: Iterable[tuple[Topic, Messages]], now: int) -> None:
        """Messages that come after all that were added before: all of them or, where it raises, none.

        ``now``: the instant in their records, ms.
        """
        made = [
            (topic.named(), self._aside(compressed(batch)))
            for topic, some in messages
            for batch, _, _ in record_batches(some.keys, some.bodies, 0, now)
        ]
        for topic, batch in made:
            self._batches.setdefault(topic, []).append(batch)
            self.nbytes += len(batch) if isinstance(batch, bytes) else batch[1]

    def _aside(self, batch: bytes) -> bytes | _Place:
        """Where the batch was written, or itself. What is written and not added is only room in a file."""
        if self._directory is None:
            return batch
        try:
            if self._close is None:
                self._open(self._directory)
            start = self._end
            if os.pwrite(self._file, batch, start) < len(batch):
                return batch
        except OSError:
            return batch
        self._end = start + len(batch)
        return start, len(batch)

    def _open(self, directory: Path) -> None:
        self._file, name = tempfile.mkstemp(prefix=SPOOLED, dir=directory)
        # Whoever forgets what waits need not say so.
        self._close = weakref.finalize(self, os.close, self._file)
        Path(name).unlink()

    def _read(self, batch: bytes | _Place) -> bytes:
        if isinstance(batch, bytes):
            return batch
        start, length = batch
        found = os.pread(self._file, length, start)
        if len(found) < length:
            raise OSError(f"{self._directory}: of what was written there a moment ago, {length} bytes can't be read")
        return found

    def speaks(self, topic: Topic) -> bool:
        """Whether something of a topic waits."""
        return bool(self._batches.get(topic.named()))

    def put(self, file: Database, partition: int) -> None:
        """Append all of them to their topics, within a transaction that the caller has opened; they go on waiting."""
        for topic, batches in self._batches.items():
            base = file.end_offset(topic, partition)
            for batch in batches:
                here = moved(self._read(batch), base)
                first, last = offsets_of(here)
                file.append(topic, partition, here, first, last)
                base = last + 1

    def clear(self) -> None:
        """They are stored, or are to go nowhere."""
        self._batches.clear()
        self.nbytes = self._end = 0
        if self._close is not None:
            self._close()
            self._close = None
