"""A partition whose tenure was ended by another's fence, and that is ours all the same: it is taken over again.

A worker that was slow in an older generation may initialise the producer of a partition late, when the group has long
given the partition to another. Nothing is lost by it, as the late one is never to write; the right owner begins anew.
"""

import asyncio
from typing import Final

import faust
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.kafka.fences import Fences
from streams.kafka.held import Held
from streams.kafka.retry import Backoff
from streams.kafka.store import CheckpointStore
from streams.kafka.tenure import Tenure
from streams.kafka.topics import topics_of
from streams.settings import Settings

_POLL_MS: Final = 1000

log = structlog.get_logger("streams.kafka.worker")


async def read_changelog(settings: Settings, number: int) -> Held:
    """All that is committed in the changelog of a partition. Waits for a broker that is not there."""
    backoff = Backoff()
    while True:
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
        except KafkaConnectionError as error:
            log.warning("broker unreachable", setting="RELASI_BROKER", broker=settings.broker, why=str(error))
            await backoff.wait()
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


class Regaining:
    """Takes partitions over again, without troubling the group."""

    def __init__(self, app: faust.App, settings: Settings, fences: Fences) -> None:
        self._app = app
        self._settings = settings
        self._fences = fences

    async def regain(self, number: int, store: CheckpointStore) -> Tenure | None:
        """Another tenure of the partition; None where the group has given it away, or is about to."""
        generation = store.generation
        # Whoever was paused for so long that the group went on without it hears so with its next heartbeat. Until then
        # it takes itself for the owner, and would fence the right one.
        await asyncio.sleep(self._settings.session_seconds / 2)
        if not self._is_ours(store, generation):
            return None
        await self._fences.again(number).initialised()
        held = await read_changelog(self._settings, number)
        return await store.begin(number, held) if self._is_ours(store, generation) else None

    def _is_ours(self, store: CheckpointStore, generation: int) -> bool:
        same = generation == store.generation == self._app.consumer_generation_id
        return same and not self._app.rebalancing
