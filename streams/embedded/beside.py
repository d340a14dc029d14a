"""Storing reports beside the engine: while the tables take what one part of the log brought, the next is applied.

Both give way to each other: compiled code and chDB's engine let go of Python's lock while they work (measured).
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pyarrow as pa

from streams.outputs.output import Batch
from streams.outputs.storing import Origin, store
from streams.reports.sink import Sink

Making = Callable[[], Iterable[Batch]]
Before = Callable[[], None]


class Beside:
    """Stores one set of batches at a time, in a thread of its own. Used by one thread.

    What could not be stored is not forgotten: ``finish`` tries it again each time that it is called, from its first
    batch on, which does no harm.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._before: tuple[Before, Future[None] | None] | None = None
        self._open: tuple[Callable[[], list[pa.Table]], Future[list[pa.Table]] | None] | None = None

    def begin(self, sink: Sink, batches: Making, origin: Origin, before: Before | None = None) -> None:
        """Begin to store them, and return at once. Everything before them must be finished.

        ``batches`` makes them, one by one, each when the one before is stored. ``before``: done first; for what it does
        ``first_done`` waits.
        """
        if self._open is not None or self._before is not None:
            raise RuntimeError("what was to be stored before is not finished")
        if before is not None:
            self._before = before, self._submitted(before)
        storing = partial(_stored, sink, batches, origin)
        self._open = storing, self._submitted(storing)

    def _submitted(self, work: Callable[[], Any]) -> Future[Any] | None:
        """In the thread beside; None: it is done where it is waited for."""
        if self._pool is None:
            # Made when it is needed: who opens a directory to ask something has no use for it.
            self._pool = ThreadPoolExecutor(1, "reports")
        return self._pool.submit(work)

    def first_done(self) -> None:
        """Wait until what was to be done first is. Raises what that raised, and does it again the next time."""
        if self._before is not None:
            work, future = self._before
            _awaited(future)
            self._before = work, None
            _result(work, future)
            self._before = None

    def finish(self) -> list[pa.Table]:
        """Wait until all is stored; the rejects that some became. Raises ReportsError, with nothing lost."""
        self.first_done()
        if self._open is None:
            return []
        work, future = self._open
        _awaited(future)
        self._open = work, None
        rejects: list[pa.Table] = _result(work, future)
        self._open = None
        return rejects

    def forget(self) -> None:
        """Leave what is open as it is: whoever closes its tables ends it."""
        self._before = self._open = None
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None


def _awaited(future: Future[Any] | None) -> None:
    """Whoever is interrupted here leaves it to work."""
    if future is not None:
        wait([future])


def _result(work: Callable[[], Any], future: Future[Any] | None) -> Any:
    return work() if future is None else future.result()


def _stored(sink: Sink, batches: Making, origin: Origin) -> list[pa.Table]:
    return [reject for batch in batches() for reject in store(sink, [batch], origin)]
