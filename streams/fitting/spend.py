"""Maximum likelihood for Gamma-Gamma, and when its answer means nothing.

The search runs over log p, log q and the log of a middling spend γ·p/q. Two roads have no end: p runs off when every
customer always spends the same, q when customers do not differ in what they spend; either is degenerate. A q of 1 or
less leaves the population without a mean: a few amounts far beyond the others do that.
"""

from typing import Any, Final

import numpy as np

from streams.fitting.estimate import CannotFitError, Estimate, Floats, at_bounds, search
from streams.fitting.families import Bounds
from streams.fitting.histories import Spending

_FEW: Final = 50
_CORRELATED: Final = 0.3
_LARGEST: Final = float(np.log(1e5))
_NO_BETTER: Final = 1e-3


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


def _degeneracies(seen: Spending, objective: Any, full: Any, bounds: Bounds) -> list[str]:
    """Whether either end of the road fits as well."""
    found = []
    for position, message in (
        (0, "p runs away: every customer spends the same at each purchase, so the customer's own mean is the forecast"),
        (1, "q runs away: customers do not differ in what they spend, so the mean of all is the forecast"),
    ):
        end = list(bounds)
        end[position] = (bounds[position][1], bounds[position][1])
        limit = search(objective, full.x, end)
        if (limit.fun - full.fun) * len(seen.x) < _NO_BETTER:
            found.append(f"the spend model is degenerate: {message}; its parameters mean nothing")
    return found


def _cautions(seen: Spending, q: float) -> list[str]:
    found = []
    if q <= 1.0:
        found.append(
            f"the spend model is degenerate: with q = {q:.3g} the spend of the population has no mean. A customer's "
            f"mean is {seen.mean.max():,.2f} at most, {np.median(seen.mean):,.2f} at the median: check whether the "
            "largest are real, or fit them apart"
        )
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
    """Fit Gamma-Gamma (p, q, gamma) by maximum likelihood. Raises ``CannotFitError`` without spend on repeat days."""
    _require_spend(seen)
    objective = _objective(seen)
    middle = float(np.log(np.median(seen.mean)))
    bounds = [(-7.0, _LARGEST), (-7.0, _LARGEST), (middle - 14.0, middle + 14.0)]
    starts = [np.array([np.log(p), np.log(q), middle]) for p, q in ((4.0, 4.0), (0.7, 2.0), (30.0, 1.5))]
    full = min((search(objective, start, bounds) for start in starts), key=lambda result: float(result.fun))
    p, q, gamma = (float(value) for value in _parameters(full.x))
    degeneracies = _degeneracies(seen, objective, full, bounds)
    cautions = _cautions(seen, q)
    ends = () if degeneracies else at_bounds(full.x, bounds, {0: "p", 1: "q"})
    return Estimate(
        "gammagamma",
        {"p": p, "q": q, "gamma": gamma},
        -float(full.fun) * len(seen.x),
        len(seen.x),
        bool(degeneracies) or q <= 1.0,
        (*degeneracies, *cautions, *ends),
    )


def spend_likelihood(fitted: Estimate, seen: Spending) -> float:
    """Log-likelihood of ``seen`` under fitted parameters."""
    from processors.models.spend import spend_log_likelihood

    return spend_log_likelihood(np.array(fitted.values), seen.x, seen.mean, np.empty(3))
