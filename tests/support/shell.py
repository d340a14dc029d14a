"""A tiny shell around a partition, in memory: a log, a changelog, a committed offset, and what was emitted."""

import functools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.recfunctions import repack_fields

from processors.policy.policy import Policy, read_policy
from processors.row.layout import ROW
from processors.row.namespaces import NAMESPACE_ANONYMOUS
from streams.engine.checkpoint import Checkpoint, stored_in_columns
from streams.engine.outcomes import REJECT_NAMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.log.batches import Fetch, read_batches
from support.messages import Message, batch, policy_text, schemas

POSITIONS: Final = ("entry_at",)  # where a row stands, not what it says
PROFILE: Final = [name for name in ROW.names or () if name not in {*POSITIONS, "offset"}]

hot_rows: list[int] = []
"""The last one, where there is one: so many hot rows have partitions that are not told another number."""


class Fact(NamedTuple):
    """All that a published transition says."""

    id: int
    customer: bytes
    at: int
    known_at: int
    offset: int
    event: bytes
    episode: int
    from_stage: int
    to_stage: int
    cause: int
    supersedes: tuple[int, ...]
    evidence: tuple[int, ...]


class Refusal(NamedTuple):
    """A reject."""

    offset: int
    reason: str
    time: int
    payload: bytes


@functools.cache
def _policy() -> Policy:
    return read_policy(policy_text())


def new_partition(**options: Any) -> Partition:
    told = {"hot_rows": hot_rows[-1]} if hot_rows else {}
    return Partition(3, _policy(), schemas(), **told | options)


def applied(partition: Partition, fetch: Fetch) -> Applied:
    """What comes of a fetch that is not refused."""
    outcome = partition.apply(fetch)
    assert not isinstance(outcome, Refused), outcome
    return outcome


def apply_all(partition: Partition, *messages: Message | bytes | None) -> Applied:
    """What comes of these messages, in a batch that stands next in the log."""
    base = partition.next_offset
    records = [message if isinstance(message, Message) else Message(message) for message in messages]
    return applied(partition, read_batches(batch(records, base), base))


def customer_of(partition: Partition, number: int) -> bytes:
    (start,), (length,) = partition.ids(np.array([number]))
    return bytes(partition.table.ids[start : start + length])


def row_of(partition: Partition, number: int) -> Any:
    """A copy of a customer's row."""
    return partition.rows(np.array([number]))[0]


def everybody(partition: Partition) -> Any:
    """A copy of all rows."""
    return partition.rows(partition.numbers())


def records_of(checkpoint: Checkpoint) -> list[tuple[bytes, bytes]]:
    """Its records, but for those that delete a key."""
    return [(key, value) for key, value in checkpoint.all_records() if value is not None]


def facts_of(partition: Partition, outcome: Applied) -> list[Fact]:
    evidence = ("purchases", "weeks", "first_purchase_at", "last_purchase_at", "last_sign_at")
    return [
        Fact(
            id=int(fact["id"]),
            customer=customer_of(partition, int(fact["row"])),
            at=int(fact["at"]),
            known_at=int(fact["known_at"]),
            offset=int(fact["offset"]),
            event=bytes(outcome.buffer[max(fact["event_start"], 0) :][: max(fact["event_length"], 0)]),
            episode=int(fact["episode"]),
            from_stage=int(fact["from_stage"]),
            to_stage=int(fact["to_stage"]),
            cause=int(fact["cause"]),
            supersedes=tuple(int(i) for i in fact["supersedes"][: fact["superseded"]]),
            evidence=tuple(int(fact[name]) for name in evidence),
        )
        for fact in np.asarray(outcome.facts)
    ]


def refusals_of(outcome: Applied) -> list[Refusal]:
    return [
        Refusal(
            int(entry["offset"]),
            REJECT_NAMES[int(entry["reason"])],
            int(entry["time"]),
            bytes(outcome.buffer[entry["start"] : entry["start"] + entry["length"]]),
        )
        for entry in np.asarray(outcome.rejects)
    ]


def accepted_of(outcome: Applied) -> list[tuple[int, bytes]]:
    """Schema id and body of each accepted touchpoint."""
    return [(int(s), bytes(outcome.buffer[start : start + length])) for start, length, s, *_ in outcome.taken]


def named(partition: Partition, number: int) -> bytes:
    """A customer's id, told from another namespace's."""
    (namespace,) = partition.namespaces(np.array([number]))
    return (b"anonymous:" if namespace == NAMESPACE_ANONYMOUS else b"") + customer_of(partition, number)


def rows_of(partition: Partition, only: Sequence[str] = (), numbers: Sequence[int] | None = None) -> dict[bytes, bytes]:
    """The bytes of each customer's row, or of these customers', but for where it stands; or those of some fields.

    By the customer's id, with ``anonymous:`` before one that is.
    """
    numbers = partition.numbers().tolist() if numbers is None else numbers
    rows = np.asarray(partition.rows(np.array(numbers, np.int64)))
    names = [named(partition, number) for number in numbers]
    assert len(set(names)) == len(names)
    fields = only or [name for name in ROW.names or () if name not in POSITIONS]
    kept = repack_fields(rows[[*fields]])
    return {name: row.tobytes() for name, row in zip(names, kept, strict=True)}


class Log:
    """Record batches, as a broker would keep them."""

    def __init__(self, batches: Sequence[bytes]) -> None:
        self.batches = list(batches)
        self.ends = [read_batches(batch, 0).end for batch in batches]
        self.end = self.ends[-1] if batches else 0

    def fetch(self, wanted: int, batches: int = 10**6) -> Fetch:
        """At most so many batches, from the one on that holds ``wanted``."""
        first = int(np.searchsorted(self.ends, wanted, "right"))
        return read_batches(b"".join(self.batches[first : first + batches]), wanted)


class Fenced(Exception):
    """Somebody else has taken the partition over."""


class Shell:
    """Everything that outlives a worker, and what all workers together have emitted.

    The store takes a checkpoint as a whole or not at all, and only from the worker that took over last.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.committed = 0
        self.epoch = 0
        self.changelog: dict[bytes, bytes] = {}
        self.history: list[tuple[bytes, bytes]] = []
        self.facts: dict[int, Fact] = {}
        self.refusals: dict[int, Refusal] = {}
        self.policies: dict[int, tuple[int, str]] = {}
        self.accepted: set[tuple[int, bytes]] = set()
        self.profiles: dict[bytes, bytes] = {}
        self.profile_offsets: dict[bytes, int] = {}

    def store(self, epoch: int, checkpoint: Checkpoint) -> None:
        """A whole checkpoint reaches the changelog. Raises Fenced."""
        if epoch != self.epoch:
            raise Fenced
        for key, value in checkpoint.all_records():
            if value is None:
                self.changelog.pop(key, None)
            else:
                self.changelog[key] = value
                self.history.append((key, value))

    def records(self, random: Random) -> list[tuple[bytes, bytes]]:
        """The changelog as a reader may meet it: cleaned, or with all that later records have replaced."""
        return random.choice([list(self.changelog.items()), self.history])

    def report(self, partition: Partition, numbers: Sequence[int]) -> None:
        """Profiles of those who have touchpoints reach the reports, which keep the newest by offset."""
        numbers = [number for number in numbers if row_of(partition, number)["touchpoints"] > 0]
        rows = rows_of(partition, PROFILE, numbers)
        for number, (name, row) in zip(numbers, rows.items(), strict=True):
            offset = int(row_of(partition, number)["offset"])
            if offset >= self.profile_offsets.get(name, -1):
                self.profiles[name], self.profile_offsets[name] = row, offset


class Worker:
    """One tenure of the partition: fences those before it, restores, then emits, remembers, acknowledges."""

    def __init__(self, shell: Shell, random: Random, *, reads: int = 1) -> None:
        self.shell = shell
        self.random = random
        self.reads = reads
        shell.epoch += 1
        self.epoch = shell.epoch
        self.partition = new_partition()
        self.partition.restore(stored_in_columns(shell.records(random)))
        self.partition.check_log(shell.log.end)
        self.wanted = shell.committed

    def steps(self, orderly: bool = False) -> Iterator[str]:
        """Do the work to the end of the log; yields after every single thing that outlives this worker."""
        while self.wanted < self.shell.log.end:
            outcome = self.partition.apply(self.shell.log.fetch(self.wanted, self.reads))
            if isinstance(outcome, Refused):
                self.wanted = outcome.expected
                continue
            self.wanted = outcome.next_offset
            yield from self._emit(outcome)
            if orderly or self.wanted >= self.shell.log.end or self.random.random() < 0.7:
                try:
                    yield from self._remember()
                except Fenced:
                    return

    def _emit(self, outcome: Applied) -> Iterator[str]:
        shell = self.shell
        for fact in facts_of(self.partition, outcome):
            assert shell.facts.setdefault(fact.id, fact) == fact
            yield "fact"
        for refusal in refusals_of(outcome):
            assert shell.refusals.setdefault(refusal.offset, refusal) == refusal
        for change in outcome.policies:
            told = (change.known_at, change.policy.hash)
            assert shell.policies.setdefault(change.offset, told) == told
        yield "rejects and policies"
        shell.accepted.update(accepted_of(outcome))
        yield "raw history"

    def _remember(self) -> Iterator[str]:
        # Taken: nobody waits for it in memory any more. Reported: the profile is in the reports.
        while len(numbers := self.partition.take_unreported(2)) > 0:
            yield "profiles taken"
            self.shell.report(self.partition, numbers.tolist())
            yield "profiles reported"
        checkpoint = self.partition.checkpoint()
        yield "checkpoint made"
        if self.random.random() < 0.1:
            # The store had no room, say. The worker lives on.
            self.partition.take_back(checkpoint)
            checkpoint = self.partition.checkpoint()
        self.shell.store(self.epoch, checkpoint)
        yield "checkpoint stored"
        if self.epoch == self.shell.epoch:
            self.shell.committed = checkpoint.offset
        yield "acknowledged"


def finish(steps: Iterator[str]) -> int:
    """Take all steps that are left; returns how many there were."""
    return sum(1 for _ in steps)


def take_checkpoints(steps: Iterator[str], number: int) -> None:
    """Take steps until so many checkpoints are complete."""
    while number > 0:
        number -= next(steps) == "acknowledged"
