"""One customer behind many ids: the numbered cases, each run whole, in batches of one, and killed after each record."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contacts import assert_same
from support.linked import LETTERS, alias, day, ev, identify
from support.messages import DAY, Message, batch, policy, policy_text, tick
from support.sampled import examples
from support.shell import Fact, apply_all, customer_of, facts_of, new_partition, records_of

from processors.lifecycle.stages import COMMITMENT, DISSOLUTION, EXPLORATION
from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
from streams.engine.checkpoint import stored_in_columns
from streams.engine.edition import Edition, pair
from streams.engine.links import FACTS, WHYS
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.log.batches import read_batches


class Told:
    """What a partition says of a log, and how customers stand at its end."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.facts: list[Fact] = []
        self.links: dict[int, tuple[str, str, str, str]] = {}
        self.counts: dict[str, int] = {}

    def add(self, outcome: Applied) -> None:
        self.facts += facts_of(self.partition, outcome)
        for name, count in outcome.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for link in np.asarray(outcome.links):
            left, into = (customer_of(self.partition, int(link[name])).decode() for name in ("left", "into"))
            told = (FACTS[link["what"]], left, into, WHYS[link["why"]])
            assert self.links.setdefault(int(link["id"]), told) == told

    @property
    def linked(self) -> list[tuple[str, str, str, str]]:
        return list(self.links.values())

    @property
    def customers(self) -> set[str]:
        """Those of whom something is known."""
        numbers = self.partition.numbers()
        rows = self.partition.rows(numbers)
        spaces = self.partition.namespaces(numbers)
        return {
            f"{LETTERS[space]}:" + customer_of(self.partition, int(number)).decode()
            for number, space, row in zip(numbers, spaces, rows, strict=True)
            if row.touchpoints > 0
        }

    def row(self, name: str) -> Any:
        numbers = self.partition.numbers()
        spaces = self.partition.namespaces(numbers)
        wanted = LETTERS.index(name[0])
        (number,) = (
            int(number)
            for number, space in zip(numbers, spaces, strict=True)
            if space == wanted and customer_of(self.partition, int(number)).decode() == name[2:]
        )
        return self.partition.rows(np.array([number]))[0]

    def path(self, name: str) -> list[tuple[int, int, int]]:
        """(episode, stage, instant) of the facts that stand, of a known customer."""
        own = [fact for fact in self.facts if fact.customer.decode() == name[2:]]
        gone = {each for fact in own for each in fact.supersedes}
        standing = [(fact.episode, fact.to_stage, fact.at) for fact in own if fact.id not in gone]
        return sorted(standing, key=lambda step: (step[2], step[0], step[1]))


def whole(log: Sequence[bytes]) -> Told:
    told = Told(new_partition())
    told.add(apply_all(told.partition, *log))
    return told


def one_by_one(log: Sequence[bytes]) -> Told:
    told = Told(new_partition())
    for each in log:
        told.add(apply_all(told.partition, each))
    return told


def killed(log: Sequence[bytes]) -> Told:
    """A process for each record: it restores, applies, remembers, and dies with the next one applied and not stored."""
    told, stored = Told(new_partition()), dict[bytes, bytes]()
    for offset in range(len(log)):
        heir = new_partition(hot_rows=4)
        heir.restore(stored_in_columns(stored.items()))
        told.partition = heir
        some = log[offset : offset + 2]
        outcome = heir.apply(read_batches(batch([Message(each) for each in some[:1]], offset), offset))
        assert not isinstance(outcome, Refused)
        told.add(outcome)
        stored |= dict(records_of(heir.checkpoint()))
        for each in some[1:]:
            # It dies before it remembers this one.
            heir.apply(read_batches(batch([Message(each)], offset + 1), offset + 1))
    told.partition = new_partition()
    told.partition.restore(stored_in_columns(stored.items()))
    return told


def twice(log: Sequence[bytes]) -> Told:
    """Each record is there twice, as a producer that lost an answer leaves it."""
    told = Told(new_partition())
    told.add(apply_all(told.partition, *(each for each in log for _ in range(2))))
    return told


Way = Callable[[Sequence[bytes]], Told]
ways: Final = pytest.mark.parametrize("live", [whole, one_by_one, killed, twice])


def ref(*events: tuple[str, str, float], until: float | None = None) -> Told:
    """A log of one customer ``u:1`` who sent these (id, kind, day), in order of time."""
    log = [ev(event, "u:1", kind, at) for event, kind, at in sorted(events, key=lambda each: each[2])]
    return whole([*log, *([] if until is None else [tick(day(until))])])


def assert_as(told: Told, known: Told, name: str = "u:1") -> None:
    assert_same(told.row(name), known.row("u:1"))
    assert [(e, s, at // DAY) for e, s, at in told.path(name)] == [(e, s, at // DAY) for e, s, at in known.path("u:1")]


M1: Final = ev("m1", "a:A", "view", 1)
IDENTIFIED: Final = ("identify 1 A 3", "page_viewed", 3.0)


@ways
def test_1_known_later(live: Way) -> None:
    told = live([M1, ev("m2", "a:A", "buy", 2), identify("1", "A", 3), ev("m3", "u:1+a:A", "buy", 4), tick(day(5))])
    assert_as(told, ref(("m1", "view", 1), ("m2", "buy", 2), IDENTIFIED, ("m3", "buy", 4), until=5))
    assert told.customers == {"u:1"}
    assert told.linked == [("merged", "A", "1", "")]
    assert told.row("u:1").purchases == 2
    assert told.row("u:1").spend_minor == 2000


@ways
def test_2_known_first(live: Way) -> None:
    told = live([identify("1", "A", 1), ev("m1", "u:1+a:A", "buy", 2)])
    assert_as(told, ref(("identify 1 A 1", "page_viewed", 1), ("m1", "buy", 2)))
    assert told.customers == {"u:1"}


@ways
def test_3_any_event_with_both_ids_links(live: Way) -> None:
    told = live([ev("m1", "a:A", "buy", 1), ev("m2", "u:1+a:A", "view", 2)])
    assert_as(told, ref(("m1", "buy", 1), ("m2", "view", 2)))
    assert told.customers == {"u:1"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_4_all_orders(order: tuple[int, ...]) -> None:
    log = [ev("m1", "a:A", "buy", 1), identify("1", "A", 2), ev("m2", "u:1", "buy", 3)]
    told = killed([log[i] for i in order])
    assert_as(told, ref(("m1", "buy", 1), ("identify 1 A 2", "page_viewed", 2), ("m2", "buy", 3)))
    assert told.customers == {"u:1"}


@ways
def test_5_a_late_anonymous_event_after_the_merge(live: Way) -> None:
    log = [M1, ev("m2", "a:A", "buy", 2), identify("1", "A", 3), ev("m3", "u:1+a:A", "buy", 4)]
    told = live([*log, ev("m0", "a:A", "buy", 0.5)])
    known = ref(("m0", "buy", 0.5), ("m1", "view", 1), ("m2", "buy", 2), IDENTIFIED, ("m3", "buy", 4))
    assert_as(told, known)
    assert told.row("u:1").first_at == day(0.5)


def test_6_a_forwarding_address_outlives_checkpoints_and_restarts() -> None:
    log = [M1, identify("1", "A", 3), *(ev(f"n{i}", "u:1", "view", 4 + i) for i in range(40))]
    told = killed([*log, ev("m0", "a:A", "buy", 0.5)])
    assert told.customers == {"u:1"}
    assert told.row("u:1").touchpoints == 43


@ways
def test_7_a_retry_across_the_merge(live: Way) -> None:
    buy = ev("m1", "a:A", "buy", 1)
    told = live([buy, identify("1", "A", 2), buy])
    assert told.row("u:1").purchases == 1
    assert told.counts["duplicate"] >= 1


@ways
def test_8_a_retried_batch_of_a_hundred(live: Way) -> None:
    some = [ev(f"m{i}", "a:A", "view", i / 100) for i in range(100)]
    told = live([*some, *some, identify("1", "A", 2), *some])
    assert told.row("u:1").touchpoints == 101


@ways
def test_9_a_link_that_is_told_three_times(live: Way) -> None:
    told = live([M1, identify("1", "A", 2), identify("1", "A", 3), identify("1", "A", 3), alias("A", "1", 4)])
    assert [link for link in told.linked if link[0] == "merged"] == [("merged", "A", "1", "")]
    assert told.row("u:1").touchpoints == 3


@ways
def test_10_a_link_to_itself(live: Way) -> None:
    told = live([ev("m1", "u:1", "buy", 1), alias("1", "1", 2)])
    assert told.counts["link_ignored"] == (2 if live is twice else 1)
    assert told.linked == [("link_ignored", "1", "1", "one_already")]
    assert told.customers == {"u:1"}
    assert_as(told, ref(("m1", "buy", 1)))


DEVICES: Final = [ev("m1", "a:A", "buy", 1), ev("m2", "a:B", "buy", 2)]
LINKS: Final = [identify("1", "A", 3), identify("1", "B", 4)]


@ways
def test_11_and_12_two_devices_whichever_comes_first(live: Way) -> None:
    last = ev("m5", "a:B", "buy", 5)
    known = ref(("m1", "buy", 1), ("m2", "buy", 2), IDENTIFIED, ("identify 1 B 4", "page_viewed", 4), ("m5", "buy", 5))
    for log in ([*DEVICES, *LINKS, last], [*LINKS, *DEVICES, last]):
        told = live(log)
        assert_as(told, known)
        assert told.customers == {"u:1"}
        assert told.row("u:1").purchases == 3


@ways
def test_13_a_merge_makes_commitment_true(live: Way) -> None:
    log = [
        ev("m1", "a:A", "buy", 1),
        ev("m2", "u:1", "loyalty_enrolled", 2),
        ev("m3", "a:A", "buy", 8),
        ev("m4", "u:1", "buy", 15),
        identify("1", "A", 20),
    ]
    told = live(log)
    assert told.path("u:1")[-1][:2] == (1, COMMITMENT)
    assert told.path("u:1")[-1][2] // DAY == day(15) // DAY
    fact = next(fact for fact in told.facts if fact.to_stage == COMMITMENT)
    assert fact.known_at == day(20)


@ways
def test_14_a_merge_takes_back_an_end(live: Way) -> None:
    log = [ev("m1", "u:1", "buy", 1), ev("m2", "u:1", "buy", 8), ev("m3", "a:A", "buy", 55), tick(day(60))]
    told = live([*log, identify("1", "A", 61), tick(day(62))])
    events = (("m1", "buy", 1.0), ("m2", "buy", 8.0), ("m3", "buy", 55.0), ("identify 1 A 61", "page_viewed", 61.0))
    assert any(fact.to_stage == DISSOLUTION for fact in told.facts)
    assert_as(told, ref(*events, until=62))


@ways
def test_15_the_end_of_an_anonymous_id_stands_for_nobody(live: Way) -> None:
    log = [ev("m1", "a:A", "view", 1), tick(day(200)), ev("m2", "u:1", "view", 170), ev("m3", "u:1", "view", 201)]
    told = live([*log, identify("1", "A", 202)])
    assert told.customers == {"u:1"}
    assert told.path("u:1") == [(1, EXPLORATION, day(1))]


@ways
def test_16_an_explicit_exit_on_one_identity(live: Way) -> None:
    log = [ev("m1", "u:1", "buy", 1), ev("m2", "u:1", "leaves", 50), ev("m3", "a:A", "view", 60)]
    told = live([*log, identify("1", "A", 70)])
    known = ref(("m1", "buy", 1), ("m2", "leaves", 50), ("m3", "view", 60), ("identify 1 A 70", "page_viewed", 70))
    assert_as(told, known)
    assert (1, DISSOLUTION, day(50)) in told.path("u:1")


@ways
def test_17_a_log_out_with_a_reset(live: Way) -> None:
    told = live([M1, identify("1", "A", 2), ev("m2", "a:B", "view", 3), identify("2", "B", 4)])
    assert told.customers == {"u:1", "u:2"}
    assert told.counts["link_refused"] == 0


CLAIMS: Final = [
    ev("m1", "a:A", "buy", 1),
    identify("1", "A", 2),
    ev("m2", "u:1+a:A", "buy", 3),
    ev("m4", "a:A", "view", 3.5),
    identify("2", "A", 4),
    ev("m3", "u:2+a:A", "buy", 5),
]
SHARED_NONE: Final = policy_text().replace("[decay]", '[identity]\nshared = "none"\n\n[decay]')


@ways
def test_18_and_19_another_user_on_the_same_device(live: Way) -> None:
    told = live([*CLAIMS, ev("m6", "a:A", "buy", 6)])
    assert told.customers == {"u:1", "u:2"}
    assert ("link_refused", "A", "2", "shared_device") in told.linked
    assert len([link for link in told.linked if link[0] == "link_refused"]) == 1
    first = [("m1", "buy", 1.0), ("identify 1 A 2", "page_viewed", 2.0), ("m2", "buy", 3.0), ("m4", "view", 3.5)]
    assert_as(told, ref(*first, ("m6", "buy", 6)))
    assert_as(told, ref(("identify 2 A 4", "page_viewed", 4), ("m3", "buy", 5)), "u:2")


@ways
def test_19_of_a_shared_device_that_is_nobodys(live: Way) -> None:
    told = live([policy(SHARED_NONE), *CLAIMS, ev("m6", "a:A", "buy", 6), identify("3", "A", 7)])
    assert told.customers == {"u:1", "u:2", "u:3", "a:A"}
    assert told.row("a:A").purchases == 1
    assert told.row("u:1").touchpoints == 4


def test_20_a_kiosk() -> None:
    log = [each for i in range(500) for each in (identify(f"{i:03}", "A", i), ev(f"b{i}", "a:A", "buy", i + 0.5))]
    told = whole(log)
    assert len(told.customers) == 500
    assert told.row("u:000").purchases == 500
    assert told.counts["link_refused"] == 499
    told = whole([policy(SHARED_NONE), *log])
    assert told.row("a:A").purchases == 499
    assert told.row("u:000").purchases == 1


BUYERS: Final = [ev("e1", "g:x+a:A", "buy", 1), ev("e1", "u:x", "buy", 1), ev("e1", "a:x", "buy", 1)]


@ways
def test_an_account_and_a_person_of_the_same_text_are_two(live: Way) -> None:
    told = live([*BUYERS, ev("e2", "g:x", "buy", 2), ev("e2", "u:x", "buy", 2), ev("e3", "u:x", "buy", 3)])
    assert told.customers == {"g:x", "u:x", "a:x"}
    assert [told.row(name).purchases for name in ("g:x", "u:x", "a:x")] == [2, 3, 1]


@ways
def test_what_a_visitor_did_is_the_accounts_that_he_comes_with(live: Way) -> None:
    told = live([M1, ev("g", "g:acme+a:A", "page_viewed", 2), ev("m2", "a:A", "buy", 3)])
    assert told.customers == {"g:acme"}
    assert_as(told, ref(("m1", "view", 1), ("g", "page_viewed", 2), ("m2", "buy", 3)), "g:acme")


@ways
def test_a_person_of_two_accounts_makes_them_no_one(live: Way) -> None:
    log = [ev("e1", "g:acme+a:A", "buy", 1), ev("e2", "g:beta+a:A", "buy", 2), ev("e3", "a:A", "buy", 3)]
    told = live([*log, ev("e4", "g:beta+a:A", "buy", 4), ev("e5", "g:acme+a:A", "buy", 5)])
    assert told.customers == {"g:acme", "g:beta"}
    assert ("link_refused", "A", "beta", "shared_device") in told.linked
    assert_as(told, ref(("e1", "buy", 1), ("e3", "buy", 3), ("e5", "buy", 5)), "g:acme")
    assert_as(told, ref(("e2", "buy", 2), ("e4", "buy", 4)), "g:beta")


@ways
def test_an_account_and_a_person_are_never_one(live: Way) -> None:
    """Neither by a device of both, nor by an alias of a visitor whom one of them has."""
    told = live([
        ev("e1", "g:acme+a:A", "buy", 1), identify("ann", "A", 2), identify("ann", "B", 3), alias("A", "ann", 4),
        ev("e2", "g:acme+a:B", "buy", 5), ev("e3", "a:B", "buy", 6),
    ])  # fmt: skip
    assert told.customers == {"g:acme", "u:ann"}
    assert [told.row(name).purchases for name in ("g:acme", "u:ann")] == [2, 1]
    assert {link for link in told.linked if link[0] == "link_refused"} == {
        ("link_refused", "A", "ann", "shared_device"),
        ("link_refused", "A", "ann", "not_a_person"),
        ("link_refused", "B", "acme", "shared_device"),
    }


def test_a_link_of_a_visitor_with_an_account_can_be_left_out() -> None:
    log = [ev("e1", "a:A", "buy", 1), ev("e2", "g:acme+a:A", "buy", 2), ev("e3", "a:A", "buy", 3)]
    apart = Edition(2, unlinked=(pair((NAMESPACE_ANONYMOUS, "A"), (NAMESPACE_ACCOUNT, "acme")),), until=3)
    told = Told(new_partition(edition=apart))
    told.add(apply_all(told.partition, *log))
    assert [told.row(name).purchases for name in ("g:acme", "a:A")] == [1, 2]


@ways
def test_21_the_first_claim_in_the_log_counts(live: Way) -> None:
    told = live([M1, identify("2", "A", 4), identify("1", "A", 2)])
    assert told.row("u:2").touchpoints == 2
    assert told.row("u:1").touchpoints == 1


@ways
def test_22_identify_never_merges_known_with_known(live: Way) -> None:
    told = live([ev("m1", "u:1", "buy", 1), ev("m2", "u:2", "buy", 2), identify("1", "A", 3), identify("2", "A", 4)])
    assert told.customers == {"u:1", "u:2"}


@ways
def test_24_the_id_changes(live: Way) -> None:
    log = [ev("m1", "u:x@a", "buy", 1), alias("x@a", "y@a", 2), ev("m2", "u:y@a", "buy", 3)]
    told = live([*log, ev("m0", "u:x@a", "buy", 0.5)])
    assert told.customers == {"u:x@a"}
    assert_as(told, ref(("m1", "buy", 1), ("m2", "buy", 3), ("m0", "buy", 0.5)), "u:x@a")


CHAIN: Final = [alias("A", "B", 2), alias("B", "C", 3), alias("C", "A", 4)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("live", [whole, killed])
def test_25_26_and_27_chains_cycles_and_opposite_links(order: tuple[int, ...], live: Way) -> None:
    events = [ev(f"{name} {i}", f"u:{name}", "buy", 10 * i + k) for i in range(4) for k, name in enumerate("ABC")]
    log = [*events[:3]]
    for i, k in enumerate(order):
        log += [CHAIN[k], *events[3 * i + 3 : 3 * i + 6]]
    told = live(log)
    assert told.customers == {"u:A"}
    known = ref(*((f"{name} {i}", "buy", 10 * i + k) for i in range(4) for k, name in enumerate("ABC")))
    assert_as(told, known, "u:A")


@ways
def test_28_two_known_customers(live: Way) -> None:
    log = [ev("m1", "u:1", "buy", 1), ev("m2", "u:2", "buy", 2), alias("2", "1", 3)]
    assert_as(live(log), ref(("m1", "buy", 1), ("m2", "buy", 2)))
    refusing = policy_text().replace("[decay]", '[identity]\nknown_to_known = "refuse"\n\n[decay]')
    told = live([policy(refusing), *log])
    assert told.customers == {"u:1", "u:2"}
    assert told.linked == [("link_refused", "2", "1", "not_allowed")]


@ways
def test_28_a_browser_may_not_make_two_known_customers_one(live: Way) -> None:
    log = [ev("m1", "u:1", "buy", 1), ev("m2", "u:2", "buy", 2), alias("2", "1", 3, trusted=False)]
    told = live(log)
    assert told.customers == {"u:1", "u:2"}
    assert told.linked == [("link_refused", "2", "1", "not_trusted")]


def test_29_a_star_that_grows() -> None:
    few = policy_text().replace("[decay]", "[identity]\nmost = 50\n\n[decay]")
    log = [policy(few)]
    for i in range(120):
        log += [ev(f"v{i}", f"a:{i:04}", "view", i), identify("1", f"{i:04}", i + 0.5)]
    told = whole(log)
    assert told.row("u:1").identities == 50
    assert told.counts["link_refused"] == 70
    assert len(told.customers) == 71
    sizes = [len(value) for key, value in records_of(told.partition.checkpoint()) if key == b"\x001"]
    assert sizes[0] < 700


@ways
def test_30_an_alias_of_ids_without_events(live: Way) -> None:
    told = live([alias("B", "A", 1), alias("dev", "A", 1, from_anonymous=True)])
    assert told.customers == set()
    told = live(
        [
            alias("B", "A", 1),
            alias("dev", "A", 1, from_anonymous=True),
            ev("m1", "u:B", "buy", 2),
            ev("m2", "a:dev", "buy", 3),
        ]
    )
    assert told.customers == {"u:A"}
    assert told.row("u:A").purchases == 2


@ways
def test_33_the_same_text_in_two_namespaces(live: Way) -> None:
    told = live([ev("m1", "a:x", "buy", 1), ev("m2", "u:x", "buy", 2)])
    assert told.customers == {"a:x", "u:x"}
    told = live([ev("m1", "a:x", "buy", 1), ev("m2", "u:x", "buy", 2), identify("x", "x", 3)])
    assert told.customers == {"u:x"}
    assert told.row("u:x").purchases == 2


@ways
def test_34_one_event_id_under_two_ids(live: Way) -> None:
    told = live([ev("m1", "a:A", "buy", 1), ev("m1", "u:2", "buy", 1), identify("2", "A", 2)])
    assert told.row("u:2").purchases == 2


@ways
def test_44_a_merge_is_judged_by_the_policy_at_its_offset(live: Way) -> None:
    log = [ev("m1", "a:A", "buy", 1), ev("m2", "u:1", "loyalty_enrolled", 2), ev("m3", "u:1", "buy", 9)]
    two = policy(policy_text(weeks=2))
    later = live([*log, identify("1", "A", 10), tick(day(11))])
    assert all(fact.to_stage != COMMITMENT for fact in later.facts)
    told = live([*log, two, identify("1", "A", 10), tick(day(11))])
    assert told.path("u:1")[-1][1] == COMMITMENT


def test_links_are_refused_loudly_where_they_are_not_made() -> None:
    partition = new_partition(links=False)
    outcome = apply_all(partition, alias("A", "1", 1), ev("m1", "u:1+a:A", "buy", 2), ev("m2", "a:A", "buy", 3))
    assert outcome.counts["rejected"] == 1
    assert partition.customers == 2


def test_37_what_is_unlinked_is_as_if_no_message_had_linked_it() -> None:
    log = [ev("m1", "a:A", "buy", 1), alias("A", "1", 2, from_anonymous=True), ev("m2", "u:1", "buy", 3)]
    log += [identify("1", "A", 4), ev("m3", "a:A", "buy", 5)]
    edition = Edition(2, unlinked=(pair((NAMESPACE_ANONYMOUS, "A"), (NAMESPACE_KNOWN, "1")),), until=len(log))
    told = Told(new_partition(edition=edition))
    told.add(apply_all(told.partition, *log))
    assert told.customers == {"u:1", "a:A"}
    assert (told.row("u:1").purchases, told.row("a:A").purchases) == (1, 2)
    assert {link[3] for link in told.linked} == {"unlinked"}
    # Of other ids nothing has changed.
    told.add(apply_all(told.partition, identify("2", "A", 6)))
    assert told.row("u:2").purchases == 2


@ways
def test_what_somebody_else_was_told_before_says_nothing_of_one_who_begins_by_a_merge(live: Way) -> None:
    events = [("e1", "a:A", "view", 1), ("e2", "u:2+a:A", "view", 3), ("e3", "a:A", "view", 2)]
    told = live([*(ev(*each) for each in events), alias("1", "2", 4), tick(day(5))])
    assert told.customers == {"u:1"}
    lived = live([*(ev(event, "u:1", kind, at) for event, _, kind, at in events), tick(day(5))])
    assert told.path("u:1") == lived.path("u:1")


@st.composite
def _people(draw: st.DrawFn) -> tuple[list[bytes], dict[str, list[tuple[float, str, str]]]]:
    """A log of people with devices and aliases, in any order; and each one's events had the id been known all along."""
    devices = {f"d{n}": draw(st.sampled_from(["1", "2"])) for n in range(4)}
    log: list[bytes] = []
    known: dict[str, list[tuple[float, str, str]]] = {"1": [], "2": []}
    for n in range(draw(st.integers(2, 14))):
        device = draw(st.sampled_from(sorted(devices)))
        who, day_ = devices[device], draw(st.integers(0, 60)) + n / 100
        kind = draw(st.sampled_from(["view", "passes", "loyalty_enrolled", "product_reviewed"]))
        ids = draw(st.sampled_from([f"a:{device}", f"u:{who}+a:{device}", f"u:{who}"]))
        log.append(ev(f"e{n}", ids, kind, day_))
        known[who].append((day_, f"e{n}", kind))
    for device, who in devices.items():
        # In the end everybody has signed in everywhere.
        log.append(ev(f"in {device}", f"u:{who}+a:{device}", "passes", 61.0))
        known[who].append((61.0, f"in {device}", "passes"))
    if draw(st.booleans()):
        log.append(alias("1", "2", 61.0))
        known = {"1": [*known["1"], *known["2"]]}
    return list(draw(st.permutations(log))), known


@settings(max_examples=examples(40), deadline=None)
@given(_people(), st.sampled_from([whole, one_by_one, killed]))
def test_it_is_as_if_the_identity_had_been_known_all_along(
    drawn: tuple[list[bytes], dict[str, list[tuple[float, str, str]]]], live: Way
) -> None:
    log, known = drawn
    told = live([*log, tick(day(62))])
    assert told.customers == {f"u:{name}" for name, events in known.items() if events}
    for name, events in known.items():
        lived = whole([*(ev(event, "u:1", kind, at) for at, event, kind in sorted(events)), tick(day(62))])
        if events:
            assert_same(told.row(f"u:{name}"), lived.row("u:1"))
            assert told.path(f"u:{name}") == lived.path("u:1")
