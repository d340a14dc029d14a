"""What a worker counts, for Prometheus, and the pages on which it is seen."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.engine.outcomes import OUTCOME_JUDGEMENTS, OUTCOME_TRANSITIONS, OUTCOMES
from streams.settings import SettingsError

_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One set of metrics; none is global, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = self._counter("relasi_records", "Records of the log by what became of them.", "outcome")
        self.transitions = self._counter("relasi_transitions", "Transitions that came of them, corrections included.")
        self.judgements = self._counter("relasi_judgements", "Judgements that changed.")
        self.rejects = self._counter("relasi_rejects", "Rejected records by reason.", "reason")
        self.fetches = self._counter("relasi_fetches", "Fetches by what became of them.", "outcome")
        self.retries = self._counter("relasi_clickhouse_retries", "Inserts that had to be tried again.", "table")
        self.lag = self._gauge("relasi_lag_records", "Records in the log that are not processed yet.")
        self.customers = self._gauge("relasi_customers_rows", "Customers held in memory.")
        self.tick_age = self._gauge("relasi_tick_age_seconds", "How far the partition's time lies behind the clock.")
        self.memory = self._gauge("relasi_partition_memory_bytes", "Bytes in which a partition's customers are held.")
        self.batch = self._histogram("relasi_batch_seconds", "Time to apply one fetch.")
        self.checkpoint = self._histogram("relasi_checkpoint_seconds", "Time from a snapshot to its confirmation.")
        self.checkpoint_bytes = self._counter("relasi_checkpoint_bytes", "Bytes written to the changelog.")
        self.checkpoint_rows = self._counter("relasi_checkpoint_rows", "Rows written to the changelog.")
        self.insert = self._histogram("relasi_clickhouse_insert_seconds", "Time of one insert.", "table")
        self.recovery = self._histogram("relasi_recovery_seconds", "Time to rebuild a partition from its records.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("partition",), registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=_SECONDS)

    def count(self, counts: dict[str, int]) -> None:
        """Add what became of the records of a fetch, and what came of them."""
        for outcome, number in counts.items():
            if outcome == OUTCOMES[OUTCOME_TRANSITIONS]:
                self.transitions.inc(number)
            elif outcome == OUTCOMES[OUTCOME_JUDGEMENTS]:
                self.judgements.inc(number)
            elif number:
                self.records.labels(outcome).inc(number)

    def forget(self, partition: int) -> None:
        """Show nothing more of a partition that is no longer ours."""
        for gauge in (self.lag, self.customers, self.tick_age, self.memory):
            gauge.remove_by_labels({"partition": str(partition)})

    def page(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)


class Shown(Protocol):
    """Metrics that can be shown."""

    def page(self) -> bytes:
        """All of them in Prometheus's text format."""


async def serve(
    host: str, port: int, metrics: Shown, refresh: Callable[[], None], not_ready: Callable[[], str]
) -> tuple[Any, int]:
    """Serve /metrics, /livez and /readyz; returns (what ``cleanup`` is awaited of in the end, port).

    ``refresh`` is called before metrics are shown; ``not_ready`` says why no work can be done now, or nothing. Raises
    SettingsError where the port is taken.
    """

    async def show(_: web.Request) -> web.Response:
        refresh()
        return web.Response(body=metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        why = not_ready()
        return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)

    site = web.Application()
    site.add_routes([web.get("/metrics", show), web.get("/livez", live), web.get("/readyz", ready)])
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(
            f"the pages can't be served on {host}:{port} (RELASI_WEB_HOST, RELASI_WEB_PORT): {error.strerror}"
        ) from error
    return runner, int(runner.addresses[0][1])
