"""Reports on their way to ClickHouse, in threads of their own, each insert tried again until it works.

The raw history goes over HTTP and everything else over a native connection; they go side by side, since for the one the
server has the work and for the other we have.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import structlog

from streams.emission import Emission, joined
from streams.kafka.retry import Backoff
from streams.metrics import Metrics
from streams.reports.errors import ReportsError, UnfitRows
from streams.reports.sink import Sink
from streams.storing import UNSTORABLE, Batch, Origin, Rows, Storing

log = structlog.get_logger()


class Reporting:
    """Whoever waits for an insert reads no further: that is the back-pressure. ``sink`` None: no reports are wanted."""

    def __init__(self, sink: Sink | None, metrics: Metrics) -> None:
        self.wanted = sink is not None
        self._sink = sink
        self._metrics = metrics
        self._failing: set[str] = set()
        # clickhouse-driver's connections can be used by one thread at a time.
        self._rows = ThreadPoolExecutor(1, "reports")
        self._history = ThreadPoolExecutor(1, "history")

    @property
    def failing(self) -> bool:
        """Whether an insert has to be tried again."""
        return bool(self._failing)

    async def create(self) -> None:
        """Create what is missing of the tables, and the views anew."""
        if self._sink is not None:
            await self._try(self._rows, "schema", self._sink.create)

    async def store(self, emission: Emission, profiles: list[pa.Table]) -> pa.Table | None:
        """Store what came of some fetches, and profiles; when it returns, the reports hold it.

        Returns the rejects that rows became which the server will never take; they are stored as well.
        """
        if self._sink is None:
            return None
        rejects = [] if emission.rejects is None else [Rows("rejects_raw", emission.rejects)]
        rows = [*emission.facts(), *rejects, *(Rows("profiles_raw", table) for table in profiles)]
        async with asyncio.TaskGroup() as group:
            history = group.create_task(self._store(self._history, self._sink, emission.history, emission.origin))
            others = group.create_task(self._store(self._rows, self._sink, rows, emission.origin))
        return joined([*history.result(), *others.result()])

    async def insert(self, name: str, rows: pa.Table) -> None:
        """Store rows of one table that never came into the log."""
        if self._sink is not None:
            await self._store(self._rows, self._sink, [Rows(name, rows)], Origin("", -1, 0))

    async def _store(
        self, thread: ThreadPoolExecutor, sink: Sink, batches: Sequence[Batch], origin: Origin
    ) -> list[pa.Table]:
        storing = Storing(batches, origin)
        while (batch := storing.next()) is not None:
            try:
                await self._try(thread, batch.name, batch.insert, sink, give_up=len(batch) > 0)
            except UnfitRows as error:
                storing.refused(error)
            else:
                storing.stored()
        for table in storing.rejects:
            self._metrics.rejects.labels(UNSTORABLE).inc(table.num_rows)
        return storing.rejects

    async def _try(
        self,
        thread: ThreadPoolExecutor,
        table: str,
        call: Callable[..., None],
        *arguments: object,
        give_up: bool = False,
    ) -> None:
        """Do it until it works. Raises UnfitRows where that is said and ``give_up``."""
        backoff = Backoff()
        while True:
            begun = time.monotonic()
            try:
                await asyncio.get_running_loop().run_in_executor(thread, call, *arguments)
            except ReportsError as error:
                if give_up and isinstance(error, UnfitRows):
                    raise
                self._failing.add(table)
                self._metrics.retries.labels(table).inc()
                log.warning("reports unreachable", setting="RELASI_CLICKHOUSE", table=table, why=_brief(error))
                await backoff.wait()
                continue
            self._failing.discard(table)
            self._metrics.insert.labels(table).observe(time.monotonic() - begun)
            return

    def close(self) -> None:
        """Let go of the server."""
        if self._sink is not None:
            self._sink.close()
        for thread in (self._rows, self._history):
            thread.shutdown(wait=False, cancel_futures=True)


def _brief(error: ReportsError) -> str:
    # What the server quotes of the rows would be customers' data.
    return str(error).splitlines()[0][:200]
