"""Writers of the log, for the contract that both keep; what they wrote is read by kafka-python.

Run as a program it appends until it is killed: ``python -m support.log_writers KIND PLACE NAME``.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.consumer.group import KafkaConsumer
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from schemas.bodies import bodies_of
from streams.clock import Clock
from streams.embedded.log import Log
from streams.embedded.writer import LogWriter
from streams.kafka.producer import Producer
from streams.kafka.writer import TopicWriter
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.writer import Writer
from streams.settings import Settings

PARTITIONS: Final = 3
AT_ONCE: Final = 7
"""Messages of each append of the one that is killed."""

Opened = AbstractAsyncContextManager[Writer]


@dataclass(frozen=True)
class Stored:
    """A record of the log."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    batch: int
    """Number of the record batch that holds it, or -1 where that is not to be seen."""


@dataclass(frozen=True)
class Place:
    """A log: how a writer of it is opened, what it holds, and how another process is told where it is."""

    kind: str
    partitions: int
    opened: Callable[[], Opened]
    stored: Callable[[], list[Stored]]
    address: tuple[str, str]

    def values(self, partition: int | None = None) -> list[bytes]:
        """What it holds, or what one partition does, in order."""
        return [each.value for each in self.stored() if partition in (None, each.partition)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def sqlite_writer(directory: Path, room: int | None = None) -> AsyncIterator[Writer]:
    """``room``: bytes by which the log may grow."""

    def limit(writer: LogWriter, room: int) -> None:
        connection = writer._log._connection
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
        connection.execute(f"PRAGMA max_page_count = {pages + room // size}")

    with LogWriter(directory, 0, now_ms) as writer:
        if room is not None:
            writer._thread.submit(limit, writer, room).result()
        yield writer


@asynccontextmanager
async def kafka_writer(broker: str, topic: str) -> AsyncIterator[Writer]:
    async with Producer(Settings(broker=broker), "writers", Clock()) as producer:
        yield TopicWriter(producer, topic, PARTITIONS)


def stored_in_sqlite(directory: Path) -> list[Stored]:
    with Log(directory) as log:
        data = log.read(TOUCHPOINTS_TOPIC, 0, 0, 1 << 30)
    records, found = MemoryRecords(data), list[Stored]()
    for number in count():
        batch: Any = records.next_batch()
        if batch is None:
            return found
        found += [Stored(0, each.offset, each.key, each.value, number) for each in batch]
    raise AssertionError


def stored_in_kafka(servers: str, topic: str) -> list[Stored]:
    consumer: Any = KafkaConsumer(bootstrap_servers=[servers], auto_offset_reset="earliest", fetch_max_bytes=1 << 28)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    found = []
    try:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=1000).values():
                found += [Stored(each.partition, each.offset, each.key, each.value, -1) for each in records]
    finally:
        consumer.close()
    return sorted(found, key=lambda each: (each.partition, each.offset))


def sqlite_place(directory: Path, room: int | None = None) -> Place:
    """A directory of its own; ``room``: bytes by which the file may grow."""
    directory.mkdir(exist_ok=True)
    return Place(
        "sqlite",
        1,
        lambda: sqlite_writer(directory, room),
        lambda: stored_in_sqlite(directory),
        (str(directory), ""),
    )


def kafka_place(broker: str, name: str, largest: int | None = None) -> Place:
    """A topic of that name, made anew; ``largest``: bytes of the largest batch that it takes."""
    configs = {} if largest is None else {"max.message.bytes": str(largest)}
    servers = broker.removeprefix("kafka://")
    admin: Any = KafkaAdminClient(bootstrap_servers=[servers])
    try:
        topic = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": configs}
        admin.create_topics({name: topic}, wait_for_metadata=True)
    finally:
        admin.close()
    return Place(
        "kafka",
        PARTITIONS,
        lambda: kafka_writer(broker, name),
        lambda: stored_in_kafka(servers, name),
        (broker, name),
    )


async def _append_for_ever(opened: Opened) -> None:
    async with opened as writer:
        for number in count():
            values = [b"%d" % i for i in range(number * AT_ONCE, (number + 1) * AT_ONCE)]
            await writer.append(bodies_of([b"customer"] * AT_ONCE), bodies_of(values))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    kind, where, topic = sys.argv[1:]
    asyncio.run(_append_for_ever(sqlite_writer(Path(where)) if kind == "sqlite" else kafka_writer(where, topic)))
