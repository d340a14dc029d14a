"""Everything that a worker or a client writes to Kafka: acks of all replicas, idempotent, every send awaited.

Faust's own producer is not used: a send through it whose future nobody awaits fails with a line in the log, and costs
an object per message. Messages go out as whole record batches that the compiled writer has made.

It runs in a thread of its own. In that of the partitions each answer of the broker would wait until a batch is applied,
and a checkpoint of some megabytes, which is dozens of requests, took seconds (measured).
"""

import asyncio
import struct
import threading
from collections.abc import Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import google_crc32c
import numpy as np
import structlog
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.bodies import Bodies
from streams.clock import now_ms
from streams.engine.batches import write_batch
from streams.kafka.retry import Backoff
from streams.kafka.topics import LARGEST_MESSAGE
from streams.settings import Settings

MOST_BYTES: Final = 800_000
"""Of a batch: under the largest message that a broker takes by default, with room for what frames each record."""
_RECORD_OVERHEAD: Final = 24
_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 3
_CHECKED_FROM: Final = 21
_CRC_AT: Final = 17
_PRODUCER_AT: Final = 43
_PRODUCER: Final = struct.Struct(">qhi")

T = TypeVar("T")

log = structlog.get_logger()


class SendFailed(RuntimeError):
    """Something could not be written to Kafka for good. Nothing that depends on it may be acknowledged."""


class RawBatch(BatchBuilder):  # type: ignore[misc]
    """A record batch that is complete, in the place of one that aiokafka would build message by message."""

    def __init__(self, batch: bytes, count: int) -> None:
        self._bytes = bytearray(batch)
        self._count = count

    def append(self, **_: Any) -> None:
        """Takes no more: a batch is whole."""

    def close(self) -> None:
        """It always is."""

    def closed(self) -> bool:
        """It is."""
        return True

    def size(self) -> int:
        """Bytes."""
        return len(self._bytes)

    def record_count(self) -> int:
        """Messages."""
        return self._count

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        _PRODUCER.pack_into(self._bytes, _PRODUCER_AT, producer_id, producer_epoch, base_sequence)
        crc = google_crc32c.value(bytes(self._bytes[_CHECKED_FROM:]))
        struct.pack_into(">I", self._bytes, _CRC_AT, crc)

    def _build(self) -> bytearray:
        return self._bytes


def pieces(keys: Bodies | None, bodies: Bodies, most: int = MOST_BYTES) -> Iterator[tuple[Bodies | None, Bodies]]:
    """Cut messages into runs of at most ``most`` bytes, one message at least."""
    count = len(bodies.offsets) - 1
    sizes = bodies.offsets + np.arange(count + 1) * _RECORD_OVERHEAD
    if keys is not None:
        sizes = sizes + keys.offsets
    first = 0
    while first < count:
        last = max(first + 1, int(np.searchsorted(sizes, sizes[first] + most, "right")) - 1)
        part = slice(first, last + 1)
        some_keys = None if keys is None else Bodies(keys.buffer, keys.offsets[part])
        yield some_keys, Bodies(bodies.buffer, bodies.offsets[part])
        first = last


class Outbox:
    """The producer; an asynchronous context manager. Waits, with one clear line, for a broker that is not there."""

    def __init__(self, settings: Settings, client: str) -> None:
        self._settings = settings
        self._client = client
        self._producer: AIOKafkaProducer | None = None
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=client, daemon=True)

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the producer's thread."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def __aenter__(self) -> Self:
        self._thread.start()
        await self._there(self._start())
        return self

    async def _start(self) -> None:
        backoff = Backoff()
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._settings.servers,
                client_id=self._client,
                acks="all",
                enable_idempotence=True,
                max_request_size=LARGEST_MESSAGE,
                linger_ms=2,
                request_timeout_ms=_SECONDS * 1000,
            )
            try:
                await producer.start()
            except KafkaConnectionError as error:
                await producer.stop()
                log.warning("broker unreachable", setting="RELASI_BROKER", broker=self._settings.broker, why=str(error))
                await backoff.wait()
                continue
            self._producer = producer
            return

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._producer is not None:
            await self._there(self._producer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages, in their order; when it returns, the broker has them. Raises SendFailed."""
        await self._there(self._send(topic, partition, keys, bodies))

    async def _send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        for some_keys, some in pieces(keys, bodies):
            count = len(some.offsets) - 1
            batch = write_batch(some_keys, some, np.full(count, now_ms(), np.int64), 0)
            await self._sent(topic, self._batch(RawBatch(batch, count), topic, partition))

    async def _batch(self, batch: RawBatch, topic: str, partition: int) -> None:
        assert self._producer is not None
        await (await self._producer.send_batch(batch, topic, partition=partition))

    async def _sent(self, topic: str, sending: Any) -> None:
        try:
            await sending
        except KafkaError as error:
            raise SendFailed(f"{topic}: a message could not be written to Kafka: {error!r}") from error

    async def send_records(self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> int:
        """Append keyed records; a value of None deletes its key. Returns the greatest offset. Raises SendFailed."""
        return await self._there(self._send_records(topic, partition, records))

    async def _send_records(self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> int:
        producer = self._producer
        assert producer is not None
        try:
            futures = [await producer.send(topic, value, key, partition) for key, value in records]
            written = await asyncio.gather(*futures)
        except KafkaError as error:
            raise SendFailed(f"{topic}: a record could not be written to Kafka: {error!r}") from error
        return max((int(each.offset) for each in written), default=-1)

    async def reachable(self) -> bool:
        """Whether a broker answers within some seconds."""
        assert self._producer is not None
        return await self._there(self._reachable(self._producer.client))

    @staticmethod
    async def _reachable(client: Any) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return bool(await client.force_metadata_update())
        except TimeoutError:
            return False

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        assert self._producer is not None
        return len(await self._there(self._producer.partitions_for(topic)))

    async def is_empty(self, topic: str) -> bool:
        """Whether nothing was ever written to a topic. A topic that was emptied by retention is not empty."""
        numbers = range(await self.partitions(topic))
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.servers, client_id=self._client)
        await consumer.start()
        try:
            ends = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        finally:
            await consumer.stop()
        return not any(ends.values())
