"""The spend model's fit: the published one, one that is recovered, and those that mean nothing."""

from typing import Any

import numpy as np
import pytest
from cdnow_spend import Floats, repeat_spend

from processors.models.spend import expected_spend
from streams.fitting.estimate import CannotFitError, Estimate
from streams.fitting.histories import Spending
from streams.fitting.spend import estimate_spend, spend_likelihood


def spending(x: Any, mean: Floats, silent: int = 0) -> Spending:
    return Spending(x.astype(np.float64), mean, silent, 0)


def simulated(seed: int, p: float, q: float, gamma: float, customers: int = 3000) -> Spending:
    chance = np.random.default_rng(seed)
    x = chance.geometric(0.3, customers)
    rate = chance.gamma(q, 1.0 / gamma, customers)
    return spending(x, chance.gamma(p * x, 1.0 / (rate * x)))


def test_the_published_fit_of_the_cdnow_sample() -> None:
    x, mean = repeat_spend()
    again = x > 0
    fitted = estimate_spend(spending(x[again], mean[again]))
    assert fitted.values == pytest.approx((6.25, 3.74, 15.44), rel=2e-3)
    assert fitted.log_likelihood == pytest.approx(-4055.92, abs=0.01)
    assert (fitted.customers, fitted.degenerate, fitted.warnings) == (946, False, ())
    assert spend_likelihood(fitted, spending(x[again], mean[again])) == pytest.approx(fitted.log_likelihood)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "q", "gamma"), [(1.5, 2.5, 40.0), (30.0, 5.0, 0.7), (0.6, 8.0, 9000.0)])
def test_parameters_are_recovered(p: float, q: float, gamma: float) -> None:
    """p and γ of steady spenders are hardly told apart: asked are the likelihood and the population's mean."""
    seen = simulated(7, p, q, gamma)
    fitted = estimate_spend(seen)
    true = Estimate("gammagamma", {"p": p, "q": q, "gamma": gamma}, 0.0, 0, False, ())
    assert not fitted.degenerate
    # Wilks: twice the gain over the truth is chi-square with 3 degrees of freedom; 16.3 is its 99.9 % quantile.
    assert 0.0 <= 2.0 * (fitted.log_likelihood - spend_likelihood(true, seen)) < 16.3
    p_found, q_found, gamma_found = fitted.values
    assert p_found * gamma_found / (q_found - 1.0) == pytest.approx(p * gamma / (q - 1.0), rel=0.05)


def test_constant_spends_are_degenerate() -> None:
    chance = np.random.default_rng(1)
    x = chance.integers(1, 9, 400)
    fitted = estimate_spend(spending(x, np.full(400, 9.99)))
    assert fitted.degenerate
    assert "p runs away: every customer spends the same at each purchase" in fitted.warnings[0]
    assert "q runs away: customers do not differ" in fitted.warnings[1]
    alike = estimate_spend(spending(x, chance.gamma(3.0 * x, 1.0 / (0.1 * x))))
    assert alike.parameters["q"] > 30.0 or alike.degenerate


def test_amounts_far_beyond_the_others_leave_no_mean() -> None:
    chance = np.random.default_rng(2)
    fitted = estimate_spend(spending(chance.integers(1, 9, 400), np.exp(3.0 * chance.standard_cauchy(400).clip(-4, 4))))
    assert fitted.parameters["q"] == pytest.approx(2.0), "so that there is one"
    assert fitted.degenerate
    assert "the spend of the population has no mean" in fitted.warnings[0]
    assert "q is held at 2" in fitted.warnings[0]


def test_one_whale_among_customers_who_do_not_differ_is_seen_and_said() -> None:
    chance = np.random.default_rng(4)
    x = chance.integers(1, 9, 345)
    mean = chance.gamma(50.0 * x, 40.0 / (50.0 * x))
    alike = estimate_spend(spending(x[1:], mean[1:]))
    mean[0] = 9_000.0
    fitted = estimate_spend(spending(x, mean))
    assert "1 of 345 customers spends so differently from all others (up to 9,000.00 a purchase" in fitted.warnings[0]
    assert "Check whether these amounts are real" in fitted.warnings[0]
    assert "q runs away" in fitted.warnings[1]
    assert fitted.values == pytest.approx(alike.values)
    assert fitted.customers == 344
    p, q, gamma = fitted.values
    assert p * gamma / (q - 1.0) == pytest.approx(40.0, rel=0.02), "the forecast is the mean of all"


def test_a_degenerate_model_forecasts_what_its_message_says() -> None:
    chance = np.random.default_rng(1)
    x = chance.integers(2, 9, 400)
    same = estimate_spend(spending(x, np.full(400, 9.99)))
    assert "p runs away" in same.warnings[0]
    p, q, gamma = same.values
    assert expected_spend(p, q, gamma, 0.0, 0.0) == pytest.approx(9.99, rel=1e-3)
    assert expected_spend(p, q, gamma, 3.0, 9.99) == pytest.approx(9.99, rel=1e-3)


def test_a_heavy_tail_is_no_set_of_outliers() -> None:
    seen = simulated(11, 1.0, 1.6, 20.0)
    assert seen.mean.max() > 50 * np.median(seen.mean)
    assert estimate_spend(seen).customers == len(seen.x)


def test_one_outlier_is_survived() -> None:
    seen = simulated(9, 4.0, 4.0, 60.0)
    mean = seen.mean.copy()
    mean[0] = 77_183.60
    fitted = estimate_spend(spending(seen.x, mean))
    assert not fitted.degenerate
    p, q, gamma = fitted.values
    assert p * gamma / (q - 1.0) == pytest.approx(80.0, rel=0.2)


def test_what_limits_the_answer_is_said() -> None:
    few = estimate_spend(spending(np.array([1, 2, 3, 1]), np.array([5.0, 7.0, 9.0, 4.0]), silent=3))
    assert any("3 customers who bought again without an amount" in warning for warning in few.warnings)
    assert any("only 4 customers have spend on a repeat day" in warning for warning in few.warnings)
    assert any("go together (correlation 0.9" in warning for warning in few.warnings)


@pytest.mark.parametrize(("silent", "said"), [(5, "map the column of the amounts"), (0, "first purchase is left out")])
def test_nothing_to_fit_on_says_what_is_missing(silent: int, said: str) -> None:
    with pytest.raises(CannotFitError, match=said):
        estimate_spend(Spending(np.empty(0), np.empty(0), silent, 0))
