"""Ids whose homes are different partitions become one customer, whatever crashes, comes twice or is on its way."""

from random import Random

import pytest
from support.contacts import assert_same
from support.linked import alias, ev, identify
from support.messages import Message
from support.partitioned import Cluster, alone, history, home

PARTITIONS = 4


def lived_through(seed: int, partitions: int = PARTITIONS) -> tuple[Cluster, list[bytes]]:
    random = Random(seed)
    told = history(random)
    cluster, at = Cluster(partitions, random), 0
    while at < len(told) or random.random() < 0.9:
        chance, owner = random.random(), random.choice(cluster.owners)
        if chance < 0.25 and at < len(told):
            cluster.append(*told[at])
            at += 1
        elif chance < 0.6:
            cluster.apply(owner, random.choice([1, 1, 3]))
        elif chance < 0.8:
            cluster.send(random.choice([*cluster.owners, *cluster.zombies]))
        elif chance < 0.88:
            cluster.remember(owner)
        elif chance < 0.91:
            cluster.crash(random.randrange(partitions))
        elif cluster.zombies:
            cluster.apply(random.choice(cluster.zombies))
    cluster.finish()
    return cluster, [message for _, message in told]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_profiles_are_those_of_one_partition_that_has_all(seed: int) -> None:
    cluster, messages = lived_through(seed)
    got, wanted = cluster.customers(), alone(messages)
    assert got.keys() == wanted.keys()
    for name, row in wanted.items():
        assert_same(got[name], row)
    assert cluster.rejected == 0


def test_a_touchpoint_that_came_to_another_partition_counts_where_it_belongs() -> None:
    cluster = Cluster(PARTITIONS, Random(1))
    message = ev("e1", "u:ann", "buy", 1)
    wrong = (home("ann", PARTITIONS) + 1) % PARTITIONS
    cluster.logs[wrong] += [Message(message), Message(ev("e2", "u:ann+a:x", "buy", 2))]
    cluster.append("ann", message)
    cluster.append("x", ev("e3", "a:x", "buy", 3))
    cluster.finish()
    got = cluster.customers()
    assert list(got) == ["u:ann"]
    assert got["u:ann"].purchases == 3


def test_a_shared_device_is_refused_where_the_device_lives() -> None:
    cluster = Cluster(PARTITIONS, Random(1))
    for user in ("1", "2", "3"):
        cluster.append(user, identify(user, "kiosk", float(user)))
        cluster.finish()
    cluster.append("kiosk", ev("e1", "a:kiosk", "buy", 9))
    cluster.finish()
    got = cluster.customers()
    assert got.keys() == {"u:1", "u:2", "u:3"}
    assert [got[f"u:{user}"].purchases for user in "123"] == [1, 0, 0]


def test_an_alias_that_does_not_say_whether_it_is_of_a_visitor_is_told_by_the_owner_of_that_id() -> None:
    for device in (f"device{n}" for n in range(8)):
        cluster = Cluster(PARTITIONS, Random(1))
        cluster.append(device, ev("e1", f"a:{device}", "buy", 1))
        cluster.finish()
        cluster.append("ann", alias(device, "ann", 2))
        cluster.append("ann", ev("e2", "u:ann", "buy", 3))
        cluster.finish()
        got = cluster.customers()
        assert {name: row.purchases for name, row in got.items()} == {"u:ann": 2}


def test_accounts_and_people_of_one_text_stay_apart_across_partitions() -> None:
    for device in (f"device{n}" for n in range(8)):
        cluster = Cluster(PARTITIONS, Random(1))
        cluster.append(device, ev("e1", f"a:{device}", "buy", 1))
        cluster.finish()
        cluster.append("acme", ev("e2", f"g:acme+a:{device}", "buy", 2))
        cluster.append("acme", ev("e2", "u:acme", "buy", 2))
        cluster.finish()
        cluster.append(device, ev("e3", f"a:{device}", "buy", 3))
        wrong = (home("acme", PARTITIONS) + 1) % PARTITIONS
        cluster.logs[wrong] += [Message(ev("e4", "g:acme", "buy", 4))]
        cluster.finish()
        got = cluster.customers()
        assert {name: row.purchases for name, row in got.items()} == {"g:acme": 4, "u:acme": 1}
