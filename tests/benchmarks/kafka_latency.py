"""How long it takes from the moment a touchpoint is sent until its transition is read from the topic of transitions."""

import asyncio
import io
import time
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
from aiokafka import AIOKafkaConsumer, TopicPartition
from support.kafka_workers import Installation

from benchmarks.kafka_load import Rows, fill
from benchmarks.kafka_systems import catch_up, settings_of
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, customer_ids, table
from schemas.bodies import Bodies
from schemas.encode import encode_bodies
from schemas.registry import FileRegistry
from schemas.wire import HEADER_SIZE
from streams.clock import Clock
from streams.kafka.producer import Producer
from streams.kafka.topics import topics_of
from streams.log.arranging import only
from streams.log.messages import text_bodies
from streams.log.partitioning import partitions_of
from streams.outputs.transitions import TOPIC
from streams.settings import Settings

KNOWN: Final = 200_000
NEW_SHARE: Final = 0.05
SECONDS: Final = 20
SLICE_SECONDS: Final = 0.02
WARM_SECONDS: Final = 4
_SEED: Final = 7


class Load:
    """Touchpoints cut into slices, encoded beforehand so that sending costs little."""

    def __init__(self, rows: pa.Table, count: int, partitions: int) -> None:
        registry = FileRegistry()
        schema_id = registry.id_of("Touchpoint")
        self.sent_at = np.zeros(count)
        self._slices: list[list[tuple[int, Bodies, Bodies]]] = []
        self.per_slice: int = rows.num_rows // count
        batch = pa.Table.from_batches(Rows(rows).batches()).combine_chunks().to_batches()[0]
        keys = text_bodies(batch.column("customer_id"))
        bodies = encode_bodies(batch, registry.schema(schema_id), schema_id)
        targets = partitions_of(keys, partitions)
        for number in range(count):
            own = np.arange(number * self.per_slice, (number + 1) * self.per_slice)
            shares = [(p, own[targets[own] == p]) for p in range(partitions)]
            self._slices.append([(p, only(keys, some), only(bodies, some)) for p, some in shares if len(some)])

    async def send(self, producer: Producer, topic: str, number: int) -> None:
        """Send one slice, and note when."""
        self.sent_at[number] = time.time()
        await asyncio.gather(*(producer.send(topic, p, keys, bodies) for p, keys, bodies in self._slices[number]))

    def slice_of(self, event_id: str) -> int:
        """The slice that an event was in."""
        return min(int(event_id.rpartition("-")[2]) // self.per_slice, len(self.sent_at) - 1)


def touchpoints(rate: float) -> pa.Table:
    """Of customers who are known already, and of some new ones."""
    count = int(rate * SECONDS)
    random = np.random.default_rng(_SEED)
    rows = table(count, KNOWN, _SEED, START + YEAR_MS)
    new = random.random(count) < NEW_SHARE
    numbers = np.where(new, KNOWN + np.arange(count), random.integers(0, KNOWN, count))
    return rows.set_column(rows.column_names.index("customer_id"), "customer_id", customer_ids(numbers))


def latency(made: Installation, rate: float) -> list[Figure]:
    """Percentiles at ``rate`` events a second; the customers exist before it begins."""
    settings = settings_of(made)
    fill(settings, table(KNOWN, KNOWN, 1))
    worker = made.start()
    catch_up(settings, worker)
    load = Load(touchpoints(rate), int(SECONDS / SLICE_SECONDS), settings.partitions)
    arrived, sent = asyncio.run(arrivals(settings, load, topics_of(settings).of(TOPIC)))
    seconds = np.array(_waits(load, arrived))
    if worker.stop(30) != 0:
        raise RuntimeError(f"the worker failed:\n{worker.text()}")
    p50, p99 = (float(np.percentile(seconds, share)) * 1000 for share in (50, 99))
    return [
        Figure("sent", sent, "events/s"),
        Figure("transitions measured", len(seconds), ""),
        Figure("from append to transition, median", p50, "ms"),
        Figure("from append to transition, p99", p99, "ms", at_most=250),
    ]


async def arrivals(settings: Settings, load: Load, topic: str) -> tuple[list[tuple[float, bytes]], float]:
    """Send the load; (what came to a topic meanwhile, each with when it came; events sent per second)."""
    arrived: list[tuple[float, bytes]] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.servers, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)
    reading = asyncio.create_task(_read(consumer, arrived))
    async with Producer(settings, "latency", Clock()) as producer:
        sent = await _send(producer, topics_of(settings).touchpoints, load)
        # What the last of them caused is still on its way.
        await asyncio.sleep(WARM_SECONDS)
    reading.cancel()
    await consumer.stop()
    return arrived, sent


async def _send(producer: Producer, topic: str, load: Load) -> float:
    """Send a slice whenever one is due, whether or not the one before has arrived; events per second."""
    begun = time.monotonic()
    sending = []
    for number in range(len(load.sent_at)):
        await asyncio.sleep(max(0.0, begun + number * SLICE_SECONDS - time.monotonic()))
        sending.append(asyncio.create_task(load.send(producer, topic, number)))
    await asyncio.gather(*sending)
    return len(load.sent_at) * load.per_slice / (time.monotonic() - begun)


async def _read(consumer: AIOKafkaConsumer, arrived: list[tuple[float, bytes]]) -> None:
    while True:
        messages = await consumer.getmany(timeout_ms=100)
        now = time.time()
        arrived += [(now, message.value) for some in messages.values() for message in some]


def _waits(load: Load, arrived: list[tuple[float, bytes]]) -> list[float]:
    """Seconds of each transition that the load caused once it was warm. Decoded afterwards: it takes a processor."""
    schema: Any = fastavro.parse_schema(FileRegistry().schema(FileRegistry().id_of("Transition")))
    warm = int(WARM_SECONDS / SLICE_SECONDS)
    found = []
    for at, value in arrived:
        fact: Any = fastavro.schemaless_reader(io.BytesIO(value[HEADER_SIZE:]), schema, None)
        if fact["cause"] == "touchpoint" and fact["evidence_event_id"].startswith(f"e{_SEED}-"):
            number = load.slice_of(fact["evidence_event_id"])
            if number >= warm:
                found.append(at - load.sent_at[number])
    return found
