"""The log-likelihoods, held against the papers' formulas written with scipy's log-gammas, and their gradients."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln

from processors.models.likelihood import bg_log_likelihood, mbg_log_likelihood

Floats = npt.NDArray[np.float64]
compiles = settings(deadline=None)

positive = st.floats(-3.0, 3.0).map(lambda v: float(np.exp(v)))
parameters = st.tuples(positive, positive, positive, positive).map(np.array)


def customers(seed: int) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.integers(0, 5, 30), rng.integers(5, 300, 5), [0]])
    age = np.concatenate([rng.uniform(0.0, 80.0, 35), [0.0]])
    return x, np.where(x > 0, age * rng.uniform(0.0, 1.0, 36), 0.0), age


def bg_as_printed(p: Floats, x: npt.NDArray[np.int64], t_x: Floats, age: Floats) -> float:
    """Fader, Hardie & Lee 2005, equation 6."""
    r, alpha, a, b = p
    rates = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    leaves = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(rates + np.where(x > 0, np.logaddexp(stays, leaves), stays)))


def mbg_as_printed(p: Floats, x: npt.NDArray[np.int64], t_x: Floats, age: Floats) -> float:
    """Batislam, Denizel & Filiztekin 2007."""
    r, alpha, a, b = p
    rates = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + x + 1) - betaln(a, b) - (r + x) * np.log(alpha + age)
    leaves = betaln(a + 1, b + x) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(rates + np.logaddexp(stays, leaves)))


@compiles
@given(parameters, st.integers(0, 1000))
def test_the_printed_formulas_give_the_same(p: Floats, seed: int) -> None:
    seen = customers(seed)
    assert bg_log_likelihood(p, *seen, np.empty(4)) == pytest.approx(bg_as_printed(p, *seen), rel=1e-10)
    assert mbg_log_likelihood(p, *seen, np.empty(4)) == pytest.approx(mbg_as_printed(p, *seen), rel=1e-10)


@compiles
@given(parameters, st.integers(0, 1000))
def test_gradients_are_the_slopes(p: Floats, seed: int) -> None:
    seen = customers(seed)
    gradient, ignored = np.empty(4), np.empty(4)
    for likelihood in (bg_log_likelihood, mbg_log_likelihood):
        likelihood(p, *seen, gradient)
        for i in range(4):
            step = np.zeros(4)
            step[i] = 1e-5 * p[i]
            up, down = likelihood(p + step, *seen, ignored), likelihood(p - step, *seen, ignored)
            assert gradient[i] * p[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-3)


def test_digits_survive_where_dropout_is_degenerate() -> None:
    """With a + b = 10⁷ the coin flips are those of one p for all; a difference of log-gammas is off by far more."""
    p, r, alpha = 0.2, 0.5, 4.0
    x, t_x, age = customers(7)
    got = mbg_log_likelihood(np.array([r, alpha, p * 1e12, (1 - p) * 1e12]), x, t_x, age, np.empty(4))
    rates = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = (x + 1) * np.log(1 - p) - (r + x) * np.log(alpha + age)
    leaves = np.log(p) + x * np.log(1 - p) - (r + x) * np.log(alpha + t_x)
    assert got == pytest.approx(float(np.sum(rates + np.logaddexp(stays, leaves))), rel=1e-9)
