"""The present value of purchases to come, held against published values, adaptive integration and undiscounted ones."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, hyp2f1

from processors.models.churn import bg_p_alive
from processors.models.discounting import _mean_over_p, continuous_rate, discounted_alive, survivor_mean
from processors.models.purchasing import expected_alive

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

# What is promised are three digits.
CLOSE = 1.2e-3
BG_CDNOW = (0.243, 4.414, 0.793, 2.426)
MBG_CDNOW = (0.525, 6.183, 0.891, 1.614)
Parameters = tuple[float, float, float, float]
positive = st.floats(-3.0, 3.0).map(lambda v: float(np.exp(v)))
parameters = st.tuples(positive, positive, positive, positive)


def test_the_published_value_without_an_end() -> None:
    """Fader, Hardie & Lee's discounted expected transactions under BG/NBD; beyond 45/δ a purchase is worth nothing."""
    r, alpha, a, b = BG_CDNOW
    alive = bg_p_alive(*BG_CDNOW, 2.0, 30.43, 38.86)
    got = alive * discounted_alive(r + 2.0, alpha + 38.86, a, b + 2.0, 45.0 / 0.0027, 0.0027)
    assert got == pytest.approx(5.15638, rel=CLOSE)


def test_an_annual_rate_is_compounded_over_its_units() -> None:
    delta = continuous_rate(0.15, 365.25 / 7)
    assert delta == pytest.approx(0.0026786, abs=1e-7)
    assert math.exp(-delta * 365.25 / 7) == pytest.approx(1 / 1.15)


@pytest.mark.parametrize(
    ("r", "alpha", "a", "b"),
    [(0.525, 6.183, 0.891, 2.614), (4.5, 40.0, 0.8, 6.0), (60.0, 30.0, 2.0, 50.0), (0.1, 0.2, 9.0, 0.3)],
)
@pytest.mark.parametrize(("horizon", "delta"), [(0.5, 0.0018), (156.0, 0.0018), (1500.0, 0.05), (156.0, 2.0)])
def test_double_integrals_give_the_same(
    r: float, alpha: float, a: float, b: float, horizon: float, delta: float
) -> None:
    """∫ over p of its density times ∫ over s of e^(−δs)·r/α·(1 + ps/α)^−(r+1), the inner one by adaptive quadrature."""

    def of_time(p: float) -> float:
        def arriving(v: float) -> float:
            s = math.expm1(v)
            return math.exp(v - delta * s - (r + 1) * math.log1p(p * s / alpha))

        return quad(arriving, 0.0, math.log1p(horizon), epsabs=0.0, epsrel=1e-9, limit=200)[0]

    def weighted(u: float) -> float:
        log_p, log_rest = -math.log1p(math.exp(-u)), -math.log1p(math.exp(u))
        return math.exp(a * log_p + b * log_rest - betaln(a, b)) * of_time(math.exp(log_p))

    wanted = r / alpha * quad(weighted, -40.0 / min(a, 1.0), 40.0 / min(b, 1.0), epsabs=0.0, epsrel=1e-8, limit=400)[0]
    assert discounted_alive(r, alpha, a, b, horizon, delta) == pytest.approx(wanted, rel=CLOSE)


@compiles
@given(parameters, st.floats(-6.0, 7.0).map(math.exp))
def test_the_mean_over_survivors_is_2f1_by_any_way(p: Parameters, z: float) -> None:
    r, _, a, b = p
    got = survivor_mean(r, a, b, z, 1e-10)
    assert survivor_mean(r, a, b, z, 1e-5) == pytest.approx(got, rel=1e-4)
    assert got == pytest.approx(_mean_over_p(r, a, b, z), rel=1e-8, abs=1e-15)
    if z < 0.9:
        assert got == pytest.approx(float(hyp2f1(r + 1, a, a + b, -z)), rel=1e-8)


@compiles
@given(parameters, st.floats(0.001, 5000.0))
def test_without_a_discount_it_is_the_number_of_purchases(p: Parameters, horizon: float) -> None:
    assert discounted_alive(*p, horizon, 0.0) == pytest.approx(expected_alive(*p, horizon), rel=CLOSE)


@compiles
@given(parameters, st.integers(0, 10_000), st.floats(0.01, 5000.0), st.floats(0.01, 5000.0), st.floats(0.0, 0.5))
def test_laws_at_any_scale(p: Parameters, x: int, age: float, horizon: float, delta: float) -> None:
    then = (p[0] + x, p[1] + age, p[2], p[3] + x)
    got = discounted_alive(*then, horizon, delta)
    most = expected_alive(*then, horizon)
    assert 0.0 <= got <= most * (1 + CLOSE)
    assert got >= most * math.exp(-delta * horizon) * (1 - CLOSE)
    assert got <= discounted_alive(*then, 1.5 * horizon, delta) * (1 + 2 * CLOSE)
    assert got >= discounted_alive(*then, horizon, 2 * delta + 1e-3) * (1 - 2 * CLOSE)
    assert got <= (p[0] + x) / (p[1] + age) * horizon * (1 + CLOSE)


def test_the_ends_of_the_range() -> None:
    assert discounted_alive(*MBG_CDNOW, 0.0, 0.01) == 0.0
    assert discounted_alive(*MBG_CDNOW, -1.0, 0.01) == 0.0
    # a > 1: everybody leaves some day, after E[1/p] purchases.
    assert discounted_alive(0.5, 6.0, 3.0, 4.0, 1e9, 0.0) == pytest.approx(3.0, rel=CLOSE)
    # Nobody leaves: a perpetuity at the mean rate.
    assert discounted_alive(3.0, 6.0, 1e-9, 1e7, 1e4, 0.05) == pytest.approx(0.5 / 0.05, rel=CLOSE)


PLAIN = """
from processors.models.discounting import discounted_alive
from processors.models.pareto import pareto_expected_conditional
from processors.models.spend import expected_spend
print(discounted_alive(2.243, 43.27, .793, 4.426, 156., .0027))
print(discounted_alive(920., 42., .5, 906., 156., .0018))
print(pareto_expected_conditional(.563, 12.56, .408, 10.51, 7., 35., 77.86, 156.))
print(expected_spend(6.25, 3.74, 15.44, 2., 22.35))
"""


@pytest.mark.slow
def test_plain_python_says_the_same() -> None:
    root = Path(__file__).parents[2]

    def said(**environment: str) -> list[float]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PLAIN],
            cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [float(line) for line in done.stdout.split()]

    assert said(NUMBA_DISABLE_JIT="1") == pytest.approx(said(), rel=1e-12)
