"""Several partitions in memory: a log each, owners that crash and are taken over or go on as zombies, late sends."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from processors.policy.policy import Policy, read_policy
from schemas.bodies import bodies_of
from streams.engine.checkpoint import stored_in_columns
from streams.engine.edition import FIRST, Edition
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused, Sent
from streams.log.batches import read_batches
from streams.log.partitioning import partitions_of
from streams.outputs.outgoing import forward_message
from streams.outputs.triggers import triggers_table
from support.linked import LETTERS, alias, ev
from support.messages import REGISTRY, START, Message, batch, policy_text, schemas, tick
from support.shell import customer_of, records_of


def home(key: str, partitions: int) -> int:
    return int(partitions_of(bodies_of([key.encode()]), partitions)[0])


class Owner:
    """One tenure of a partition. What it has to send waits until it is sent, in order."""

    def __init__(
        self,
        number: int,
        partitions: int,
        stored: dict[bytes, bytes],
        hot_rows: int,
        policy: Policy,
        edition: Edition = FIRST,
    ) -> None:
        self.partition = Partition(number, policy, schemas(), partitions=partitions, hot_rows=hot_rows, edition=edition)
        self.partition.restore(stored_in_columns(stored.items()))
        self.waiting: list[Sent] = []
        self.fenced = False

    def step(self, log: Sequence[Message], most: int) -> Applied | None:
        """Apply the next records."""
        first = self.partition.next_offset
        some = log[first : first + most]
        if not some:
            return None
        applied = self.partition.apply(read_batches(batch(some, first), first))
        assert not isinstance(applied, Refused)
        self.waiting += applied.sends
        return applied


class Cluster:
    """All partitions, and what outlives their owners.

    ``edition_of``: under which rules a partition is read. ``fired``: what rules did, by id.
    """

    def __init__(
        self,
        partitions: int,
        random: Random,
        policy: Policy | None = None,
        edition_of: Callable[[int], Edition] = lambda _: FIRST,
    ) -> None:
        self.random = random
        self.policy = policy or read_policy(policy_text())
        self.edition_of = edition_of
        self.logs: list[list[Message]] = [[] for _ in range(partitions)]
        self.stored: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        self.owners = [self._owner(number) for number in range(partitions)]
        self.zombies: list[Owner] = []
        self.rejected = 0
        self.fired: dict[str, dict[str, Any]] = {}
        self.now = START

    def _owner(self, number: int) -> Owner:
        hot_rows = self.random.choice([4, 64])
        return Owner(number, len(self.logs), self.stored[number], hot_rows, self.policy, self.edition_of(number))

    def append(self, key: str, message: bytes) -> None:
        self.logs[home(key, len(self.logs))].append(Message(message, self.now))

    def pass_time(self, now: int) -> None:
        """A tick in each partition at an instant, ms; what is appended from then on is as old."""
        self.now = now
        for log in self.logs:
            log.append(Message(tick(now), now))

    def apply(self, owner: Owner, most: int = 1) -> bool:
        applied = owner.step(self.logs[owner.partition.number], most)
        if applied is None:
            return False
        self.rejected += applied.counts["rejected"]
        for row in triggers_table([applied], owner.partition).to_pylist():
            self.fired[row["id"]] = row
        return True

    def send(self, owner: Owner) -> None:
        if owner.waiting:
            sent = owner.waiting.pop(0)
            self.logs[sent.partition].append(Message(forward_message(sent, REGISTRY), self.now))

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
    """Rows by ``u:``, ``a:`` or ``g:`` and the id, of those of whom something is known."""
    numbers = partition.numbers()
    rows = partition.rows(numbers)
    spaces = partition.namespaces(numbers)
    return {
        f"{LETTERS[space]}:" + customer_of(partition, int(number)).decode(): rows[i]
        for i, (number, space) in enumerate(zip(numbers, spaces, strict=True))
        if rows[i].touchpoints > 0
    }


def alone(messages: Sequence[bytes], edition: Edition = FIRST) -> dict[str, Any]:
    """The same of one partition that has all of the log: the oracle."""
    partition = Partition(0, read_policy(policy_text()), schemas(), edition=edition)
    if messages:
        applied = partition.apply(read_batches(batch([Message(each) for each in messages], 0), 0))
        assert not isinstance(applied, Refused)
    return rows_of(partition)


def history(random: Random) -> list[tuple[str, bytes]]:
    """(key, message) of some people, their devices, and in half of the histories aliases of known ids."""
    known = [f"k{n}" for n in range(random.randint(2, 5))]
    devices = {f"d{n}": random.choice(known) for n in range(random.randint(2, 8))}
    told = []
    for n in range(random.randint(15, 50)):
        device = random.choice(list(devices))
        day = random.randint(0, 60) + n / 100
        kind = random.choice(["view", "buy", "passes", "loyalty_enrolled"])
        if (chance := random.random()) < 0.45:
            told.append((device, ev(f"e{n}", f"a:{device}", kind, day)))
        elif chance < 0.65:
            told.append((devices[device], ev(f"e{n}", f"u:{devices[device]}+a:{device}", kind, day)))
        else:
            user = random.choice(known)
            told.append((user, ev(f"e{n}", f"u:{user}", kind, day)))
    for n in range(random.randint(0, 3) if random.random() < 0.5 else 0):
        one, other = random.sample(known, 2)
        told.insert(random.randrange(len(told) + 1), (other, alias(one, other, n)))
    return told
