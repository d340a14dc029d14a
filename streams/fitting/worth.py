"""Forecasts of what customers spend, held against what they spent: purchases times the spend of one, and naive ones."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.fitting.estimate import CannotFitError
from streams.fitting.forecasts import Floats, Window
from streams.fitting.histories import spending_of
from streams.fitting.metrics import correlation
from streams.fitting.purchases import PurchaseDays
from streams.fitting.spend import estimate_spend

MODEL: Final = "mbgnbd, gammagamma"
OWN_MEAN: Final = "mbgnbd, own mean"
NAIVE: Final = "own rate, own mean"


@dataclass(frozen=True)
class Worth:
    """``total``: all that was forecast over all that was spent."""

    name: str
    r: float
    rmse: float
    total: float


def _worth(name: str, expected: Floats, actual: Floats) -> Worth:
    rmse = float(np.sqrt(np.mean((expected - actual) ** 2)))
    return Worth(name, correlation(expected, actual), rmse, float(expected.sum() / actual.sum()))


def _per_purchase(days: PurchaseDays, cut: int, purchases: Floats, means: Floats) -> Floats | None:
    """Gamma-Gamma's spend of one purchase; None where it has no meaning."""
    from processors.models.spend import expected_spend

    try:
        fitted = estimate_spend(spending_of(days, cut))
    except CannotFitError:
        return None
    p, q, gamma = fitted.values
    pairs = zip(purchases.tolist(), means.tolist(), strict=True)
    return np.array([expected_spend(p, q, gamma, x, mean) for x, mean in pairs])


def worth(days: PurchaseDays, on: Window, expected: Floats) -> tuple[Worth, ...]:
    """One entry per way to forecast; none where nothing was spent. ``expected``: purchases, by customer of ``on``."""
    before, after = days.day <= on.cut, (days.day > on.cut) & (days.day <= on.end)
    known = np.unique(days.customer[before])

    def per_customer(mask: npt.NDArray[np.bool_], values: Floats) -> Floats:
        sums = np.bincount(days.customer[mask], weights=values[mask], minlength=days.customers)
        return sums[known].astype(np.float64)

    actual = per_customer(after, np.nan_to_num(days.kept(on.end)))
    # What was taken back after the cut was not known by then.
    total = per_customer(before, np.nan_to_num(days.kept(on.cut)))
    paid = per_customer(before, days.was_paid.astype(np.float64))
    if not actual.sum() or not total.sum():
        return ()
    means = np.maximum(total, 0.0) / np.maximum(paid, 1.0)
    rate = on.seen.x / np.maximum(on.seen.age, 1.0)
    found = [_worth(NAIVE, rate * on.horizon * means, actual), _worth(OWN_MEAN, expected * means, actual)]
    modelled = _per_purchase(days, on.cut, paid, means)
    if modelled is not None:
        found.append(_worth(MODEL, expected * modelled, actual))
    return tuple(found)
