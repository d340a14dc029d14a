"""What the Kafka shell speaks to, in process: a producer, a server for reports, and the broker behind a consumer.

Each takes what the real one takes and answers as that does; it fails or waits only where a test says so. ``journal``
lists what became durable, in that order, whoever holds it.
"""

import asyncio
import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import fastavro
import faust
import pyarrow as pa
from aiokafka.errors import IllegalStateError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faust.types import TP
from mode import Service

from schemas.bodies import Bodies
from streams.engine.checkpoint import Checkpoint
from streams.kafka.app import new_app
from streams.kafka.fencing import Fenced
from streams.kafka.fetch import Fetched, read
from streams.kafka.held import Held
from streams.kafka.producer import SendFailed
from streams.kafka.topics import topics_of
from streams.kafka.transport import Consumer, ConsumerThread, Transport
from streams.reports.errors import ReportsError, UnfitRows
from streams.settings import Settings

PATIENCE_SECONDS = 120
MARKER = (b"", None)
"""In a fake changelog, where a transaction ends: it takes an offset, and is never delivered."""
FOR_GOOD = 1 << 30


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else go on until something holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0)


async def turns(count: int = 50) -> None:
    """Let everything else of this thread go on as far as it can."""
    for _ in range(count):
        await asyncio.sleep(0)


class Sent(NamedTuple):
    """What the broker has of one send: a number of messages or of records."""

    topic: str
    partition: int
    entries: int


class FakeProducer:
    """In place of ``Producer``. A send is in the log as a whole, and acknowledged, or it is not there.

    ``shut``: topics whose acknowledgement waits until the event is set; ``failing``: how many sends to a topic still
    fail. ``changelog``: by partition, the keyed records, each at its offset. ``asked``: the topic of each attempt.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        self.journal: list[str] = [] if journal is None else journal
        self.sent: list[Sent] = []
        self.bodies: list[tuple[str, int, list[bytes]]] = []
        self.asked: list[str] = []
        self.shut: dict[str, asyncio.Event] = {}
        self.failing: dict[str, int] = {}
        self.changelog: dict[int, list[tuple[bytes, bytes | None]]] = {}
        self.answers = True

    async def _take(self, topic: str, number: int, count: int) -> None:
        self.asked.append(topic)
        if topic in self.shut:
            await self.shut[topic].wait()
        if self.failing.get(topic, 0):
            self.failing[topic] -= 1
            raise SendFailed(topic)
        self.sent.append(Sent(topic, number, count))
        self.journal.append(topic)

    async def send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        count = len(bodies.offsets) - 1
        assert keys is None or len(keys.offsets) - 1 == count
        await self._take(topic, partition, count)
        self.bodies.append((topic, partition, [bodies.message(i) for i in range(count)]))

    async def write(self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> int:
        """All of it and the marker behind, or nothing; the marker's offset."""
        await self._take(topic, partition, len(records))
        written = self.changelog.setdefault(partition, [])
        written += [*records, MARKER]
        return len(written) - 1

    async def reachable(self) -> bool:
        return self.answers

    @property
    def topics(self) -> list[str]:
        return [each.topic for each in self.sent]


class FakeFence:
    """In place of ``Fence``, over the producer's changelog. ``lost``: another one was initialised since."""

    def __init__(self, producer: FakeProducer, topic: str, number: int) -> None:
        self._producer = producer
        self._topic = topic
        self._number = number
        self.lost = False

    async def initialised(self) -> None:
        """It always is."""

    async def write(self, checkpoint: Checkpoint) -> int:
        if self.lost:
            raise Fenced(f"{self._topic} partition {self._number}")
        return await self._producer.write(self._topic, self._number, list(checkpoint.all_records()))


class FakeFences:
    """In place of ``Fences``. ``renewed``: the partitions of each rebalance that began to be taken over."""

    def __init__(self, producer: FakeProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self.fences: dict[int, FakeFence] = {}
        self.renewed: list[set[int]] = []
        self.shut: asyncio.Event | None = None

    def renew(self, owned: Iterable[int], kept: Iterable[int]) -> None:
        kept = set(kept)
        self.fences = {number: fence for number, fence in self.fences.items() if number in kept}
        self.renewed.append(set(owned) - kept)
        for number in self.renewed[-1]:
            self.again(number)

    def again(self, number: int) -> FakeFence:
        self.fences[number] = FakeFence(self._producer, self._topic, number)
        return self.fences[number]

    def of(self, number: int) -> FakeFence:
        return self.fences[number]

    async def committed(self, number: int) -> Held:
        records = self._producer.changelog.get(number, [])
        held = Held()
        if records:
            held.take(fetched_changelog(self._topic, number, records, 0, len(records)))
        return held

    async def initialised(self) -> None:
        if self.shut is not None:
            await self.shut.wait()


def fetched_changelog(
    topic: str, number: int, records: Sequence[tuple[bytes, bytes | None]], first: int, end: int
) -> Fetched:
    """What a broker answers of a changelog from offset ``first`` on, up to ``end``."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 30)
    count = 0
    for offset in range(first, end):
        key, value = records[offset]
        if (key, value) != MARKER:
            builder.append(offset - first, 1_000, key=key, value=value, headers=[])
            count += 1
    data = bytearray(builder.build()) if count else bytearray()
    if count:
        data[:8] = first.to_bytes(8, "big")
    return replace(read(topic, number, bytes(data), first, []), end=end)


class FakeSink:
    """A ``Sink`` that keeps what it is given. ``failing``: how many inserts into a table still fail.

    ``unfit``: tables that take no rows, but an insert of none. ``shut``: tables that take something only once the event
    is set. Inserts come from threads of the reporting.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        self.journal: list[str] = [] if journal is None else journal
        self.stored: list[tuple[str, Any]] = []
        self.failing: dict[str, int] = {}
        self.unfit: set[str] = set()
        self.shut: dict[str, threading.Event] = {}
        self.closed = False
        self.broken_off = 0

    def break_off(self) -> None:
        self.broken_off += 1
        for each in self.shut.values():
            each.set()

    def _take(self, table: str, content: Any, rows: int = 0) -> None:
        if table in self.shut:
            broken = self.broken_off
            assert self.shut[table].wait(PATIENCE_SECONDS)
            if self.broken_off > broken:
                del self.shut[table]
                raise ReportsError(f"{table}: broken off")
        if self.failing.get(table, 0):
            self.failing[table] -= 1
            raise ReportsError(f"{table}: no answer\nwith a customer's data in a second line")
        if table in self.unfit and rows:
            raise UnfitRows(f"{table}: can't be stored", "INCORRECT_DATA (code 117)")
        self.stored.append((table, content))
        self.journal.append(table)

    def create(self) -> None:
        self._take("schema", None)

    def insert(self, table: str, rows: pa.Table) -> None:
        self._take(table, rows, rows.num_rows)

    def insert_touchpoints(self, container: bytes) -> None:
        self._take("touchpoints_raw", container, sum(1 for _ in fastavro.reader(io.BytesIO(container))))

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        raise AssertionError("a worker asks nothing of the reports")

    def close(self) -> None:
        self.closed = True

    @property
    def tables(self) -> list[str]:
        return [table for table, _ in self.stored]


class FakeBroker(Service):
    """In place of the thread in which Faust's consumer speaks to the broker. ``position``: where it is read from next.

    ``assigned``: what this member has; ``committed``, ``first`` and ``ends``: of the group and of the log. ``away``:
    what asking for ends ends in. ``shut``: ends are answered once it is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.assigned: set[TP] = set()
        self.committed: dict[TP, int] = {}
        self.first: dict[TP, int] = {}
        self.ends: dict[TP, int] = {}
        self.position: dict[TP, int] = {}
        self.away: Exception | None = None
        self.shut: asyncio.Event | None = None
        self.asked = 0

    def assignment(self) -> set[TP]:
        return set(self.assigned)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        # Faust leaves the position as it is where nothing was committed.
        found = {tp: self.committed[tp] for tp in self.assigned if tp in self.committed}
        self.position.update(found)
        return found

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if lost := partitions.keys() - self.assigned:
            raise IllegalStateError(f"not assigned: {lost}")
        self.position.update(partitions)

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        self.committed.update(offsets)
        return True

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return {tp: self.first.get(tp, 0) for tp in partitions}

    async def committed_offset(self, tp: TP) -> int:
        return self.committed.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        self.asked += 1
        if self.shut is not None:
            await self.shut.wait()
        if self.away is not None:
            raise self.away
        return {tp: self.ends.get(tp, 0) for tp in partitions}


class FakeConsumer(Consumer):
    """Ours, with the fake in the thread's place."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return cast(ConsumerThread, FakeBroker())


class FakeTransport(Transport):
    """Ours, with that consumer."""

    Consumer = FakeConsumer


def unstarted_app(settings: Settings) -> faust.App:
    """A real app that nobody starts, over a broker that never leaves this process. In a loop that runs."""
    app = new_app(settings, topics_of(settings))
    app.transport = FakeTransport(app.transport.url, app)
    return app


def broker_of(app: faust.App) -> FakeBroker:
    """The broker behind the app's consumer."""
    consumer: Any = app.consumer
    assert isinstance(consumer._thread, FakeBroker)
    return consumer._thread


def tps(topic: str, numbers: Iterable[int]) -> set[TP]:
    return {TP(topic, number) for number in numbers}
