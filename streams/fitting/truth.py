"""Truth out of sample: fit on the first part of a log, forecast the second, and compare with what came.

Beside the models stand naive forecasts. Who beats them only in the mean error knows nothing about customers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processors.policy.policy import MS_PER_UNIT
from streams.fitting.estimate import CannotFitError
from streams.fitting.forecasts import MODELS, Floats, Forecast, Window, forecast, window
from streams.fitting.metrics import Metrics, metrics
from streams.fitting.purchases import DAY_MS, NoPurchasesError, PurchaseDays
from streams.fitting.recalibration import covariates, learn
from streams.fitting.regular import estimate_regular, forecast_regular
from streams.fitting.worth import Worth, worth

# Past windows for the correction: the known part is cut in the ratio in which the whole is, and once more a bit later.
_LATER: Final = 0.85

ZERO: Final = "nobody buys"
HIATUS: Final = "hiatus only"
ALIVE: Final = "bgnbd, by P(alive)"
RECALIBRATED: Final = "mbgnbd, recalibrated"
REGULAR: Final = "mbgcnbd-k"


@dataclass(frozen=True)
class Row:
    """One way to forecast, and how good it was. ``note``: what should be known about it, "" where nothing."""

    name: str
    metrics: Metrics
    note: str = ""


@dataclass(frozen=True)
class Truth:
    """The table: ``silent`` is the share of the customers known at the cut who bought nothing until the end.

    ``worth``: the same for what they spent; empty in a log without amounts.
    """

    customers: int
    silent: float
    first: int
    cut: int
    end: int
    rows: tuple[Row, ...]
    worth: tuple[Worth, ...]

    def of(self, name: str) -> Metrics:
        """The figures of one row. Raises KeyError."""
        return {row.name: row.metrics for row in self.rows}[name]


def _past(days: PurchaseDays, unit: str, on: Window) -> list[Window]:
    """Windows that lie within what was known at the cut."""
    first = int(days.day.min())
    known, ahead = on.cut - first, on.end - on.cut
    lengths = {int(known * ahead / (known + ahead) * share) for share in (1.0, _LATER)}
    known_days = days.only(days.day <= on.cut)
    return [window(known_days, unit, on.cut - length, on.cut) for length in sorted(lengths) if length > 0]


def _hiatus_only(on: Window, past: list[Window], per_unit: float) -> Row:
    """The risk grows with the time since the last purchase alone; who is within the horizon goes on at the old rate."""

    def since(some: Window) -> Floats:
        hiatus: Floats = np.log1p((some.seen.age - some.seen.t_x) * per_unit)
        return hiatus[:, np.newaxis]

    even = [np.full(some.seen.customers, float(np.mean(some.actual == 0.0))) for some in past]
    gone = np.concatenate([some.actual == 0.0 for some in past])
    learnt = learn(np.concatenate(even), np.concatenate([since(some) for some in past]), gone)
    risk = learnt(np.full(on.seen.customers, float(gone.mean())), since(on))
    rate = on.seen.x / np.maximum(on.seen.age, 1.0 / per_unit)
    within = on.seen.age - on.seen.t_x <= on.horizon
    return Row(HIATUS, metrics(on.actual, np.where(within, rate * on.horizon, 0.0), risk))


def _recalibrated(on: Window, now: Forecast, past: list[Window], per_unit: float) -> Row:
    before = [forecast("mbgnbd", some) for some in past]
    learnt = learn(
        np.concatenate([some.risk for some in before]),
        np.concatenate([covariates(some.seen, per_unit) for some in past]),
        np.concatenate([some.actual == 0.0 for some in past]),
    )
    return Row(RECALIBRATED, metrics(on.actual, now.expected, learnt(now.risk, covariates(on.seen, per_unit))))


def _regular(on: Window, start: Forecast, days: PurchaseDays, per_unit: float) -> Row:
    fitted = estimate_regular(days, on.seen, per_unit, start.fitted.values)
    risk, expected = forecast_regular(fitted, on.seen, on.horizon)
    note = f"k = {fitted.k}" + (", which is mbgnbd" if fitted.k == 1 else ": regular waiting times")
    return Row(REGULAR, metrics(on.actual, expected, risk), note)


def _from_the_past(on: Window, now: Forecast, days: PurchaseDays, unit: str, per_unit: float) -> list[Row]:
    """The rows that need past windows; none where the known part is too short for them."""
    try:
        past = _past(days, unit, on)
        return [_hiatus_only(on, past, per_unit), _recalibrated(on, now, past, per_unit)] if past else []
    except (CannotFitError, NoPurchasesError):
        return []


def truth(days: PurchaseDays, unit: str, cut: int | None = None, end: int | None = None) -> Truth:
    """Split at the end of the day ``cut`` (by default half-way) and evaluate up to ``end`` (by default the log's).

    Raises ``CannotFitError`` or ``NoPurchasesError`` when the first part does not support a fit.
    """
    first = int(days.day.min())
    end = days.log_end if end is None else end
    cut = (first + end) // 2 if cut is None else cut
    if not first <= cut < end:
        dates = [str(np.datetime64(day, "D")) for day in (cut, first, end)]
        raise CannotFitError(
            f"a split at {dates[0]} leaves nothing on one side: the log goes from {dates[1]} to {dates[2]}"
        )
    per_unit = MS_PER_UNIT[unit] / DAY_MS
    on = window(days, unit, cut, end)
    made = {model: forecast(model, on) for model in MODELS}
    nothing = np.zeros(on.seen.customers)
    rows = [Row(ZERO, metrics(on.actual, nothing, nothing + 1.0))]
    past = _from_the_past(on, made["mbgnbd"], days, unit, per_unit)
    rows += past[:1]
    for model, said in made.items():
        note = "degenerate" if said.fitted.degenerate else ""
        rows.append(Row(model, metrics(on.actual, said.expected, said.risk), note))
    rows += [_regular(on, made["mbgnbd"], days, per_unit), *past[1:]]
    by_alive = metrics(on.actual, made["bgnbd"].expected, 1.0 - made["bgnbd"].alive)
    rows.append(Row(ALIVE, by_alive, "never rank churn by it: with x = 0 it is 1"))
    silent = float(np.mean(on.actual == 0.0))
    spent = worth(days, on, made["mbgnbd"].expected)
    return Truth(on.seen.customers, silent, first, cut, end, tuple(rows), spent)
