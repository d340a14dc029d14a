"""One worker: its share of the partitions, and what it does with a fetch."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, cast
from uuid import uuid4

import faust
import structlog
from faust.types import TP, EventT

from schemas.bodies import bodies_of
from schemas.plans import Plans, build_plans
from schemas.registry import Registry
from streams.clock import now_ms
from streams.engine.batches import Fetch
from streams.engine.outcomes import NAMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.kafka.app import add_agent, add_table, consumer_of, new_app
from streams.kafka.ends import Ends
from streams.kafka.fetch import Fetched
from streams.kafka.gauges import Gauges
from streams.kafka.outbox import Outbox
from streams.kafka.release import Release
from streams.kafka.reporting import Reporting
from streams.kafka.store import CheckpointStore
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.messages import message
from streams.metrics import Metrics
from streams.policies import preset
from streams.settings import CLOCK, Settings

AHEAD_MS: Final = 5_000

log = structlog.get_logger()


class LostHistory(RuntimeError):
    """The log no longer holds what was not processed yet."""


class Worker:
    """Owns a share of the partitions. ``fail`` is called with what can't be survived, and doesn't come back.

    ``log``: identity of the topic of touchpoints.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        outbox: Outbox,
        changelog: Outbox,
        reporting: Reporting,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
        *,
        log: str,
        accept_rejects: bool = False,
    ) -> None:
        self.settings = settings
        self.topics = topics_of(settings)
        self.metrics = metrics
        self.stopping = False
        self._gauges = Gauges(metrics)
        self._registry = registry
        self._outbox = outbox
        self._reporting = reporting
        self._fail = fail
        self._log = log
        self._accept_rejects = accept_rejects
        self._threads = Threads()
        self._tasks: set[asyncio.Task[None]] = set()
        self._release = Release(
            self.topics,
            registry,
            outbox,
            changelog,
            reporting,
            metrics,
            self._threads,
            self._confirm,
            settings.profile_seconds,
        )
        self.app: faust.App = new_app(settings, self.topics)
        self._ends = Ends(self.app, self.topics.touchpoints)
        consumer_of(self.app).read_from(self._wanted)
        self._table = add_table(self.app, self.topics, self._begin, fail)
        add_agent(self.app, self.topics, self.take, fail)

    @property
    def store(self) -> CheckpointStore:
        """The table's store."""
        store = self._table.data
        assert isinstance(store, CheckpointStore)
        return store

    def _tp(self, number: int) -> TP:
        return TP(self.topics.touchpoints, number)

    def _wanted(self) -> dict[TP, int]:
        tenures = self.store.tenures.values()
        return {self._tp(tenure.number): max(tenure.partition.next_offset, tenure.log_start) for tenure in tenures}

    async def _begin(self, number: int, records: Iterable[tuple[bytes, bytes]], read: int) -> Tenure:
        """Rebuild a partition from its checkpoint. Raises ForeignLog."""
        begun = time.monotonic()
        partition = Partition(
            number,
            preset(),
            build_plans(self._registry),
            owner=f"{self.app.consumer_generation_id}-{uuid4().hex[:12]}",
            resolve=self._resolve,
            ahead_limit=AHEAD_MS if self.settings.ticks == CLOCK else None,
            accept_rejects=self._accept_rejects,
            judgements=self._reporting.wanted,
            log=self._log,
        )
        await self._threads.aside(partition.restore, list(records))
        ends = await consumer_of(self.app).highwaters(self._tp(number))
        partition.check_log(ends[self._tp(number)])
        seconds = time.monotonic() - begun
        self.metrics.recovery.observe(seconds)
        log.info(
            "partition taken over",
            partition=number,
            customers=partition.customers,
            next_offset=partition.next_offset,
            seconds=round(seconds, 3),
        )
        return Tenure(partition, self.topics, self._registry, read, reports=self._reporting.wanted)

    def _confirm(self, number: int, offset: int) -> None:
        consumer_of(self.app).confirm(self._tp(number), offset)

    def _resolve(self, schema_id: int) -> Plans | None:
        known = self._registry.ids()
        return build_plans(self._registry, {*known, schema_id}) if schema_id in known else None

    async def take(self, event: EventT[Any]) -> None:
        """Have a fetch processed, unless it is of another generation or partition than ours.

        Returns when it is in work: the next one may be of another partition, and go into another thread.
        """
        fetched = cast(Fetched, event.value)
        tenure = self.store.tenures.get(fetched.partition)
        if tenure is None:
            self.metrics.fetches.labels("dropped").inc()
            return
        await tenure.turns.acquire()
        self._begin_task(self._work(tenure, event))

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._fail(error)
            raise

    def _is_current(self, tenure: Tenure, event: EventT[Any]) -> bool:
        ours = self.store.tenures.get(tenure.number) is tenure
        return ours and not self.stopping and event.message.generation_id == self.app.consumer_generation_id

    async def _work(self, tenure: Tenure, event: EventT[Any]) -> None:
        """Process a fetch when those before it are done, and give up the turn."""
        try:
            async with tenure.working:
                if not self._is_current(tenure, event):
                    self.metrics.fetches.labels("dropped").inc()
                    return
                fetched = cast(Fetched, event.value)
                if fetched.fetch is None:
                    raise fetched.error or RuntimeError("a fetch without content")
                await self._apply(tenure, fetched.fetch)
                await self._release.relieve(tenure, self.settings.waiting_bytes)
                if tenure.behind and self._ends.lag(tenure) == 0:
                    tenure.behind = False
                    await self._release.checkpoint(tenure)
        finally:
            tenure.turns.release()

    async def _apply(self, tenure: Tenure, fetch: Fetch) -> None:
        """Apply a fetch to its end. Raises PoisonedLog, after the rejects that it tells to look at were let out."""
        while True:
            begun = time.monotonic()
            applied = await self._threads.work(tenure, tenure.apply, fetch)
            if isinstance(applied, Refused):
                await self._seek(tenure, applied.expected)
                return
            self._count(applied, time.monotonic() - begun)
            if applied.next_offset >= fetch.end or tenure.ended:
                return
            await self._release.checkpoint(tenure)

    def _count(self, applied: Applied, seconds: float) -> None:
        self.metrics.fetches.labels("applied").inc()
        self.metrics.batch.observe(seconds)
        self.metrics.count(applied.counts)
        for reason in applied.rejects["reason"].tolist():
            self.metrics.rejects.labels(NAMES[reason]).inc()

    async def _seek(self, tenure: Tenure, expected: int) -> None:
        """Read again from where the partition is complete. Raises LostHistory."""
        self.metrics.fetches.labels("refused").inc()
        tp, consumer = self._tp(tenure.number), consumer_of(self.app)
        first = (await consumer.earliest_offsets(tp))[tp] or 0
        if first > expected:
            if expected > 0:
                raise LostHistory(
                    f"{tp.topic} partition {tp.partition}: offset {expected} is next, but the log begins at {first}: "
                    "retention removed what was not processed yet; bring it back, or begin with another RELASI_GROUP"
                )
            tenure.log_start = first
        log.info("fetch refused, reading again", partition=tp.partition, offset=max(first, expected))
        await consumer.seek_wait({tp: max(first, expected)})

    async def publish_due(self) -> None:
        """Begin to let out the messages that wait; none waits for a partition whose rows are busy."""
        for tenure in self.store.tenures.values():
            if not tenure.silent and not tenure.publishing.locked():
                self._begin_task(self._release.publish(tenure))

    async def checkpoint_due(self) -> None:
        """Begin the checkpoints that are due."""
        tenures = list(self.store.tenures.values())
        for tenure in self._release.due(tenures, self._ends.lag, self.settings.checkpoint_seconds):
            self._begin_task(self._release.checkpoint(tenure))

    async def checkpoint_all(self) -> None:
        """The last checkpoint of each partition that is ours."""
        await self._release.checkpoint_all(list(self.store.tenures.values()))

    async def tick_all(self) -> None:
        """Let the time of each of our partitions pass to now."""
        tick = bodies_of([message(self._registry, "Tick", {"at": now_ms()})])
        numbers = list(self.store.tenures)
        await asyncio.gather(*(self._outbox.send(self.topics.touchpoints, n, None, tick) for n in numbers))

    async def look_at_ends(self) -> None:
        """Learn where the log ends. Raises ForeignLog."""
        await self._ends.look(list(self.store.tenures.values()))

    def not_ready(self) -> str:
        """Why no work can be done now; empty when it can."""
        if self.stopping:
            return "stopping"
        return "recovering" if not self.app.tables.actives_ready or self.app.rebalancing else ""

    def refresh(self) -> None:
        """Set the gauges."""
        self._gauges.set(self.store.tenures, self._ends.lag)
