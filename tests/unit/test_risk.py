"""When the churn risk reaches the policy's band: to the day, against a look at every day."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from support.presets import Customer, changed, policy_of, with_rules
from support.relationship import DAY, at_day
from support.sampled import examples

from processors.judgements.risk import risk_at, risk_crossing
from processors.row.calendar import count_days, day_of, start_of_day
from processors.row.layout import NEVER

MODELS: Final = {"mbgnbd": policy_of(), "bgnbd": changed(model='"bgnbd"')}
purchases: Final = st.lists(st.integers(0, 24 * 300).map(lambda hour: hour / 24), min_size=1, max_size=12, unique=True)


def bought(policy: Any, days: list[float]) -> Customer:
    return Customer(policy).all(*((day, "order_completed", 50.0) for day in days))


def first_day_in_band(row: Any, rules: Any, most: int) -> int:
    days = count_days(row)
    if risk_at(row, rules, days, int(row.last_purchase_at)) >= rules.risk_band:
        return int(row.last_purchase_at)
    first = day_of(int(row.last_purchase_at))
    for day in range(first + 1, first + most):
        if risk_at(row, rules, days, start_of_day(day)) >= rules.risk_band:
            return start_of_day(day)
    return NEVER


@settings(max_examples=examples(60))
@given(purchases, st.sampled_from(sorted(MODELS)), st.sampled_from([0.3, 0.6, 0.7, 0.9]))
def test_the_crossing_is_what_a_look_at_every_day_finds(days: list[float], model: str, band: float) -> None:
    rules = with_rules(MODELS[model].rules, risk_band=band)
    row = bought(MODELS[model], days).row
    found = risk_crossing(row, rules)
    scanned = first_day_in_band(row, rules, 1500)
    if scanned == NEVER:
        assert found > int(row.last_purchase_at) + 1490 * DAY
    else:
        assert found == scanned


@settings(max_examples=examples(40))
@given(purchases, st.sampled_from(sorted(MODELS)))
def test_risk_only_rises_while_nothing_is_bought(days: list[float], model: str) -> None:
    row, rules = bought(MODELS[model], days).row, MODELS[model].rules
    ages = range(0, 4000, 50)
    risks = [risk_at(row, rules, count_days(row), int(row.last_purchase_at) + age * DAY) for age in ages]
    assert risks == sorted(risks)
    assert risks[0] >= 0.0
    assert risks[-1] <= 1.0


def test_who_never_bought_is_never_at_risk() -> None:
    assert risk_crossing(Customer().does(0, "product_viewed").row, policy_of().rules) == NEVER


def test_a_risk_that_is_not_reached_within_eleven_years_is_not_waited_for() -> None:
    rules = with_rules(policy_of().rules, risk_band=1.0 - 1e-15)
    assert risk_crossing(bought(policy_of(), [0, 7, 14]).row, rules) == NEVER


def test_the_band_is_published_with_the_purchase_that_leaves_it_and_the_day_that_comes_to_it() -> None:
    customer = bought(policy_of(), [0]).until(1)
    assert customer.news("risk_band") == ["high"], "one purchase is more likely the last than not"
    customer.all((3, "order_completed", 50.0), (6, "order_completed", 50.0))
    assert customer.news("risk_band")[-1] == "low"
    crossing = int(customer.row.risk_at)
    customer.tick(crossing - 1)
    assert customer.word("risk_band") == "low"
    customer.tick(crossing)
    assert customer.word("risk_band") == "high"
    assert customer.judged[-1].at == crossing


def test_a_purchase_that_arrives_late_moves_the_crossing() -> None:
    customer = bought(policy_of(), [0, 7, 14])
    before = int(customer.row.risk_at)
    customer.does(21, "order_completed", amount=50.0)
    assert int(customer.row.risk_at) > before
    moved = int(customer.row.risk_at)
    customer.does(10, "order_completed", amount=50.0)
    assert int(customer.row.risk_at) == first_day_in_band(customer.row, customer.rules, 500) != moved
    assert int(customer.row.risk_at) > at_day(21)


def paid_ahead(name: str = "commerce") -> Customer:
    return Customer(policy_of(name, 2)).does(0, "subscription_started", amount=120.0, until=365)


def test_who_paid_ahead_is_not_at_risk_before_the_term_ends() -> None:
    row = paid_ahead().does(10, "order_completed", amount=20.0).row
    assert int(row.risk_at) == at_day(365)
    with_others = paid_ahead().all(*((day, "order_completed", 20.0) for day in (10, 17, 24))).row
    assert int(with_others.risk_at) == risk_crossing(with_others, policy_of("commerce", 2).rules) < at_day(365), (
        "who buys other things has a rhythm"
    )


def test_a_frame_contract_is_not_paid_ahead() -> None:
    customer = Customer(policy_of("telecom", 2)).does(0, "contract_signed", until=730)
    customer.all((10, "bill_paid", 20.0), (40, "bill_paid", 20.0))
    assert int(customer.row.risk_at) < at_day(730)


def test_what_is_closed_or_left_is_not_paid_ahead_any_more() -> None:
    two = paid_ahead().does(1, "subscription_started", amount=120.0, until=365)
    assert int(two.row.risk_at) == at_day(365)
    two.all((50, "subscription_cancelled"), (60, "subscription_cancelled"))
    assert int(two.row.risk_at) < at_day(365)
    left = paid_ahead().does(50, "account_deleted").does(90, "signed_in")
    assert int(left.row.risk_at) == risk_crossing(left.row, left.rules) < at_day(365)


@settings(max_examples=examples(40))
@given(st.permutations(range(6)))
def test_what_was_paid_ahead_counts_in_whatever_order_it_becomes_known(order: list[int]) -> None:
    told: Final = [
        (0, "subscription_started", 120.0),
        (10, "order_completed", 20.0),
        (30, "subscription_started", 120.0),
        (60, "subscription_cancelled", 0.0),
        (70, "order_completed", 20.0),
        (90, "signed_in", 0.0),
    ]
    customer = Customer(policy_of("commerce", 2)).all(*(told[place] for place in order))
    assert int(customer.row.risk_at) == risk_crossing(customer.row, customer.rules)
