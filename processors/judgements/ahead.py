"""Expected purchases of a policy as a table that other engines evaluate: Chebyshev interpolation in two variables.

E, the purchases that a living customer makes within a horizon, and D, their present value within another, depend on the
repeat purchases x and the age T alone. Both are (r+x) / (α+T), the mean rate, times a factor that changes slowly with
ln((r+x)/r) and ln((α+T)/α). Its logarithm is interpolated in the Chebyshev nodes of the first kind of both (Trefethen,
"Approximation Theory and Approximation Practice", 2013, ch. 3 and 4): with c its coefficients,

    E = (r+x) / (α+T) · exp(Σ_k cos(k·u) · Σ_j c[k][j] · cos(j·v)),
    u = arccos(2·ln((α+T)/α) / reach_T − 1), v = arccos(2·ln((r+x)/r) / reach_x − 1).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.models.discounting import continuous_rate, discounted_alive
from processors.models.purchasing import expected_alive
from processors.policy.rules import BG, Rules
from processors.row.decay import MS_PER_DAY

CHEBYSHEV_NODES: Final = 24  # of each variable
MOST_PURCHASES: Final = 20_000.0
_LONGEST_DAYS: Final = 365.25 * 60
_YEAR_DAYS: Final = 365.25
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ahead:
    """What lies ahead by a policy's parameters.

    ``made`` and ``worth``: coefficients of E and D, float64[CHEBYSHEV_NODES, CHEBYSHEV_NODES], by age, then by
    purchases. ``reach``: (reach_T, reach_x), up to 60 years and 20,000 purchases.
    """

    made: Floats
    worth: Floats
    reach: tuple[float, float]


def ahead_of(rules: Rules) -> Ahead:
    """The table of a policy, within the horizons of its churn risk and of its value."""
    unit = float(rules.unit_ms)
    return _ahead(
        bool(rules.model == BG),
        (float(rules.r), float(rules.alpha), float(rules.a), float(rules.b)),
        (rules.horizon_ms / unit, rules.clv_horizon_ms / unit),
        continuous_rate(float(rules.annual_rate), _YEAR_DAYS * MS_PER_DAY / unit),
        _LONGEST_DAYS * MS_PER_DAY / unit,
    )


@lru_cache(maxsize=64)
def _ahead(
    bg: bool, fitted: tuple[float, float, float, float], horizons: tuple[float, float], delta: float, longest: float
) -> Ahead:
    r, alpha, a, b = fitted
    reach = math.log1p(longest / alpha), math.log1p(MOST_PURCHASES / r)
    angles = np.pi * (np.arange(CHEBYSHEV_NODES) + 0.5) / CHEBYSHEV_NODES
    halves = (np.cos(angles) + 1.0) / 2.0
    made, worth = np.empty((CHEBYSHEV_NODES, CHEBYSHEV_NODES)), np.empty((CHEBYSHEV_NODES, CHEBYSHEV_NODES))
    for i, aged in enumerate(alpha * np.exp(reach[0] * halves)):
        for k, shape in enumerate(r * np.exp(reach[1] * halves)):
            survived = b + (shape - r) + (0.0 if bg else 1.0)
            rate = shape / aged
            made[i, k] = math.log(max(expected_alive(shape, aged, a, survived, horizons[0]) / rate, 1e-300))
            worth[i, k] = math.log(max(discounted_alive(shape, aged, a, survived, horizons[1], delta) / rate, 1e-300))
    return Ahead(_coefficients(made, angles), _coefficients(worth, angles), reach)


def _coefficients(values: Floats, angles: Floats) -> Floats:
    """Chebyshev coefficients of a function by its values at the nodes, of both variables."""
    cosines = 2.0 / CHEBYSHEV_NODES * np.cos(np.outer(np.arange(CHEBYSHEV_NODES), angles))
    cosines[0] /= 2.0
    return np.asarray(cosines @ values @ cosines.T)
