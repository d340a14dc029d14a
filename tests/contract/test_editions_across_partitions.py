"""The log of several partitions read again as the next edition, in which links are left out that were wrong."""

from random import Random
from typing import Final

import pytest
from support.contacts import assert_same
from support.linked import ev, identify
from support.messages import Message
from support.partitioned import Cluster, alone, history, home

from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
from streams.engine.edition import Edition, pair

PARTITIONS: Final = 4


def read_again(before: Cluster, unlinked: tuple[str, ...], random: Random) -> Cluster:
    """The next edition over the same logs, in which what the owners under the one before had sent stands, too."""
    ends = [len(log) for log in before.logs]
    cluster = Cluster(PARTITIONS, random, edition_of=lambda number: Edition(2, until=ends[number], unlinked=unlinked))
    cluster.logs = before.logs
    cluster.finish()
    return cluster


@pytest.mark.parametrize("seed", range(12))
def test_an_edition_takes_what_its_own_owners_sent_and_leaves_out_what_was_unlinked(seed: int) -> None:
    random = Random(seed)
    told = history(random)
    first = Cluster(PARTITIONS, random)
    for key, message in told:
        first.append(key, message)
        if random.random() < 0.3:
            first.finish()
    first.finish()
    device = f"d{random.randint(0, 7)}"
    apart = tuple(pair((NAMESPACE_ANONYMOUS, device), (NAMESPACE_KNOWN, f"k{n}")) for n in range(5))
    second = read_again(first, apart, random)
    got, wanted = second.customers(), alone([message for _, message in told], Edition(2, until=999, unlinked=apart))
    assert got.keys() == wanted.keys()
    for name, row in wanted.items():
        assert_same(got[name], row)
    assert second.rejected == 0
    # The edition before passes over what was sent under this one, and stands as it stood.
    as_before = {name: row.touchpoints for name, row in first.customers().items()}
    first.finish()
    assert {name: row.touchpoints for name, row in first.customers().items()} == as_before


def test_what_comes_later_is_not_linked_either() -> None:
    first = Cluster(PARTITIONS, Random(1))
    first.append("a7", ev("e1", "a:a7", "buy", 1))
    first.append("ann", identify("ann", "a7", 2))
    first.finish()
    assert {name: row.purchases for name, row in first.customers().items()} == {"u:ann": 1}
    apart = (pair((NAMESPACE_KNOWN, "ann"), (NAMESPACE_ANONYMOUS, "a7")),)
    second = read_again(first, apart, Random(2))
    assert {name: row.purchases for name, row in second.customers().items()} == {"u:ann": 0, "a:a7": 1}
    second.append("ann", identify("ann", "a7", 3))
    second.append("max", identify("max", "a7", 4))
    second.append("a7", ev("e2", "a:a7", "buy", 5))
    second.finish()
    assert {name: row.purchases for name, row in second.customers().items()} == {"u:ann": 0, "u:max": 2}


def test_a_touchpoint_in_the_wrong_partition_counts_once_in_the_next_edition_too() -> None:
    first = Cluster(PARTITIONS, Random(1))
    wrong = (home("ann", PARTITIONS) + 1) % PARTITIONS
    first.logs[wrong].append(Message(ev("e1", "u:ann", "buy", 1)))
    first.append("ann", ev("e1", "u:ann", "buy", 1))
    first.finish()
    second = read_again(first, (), Random(2))
    for cluster in (first, second):
        assert {name: row.purchases for name, row in cluster.customers().items()} == {"u:ann": 1}
