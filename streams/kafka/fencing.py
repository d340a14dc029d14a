"""Checkpoints on Kafka: each one transaction, written by the one producer that its partition has.

The producer's transactional id is that of the group and the partition. Initialising it (InitProducerId) ends whatever
transaction a former owner left open, and from then on the broker refuses what that owner still writes. So at any
instant the changelog of a partition has one writer, and holds whole checkpoints in the order of its owners.

Source: KIP-98, "Exactly Once Delivery and Transactional Messaging", sections on zombie fencing and InitPidRequest.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
)

from schemas.bodies import Bodies
from streams.clock import Clock
from streams.kafka.producer import REQUEST_BYTES, RawBatch, SendFailed
from streams.kafka.retry import Backoff
from streams.kafka.topics import TOPIC_MESSAGE_BYTES
from streams.log.arranging import pieces
from streams.log.writing import record_batch
from streams.settings import Settings

TRANSACTION_MS: Final = 60_000
"""A transaction that takes longer is aborted by the broker: its owner was paused, or is gone."""
_REQUEST_MS: Final = 60_000
_END_SECONDS: Final = 3.0
_LOST: Final = (ProducerFenced, InvalidProducerEpoch, InvalidTxnState, InvalidProducerIdMapping)
# The first two: fenced by another. The third: aborted by the broker, after too long. The last: the id was forgotten.

log = structlog.get_logger()


class Fenced(Exception):
    """The broker takes nothing more from this producer: another was initialised, or it has to be initialised anew.

    Nothing of the checkpoint that was being written counts. Whoever still has the partition takes it over again.
    """


class Records(Protocol):
    """What a checkpoint consists of: ``records`` go first, ``header`` last; changed rows in columns between them."""

    @property
    def records(self) -> list[tuple[bytes, bytes | None]]:
        """Key and value; None deletes the key."""

    @property
    def keys(self) -> Bodies:
        """Of the rows."""

    @property
    def values(self) -> Bodies:
        """Of the rows."""

    @property
    def header(self) -> tuple[bytes, bytes]:
        """Key and value."""


def transactional_id(group: str, number: int) -> str:
    """Of a partition. Other programs of the same broker must not use it."""
    return f"{group}-checkpoints-{number}"


class FencedProducer:
    """Writes the checkpoints of one partition, from ``initialise`` to ``close``. All in the loop of the producers."""

    def __init__(
        self, settings: Settings, topic: str, number: int, clock: Clock, timeout_ms: int = TRANSACTION_MS
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._topic = topic
        self._number = number
        self._timeout_ms = timeout_ms
        self._producer: Any = None
        self._writing = asyncio.Lock()
        self._closed = False

    async def initialise(self) -> None:
        """From here on no former owner writes; what one left open is aborted. Waits for a broker that is not there.

        Raises KafkaError where it never will be: where rights are missing.
        """
        backoff = Backoff(self._clock)
        while True:
            try:
                self._producer = await self._started()
            except (KafkaConnectionError, *_LOST) as error:
                # Two who initialise at the same time: whoever is refused comes after the other.
                log.warning("can't take over yet", partition=self._number, why=repr(error))
                await backoff.wait()
            else:
                return

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.servers,
            client_id=f"relasi-checkpoints-{self._number}",
            transactional_id=transactional_id(self._settings.group, self._number),
            transaction_timeout_ms=self._timeout_ms,
            acks="all",
            max_request_size=TOPIC_MESSAGE_BYTES,
            linger_ms=0,
            request_timeout_ms=_REQUEST_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await _ended(producer)
            raise
        return producer

    async def write(self, checkpoint: Records) -> int:
        """Store all of a checkpoint or nothing; the greatest offset in the changelog that it takes, its marker's.

        Raises Fenced, also where it is closed meanwhile, and SendFailed where the broker takes it from nobody.
        """
        async with self._writing:
            return await self._write(checkpoint)

    async def _write(self, checkpoint: Records) -> int:
        sent: list[Any] = []
        with self._told():
            try:
                await self._begin()
                await self._send(checkpoint, sent)
                offsets = [int(each.offset) for each in await asyncio.gather(*sent)]
            finally:
                for each in sent:
                    each.cancel()  # nobody asks any more what became of it
        await self._finish()
        # Nobody else writes here, so the marker comes right after the header. Where an answer was lost, and the batch
        # sent again, no offset may be known: -1.
        return offsets[-1] + 1 if offsets[-1] >= 0 else -1

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says of an error of aiokafka's what it means."""
        try:
            yield
        except KafkaError as error:
            if self._closed:
                raise Fenced(f"{self._topic} partition {self._number}: it was let go") from error
            cause = next((each for each in (error, error.__cause__) if isinstance(each, _LOST)), None)
            if cause is not None:
                raise Fenced(f"{self._topic} partition {self._number}: {cause!r}") from error
            raise SendFailed(f"{self._topic}: a checkpoint could not be written to Kafka: {error!r}") from error

    async def _begin(self) -> None:
        self._look()
        await self._producer.begin_transaction()

    async def _finish(self) -> None:
        with self._told():
            self._look()
            await self._producer.commit_transaction()

    async def _send(self, checkpoint: Records, sent: list[Any]) -> None:
        """Everything on its way, in order; nothing waits for an answer but for room."""
        producer, topic, number = self._producer, self._topic, self._number
        for name, value in checkpoint.records:
            sent.append(await producer.send(topic, value, name, number))
        for keys, values in pieces(checkpoint.keys, checkpoint.values, REQUEST_BYTES):
            # The broker writes the offsets.
            batch = record_batch(keys, values, 0, self._clock.now_ms())
            raw = RawBatch(batch, len(values.offsets) - 1, transactional=True)
            sent.append(await producer.send_batch(raw, topic, partition=number))
        name, value = checkpoint.header
        sent.append(await producer.send(topic, value, name, number))

    def _look(self) -> None:
        """Raises what ended aiokafka's sender: it would say no more than that a state is not the right one."""
        task = self._producer._sender.sender_task
        if task.done():
            raise task.exception() or KafkaError("the producer was closed")

    async def close(self) -> None:
        """Let go of it; a transaction that is open stays so until it is aborted by the next owner, or by the broker."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS), self._writing:
                pass  # what is on its way may well arrive
        self._closed = True
        if self._producer is not None:
            await _ended(self._producer)


async def _ended(producer: AIOKafkaProducer) -> None:
    """Stopped, or at least without connections: it would wait for ever for what a broker that is gone still owes."""
    with suppress(TimeoutError, *_LOST):
        async with asyncio.timeout(_END_SECONDS):
            await producer.stop()
    await producer.client.close()
    waiter = producer._txn_manager._transaction_waiter
    if waiter is not None and not waiter.done():
        # Whoever waits for a commit would do so for ever.
        waiter.set_exception(KafkaError("the producer was closed"))
