"""Maximum likelihood for BG/NBD, MBG/NBD and Pareto/NBD.

Beside the full model the end of the road that ``families`` speaks of is fitted as a model of its own, where customers
do not differ in their dropout: if the full model is no better, dropout is degenerate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.fitting.families import DEGENERATE_SUM as DEGENERATE_SUM
from streams.fitting.families import FAMILIES, Bounds, Family
from streams.fitting.histories import Histories

# Less likelihood than this, over all customers, is no evidence that they differ in their dropout.
_NO_BETTER: Final = 1e-3
_AT_BOUND: Final = 1e-6
_FEW: Final = 50

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]


class CannotFitError(Exception):
    """The histories say nothing about the parameters; the message says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """Fitted parameters by name, the log-likelihood of all customers, and warnings (empty when all is well)."""

    model: str
    parameters: Mapping[str, float]
    log_likelihood: float
    customers: int
    degenerate: bool
    warnings: tuple[str, ...]

    @property
    def r(self) -> float:
        """Shape of the purchase rates."""
        return self.parameters["r"]

    @property
    def alpha(self) -> float:
        """Rate of the purchase rates."""
        return self.parameters["alpha"]

    @property
    def a(self) -> float:
        """First parameter of BG/NBD's and MBG/NBD's dropout."""
        return self.parameters["a"]

    @property
    def b(self) -> float:
        """Second parameter of BG/NBD's and MBG/NBD's dropout."""
        return self.parameters["b"]

    @property
    def values(self) -> tuple[float, ...]:
        """The parameters in the order in which the model's functions take them."""
        return tuple(self.parameters.values())


def _objective(family: Family, seen: Histories) -> Objective:
    """Mean negative log-likelihood of a customer and its gradient, both by theta."""
    likelihood = family.likelihood()

    def value(theta: Floats) -> tuple[float, Floats]:
        p = family.parameters(theta)
        by = np.empty(4)
        total = likelihood(p, seen.x, seen.t_x, seen.age, by)
        return -total / seen.customers, -family.chain(p, by) / seen.customers

    return value


def search(objective: Objective, start: Floats, bounds: Bounds) -> Any:
    """One search downhill: scipy's result."""
    from scipy.optimize import minimize

    low, high = np.array(bounds).T
    return minimize(
        objective,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-9},
    )


def at_bounds(theta: Floats, bounds: Bounds, positions: Mapping[int, str]) -> tuple[str, ...]:
    """A warning for each named term (by its position) that ended at an end of its range; terms are logarithms."""
    return tuple(
        f"{name} ran into the end of its range ({np.exp(theta[i]):.3g}): the log does not determine it"
        for i, name in positions.items()
        if min(theta[i] - bounds[i][0], bounds[i][1] - theta[i]) < _AT_BOUND
    )


def _best(objective: Objective, starts: list[Floats], bounds: Bounds) -> Any:
    """The best of a few searches: the surface is smooth, but flat where dropout and rates explain the same silence."""
    return min((search(objective, start, bounds) for start in starts), key=lambda result: float(result.fun))


def _require_repeats(seen: Histories) -> None:
    if not seen.x.any():
        raise CannotFitError(
            f"none of the {seen.customers:,} customers has bought on a second day before the end, "
            "so nothing can be said about how often they buy or leave; use a longer log or a later --until"
        )


def estimate(model: str, seen: Histories) -> Estimate:
    """Fit ``model`` (one of ``FAMILIES``) by maximum likelihood. Raises ``CannotFitError`` without repeat purchases."""
    _require_repeats(seen)
    family = FAMILIES[model]
    objective, bounds = _objective(family, seen), family.bounds(seen)
    starts = family.starts(float(seen.x.sum()) / float(seen.age.sum()))
    full = _best(objective, starts, bounds)
    end_of_the_road = [*bounds[:3], (bounds[3][1], bounds[3][1])]
    limit = _best(objective, starts, end_of_the_road)
    degenerate = bool((limit.fun - full.fun) * seen.customers < _NO_BETTER)
    chosen = limit if degenerate else full
    positions = {0: "r", 1: "alpha"} | ({} if degenerate else {3: family.alike})
    warnings = at_bounds(chosen.x, bounds, positions)
    again = int(np.count_nonzero(seen.x))
    if again < _FEW:
        warnings = (*warnings, f"only {again} customers have bought again: the parameters are hardly determined")
    if degenerate:
        warnings = (family.degenerate(chosen.x), *warnings)
    fitted = dict(zip(family.names, map(float, family.parameters(chosen.x)), strict=True))
    return Estimate(model, fitted, -float(chosen.fun) * seen.customers, seen.customers, degenerate, warnings)


def log_likelihood(fitted: Estimate, seen: Histories) -> float:
    """Of ``seen`` under fitted parameters."""
    likelihood = FAMILIES[fitted.model].likelihood()
    return likelihood(np.array(fitted.values), seen.x, seen.t_x, seen.age, np.empty(4))
