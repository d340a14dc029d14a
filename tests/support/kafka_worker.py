"""A whole worker in process: real app, table, store and consumer, which nobody starts, between fakes.

What Faust would do around a rebalance is done here in its order.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from schemas.registry import FileRegistry, Registry
from streams.engine.edition import FIRST, Edition
from streams.kafka.app import consumer_of
from streams.kafka.fences import Fences
from streams.kafka.fetch import Fetched, read
from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Tenure
from streams.kafka.topics import topics_of
from streams.kafka.worker import Worker
from streams.metrics import Metrics
from streams.settings import Settings
from support.hand_clock import HandClock
from support.kafka_fakes import (
    FakeFences,
    FakeProducer,
    FakeSink,
    broker_of,
    fetched_changelog,
    tps,
    unstarted_app,
    until,
)
from support.messages import Message, batch


class WorkerShell:
    """In a loop that runs. ``changelog``: what other workers have left there, by partition."""

    def __init__(
        self,
        folder: Path,
        *,
        changelog: Mapping[int, Sequence[tuple[bytes, bytes | None]]] | None = None,
        reports: bool = False,
        identity: str = "log-1",
        registry: Registry | None = None,
        accept_rejects: bool = False,
        edition: Edition = FIRST,
        **settings: Any,
    ) -> None:
        self.settings = Settings(data=folder, **settings)
        self.journal: list[str] = []
        self.clock = HandClock()
        self.producer = FakeProducer(self.journal)
        self.producer.changelog = {number: list(records) for number, records in (changelog or {}).items()}
        self.fences = FakeFences(self.producer, topics_of(self.settings).changelog)
        self.sink = FakeSink(self.journal)
        self.metrics = Metrics()
        self.reporting = Reporting(self.sink if reports else None, self.metrics, self.clock)
        self.learning = Learning(registry or FileRegistry(), self.clock)
        self.identity: str | None = identity
        """The id that the broker has for the topic now; None: there is no such topic."""
        self.failures: list[BaseException] = []
        self.app: Any = unstarted_app(self.settings)
        self.broker = broker_of(self.app)
        self.consumer: Any = consumer_of(self.app)
        producer = cast(Producer, self.producer)
        self.worker = Worker(
            self.settings,
            registry or FileRegistry(),
            self.learning,
            producer,
            cast(Fences, self.fences),
            self.reporting,
            self.metrics,
            self.failures.append,
            app=self.app,
            clock=self.clock,
            topic_id=identity,
            ask_topic_id=self._ask,
            accept_rejects=accept_rejects,
            edition_of=lambda _: edition,
        )
        self.store = self.worker.store
        self.topics = self.worker.topics
        self._held: set[TP] = set()

    async def _ask(self) -> str | None:
        return self.identity

    def tp(self, number: int) -> TP:
        return TP(self.topics.touchpoints, number)

    def logged(self, number: int) -> TP:
        return TP(self.topics.changelog, number)

    @property
    def tenures(self) -> dict[int, Tenure]:
        return self.store.tenures

    async def assign(
        self, generation: int, active: Iterable[int], standby: Iterable[int] = (), *, recovers: bool = True
    ) -> None:
        """A rebalance: this member has these partitions now. Faust tells its tables first, its recovery after that."""
        active = list(active)
        assigned = tps(self.topics.touchpoints, active) | tps(self.topics.changelog, [*active, *standby])
        revoked, new = self._held - assigned, assigned - self._held
        self._held = assigned
        self.broker.assigned = set(assigned)
        self.app.assignor._assignment.actives = dict.fromkeys((self.topics.touchpoints, self.topics.changelog), active)
        self.app.consumer_generation_id = generation
        await self.store.on_rebalance(assigned, revoked, new, generation)
        if recovers:
            self.app.tables.recovery._generation_id = generation

    def read_changelog(self, number: int, *, most: int | None = None, generation: int | None = None) -> None:
        """The recovery reads on where the store says that it has read to."""
        generation = self.app.consumer_generation_id if generation is None else generation
        first = self.store.persisted_offset(self.logged(number)) + 1
        records = self.producer.changelog.get(number, [])
        end = len(records) if most is None else min(len(records), first + most)
        if end > first:
            fetched = fetched_changelog(self.topics.changelog, number, records, first, end)
            event = SimpleNamespace(value=fetched, message=self.consumer._to_message(self.logged(number), fetched))
            event.message.generation_id = generation
            self.store.apply_changelog_batch(cast(Any, [event]), None, None)

    async def recovered(self, active: Iterable[int], standby: Iterable[int] = ()) -> None:
        """Faust says that the recovery is complete, and seeks."""
        highwaters = self.app.tables.recovery.active_highwaters
        active = list(active)
        for number in active:
            highwaters[self.logged(number)] = len(self.producer.changelog.get(number, ())) - 1
        await self.store.on_recovery_completed(tps(self.topics.changelog, active), tps(self.topics.changelog, standby))
        await self.consumer.perform_seek()

    async def own(self, generation: int, *numbers: int) -> None:
        """The whole way: assigned, read, recovered."""
        await self.assign(generation, numbers)
        for number in numbers:
            self.read_changelog(number)
        await self.recovered(numbers)

    def event(self, number: int, fetched: Fetched, generation: int | None = None) -> Any:
        """A fetch on its way to the agent."""
        message = self.consumer._to_message(self.tp(number), fetched)
        if generation is not None:
            message.generation_id = generation
        return SimpleNamespace(value=fetched, message=message)

    def fetched(self, number: int, messages: Sequence[Message], base: int) -> Fetched:
        """What a broker answers: these messages, from offset ``base`` on. The log ends behind them."""
        answer = read(self.topics.touchpoints, number, batch(messages, base), base, [])
        self.broker.ends[self.tp(number)] = max(self.broker.ends.get(self.tp(number), 0), answer.end)
        return answer

    async def take(self, number: int, messages: Sequence[Message], base: int, generation: int | None = None) -> None:
        """Have a fetch processed, with all that it begins."""
        await self.worker.fetching.take(self.event(number, self.fetched(number, messages, base), generation))
        await self.idle()

    async def idle(self) -> None:
        """Nothing that the worker has begun is left."""
        await until(lambda: not self.worker._tasks)

    def fetches(self, outcome: str) -> float:
        """How many fetches became that."""
        return float(self.metrics.fetches.labels(outcome)._value.get())
