"""Load on a real broker for benchmarks, and how fast a consumer group gets on with it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import pyarrow as pa
from kafka import KafkaConsumer, TopicPartition  # type: ignore[attr-defined]
from kafka.admin import KafkaAdminClient

from benchmarks.workload import canonical
from processors.policy.policy import Policy
from schemas.registry import FileRegistry
from streams.clock import Clock
from streams.kafka.committed import committed
from streams.kafka.producer import Producer
from streams.kafka.producing import Producing
from streams.kafka.topics import topics_of
from streams.policies import preset
from streams.settings import Settings

_AT_ONCE: Final = 65_536
_POLL_SECONDS: Final = 0.2


class Rows:
    """A table in place of a file that an importer has prepared."""

    name = content_key = "benchmark"
    rejects: tuple[()] = ()

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self.rows = rows.num_rows
        self.last_at = int(rows.column("occurred_at")[-1].as_py())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """As an importer hands them on."""
        for first in range(0, self.rows, _AT_ONCE):
            yield from canonical(self._rows.slice(first, _AT_ONCE)).combine_chunks().to_batches()


def fill(settings: Settings, rows: pa.Table, policy: Policy | None = None) -> None:
    """Send touchpoints, a policy first and ticks between them, as ``relasi produce`` does."""
    asyncio.run(_fill(settings, rows, policy))


async def _fill(settings: Settings, rows: pa.Table, policy: Policy | None) -> None:
    async with Producer(settings, "benchmark", Clock()) as producer:
        await send_all(producer, settings, rows, policy)


async def send_all(producer: Producer, settings: Settings, rows: pa.Table, policy: Policy | None = None) -> None:
    """A policy, and the rows with ticks between them."""
    producing = Producing(producer, topics_of(settings), FileRegistry(), settings.partitions)
    await producing.policy(policy or preset())
    await producing.file(cast(Any, Rows(rows)), lambda *_: None)


@dataclass(frozen=True)
class Sample:
    """How many records of the topic a group had committed at an instant (monotonic seconds)."""

    at: float
    committed: int


class Group:
    """A consumer group, seen from outside: the same for every system."""

    def __init__(self, admin: Any, group: str, topic: str, end: int) -> None:
        self._admin = admin
        self._group = group
        self._topic = topic
        self.end = end

    def committed(self) -> int:
        """Records committed, of all partitions."""
        reached = committed(self._admin, self._group, self._topic) or {}
        return sum(max(0, offset) for offset in reached.values())

    def follow(self, seconds: float) -> list[Sample]:
        """A sample at each commit that changes something, until the end of the topic or so many seconds have passed."""
        begun = time.monotonic()
        samples: list[Sample] = []
        while time.monotonic() - begun < seconds:
            now = Sample(time.monotonic(), self.committed())
            if now.committed and (not samples or now.committed > samples[-1].committed):
                samples.append(now)
            if now.committed >= self.end:
                break
            time.sleep(_POLL_SECONDS)
        return samples


@contextmanager
def groups(settings: Settings) -> Iterator[Any]:
    """Makes ``Group``s over the topic of touchpoints as it is now."""
    topic = topics_of(settings).touchpoints
    admin = KafkaAdminClient(bootstrap_servers=settings.servers)
    consumer = KafkaConsumer(bootstrap_servers=settings.servers)
    try:
        ends = consumer.end_offsets([TopicPartition(topic, number) for number in range(settings.partitions)])
        yield lambda group: Group(admin, group, topic, sum(ends.values()))
    finally:
        consumer.close()
        admin.close()


def slope(samples: list[Sample]) -> float:
    """Records per second between the first and the last commit that was seen."""
    if len(samples) < 2:
        raise RuntimeError(f"{len(samples)} commits were seen; too few for a rate")
    first, last = samples[0], samples[-1]
    return (last.committed - first.committed) / (last.at - first.at)
