"""Pareto/NBD's log-likelihood over many customers, with its gradient.

Schmittlein, Morrison & Colombo 1987; Fader & Hardie 2005, "A Note on Deriving the Pareto/NBD Model". The integral over
the instant of leaving is that of ``processors.models.pareto``; the gradient is derived, by differentiating under it.
"""

import math

import numpy as np

from processors.compiled import compiled, compiled_leaf
from processors.models.pareto import Floats, Integers
from processors.models.quadrature import NODES, panels, point


@compiled_leaf
def _leaving(rx: float, a: float, s: float, b: float, silence: float, by: Floats) -> float:
    """The integral of the likelihood, scaled to its start; its derivatives by r, α, s, β are added to ``by``."""
    scale = 1.0 / (rx / a + (s + 1.0) / b)
    count, width = panels(silence, scale)
    total = 0.0
    for panel in range(count):
        for node in range(NODES):
            t, weight = point(panel, node, width, scale)
            buying, leaving = math.log1p(t / a), math.log1p(t / b)
            g = weight * s / b * math.exp(-rx * buying - (s + 1.0) * leaving)
            total += g
            by[0] -= g * buying
            by[1] += g * rx * t / (a * (a + t))
            by[2] += g * (1.0 / s - leaving)
            by[3] += g * ((s + 1.0) * t / (b + t) - 1.0) / b
    return total


@compiled_leaf
def _bracket(rx: float, a: float, s: float, b: float, silence: float, by: Floats) -> float:
    """Stayed or left, scaled to the last purchase, where a = α+t_x and b = β+t_x; ``by`` receives the derivatives."""
    buying, leaving = math.log1p(silence / a), math.log1p(silence / b)
    stays = math.exp(-rx * buying - s * leaving)
    by[0] = -stays * buying
    by[1] = stays * rx * silence / (a * (a + silence))
    by[2] = -stays * leaving
    by[3] = stays * s * silence / (b * (b + silence))
    if silence <= 0.0:
        return stays
    return stays + _leaving(rx, a, s, b, silence, by)


@compiled
def pareto_log_likelihood(parameters: Floats, x: Integers, t_x: Floats, age: Floats, gradient: Floats) -> float:
    """Pareto/NBD's log-likelihood of customers (``x``, ``t_x``, ``age``: one entry each, at least one customer).

    ``parameters`` is [r, alpha, s, beta]; ``gradient`` (float64[4]) receives the derivatives by them.
    """
    r, alpha, s, beta = parameters
    logs, slopes = np.zeros(x.max() + 1), np.zeros(x.max() + 1)
    for n in range(1, len(logs)):
        logs[n] = logs[n - 1] + math.log(r + n - 1.0)
        slopes[n] = slopes[n - 1] + 1.0 / (r + n - 1.0)
    by = np.empty(4)
    total = 0.0
    gradient[:] = 0.0
    for i in range(x.shape[0]):
        n, a, b = x[i], alpha + t_x[i], beta + t_x[i]
        bought, lived = math.log1p(t_x[i] / alpha), math.log1p(t_x[i] / beta)
        inside = _bracket(r + n, a, s, b, age[i] - t_x[i], by)
        total += logs[n] - r * bought - n * math.log(a) - s * lived + math.log(inside)
        gradient[0] += slopes[n] - bought + by[0] / inside
        gradient[1] += r * t_x[i] / (alpha * a) - n / a + by[1] / inside
        gradient[2] += by[2] / inside - lived
        gradient[3] += s * t_x[i] / (beta * b) + by[3] / inside
    return total
