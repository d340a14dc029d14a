"""A worker dies after any step of emit, remember, acknowledge: what follows is as if nothing had happened."""

import functools
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import numba
import pytest
from support.messages import cut
from support.random_logs import random_cuts, random_log
from support.sampled import some
from support.shell import (
    PROFILE,
    Log,
    Shell,
    Worker,
    accepted_of,
    applied,
    facts_of,
    finish,
    new_partition,
    refusals_of,
    rows_of,
    take_checkpoints,
)

pytestmark = pytest.mark.usefixtures("hot_rows")

CONTENT = [*PROFILE, "offset"]
# Plain Python is a hundred times slower than compiled code.
SCENARIOS = some(range(4 if numba.config.DISABLE_JIT else 120), 9)  # type: ignore[attr-defined]


class Truth(NamedTuple):
    """What an uninterrupted run makes of a log."""

    log: Log
    facts: object
    refusals: object
    policies: object
    accepted: object
    rows: dict[bytes, bytes]
    profiles: dict[bytes, bytes]


@functools.cache
def truth(seed: int, messages: int, batches: int, customers: int = 12) -> Truth:
    told = random_log(seed, messages, customers)
    log = Log(cut(told, random_cuts(Random(seed), messages, batches)))
    partition = new_partition()
    outcome = applied(partition, log.fetch(0))
    facts = facts_of(partition, outcome)
    refusals = refusals_of(outcome)
    assert len(facts) > 20
    assert {fact.cause for fact in facts} >= {0, 1, 2}
    assert len(refusals) > 3
    assert len({fact.id for fact in facts}) == len(facts)
    # Whom only a link has named has a row, and nothing to report.
    numbers = partition.numbers()
    heard_of = numbers[partition.rows(numbers).touchpoints > 0].tolist()
    return Truth(
        log,
        {fact.id: fact for fact in facts},
        {refusal.offset: refusal for refusal in refusals},
        {change.offset: (change.known_at, change.policy.hash) for change in outcome.policies},
        set(accepted_of(outcome)),
        rows_of(partition, CONTENT),
        rows_of(partition, PROFILE, heard_of),
    )


def check(shell: Shell, worker: Worker, expected: Truth) -> None:
    assert shell.facts == expected.facts
    assert shell.refusals == expected.refusals
    assert shell.policies == expected.policies
    assert shell.accepted == expected.accepted
    assert rows_of(worker.partition, CONTENT) == expected.rows
    assert shell.profiles == expected.profiles
    assert shell.committed == expected.log.end


def test_an_orderly_run_is_the_uninterrupted_one() -> None:
    expected = truth(1, 150, 12)
    shell = Shell(expected.log)
    worker = Worker(shell, Random(1))
    finish(worker.steps(orderly=True))
    check(shell, worker, expected)
    successor = Worker(shell, Random(1))
    assert successor.partition.next_offset == expected.log.end
    assert rows_of(successor.partition, CONTENT) == expected.rows


def test_a_crash_after_any_step() -> None:
    expected = truth(2, 150, 12)
    steps = finish(Worker(Shell(expected.log), Random(0)).steps(orderly=True))
    assert steps > 100
    for survived in some(range(0, steps, 40 if numba.config.DISABLE_JIT else 1), 11):  # type: ignore[attr-defined]
        shell = Shell(expected.log)
        finish(islice(Worker(shell, Random(0)).steps(orderly=True), survived))
        worker = Worker(shell, Random(survived))
        finish(worker.steps(orderly=True))
        check(shell, worker, expected)


@pytest.mark.parametrize("seed", range(4))
def test_a_zombie_that_is_ahead_of_the_worker_that_took_over(seed: int) -> None:
    expected = truth(10 + seed, 400, 130, customers=40)
    shell = Shell(expected.log)
    zombie = Worker(shell, Random(seed), reads=5)
    ahead = zombie.steps(orderly=True)
    take_checkpoints(ahead, 2)
    worker = Worker(shell, Random(seed))
    steps = worker.steps(orderly=True)
    take_checkpoints(steps, 1)
    before = dict(shell.changelog)
    # It emits what it has come to; what it would have remembered is refused.
    finish(ahead)
    assert zombie.partition.next_offset > worker.partition.next_offset
    assert shell.changelog == before
    heir = Worker(shell, Random(seed))
    finish(heir.steps())
    finish(steps)
    check(shell, heir, expected)


class Turmoil:
    """Workers come and go; one that was given up may live on as a zombie."""

    def __init__(self, expected: Truth, seed: int) -> None:
        self.random = Random(seed)
        self.shell = Shell(expected.log)
        self.zombie: Iterator[str] | None = None
        self.crashes = 0

    def hire(self) -> Worker:
        return Worker(self.shell, Random(self.random.random()), reads=self.random.choice([1, 1, 2, 5]))

    def disturb(self) -> None:
        """What happens beside the work of the worker in office."""
        if self.zombie is not None and self.random.random() < 0.5:
            finish(islice(self.zombie, self.random.randrange(8)))
            if self.random.random() < 0.01:
                self.zombie = None

    def give_up(self, steps: Iterator[str]) -> None:
        self.crashes += 1
        if self.zombie is None and self.random.random() < 0.5:
            self.zombie = steps

    def run(self) -> Worker:
        worker = self.hire()
        steps = worker.steps()
        while True:
            for _ in range(self.random.choice([5, 80, 400, 800])):
                self.disturb()
                if next(steps, None) is None:
                    return worker
            if self.crashes < 6:
                self.give_up(steps)
                worker = self.hire()
                steps = worker.steps()


@pytest.mark.parametrize("seed", SCENARIOS)
def test_workers_die_and_zombies_go_on(seed: int) -> None:
    expected = truth(10 + seed % 8, 400, 130, customers=40)
    turmoil = Turmoil(expected, seed)
    last = turmoil.run()
    check(turmoil.shell, last, expected)
    heir = Worker(turmoil.shell, Random(seed))
    finish(heir.steps())
    check(turmoil.shell, heir, expected)
