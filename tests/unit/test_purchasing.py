"""Expected purchases, held against published values, Gauss's 2F1 and the risk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from processors.models import purchasing
from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.purchasing import _by_integral, _by_series

# The first example of a test may have to wait for the compiler.
compiles = settings(deadline=None)

BG_CDNOW = (0.2426, 4.4136, 0.7929, 2.4259)
MBG_CDNOW = (0.525, 6.183, 0.891, 1.614)


def published(r: float, alpha: float, a: float, b: float, t: float) -> float:
    """Fader, Hardie & Lee 2005, equation 9, as printed."""
    inner = hyp2f1(r, b, a + b - 1, t / (alpha + t)) * (alpha / (alpha + t)) ** r
    return float((a + b - 1) / (a - 1) * (1 - inner))


def test_the_published_expectations_are_reproduced() -> None:
    assert purchasing.bg_expected(*BG_CDNOW, 52.0) == pytest.approx(1.444, abs=5e-4)
    assert purchasing.bg_expected_conditional(*BG_CDNOW, 2.0, 30.43, 38.86, 39.0) == pytest.approx(1.226, abs=5e-4)


# The printed form divides by a + b − 1 inside 2F1 and by a − 1: keep scipy away from both poles.
away_from_the_poles = st.tuples(st.floats(1.2, 30.0), st.floats(0.1, 30.0)) | st.tuples(
    st.floats(0.05, 0.8), st.floats(1.0, 30.0)
)


@compiles
@given(st.floats(0.05, 30.0), st.floats(0.1, 50.0), away_from_the_poles, st.floats(0.5, 20.0))
def test_expectations_equal_the_printed_2f1_forms(r: float, alpha: float, ab: tuple[float, float], h: float) -> None:
    a, b = ab
    x, age = 3.0, 12.0
    assert purchasing.bg_expected(r, alpha, a, b, h) == pytest.approx(published(r, alpha, a, b, h), rel=1e-6, abs=1e-9)
    mbg = b / (a - 1) * (1 - (alpha / (alpha + h)) ** r * hyp2f1(r, b + 1, a + b, h / (alpha + h)))
    assert purchasing.mbg_expected(r, alpha, a, b, h) == pytest.approx(mbg, rel=1e-6, abs=1e-9)
    base = (alpha + age) / (alpha + age + h)
    bg = (a + b + x - 1) / (a - 1) * (1 - base ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, 1 - base))
    conditional = purchasing.bg_expected_conditional(r, alpha, a, b, x, 9.0, age, h)
    assert conditional == pytest.approx(bg * bg_p_alive(r, alpha, a, b, x, 9.0, age), rel=1e-6, abs=1e-9)
    mbg = (a + b + x) / (a - 1) * (1 - base ** (r + x) * hyp2f1(r + x, b + x + 1, a + b + x, 1 - base))
    conditional = purchasing.mbg_expected_conditional(r, alpha, a, b, x, 9.0, age, h)
    assert conditional == pytest.approx(mbg * mbg_p_alive(r, alpha, a, b, x, 9.0, age), rel=1e-6, abs=1e-9)


positive = st.floats(-4.0, 4.0).map(lambda v: float(np.exp(v)))


@compiles
@given(positive, st.floats(0.001, 50.0), positive, positive)
def test_the_series_and_the_integral_are_one_quantity(r: float, scale: float, a: float, b: float) -> None:
    if r * np.log1p(scale) < 650.0:
        assert _by_integral(r, scale, a, b) == pytest.approx(_by_series(r, scale, a, b), rel=1e-10)


def test_the_integral_is_right_where_the_series_cannot_go() -> None:
    """Concentrated dropout: with p fixed the expectation is (1 − (1 + p·s)^−r) / p."""
    a, b = 2e6, 8e6
    for r, scale in ((0.5, 12.0), (10_000.0, 50.0), (0.2, 1e6)):
        p = a / (a + b)
        assert _by_integral(r, scale, a, b) == pytest.approx(-np.expm1(-r * np.log1p(p * scale)) / p, rel=1e-6)


def test_nothing_happens_at_a_equal_to_one_where_the_printed_form_has_a_pole() -> None:
    """For a = b = 1, E = ∫ (1 − (1+ps)^−1)/p dp = ln(1+s), by hand."""
    for scale in (1e-9, 0.3, 5.0, 5e4):
        assert purchasing.expected_alive(1.0, 1.0, 1.0, 1.0, scale) == pytest.approx(np.log1p(scale), rel=1e-12)
    # r = 2, a = b = 1: ∫ s·(2+ps)/(1+ps)² dp = ln(1+s) + s/(1+s).
    assert purchasing.expected_alive(2.0, 1.0, 1.0, 1.0, 9.0) == pytest.approx(np.log(10.0) + 0.9, rel=1e-13)


def test_without_dropout_customers_go_on_at_their_rate() -> None:
    assert purchasing.expected_alive(3.0, 6.0, 1e-9, 1e7, 40.0) == pytest.approx(20.0, rel=1e-6)


def test_when_every_customer_leaves_at_once_one_purchase_is_left() -> None:
    assert purchasing.expected_alive(0.5, 2.0, 1e9, 1e-6, 6.0) == pytest.approx(1.0 - 4.0**-0.5, rel=1e-6)


@compiles
@given(st.floats(0.0, 10_000.0), st.floats(0.01, 10_000.0), st.floats(0.0, 10_000.0))
def test_expectations_grow_with_the_horizon_and_are_finite_at_any_scale(x: float, age: float, h: float) -> None:
    nearer = purchasing.mbg_expected_conditional_alive(*MBG_CDNOW, x, age, h)
    further = purchasing.mbg_expected_conditional_alive(*MBG_CDNOW, x, age, h * 1.5 + 1.0)
    assert 0.0 <= nearer < further <= (0.525 + x) * (h * 1.5 + 1.0) / (6.183 + age) * (1 + 1e-12)


def test_the_next_instant_brings_purchases_at_the_posterior_rate() -> None:
    h = 1e-9
    rate = (0.525 + 4.0) / (6.183 + 20.0)
    for alive in (purchasing.mbg_expected_conditional_alive, purchasing.bg_expected_conditional_alive):
        assert alive(*MBG_CDNOW, 4.0, 20.0, h) / h == pytest.approx(rate, rel=1e-6)


def test_the_plain_python_behind_the_compiled_code_says_the_same() -> None:
    plain = getattr(_by_integral, "py_func", _by_integral)
    assert plain(0.5, 12.0, 0.9, 2.6) == pytest.approx(_by_integral(0.5, 12.0, 0.9, 2.6), rel=1e-12)
