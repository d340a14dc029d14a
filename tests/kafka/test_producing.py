"""The producer against a real broker: what it refuses as out of order is written all the same, once."""

import asyncio
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer.transaction_manager import PidAndEpoch
from support.checkpoints_on_kafka import committed, create
from support.kafka_broker import Broker

from schemas.bodies import bodies_of
from streams.clock import Clock
from streams.kafka.producer import Producer
from streams.settings import Settings


async def _next_id(broker: Broker) -> int:
    """The producer id that the broker hands out next: it counts them up."""
    async with AIOKafkaProducer(bootstrap_servers=broker.servers, enable_idempotence=True) as producer:
        return int(producer._txn_manager.producer_id) + 1


async def _before(broker: Broker, topic: str, producer_id: int, message: bytes) -> None:
    """As a producer does that got its identity, and wrote some, before the broker was wiped."""
    async with AIOKafkaProducer(bootstrap_servers=broker.servers, enable_idempotence=True) as producer:
        producer._txn_manager._pid_and_epoch = PidAndEpoch(producer_id, 0)
        producer._txn_manager._sequence_numbers[TopicPartition(topic, 0)] = 37
        await producer.send_and_wait(topic, message, key=message, partition=0)


async def _given_twice(broker: Broker) -> None:
    topic = f"t{uuid4().hex[:12]}"
    create(broker.servers, topic)
    settings = Settings(broker=broker.url, group=topic)
    # Those who write as from before take an id each, too.
    number = await _next_id(broker) + 2
    # Two that hold the same identities: the second that is tried is somebody's too.
    await _before(broker, topic, number, b"before")
    await _before(broker, topic, number + 1, b"before too")
    async with Producer(settings, "test", Clock()) as producer:
        inner = producer._producer
        assert inner is not None
        assert inner._txn_manager.producer_id == number
        sends = [producer.send(topic, 0, bodies_of([each]), bodies_of([each])) for each in (b"0", b"1", b"2")]
        await asyncio.gather(*sends)
        await producer.send(topic, 0, bodies_of([b"last"]), bodies_of([b"last"]))
        renewed = producer._producer
        assert renewed is not None
        assert renewed._txn_manager.producer_id >= number + 2
    values = [value for _, value in await committed(broker.servers, topic)]
    assert values[:2] == [b"before", b"before too"]
    assert values[-1] == b"last"
    assert sorted(value or b"" for value in values[2:-1]) == [b"0", b"1", b"2"]


def test_an_identity_that_somebody_writes_under_from_before_the_broker_was_wiped_is_changed(broker: Broker) -> None:
    asyncio.run(_given_twice(broker))
