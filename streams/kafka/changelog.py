"""The changelog of one partition, read to its end without Faust."""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.clock import Clock
from streams.kafka.held import Held
from streams.kafka.retry import until_answered
from streams.kafka.topics import topics_of
from streams.settings import Settings

_POLL_MS: Final = 1000


async def read_changelog(settings: Settings, number: int, clock: Clock) -> Held:
    """All that is committed in the changelog of a partition. Waits for a broker that is not there."""
    return await until_answered(lambda: _whole(settings, number), settings.broker, clock)


async def _whole(settings: Settings, number: int) -> Held:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Not by a seek: where it begins by itself is looked up at the same time, and may be the last word.
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=settings.fetch_bytes,
    )
    try:
        await consumer.start()
        return await _read(consumer, TopicPartition(topics_of(settings).changelog, number))
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition) -> Held:
    consumer.assign([place])
    end = int((await consumer.end_offsets([place]))[place])
    held = Held()
    while held.read + 1 < end:
        for fetched in (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, ()):
            held.take(fetched)
    return held
