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

from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.discounting import (
    _mean_over_p,
    bg_discounted,
    continuous_rate,
    discounted_alive,
    mbg_discounted,
    survivor_mean,
)
from processors.models.purchasing import bg_expected_conditional, expected_alive, mbg_expected_conditional

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

BG_CDNOW = (0.243, 4.414, 0.793, 2.426)
MBG_CDNOW = (0.525, 6.183, 0.891, 1.614)
Parameters = tuple[float, float, float, float]
positive = st.floats(-3.0, 3.0).map(lambda v: float(np.exp(v)))
parameters = st.tuples(positive, positive, positive, positive)


def test_the_published_value_without_an_end() -> None:
    assert bg_discounted(*BG_CDNOW, 2.0, 30.43, 38.86, math.inf, 0.0027) == pytest.approx(5.15638, abs=5e-6)


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
    assert discounted_alive(r, alpha, a, b, horizon, delta) == pytest.approx(wanted, rel=1e-6)


@compiles
@given(parameters, st.floats(-6.0, 7.0).map(math.exp))
def test_the_mean_over_survivors_is_2f1_by_any_way(p: Parameters, z: float) -> None:
    r, _, a, b = p
    got = survivor_mean(r, a, b, z)
    assert got == pytest.approx(_mean_over_p(r, a, b, z), rel=1e-8, abs=1e-15)
    if z < 0.9:
        assert got == pytest.approx(float(hyp2f1(r + 1, a, a + b, -z)), rel=1e-8)


@compiles
@given(parameters, st.floats(0.001, 5000.0))
def test_without_a_discount_it_is_the_number_of_purchases(p: Parameters, horizon: float) -> None:
    assert discounted_alive(*p, horizon, 0.0) == pytest.approx(expected_alive(*p, horizon), rel=1e-6)


@compiles
@given(
    parameters,
    st.integers(0, 10_000),
    st.floats(0.0, 1.0),
    st.floats(0.01, 5000.0),
    st.floats(0.01, 5000.0),
    st.floats(0.0, 0.5),
)
def test_laws_at_any_scale(p: Parameters, x: int, last: float, age: float, horizon: float, delta: float) -> None:
    history = (float(x), age * last if x else 0.0, age)
    for worth, plain, alive in (
        (bg_discounted, bg_expected_conditional, bg_p_alive),
        (mbg_discounted, mbg_expected_conditional, mbg_p_alive),
    ):
        got = worth(*p, *history, horizon, delta)
        most = plain(*p, *history, horizon)
        assert 0.0 <= got <= most * (1 + 1e-6)
        assert got >= most * math.exp(-delta * horizon) * (1 - 1e-6)
        assert got <= worth(*p, *history, 1.5 * horizon, delta) * (1 + 1e-6)
        assert got >= worth(*p, *history, horizon, 2 * delta + 1e-3) * (1 - 1e-6)
        assert got <= alive(*p, *history) * (p[0] + x) / (p[1] + age) * horizon * (1 + 1e-6)


def test_the_ends_of_the_range() -> None:
    assert discounted_alive(*MBG_CDNOW, 0.0, 0.01) == 0.0
    assert discounted_alive(*MBG_CDNOW, -1.0, 0.01) == 0.0
    # a <= 1: enough customers all but never leave.
    assert discounted_alive(*MBG_CDNOW, math.inf, 0.0) == math.inf
    assert discounted_alive(0.5, 6.0, 3.0, 4.0, math.inf, 0.0) == pytest.approx(3.0)
    assert discounted_alive(0.5, 6.0, 3.0, 4.0, 1e9, 0.0) == pytest.approx(3.0, rel=1e-3)
    # Nobody leaves: a perpetuity at the mean rate.
    assert discounted_alive(3.0, 6.0, 1e-9, 1e7, math.inf, 0.05) == pytest.approx(0.5 / 0.05, rel=1e-6)


PLAIN = """
import math
from processors.models.discounting import bg_discounted, mbg_discounted
from processors.models.pareto import pareto_discounted
from processors.models.spend import expected_spend
print(bg_discounted(.243, 4.414, .793, 2.426, 2., 30.43, 38.86, math.inf, .0027))
print(mbg_discounted(20., 3., .5, 5., 900., 30.43, 38.86, 156., .0018))
print(pareto_discounted(.563, 12.56, .408, 10.51, 7., 35., 77.86, 156., .0027))
print(expected_spend(6.25, 3.74, 15.44, 2., 22.35))
"""


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
