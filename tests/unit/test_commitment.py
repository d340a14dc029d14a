"""Commitment as three numbers: within 0 and 1, and more of what they are made of is never less of them."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contacts import contacts, profile_of
from support.presets import Customer, policy_of
from support.sampled import examples

from processors.judgements.commitment import consistency, contribution, evenness, investment
from processors.row.contact import Contact

RULES: Final = policy_of().rules


@settings(max_examples=examples(60))
@given(contacts(), st.floats(0.0, 1.0))
def test_all_three_lie_between_none_and_all(told: list[Contact], left: float) -> None:
    row = profile_of(told, RULES)
    for number in (contribution(row, RULES, left), investment(row, RULES, left), consistency(row, RULES)):
        assert 0.0 <= number <= 1.0


@settings(max_examples=examples(60))
@given(contacts(), st.data())
def test_the_order_of_arrival_changes_none(told: list[Contact], data: st.DataObject) -> None:
    row, other = profile_of(told, RULES), profile_of(data.draw(st.permutations(told)), RULES)
    assert consistency(row, RULES) == consistency(other, RULES)
    assert contribution(row, RULES, 1.0) == pytest.approx(contribution(other, RULES, 1.0), rel=1e-9)
    assert investment(row, RULES, 1.0) == pytest.approx(investment(other, RULES, 1.0), rel=1e-9)


def test_two_contributions_are_a_half_and_fade_by_halves() -> None:
    row = Customer().all((0, "product_shared"), (0, "community_posted")).row
    assert contribution(row, RULES, 1.0) == pytest.approx(0.5)
    assert contribution(row, RULES, 0.5) == pytest.approx(1 / 3)
    assert investment(row, RULES, 1.0) == 0.0


def test_every_contribution_adds_and_none_is_the_last() -> None:
    customer, before = Customer(), 0.0
    for number in range(30):
        customer.does(0, "referral_made", number=number)
        now = contribution(customer.row, RULES, 1.0)
        assert before < now < 1.0
        before = now


def test_a_tie_counts_as_long_as_it_is_open_and_does_not_fade() -> None:
    customer = Customer().does(0, "loyalty_enrolled")
    assert investment(customer.row, RULES, 1.0) == pytest.approx(2 / 4), "the enrolment and the tie"
    assert investment(customer.row, RULES, 0.0) == pytest.approx(1 / 3), "the tie alone"
    customer.all((0, "subscription_started", 10.0), (1, "subscription_cancelled"))
    assert investment(customer.row, RULES, 0.0) == pytest.approx(1 / 3)
    customer.does(1, "subscription_cancelled", number=1)
    assert investment(customer.row, RULES, 0.0) == 0.0


@pytest.mark.parametrize("kind", ["account_created", "payment_info_entered", "loyalty_enrolled"])
def test_saved_data_and_loyalty_are_investments(kind: str) -> None:
    assert investment(Customer().does(0, kind).row, RULES, 1.0) > 0.0


def bought_on(*days: float) -> Customer:
    return Customer().all(*((day, "order_completed", 50.0, {"number": n}) for n, day in enumerate(days)))


def test_consistency_grows_with_the_weeks_of_even_purchases() -> None:
    assert consistency(Customer().row, RULES) == 0.0
    assert consistency(bought_on(0).row, RULES) == pytest.approx(1 / 7 / 2), "of one purchase little can be said"
    before = 0.0
    for weeks in range(3, 40):
        now = consistency(bought_on(*range(0, 7 * weeks, 7)).row, RULES)
        assert now == pytest.approx(weeks / (weeks + 6))
        assert now > before
        before = now


def test_even_purchases_are_even_and_bundled_ones_are_not() -> None:
    assert evenness(bought_on(0, 30, 60, 90).row) == pytest.approx(1.0)
    # Of four even points over 90 days the variance is 90² · 5 / 36 = 1125; these have 1485.69 and 2025.
    assert evenness(bought_on(0, 1, 2, 90).row) == pytest.approx(1125 / 1485.6875)
    assert evenness(bought_on(0, 0, 90, 90).row) == pytest.approx(1125 / 2025)
    # Of five it is 1012.5; in the middle they are no less uneven than at the ends.
    assert evenness(bought_on(0, 44, 45, 46, 90).row) == pytest.approx(810.4 / 1012.5)
    assert evenness(bought_on(0, 0.1, 0.2).row) == 0.5, "all on one day"
