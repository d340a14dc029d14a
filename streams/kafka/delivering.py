"""``relasi deliver``: triggers of the topic to webhooks. Any number of processes; the group shares the partitions out.

A partition's outbox is a file of whoever has the partition. Who takes one over reads the topic from where the file is
complete (from its beginning where there is no file), then learns from the topic of deliveries what others did
meanwhile, and only then begins with attempts. So a lost machine costs no more than that what it did last is done
again, under the same ids.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalGenerationError, UnknownMemberIdError

from schemas.bodies import bodies_of
from schemas.registry import FileRegistry, Registry, SchemaRegistry
from streams.clock import Clock
from streams.delivery.counting import DeliveryMetrics
from streams.delivery.deliverer import FOLDER, Deliverer, Partition, PartitionLeft
from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import Outcome, Told
from streams.delivery.telling import DeliveryMessages, rows_of
from streams.kafka.editions import read_editions, settings_of
from streams.kafka.producer import Producer
from streams.kafka.retry import Backoff, until_answered
from streams.kafka.topics import BrokerUnreachable, check, topics_of
from streams.log.writer import NotWritten
from streams.metrics import serve
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.errors import ReportsError
from streams.reports.sink import Sink
from streams.reports.tables import DELIVERIES
from streams.settings import Settings

_POLL_MS: Final = 100
_MOST_RECORDS: Final = 500
_TELL_SECONDS: Final = 0.5
_FORGET_SECONDS: Final = 3600.0

log = structlog.get_logger()


class Delivering(ConsumerRebalanceListener):  # type: ignore[misc]
    """The consumer of triggers with a deliverer behind it.

    ``begins``: by partition, from where on the ``topic`` is to be delivered: what an edition says of the past, those
    before it have said. ``again``: does what asks the broker, until that answers.
    """

    def __init__(
        self,
        consumer: Any,
        deliverer: Deliverer,
        history: "History",
        topic: str,
        begins: Sequence[int],
        again: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]],
    ) -> None:
        self._topic: Final = topic
        self._begins: Final = dict(enumerate(begins))
        self._consumer: Final = consumer
        self._deliverer: Final = deliverer
        self._history: Final = history
        self._again: Final = again
        self._failed: Exception | None = None
        self._targets: dict[int, int] = {}

    def source(self, number: int) -> str:
        """How a partition of the topic is named in an outbox."""
        return f"{self._topic}/{number}"

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Attempts on their way are cut off; whoever has the partition next makes them again."""
        for tp in revoked:
            await self._deliverer.leave(tp.partition)
            self._targets.pop(tp.partition, None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Take in from where the file is complete, whatever the group has committed: that may be of another file.

        What fails in here aiokafka logs, and goes on with the partitions from what the group has committed: what the
        file lacks before that would never go out. So the next turn raises it.
        """
        try:
            await self._again(lambda: self._take(assigned))
        except Exception as error:
            self._failed = error

    async def _take(self, assigned: set[TopicPartition]) -> None:
        ends = await self._consumer.end_offsets(list(assigned)) if assigned else {}
        begins = await self._consumer.beginning_offsets(list(assigned)) if assigned else {}
        for tp in assigned:
            partition = self._deliverer.partitions.get(tp.partition) or self._deliverer.open(tp.partition)
            at = await partition.position(self.source(tp.partition))
            # A file that is ahead is of a topic that is no more.
            first = max(begins[tp], self._begins.get(tp.partition, 0))
            start = max(at, first) if at <= ends[tp] else first
            self._consumer.seek(tp, start)
            self._targets[tp.partition] = ends[tp]
            if start >= ends[tp]:
                await self._begin(partition)

    async def turn(self) -> None:
        """Take in what has come, and acknowledge it. Raises what a lane, or taking a partition, ended with."""
        if self._failed is not None:
            raise self._failed
        fetched: Mapping[TopicPartition, Any] = await self._consumer.getmany(
            timeout_ms=_POLL_MS, max_records=_MOST_RECORDS
        )
        for tp, records in fetched.items():
            partition = self._deliverer.partitions.get(tp.partition)
            if partition is None or not records:
                continue
            after = records[-1].offset + 1
            try:
                messages = [(each.offset, each.value) for each in records]
                await partition.take_in(messages, self.source(tp.partition), after)
                if not partition.begun and after >= self._targets.get(tp.partition, 0):
                    await self._again(partial(self._begin, partition))
            except PartitionLeft:
                continue
            try:
                await self._consumer.commit({tp: after})
            except (CommitFailedError, IllegalGenerationError, UnknownMemberIdError) as error:
                # The partition is another's by now, or will be ours again: it is read from where the file is complete.
                log.info("not committed", partition=tp.partition, why=type(error).__name__)
        if (failed := self._deliverer.failed) is not None:
            raise failed

    async def _begin(self, partition: Partition) -> None:
        number = partition.number
        source = self._history.source(number)
        told, after = await self._history.since(number, await partition.position(source))
        await partition.learn(told, source, after)
        partition.begin()
        log.info("partition taken", partition=number, learned=len(told))


class History:
    """The topic of deliveries: what became of them, whoever had them."""

    def __init__(self, settings: Settings, messages: DeliveryMessages, producer: Producer, sink: Sink | None) -> None:
        self._settings: Final = settings
        self._topic: Final = topics_of(settings).deliveries
        self._messages: Final = messages
        self._producer: Final = producer
        self._sink: Final = sink

    def source(self, number: int) -> str:
        """How a partition of the topic is named in an outbox."""
        return f"{self._topic}/{number}"

    async def since(self, number: int, offset: int) -> tuple[list[Told], int]:
        """What the topic holds from an offset on, and where that ends."""
        tp = TopicPartition(self._topic, number)
        reader = AIOKafkaConsumer(bootstrap_servers=self._settings.servers, enable_auto_commit=False, group_id=None)
        try:
            await reader.start()
            reader.assign([tp])
            (begin,), (end,) = (
                (await reader.beginning_offsets([tp])).values(),
                (await reader.end_offsets([tp])).values(),
            )
            reader.seek(tp, max(begin, offset) if offset <= end else begin)
            told: list[Told] = []
            while await reader.position(tp) < end:
                for records in (await reader.getmany(tp, timeout_ms=_POLL_MS)).values():
                    told += [self._messages.read(each.value) for each in records if each.value is not None]
            return told, end
        finally:
            await reader.stop()

    async def store(self, number: int, told: list[Told]) -> None:
        """Say what became of deliveries: in the topic, and in the reports where there are any. Returns when both have
        it.
        """
        # First the reports: what the topic says counts as told to them too, whoever learns it from there.
        if self._sink is not None:
            await asyncio.to_thread(self._sink.insert, "deliveries_raw", rows_of(told, DELIVERIES))
        messages = [self._messages.message(each) for each in told]
        keys, bodies = bodies_of([key for key, _ in messages]), bodies_of([body for _, body in messages])
        await self._producer.send(self._topic, number, keys, bodies)


async def _telling(deliverer: Deliverer, history: History, metrics: DeliveryMetrics, clock: Clock) -> None:
    backoff, forgotten = Backoff(clock), clock.monotonic()
    while True:
        try:
            await deliverer.told(history.store)
            metrics.hold(await deliverer.waiting())
            if clock.monotonic() - forgotten > _FORGET_SECONDS:
                await deliverer.forget()
                forgotten = clock.monotonic()
            backoff = Backoff(clock)
            await clock.sleep(_TELL_SECONDS)
        except (NotWritten, ReportsError) as error:
            # Deliveries go on; what they came to waits in the outbox to be told.
            log.warning("outcomes can't be told now", why=str(error))
            await backoff.wait()


async def deliver(settings: Settings, endpoints: Mapping[str, Endpoint]) -> int:
    """Deliver until SIGTERM or SIGINT. Raises TopicsDiffer and OutboxDamaged."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    clock, metrics = Clock(), DeliveryMetrics()
    why_not = ["starting"]
    site, port = await serve(
        settings.web_host, settings.web_port, metrics, lambda: None, lambda: why_not[0] if why_not else ""
    )
    log.info("deliverer started", group=settings.group, web_port=port, endpoints=sorted(endpoints))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(site.cleanup)
        running = asyncio.ensure_future(_run(settings, endpoints, metrics, clock, why_not))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            log.info("stopped")
    return 0


async def _run(
    settings: Settings, endpoints: Mapping[str, Endpoint], metrics: DeliveryMetrics, clock: Clock, why_not: list[str]
) -> None:
    await _wait_for_broker(settings, clock, why_not)
    registry: Registry = SchemaRegistry(settings.registry) if settings.registry else FileRegistry()
    editions = await asyncio.to_thread(read_editions, settings)
    topics = topics_of(settings_of(settings, editions.in_force))
    sink = ClickHouseSink(settings.clickhouse) if settings.clickhouse else None
    group = f"{settings.group}-deliver"

    def unreadable(partition: int, offset: int, why: str) -> None:
        metrics.unreadable()
        log.error("a message is no trigger", topic=topics.triggers, partition=partition, offset=offset, why=why)

    def counted(outcome: Outcome) -> None:
        metrics.counted(outcome)

    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(Producer(settings, group, clock))
        deliverer = Deliverer(
            settings.data / FOLDER, endpoints, registry, clock, counted=counted, unreadable=unreadable
        )
        stack.push_async_callback(deliverer.close)
        history = History(settings, DeliveryMessages(registry), producer, sink)
        if sink is not None:
            stack.callback(sink.close)
            await _create(sink, clock, why_not)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=round(settings.session_seconds * 1000),
        )

        async def again(ask: Callable[[], Awaitable[None]]) -> None:
            await until_answered(ask, settings.broker, clock)

        delivering = Delivering(consumer, deliverer, history, topics.triggers, editions.triggers, again)
        consumer.subscribe([topics.triggers], listener=delivering)
        stack.push_async_callback(consumer.stop)
        await again(consumer.start)
        telling = asyncio.ensure_future(_telling(deliverer, history, metrics, clock))
        stack.callback(telling.cancel)
        why_not.clear()
        while True:
            await delivering.turn()
            if telling.done():
                telling.result()


async def _create(sink: Sink, clock: Clock, why_not: list[str]) -> None:
    """The tables, whoever comes first."""
    backoff = Backoff(clock)
    while True:
        try:
            await asyncio.to_thread(sink.create)
        except ReportsError as error:
            why_not[:] = [str(error)]
            log.warning("waiting", why=str(error))
            await backoff.wait()
        else:
            return


async def _wait_for_broker(settings: Settings, clock: Clock, why_not: list[str]) -> None:
    backoff = Backoff(clock)
    while True:
        try:
            await asyncio.to_thread(check, settings)
        except BrokerUnreachable as error:
            why_not[:] = [str(error)]
            log.warning("waiting", why=str(error))
            await backoff.wait()
        else:
            return
