"""How a worker takes a partition over: its rows come back from the checkpoints in the changelog."""

from collections.abc import Iterable
from typing import Final

import faust
import structlog
from faust.types import TP

from schemas.registry import Registry
from streams.clock import Clock
from streams.engine.checkpoint import Stored
from streams.engine.partition import Partition
from streams.kafka.app import consumer_of
from streams.kafka.fences import Fence
from streams.kafka.learning import Learning
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.metrics import Metrics
from streams.policies import preset
from streams.settings import CLOCK, Settings

AHEAD_MS: Final = 5_000

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
        topic_id: str,
        clock: Clock,
        *,
        accept_rejects: bool,
    ) -> None:
        self._app = app
        self._settings = settings
        self._topics = topics_of(settings)
        self._registry = registry
        self._learning = learning
        self._reporting = reporting
        self._metrics = metrics
        self._threads = threads
        self._topic_id = topic_id
        self._clock = clock
        self._accept_rejects = accept_rejects

    async def begin(self, number: int, stored: Iterable[Stored], read: int, fence: Fence) -> Tenure:
        """Rebuild a partition from its checkpoint. Raises ForeignLog."""
        begun = self._clock.monotonic()
        partition = Partition(
            number,
            preset(),
            self._learning.known(),
            asks=True,
            ahead_limit=AHEAD_MS if self._settings.ticks == CLOCK else None,
            accept_rejects=self._accept_rejects,
            log=self._topic_id,
            hot_rows=self._settings.hot_rows,
            window=self._settings.window,
        )
        await self._threads.aside(partition.restore, stored)
        tp = TP(self._topics.touchpoints, number)
        ends = await consumer_of(self._app).highwaters(tp)
        partition.check_log(ends[tp])
        seconds = self._clock.monotonic() - begun
        self._metrics.recovery.observe(seconds)
        log.info(
            "partition taken over",
            partition=number,
            customers=partition.customers,
            next_offset=partition.next_offset,
            seconds=round(seconds, 3),
        )
        return Tenure(partition, self._topics, self._registry, read, fence, reports=self._reporting.wanted)
