"""The timers of the slower judgements: jumping from review to review misses nothing that a look at every day sees."""

from typing import Any, Final

import numpy as np
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.contacts import contacts
from support.presets import Customer, as_record, changed, policy_of
from support.relationship import DAY, Judged, Relationship, at_day
from support.sampled import examples

from processors.judgements.catalogue import JUDGEMENT_NAMES
from processors.lifecycle.reviews import REVALUE_DAYS
from processors.policy.rules import Rules
from processors.row.calendar import day_of, start_of_day
from processors.row.contact import Contact
from processors.row.layout import NEVER

YEARS: Final = 2 * 365
SETTLED: Final = 10_300_000_000_000  # so that two more years are within what the engine holds


def asked_daily(row: Any, rules: Rules, start: int, days: int = YEARS) -> list[Judged]:
    """What is published where the row is judged at the start of every day."""
    relationship = Relationship(rules)
    relationship.row = as_record(row)
    for day in range(day_of(start) + 1, day_of(start) + 1 + days):
        relationship.row.review_at = min(relationship.row.review_at, start_of_day(day))
        relationship.tick(start_of_day(day))
    return relationship.judged


def asked_by_timers(row: Any, rules: Rules, start: int, days: int = YEARS) -> list[Judged]:
    """What is published where only the row's own timers fire."""
    relationship = Relationship(rules)
    relationship.row = as_record(row)
    relationship.tick(start_of_day(day_of(start) + days))
    return relationship.judged


def essence(judged: list[Judged]) -> list[tuple[str, int, int, float, int]]:
    return [
        (JUDGEMENT_NAMES[fact.judgement], fact.before, fact.after, (fact.at - at_day(0)) / DAY, fact.id)
        for fact in judged
    ]


def assert_nothing_missed(row: Any, rules: Rules, start: int) -> None:
    daily = essence(asked_daily(row, rules, start))
    assert essence(asked_by_timers(row, rules, start)) == daily
    event("judgements changed" if daily else "nothing changed")


POLICIES: Final = {
    "commerce": policy_of(),
    "forgetful": changed(memory_half_life_days="40", two_way_per_quarter="0.5", hysteresis="0.0"),
}
names: Final = st.sampled_from(sorted(POLICIES))


@settings(max_examples=examples(60))
@given(contacts(), names)
def test_reviews_miss_no_change_that_time_alone_brings(told: list[Contact], name: str) -> None:
    assume(told)
    relationship = Relationship(POLICIES[name].rules)
    for contact in sorted(told, key=lambda one: one.at):
        relationship.take(contact._replace(at=min(contact.at, SETTLED)))
    assert_nothing_missed(relationship.row, relationship.rules, int(relationship.row.judged_at))


SERVICE: Final = (
    *("support_ticket_opened", "live_chat_started", "call_received", "call_made", "support_ticket_solved"),
    *("complaint_filed", "order_completed", "coupon_applied", "community_answered", "order_delivered", "order_delayed"),
)
lives: Final = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(SERVICE), st.sampled_from([0.0, 20.0, 900.0])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=examples(100))
@given(lives, names)
def test_nor_in_the_lives_of_customers_who_call_complain_and_give(
    life: list[tuple[int, str, float]], name: str
) -> None:
    customer = Customer(POLICIES[name])
    for number, (day, kind, amount) in enumerate(sorted(life)):
        customer.does(day, kind, amount=amount, discount=amount / 4, order=str(number // 2), number=number)
    assert_nothing_missed(customer.row, customer.rules, int(customer.row.judged_at))


def days_of(customer: Customer, judgement: str) -> list[float]:
    """Days on which a judgement was published."""
    which = JUDGEMENT_NAMES.index(judgement)
    return [(fact.at - at_day(0)) / DAY for fact in customer.judged if fact.judgement == which]


def test_what_is_touched_is_judged_when_its_day_ends() -> None:
    customer = Customer().does(3.3, "order_delivered")
    assert customer.row.review_at == at_day(4)
    assert customer.news("trust_fulfilment") == []
    customer.until(4)
    assert customer.news("trust_fulfilment") == ["positive"]
    assert days_of(customer, "trust_fulfilment") == [4]


def test_trust_fades_to_none_after_a_year() -> None:
    # One signal: s / (s + 2) falls to 0.2 as s comes to a half.
    customer = Customer().does(0, "order_delivered").until(3000)
    assert customer.news("trust_fulfilment") == ["positive", "none"]
    assert days_of(customer, "trust_fulfilment") == [1, 365]


def test_a_question_speaks_against_support_when_the_patience_is_over() -> None:
    for hour, told in ((0.0, 7), (0.5, 8)):
        customer = Customer().does(hour, "support_ticket_opened").until(30)
        assert customer.news("trust_support_and_service") == ["negative"]
        assert days_of(customer, "trust_support_and_service") == [told]


def test_one_exchange_is_often_for_a_quarter() -> None:
    customer = Customer().all((0, "order_completed", 200.0), (0, "call_received")).until(400)
    assert customer.news("recommended_category")[:2] == ["personal_assistance", "automated_service"]
    assert days_of(customer, "recommended_category")[:2] == [1, 92]


def test_a_need_of_advice_gives_way_to_that_of_price_when_the_calls_end() -> None:
    cheap = {"discount": 5.0}
    customer = Customer().all((0, "order_completed", 50.0, cheap), (1, "call_received"), (2, "call_received"))
    customer.all((3, "call_received"), (7, "order_completed", 50.0, cheap)).until(1000)
    assert customer.news("need") == ["advice", "price"]
    assert days_of(customer, "need") == [2, 95]


def test_a_tier_above_the_lowest_is_valued_anew_every_four_weeks_of_silence() -> None:
    customer = Customer().all(*((7 * week, "order_completed", 900.0) for week in range(8)))
    valued = []
    for day in range(50, 50 + 3 * REVALUE_DAYS):
        customer.until(day)
        valued.append(int(customer.row.valued_at))
    assert np.unique(np.diff(np.unique(valued))).tolist() == [REVALUE_DAYS * DAY]


def test_who_has_nothing_that_fades_is_not_looked_at_again() -> None:
    customer = Customer().does(0, "ad_impression").until(2)
    assert customer.row.review_at == NEVER


def test_a_late_touchpoint_takes_no_risk_back_that_time_brought() -> None:
    customer = Customer().all(*((7 * week, "order_completed", 50.0) for week in range(8)))
    customer.until(300)
    told = customer.news("risk_band")
    assert told[-1] == "high"
    customer.does(51, "product_viewed")
    assert customer.news("risk_band") == told
