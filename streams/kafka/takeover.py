"""How a worker takes a partition over: its rows come back from the checkpoints in the changelog."""

from collections.abc import Callable, Iterable
from typing import Final

import faust
import structlog
from faust.types import TP

from schemas.registry import Registry
from streams.clock import Clock
from streams.engine.checkpoint import Stored
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.kafka.app import consumer_of
from streams.kafka.ends import Ends
from streams.kafka.fences import Fence
from streams.kafka.history import check_head
from streams.kafka.identity import Identity
from streams.kafka.learning import Learning
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.metrics import Metrics
from streams.policies import preset
from streams.settings import CLOCK, Settings

AHEAD_MS: Final = 5_000

EditionOf = Callable[[int], Edition]
"""Under which rules a partition reads the log."""

# Not by this module's name: whoever reads the log looks for what the worker did.
log = structlog.get_logger("streams.kafka.worker")


class Takeover:
    """Begins tenures. ``topic_id``: of the topic of touchpoints."""

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        registry: Registry,
        learning: Learning,
        reporting: Reporting,
        metrics: Metrics,
        threads: Threads,
        ends: Ends,
        identity: Identity,
        topic_id: str,
        clock: Clock,
        *,
        accept_rejects: bool,
        edition_of: EditionOf,
    ) -> None:
        self._edition_of = edition_of
        self._settings = settings
        self._topics = topics_of(settings)
        self._registry = registry
        self._learning = learning
        self._reporting = reporting
        self._metrics = metrics
        self._threads = threads
        self._app = app
        self._ends = ends
        self._identity = identity
        self._topic_id = topic_id
        self._clock = clock
        self._accept_rejects = accept_rejects

    async def begin(self, number: int, stored: Iterable[Stored], read: int, fence: Fence) -> Tenure:
        """Rebuild a partition from its checkpoint. Raises ForeignLog and LostHistory."""
        begun = self._clock.monotonic()
        # Whoever was fenced may have been so by a broker that knows of nothing any more.
        await self._identity.verify()
        partition = self._empty(number)
        await self._threads.aside(partition.restore, stored)
        if 0 < partition.next_offset < self._edition_of(number).until:
            # Which identities it met before the window a checkpoint does not say, and below there all of them count.
            log.info("edition begun anew", partition=number, processed=partition.next_offset)
            partition = self._empty(number)
        if partition.lacking:
            log.warning(
                "rows lack what only the past can give",
                partition=number,
                fields=partition.lacking,
                remedy="relasi rebuild --layout, relasi worker --edition N, relasi switch N",
            )
        partition.check_log(await self._ends.of(number))
        await self._check_head(partition)
        seconds = self._clock.monotonic() - begun
        self._metrics.recovery.observe(seconds)
        log.info(
            "partition taken over",
            partition=number,
            customers=partition.customers,
            next_offset=partition.next_offset,
            seconds=round(seconds, 3),
        )
        return self._tenure(partition, read, fence)

    def _empty(self, number: int) -> Partition:
        return Partition(
            number,
            preset(),
            self._learning.known(),
            asks=True,
            ahead_limit=AHEAD_MS if self._settings.ticks == CLOCK else None,
            accept_rejects=self._accept_rejects,
            log=self._topic_id,
            epoch=self._reporting.epoch,
            hot_rows=self._settings.hot_rows,
            window=self._settings.window,
            edition=self._edition_of(number),
            partitions=self._settings.partitions,
        )

    async def _check_head(self, partition: Partition) -> None:
        tp, consumer = TP(self._topics.touchpoints, partition.number), consumer_of(self._app)
        first = (await consumer.earliest_offsets(tp))[tp] or 0
        if first > partition.next_offset:
            check_head(tp, first, partition.next_offset, await consumer.committed_offset(tp))

    def _tenure(self, partition: Partition, read: int, fence: Fence) -> Tenure:
        return Tenure(
            partition,
            self._topics,
            self._registry,
            read,
            fence,
            reports=self._reporting.wanted,
            fetch_bytes=self._settings.fetch_bytes,
            idle_seconds=self._settings.idle_seconds,
        )
