"""A partition while this worker owns it: the engine's partition, and what came of it that has not gone out yet."""

import asyncio
from dataclasses import dataclass, replace

import pyarrow as pa

from schemas.bodies import Bodies, one_after_another
from schemas.registry import Registry
from streams.announcing import transition_messages
from streams.emission import Emission, emission, joined, rejects_of
from streams.engine.batches import Fetch
from streams.engine.checkpoint import Checkpoint
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.kafka.topics import Topics
from streams.profiles import profiles_table

PROFILES_AT_ONCE = 131_072
_FETCHES = 2
"""Of a partition at once: one in work, and one that needs no waiting for when that is done."""
_REST = 4
"""While it catches up, a partition rests from checkpoints for so many times as long as the last one took."""


@dataclass(frozen=True)
class Snapshot:
    """One consistent moment: what the reports have to hold before ``checkpoint`` may be remembered."""

    emission: Emission
    profiles: list[pa.Table]
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Messages:
    """What goes to the topics (None: nothing): keys and values of transitions, and the rows of rejects."""

    transitions: tuple[Bodies, Bodies] | None
    rejects: pa.Table | None


class Tenure:
    """Its locks belong to the worker's loop; what is done under them may be done in any thread.

    ``turns``: one is held for each fetch that has arrived, until what has to follow it at once is done.
    ``working``: held while a fetch is in work, so that they are processed in order.
    ``rows``: held while the partition's rows are read or changed.
    ``lock``: held while a snapshot goes out, so that snapshots reach the changelog in order.
    ``publishing``: held while messages go out, so that they reach their topics in order; a lock of its own, because
    transitions don't wait for a checkpoint. ``reports``: whether rows of reports are wanted.
    ``log_start``: where a log begins whose head is gone, for a partition that has read nothing of it yet.
    ``held_offset``: the offset in the changelog up to which the rows contain what it holds.
    ``remembered_offset``: the offset in the log up to which a checkpoint holds what came of it.
    ``torn``: a snapshot was taken out that did not go out; no later one may be remembered without it.
    ``begun_at``, ``remembered_at``: when the last checkpoint was begun and when it was confirmed; ``remembering_took``:
    its seconds. ``behind``: whether there was much of the log to catch up, and its end was not reached since.
    ``waiting``: bytes that are held for what has to go out still.
    """

    def __init__(
        self, partition: Partition, topics: Topics, registry: Registry, held_offset: int, *, reports: bool
    ) -> None:
        self.partition = partition
        self.turns = asyncio.Semaphore(_FETCHES)
        self.working = asyncio.Lock()
        self.rows = asyncio.Lock()
        self.lock = asyncio.Lock()
        self.publishing = asyncio.Lock()
        self.held_offset = held_offset
        self.remembered_offset = partition.next_offset
        self.torn = False
        self.log_start = 0
        self.ended = False
        self.behind = False
        self.reported_at = self.remembered_at = self.begun_at = float("-inf")
        self.remembering_took = 0.0
        self._reports = reports
        self._topics = topics
        self._registry = registry
        self._changed = False
        self._fresh: list[Applied] = []
        self._transitions: list[tuple[Bodies, Bodies]] = []
        self._rejects: list[pa.Table] = []
        self._unreported: list[Applied] = []

    @property
    def number(self) -> int:
        """The partition's number."""
        return self.partition.number

    @property
    def waiting(self) -> int:
        """See the class."""
        kept = [*self._fresh, *self._unreported]
        unsaid = sum(keys.buffer.nbytes + bodies.buffer.nbytes for keys, bodies in self._transitions.copy())
        return sum(map(_bytes, kept)) + unsaid + sum(int(table.nbytes) for table in self._rejects.copy())

    @property
    def silent(self) -> bool:
        """Whether nothing has to be said. What is in work at this moment may change that."""
        return not (self._fresh or self._transitions or self._rejects)

    def apply(self, fetch: Fetch) -> Applied | Refused:
        """Process a fetch. Raises PoisonedLog. Only while holding ``rows``."""
        if self.partition.next_offset == 0 and fetch.wanted == self.log_start:
            fetch = replace(fetch, wanted=0)
        applied = self.partition.apply(fetch)
        if isinstance(applied, Applied):
            self._changed = True
            self._fresh.append(applied)
        return applied

    def rests(self, now: float) -> bool:
        """Whether a checkpoint would come too soon for a partition that has much to catch up.

        There nearly every row has changed since the last one, so a checkpoint writes more bytes than the log brought
        meanwhile (measured), and nobody waits for what it confirms.
        """
        return now - self.remembered_at < _REST * self.remembering_took

    def _digest(self) -> None:
        """Keep of what was applied only what has to go out. Only while holding ``rows``."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        if messages := transition_messages(fresh, self.partition, self._registry):
            self._transitions.append(messages)
        rejects = rejects_of(fresh, self._topics.touchpoints)
        if rejects is not None:
            self._rejects.append(rejects)
        if self._reports:
            self._unreported += fresh

    def take_messages(self) -> Messages:
        """What has to be said in the topics; it counts as said. Only while holding ``rows`` and ``publishing``."""
        self._digest()
        transitions, self._transitions = self._transitions, []
        rejects, self._rejects = self._rejects, []
        keys, bodies = [part for part, _ in transitions], [part for _, part in transitions]
        return Messages((one_after_another(keys), one_after_another(bodies)) if transitions else None, joined(rejects))

    def snapshot(self, profiles: bool, final: bool) -> Snapshot | None:
        """Take out what the reports must hold, with the checkpoint that contains it; None where nothing came.

        Only while holding ``rows``, all the time: rows and facts must be of the same moment. Messages of that moment
        stay to be taken. ``final``: write a checkpoint also when nothing but profiles is new.
        """
        tables = self._profiles() if profiles and self._reports and (self._changed or final) else []
        if not self._changed and not tables:
            return None
        self._changed = False
        return Snapshot(self.take_rows(), tables, self.partition.checkpoint())

    def take_rows(self) -> Emission:
        """What the reports must hold; it counts as reported. Only while holding ``rows`` and ``lock``."""
        self._digest()
        applied, self._unreported = self._unreported, []
        return emission(applied, self.partition, self._registry, self._topics.touchpoints)

    def _profiles(self) -> list[pa.Table]:
        tables = []
        while len(numbers := self.partition.take_unreported(PROFILES_AT_ONCE)) > 0:
            tables.append(profiles_table(self.partition, numbers))
        return tables


def _bytes(applied: Applied) -> int:
    return int(applied.buffer.nbytes + applied.taken.nbytes + applied.facts.nbytes + applied.judged.nbytes)
