"""Figures of forecasts, each against a small case worked by hand or against its definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from streams.fitting.metrics import area_under_curve, brier, calibration_error, correlation, decile_lift, metrics


def test_a_case_by_hand() -> None:
    actual = np.array([0.0, 2.0, 0.0, 1.0])
    expected = np.array([0.5, 1.5, 0.5, 0.5])
    risk = np.array([0.85, 0.2, 0.4, 0.4])
    found = metrics(actual, expected, risk)
    assert found.rmse == pytest.approx(math.sqrt((0.25 + 0.25 + 0.25 + 0.25) / 4))
    # Pairs (silent, buying): .85 above both; .4 above .2, and level with .4.
    assert found.auc == pytest.approx((2 + 1 + 0.5) / 4)
    assert found.brier == pytest.approx((0.15**2 + 0.2**2 + 0.6**2 + 0.4**2) / 4)
    # Bins: .85 against 1; .2 against 0; two of .4 against a half.
    assert found.ece == pytest.approx((0.15 + 0.2 + 2 * 0.1) / 4)
    assert found.lift == pytest.approx(1.0 / 0.5)
    assert found.r == pytest.approx(np.corrcoef(expected, actual)[0, 1])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_the_area_is_the_mann_whitney_statistic(cases: list[tuple[bool, int]]) -> None:
    gone = np.array([silent for silent, _ in cases])
    risk = np.array([level / 5 for _, level in cases])
    got = area_under_curve(gone, risk)
    if gone.all() or not gone.any():
        assert math.isnan(got)
        return
    wanted = mannwhitneyu(risk[gone], risk[~gone]).statistic / (gone.sum() * (~gone).sum())
    assert got == pytest.approx(float(wanted))
    assert area_under_curve(gone, 1.0 - risk) == pytest.approx(1.0 - got)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 1.0)), min_size=1, max_size=60))
def test_errors_stay_within_their_limits(cases: list[tuple[bool, float]]) -> None:
    gone, risk = np.array([silent for silent, _ in cases]), np.array([level for _, level in cases])
    assert 0.0 <= brier(gone, risk) <= 1.0
    assert 0.0 <= calibration_error(gone, risk) <= math.sqrt(brier(gone, risk)) + 1e-12
    assert brier(gone, gone.astype(np.float64)) == calibration_error(gone, gone.astype(np.float64)) == 0.0


def test_a_forecast_that_says_the_same_of_everybody_has_no_lift_whatever_their_order() -> None:
    gone = np.array([False] * 5 + [True] * 15)
    assert decile_lift(gone, np.full(20, 0.5)) == pytest.approx(1.0)
    assert decile_lift(gone, np.linspace(0.0, 1.0, 20)) == pytest.approx(4.0)
    assert math.isnan(decile_lift(np.ones(20, np.bool_), np.full(20, 0.5)))
    assert math.isnan(correlation(np.zeros(3), np.arange(3.0)))
