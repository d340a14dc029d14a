"""Gupta and Lehmann's closed form, held against its published example and the sum that it is."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.retention import retained_value

compiles = settings(deadline=None)


def test_the_published_example() -> None:
    assert retained_value(100.0, 0.8, 0.1, 0.0, 40.0) == pytest.approx(226.67, abs=0.005)
    assert retained_value(100.0, 0.8, 0.1, 0.0, 0.0) == pytest.approx(800 / 3)


@compiles
@given(
    st.floats(-1000.0, 1000.0),
    st.floats(0.0, 0.95),
    st.floats(0.05, 1.0),
    st.floats(-0.2, 0.04),
    st.floats(0.0, 1000.0),
)
def test_it_is_the_sum_of_discounted_margins(m: float, r: float, i: float, g: float, cost: float) -> None:
    summed = sum(m * (1 + g) ** (t - 1) * (r / (1 + i)) ** t for t in range(1, 1200))
    assert retained_value(m, r, i, g, cost) == pytest.approx(summed - cost, rel=1e-9, abs=1e-6)


def test_margins_that_outgrow_the_discount_have_no_end() -> None:
    assert retained_value(10.0, 1.0, 0.05, 0.05, 40.0) == math.inf
    assert retained_value(-10.0, 1.0, 0.05, 0.1, 40.0) == -math.inf
    assert retained_value(0.0, 1.0, 0.0, 0.0, 40.0) == -40.0
    assert retained_value(10.0, 0.0, 0.1, 0.0, 40.0) == -40.0
