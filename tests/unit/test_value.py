"""Customer lifetime value against the integral that defines it, and what it has to do with what is done."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import roots_genlaguerre, roots_jacobi
from support.presets import Customer, changed, policy_of, with_rules
from support.relationship import DAY, at_day
from support.sampled import examples

from processors.judgements.value import annuity, clv, margin_share
from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.spend import expected_spend
from processors.policy.rules import BG, Rules
from processors.row.calendar import count_days

YEAR: Final = 365.25 * DAY
MBG: Final = policy_of()
BGNBD: Final = changed(model='"bgnbd"')


def bought(policy: Any, *days: float, amount: float = 50.0, **more: Any) -> Customer:
    customer = Customer(policy)
    for number, day in enumerate(days):
        customer.does(day, "order_completed", amount=amount, number=number, **more)
    return customer


def worth(customer: Customer, day: float) -> float:
    """CLV in whole units."""
    return clv(customer.row, customer.rules, at_day(day)) / 100


def transactions(rules: Rules, x: int, age: float) -> float:
    """Discounted purchases of a living customer: E[λ (1 − e^(−(δ+λp)H)) / (δ+λp)], λ and p as they are now known.

    By Gauss's rules for the two distributions: Laguerre's for λ, Jacobi's for p.
    """
    delta = np.log1p(rules.annual_rate) / (YEAR / rules.unit_ms)
    horizon = rules.clv_horizon_ms / rules.unit_ms
    rates, of_rates = roots_genlaguerre(120, rules.r + x - 1)
    flips, of_flips = roots_jacobi(120, rules.b + x + (rules.model != BG) - 1, rules.a - 1)
    lam, p = rates[:, None] / (rules.alpha + age), (1 + flips[None, :]) / 2
    leaving = delta + lam * p
    weights = np.outer(of_rates / of_rates.sum(), of_flips / of_flips.sum())
    return float((weights * lam * -np.expm1(-leaving * horizon) / leaving).sum())


@pytest.mark.parametrize("policy", [MBG, BGNBD], ids=["mbgnbd", "bgnbd"])
@pytest.mark.parametrize(("days", "day"), [((0,), 30), ((0, 20, 60), 60), ((0, 7, 14, 21, 28, 35), 100)])
def test_value_is_the_integral_that_defines_it(policy: Any, days: tuple[int, ...], day: int) -> None:
    customer, rules = bought(policy, *days), policy.rules
    x, age, t_x = len(days) - 1, day / 7, days[-1] / 7
    probability = bg_p_alive if rules.model == BG else mbg_p_alive
    alive = probability(rules.r, rules.alpha, rules.a, rules.b, float(x), t_x, age)
    # Gamma-Gamma's conditional mean of the spend per purchase day.
    n = len(days)
    spend = rules.gg_p * (rules.gg_gamma / 100 + n * 50.0) / (rules.gg_p * n + rules.gg_q - 1)
    expected = alive * transactions(rules, x, age) * spend * 0.30
    assert worth(customer, day) == pytest.approx(expected, rel=1e-5)


def test_referrals_and_cost_go_on_at_their_rates_and_are_discounted() -> None:
    customer = bought(MBG, 0, 20, 60).all((60, "referral_made"), (60, "call_received"), (60, "call_made"))
    plain, rules = bought(MBG, 0, 20, 60), MBG.rules
    alive = mbg_p_alive(rules.r, rules.alpha, rules.a, rules.b, 2.0, 60 / 7, 60 / 7)
    delta, half_life = np.log(1.1), 365 / 365.25
    # A history of 60 days counts as a quarter: what one a year since then would have summed up to.
    window, _ = quad(lambda year: 2 ** (-year / half_life), 0, 0.25)
    years, _ = quad(lambda year: np.exp(-delta * year), 0, 1095 / 365.25)
    expected = alive * (10.0 - 5.0 - 5.0) / window * years
    assert worth(customer, 60) - worth(plain, 60) == pytest.approx(expected, abs=1e-6)
    customer.does(60, "referral_made", number=1)
    assert worth(customer, 60) - worth(plain, 60) == pytest.approx(alive * 10.0 / window * years, rel=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_an_annuity_is_its_integral(rate: float) -> None:
    expected, _ = quad(lambda year: (1 + rate) ** -year, 0, 3)
    assert annuity(rate, 3.0) == pytest.approx(expected, rel=1e-12)


def test_before_a_purchase_and_after_an_exit_nothing_is_to_come() -> None:
    assert worth(Customer().all((0, "product_viewed"), (1, "referral_made")), 5) == 0
    for kind in ("account_deleted", "customer_blocked", "subscription_cancelled"):
        customer = bought(MBG, 0, 20, 60)
        assert worth(customer, 61) > 0
        assert worth(customer.does(61, kind), 61) == 0
        assert worth(customer.does(70, "product_viewed"), 70) > 0, "and a return brings it back"


amounts: Final = st.floats(1.0, 500.0)
histories: Final = st.lists(st.integers(0, 300), min_size=1, max_size=6, unique=True).map(sorted)


@settings(max_examples=examples(40))
@given(histories, amounts, st.floats(0.0, 0.5), st.floats(0.01, 0.5))
def test_more_margin_and_more_spend_are_more_value(
    days: list[int], amount: float, share: float, further: float
) -> None:
    day = days[-1] + 20
    less = worth(bought(MBG, *days, amount=amount, margin=round(amount * share, 2)), day)
    more = worth(bought(MBG, *days, amount=amount, margin=round(amount * (share + further) + 0.01, 2)), day)
    assert more > less
    dearer = worth(bought(MBG, *days, amount=amount + 10), day)
    assert dearer > worth(bought(MBG, *days, amount=amount), day)


@settings(max_examples=examples(40))
@given(histories, st.integers(1, 200))
def test_silence_a_higher_rate_and_a_nearer_horizon_are_less_value(days: list[int], silence: int) -> None:
    customer = bought(MBG, *days)
    now, later = worth(customer, days[-1]), worth(customer, days[-1] + silence)
    assert later < now
    row, at = customer.row, at_day(days[-1])
    assert clv(row, with_rules(MBG.rules, annual_rate=0.5), at) < now * 100
    assert clv(row, with_rules(MBG.rules, clv_horizon_ms=365 * DAY), at) < now * 100


def test_what_came_back_is_neither_spend_nor_margin() -> None:
    kept = bought(MBG, 0, 20)
    customer = bought(MBG, 0, 20).all((20, "order_completed", 80.0, {"order": "a"}))
    assert worth(customer, 20) > worth(kept, 20)
    customer.does(20, "order_refunded", amount=80.0, order="a")
    assert worth(customer, 20) == pytest.approx(worth(kept, 20))
    assert margin_share(customer.row, MBG.rules) == pytest.approx(0.3)


def test_the_share_of_margin_is_the_policys_where_nothing_was_kept_and_never_beyond_all() -> None:
    customer = Customer().does(0, "order_completed", amount=50.0, margin=50.0, order="a")
    assert margin_share(customer.row, MBG.rules) == 1.0
    customer.does(1, "order_refunded", amount=50.0, order="a")
    assert margin_share(customer.row, MBG.rules) == pytest.approx(0.3)
    assert margin_share(bought(MBG, 0, margin=900.0).row, MBG.rules) == 1.0
    assert margin_share(bought(MBG, 0, margin=-900.0).row, MBG.rules) == -1.0


def test_spend_is_that_of_a_purchase_day() -> None:
    customer = Customer().all(
        (0, "order_completed", 20.0), (0.2, "order_completed", 30.0), (9, "order_completed", 50.0)
    )
    assert count_days(customer.row) == 2
    assert worth(customer, 9) == pytest.approx(worth(bought(MBG, 0, 9), 9))
    assert expected_spend(6.25, 3.74, 1544.0, 2.0, 5000.0) == pytest.approx(6.25 * 11_544 / 15.24)
