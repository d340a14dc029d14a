"""Parameters of their own for segments of the customers, where the data speak for them.

A segment keeps the pooled parameters unless enough of its customers have bought again, its own fit is not degenerate,
and it fits significantly better: twice the gain in log-likelihood beyond the chi-square quantile for as many parameters
(Wilks 1938). So a channel with a few customers does not get a forecast made of noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.fitting.estimate import CannotFitError, Estimate, estimate, log_likelihood
from streams.fitting.histories import Histories, Spending
from streams.fitting.spend import estimate_spend, spend_likelihood

LEAST_REPEATING: Final = 100
SIGNIFICANCE: Final = 0.01
POOLED: Final = "pooled"
OWN: Final = "own"


@dataclass(frozen=True)
class Segment:
    """One segment: ``fitted`` is its own estimate or the pooled one, as ``parameters`` and ``why`` say.

    ``gain``: how much its own parameters add to the log-likelihood of its customers; 0 where none were fitted.
    """

    label: str
    customers: int
    repeating: int
    fitted: Estimate
    parameters: str
    why: str
    gain: float


Data = Histories | Spending


def fit(model: str, seen: Data) -> Estimate:
    """The estimate of any model from what it needs. Raises ``CannotFitError``."""
    return estimate_spend(seen) if isinstance(seen, Spending) else estimate(model, seen)


def _likelihood(fitted: Estimate, seen: Data) -> float:
    return spend_likelihood(fitted, seen) if isinstance(seen, Spending) else log_likelihood(fitted, seen)


def _segment(label: str, customers: int, seen: Data, pooled: Estimate) -> Segment:
    from scipy.stats import chi2

    repeating = int(np.count_nonzero(seen.x))
    if repeating < LEAST_REPEATING:
        why = f"fewer than {LEAST_REPEATING} customers bought again"
        return Segment(label, customers, repeating, pooled, POOLED, why, 0.0)
    try:
        own = fit(pooled.model, seen)
    except CannotFitError as error:
        return Segment(label, customers, repeating, pooled, POOLED, str(error), 0.0)
    gain = own.log_likelihood - _likelihood(pooled, seen)
    if own.degenerate:
        return Segment(label, customers, repeating, pooled, POOLED, "its own fit is degenerate", gain)
    if 2.0 * gain <= float(chi2.ppf(1.0 - SIGNIFICANCE, len(own.parameters))):
        return Segment(label, customers, repeating, pooled, POOLED, "its own fit is not significantly better", gain)
    return Segment(label, customers, repeating, own, OWN, f"fits better by {gain:,.1f} of log-likelihood", gain)


def by_segment(labels: tuple[str, ...], seen: Data, pooled: Estimate) -> list[Segment]:
    """Segments in order of their size; ``labels``: of each customer who has bought, in the order of their numbers."""
    names, codes = np.unique(np.array(labels, dtype=np.str_), return_inverse=True)
    found = []
    for code, label in enumerate(names.tolist()):
        mask: npt.NDArray[np.bool_] = codes == code
        found.append(_segment(label, int(mask.sum()), seen.only(mask), pooled))
    return sorted(found, key=lambda segment: (-segment.customers, segment.label))
