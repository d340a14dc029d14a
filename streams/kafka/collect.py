"""The process of a collector over Kafka: any number of them on one port, none of which owns anything."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import structlog

from schemas.bodies import bodies_of
from schemas.registry import FileRegistry, Registry, SchemaRegistry, establish
from streams.clock import Clock
from streams.collector.app import App
from streams.collector.collector import Collector, Outlets
from streams.collector.handover import Offer
from streams.collector.serving import loop_factory, serve, url_of
from streams.collector.sources import Sources
from streams.collector.warming import warm
from streams.kafka.producer import Producer
from streams.kafka.reporting import Reporting
from streams.kafka.rounds import every
from streams.kafka.topics import Topics, check, topics_of
from streams.kafka.writer import TopicWriter
from streams.log.messages import message, reject_messages
from streams.logs import configure
from streams.metrics import Metrics
from streams.policies import preset
from streams.reports.clickhouse import ClickHouseSink
from streams.settings import Settings

_REJECTS_PARTITION: Final = 0
_MOST_UNREPORTED: Final = 1000
_LOOK_SECONDS: Final = 2.0

log = structlog.get_logger()


class _Rejects:
    """Refused events into their topic, which is what makes them durable, and from there into the reports.

    The reports are not waited for: while ClickHouse is away no website has to come again. What they can't keep up with
    is in the topic alone, and the log says how many.
    """

    def __init__(self, producer: Producer, topics: Topics, registry: Registry, reporting: Reporting) -> None:
        self._producer: Final = producer
        self._topic: Final = topics.rejects
        self._registry: Final = registry
        self._reporting: Final = reporting
        self._unreported: Final[asyncio.Queue[pa.Table]] = asyncio.Queue(_MOST_UNREPORTED)

    async def refuse(self, rows: pa.Table) -> None:
        """Returns when the broker has them."""
        await self._producer.send(self._topic, _REJECTS_PARTITION, None, reject_messages(rows, self._registry))
        if self._reporting.wanted:
            try:
                self._unreported.put_nowait(rows)
            except asyncio.QueueFull:
                log.warning("rejects are in their topic, and not in the reports", topic=self._topic, rows=rows.num_rows)

    async def report(self) -> None:
        """Store them in the reports, for ever."""
        await self._reporting.create()
        while True:
            rows = await self._unreported.get()
            await self._reporting.insert("rejects_raw", rows)
            self._unreported.task_done()

    async def reported(self) -> None:
        """Return when the reports have what there is."""
        await self._unreported.join()


def run_collector(settings: Settings, sources: Sources, listener: socket.socket, offered_at: Path) -> int:
    """Take events until SIGTERM or SIGINT. Raises TopicsDiffer, BrokerUnreachable, RegistryError."""
    configure(settings.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_main(settings, sources, listener, offered_at))


async def _main(settings: Settings, sources: Sources, listener: socket.socket, offered_at: Path) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await asyncio.to_thread(check, settings)
    registry: Registry = SchemaRegistry(settings.registry) if settings.registry else FileRegistry()
    if isinstance(registry, SchemaRegistry):
        await asyncio.to_thread(establish, registry)
    await asyncio.to_thread(warm, registry)
    clock, topics = Clock(), topics_of(settings)
    sink = ClickHouseSink(settings.clickhouse) if settings.clickhouse else None
    reporting = Reporting(sink, Metrics(), clock)
    async with AsyncExitStack() as stack:
        stack.callback(reporting.close)
        producer = await stack.enter_async_context(Producer(settings, "relasi-collector", clock))
        writer = TopicWriter(producer, topics.touchpoints, settings.partitions)
        if await producer.is_empty(topics.touchpoints):
            # The log itself says what it was judged by, from its beginning.
            policy = preset()
            await writer.append(
                None, bodies_of([message(registry, "Policy", {"text": policy.text, "hash": policy.hash})])
            )
        rejects = _Rejects(producer, topics, registry, reporting)
        # To the end: also what is still to be reported then must not wait for ever.
        looking = every(_LOOK_SECONDS, reporting.look, lambda: False, clock)
        await stack.enter_async_context(beside(stop, rejects.report(), looking))
        app = App(Collector(sources, Outlets(writer, rejects.refuse, registry), clock))
        await stack.enter_async_context(Offer(offered_at, listener))
        await serve(app, listener, stop, lambda: log.info("collector started", url=url_of(listener)))
        await _within(rejects.reported(), settings.session_seconds)
    log.info("collector stopped")
    return 0


@asynccontextmanager
async def beside(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on meanwhile. Where some of it fails, it asks the rest to stop, and what failed is raised then."""
    tasks = [asyncio.create_task(each) for each in work]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _within(work: Awaitable[None], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        log.warning("some rejects are in their topic, and not in the reports")
