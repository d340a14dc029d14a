"""Judgements as facts: their ids, their chain, their evidence, and what is the same on every replay."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contacts import contacts
from support.messages import Message, batch, schemas, tick, touchpoint
from support.messages import policy as policy_message
from support.presets import Customer, changed, policy_of
from support.relationship import DAY, START, Judged, Relationship, at_day
from support.sampled import examples

from processors.judgements.catalogue import (
    DEAL_SEEKER,
    JUDGEMENT_COUNT,
    JUDGEMENT_NAMES,
    JUDGEMENT_WORDS,
    NEUTRAL,
    NEUTRAL_1,
    OBSERVED,
    RISK,
)
from processors.lifecycle.facts import JUDGED_PER_EVENT
from processors.row.contact import Contact
from processors.row.layout import NONE, ROW
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.log.batches import read_batches

RULES: Final = policy_of().rules
LATER: Final = 10_300_000_000_000


def in_order(told: list[Contact]) -> list[Contact]:
    return sorted((one._replace(at=min(one.at, LATER)) for one in told), key=lambda one: one.at)


def lived(told: list[Contact], ticks: list[int], until: int) -> Relationship:
    """A customer after these touchpoints; each tick comes before the first that is later."""
    relationship, waiting = Relationship(RULES), sorted(ticks)
    for contact in told:
        while waiting and waiting[0] < contact.at:
            relationship.tick(waiting.pop(0))
        relationship.take(contact)
    relationship.tick(until)
    return relationship


def essence(judged: list[Judged]) -> list[tuple[Any, ...]]:
    """All of a fact but when it came to be known."""
    return [
        (f.id, JUDGEMENT_NAMES[f.judgement], f.before, f.after, f.at, f.evidence_event, f.evidence_at, f.evidence_count)
        for f in judged
    ]


@settings(max_examples=examples(60))
@given(contacts(), st.lists(st.integers(0, 1500), max_size=25))
def test_the_spacing_of_ticks_changes_no_judgement_of_a_stream_in_order(told: list[Contact], days: list[int]) -> None:
    ordered = in_order(told)
    until = (ordered[-1].at if ordered else START) + 600 * DAY
    first = ordered[0].at if ordered else START
    without = lived(ordered, [], until)
    ticked = lived(ordered, [first + day * DAY + 7 * day for day in days], until)
    assert essence(ticked.judged) == essence(without.judged)
    assert ticked.row.tobytes() == without.row.tobytes()


@settings(max_examples=examples(60))
@given(contacts(), st.lists(st.integers(-200, 400), min_size=14, max_size=14))
def test_whatever_the_order_facts_are_chained_and_say_something_new(told: list[Contact], pauses: list[int]) -> None:
    relationship = Relationship(RULES)
    for contact, pause in zip(told, pauses, strict=False):
        relationship.take(contact)
        relationship.tick(contact.at + pause * DAY)
    ids = [fact.id for fact in relationship.judged]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids
    # By this policy, of version 1, something is said of tier and need with the first review.
    before = NEUTRAL if relationship.row.reviewed_at == NONE else NEUTRAL_1
    stands = list(before[:JUDGEMENT_COUNT])
    for fact in relationship.judged:
        assert fact.before == stands[fact.judgement] != fact.after, JUDGEMENT_NAMES[fact.judgement]
        assert fact.after < len(JUDGEMENT_WORDS[fact.judgement])
        stands[fact.judgement] = fact.after
    assert stands == relationship.row.judged[:JUDGEMENT_COUNT].tolist()
    assert int(relationship.row.last_judgement_id) == (ids[-1] if ids else 0)


@settings(max_examples=examples(30))
@given(contacts(), st.integers(0, 800))
def test_a_replay_publishes_the_same(told: list[Contact], days: int) -> None:
    first, again = (Relationship(RULES) for _ in range(2))
    for relationship in (first, again):
        for contact in told:
            relationship.take(contact)
        relationship.tick(max([*(one.at for one in told), START]) + days * DAY)
    assert first.judged == again.judged
    assert first.row.tobytes() == again.row.tobytes()


def test_of_two_customers_no_ids_are_the_same() -> None:
    told = [Customer().all((0, "order_completed", 50.0)).until(400) for _ in range(2)]
    other = Customer()
    other.row.hash = 12345
    other.all((0, "order_completed", 50.0)).until(400)
    assert [fact.id for fact in told[0].judged] == [fact.id for fact in told[1].judged]
    assert not {fact.id for fact in other.judged} & {fact.id for fact in told[0].judged}


def test_no_event_causes_more_facts_than_there_is_room_for() -> None:
    customer = Customer()
    kinds = [kind for kind in policy_of().kinds if kind not in {"account_deleted", "customer_blocked"}]
    for number, kind in enumerate(kinds * 4):
        customer.does(number / 7, kind, amount=300.0, satisfaction=5.0, number=number)
    before = len(customer.judged)
    customer.until(30_000)
    assert before > JUDGEMENT_COUNT
    assert len(customer.judged) - before < JUDGED_PER_EVENT / 2


def test_a_new_policy_judges_anew() -> None:
    customer = Customer().does(0, "order_delivered").until(5)
    assert customer.word("trust_fulfilment") == "positive"
    customer.judge_by(changed(positive="0.5").rules)
    fact = customer.judged[-1]
    assert (JUDGEMENT_NAMES[fact.judgement], JUDGEMENT_WORDS[fact.judgement][fact.after]) == (
        "trust_fulfilment",
        "none",
    )
    assert fact.at == at_day(5)


def found(customer: Customer, name: str) -> Judged:
    return [fact for fact in customer.judged if JUDGEMENT_NAMES[fact.judgement] == name][-1]


def test_evidence_comes_with_every_judgement() -> None:
    customer = Customer()
    for day in range(5):
        customer.does(day, "order_completed", amount=50.0, discount=10.0)
    customer.all((5, "order_delayed"), (6, "call_received")).until(7)
    assert found(customer, "trust_fulfilment").evidence_at == at_day(5)
    assert found(customer, "trust_fulfilment").evidence_event == int(customer.row.trust_event[4])
    assert found(customer, "trust_fulfilment").evidence_value == pytest.approx(-1 / 3, abs=1e-3)
    assert found(customer, "let_go").after == DEAL_SEEKER
    assert found(customer, "let_go").evidence_count == 4, "when it came to be so"
    assert found(customer, "let_go").evidence_value == 4000.0
    assert found(customer, "bond_strength").evidence_value == pytest.approx(3.0, abs=0.05), "after three discounts"
    assert found(customer, "risk_band").evidence_at == at_day(found_day(customer))
    assert JUDGEMENT_WORDS[OBSERVED][found(customer, "observed_category").after] == "self_service"


def found_day(customer: Customer) -> float:
    """The last purchase that the newest word on risk rests on."""
    return (found(customer, "risk_band").evidence_at - at_day(0)) / DAY


def test_distrust_of_support_names_the_question_that_was_left_open() -> None:
    customer = Customer().all((0, "support_ticket_opened"), (3, "page_viewed")).until(30)
    fact = found(customer, "trust_support_and_service")
    assert fact.evidence_at == at_day(0)
    assert fact.evidence_event == int(customer.row.question_event[customer.row.question_at == at_day(0)][0])


MESSAGES: Final = [
    *(touchpoint(f"o{n}", f"c{n % 5}", START + n * DAY, "order_completed", amount_minor=9000) for n in range(40)),
    tick(START + 41 * DAY),
    *(touchpoint(f"q{n}", f"c{n}", START + (42 + n) * DAY, "complaint_filed") for n in range(4)),
    tick(START + 300 * DAY),
    policy_message(policy_of().text.replace("band = 0.7", "band = 0.6")),
    *(touchpoint(f"l{n}", f"c{n}", START + n * DAY, "order_delayed") for n in range(4)),
    tick(START + 900 * DAY),
]


def applied(partition: Partition, messages: list[bytes], base: int = 0) -> Applied:
    told = [Message(value, written_at=START) for value in messages]
    result = partition.apply(read_batches(batch(told, base), 0))
    assert not isinstance(result, Refused)
    return result


def test_the_counts_of_a_fetch_are_what_it_lists() -> None:
    partition = Partition(0, policy_of(), schemas())
    for base in range(0, len(MESSAGES), 7):
        result = applied(partition, MESSAGES[base : base + 7], base)
        assert result.counts["judgements"] == len(result.judged)
        assert result.counts["transitions"] == len(result.facts)
        assert (np.diff(result.judged["offset"]) >= 0).all()
        assert ((result.judged["offset"] >= base) & (result.judged["offset"] < base + 7)).all()


def test_without_collecting_the_same_is_counted_and_remembered() -> None:
    listing = Partition(0, policy_of(), schemas())
    counting = Partition(0, policy_of(), schemas(), collect=False)
    results = [applied(partition, MESSAGES) for partition in (listing, counting)]
    assert results[0].counts == results[1].counts
    assert results[0].counts["judgements"] == len(results[0].judged) > 50
    assert len(results[1].judged) == 0
    rows = [partition.rows(partition.numbers()) for partition in (listing, counting)]
    for name in ROW.names or ():
        assert np.array_equal(rows[0][name], rows[1][name]), name


def test_facts_of_a_fetch_are_chained_per_customer() -> None:
    judged = applied(Partition(0, policy_of(), schemas()), MESSAGES).judged
    for customer in np.unique(judged["customer"]):
        own = judged[judged["customer"] == customer]
        for which in range(JUDGEMENT_COUNT):
            of_it = own[own["judgement"] == which]
            assert all(a["after"] == b["before"] for a, b in pairwise(of_it))
    assert RISK in judged["judgement"]
