"""MBG/CNBD-k: MBG/NBD with Erlang-k waiting times, for customers who buy more regularly than exponential ones can.

Platzer & Reutterer 2016, "Ticking Away the Moments: Timing Regularity Helps to Better Predict Customer Activity",
Marketing Science 35. While alive a customer's purchases lie Gamma(k, λ) apart; k is one whole number for all, and with
k = 1 it is MBG/NBD. The likelihood, derived as there: λ^(kx)·e^(−λT) is integrated over λ ~ Gamma(r, α), and of who is
alive fewer than k of the k steps to the next purchase have been taken since the last.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import Histories
from streams.fitting.purchases import PurchaseDays

MOST: Final = 12
_BOUNDS: Final = [(-9.0, 9.0), (-9.0, 12.0), (-16.0, 16.0), (-7.0, 12.0)]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Regular:
    """Fitted: k, [r, alpha, a, b], and the log-likelihood of all waiting times and silences."""

    k: int
    parameters: tuple[float, float, float, float]
    log_likelihood: float


def _log_silence(k: int, p: Floats, seen: Histories, age: Floats) -> Floats:
    """Per customer, the log of what the likelihood says of the time since the last purchase, at ``age``."""
    from scipy.special import gammaln

    r, alpha, a, b = p
    shape, waited = r + k * seen.x, age - seen.t_x
    with np.errstate(divide="ignore"):
        log_waited = np.log(waited)
    steps = [
        gammaln(shape + j) - gammaln(j + 1.0) + (j * log_waited if j else 0.0) - (shape + j) * np.log(alpha + age)
        for j in range(k)
    ]
    stays = np.log(b + seen.x) - np.log(a + b + seen.x) + np.logaddexp.reduce(steps, axis=0)
    leaves = np.log(a) - np.log(a + b + seen.x) + gammaln(shape) - shape * np.log(alpha + seen.t_x)
    found: Floats = np.logaddexp(stays, leaves)
    return found


def _log_likelihood(k: int, p: Floats, seen: Histories, log_intervals: float) -> float:
    """Of all customers; ``log_intervals``: the sum of the logs of all waiting times."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = p
    survived = betaln(a, b + seen.x) - betaln(a, b)
    own = r * np.log(alpha) - gammaln(r) - seen.x * gammaln(float(k))
    return float(np.sum(_log_silence(k, p, seen, seen.age) + survived + own) + (k - 1) * log_intervals)


def _parameters(theta: Floats) -> Floats:
    dropout, together = 1.0 / (1.0 + np.exp(-theta[2])), np.exp(theta[3])
    return np.array([np.exp(theta[0]), np.exp(theta[1]), together * dropout, together / (1.0 + np.exp(theta[2]))])


def _fit(k: int, seen: Histories, log_intervals: float, start: Floats) -> Any:
    from scipy.optimize import minimize

    def loss(theta: Floats) -> float:
        return -_log_likelihood(k, _parameters(theta), seen, log_intervals) / seen.customers

    return minimize(loss, start, method="L-BFGS-B", bounds=_BOUNDS, options={"maxiter": 200})


def _log_intervals(days: PurchaseDays, cut: int, days_per_unit: float) -> float:
    counted = days.only(days.day <= cut)
    same = counted.customer[1:] == counted.customer[:-1]
    return float(np.sum(np.log(np.diff(counted.day)[same] / days_per_unit)))


def estimate_regular(days: PurchaseDays, seen: Histories, days_per_unit: float, start: tuple[float, ...]) -> Regular:
    """Fit for k = 1, 2, … for as long as the likelihood grows; ``start`` is a fit of MBG/NBD to ``seen``."""
    log_intervals = _log_intervals(days, seen.end, days_per_unit)
    r, alpha, a, b = start
    theta = np.array([np.log(r), np.log(alpha), np.log(a / b), np.log(a + b)])
    best: Regular | None = None
    for k in range(1, MOST + 1):
        found = _fit(k, seen, log_intervals, theta)
        if best is not None and -found.fun * seen.customers <= best.log_likelihood:
            break
        theta = found.x
        first, second, third, fourth = map(float, _parameters(theta))
        best = Regular(k, (first, second, third, fourth), -float(found.fun) * seen.customers)
    assert best is not None
    return best


def forecast_regular(fitted: Regular, seen: Histories, horizon: float) -> tuple[Floats, Floats]:
    """(risk of no purchase, expected purchases) of each customer within ``horizon``.

    The expected ones by the authors' approximation: those of MBG/NBD at a k-th of the rate.
    """
    from processors.models.churn import p_buys_alive
    from processors.models.purchasing import expected_alive

    k, p = fitted.k, np.array(fitted.parameters)
    risk = np.minimum(1.0, np.exp(_log_silence(k, p, seen, seen.age + horizon) - _log_silence(k, p, seen, seen.age)))
    r, alpha, a, b = fitted.parameters
    expected = []
    for x, age, silent in zip(seen.x.tolist(), seen.age.tolist(), risk.tolist(), strict=True):
        shape, scale = r + k * x, k * (alpha + age)
        # P(alive) at T, such that what is expected agrees with the risk as it does under MBG/NBD.
        buys = p_buys_alive(shape, scale, 0.0, 0.0, horizon)
        alive = min(1.0, (1.0 - silent) / buys) if buys > 0.0 else 0.0
        expected.append(alive * expected_alive(shape, scale, a, b + x + 1.0, horizon))
    return risk, np.array(expected)
