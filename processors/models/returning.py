"""P(return): the chance of at least one purchase within a horizon, recalibrated by what came of past forecasts.

logit P = level + low · min(z, 0) + high · max(z, 0) + weight · ln(1 + silence / longest gap), with z the logit of the
model's P(return); low, high >= 0 >= weight: recalibration of a forecast's logit (Cox 1958, "Two Further Applications of
a Model for Binary Regression", Biometrika 45), its slope below and above an even chance apart, with the longest gap
between purchase days that the customer has shown as a covariate. No Poisson process pauses as people do, on holidays
say, so for frequent buyers the model's own tail falls too fast. All inputs fall while nothing is bought, so P(return)
does, too: an instant at which it crosses a limit is unique.
"""

import math

from processors.compiled import compiled_leaf
from processors.models.churn import bg_p_alive, mbg_p_alive, p_buys_alive

_LEAST = 1e-300


@compiled_leaf
def p_return(
    bg: bool, r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """P(at least one purchase in (T, T+h]) = P(alive) · (1 − P(no purchase in the horizon | alive)); see ``churn``.

    As a product, which keeps its digits where it is small.
    """
    alive = bg_p_alive(r, alpha, a, b, x, t_x, age) if bg else mbg_p_alive(r, alpha, a, b, x, t_x, age)
    return alive * p_buys_alive(r, alpha, x, age, horizon)


@compiled_leaf
def recalibrated(
    p: float, silence: float, longest: float, level: float, low: float, high: float, weight: float
) -> float:
    """``p`` corrected; ``silence`` and ``longest`` gap in one unit, ``longest`` 0 where no gap was shown yet."""
    if level == 0.0 and low == 1.0 and high == 1.0 and weight == 0.0:
        return p
    safe = min(max(p, _LEAST), 1.0 - 1e-15)
    logit = math.log(safe) - math.log1p(-safe)
    z = level + (low if logit < 0.0 else high) * logit
    if longest > 0.0 and silence > 0.0:
        z += weight * math.log1p(silence / longest)
    if z > 0.0:
        return 1.0 / (1.0 + math.exp(-min(z, 700.0)))
    odds = math.exp(max(z, -700.0))
    return odds / (1.0 + odds)
