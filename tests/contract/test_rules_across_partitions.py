"""Rules over ids of several partitions: what a visitor set going belongs to the customer who signs in elsewhere."""

from random import Random
from typing import Final

import pytest
from support.linked import who
from support.messages import framed, touchpoint
from support.partitioned import Cluster, home
from support.rules import HOUR, START, policy_with

PARTITIONS: Final = 4
CART: Final = """
[triggers.cart]
on = "quiet 1 hour after product_added unless order_completed"
hold_out = 0.0
cooldown_days = 1
"""


def at(hours: float) -> int:
    return START + round(hours * HOUR)


def told(cluster: Cluster, event: str, ids: str, kind: str, hours: float) -> None:
    """A touchpoint, appended when it occurred to the partition of the id that it names."""
    known, anonymous = who(ids)
    money = {"amount_minor": 5000, "currency": "USD"} if kind == "order_completed" else {}
    cluster.now = at(hours)
    key = known or anonymous or ""
    cluster.append(key, touchpoint(event, known, at(hours), kind, anonymous_id=anonymous, **money))


def ann_and_her_device() -> tuple[Cluster, str]:
    """Somebody who agreed to be written to, and a device in another partition."""
    cluster = Cluster(PARTITIONS, Random(1), policy_with(CART))
    device = next(f"d{n}" for n in range(99) if home(f"d{n}", PARTITIONS) != home("ann", PARTITIONS))
    told(cluster, "consent", "u:ann", "newsletter_subscribed", 0)
    return cluster, device


def sent(cluster: Cluster) -> list[tuple[str, str, float]]:
    rows = sorted(cluster.fired.values(), key=lambda row: (row["known_at"], row["outcome"]))
    return [(row["customer_id"], row["outcome"], (row["at"].timestamp() * 1000 - START) / HOUR) for row in rows]


def test_a_cart_filled_before_log_in_on_another_partition_is_followed_by_one_mail() -> None:
    cluster, device = ann_and_her_device()
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    cluster.finish()
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 1.5)
    cluster.finish()
    for hours in (1.75, 2, 2.25, 3):
        cluster.pass_time(at(hours))
        cluster.finish()
    assert sent(cluster) == [("ann", "sent", 2)]


@pytest.mark.parametrize("bought_by", ["u:ann", "a:"])
def test_who_buys_after_the_log_in_gets_no_mail(bought_by: str) -> None:
    cluster, device = ann_and_her_device()
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 1.5)
    cluster.finish()
    told(cluster, "order", bought_by if bought_by == "u:ann" else f"a:{device}", "order_completed", 1.75)
    cluster.finish()
    cluster.pass_time(at(3))
    cluster.finish()
    assert sent(cluster) == []


def test_a_merge_that_is_late_sends_no_second_mail() -> None:
    """What the visitor set going was due while the log-in was on its way: it is said why nothing was sent."""
    cluster, device = ann_and_her_device()
    told(cluster, "consented", f"a:{device}", "newsletter_subscribed", 0.5)
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 1.5)
    owner = cluster.owners[home("ann", PARTITIONS)]
    cluster.apply(owner, 8)
    cluster.pass_time(at(2.5))
    for each in cluster.owners:
        cluster.apply(each, 8)
    cluster.finish()
    cluster.pass_time(at(4))
    cluster.finish()
    assert sent(cluster) == [(device, "sent", 2)]


@pytest.mark.parametrize("seed", range(10))
def test_whatever_crashes_there_is_one_mail(seed: int) -> None:
    random = Random(seed)
    cluster, device = ann_and_her_device()
    cluster.random = random
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 1.5)
    for hours in (1.75, 2, 2.25, 3):
        for _ in range(40):
            chance, owner = random.random(), random.choice(cluster.owners)
            if chance < 0.4:
                cluster.apply(owner)
            elif chance < 0.7:
                cluster.send(random.choice([*cluster.owners, *cluster.zombies]))
            elif chance < 0.8:
                cluster.remember(owner)
            elif chance < 0.85:
                cluster.crash(random.randrange(PARTITIONS))
        if hours < 2:
            cluster.finish()
        cluster.pass_time(at(hours))
    cluster.finish()
    assert [outcome for _, outcome, _ in sent(cluster)] == ["sent"]


def fired_as_a_visitor(bought: float | None = None) -> tuple[Cluster, str]:
    """The mail of a cart went out to a visitor; Ann signs in on that device afterwards."""
    cluster, device = ann_and_her_device()
    told(cluster, "consented", f"a:{device}", "newsletter_subscribed", 0.5)
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    cluster.pass_time(at(2))
    cluster.finish()
    if bought is not None:
        told(cluster, "before", "u:ann", "order_completed", bought)
        cluster.finish()
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 3)
    cluster.finish()
    return cluster, device


def withdrawn(cluster: Cluster) -> list[tuple[str, str]]:
    """(who takes back, whose was sent)."""
    return [
        (row["customer_id"], cluster.fired[row["takes_back"]]["customer_id"])
        for row in cluster.fired.values()
        if row["outcome"] == "withdrawn"
    ]


def test_what_was_sent_to_a_visitor_is_taken_back_when_the_customer_buys() -> None:
    cluster, device = fired_as_a_visitor()
    assert withdrawn(cluster) == []
    told(cluster, "order", "u:ann", "order_completed", 4)
    cluster.finish()
    assert withdrawn(cluster) == [("ann", device)]


def test_what_was_sent_to_a_visitor_who_had_bought_as_a_customer_is_taken_back_by_the_merge() -> None:
    cluster, device = fired_as_a_visitor(bought=2.5)
    assert withdrawn(cluster) == [("ann", device)]


def test_of_two_mails_to_one_customer_the_second_is_taken_back() -> None:
    cluster, device = ann_and_her_device()
    told(cluster, "consented", f"a:{device}", "newsletter_subscribed", 0.5)
    told(cluster, "cart", f"a:{device}", "product_added", 1)
    told(cluster, "other cart", "u:ann", "product_added", 1.5)
    cluster.finish()
    cluster.pass_time(at(2.75))
    cluster.finish()
    told(cluster, "in", f"u:ann+a:{device}", "signed_in", 3)
    cluster.finish()
    assert withdrawn(cluster) == [("ann", "ann")]
    # The first one stands for her.
    told(cluster, "order", "u:ann", "order_completed", 4)
    cluster.finish()
    assert withdrawn(cluster) == [("ann", "ann"), ("ann", device)]


def test_it_is_taken_back_at_the_end_of_a_chain_too() -> None:
    cluster, device = fired_as_a_visitor()
    others = [
        f"b{n}"
        for n in range(99)
        if home(f"b{n}", PARTITIONS) not in (home("ann", PARTITIONS), home(device, PARTITIONS))
    ]
    # ``ann`` comes before them in the order of ids, ``aaa`` before her.
    told(cluster, "second", f"u:ann+a:{others[0]}", "signed_in", 3.25)
    cluster.append("ann", framed("Link", {"from": "ann", "into": "aaa", "at": at(3.5)}))
    cluster.finish()
    told(cluster, "order", "u:aaa", "order_completed", 4)
    cluster.finish()
    assert withdrawn(cluster) == [("aaa", device)]
