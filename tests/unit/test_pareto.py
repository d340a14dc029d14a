"""Pareto/NBD, held against published values, the printed 2F1 forms and double integrals over its rates."""

import math

import numpy as np
import pytest
from cdnow_purchases import calibration
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1

from processors.models import pareto
from processors.models.pareto_likelihood import pareto_log_likelihood

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

CDNOW = (0.553, 10.578, 0.606, 11.669)
Parameters = tuple[float, float, float, float]
positive = st.floats(-2.5, 2.5).map(lambda v: float(np.exp(v)))
parameters = st.tuples(positive, positive, positive, positive)


def test_the_published_log_likelihood_of_the_cdnow_sample() -> None:
    seen = calibration("sample")
    got = pareto_log_likelihood(np.array(CDNOW), seen.x, seen.t_x, seen.age, np.empty(4))
    assert got == pytest.approx(-9594.976, abs=0.005)


def printed_log_likelihood(p: Parameters, x: float, t_x: float, age: float) -> float:
    """Fader & Hardie 2005, with 2F1 in either of its two forms."""
    r, alpha, s, beta = p
    larger, smaller, second = (alpha, beta, s + 1) if alpha >= beta else (beta, alpha, r + x)
    total = r + s + x

    def term(t: float) -> float:
        argument = (larger - smaller) / (larger + t)
        return float(hyp2f1(total, second, total + 1, argument) / (larger + t) ** total)

    log_start = gammaln(r + x) - gammaln(r) + r * math.log(alpha) + s * math.log(beta)
    alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
    return float(log_start + math.log(alive + s / total * (term(t_x) - term(age))))


@compiles
@given(parameters, st.integers(0, 12), st.floats(0.0, 1.0), st.floats(0.5, 40.0))
def test_likelihood_and_p_alive_equal_the_printed_2f1_forms(p: Parameters, x: int, last: float, age: float) -> None:
    t_x = age * last if x else 0.0
    got = pareto_log_likelihood(np.array(p), np.array([x]), np.array([t_x]), np.array([age]), np.empty(4))
    assert got == pytest.approx(printed_log_likelihood(p, x, t_x, age), rel=1e-6, abs=1e-6)
    r, alpha, s, beta = p
    stays = gammaln(r + x) - gammaln(r) + r * math.log(alpha) + s * math.log(beta)
    stays -= (r + x) * math.log(alpha + age) + s * math.log(beta + age)
    assert pareto.pareto_p_alive(*p, float(x), t_x, age) == pytest.approx(math.exp(stays - got), rel=1e-7)


@compiles
@given(parameters, st.integers(0, 1000))
def test_the_gradient_is_the_slope(p: Parameters, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.integers(0, 5, 20), rng.integers(5, 300, 5), [0]])
    age = np.concatenate([rng.uniform(0.0, 80.0, 25), [0.0]])
    t_x = np.where(x > 0, age * rng.uniform(0.0, 1.0, 26), 0.0)
    at, gradient, ignored = np.array(p), np.empty(4), np.empty(4)
    pareto_log_likelihood(at, x, t_x, age, gradient)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5 * at[i]
        up = pareto_log_likelihood(at + step, x, t_x, age, ignored)
        down = pareto_log_likelihood(at - step, x, t_x, age, ignored)
        assert gradient[i] * at[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-3)


@compiles
@given(parameters, st.floats(0.1, 60.0))
def test_the_expectation_is_that_of_the_rates(p: Parameters, t: float) -> None:
    """E[X(t)] = E[λ] · ∫ P(alive at τ) dτ."""
    r, alpha, s, beta = p
    lived = quad(lambda tau: (beta / (beta + tau)) ** s, 0.0, t)[0]
    assert pareto.pareto_expected(*p, t) == pytest.approx(r / alpha * lived, rel=1e-7)


def test_nothing_happens_at_s_equal_to_one_where_the_printed_form_has_a_pole() -> None:
    near, at = (pareto.pareto_expected(0.5, 10.0, s, 12.0, 30.0) for s in (1.0 + 1e-9, 1.0))
    assert at == pytest.approx(0.05 * 12.0 * math.log1p(2.5), rel=1e-12)
    assert near == pytest.approx(at, rel=1e-8)


@compiles
@given(parameters, st.integers(0, 12), st.floats(0.0, 1.0), st.floats(0.5, 200.0), st.floats(0.1, 200.0))
def test_laws_of_the_risk_and_the_expectation(p: Parameters, x: int, last: float, age: float, h: float) -> None:
    history = (float(x), age * last if x else 0.0, age)
    alive = pareto.pareto_p_alive(*p, *history)
    risk = pareto.pareto_p_no_purchase(*p, *history, h)
    assert 0.0 <= alive <= 1.0
    assert 1.0 - alive - 1e-7 <= risk <= 1.0
    assert risk >= pareto.pareto_p_no_purchase(*p, *history, 2 * h) - 1e-7
    plain = pareto.pareto_expected_conditional(*p, *history, h)
    assert 0.0 <= plain <= pareto.pareto_expected_conditional(*p, *history, 2 * h)


@compiles
@given(parameters, st.integers(0, 12), st.floats(0.0, 1.0), st.floats(0.5, 40.0), st.floats(0.1, 60.0))
def test_the_expectation_is_that_of_who_is_alive(p: Parameters, x: int, last: float, age: float, h: float) -> None:
    """E[Y(h)] = P(alive) · E[λ | x, T] · ∫ over the horizon of P(alive at T + τ | alive at T) dτ."""
    r, alpha, s, beta = p
    history = (float(x), age * last if x else 0.0, age)
    lives = quad(lambda tau: ((beta + age) / (beta + age + tau)) ** s, 0.0, h)[0]
    wanted = pareto.pareto_p_alive(*p, *history) * (r + x) / (alpha + age) * lives
    assert pareto.pareto_expected_conditional(*p, *history, h) == pytest.approx(wanted, rel=1e-7)


def test_extreme_histories_stay_probabilities() -> None:
    assert pareto.pareto_p_alive(*CDNOW, 10_000.0, 100.0, 10_000.0) == 0.0
    assert pareto.pareto_p_alive(*CDNOW, 10_000.0, 10_000.0, 10_000.0) == 1.0
    assert pareto.pareto_p_no_purchase(*CDNOW, 10_000.0, 100.0, 10_000.0, 52.0) == pytest.approx(1.0, rel=1e-9)
    assert pareto.pareto_p_no_purchase(*CDNOW, 0.0, 0.0, 0.0, 1e-9) == pytest.approx(1.0, rel=1e-9)
