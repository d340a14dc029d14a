"""What becomes of fetches: each partition's in their order, and none waits for another partition's."""

from contextlib import suppress
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import IllegalStateError
from faust.types import TP, EventT

from streams.engine.outcomes import REJECT_NAMES
from streams.engine.results import Applied, Refused
from streams.kafka.app import consumer_of
from streams.kafka.ends import Ends
from streams.kafka.fetch import Fetched
from streams.kafka.history import check_head
from streams.kafka.learning import Learning
from streams.kafka.release import Release
from streams.kafka.store import CheckpointStore
from streams.kafka.tasks import Tasks
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.log.batches import Fetch
from streams.metrics import Metrics
from streams.settings import Settings

# Not by this module's name: whoever reads the log looks for what the worker did.
log = structlog.get_logger("streams.kafka.worker")


class Fetching:
    """``topic``: of the touchpoints. ``store``: where the tenures are."""

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        topic: str,
        store: CheckpointStore,
        tasks: Tasks,
        threads: Threads,
        release: Release,
        learning: Learning,
        ends: Ends,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._settings = settings
        self._topic = topic
        self._store = store
        self._tasks = tasks
        self._threads = threads
        self._release = release
        self._learning = learning
        self._ends = ends
        self._metrics = metrics

    async def take(self, event: EventT[Any]) -> None:
        """Take a fetch in, unless it is of a partition that is not ours; returns at once.

        The one agent would hold up every partition otherwise. Where much of one waits, that one is not fetched.
        """
        fetched = cast(Fetched, event.value)
        tenure = self._store.tenures.get(fetched.partition)
        if tenure is None:
            self._metrics.fetches.labels("dropped").inc()
            return
        inbox = tenure.inbox
        inbox.put(event, fetched.size if fetched.fetch is None else int(fetched.fetch.buffer.nbytes))
        if inbox.full:
            inbox.held = True
            # Faust's own way, made for its buffers: what is on its way already still comes. What it hands over of a
            # partition that was paused meanwhile is lost without a word.
            consumer_of(self._app).on_buffer_full(TP(self._topic, tenure.number))
        if not inbox.working:
            inbox.working = True
            self._tasks.begin(tenure, self._go_through(tenure))

    async def _go_through(self, tenure: Tenure) -> None:
        inbox = tenure.inbox
        try:
            while (event := inbox.take()) is not None:
                self._fetch_on(tenure)
                await self._work(tenure, event)
        finally:
            inbox.working = False

    def _fetch_on(self, tenure: Tenure) -> None:
        inbox = tenure.inbox
        if inbox.held and inbox.scarce:
            inbox.held = False
            consumer_of(self._app).on_buffer_drop(TP(self._topic, tenure.number))

    def _is_current(self, tenure: Tenure, event: EventT[Any]) -> bool:
        ours = self._store.tenures.get(tenure.number) is tenure
        return ours and not self._tasks.stopping and event.message.generation_id == self._app.consumer_generation_id

    async def _work(self, tenure: Tenure, event: EventT[Any]) -> None:
        async with tenure.working:
            if not self._is_current(tenure, event):
                self._metrics.fetches.labels("dropped").inc()
                return
            fetched = cast(Fetched, event.value)
            if fetched.fetch is None:
                raise fetched.error or RuntimeError("a fetch without content")
            await self._apply(tenure, fetched.fetch)
            await self._release.relieve(tenure, self._settings.waiting_bytes)
            if tenure.behind and not tenure.ended and self._ends.lag(tenure) == 0:
                tenure.behind = False
                # Not awaited: the next fetch would wait.
                self._tasks.begin(tenure, self._release.checkpoint(tenure))

    async def _apply(self, tenure: Tenure, fetch: Fetch) -> None:
        """Apply a fetch to its end. Raises PoisonedLog, after the rejects that it tells to look at were let out.

        Where a schema id is wanted, it goes on when the registry has answered. Who is told to stop stops in between.
        """
        while True:
            tenure.partition.forget_unknown(self._learning.forgotten_before())
            applied, seconds = await self._threads.timed(tenure, tenure.apply, fetch)
            if isinstance(applied, Refused):
                self._metrics.fetches.labels("refused").inc()
                log.info("fetch refused, reading again", partition=tenure.number, offset=applied.expected)
                await self.read_from(tenure, applied.expected)
                return
            self._count(applied, seconds)
            tenure.processed = applied.next_offset
            if tenure.ended or (applied.wanted is None and applied.next_offset >= fetch.end):
                self._metrics.fetches.labels("applied").inc()
                return
            if self._tasks.stopping:
                return
            if applied.wanted is None:
                await self._release.checkpoint(tenure)
            else:
                await self._learning.learn(tenure, applied.wanted)

    def _count(self, applied: Applied, seconds: float) -> None:
        self._metrics.batch.observe(seconds)
        self._metrics.count(applied.counts)
        for reason in applied.rejects["reason"].tolist():
            self._metrics.rejects.labels(REJECT_NAMES[reason]).inc()

    async def read_from(self, tenure: Tenure, expected: int) -> None:
        """Read again from where the partition is complete. Raises LostHistory."""
        tp, consumer = TP(self._topic, tenure.number), consumer_of(self._app)
        first = (await consumer.earliest_offsets(tp))[tp] or 0
        if tenure.ended:
            return
        # What the group had committed was looked at when the partition was taken over.
        check_head(tp, first, expected, 0)
        if first > expected:
            tenure.log_start = first
        # What waits lies beyond it, and comes again. It may have been held in the tenure before this one.
        tenure.inbox.clear()
        tenure.inbox.held = False
        consumer.on_buffer_drop(tp)
        with suppress(IllegalStateError):
            # It is not assigned any more. Should it still be ours, its next fetch will be refused as well.
            await consumer.seek_wait({tp: max(first, expected)})
