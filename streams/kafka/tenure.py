"""A partition while this worker owns it: the engine's partition, and what came of it that has not gone out yet."""

import asyncio
from dataclasses import dataclass, replace

import pyarrow as pa

from schemas.registry import Registry
from streams.emission import Emission, emission
from streams.engine.batches import Fetch
from streams.engine.partition import Partition
from streams.engine.results import Applied, Checkpoint, Refused
from streams.facts import profiles_table
from streams.kafka.topics import Topics

PROFILES_AT_ONCE = 131_072


@dataclass(frozen=True)
class Snapshot:
    """One consistent moment: what has to go out before ``checkpoint`` may be remembered."""

    emission: Emission
    profiles: list[pa.Table]
    checkpoint: Checkpoint


class Tenure:
    """Not thread-safe. ``lock``: held while a snapshot goes out, so that snapshots reach the changelog in order.

    ``log_start``: where a log begins whose head is gone, for a partition that has read nothing of it yet.
    ``held_offset``: the offset in the changelog up to which the rows contain what it holds.
    """

    def __init__(self, partition: Partition, topics: Topics, registry: Registry, held_offset: int) -> None:
        self.partition = partition
        self.lock = asyncio.Lock()
        self.held_offset = held_offset
        self.log_start = 0
        self.ended = False
        self.waiting = 0
        self.reported_at = float("-inf")
        self._topics = topics
        self._registry = registry
        self._applied: list[Applied] = []

    @property
    def number(self) -> int:
        """The partition's number."""
        return self.partition.number

    def apply(self, fetch: Fetch) -> Applied | Refused:
        """Process a fetch. Raises PoisonedLog."""
        if self.partition.next_offset == 0 and fetch.wanted == self.log_start:
            fetch = replace(fetch, wanted=0)
        applied = self.partition.apply(fetch)
        if isinstance(applied, Applied):
            self._applied.append(applied)
            self.waiting += sum(applied.counts.values())
        return applied

    def snapshot(self, *, profiles: bool, final: bool = False) -> Snapshot | None:
        """Take out what has come together, with the checkpoint that contains it; None where nothing has.

        Nothing may be awaited in here: rows and facts must be of the same moment. ``final``: write a checkpoint also
        when nothing but profiles is new.
        """
        tables = self._profiles() if profiles and (self._applied or final) else []
        if not self._applied and not tables:
            return None
        applied, self._applied = self._applied, []
        self.waiting = 0
        gone_out = emission(applied, self.partition, self._registry, self._topics.touchpoints)
        return Snapshot(gone_out, tables, self.partition.checkpoint())

    def _profiles(self) -> list[pa.Table]:
        tables = []
        while len(numbers := self.partition.take_unreported(PROFILES_AT_ONCE)) > 0:
            tables.append(profiles_table(self.partition, numbers))
        return tables
