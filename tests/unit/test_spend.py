"""Gamma-Gamma, held against the published figures on CDNOW and against integrals over its two gamma distributions."""

import math

import numpy as np
import pytest
from cdnow_spend import repeat_spend
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, psi
from scipy.stats import gamma as gamma_distribution

from processors.models.gamma import digamma, log_gamma_ratio
from processors.models.spend import expected_spend, spend_log_likelihood

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

CDNOW = (6.25, 3.74, 15.44)
positive = st.floats(-3.0, 3.0).map(lambda v: float(np.exp(v)))


def test_the_published_log_likelihood_and_its_maximum_are_those_of_cdnow() -> None:
    x, mean = repeat_spend()
    again = x > 0
    gradient = np.empty(3)
    assert again.sum() == 946
    assert spend_log_likelihood(np.array(CDNOW), x[again], mean[again], gradient) == pytest.approx(-4055.92, abs=0.01)
    # The parameters are printed to three digits: the slope is that of a summit close by.
    assert np.abs(gradient * np.array(CDNOW)).max() < 5.0


def test_the_published_conditional_means_of_the_first_ten_customers() -> None:
    x, mean = repeat_spend()
    got = [expected_spend(*CDNOW, *customer) for customer in zip(x[:10], mean[:10], strict=True)]
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert got == pytest.approx(published, abs=0.1)


@pytest.mark.parametrize(("x", "mean"), [(1.0, 12.0), (3.0, 40.0), (9.0, 0.5)])
def test_density_and_mean_are_those_of_mixed_gammas(x: float, mean: float) -> None:
    """m | ν ~ Gamma(px, νx), ν ~ Gamma(q, γ), and E[M] = E[p/ν | m]."""
    p, q, g = 2.5, 3.2, 15.0

    def joint(nu: float) -> float:
        own = gamma_distribution.pdf(mean, p * x, scale=1.0 / (nu * x))
        return float(own * gamma_distribution.pdf(nu, q, scale=1.0 / g))

    density = quad(joint, 0.0, np.inf, epsabs=0.0)[0]
    got = spend_log_likelihood(np.array([p, q, g]), np.array([x]), np.array([mean]), np.empty(3))
    assert got == pytest.approx(math.log(density), abs=1e-6)
    wanted = quad(lambda nu: p / nu * joint(nu), 0.0, np.inf, epsabs=0.0)[0] / density
    assert expected_spend(p, q, g, x, mean) == pytest.approx(wanted, rel=1e-6)


@compiles
@given(positive, positive, positive, st.integers(0, 1000))
def test_the_gradient_is_the_slope(p: float, q: float, g: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, mean = rng.integers(1, 60, 20).astype(float), rng.lognormal(3.0, 1.5, 20)
    at, gradient, ignored = np.array([p, q, g]), np.empty(3), np.empty(3)
    spend_log_likelihood(at, x, mean, gradient)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-5 * at[i]
        up = spend_log_likelihood(at + step, x, mean, ignored)
        down = spend_log_likelihood(at - step, x, mean, ignored)
        assert gradient[i] * at[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-3)


@compiles
@given(positive, positive, positive, st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_the_mean_lies_between_the_customers_own_and_that_of_all(
    p: float, q: float, g: float, x: float, mean: float, more: float
) -> None:
    q += 1.0
    everybody = p * g / (q - 1.0)
    assert expected_spend(p, q, g, 0.0, mean) == pytest.approx(everybody, rel=1e-12)
    got = expected_spend(p, q, g, x, mean)
    assert min(mean, everybody) * (1 - 1e-9) <= got <= max(mean, everybody) * (1 + 1e-9)
    assert expected_spend(p, q, g, x, mean + more) >= got
    assert abs(expected_spend(p, q, g, x * 2 + 1, mean) - mean) <= abs(got - mean) * (1 + 1e-9) + 1e-9 * mean


def test_amounts_without_a_mean_say_so() -> None:
    assert expected_spend(2.0, 0.9, 5.0, 0.0, 0.0) == math.inf
    assert math.isfinite(expected_spend(2.0, 0.9, 5.0, 1.0, 3.0))


def test_who_has_returned_more_than_was_bought_is_no_worse_than_one_who_spent_nothing() -> None:
    assert expected_spend(*CDNOW, 3.0, -200.0) == expected_spend(*CDNOW, 3.0, 0.0) > 0.0


@compiles
@given(st.floats(-9.0, 16.0).map(lambda v: float(np.exp(v))), positive)
def test_digamma_and_the_ratio_of_gammas_are_scipys(z: float, more: float) -> None:
    assert digamma(z) == pytest.approx(float(psi(z)), rel=1e-12, abs=1e-12)
    if z < 1e3:
        wanted = float(gammaln(z + more) - gammaln(z))
        assert log_gamma_ratio(z, more) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert log_gamma_ratio(z, 1.0) == pytest.approx(math.log(z), rel=1e-12, abs=1e-12)
