"""Reports on their way to ClickHouse: one insert after another in a thread of their own, tried again until it works."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import structlog

from streams.kafka.retry import Backoff
from streams.kafka.tenure import Snapshot
from streams.metrics import Metrics
from streams.reports.errors import ReportsError
from streams.reports.sink import Sink

log = structlog.get_logger()


class Reporting:
    """Whoever waits for an insert reads no further: that is the back-pressure. ``sink`` None: no reports are wanted."""

    def __init__(self, sink: Sink | None, metrics: Metrics) -> None:
        self.failing = False
        self.wanted = sink is not None
        self._sink = sink
        self._metrics = metrics
        # clickhouse-driver's connections can be used by one thread at a time.
        self._thread = ThreadPoolExecutor(1, "reports")

    async def create(self) -> None:
        """Create what is missing of the tables, and the views anew."""
        if self._sink is not None:
            await self._try("schema", self._sink.create)

    async def store(self, snapshot: Snapshot) -> None:
        """Store all of a snapshot; when it returns, the reports hold it."""
        if self._sink is None:
            return
        emission = snapshot.emission
        for container in emission.containers:
            await self._try("touchpoints_raw", self._sink.insert_touchpoints, container)
        tables = (
            ("policies_raw", emission.policies),
            ("transitions_raw", emission.transitions),
            ("rejects_raw", emission.rejects),
            *(("profiles_raw", table) for table in snapshot.profiles),
        )
        for name, table in tables:
            if table is not None:
                await self.insert(name, table)

    async def insert(self, name: str, rows: pa.Table) -> None:
        """Store rows of one table."""
        if self._sink is not None:
            await self._try(name, self._sink.insert, name, rows)

    async def _try(self, table: str, call: Callable[..., None], *arguments: object) -> None:
        backoff = Backoff()
        while True:
            begun = time.monotonic()
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
            except ReportsError as error:
                self.failing = True
                self._metrics.retries.labels(table).inc()
                log.warning("reports unreachable", setting="RELASI_CLICKHOUSE", table=table, why=_brief(error))
                await backoff.wait()
                continue
            self.failing = False
            self._metrics.insert.labels(table).observe(time.monotonic() - begun)
            return

    def close(self) -> None:
        """Let go of the server."""
        if self._sink is not None:
            self._sink.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _brief(error: ReportsError) -> str:
    # What the server quotes of the rows would be customers' data.
    return str(error).splitlines()[0][:200]
