"""A partition while this worker owns it: the engine's partition, and what came of it that has not gone out yet."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from schemas.bodies import Bodies
from schemas.registry import Registry
from streams.engine.checkpoint import Checkpoint
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.kafka.fences import Fence
from streams.kafka.inbox import Inbox
from streams.kafka.topics import Topics
from streams.log.batches import Fetch
from streams.outputs.catalogue import SPOKEN
from streams.outputs.outgoing import Outgoing
from streams.outputs.output import Batch, Rows

_TICKS = ("ticks", "ticks_ignored")
_REST = 4
"""While it catches up, a partition rests from checkpoints for so many times as long as the last one took."""


@dataclass(frozen=True)
class Snapshot:
    """One consistent moment: what the reports have to hold before ``checkpoint`` may be remembered.

    ``rows``: what came of fetches; ``standing``: how the customers stand.
    """

    rows: list[Batch]
    standing: list[Rows]
    checkpoint: Checkpoint


Copied = tuple[Bodies, Bodies]
"""Keys and values of rows."""


def _is_quiet(applied: Applied) -> bool:
    """Whether only ticks came, and nothing of them."""
    ticks = sum(applied.counts[name] for name in _TICKS)
    told = len(applied.facts) + len(applied.judged) + len(applied.fired)
    return sum(applied.counts.values()) == ticks and told == 0


class Tenure:
    """Its locks belong to the worker's loop; what is done under them may be done in any thread.

    ``inbox``: fetches that have arrived.
    ``working``: held while a fetch is in work, so that they are processed in order.
    ``rows``: held while the partition's rows are read or changed.
    ``lock``: held while a snapshot goes out, so that snapshots reach the changelog in order.
    ``digesting``: held while what came of fetches is made into messages.
    ``publishing``: by output, held while its messages go out, so that they reach their topic in order. Locks of their
    own, because transitions wait neither for a checkpoint nor for the judgements of a whole day.
    ``forwarding``: held while what is for other partitions goes out, so that each gets it in order.
    ``outgoing``: what came of the partition and has not gone out. ``reports``: whether rows of reports are wanted.
    ``fetch_bytes``: of fetches that may wait. ``idle_seconds``: between two headers without rows, which are written so
    that offsets are committed while only ticks come.
    ``log_start``: where a log begins whose head is gone, for a partition that has read nothing of it yet.
    ``held_offset``: the offset in the changelog up to which the rows contain what it holds. ``fence``: the only one
    who may write there.
    ``processed``: the offset in the log up to which it is processed, and counted.
    ``remembered_offset``: the offset in the log up to which a checkpoint holds what came of it.
    ``torn``: something was taken out that did not go out; no snapshot may be remembered without it, from here on.
    ``begun_at``, ``remembered_at``: when the last checkpoint was begun and when it was confirmed; ``remembering_took``:
    its seconds. ``stored_per_second``: bytes of what waited that the reports took last.
    ``behind``: whether there was much of the log to catch up, and its end was not reached since.
    """

    def __init__(
        self,
        partition: Partition,
        topics: Topics,
        registry: Registry,
        held_offset: int,
        fence: Fence,
        *,
        reports: bool,
        fetch_bytes: int = 4 << 20,
        idle_seconds: float = 60.0,
    ) -> None:
        self.partition = partition
        self.inbox = Inbox(fetch_bytes)
        self.working = asyncio.Lock()
        self.rows = asyncio.Lock()
        self.lock = asyncio.Lock()
        self.digesting = asyncio.Lock()
        self.publishing = {output.name: asyncio.Lock() for output in SPOKEN}
        self.forwarding = asyncio.Lock()
        self.outgoing = Outgoing(partition, registry, topics.touchpoints, reports=reports)
        self.held_offset = held_offset
        self.fence = fence
        self.remembered_offset = self.processed = partition.next_offset
        self.torn = False
        self.log_start = 0
        self.ended = False
        self.behind = False
        self.reported_at = self.remembered_at = self.begun_at = float("-inf")
        self.remembering_took = 0.0
        self.stored_per_second = 0.0
        self.reports = reports
        self._changed = False
        self._moved = False
        self._idle_seconds = idle_seconds
        self._bare_at = float("-inf")

    @contextmanager
    def going_out(self) -> Iterator[None]:
        """What is taken out in here goes out before the end of it; where it may not have, the tenure is torn."""
        try:
            yield
        except BaseException:
            # Also where whoever waits was cancelled: what a thread takes out for nobody is gone.
            self.torn = True
            raise

    @property
    def number(self) -> int:
        """The partition's number."""
        return self.partition.number

    def apply(self, fetch: Fetch) -> Applied | Refused:
        """Process a fetch. Raises PoisonedLog. Only while holding ``rows``."""
        if self.partition.next_offset == 0 and fetch.wanted == self.log_start:
            fetch = replace(fetch, wanted=0)
        applied = self.partition.apply(fetch)
        if isinstance(applied, Applied):
            self._moved = True
            quiet = _is_quiet(applied)
            self._changed = self._changed or not quiet or self.partition.changed > 0
            if not quiet:
                self.outgoing.add(applied)
        return applied

    def rests(self, now: float) -> bool:
        """Whether a checkpoint would come too soon for a partition that has much to catch up.

        There nearly every row has changed since the last one, so a checkpoint writes more bytes than the log brought
        meanwhile (measured), and nobody waits for what it confirms.
        """
        return now - self.remembered_at < _REST * self.remembering_took

    @property
    def unreported(self) -> bool:
        """Whether customers stand otherwise than the reports say."""
        return self.reports and self.partition.has_unreported()

    def take_standing(self, most: int) -> list[Rows]:
        """How so many customers stand at most; they count as reported. Only while holding ``rows`` and ``lock``.

        The next snapshot remembers that, so they must be stored before it is.
        """
        return list(self.outgoing.standing(most))

    def copy_rows(self, most: int) -> Copied:
        """Some rows that changed, for the next snapshot. Only while holding ``rows`` and ``lock``."""
        return self.partition.some_rows(most)

    def snapshot(self, copied: list[Copied], standing: list[Rows], now: float, final: bool) -> Snapshot | None:
        """Take out what the reports must hold, with the checkpoint that contains it; None where there is no cause.

        Only while holding ``rows``, all the time: rows and facts must be of the same moment. Messages of that moment
        stay to be taken. ``copied`` and ``standing`` were taken for it. Where only time has passed a header is all that
        it writes, and that every ``idle_seconds``, or where it is ``final``.
        """
        bare = not self._changed and not standing and not copied
        if bare and not (self._moved and (final or now - self._bare_at >= self._idle_seconds)):
            return None
        # The first one behind a change comes at once, so that all of it is committed.
        self._bare_at = now if bare else float("-inf")
        self._changed = self._moved = False
        return Snapshot(self.take_rows(), standing, self.partition.checkpoint().behind(copied))

    def take_rows(self) -> list[Batch]:
        """What the reports must hold; it counts as reported. Only while holding ``rows`` and ``lock``."""
        rows = self.outgoing.rows()
        self.outgoing.forget_rows()
        return rows
