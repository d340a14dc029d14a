"""Pareto/NBD: customers who buy at a rate λ ~ Gamma(r, rate α) and leave at any moment, at a rate μ ~ Gamma(s, rate β).

Schmittlein, Morrison & Colombo 1987, "Counting Your Customers"; Fader & Hardie 2005, "A Note on Deriving the Pareto/NBD
Model and Related Expressions". Arguments: ``r, alpha, s, beta`` (all > 0), then as in ``processors.models.churn``.

The papers' likelihood takes differences of 2F1 that lose their digits for long histories, and its form depends on
which of α and β is larger. Both come from one integral over the instant τ at which the customer left,
∫ from t_x to T of s / ((α+τ)^(r+x)·(β+τ)^(s+1)) dτ, whose integrand is positive and smooth: that is what is computed
here, and differentiated under the integral sign.
"""

import math

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.models.quadrature import NODES, panels, point

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LARGEST_EXPONENT = 709.0


@compiled_leaf
def _left(r: float, alpha: float, s: float, beta: float, x: float, t_x: float, age: float) -> float:
    """∫ from t_x to T of s/(β+τ) · ((α+t_x)/(α+τ))^(r+x) · ((β+t_x)/(β+τ))^s dτ: the papers' A0, rescaled."""
    silence = age - t_x
    if silence <= 0.0:
        return 0.0
    buying, leaving = alpha + t_x, beta + t_x
    scale = 1.0 / ((r + x) / buying + (s + 1.0) / leaving)
    count, width = panels(silence, scale)
    total = 0.0
    for panel in range(count):
        for node in range(NODES):
            t, weight = point(panel, node, width, scale)
            decay = (r + x) * math.log1p(t / buying) + (s + 1.0) * math.log1p(t / leaving)
            total += weight * math.exp(-decay)
    return s / leaving * total


@compiled_leaf
def pareto_p_alive(r: float, alpha: float, s: float, beta: float, x: float, t_x: float, age: float) -> float:
    """P(alive) at T: Schmittlein, Morrison & Colombo 1987; Fader & Hardie 2005."""
    silence = age - t_x
    stays = -(r + x) * math.log1p(silence / (alpha + t_x)) - s * math.log1p(silence / (beta + t_x))
    staying = math.exp(stays)
    return staying / (staying + _left(r, alpha, s, beta, x, t_x, age))


@compiled_leaf
def _log_history(r: float, alpha: float, s: float, beta: float, x: float, t_x: float, age: float) -> float:
    """Log of the likelihood's bracket, scaled to the moment of the last purchase."""
    silence = age - t_x
    stays = -(r + x) * math.log1p(silence / (alpha + t_x)) - s * math.log1p(silence / (beta + t_x))
    return math.log(math.exp(stays) + _left(r, alpha, s, beta, x, t_x, age))


@compiled_leaf
def pareto_p_no_purchase(
    r: float, alpha: float, s: float, beta: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """The risk, P(no purchase in (T, T+h]): the likelihood of the history with h more of silence over that without."""
    longer = _log_history(r, alpha, s, beta, x, t_x, age + horizon)
    return min(1.0, math.exp(longer - _log_history(r, alpha, s, beta, x, t_x, age)))


@compiled_leaf
def _lifetime_within(s: float, beta: float, horizon: float) -> float:
    """Time that somebody with μ ~ Gamma(s, β) lives within ``horizon``: β/(s−1)·[1 − (β/(β+h))^(s−1)], any s > 0."""
    waited = math.log1p(horizon / beta)
    y = (s - 1.0) * waited
    if abs(y) < 1e-12:
        return beta * waited
    if y < -_LARGEST_EXPONENT:
        return math.inf
    return beta * -math.expm1(-y) / (s - 1.0)


@compiled_leaf
def pareto_expected(r: float, alpha: float, s: float, beta: float, t: float) -> float:
    """E[X(t)], repeat purchases within t of the first: Schmittlein, Morrison & Colombo 1987."""
    return r / alpha * _lifetime_within(s, beta, t)


@compiled_leaf
def pareto_expected_conditional(
    r: float, alpha: float, s: float, beta: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """E[Y(h) | x, t_x, T]: Schmittlein, Morrison & Colombo 1987. Who is alive has μ ~ Gamma(s, β+T)."""
    alive = pareto_p_alive(r, alpha, s, beta, x, t_x, age)
    return alive * (r + x) / (alpha + age) * _lifetime_within(s, beta + age, horizon)
