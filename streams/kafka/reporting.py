"""Reports on their way to ClickHouse, in threads of their own, each insert tried again until it works.

The raw history goes over HTTP and everything else over a native connection; they go side by side, since for the one the
server has the work and for the other we have.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pyarrow as pa
import structlog

from streams.clock import Clock
from streams.kafka.retry import Backoff
from streams.metrics import Metrics
from streams.outputs.output import Batch, Rows
from streams.outputs.storing import UNSTORABLE, Origin, Storing
from streams.outputs.touchpoints import History
from streams.reports.errors import ReportsError, UnfitRows
from streams.reports.logs import epoch_of
from streams.reports.sink import RemoteSink, Sink

SLOW_SECONDS: Final = 8.0
ANSWER_SECONDS: Final = 60.0
"""For so long an answer of the server is waited for at most, however it comes in."""

log = structlog.get_logger()


class Reporting:
    """Whoever waits for an insert reads no further: that is the back-pressure. ``sink`` None: no reports are wanted."""

    def __init__(self, sink: RemoteSink | None, metrics: Metrics, clock: Clock) -> None:
        self.wanted = sink is not None
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._failing: set[str] = set()
        self._under_way: dict[object, float] = {}
        self.epoch = 0
        """Of the log that was said last, see ``streams.reports.logs``."""
        # clickhouse-driver's connections can be used by one thread at a time.
        self._rows = ThreadPoolExecutor(1, "reports")
        self._history = ThreadPoolExecutor(1, "history")

    @property
    def failing(self) -> bool:
        """Whether an insert has to be tried again."""
        return bool(self._failing)

    @property
    def slow(self) -> bool:
        """Whether the server was asked something some seconds ago, and has not answered."""
        return self._waits() >= SLOW_SECONDS

    def _waits(self) -> float:
        now = self._clock.monotonic()
        return max((now - begun for begun in list(self._under_way.values())), default=0.0)

    async def look(self) -> None:
        """Break off what takes too long: a server that is half there never answers, or byte by byte."""
        if self._sink is not None and self._waits() >= ANSWER_SECONDS:
            log.warning("reports don't answer", setting="RELASI_CLICKHOUSE", seconds=round(self._waits()))
            self._under_way.clear()
            self._sink.break_off()

    async def create(self) -> None:
        """Create what is missing of the tables, and the views anew."""
        if self._sink is not None:
            await self._try(self._rows, "schema", self._sink.create)

    async def begin(self, log: str) -> None:
        """Have the reports know the log that their rows will come from, and which one it is."""

        def ask(sink: Sink) -> None:
            self.epoch = epoch_of(sink, log, self._clock.now_ms())

        await self.ask(ask)

    async def store(self, rows: Sequence[Batch], origin: Origin) -> list[pa.Table]:
        """Store rows, those of either way in their order; when it returns, the reports hold them.

        Returns the rejects that rows became which the server will never take; they are stored as well.
        """
        history = [each for each in rows if isinstance(each, History)]
        others = [each for each in rows if not isinstance(each, History)]
        async with asyncio.TaskGroup() as group:
            told = group.create_task(self._store(self._history, history, origin))
            rest = group.create_task(self._store(self._rows, others, origin))
        return [*told.result(), *rest.result()]

    async def _store(self, thread: ThreadPoolExecutor, rows: Sequence[Batch], origin: Origin) -> list[pa.Table]:
        if self._sink is None:
            return []
        storing = Storing(rows, origin)
        while (batch := storing.next()) is not None:
            try:
                await self._try(
                    self._thread_of(batch, thread), batch.table, batch.store, self._sink, ends=len(batch) > 0
                )
            except UnfitRows as error:
                storing.refused(error)
            else:
                storing.stored()
        for table in storing.rejects:
            self._metrics.rejects.labels(UNSTORABLE).inc(table.num_rows)
        return storing.rejects

    def _thread_of(self, batch: Batch, thread: ThreadPoolExecutor) -> ThreadPoolExecutor:
        # The rejects that touchpoints became go over the connection that only one thread may use.
        return thread if isinstance(batch, History) else self._rows

    async def insert(self, name: str, rows: pa.Table) -> None:
        """Store rows of one table that never came into the log."""
        await self._store(self._rows, [Rows(name, rows)], Origin("", -1, 0))

    async def ask(self, question: Callable[[Sink], None]) -> None:
        """Ask the reports something; when it returns, they have answered."""
        if self._sink is not None:
            await self._try(self._rows, "question", question, self._sink)

    async def _try(
        self, thread: ThreadPoolExecutor, table: str, call: Callable[..., None], *arguments: object, ends: bool = False
    ) -> None:
        """Do it until it works. Raises UnfitRows where that is said and ``ends``."""
        backoff = Backoff(self._clock)
        while True:
            begun = self._clock.monotonic()
            try:
                await asyncio.get_running_loop().run_in_executor(thread, self._asked, call, *arguments)
            except ReportsError as error:
                if ends and isinstance(error, UnfitRows):
                    raise
                self._failing.add(table)
                self._metrics.retries.labels(table).inc()
                log.warning("reports unreachable", setting="RELASI_CLICKHOUSE", table=table, why=_brief(error))
                await backoff.wait()
                continue
            self._failing.discard(table)
            self._metrics.insert.labels(table).observe(self._clock.monotonic() - begun)
            return

    def _asked(self, call: Callable[..., None], *arguments: object) -> None:
        # In the thread: what waits for its turn there is not what the server is slow with.
        this = object()
        self._under_way[this] = self._clock.monotonic()
        try:
            call(*arguments)
        finally:
            self._under_way.pop(this, None)

    def close(self) -> None:
        """Let go of the server."""
        for thread in (self._rows, self._history):
            thread.shutdown(wait=False, cancel_futures=True)
        if self._sink is not None:
            # The connections belong to whoever is under way with them.
            self._sink.break_off() if self._under_way else self._sink.close()


def _brief(error: ReportsError) -> str:
    # What the server quotes of the rows would be customers' data.
    return str(error).splitlines()[0][:200]
