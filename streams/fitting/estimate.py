"""Maximum likelihood for BG/NBD and MBG/NBD.

The search runs over log r, log α, the log-odds of the mean dropout probability a/(a+b), and log(a+b). When customers do
not differ in their dropout, a and b run off to infinity with a fixed ratio and the likelihood flattens out on the way,
so that where an optimiser stops says nothing. Hence the end of that road, a+b = 10⁷, is fitted as a model of its own:
if the full model is no better, dropout is degenerate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import Histories

DEGENERATE_SUM: Final = 1e7
# Less likelihood than this, over all customers, is no evidence that they differ in their dropout.
_NO_BETTER: Final = 1e-3

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]


class CannotFitError(Exception):
    """The histories say nothing about the parameters; the message says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """Fitted parameters, the log-likelihood of all customers, and warnings (empty when all is well)."""

    model: str
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customers: int
    degenerate: bool
    warnings: tuple[str, ...]


def _parameters(theta: Floats) -> Floats:
    dropout, together = 1.0 / (1.0 + np.exp(-theta[2])), np.exp(theta[3])
    # b as its own logistic: 1 − dropout has no digits left when nearly everybody leaves.
    return np.array([np.exp(theta[0]), np.exp(theta[1]), together * dropout, together / (1.0 + np.exp(theta[2]))])


def _objective(model: str, seen: Histories) -> Objective:
    """Mean negative log-likelihood of a customer and its gradient, both by theta."""
    from processors.likelihood import bg_log_likelihood, mbg_log_likelihood

    likelihood = bg_log_likelihood if model == "bgnbd" else mbg_log_likelihood

    def value(theta: Floats) -> tuple[float, Floats]:
        p = _parameters(theta)
        by = np.empty(4)
        total = likelihood(p, seen.x, seen.t_x, seen.age, by)
        a, b = p[2], p[3]
        by_theta = np.array([by[0] * p[0], by[1] * p[1], (by[2] - by[3]) * a * b / (a + b), by[2] * a + by[3] * b])
        return -total / seen.customers, -by_theta / seen.customers

    return value


def _bounds(seen: Histories) -> list[tuple[float, float]]:
    longest = float(np.log(seen.age.max()))
    return [(-9.0, 9.0), (longest - 16.0, longest + 9.0), (-16.0, 16.0), (-7.0, float(np.log(DEGENERATE_SUM)))]


def _search(objective: Objective, start: Floats, bounds: list[tuple[float, float]]) -> Any:
    from scipy.optimize import minimize

    return minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-9},
    )


def _best(objective: Objective, seen: Histories, bounds: list[tuple[float, float]]) -> Any:
    """The best of a few searches: the surface is smooth, but flat where dropout and rates explain the same silence."""
    rate = float(seen.x.sum()) / float(seen.age.sum())
    found = []
    for r, dropout, together in ((0.5, 0.25, 3.0), (2.0, 0.05, 30.0), (0.2, 0.6, 1.0)):
        start = np.array([np.log(r), np.log(r / rate), np.log(dropout / (1.0 - dropout)), np.log(together)])
        low, high = np.array(bounds).T
        found.append(_search(objective, np.clip(start, low, high), bounds))
    return min(found, key=lambda result: float(result.fun))


def _degenerate_message(model: str, theta: Floats) -> str:
    dropout = 1.0 / (1.0 + np.exp(-theta[2]))
    return (
        f"dropout is degenerate: a and b run away together (b → 10⁷, here {_parameters(theta)[3]:.2g}) and fit no "
        f"worse. In this log customers do not differ in their chance of leaving, {dropout:.2g} after any purchase, "
        f"so {model}'s a and b mean nothing. Fit on a longer log, or check that it holds repeat purchases of many "
        "customers and that the unit and the end date are right"
    )


def _at_bound(theta: Floats, bounds: list[tuple[float, float]], degenerate: bool) -> tuple[str, ...]:
    positions = [(0, "r"), (1, "alpha")]
    if not degenerate:
        positions.append((3, "a + b"))
    return tuple(
        f"{name} ran into the end of its range ({np.exp(theta[i]):.3g}): the log does not determine it"
        for i, name in positions
        if min(theta[i] - bounds[i][0], bounds[i][1] - theta[i]) < 1e-6
    )


def _require_repeats(seen: Histories) -> None:
    if not seen.x.any():
        raise CannotFitError(
            f"none of the {seen.customers:,} customers has bought on a second day before the end, "
            "so nothing can be said about how often they buy or leave; use a longer log or a later --until"
        )


def estimate(model: str, seen: Histories) -> Estimate:
    """Fit ``model`` (bgnbd or mbgnbd) by maximum likelihood. Raises ``CannotFitError`` without repeat purchases."""
    _require_repeats(seen)
    objective, bounds = _objective(model, seen), _bounds(seen)
    full = _best(objective, seen, bounds)
    end_of_the_road = [*bounds[:3], (bounds[3][1], bounds[3][1])]
    limit = _best(objective, seen, end_of_the_road)
    degenerate = bool((limit.fun - full.fun) * seen.customers < _NO_BETTER)
    chosen = limit if degenerate else full
    r, alpha, a, b = (float(value) for value in _parameters(chosen.x))
    warnings = _at_bound(chosen.x, bounds, degenerate)
    if degenerate:
        warnings = (_degenerate_message(model, chosen.x), *warnings)
    return Estimate(model, r, alpha, a, b, -float(chosen.fun) * seen.customers, seen.customers, degenerate, warnings)
