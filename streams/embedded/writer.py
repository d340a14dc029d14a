"""The writer of the embedded log: group commits, over a connection and in a thread of its own."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

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
COMPRESSED_FROM: Final = 16 << 10
"""Bytes of messages that are worth compressing: what websites send says the same words again and again."""
LOG_MESSAGE_BYTES: Final = 256 << 20
"""SQLite keeps no value of more than a gigabyte, and a record batch is one value."""


class _Append(NamedTuple):
    """``done`` belongs to its event loop, and is settled there; whether it was given up can be seen from anywhere."""

    keys: Bodies | None
    bodies: Bodies
    size: int
    done: "asyncio.Future[None]"


class LogWriter:
    """A ``Writer`` of one partition of the log in ``directory``; a context manager.

    While a commit is on its way to the disk, the appends that come meanwhile wait; then all of them share the next
    one. So under load an fsync serves hundreds of them, and without load nobody waits for a timer.

    ``turn``: that of the other connections of this process, ``Log.turn``. ``topic``: where not that of touchpoints.
    ``compress``: store commits of some size compressed.
    ``now`` gives the instant of the records,
    ms; it is asked when the turn has come, so that instants in the log do not go back. Raises ``StorageError``.
    """

    def __init__(
        self,
        directory: Path,
        partition: int,
        now: Callable[[], int],
        turn: Turn | None = None,
        topic: str = TOUCHPOINTS_TOPIC,
        *,
        compress: bool = False,
    ) -> None:
        self._partition: Final = partition
        self._compress: Final = compress
        self._topic: Final = topic
        self._now: Final = now
        self._waiting: Final[deque[_Append]] = deque()
        self._lock: Final = threading.Lock()
        self._awake = False
        # A connection belongs to the thread that has opened it.
        self._thread: Final = ThreadPoolExecutor(1, "log writer")
        try:
            self._log: Final = self._thread.submit(Log, directory, turn).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """See ``Writer``. One that is cancelled before its commit has begun is not written."""
        sizes = checked(keys, bodies, LOG_MESSAGE_BYTES)
        if not len(sizes):
            return
        append = _Append(keys, bodies, int(sizes.sum()), asyncio.get_running_loop().create_future())
        with self._lock:
            self._waiting.append(append)
            if not self._awake:
                self._thread.submit(self._commit_all)
                self._awake = True
        await append.done

    def _commit_all(self) -> None:
        while group := self._take():
            self._commit(group)

    def _take(self) -> list[_Append]:
        """The appends of the next commit; none, and the thread rests. What was given up by now is left out."""
        group: list[_Append] = []
        size = 0
        with self._lock:
            while self._waiting and (not group or size + self._waiting[0].size <= GROUP_BYTES):
                append = self._waiting.popleft()
                if not append.done.cancelled():
                    group.append(append)
                    size += append.size
            self._awake = bool(group)
        return group

    def _commit(self, group: list[_Append]) -> None:
        failure: BaseException | None = None
        try:
            keys, bodies = joined([(append.keys, append.bodies) for append in group])
            compress = self._compress and len(bodies.buffer) >= COMPRESSED_FROM
            with self._log.transaction():
                now = self._now()
                append_messages(self._log, self._topic, self._partition, keys, bodies, now, compress=compress)
        except StorageError as error:
            failure = NotWritten(str(error))
            failure.__cause__ = error
        except BaseException as error:
            failure = error
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for append in group:
            by_loop.setdefault(append.done.get_loop(), []).append(append.done)
        for loop, waiting in by_loop.items():
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, waiting, failure)

    def close(self) -> None:
        """Commit what waits, and let go of the file; nothing can be appended any more."""
        self._thread.submit(self._log.close).result()
        self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _settle(waiting: list["asyncio.Future[None]"], failure: BaseException | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
