"""The writer of the embedded log: group commits, over a connection and in a thread of its own."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from schemas.bodies import Bodies
from streams.embedded.appending import append_messages
from streams.embedded.failures import StorageError
from streams.embedded.log import Log
from streams.embedded.turns import Turn
from streams.log.arranging import joined
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.writer import NotWritten, checked

GROUP_BYTES: Final = 16 << 20
"""Of the messages that share a commit, unless the first append of them is longer."""
LARGEST_MESSAGE: Final = 256 << 20
"""SQLite keeps no value of more than a gigabyte, and a record batch is one value."""


@dataclass(frozen=True)
class _Append:
    keys: Bodies | None
    bodies: Bodies
    done: Future[None] = field(default_factory=Future)

    @property
    def size(self) -> int:
        keys = 0 if self.keys is None else self.keys.offsets[-1] - self.keys.offsets[0]
        return int(self.bodies.offsets[-1] - self.bodies.offsets[0] + keys)


class LogWriter:
    """A ``Writer`` of one partition of the log in ``directory``; a context manager.

    While a commit is on its way to the disk, the appends that come meanwhile wait; then all of them share the next
    one. So under load an fsync serves hundreds of them, and without load nobody waits for a timer.

    ``turn``: that of the other connections of this process, ``Log.turn``. ``now`` gives the instant of the records,
    ms; it is asked when the turn has come, so that instants in the log do not go back. Raises ``StorageError``.
    """

    def __init__(self, directory: Path, partition: int, now: Callable[[], int], turn: Turn | None = None) -> None:
        self._partition: Final = partition
        self._now: Final = now
        self._waiting: Final[deque[_Append]] = deque()
        self._lock: Final = threading.Lock()
        # A connection belongs to the thread that has opened it.
        self._thread: Final = ThreadPoolExecutor(1, "log writer")
        try:
            self._log: Final = self._thread.submit(Log, directory, turn).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """See ``Writer``. One that is cancelled before its commit has begun is not written."""
        if checked(keys, bodies, LARGEST_MESSAGE):
            await asyncio.wrap_future(self._submit(keys, bodies))

    def _submit(self, keys: Bodies | None, bodies: Bodies) -> Future[None]:
        append = _Append(keys, bodies)
        with self._lock:
            self._waiting.append(append)
        # One task an append: those that find nothing to do have been served by the one before.
        self._thread.submit(self._commit)
        return append.done

    def _take(self) -> list[_Append]:
        """The appends of the next commit. What was cancelled by now is left out."""
        group: list[_Append] = []
        size = 0
        with self._lock:
            while self._waiting and (not group or size + self._waiting[0].size <= GROUP_BYTES):
                append = self._waiting.popleft()
                if append.done.set_running_or_notify_cancel():
                    group.append(append)
                    size += append.size
        return group

    def _commit(self) -> None:
        if not (group := self._take()):
            return
        try:
            keys, bodies = joined([(append.keys, append.bodies) for append in group])
            with self._log.transaction():
                append_messages(self._log, TOUCHPOINTS_TOPIC, self._partition, keys, bodies, self._now())
        except StorageError as error:
            failure = NotWritten(str(error))
            failure.__cause__ = error
            _fail(group, failure)
        except BaseException as error:
            _fail(group, error)
        else:
            for append in group:
                append.done.set_result(None)

    def close(self) -> None:
        """Commit what waits, and let go of the file; nothing can be appended any more."""
        self._thread.submit(self._log.close).result()
        self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _fail(group: list[_Append], error: BaseException) -> None:
    for append in group:
        append.done.set_exception(error)
