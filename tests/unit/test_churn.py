"""P(alive), the risk and the crossings, held against published values and against the likelihood itself."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models import churn
from processors.models.likelihood import bg_log_likelihood, mbg_log_likelihood

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

BG_CDNOW = (0.2426, 4.4136, 0.7929, 2.4259)
MBG_CDNOW = (0.525, 6.183, 0.891, 1.614)

parameters = st.tuples(st.floats(0.02, 20.0), st.floats(0.01, 500.0), st.floats(0.01, 50.0), st.floats(0.01, 50.0))
unit = st.floats(0.0, 1.0)


@st.composite
def histories(draw: st.DrawFn, least: int = 0, longest: float = 10_000.0) -> tuple[float, float, float]:
    """(x, t_x, T) of somebody whose first purchase was at 0."""
    x = draw(st.integers(least, 10_000))
    age = draw(st.floats(0.01, longest))
    return float(x), (age * draw(unit) if x else 0.0), age


def test_the_published_p_alive_is_reproduced() -> None:
    assert churn.bg_p_alive(*BG_CDNOW, 26.0, 30.857, 31.0) == pytest.approx(0.96885, abs=5e-6)


def test_bgnbd_is_certain_of_a_customer_with_one_purchase_and_mbgnbd_is_not() -> None:
    assert churn.bg_p_alive(*BG_CDNOW, 0.0, 0.0, 500.0) == 1.0
    assert churn.bg_crossing(*BG_CDNOW, 0.0, 0.0, 0.5) == math.inf
    assert 0.0 < churn.mbg_p_alive(*MBG_CDNOW, 0.0, 0.0, 500.0) < 0.2
    assert math.isfinite(churn.mbg_crossing(*MBG_CDNOW, 0.0, 0.0, 0.5))


@compiles
@given(parameters, histories(longest=200.0), st.floats(0.01, 100.0))
def test_the_risk_is_the_likelihood_of_staying_silent_longer(
    p: tuple[float, float, float, float], history: tuple[float, float, float], horizon: float
) -> None:
    """P(nothing in (T, T+h] | history) is L(x, t_x, T+h) / L(x, t_x, T)."""
    x, t_x, age = history
    x = min(x, 50.0)  # the difference of two large logs has no digits beyond

    def log_likelihood(of: object, until: float) -> float:
        function = bg_log_likelihood if of is churn.bg_p_no_purchase else mbg_log_likelihood
        return function(np.array(p), np.array([int(x)]), np.array([t_x]), np.array([until]), np.empty(4))

    for risk in (churn.bg_p_no_purchase, churn.mbg_p_no_purchase):
        expected = math.exp(log_likelihood(risk, age + horizon) - log_likelihood(risk, age))
        assert risk(*p, x, t_x, age, horizon) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@compiles
@given(parameters, histories(least=1), st.floats(0.001, 0.999))
def test_at_the_crossing_p_alive_is_the_threshold(
    p: tuple[float, float, float, float], history: tuple[float, float, float], threshold: float
) -> None:
    x, t_x, _ = history
    for crossing, p_alive in ((churn.bg_crossing, churn.bg_p_alive), (churn.mbg_crossing, churn.mbg_p_alive)):
        at = crossing(*p, x, t_x, threshold)
        assert at >= t_x
        fresh = p_alive(*p, x, t_x, t_x)
        if fresh <= threshold:
            assert at == t_x
        elif at < 1e12:
            assert abs(p_alive(*p, x, t_x, at) - threshold) <= 1e-9


def test_a_crossing_is_the_closed_form_and_clamped_to_the_last_purchase() -> None:
    r, alpha, a, b = MBG_CDNOW
    x, t_x, c = 3.0, 20.0, 0.4
    closed = (alpha + t_x) * ((1 - c) * (b + x) / (c * a)) ** (1 / (r + x)) - alpha
    assert churn.mbg_crossing(r, alpha, a, b, x, t_x, c) == pytest.approx(closed, rel=1e-14)
    closed = (alpha + t_x) * ((1 - c) * (b + x - 1) / (c * a)) ** (1 / (r + x)) - alpha
    assert churn.bg_crossing(r, alpha, a, b, x, t_x, c) == pytest.approx(closed, rel=1e-14)
    assert churn.mbg_crossing(r, alpha, a, b, 0.0, 0.0, 0.99) == 0.0
    assert churn.mbg_crossing(r, alpha, a, b, x, t_x, 1.0) == t_x
    assert churn.mbg_crossing(r, alpha, a, b, x, t_x, 0.0) == math.inf
    assert churn.mbg_crossing(0.0001, alpha, a, b, 0.0, 0.0, 0.001) == math.inf


@compiles
@given(parameters, histories())
def test_right_after_a_purchase_p_alive_is_at_least_b_over_a_plus_b(
    p: tuple[float, float, float, float], history: tuple[float, float, float]
) -> None:
    x, t_x, _ = history
    lowest = p[3] / (p[2] + p[3])
    assert churn.mbg_p_alive(*p, x, t_x, t_x) >= lowest - 1e-12
    assert churn.bg_p_alive(*p, x, t_x, t_x) >= lowest - 1e-12
    assert churn.mbg_p_alive(*p, 0.0, 0.0, 0.0) == pytest.approx(lowest, rel=1e-12)
    assert churn.bg_p_alive(*p, 1.0, 1.0, 1.0) == pytest.approx(lowest, rel=1e-12)


@compiles
@given(parameters, histories(), st.floats(0.0, 10_000.0))
def test_probabilities_stay_probabilities_at_any_scale(
    p: tuple[float, float, float, float], history: tuple[float, float, float], horizon: float
) -> None:
    for p_alive, risk in (
        (churn.bg_p_alive, churn.bg_p_no_purchase),
        (churn.mbg_p_alive, churn.mbg_p_no_purchase),
    ):
        alive = p_alive(*p, *history)
        silent = risk(*p, *history, horizon)
        assert 0.0 <= alive <= 1.0
        assert 1.0 - alive - 1e-12 <= silent <= 1.0
        assert risk(*p, *history, 0.0) == pytest.approx(1.0)


def test_ten_thousand_purchases_followed_by_as_long_a_silence_are_the_end() -> None:
    assert churn.mbg_p_alive(*MBG_CDNOW, 10_000.0, 5_000.0, 5_000.0) > 0.9999
    assert churn.mbg_p_alive(*MBG_CDNOW, 10_000.0, 100.0, 10_000.0) == 0.0
    assert churn.mbg_p_no_purchase(*MBG_CDNOW, 10_000.0, 100.0, 10_000.0, 52.0) == 1.0
