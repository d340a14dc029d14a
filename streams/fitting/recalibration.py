"""The risk of a model, corrected by how it did in the past.

Exponential waiting times make regular customers look safe for too long, and no model knows a season or a trend. But
within the history that is known, a forecast can be made from an earlier day, and what came of it is known too. A
logistic regression on such past windows (Platt 1999, with a few covariates) learns what the model's log-odds miss. It
sees nothing after the last day of the history, and it is drawn to the model's own answer: without evidence it changes
nothing.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import Histories

# Strength of the pull to the model's own answer, as the inverse variance of a normal prior on each coefficient.
_PULL: Final = 10.0
_SMALLEST: Final = 1e-6

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


def log_odds(risk: Floats) -> Floats:
    """ln(risk / (1 − risk)), kept finite."""
    kept = np.clip(risk, _SMALLEST, 1.0 - _SMALLEST)
    odds: Floats = np.log(kept / (1.0 - kept))
    return odds


def covariates(seen: Histories, days_per_unit: float) -> Floats:
    """(n, 4): frequency, hiatus against age, hiatus against the customer's own interval, and how far beyond it."""
    hiatus, age = (seen.age - seen.t_x) * days_per_unit, seen.age * days_per_unit
    interval = seen.t_x * days_per_unit / np.maximum(seen.x, 1)
    overdue = np.log((hiatus + 1.0) / (interval + 1.0))
    return np.column_stack(
        [
            np.log1p(seen.x),
            np.log((hiatus + 1.0) / (age + 1.0)),
            np.where(seen.x > 0, overdue, 0.0),
            np.where(seen.x > 1, np.maximum(overdue, 0.0), 0.0),
        ]
    )


def learn(risk: Floats, beside: Floats, gone: Truths) -> Callable[[Floats, Floats], Floats]:
    """A function of risks (n,) and covariates (n, k) that gives the corrected risks, learnt from past windows."""
    from scipy.optimize import minimize

    middle, spread = beside.mean(axis=0), beside.std(axis=0) + 1e-9

    def terms(some_risk: Floats, some_beside: Floats) -> Floats:
        return np.column_stack([np.ones(len(some_risk)), log_odds(some_risk), (some_beside - middle) / spread])

    matrix = terms(risk, beside)
    own = np.zeros(matrix.shape[1])
    own[1] = 1.0

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        z = matrix @ coefficients
        away = coefficients - own
        value = np.sum(np.logaddexp(0.0, z) - gone * z) + _PULL / 2.0 * np.sum(away**2)
        return float(value), matrix.T @ (1.0 / (1.0 + np.exp(-z)) - gone) + _PULL * away

    found: Floats = minimize(loss, own, jac=True, method="L-BFGS-B").x

    def corrected(some_risk: Floats, some_beside: Floats) -> Floats:
        result: Floats = 1.0 / (1.0 + np.exp(-(terms(some_risk, some_beside) @ found)))
        return result

    return corrected
