"""One worker: its share of the partitions, and what it does with a fetch."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.bodies import bodies_of
from schemas.registry import Registry
from streams.clock import Clock
from streams.engine.edition import FIRST
from streams.kafka.app import add_agent, add_table, consumer_of
from streams.kafka.ends import Ends
from streams.kafka.fences import Fences
from streams.kafka.fetching import Fetching
from streams.kafka.gauges import Gauges
from streams.kafka.identity import Ask, Identity
from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.regaining import Regaining
from streams.kafka.release import Release
from streams.kafka.reporting import Reporting
from streams.kafka.stalls import Stalls, StuckRecovery
from streams.kafka.store import CheckpointStore
from streams.kafka.takeover import EditionOf, Takeover
from streams.kafka.tasks import Tasks
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.log.messages import message
from streams.metrics import Metrics
from streams.outputs.catalogue import SPOKEN
from streams.settings import Settings

_SEEK_SECONDS: Final = 3.0

log = structlog.get_logger()


class StandsStill(Exception):
    """A partition is not read, however often it is sought."""


class Worker:
    """Owns a share of the partitions. ``fail`` is called with what can't be survived, and doesn't come back.

    ``edition_of``: under which rules a partition is read. ``topic_id``: of the topic of touchpoints when it began,
    ``ask_topic_id``: at any time. ``app``: a new one, made by ``new_app``.
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
        ask_topic_id: Ask,
        accept_rejects: bool = False,
        edition_of: EditionOf = lambda _: FIRST,
    ) -> None:
        self.settings = settings
        self.topics = topics_of(settings)
        self.metrics = metrics
        self._gauges = Gauges(metrics, clock)
        self._registry = registry
        self._producer = producer
        self._fail = fail
        self._clock = clock
        self._threads = Threads(clock)
        self._identity = Identity(self.topics.touchpoints, topic_id, ask_topic_id, clock)
        self._tasks = Tasks(fail, self._identity.explain)
        self._tasks.on_fenced(self._regain)
        self._release = Release(settings, producer, reporting, metrics, self._threads, self._confirm, clock)
        self.app = app
        self._ends = Ends(self.app, self.topics.touchpoints)
        consumer_of(self.app).read_from(self._wanted, self._remembered)
        consumer_of(self.app).ends_after(fences.initialised, self._held)
        takeover = Takeover(
            self.app,
            settings,
            registry,
            learning,
            reporting,
            metrics,
            self._threads,
            self._ends,
            self._identity,
            topic_id,
            clock,
            accept_rejects=accept_rejects,
            edition_of=edition_of,
        )
        self._table = add_table(self.app, self.topics, fences, takeover.begin, fail)
        self._regaining = Regaining(self.app, settings, fences, clock)
        self.fetching = Fetching(
            self.app,
            settings,
            self.topics.touchpoints,
            self.store,
            self._tasks,
            self._threads,
            self._release,
            learning,
            self._ends,
            metrics,
        )
        self._recovery = StuckRecovery(clock, lambda: self.store.progress, self._recover_again)
        self._stalls = Stalls(clock, self._ends.lag, self._seek, self._take_over)
        add_agent(self.app, self.topics, self.fetching.take, fail)

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop: no fetch is processed any more."""
        return self._tasks.stopping

    def stop(self) -> None:
        """Process no more."""
        self._tasks.stopping = True

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

    async def _regain(self, tenure: Tenure, why: Exception) -> None:
        """A tenure is over. Should the partition be ours all the same, take it over again."""
        if self.store.tenures.get(tenure.number) is not tenure:
            return
        self.store.drop(tenure.number)
        log.info("tenure ended", partition=tenure.number, why=str(why))
        again = None if self.stopping else await self._regaining.regain(tenure.number, self.store)
        if again is not None:
            await self.fetching.read_from(again, again.partition.next_offset)

    async def publish_due(self) -> None:
        """Begin to let out the messages that wait; none waits for a partition whose rows are busy."""
        for tenure in self.store.tenures.values():
            if not tenure.outgoing.silent and not tenure.digesting.locked():
                self._tasks.begin(tenure, self._publish(tenure))

    async def _publish(self, tenure: Tenure) -> None:
        """Each output in a task of its own: none waits for another that has more to say."""
        await self._release.digest(tenure)
        if tenure.outgoing.forwards and not tenure.forwarding.locked():
            self._tasks.begin(tenure, self._release.forward(tenure))
        for output in SPOKEN:
            if tenure.outgoing.speaks(output) and not tenure.publishing[output.name].locked():
                self._tasks.begin(tenure, self._release.say(tenure, output))

    async def checkpoint_due(self) -> None:
        """Begin the checkpoints that are due."""
        tenures = list(self.store.tenures.values())
        for tenure in self._release.due(tenures, self._ends.lag, self.settings.checkpoint_seconds):
            self._tasks.begin(tenure, self._release.checkpoint(tenure))

    async def checkpoint_all(self) -> None:
        """The last checkpoint of each partition that is ours."""
        await self._release.checkpoint_all(list(self.store.tenures.values()))

    async def report_all(self) -> None:
        """Report the profiles of each partition that is ours, as far as time allows."""
        await self._release.report_all(list(self.store.tenures.values()))

    async def tick_all(self) -> None:
        """Let the time of each of our partitions pass to now."""
        tick = bodies_of([message(self._registry, "Tick", {"at": self._clock.now_ms()})])
        numbers = list(self.store.tenures)
        await asyncio.gather(*(self._producer.send(self.topics.touchpoints, n, None, tick) for n in numbers))

    async def look(self) -> None:
        """See which log it is and where it ends, and help partitions that stand still.

        Raises ForeignLog and LostHistory.
        """
        await self._identity.look()
        await self._ends.look(list(self.store.tenures.values()))
        self._recovery.look(self._recovering and not self.stopping)
        if self.stopping or self._recovering:
            self._stalls.forget()
        else:
            await self._stalls.look(self.store.tenures)

    async def explain(self, error: Exception) -> Exception:
        """What is behind a failure, as far as that can be told."""
        return await self._identity.explain(error)

    def _recover_again(self) -> None:
        # Faust takes it for another rebalance, and gives up what it waits for.
        tables: Any = self.app.tables
        tables.recovery.signal_recovery_start.set()

    async def _seek(self, tenure: Tenure) -> None:
        # Where nobody answers, the next look tries again.
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_SEEK_SECONDS):
                await self.fetching.read_from(tenure, tenure.partition.next_offset)

    async def _take_over(self, tenure: Tenure) -> None:
        # Not awaited: it takes seconds.
        self._tasks.begin(tenure, self._regain(tenure, StandsStill("it was not read")))

    @property
    def _recovering(self) -> bool:
        return not self.app.tables.actives_ready or self.app.rebalancing

    def not_ready(self) -> str:
        """Why no work can be done now; empty when it can."""
        if self.stopping:
            return "stopping"
        return self._identity.reason or ("recovering" if self._recovering else self._stalls.reason())

    def refresh(self) -> None:
        """Set the gauges."""
        self._gauges.set(self.store.tenures, self._ends.lag)
