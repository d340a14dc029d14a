"""Whose turn it is to write: the connections of one process to its log, first come, first served."""

import threading
from collections import deque
from types import TracebackType
from typing import Final, Self


class Turn:
    """One writer at a time; a context manager, and as many threads may wait for it as like.

    SQLite's own lock would do for safety. But who waits for it asks again after up to a tenth of a second, and a
    connection that commits all the time would keep the other one waiting for good.
    """

    def __init__(self) -> None:
        self._changed: Final = threading.Condition()
        self._queue: Final[deque[object]] = deque()
        self._holder: int | None = None

    def __enter__(self) -> Self:
        if self._holder == threading.get_ident():
            raise RuntimeError("this thread writes already, and would wait for itself")
        place = object()
        with self._changed:
            self._queue.append(place)
            try:
                self._changed.wait_for(lambda: self._queue[0] is place)
            except BaseException:
                # An interrupt: those behind must not wait for one who has gone.
                self._queue.remove(place)
                self._changed.notify_all()
                raise
            self._holder = threading.get_ident()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._holder = None
            self._queue.popleft()
            self._changed.notify_all()
