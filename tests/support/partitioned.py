"""Several partitions in memory: a log each, owners that crash and are taken over or go on as zombies, late sends."""

from collections.abc import Sequence
from random import Random
from typing import Any

from processors.policy.policy import read_policy
from processors.row.namespaces import NAMESPACE_ANONYMOUS
from schemas.bodies import bodies_of
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused, Sent
from streams.log.batches import read_batches
from streams.log.partitioning import partitions_of
from streams.outputs.outgoing import forward_message
from support.messages import REGISTRY, Message, batch, policy_text, schemas
from support.shell import customer_of, records_of


def home(key: str, partitions: int) -> int:
    return int(partitions_of(bodies_of([key.encode()]), partitions)[0])


class Owner:
    """One tenure of a partition. What it has to send waits until it is sent, in order."""

    def __init__(self, number: int, partitions: int, stored: dict[bytes, bytes], hot_rows: int) -> None:
        policy = read_policy(policy_text())
        self.partition = Partition(number, policy, schemas(), partitions=partitions, hot_rows=hot_rows)
        self.partition.restore(stored_in_columns(stored.items()))
        self.waiting: list[Sent] = []
        self.fenced = False

    def step(self, log: Sequence[bytes], most: int) -> Applied | None:
        """Apply the next records."""
        first = self.partition.next_offset
        some = [Message(each) for each in log[first : first + most]]
        if not some:
            return None
        applied = self.partition.apply(read_batches(batch(some, first), first))
        assert not isinstance(applied, Refused)
        self.waiting += applied.sends
        return applied


class Cluster:
    """All partitions, and what outlives their owners."""

    def __init__(self, partitions: int, random: Random) -> None:
        self.random = random
        self.logs: list[list[bytes]] = [[] for _ in range(partitions)]
        self.stored: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        self.owners = [self._owner(number) for number in range(partitions)]
        self.zombies: list[Owner] = []
        self.rejected = 0

    def _owner(self, number: int) -> Owner:
        return Owner(number, len(self.logs), self.stored[number], self.random.choice([4, 64]))

    def append(self, key: str, message: bytes) -> None:
        self.logs[home(key, len(self.logs))].append(message)

    def apply(self, owner: Owner, most: int = 1) -> bool:
        applied = owner.step(self.logs[owner.partition.number], most)
        if applied is None:
            return False
        self.rejected += applied.counts["rejected"]
        return True

    def send(self, owner: Owner) -> None:
        if owner.waiting:
            sent = owner.waiting.pop(0)
            self.logs[sent.partition].append(forward_message(sent, REGISTRY))

    def remember(self, owner: Owner) -> None:
        """A checkpoint: only by who is not fenced, and after all that it sent was acknowledged."""
        if not owner.waiting and not owner.fenced:
            self.stored[owner.partition.number] |= dict(records_of(owner.partition.checkpoint()))

    def crash(self, number: int) -> None:
        """Somebody else takes the partition over; the former owner may go on for a while, and can't remember."""
        former = self.owners[number]
        former.fenced = True
        if self.random.random() < 0.6:
            self.zombies.append(former)
        self.owners[number] = self._owner(number)

    def finish(self) -> None:
        """Everybody does what is left, zombies too."""
        for zombie in self.zombies:
            while zombie.waiting:
                self.send(zombie)
        busy = True
        while busy:
            busy = False
            for owner in self.owners:
                while self.apply(owner, 8):
                    busy = True
                while owner.waiting:
                    self.send(owner)
                    busy = True

    def customers(self) -> dict[str, Any]:
        """The row of each customer of whom something is known."""
        found: dict[str, Any] = {}
        for owner in self.owners:
            for name, row in rows_of(owner.partition).items():
                assert name not in found, f"{name} is a customer of two partitions"
                found[name] = row
        return found


def rows_of(partition: Partition) -> dict[str, Any]:
    """Rows by ``u:`` or ``a:`` and the id, of those of whom something is known."""
    numbers = partition.numbers()
    rows = partition.rows(numbers)
    spaces = partition.namespaces(numbers)
    return {
        ("a:" if space == NAMESPACE_ANONYMOUS else "u:") + customer_of(partition, int(number)).decode(): rows[i]
        for i, (number, space) in enumerate(zip(numbers, spaces, strict=True))
        if rows[i].touchpoints > 0
    }


def alone(messages: Sequence[bytes]) -> dict[str, Any]:
    """The same of one partition that has all of the log: the oracle."""
    partition = Partition(0, read_policy(policy_text()), schemas())
    if messages:
        applied = partition.apply(read_batches(batch([Message(each) for each in messages], 0), 0))
        assert not isinstance(applied, Refused)
    return rows_of(partition)
