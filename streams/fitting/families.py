"""How each churn model is searched: its parameters in terms that the search can wander through freely.

The first two terms are log r and log α; the third says how readily customers leave, the fourth how alike they are in
that. When they do not differ at all, the fourth runs off to infinity and the likelihood flattens out on the way, so
that where an optimiser stops says nothing. ``end`` is so far down that road that the differences are nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import Histories

DEGENERATE_SUM: Final = 1e7
DEGENERATE_SHAPE: Final = 1e5
_TOO_SHORT: Final = (
    "Fit on a longer log, or check that it holds repeat purchases of many customers and that the unit and the end date "
    "are right"
)

Floats = npt.NDArray[np.float64]
Bounds = list[tuple[float, float]]
Likelihood = Callable[[Floats, Any, Floats, Floats, Floats], float]


@dataclass(frozen=True)
class Family:
    """One model: names of its parameters, and the way between them and the terms of the search (theta).

    ``chain(p, by)``: derivatives by theta from those by the parameters. ``alike``: what the fourth term is called.
    """

    names: tuple[str, str, str, str]
    likelihood: Callable[[], Likelihood]
    parameters: Callable[[Floats], Floats]
    chain: Callable[[Floats, Floats], Floats]
    starts: Callable[[float], list[Floats]]
    bounds: Callable[[Histories], Bounds]
    alike: str
    degenerate: Callable[[Floats], str]


def _bg() -> Likelihood:
    from processors.models.likelihood import bg_log_likelihood

    return bg_log_likelihood


def _mbg() -> Likelihood:
    from processors.models.likelihood import mbg_log_likelihood

    return mbg_log_likelihood


def _pareto() -> Likelihood:
    from processors.models.pareto_likelihood import pareto_log_likelihood

    return pareto_log_likelihood


def _beta_parameters(theta: Floats) -> Floats:
    dropout, together = 1.0 / (1.0 + np.exp(-theta[2])), np.exp(theta[3])
    # b as its own logistic: 1 − dropout has no digits left when nearly everybody leaves.
    return np.array([np.exp(theta[0]), np.exp(theta[1]), together * dropout, together / (1.0 + np.exp(theta[2]))])


def _beta_chain(p: Floats, by: Floats) -> Floats:
    a, b = p[2], p[3]
    return np.array([by[0] * p[0], by[1] * p[1], (by[2] - by[3]) * a * b / (a + b), by[2] * a + by[3] * b])


def _beta_starts(rate: float) -> list[Floats]:
    return [
        np.array([np.log(r), np.log(r / rate), np.log(dropout / (1.0 - dropout)), np.log(together)])
        for r, dropout, together in ((0.5, 0.25, 3.0), (2.0, 0.05, 30.0), (0.2, 0.6, 1.0))
    ]


def _rate_bounds(seen: Histories) -> Bounds:
    longest = float(np.log(seen.age.max()))
    return [(-9.0, 9.0), (longest - 16.0, longest + 9.0)]


def _beta_bounds(seen: Histories) -> Bounds:
    return [*_rate_bounds(seen), (-16.0, 16.0), (-7.0, float(np.log(DEGENERATE_SUM)))]


def _beta_degenerate(theta: Floats) -> str:
    dropout = 1.0 / (1.0 + np.exp(-theta[2]))
    return (
        f"dropout is degenerate: a and b run away together (b → 10⁷, here {_beta_parameters(theta)[3]:.2g}) and fit no "
        f"worse. In this log customers do not differ in their chance of leaving, {dropout:.2g} after any purchase, "
        f"so the model's a and b mean nothing. {_TOO_SHORT}"
    )


def _pareto_parameters(theta: Floats) -> Floats:
    """theta: log r, log α, log of the mean rate of leaving s/β, log s."""
    p: Floats = np.exp(np.array([theta[0], theta[1], theta[3], theta[3] - theta[2]]))
    return p


def _pareto_chain(p: Floats, by: Floats) -> Floats:
    return np.array([by[0] * p[0], by[1] * p[1], -by[3] * p[3], by[2] * p[2] + by[3] * p[3]])


def _pareto_starts(rate: float) -> list[Floats]:
    return [
        np.array([np.log(r), np.log(r / rate), np.log(rate * leaves), np.log(s)])
        for r, leaves, s in ((0.5, 0.5, 0.5), (2.0, 0.05, 2.0), (0.2, 3.0, 0.2))
    ]


def _pareto_bounds(seen: Histories) -> Bounds:
    longest = float(np.log(seen.age.max()))
    return [*_rate_bounds(seen), (-longest - 14.0, 12.0 - longest), (-7.0, float(np.log(DEGENERATE_SHAPE)))]


def _pareto_degenerate(theta: Floats) -> str:
    return (
        "dropout is degenerate: s and beta run away together and fit no worse. In this log customers do not differ in "
        f"their rate of leaving, {np.exp(theta[2]):.2g} per unit of time, so the model's s and beta mean nothing. "
        f"{_TOO_SHORT}"
    )


_BETA: Final[tuple[Any, ...]] = (_beta_parameters, _beta_chain, _beta_starts, _beta_bounds, "a + b", _beta_degenerate)
FAMILIES: Final = {
    "mbgnbd": Family(("r", "alpha", "a", "b"), _mbg, *_BETA),
    "bgnbd": Family(("r", "alpha", "a", "b"), _bg, *_BETA),
    "paretonbd": Family(
        ("r", "alpha", "s", "beta"), _pareto, _pareto_parameters, _pareto_chain, _pareto_starts, _pareto_bounds, "s",
        _pareto_degenerate,
    ),
}  # fmt: skip
