"""How what came of a partition goes out, and is remembered. Emit, remember, acknowledge."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from streams.clock import Clock
from streams.kafka.fencing import Fenced
from streams.kafka.producer import Producer
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Copied, Snapshot, Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.metrics import Metrics
from streams.outputs.catalogue import SPOKEN
from streams.outputs.output import Batch, Output, Rows
from streams.outputs.rejects import REJECTS
from streams.outputs.triggers import TRIGGERS
from streams.settings import Settings

MUCH: Final = 100_000
"""Records that a partition lags behind when it counts as catching up."""
COPIED: Final = 4_096
"""Rows that are copied while nobody else has them: some milliseconds."""
COPIES: Final = 64
LEAST_BYTES: Final = 1 << 20
"""May always wait: inserts should be few and large."""
_SHORTEST: Final = 0.001
PORTION: Final = 8_192
"""Profiles that are made while nobody else has the rows."""
PORTIONS: Final = 4
"""Of profiles in one checkpoint: it must not take long, and not much memory."""
PARTS: Final = 4
"""Into so many parts the time between two checkpoints of a partition is cut, to spread the partitions over them."""

Confirm = Callable[[int, int], None]
"""All before an offset of a partition is emitted and remembered: (number, offset)."""


class Release:
    """Lets out messages, reports and checkpoints, and says through ``confirm`` what may be committed."""

    def __init__(
        self,
        settings: Settings,
        producer: Producer,
        reporting: Reporting,
        metrics: Metrics,
        threads: Threads,
        confirm: Confirm,
        clock: Clock,
    ) -> None:
        self._topics = topics_of(settings)
        self._producer = producer
        self._reporting = reporting
        self._metrics = metrics
        self._threads = threads
        self._confirm = confirm
        self._clock = clock
        self._profile_seconds = settings.profile_seconds

    async def checkpoint(self, tenure: Tenure, *, final: bool = False, profiles: bool | None = None) -> None:
        """Let everything out that came of a partition so far, remember it, and have its offset committed.

        ``final``: also where only time has passed. ``profiles``: whether to report some; None: when that is due.
        Raises Fenced where it was taken over: what came of it is true and out, and remembered by whoever has it now.
        """
        async with tenure.lock:
            if tenure.torn:
                return
            begun = tenure.begun_at = self._clock.monotonic()
            due = begun - tenure.reported_at >= self._profile_seconds if profiles is None else profiles
            with tenure.going_out():
                standing = await self._standing(tenure, begun) if due and tenure.reports else []
                copied = await self._copied(tenure)
                snapshot, seconds = await self._threads.timed(tenure, tenure.snapshot, copied, standing, begun, final)
                if snapshot is None:
                    return
                taken = self._clock.monotonic()
                await self._let_out(tenure, snapshot)
            tenure.remembered_at = self._clock.monotonic()
            tenure.remembering_took = seconds + tenure.remembered_at - taken
            self._metrics.checkpoint.observe(tenure.remembering_took)

    async def _copied(self, tenure: Tenure) -> list[Copied]:
        """Rows that changed, but for the last ones. Whoever else wants the rows has them in between.

        Not while it catches up: meanwhile as much would change again.
        """
        copied: list[Copied] = []
        for _ in range(0 if tenure.behind else COPIES):
            if tenure.partition.changed <= COPIED:
                break
            copied.append(await self._threads.work(tenure, tenure.copy_rows, COPIED))
        return copied

    async def _standing(self, tenure: Tenure, now: float) -> list[Rows]:
        """How some customers stand. Whoever else wants the rows has them in between."""
        standing: list[Rows] = []
        for _ in range(PORTIONS):
            if not tenure.unreported:
                break
            standing += await self._threads.work(tenure, tenure.take_standing, PORTION)
        if not tenure.unreported:
            tenure.reported_at = now
        return standing

    async def _let_out(self, tenure: Tenure, snapshot: Snapshot) -> None:
        await self.publish(tenure)
        await self._store(tenure, [*snapshot.rows, *snapshot.standing])
        # Messages that were on their way beside this one may have failed meanwhile.
        if not tenure.torn:
            await self._remember(tenure, snapshot)

    async def _remember(self, tenure: Tenure, snapshot: Snapshot) -> None:
        written = await tenure.fence.write(snapshot.checkpoint)
        tenure.held_offset = max(tenure.held_offset, written)
        tenure.remembered_offset = snapshot.checkpoint.offset
        if not tenure.ended and snapshot.checkpoint.offset > 0:
            self._confirm(tenure.number, snapshot.checkpoint.offset)
        self._metrics.checkpoint_bytes.inc(snapshot.checkpoint.bytes)
        self._metrics.checkpoint_rows.inc(snapshot.checkpoint.rows)

    async def publish(self, tenure: Tenure) -> None:
        """Say in the topics what came of a partition so far; when it returns, the broker has all of it.

        No checkpoint is waited for: should it be said again after a crash, then under the same ids.
        """
        await self.digest(tenure)
        await self.forward(tenure)
        for output in SPOKEN:
            await self.say(tenure, output)

    async def digest(self, tenure: Tenure) -> None:
        """Make messages of what came of a partition so far."""
        async with tenure.digesting:
            if tenure.outgoing.undigested:
                with tenure.going_out():
                    await self._threads.work(tenure, tenure.outgoing.digest)

    async def say(self, tenure: Tenure, output: Output) -> None:
        """Say what an output has to say; when it returns, the broker has it.

        Where sending fails the tenure is torn: whoever takes the lock next finds nothing left to say, and must not
        remember.
        """
        async with tenure.publishing[output.name]:
            messages = tenure.outgoing.take_messages(output)
            if messages is None or output.topic is None:
                return
            everywhere = tenure.outgoing.take_everywhere(output)
            with tenure.going_out():
                topic = self._topics.of(output.topic)
                await self._producer.send(topic, tenure.number, *messages)
                others = range(tenure.partition.partitions) if everywhere is not None else ()
                for number in (each for each in others if each != tenure.number):
                    assert everywhere is not None
                    await self._producer.send(topic, number, *everywhere)

    async def forward(self, tenure: Tenure) -> None:
        """Have the owners of other partitions get what is for them; when it returns, the broker has it.

        Where sending fails the tenure is torn, as in ``say``: what follows must not go out before what did not. First
        go the triggers: who gets a customer's row may take back what was sent to the customer.
        """
        async with tenure.forwarding:
            await self.say(tenure, TRIGGERS)
            with tenure.going_out():
                for number, bodies in tenure.outgoing.take_sends().items():
                    await self._producer.send(self._topics.touchpoints, number, None, bodies)

    async def relieve(self, tenure: Tenure, most: int) -> None:
        """Let out what waits, before its checkpoint, where that is more than ``most`` bytes.

        Or than the reports took in a second: whoever is told to stop has seconds for all that waits.
        """
        most = min(most, max(LEAST_BYTES, int(tenure.stored_per_second)))
        if tenure.outgoing.waiting >= most:
            await self.publish(tenure)
        if tenure.outgoing.waiting >= most and not tenure.ended:
            async with tenure.lock:
                begun, waiting = self._clock.monotonic(), tenure.outgoing.waiting
                with tenure.going_out():
                    await self._store(tenure, await self._threads.work(tenure, tenure.take_rows))
                tenure.stored_per_second = waiting / max(self._clock.monotonic() - begun, _SHORTEST)

    async def _store(self, tenure: Tenure, rows: Sequence[Batch]) -> None:
        """Have the reports hold them; what they will never take is said in the topic of rejects."""
        rejects = await self._reporting.store(rows, tenure.outgoing.origin)
        if rejects:
            tenure.outgoing.add_rejects(rejects)
            await self.say(tenure, REJECTS)

    def due(self, tenures: Sequence[Tenure], lag: Callable[[Tenure], int], seconds: float) -> list[Tenure]:
        """Whose turn it is to be checkpointed: each every so many ``seconds``, spread evenly over them.

        All at once would keep everything else waiting. Those that catch up rest from the last one.
        """
        now = self._clock.monotonic()
        rested = []
        for each in tenures:
            if each.lock.locked() or now - each.begun_at < seconds:
                continue
            much = lag(each) >= MUCH
            each.behind = each.behind or much
            if not (much and each.rests(now)):
                rested.append(each)
        return sorted(rested, key=lambda each: each.begun_at)[: -(-len(tenures) // PARTS)]

    async def checkpoint_all(self, tenures: Iterable[Tenure]) -> None:
        """The last checkpoint of each partition that nobody else has taken over.

        Without profiles, which may be many: that they were not reported is remembered.
        """
        await asyncio.gather(*(self._last(tenure) for tenure in tenures))

    async def _last(self, tenure: Tenure) -> None:
        with suppress(Fenced):
            await self.checkpoint(tenure, final=True, profiles=False)

    async def report_all(self, tenures: Iterable[Tenure]) -> None:
        """Report all profiles, and remember that, some after some. May be cancelled."""
        await asyncio.gather(*(self._report(tenure) for tenure in tenures))

    async def _report(self, tenure: Tenure) -> None:
        with suppress(Fenced):
            while tenure.unreported and not tenure.torn and not tenure.ended:
                await self.checkpoint(tenure, profiles=True)
