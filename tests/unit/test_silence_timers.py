"""Timers at closed-form crossings find what a scan of every customer on every day finds, on CDNOW's whole cohort."""

import numpy as np
import numpy.typing as npt
import pytest
from cdnow_purchases import LOG_END, calibration, day_number, purchases

from processors.models.churn import mbg_crossing
from streams.fitting.estimate import Estimate, estimate

THRESHOLD = 0.5
Integers = npt.NDArray[np.int64]
Crossings = set[tuple[int, int]]  # (customer, repeat purchases so far)


@pytest.fixture(scope="module")
def fitted() -> Estimate:
    return estimate("mbgnbd", calibration("master"))


def test_the_cohort_gives_the_known_parameters(fitted: Estimate) -> None:
    got = (fitted.r, fitted.alpha, fitted.a, fitted.b)
    assert got == pytest.approx((0.637, 7.310, 0.807, 1.228), rel=1e-3)
    assert fitted.customers == 23_570


def crossings_by_timer(days: Integers, end: int, p: Estimate) -> list[int]:
    """After which purchases of one customer P(alive) falls to the threshold before the next purchase, or the end."""
    fired = []
    for x, day in enumerate(days.tolist()):
        until = int(days[x + 1]) if x + 1 < len(days) else end
        t_x = (day - int(days[0])) / 7
        at = int(days[0]) + 7 * mbg_crossing(p.r, p.alpha, p.a, p.b, float(x), t_x, THRESHOLD)
        if at <= until:
            fired.append(x)
    return fired


def crossings_by_daily_scan(pairs: Integers, end: int, p: Estimate) -> Crossings:
    """Who is at or under the threshold at the start of any day, before that day's purchases count."""
    customers, start = np.unique(pairs[:, 0], return_index=True)
    stop = np.append(start[1:], len(pairs))
    first, newest = pairs[start, 1], start.copy()
    found: Crossings = set()
    for day in range(int(first.min()) + 1, end + 1):
        began = first < day
        x = newest - start
        now, t_x = np.maximum(day - first, 0) / 7, (pairs[newest, 1] - first) / 7
        odds = p.a / (p.b + x) * ((p.alpha + now) / (p.alpha + t_x)) ** (p.r + x)
        under = began & (1.0 / (1.0 + odds) <= THRESHOLD)
        found.update(zip(customers[under].tolist(), x[under].tolist(), strict=True))
        following = np.minimum(newest + 1, len(pairs) - 1)
        newest = np.where((newest + 1 < stop) & (pairs[following, 1] == day), following, newest)
    return found


def test_timers_find_exactly_what_a_daily_scan_finds(fitted: Estimate) -> None:
    """29,505 crossings. One of them hangs on the parameters' fourth digit: customer 20872 reaches the threshold two
    minutes before the day of the next purchase begins, so that a fit stopped a little earlier finds 29,504.
    """
    pairs, end = purchases("master"), day_number(LOG_END)
    customers, start = np.unique(pairs[:, 0], return_index=True)
    by_timer = {
        (customer, x)
        for customer, days in zip(customers.tolist(), np.split(pairs[:, 1], start[1:]), strict=True)
        for x in crossings_by_timer(days, end, fitted)
    }
    assert by_timer == crossings_by_daily_scan(pairs, end, fitted)
    assert len(by_timer) == 29_505
