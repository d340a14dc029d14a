"""Everything that a worker or a client writes to Kafka: acks of all replicas, idempotent, every send awaited.

Faust's own producer is not used: a send through it whose future nobody awaits fails with a line in the log, and costs
an object per message. Messages go out as whole record batches that the compiled writer has made.

It runs in a loop and a thread of its own.
"""

import asyncio
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.bodies import Bodies
from streams.clock import Clock
from streams.kafka.own_loop import OwnLoop
from streams.kafka.retry import until_answered
from streams.kafka.topics import TOPIC_MESSAGE_BYTES
from streams.log.arranging import pieces
from streams.log.headers import put_producer
from streams.log.writer import NotWritten
from streams.log.writing import record_batch
from streams.settings import Settings

REQUEST_BYTES: Final = 800_000
"""Of a batch: under the largest message that a broker takes by default, with room for what frames each record."""
_IDENTITIES: Final = 5
"""That one batch is tried under, one after another."""
_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 3

log = structlog.get_logger()


class SendFailed(NotWritten):
    """Something could not be written to Kafka. Nothing that depends on it may be acknowledged."""

    too_large = False
    """Whether the broker refused a batch because of its size."""


class RawBatch(BatchBuilder):  # type: ignore[misc]
    """A record batch that is complete, in the place of one that aiokafka would build message by message."""

    def __init__(self, batch: bytes, count: int, *, transactional: bool = False) -> None:
        self._bytes = bytearray(batch)
        self._count = count
        self._transactional = transactional

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
        put_producer(self._bytes, producer_id, producer_epoch, base_sequence, transactional=self._transactional)

    def _build(self) -> bytearray:
        return self._bytes


class Producer:
    """The producer; an asynchronous context manager. Waits, with one clear line, for a broker that is not there."""

    def __init__(self, settings: Settings, client: str, clock: Clock) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._producer: AIOKafkaProducer | None = None
        self._failed: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._loop = OwnLoop(client)

    async def __aenter__(self) -> Self:
        self._loop.start()
        await self._loop.there(self._start())
        return self

    async def _start(self) -> None:
        self._producer = await until_answered(self._started, self._settings.broker, self._clock)

    async def _started(self) -> AIOKafkaProducer:
        """A producer; one try. Raises KafkaConnectionError."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.servers,
            client_id=self._client,
            acks="all",
            enable_idempotence=True,
            max_request_size=TOPIC_MESSAGE_BYTES,
            linger_ms=2,
            request_timeout_ms=_SECONDS * 1000,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _usable(self) -> AIOKafkaProducer:
        """The producer, or another one after a failure. Raises KafkaConnectionError.

        aiokafka has counted the records of a batch that failed, so the broker would refuse every later batch of that
        partition as out of order (measured). Whoever does not end with its first failed send needs a new identity.
        """
        async with self._renewing:
            if self._failed is not None and self._failed is self._producer:
                old, self._producer = self._producer, await self._started()
                # What it has under way for other partitions it still brings to an end.
                ending = asyncio.create_task(old.stop())
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
        assert self._producer is not None
        return self._producer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._loop.there(self._stop())
        self._loop.stop()

    async def _stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
        await asyncio.gather(*self._ending)

    async def send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages, in their order; when it returns, the broker has them. Raises SendFailed."""
        await self._loop.there(self._send(topic, partition, keys, bodies))

    async def _send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        for some_keys, some in pieces(keys, bodies, REQUEST_BYTES):
            # The broker writes the offsets.
            batch = RawBatch(record_batch(some_keys, some, 0, self._clock.now_ms()), len(some.offsets) - 1)
            await self._sent(topic, self._batch(batch, topic, partition))

    async def _batch(self, batch: RawBatch, topic: str, partition: int) -> None:
        """One batch, again under another identity where the broker refuses it as out of order: it has not taken it.

        A broker that was wiped hands out producer ids from the beginning. One that somebody still writes under from
        before is then given to two, and what the other has written makes the first batch of ours "out of order" (seen:
        a tick of a worker that had not noticed yet). The client of Java takes a new epoch then (KIP-360); aiokafka
        gives up.
        """
        for left in reversed(range(_IDENTITIES)):
            producer = await self._usable()
            try:
                await (await producer.send_batch(batch, topic, partition=partition))
            except OutOfOrderSequenceNumber:
                self._failed = producer
                if not left:
                    raise
            except KafkaError:
                self._failed = producer
                raise
            else:
                return

    async def _sent(self, topic: str, sending: Any) -> None:
        try:
            await sending
        except KafkaError as error:
            failure = SendFailed(f"{topic}: a message could not be written to Kafka: {error!r}")
            failure.too_large = isinstance(error, MessageSizeTooLargeError)
            raise failure from error

    async def reachable(self) -> bool:
        """Whether a broker answers within some seconds."""
        assert self._producer is not None
        return await self._loop.there(self._reachable(self._producer.client))

    @staticmethod
    async def _reachable(client: Any) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return bool(await client.force_metadata_update())
        except TimeoutError:
            return False

    async def is_empty(self, topic: str) -> bool:
        """Whether nothing was ever written to a topic. A topic that was emptied by retention is not empty.

        Waits for a broker that is not there.
        """
        return await self._loop.there(until_answered(lambda: self._empty(topic), self._settings.broker, self._clock))

    async def _empty(self, topic: str) -> bool:
        assert self._producer is not None
        numbers = await self._producer.partitions_for(topic)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.servers, client_id=self._client)
        try:
            await consumer.start()
            ends = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        finally:
            await consumer.stop()
        return not any(ends.values())
