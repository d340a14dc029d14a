"""Visitors without an initiative are forgotten at one instant, however time passes, and whatever crashes."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import pytest
from support.contacts import assert_same
from support.linked import day, ev, identify
from support.messages import Message, batch, policy, policy_text, schemas, tick
from support.partitioned import Cluster, rows_of
from support.shell import apply_all

from processors.policy.policy import read_policy
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.log.batches import read_batches

FORGETTING: Final = policy_text() + "\n[identity]\nforget_visitors_days = 30\n"


def remembering(**options: Any) -> Partition:
    return Partition(0, read_policy(FORGETTING), schemas(), **options)


def known(partition: Partition) -> dict[str, int]:
    return {name: int(row.touchpoints) for name, row in rows_of(partition).items()}


def test_a_visitor_is_forgotten_and_begins_anew() -> None:
    partition = remembering()
    log = [ev("m1", "a:A", "passes", 1), ev("m2", "a:B", "view", 1), ev("m3", "u:1", "passes", 1), tick(day(30.9))]
    apply_all(partition, *log)
    assert known(partition) == {"a:A": 1, "a:B": 1, "u:1": 1}
    # Whoever took an initiative, or is known by name, stays.
    outcome = apply_all(partition, tick(day(31.1)))
    assert (known(partition), outcome.counts["forgotten"]) == ({"a:B": 1, "u:1": 1}, 1)
    assert partition.customers == 2
    apply_all(partition, ev("m4", "a:A", "passes", 32))
    assert (known(partition), partition.customers) == ({"a:A": 1, "a:B": 1, "u:1": 1}, 3)


def test_what_he_did_is_nobodys_when_he_signs_in() -> None:
    for between in ([], [tick(day(40))]):
        partition = remembering()
        apply_all(
            partition, ev("m1", "a:A", "passes", 1), *between, identify("1", "A", 41), ev("m2", "a:A", "view", 42)
        )
        assert known(partition) == {"u:1": 2}
        assert partition.customers == 1
    # In time it is the customer's.
    partition = remembering()
    apply_all(partition, ev("m1", "a:A", "passes", 1), identify("1", "A", 29), tick(day(99)))
    assert known(partition) == {"u:1": 2}


def test_an_event_that_comes_again_is_a_retry_still() -> None:
    partition = remembering()
    apply_all(partition, ev("m1", "a:A", "passes", 1), tick(day(40)))
    outcome = apply_all(partition, ev("m1", "a:A", "passes", 1), ev("m2", "a:A", "passes", 41))
    assert (outcome.counts["duplicate"], known(partition)) == (1, {"a:A": 1})


def visits(random: Random, visitors: int = 12) -> list[Message]:
    """Visits in order of time; some of those who come become customers."""
    log: list[Message] = []
    for n, at in enumerate(sorted(random.uniform(0, 300) for _ in range(160))):
        who, chance = random.randrange(visitors), random.random()
        if chance < 0.75:
            value = ev(f"e{n}", f"a:v{who}", "passes", at)
        elif chance < 0.85:
            value = ev(f"e{n}", f"a:v{who}", "view", at)
        elif chance < 0.95:
            value = identify(f"k{who}", f"v{who}", at)
        else:
            value = ev(f"e{n}", f"u:k{who}", "buy", at)
        key = f"k{who}" if chance >= 0.85 else f"v{who}"
        log.append(Message(value, day(at), key.encode()))
    return log


def with_ticks(log: Sequence[Message], random: Random, share: float) -> list[Message]:
    found: list[Message] = []
    for each in log:
        if random.random() < share:
            found.append(Message(tick(each.written_at), each.written_at))
        found.append(each)
    return [*found, Message(tick(day(301)), day(301))]


@pytest.mark.parametrize("seed", range(6))
def test_the_spacing_of_ticks_changes_nothing(seed: int) -> None:
    log = visits(Random(seed))
    found = []
    for share in (0, 0.1, 1):
        partition = remembering(hot_rows=4)
        apply_all(partition, *with_ticks(log, Random(seed), share))
        found.append(rows_of(partition))
    rows, *others = found
    assert 0 < len(rows) < 24
    for other in others:
        assert other.keys() == rows.keys()
        for name, row in rows.items():
            assert_same(other[name], row)
            # What was published of a visitor is the same, too; of an end before a merge only a tick knows.
            if name.startswith("a:"):
                assert (other[name].last_id, other[name].stage) == (row.last_id, row.stage)


@pytest.mark.parametrize("seed", range(6))
def test_a_restored_partition_remembers_nobody_who_was_forgotten(seed: int) -> None:
    random = Random(seed)
    log = with_ticks(visits(random), random, 0.3)
    whole = remembering()
    apply_all(whole, *log)
    stored: dict[bytes, bytes] = {}
    partition = remembering(hot_rows=4)
    partition.expect_reports()
    while partition.next_offset < len(log):
        at = partition.next_offset
        partition.apply(read_batches(batch(log[at : at + random.randint(1, 12)], at), at))
        # Whoever waits to be reported keeps the row.
        if random.random() < 0.5 and (numbers := partition.take_unreported(5)).size and random.random() < 0.3:
            partition.give_back(numbers)
        if random.random() < 0.3:
            for key, value in partition.checkpoint().all_records():
                stored.pop(key, None) if value is None else stored.__setitem__(key, value)
        if random.random() < 0.2:
            partition = remembering(hot_rows=random.choice([4, 64]))
            partition.expect_reports()
            partition.restore(stored_in_columns(stored.items()))
    assert rows_of(partition).keys() >= rows_of(whole).keys()
    # Once all are reported, nothing is left of the others.
    while partition.take_unreported(50).size:
        pass
    apply_all(partition, tick(day(303)), tick(day(304)))
    apply_all(whole, tick(day(303)), tick(day(304)))
    assert rows_of(partition).keys() == rows_of(whole).keys()
    for name, row in rows_of(whole).items():
        assert_same(rows_of(partition)[name], row)
    for key, value in partition.checkpoint().all_records():
        stored.pop(key, None) if value is None else stored.__setitem__(key, value)
    names = {key[1:].decode() for key in stored if key[0] == 1}
    here = rows_of(whole)
    # Forwarding addresses, and visitors who are remembered.
    assert all(f"a:{name}" in here or f"u:k{name[1:]}" in here for name in names)
    again = remembering()
    again.restore(stored_in_columns(stored.items()))
    assert again.customers == partition.customers


def test_a_new_policy_revives_nobody() -> None:
    for later in (policy_text(), policy_text() + "\n[identity]\nforget_visitors_days = 300\n"):
        partition = remembering()
        apply_all(partition, ev("m1", "a:A", "passes", 1))
        # Still to be reported: the row is there, and nobody's.
        partition.expect_reports()
        apply_all(partition, tick(day(35)), policy(later), ev("m2", "a:A", "passes", 36))
        assert known(partition) == {"a:A": 1}
    # From a policy on visitors are forgotten who came before it.
    partition = Partition(0, read_policy(policy_text()), schemas())
    apply_all(partition, ev("m1", "a:A", "passes", 1), tick(day(20)), policy(FORGETTING), tick(day(32)))
    assert known(partition) == {}


def test_a_policy_does_so_for_packed_rows_and_late_touchpoints_count_alone() -> None:
    partition = Partition(0, read_policy(policy_text()), schemas(), hot_rows=4)
    apply_all(
        partition, *(ev(f"m{n}", f"a:v{n}", "passes", n / 10) for n in range(50)), policy(FORGETTING), tick(day(40))
    )
    assert known(partition) == {}
    apply_all(partition, ev("l1", "a:v1", "passes", 2), ev("l2", "a:v1", "passes", 3))
    assert known(partition) == {"a:v1": 1}


def test_over_several_partitions_they_are_the_same() -> None:
    log = visits(Random(3))
    whole = remembering()
    apply_all(whole, *with_ticks(log, Random(4), 1))
    cluster = Cluster(4, Random(5), read_policy(FORGETTING))
    for message in log:
        cluster.pass_time(message.written_at)
        cluster.append((message.key or b"").decode(), message.value or b"")
        cluster.finish()
    got, wanted = cluster.customers(), rows_of(whole)
    assert len(wanted) < 24
    assert {name: int(row.touchpoints) for name, row in got.items()} == {
        name: int(row.touchpoints) for name, row in wanted.items()
    }
