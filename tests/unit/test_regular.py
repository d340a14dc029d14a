"""MBG/CNBD-k: with k = 1 it is MBG/NBD, with others a double integral; k is found in simulated customers."""

import math

import numpy as np
import pytest
from cdnow_purchases import calibration
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma
from support.simulated_shop import GROCERY, rows

from processors.models.churn import mbg_p_no_purchase
from processors.models.likelihood import mbg_log_likelihood
from processors.models.purchasing import mbg_expected_conditional
from streams.fitting.histories import Histories, histories_of
from streams.fitting.purchases import PurchaseDays
from streams.fitting.regular import Regular, _log_likelihood, estimate_regular, forecast_regular

compiles = settings(deadline=None)

MBG = (0.525, 6.183, 0.891, 1.614)


def one(x: int, t_x: float, age: float) -> Histories:
    return Histories(np.array([x]), np.array([t_x]), np.array([age]), 0, 0)


def test_one_step_is_mbg_nbd() -> None:
    seen = calibration("sample")
    wanted = mbg_log_likelihood(np.array(MBG), seen.x, seen.t_x, seen.age, np.empty(4))
    assert _log_likelihood(1, np.array(MBG), seen, 123.0) == pytest.approx(wanted, rel=1e-10)
    risk, expected = forecast_regular(Regular(1, MBG, 0.0), seen, 39.0)
    for i in (0, 3, 100, 2000):
        history = (float(seen.x[i]), float(seen.t_x[i]), float(seen.age[i]), 39.0)
        assert risk[i] == pytest.approx(mbg_p_no_purchase(*MBG, *history), rel=1e-9)
        assert expected[i] == pytest.approx(mbg_expected_conditional(*MBG, *history), rel=1e-7)


@pytest.mark.parametrize(("k", "intervals", "silence"), [(2, (3.0, 1.5), 4.0), (3, (2.0, 2.5, 1.8), 0.7), (4, (), 9.0)])
def test_the_likelihood_is_a_mean_over_rates_and_dropouts(k: int, intervals: tuple[float, ...], silence: float) -> None:
    r, alpha, a, b = 2.0, 1.5, 0.8, 4.0
    x = len(intervals)

    def given_rate(rate: float) -> float:
        bought = math.prod(gamma.pdf(t, k, scale=1.0 / rate) for t in intervals)
        waits = gamma.sf(silence, k, scale=1.0 / rate)
        # E[(1 − p)^(x+1)] and E[p·(1 − p)^x] over p ~ Beta(a, b).
        stays = math.prod((b + i) / (a + b + i) for i in range(x + 1))
        leaves = math.prod((b + i) / (a + b + i) for i in range(x)) - stays
        return float(bought * (stays * waits + leaves) * gamma.pdf(rate, r, scale=1.0 / alpha))

    wanted = quad(given_rate, 0.0, np.inf, epsabs=0.0, epsrel=1e-10)[0]
    t_x = math.fsum(intervals)
    logs = math.fsum(map(math.log, intervals))
    got = _log_likelihood(k, np.array([r, alpha, a, b]), one(x, t_x, t_x + silence), logs)
    assert got == pytest.approx(math.log(wanted), rel=1e-7)


@compiles
@given(st.integers(1, 12), st.integers(0, 500), st.floats(0.0, 1.0), st.floats(0.0, 500.0), st.floats(0.01, 500.0))
def test_risks_stay_probabilities_and_fall_with_the_horizon(
    k: int, x: int, last: float, age: float, horizon: float
) -> None:
    seen = one(x, age * last if x else 0.0, age)
    fitted = Regular(k, (2.0, 3.0, 0.6, 5.0), 0.0)
    nearer, fewer = forecast_regular(fitted, seen, horizon)
    further, more = forecast_regular(fitted, seen, 2 * horizon)
    assert 0.0 <= further[0] <= nearer[0] * (1 + 1e-9) <= 1.0 + 1e-9
    assert fewer[0] >= 0.0
    assert math.isfinite(more[0])


def test_the_regularity_of_simulated_customers_is_found() -> None:
    drawn = [(client, when[:10]) for client, when, _, _ in rows(GROCERY, 5)]
    customer, day = (np.array(column) for column in zip(*sorted(set(drawn)), strict=True))
    days = PurchaseDays(
        np.unique(customer, return_inverse=True)[1].astype(np.int64),
        day.astype("datetime64[D]").astype(np.int64),
        np.full(len(day), np.nan),
        (),
        int(day.astype("datetime64[D]").astype(np.int64).max()),
    )
    seen = histories_of(days, "week")
    fitted = estimate_regular(days, seen, 7.0, (3.0, 3.0, 0.5, 20.0))
    assert fitted.k == 4
    # A step is a quarter of a purchase: 4 · 7 days a week · mean rate 4/28 of purchases a day.
    r, alpha, a, b = fitted.parameters
    assert r / alpha == pytest.approx(4 * 7 * 4 / 28, rel=0.15)
    assert a / (a + b) == pytest.approx(0.5 / 20.5, rel=0.3)
