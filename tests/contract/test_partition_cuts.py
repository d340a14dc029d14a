"""How a log is cut into batches and fetches changes nothing that a partition says."""

from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.changelogs import restored, store
from support.messages import START, Message, cut, raw_batch, record, touchpoint
from support.random_logs import random_cuts, random_log
from support.sampled import examples
from support.shell import (
    Fact,
    Log,
    Refusal,
    accepted_of,
    applied,
    facts_of,
    new_partition,
    refusals_of,
    rows_of,
)

from processors.lifecycle.facts import FACTS_PER_EVENT, new_out
from streams.engine.outcomes import OUTCOMES
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.log.batches import Fetch, read_batches

pytestmark = pytest.mark.usefixtures("hot_rows")


class Outcome(NamedTuple):
    """All that came of some fetches together."""

    facts: list[Fact]
    refusals: list[Refusal]
    accepted: list[tuple[int, bytes]]
    policies: list[tuple[int, int, str]]
    counts: dict[str, int]
    rows: dict[bytes, bytes]
    next_offset: int
    time: int


def outcome_of(partition: Partition, fetches: list[Fetch]) -> Outcome:
    facts, refusals, accepted, policies = [], [], [], []
    counts = dict.fromkeys(OUTCOMES, 0)
    for fetch in fetches:
        came = applied(partition, fetch)
        facts += facts_of(partition, came)
        refusals += refusals_of(came)
        accepted += accepted_of(came)
        policies += [(change.offset, change.known_at, change.policy.hash) for change in came.policies]
        for name, count in came.counts.items():
            counts[name] += count
    rows = rows_of(partition)
    return Outcome(facts, refusals, accepted, policies, counts, rows, partition.next_offset, partition.time)


def fetches(random: Random, log: Log) -> list[Fetch]:
    """The log from its start, in fetches of some batches each; many begin before what is known already."""
    found, wanted = [], 0
    while wanted < log.end:
        behind = random.choice([0, 0, 1, 30, 10**6])
        found.append(log.fetch(max(wanted - behind, 0), random.randrange(1, 8)))
        wanted = max(wanted, found[-1].end)
    return found


@settings(max_examples=examples(60))
@given(st.integers(0, 5), st.integers(0, 2**32))
def test_the_same_log_cut_otherwise_says_the_same(story: int, seed: int) -> None:
    told = random_log(100 + story, 150, customers=10)
    random = Random(seed)
    whole = outcome_of(new_partition(), [Log(cut(told, [])).fetch(0)])
    pieces = Log(cut(told, random_cuts(random, len(told), random.choice([2, 10, 200]))))
    assert outcome_of(new_partition(), fetches(random, pieces)) == whole
    assert whole.facts
    assert whole.refusals


def test_a_history_has_everything_in_it() -> None:
    whole = outcome_of(new_partition(), [Log(cut(random_log(100, 600, customers=12), [])).fetch(0)])
    # What editions, robots, links and other partitions come to has tests of its own.
    links = ("merged", "link_refused", "link_ignored", "forwarded", "repeated", "forgotten")
    rare = ("contained", "left_out", "robots", *links)
    assert all(whole.counts[name] > 0 for name in OUTCOMES if name not in rare), whole.counts
    assert sum(len(fact.supersedes) for fact in whole.facts) > 0
    assert {fact.cause for fact in whole.facts} == {0, 1, 2, 4}
    assert len(whole.policies) == whole.counts["policies"]


@pytest.mark.parametrize("story", range(3))
def test_what_is_only_counted_is_counted_right(story: int) -> None:
    fetch = Log(cut(random_log(story, 200, customers=10), [])).fetch(0)
    told = outcome_of(new_partition(), [fetch])
    counted = outcome_of(new_partition(collect=False), [fetch])
    assert (counted.facts, counted.accepted) == ([], [])
    assert counted.counts == told.counts
    assert counted.counts["transitions"] == len(told.facts)
    assert counted.rows == told.rows


def test_a_fetch_that_begins_beyond_is_refused_and_changes_nothing() -> None:
    told = random_log(7, 60, customers=5)
    log = Log(cut(told, [20, 40]))
    partition = new_partition()
    applied(partition, log.fetch(0, 1))
    before = outcome_of(partition, [])
    counts = partition.counts.copy()
    for wanted in (21, 40, 60, 10**9):
        assert partition.apply(log.fetch(wanted)) == Refused(20)
        assert outcome_of(partition, []) == before
        assert (partition.counts == counts).all()
    assert applied(partition, log.fetch(20)).next_offset == 60


def test_a_fetch_of_what_is_known_says_nothing() -> None:
    log = Log(cut(random_log(8, 60, customers=5), [30]))
    partition = new_partition()
    applied(partition, log.fetch(0))
    rows = rows_of(partition)
    again = applied(partition, log.fetch(0))
    assert (len(again.facts), len(again.rejects), len(again.taken), again.policies) == (0, 0, 0, [])
    assert set(again.counts.values()) == {0}
    assert again.next_offset == 60
    assert rows_of(partition) == rows


def test_an_empty_fetch_is_applied() -> None:
    partition = new_partition()
    assert applied(partition, read_batches(b"", 0)).next_offset == 0
    assert isinstance(partition.apply(read_batches(b"", 1)), Refused)


def gapped(offsets: list[int], end: int) -> bytes:
    """A batch from offset 100 on, of which only the records at these offsets are left."""
    values = [Message(touchpoint(f"e{offset}", f"c{offset}", START)) for offset in offsets]
    deltas = [offset - 100 for offset in offsets]
    records = b"".join(record(message, delta) for message, delta in zip(values, deltas, strict=True))
    return raw_batch(records, len(offsets), 100, last_delta=end - 101)


def test_offsets_that_are_missing_are_passed_over() -> None:
    partition = new_partition()
    applied(partition, read_batches(b"", 0))
    first = read_batches(gapped([103, 104, 109], 115), 0)
    came = applied(partition, first)
    assert (came.counts["accepted"], came.next_offset) == (3, 115)
    offsets: Any = partition.rows(np.arange(3)).offset
    assert offsets.tolist() == [103, 104, 109]
    assert applied(partition, first).counts["accepted"] == 0
    assert isinstance(partition.apply(read_batches(gapped([103], 115), 116)), Refused)


def hurried(partition: Partition) -> Partition:
    """One that gives out a few facts at a time."""
    partition.fact_bytes, partition.rows_at_once = 1000, 3
    partition._out = new_out(2 * FACTS_PER_EVENT)
    return partition


@pytest.mark.parametrize("story", range(4))
def test_facts_that_are_many_come_in_parts_and_are_the_same(story: int) -> None:
    """Also where a tick or a policy is done by half, and somebody else goes on from there."""
    log = Log(cut(random_log(story, 300, customers=40), []))
    whole = new_partition()
    wanted = facts_of(whole, applied(whole, log.fetch(0)))
    partition, told, parts = hurried(new_partition()), [], 0
    changelog: dict[bytes, bytes] = {}
    while partition.next_offset < log.end:
        came = applied(partition, log.fetch(partition.next_offset))
        told += facts_of(partition, came)
        in_force = [came.policy.hash, *(change.policy.hash for change in came.policies)]
        assert in_force[-1] == partition.policy.hash
        parts += 1
        store(changelog, partition.checkpoint())
        if parts % 3 == 0:
            partition = hurried(restored(changelog))
    assert parts > 5
    assert {fact.id: fact for fact in told} == {fact.id: fact for fact in wanted}
    assert len(told) == len(wanted)
    assert rows_of(partition) == rows_of(whole)
