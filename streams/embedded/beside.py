"""Storing reports beside the engine: while the tables take what one part of the log brought, the next is applied.

Both give way to each other: compiled code and chDB's engine let go of Python's lock while they work (measured).
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pyarrow as pa

from streams.outputs.output import Batch
from streams.outputs.storing import Origin, store
from streams.reports.sink import Sink


class Beside:
    """Stores one set of batches at a time, in a thread of its own. Used by one thread.

    What could not be stored is not forgotten: ``finish`` tries it again each time that it is called.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._storing: Future[list[pa.Table]] | None = None
        self._open: tuple[Sink, Sequence[Batch], Origin] | None = None

    def begin(self, sink: Sink, batches: Sequence[Batch], origin: Origin) -> None:
        """Begin to store them, and return at once. Everything before them must be finished."""
        if self._open is not None:
            raise RuntimeError("what was to be stored before is not finished")
        if not batches:
            return
        self._open = (sink, batches, origin)
        if self._pool is None:
            # Made when it is needed: who opens a directory to ask something has no use for it.
            self._pool = ThreadPoolExecutor(1, "reports")
        self._storing = self._pool.submit(store, *self._open)

    def finish(self) -> list[pa.Table]:
        """Wait until all is stored; the rejects that some became. Raises ReportsError, with nothing lost."""
        if self._open is None:
            return []
        if self._storing is None:
            rejects = store(*self._open)
        else:
            # Whoever is interrupted here leaves it to work.
            wait([self._storing])
            stored, self._storing = self._storing, None
            rejects = stored.result()
        self._open = None
        return rejects

    def forget(self) -> None:
        """Leave what is open as it is: whoever closes its tables ends it."""
        self._storing = self._open = None
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None
