"""Checkpoints of few or many rows for a fenced producer, and what a reader of committed records finds of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from schemas.bodies import Bodies, bodies_of

HEADER = b"\xffheader"


@dataclass(frozen=True)
class Rows:
    """A checkpoint: rows by their customers, and a header that names it."""

    keys: Bodies
    values: Bodies
    header: tuple[bytes, bytes]
    records: list[tuple[bytes, bytes | None]] = field(default_factory=list)


def rows(name: str, count: int, size: int = 300, first: int = 0) -> Rows:
    """A checkpoint of ``count`` rows of ``size`` bytes, each beginning with the name."""
    keys = bodies_of([b"\0customer %d" % number for number in range(first, first + count)])
    value = np.frombuffer(name.encode().ljust(size, b"."), np.uint8)
    values = Bodies(np.tile(value, count), np.arange(count + 1, dtype=np.int64) * size)
    return Rows(keys, values, (HEADER, name.encode()))


def create(servers: str, topic: str) -> None:
    """A compacted topic of one partition."""
    admin = KafkaAdminClient(bootstrap_servers=[servers], bootstrap_timeout_ms=20_000)
    config = {"cleanup.policy": "compact", "max.message.bytes": str(2 << 20)}
    wanted: dict[str, Any] = {"num_partitions": 1, "replication_factor": 1, "configs": config}
    admin.create_topics({topic: wanted}, wait_for_metadata=True)
    admin.close()


@asynccontextmanager
async def reader(servers: str, topic: str, isolation: str) -> AsyncIterator[tuple[AIOKafkaConsumer, TopicPartition]]:
    """A client of the topic's only partition."""
    async with AIOKafkaConsumer(
        bootstrap_servers=servers, isolation_level=isolation, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        yield consumer, place


async def end(servers: str, topic: str, isolation: str = "read_uncommitted") -> int:
    """Where the topic ends for such a reader."""
    async with reader(servers, topic, isolation) as (consumer, place):
        return int((await consumer.end_offsets([place]))[place])


async def closed(servers: str, topic: str) -> int:
    """Where the topic ends, once no transaction is open: one counts as committed before its marker is written."""
    while (there := await end(servers, topic)) > await end(servers, topic, "read_committed"):
        await asyncio.sleep(0.02)
    return there


async def committed(servers: str, topic: str) -> list[tuple[bytes, bytes | None]]:
    """All committed records, as any other client reads them; waits for open transactions."""
    found: list[tuple[bytes, bytes | None]] = []
    there = await closed(servers, topic)
    async with reader(servers, topic, "read_committed") as (consumer, place):
        while await consumer.position(place) < there:
            for records in (await consumer.getmany(place, timeout_ms=1000)).values():
                found += [(record.key, record.value) for record in records]
    return found
