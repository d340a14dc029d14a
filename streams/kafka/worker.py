"""One worker: its share of the partitions, and what it does with a fetch."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import IllegalStateError
from faust.types import TP, EventT

from schemas.bodies import bodies_of
from schemas.registry import Registry
from streams.clock import Clock
from streams.engine.outcomes import REJECT_NAMES
from streams.engine.results import Applied, Refused
from streams.kafka.app import add_agent, add_table, consumer_of
from streams.kafka.ends import Ends
from streams.kafka.fences import Fences
from streams.kafka.fencing import Fenced
from streams.kafka.fetch import Fetched
from streams.kafka.gauges import Gauges
from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.regaining import Regaining
from streams.kafka.release import Release
from streams.kafka.reporting import Reporting
from streams.kafka.store import CheckpointStore
from streams.kafka.takeover import Takeover
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.log.batches import Fetch
from streams.log.messages import message
from streams.metrics import Metrics
from streams.outputs.catalogue import SPOKEN
from streams.settings import Settings

log = structlog.get_logger()


class LostHistory(RuntimeError):
    """The log no longer holds what was not processed yet."""


class Worker:
    """Owns a share of the partitions. ``fail`` is called with what can't be survived, and doesn't come back.

    ``topic_id``: of the topic of touchpoints. ``app``: a new one, made by ``new_app``.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        learning: Learning,
        producer: Producer,
        fences: Fences,
        reporting: Reporting,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
        *,
        app: faust.App,
        clock: Clock,
        topic_id: str,
        accept_rejects: bool = False,
    ) -> None:
        self.settings = settings
        self.topics = topics_of(settings)
        self.metrics = metrics
        self.stopping = False
        self._gauges = Gauges(metrics, clock)
        self._registry = registry
        self._learning = learning
        self._producer = producer
        self._fail = fail
        self._clock = clock
        self._threads = Threads(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._release = Release(settings, producer, reporting, metrics, self._threads, self._confirm, clock)
        self.app = app
        self._ends = Ends(self.app, self.topics.touchpoints)
        consumer_of(self.app).read_from(self._wanted, self._remembered)
        consumer_of(self.app).ends_after(fences.initialised, self._held)
        takeover = Takeover(
            settings,
            registry,
            learning,
            reporting,
            metrics,
            self._threads,
            self._ends,
            topic_id,
            clock,
            accept_rejects=accept_rejects,
        )
        self._table = add_table(self.app, self.topics, fences, takeover.begin, fail)
        self._regaining = Regaining(self.app, settings, fences, clock)
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

    def _remembered(self) -> dict[TP, int]:
        return {self._tp(tenure.number): tenure.remembered_offset for tenure in self.store.tenures.values()}

    def _held(self) -> dict[TP, int]:
        return {TP(self.topics.changelog, each.number): each.held_offset for each in self.store.tenures.values()}

    def _confirm(self, number: int, offset: int) -> None:
        consumer_of(self.app).confirm(self._tp(number), offset)

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
        self._begin_task(tenure, self._work(tenure, event))

    def _begin_task(self, tenure: Tenure, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._watched(tenure, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, tenure: Tenure, work: Coroutine[Any, Any, None]) -> None:
        try:
            try:
                await work
            except Fenced as error:
                await self._regain(tenure, error)
        except Exception as error:
            if self.stopping and tenure.ended:
                # Whoever has the partition now does it again; the producers may be gone already.
                return
            self._fail(error)
            raise

    async def _regain(self, tenure: Tenure, why: Fenced) -> None:
        """A tenure is over. Should the partition be ours all the same, take it over again."""
        if self.store.tenures.get(tenure.number) is not tenure:
            return
        self.store.drop(tenure.number)
        log.info("tenure ended", partition=tenure.number, why=str(why))
        again = None if self.stopping else await self._regaining.regain(tenure.number, self.store)
        if again is not None:
            await self._seek(again, again.partition.next_offset)

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
                if tenure.behind and not tenure.ended and self._ends.lag(tenure) == 0:
                    tenure.behind = False
                    # Not awaited: the next fetch would wait, and behind that those of all other partitions.
                    self._begin_task(tenure, self._release.checkpoint(tenure))
        finally:
            tenure.turns.release()

    async def _apply(self, tenure: Tenure, fetch: Fetch) -> None:
        """Apply a fetch to its end. Raises PoisonedLog, after the rejects that it tells to look at were let out.

        Where a schema id is wanted, it goes on when the registry has answered.
        """
        while True:
            tenure.partition.forget_unknown(self._learning.forgotten_before())
            applied, seconds = await self._threads.timed(tenure, tenure.apply, fetch)
            if isinstance(applied, Refused):
                self.metrics.fetches.labels("refused").inc()
                log.info("fetch refused, reading again", partition=tenure.number, offset=applied.expected)
                await self._seek(tenure, applied.expected)
                return
            self._count(applied, seconds)
            if tenure.ended or (applied.wanted is None and applied.next_offset >= fetch.end):
                self.metrics.fetches.labels("applied").inc()
                return
            if applied.wanted is None:
                await self._release.checkpoint(tenure)
            else:
                await self._learning.learn(tenure, applied.wanted)

    def _count(self, applied: Applied, seconds: float) -> None:
        self.metrics.batch.observe(seconds)
        self.metrics.count(applied.counts)
        for reason in applied.rejects["reason"].tolist():
            self.metrics.rejects.labels(REJECT_NAMES[reason]).inc()

    async def _seek(self, tenure: Tenure, expected: int) -> None:
        """Read again from where the partition is complete. Raises LostHistory."""
        tp, consumer = self._tp(tenure.number), consumer_of(self.app)
        first = (await consumer.earliest_offsets(tp))[tp] or 0
        if tenure.ended:
            return
        if first > expected:
            if expected > 0:
                raise LostHistory(
                    f"{tp.topic} partition {tp.partition}: offset {expected} is next, but the log begins at {first}: "
                    "retention removed what was not processed yet; bring it back, or begin with another RELASI_GROUP"
                )
            tenure.log_start = first
        with suppress(IllegalStateError):
            # It is not assigned any more. Should it still be ours, its next fetch will be refused as well.
            await consumer.seek_wait({tp: max(first, expected)})

    async def publish_due(self) -> None:
        """Begin to let out the messages that wait; none waits for a partition whose rows are busy."""
        for tenure in self.store.tenures.values():
            if not tenure.outgoing.silent and not tenure.digesting.locked():
                self._begin_task(tenure, self._publish(tenure))

    async def _publish(self, tenure: Tenure) -> None:
        """Each output in a task of its own: none waits for another that has more to say."""
        await self._release.digest(tenure)
        for output in SPOKEN:
            if tenure.outgoing.speaks(output) and not tenure.publishing[output.name].locked():
                self._begin_task(tenure, self._release.say(tenure, output))

    async def checkpoint_due(self) -> None:
        """Begin the checkpoints that are due."""
        tenures = list(self.store.tenures.values())
        for tenure in self._release.due(tenures, self._ends.lag, self.settings.checkpoint_seconds):
            self._begin_task(tenure, self._release.checkpoint(tenure))

    async def checkpoint_all(self) -> None:
        """The last checkpoint of each partition that is ours."""
        await self._release.checkpoint_all(list(self.store.tenures.values()))

    async def tick_all(self) -> None:
        """Let the time of each of our partitions pass to now."""
        tick = bodies_of([message(self._registry, "Tick", {"at": self._clock.now_ms()})])
        numbers = list(self.store.tenures)
        await asyncio.gather(*(self._producer.send(self.topics.touchpoints, n, None, tick) for n in numbers))

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
