"""How good forecasts were: of purchases, and of who buys nothing.

``gone``: who bought nothing (bool[n]); ``risk``: the probability that was given to it (float64[n]).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BINS: Final = 10

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Metrics:
    """nan where there is nothing to compare: no variation, or nobody on one of the two sides."""

    r: float
    rmse: float
    auc: float
    brier: float
    ece: float
    lift: float


def correlation(expected: Floats, actual: Floats) -> float:
    """Pearson's, of expected and actual purchases."""
    if np.ptp(expected) == 0.0 or np.ptp(actual) == 0.0:
        return float("nan")
    return float(np.corrcoef(expected, actual)[0, 1])


def area_under_curve(gone: Truths, risk: Floats) -> float:
    """The chance that somebody who buys nothing had a higher risk than somebody who buys; ties count half.

    The Mann-Whitney statistic (Hanley & McNeil 1982).
    """
    silent, buying = int(gone.sum()), int((~gone).sum())
    if not silent or not buying:
        return float("nan")
    _, where, count = np.unique(risk, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[where]
    return float((ranks[gone].sum() - silent * (silent + 1) / 2.0) / (silent * buying))


def brier(gone: Truths, risk: Floats) -> float:
    """Mean squared difference between risk and what happened (Brier 1950)."""
    return float(np.mean((risk - gone) ** 2))


def calibration_error(gone: Truths, risk: Floats) -> float:
    """Expected calibration error over ten bins of equal width (Naeini, Cooper & Hauskrecht 2015).

    The differences between mean risk and share of the silent in each bin, weighted by how many are in it.
    """
    bins = np.minimum((risk * BINS).astype(np.int64), BINS - 1)
    return float(np.abs(np.bincount(bins, weights=risk - gone, minlength=BINS)).sum() / len(risk))


def decile_lift(gone: Truths, risk: Floats) -> float:
    """Share of buyers in the tenth with the least risk, over that of all; at its edge, ties count in part."""
    buying = ~gone
    if not buying.any():
        return float("nan")
    most = max(1, len(risk) // 10)
    edge = np.partition(risk, most - 1)[most - 1]
    inside, at_edge = risk < edge, risk == edge
    found = buying[inside].sum() + (most - inside.sum()) * buying[at_edge].mean()
    return float(found / most / buying.mean())


def metrics(actual: Floats, expected: Floats, risk: Floats) -> Metrics:
    """All of them, from actual purchases, expected ones, and the risk of none."""
    gone = actual == 0.0
    return Metrics(
        r=correlation(expected, actual),
        rmse=float(np.sqrt(np.mean((expected - actual) ** 2))),
        auc=area_under_curve(gone, risk),
        brier=brier(gone, risk),
        ece=calibration_error(gone, risk),
        lift=decile_lift(gone, risk),
    )
