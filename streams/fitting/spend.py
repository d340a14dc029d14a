"""Maximum likelihood for Gamma-Gamma, and when its answer means nothing.

The search runs over log p, log q and the log of a middling spend γ·p/q. Two roads have no end: p runs off when every
customer always spends the same, q when customers do not differ in what they spend; either is degenerate, and its end
is the answer. A q of 1 or less leaves the population without a mean: a few amounts far beyond the others do that.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.fitting.estimate import CannotFitError, Estimate, Floats, at_bounds, search
from streams.fitting.families import Bounds
from streams.fitting.histories import Spending

_FEW: Final = 50
_CORRELATED: Final = 0.3
_LARGEST: Final = float(np.log(1e5))
_NO_BETTER: Final = 1e-3
_LEAST_Q: Final = float(np.log(2.0))  # where the population would have no mean otherwise
_FAR: Final = 6.0
_LEAST_SPREAD: Final = 0.05
_MOST_FAR: Final = 0.02


def _parameters(theta: Floats) -> Floats:
    p, q = np.exp(theta[0]), np.exp(theta[1])
    return np.array([p, q, np.exp(theta[2]) * q / p])


def _objective(seen: Spending) -> Any:
    from processors.models.spend import spend_log_likelihood

    def value(theta: Floats) -> tuple[float, Floats]:
        p = _parameters(theta)
        by = np.empty(3)
        total = spend_log_likelihood(p, seen.x, seen.mean, by)
        by_theta = np.array([by[0] * p[0] - by[2] * p[2], by[1] * p[1] + by[2] * p[2], by[2] * p[2]])
        return -total / len(seen.x), -by_theta / len(seen.x)

    return value


def _require_spend(seen: Spending) -> None:
    if len(seen.x):
        return
    if seen.silent:
        raise CannotFitError(
            f"the {seen.silent:,} customers who bought again did it without an amount above zero; map the column of "
            "the amounts (--map amount=COLUMN), and check that returns are not all there is"
        )
    raise CannotFitError(
        "no customer has bought on a second day before the end, and the spend of a first purchase is left out; "
        "use a longer log or a later --until"
    )


class _Fit(NamedTuple):
    """Where a search ended, and how: one reason for each road that has no end."""

    theta: Floats
    value: float
    endless: tuple[str, ...]

    @property
    def newcomer(self) -> float:
        """Expected spend of a customer of whom nothing is known."""
        p, q, gamma = _parameters(self.theta)
        return float(p * gamma / (q - 1.0)) if q > 1.0 else math.inf


def _without_end(seen: Spending, objective: Any, full: Any, bounds: Bounds) -> _Fit:
    """The end of a road instead of the fit, where one fits as well: then its parameters mean something."""
    reasons, ends = [], []
    for position, message in (
        (0, "p runs away: every customer spends the same at each purchase, so the customer's own mean is the forecast"),
        (1, "q runs away: customers do not differ in what they spend, so the mean of all is the forecast"),
    ):
        end = list(bounds)
        end[position] = (bounds[position][1], bounds[position][1])
        limit = search(objective, full.x, end)
        if (limit.fun - full.fun) * len(seen.x) < _NO_BETTER:
            reasons.append(f"the spend model is degenerate: {message}; it is that which is stored")
            ends.append(limit)
    if ends:
        return _Fit(ends[0].x, float(ends[0].fun), tuple(reasons))
    q = float(np.exp(full.x[1]))
    if q > 1.0:
        return _Fit(full.x, float(full.fun), ())
    held = search(objective, full.x, [bounds[0], (_LEAST_Q, bounds[1][1]), bounds[2]])
    reason = (
        f"the spend model is degenerate: with q = {q:.3g} the spend of the population has no mean. A customer's "
        f"mean is {seen.mean.max():,.2f} at most, {np.median(seen.mean):,.2f} at the median: check whether the "
        f"largest are real, or fit them apart. q is held at {np.exp(_LEAST_Q):g}"
    )
    return _Fit(held.x, float(held.fun), (reason,))


def _fitted(seen: Spending) -> tuple[_Fit, Bounds]:
    objective = _objective(seen)
    middle = float(np.log(np.median(seen.mean)))
    bounds = [(-7.0, _LARGEST), (-7.0, _LARGEST), (middle - 14.0, middle + 14.0)]
    starts = [np.array([np.log(p), np.log(q), middle]) for p, q in ((4.0, 4.0), (0.7, 2.0), (30.0, 1.5))]
    full = min((search(objective, start, bounds) for start in starts), key=lambda result: float(result.fun))
    return _without_end(seen, objective, full, bounds), bounds


def _far(seen: Spending) -> npt.NDArray[np.bool_]:
    """Customers whose mean is far from the others', by the median and its absolute deviation, of logarithms.

    Iglewicz & Hoaglin 1993, "How to Detect and Handle Outliers". Where many are far off, the tail is heavy, and
    nobody is.
    """
    logs = np.log(seen.mean)
    off = np.abs(logs - np.median(logs))
    far: npt.NDArray[np.bool_] = off > _FAR * max(1.4826 * float(np.median(off)), _LEAST_SPREAD)
    return far if 0 < np.count_nonzero(far) <= max(1.0, _MOST_FAR * len(logs)) else np.zeros(len(logs), np.bool_)


def _differ(one: _Fit, other: _Fit) -> bool:
    """Whether it matters which of two fits is taken."""
    ratio = one.newcomer / other.newcomer
    moved = np.abs(one.theta[:2] - other.theta[:2]).max()
    return bool(bool(one.endless) != bool(other.endless) or not 0.8 < ratio < 1.25 or moved > np.log(2.0))


def _outliers(seen: Spending, far: npt.NDArray[np.bool_], fit: _Fit, rest: _Fit) -> str:
    p, q, _ = _parameters(fit.theta)
    middle = float(np.median(seen.mean))
    most = float(seen.mean[far][np.argmax(np.abs(np.log(seen.mean[far] / middle)))])
    count = np.count_nonzero(far)
    return (
        f"{count:,} of {len(far):,} customers spend{'s' if count == 1 else ''} so differently from all others (up to "
        f"{most:,.2f} a purchase, the median is {middle:,.2f}) that the parameters would be theirs: with them p = "
        f"{p:.3g}, q = {q:.3g}, and {fit.newcomer:,.2f} is expected of a newcomer; without, as stored, "
        f"{rest.newcomer:,.2f}. Check whether these amounts are real"
    )


def _cautions(seen: Spending) -> list[str]:
    found = []
    if seen.silent:
        found.append(f"{seen.silent:,} customers who bought again without an amount above zero are left out")
    if len(seen.x) < _FEW:
        found.append(f"only {len(seen.x)} customers have spend on a repeat day: the parameters are hardly determined")
    if len(seen.x) > 2 and np.ptp(seen.x) > 0 and np.ptp(seen.mean) > 0:
        together = float(np.corrcoef(seen.x, seen.mean)[0, 1])
        if abs(together) > _CORRELATED:
            found.append(
                f"how often and how much customers buy go together (correlation {together:.2f}); the model takes them "
                "to be independent, so it is wrong for those who buy most often"
            )
    return found


def estimate_spend(seen: Spending) -> Estimate:
    """Fit Gamma-Gamma (p, q, gamma) by maximum likelihood. Raises ``CannotFitError`` without spend on repeat days.

    A few customers far from all others are left out where they alone would change the answer, and that is said. A
    degenerate model is the end of its road, so its parameters can be used, too.
    """
    _require_spend(seen)
    (fit, bounds), said, used = _fitted(seen), [], seen
    far = _far(seen)
    if far.any():
        rest = Spending(seen.x[~far], seen.mean[~far], seen.silent, seen.end)
        (without, its_bounds) = _fitted(rest)
        if _differ(fit, without):
            said, used = [_outliers(seen, far, fit, without)], rest
            fit, bounds = without, its_bounds
    p, q, gamma = (float(value) for value in _parameters(fit.theta))
    ends = () if fit.endless else at_bounds(fit.theta, bounds, {0: "p", 1: "q"})
    return Estimate(
        "gammagamma",
        {"p": p, "q": q, "gamma": gamma},
        -fit.value * len(used.x),
        len(used.x),
        bool(fit.endless),
        (*said, *fit.endless, *_cautions(used), *ends),
    )


def spend_likelihood(fitted: Estimate, seen: Spending) -> float:
    """Log-likelihood of ``seen`` under fitted parameters."""
    from processors.models.spend import spend_log_likelihood

    return spend_log_likelihood(np.array(fitted.values), seen.x, seen.mean, np.empty(3))
