"""What the purchases to come are worth today: expected purchases, each discounted to the instant of judgement.

Arguments as in ``processors.models.churn``; times, ``horizon`` and 1/``delta`` in the unit of the parameters. ``delta``
is the continuous rate: ``continuous_rate`` makes it from an annual one. Results are purchases; a mean margin makes
them money.

Of a customer alive at T, with λ ~ Gamma(r, α) and p ~ Beta(a, b), purchases arrive at s from now with the intensity
E[λ·e^(−λps)] = r/α · E[(1 + ps/α)^−(r+1)] = r/α · 2F1(r+1, a; a+b; −s/α). Their present value is the integral of that
times e^(−δs): what Fader, Hardie & Lee 2005, "RFM and CLV", call discounted expected transactions, there for
Pareto/NBD and without an end. For these two models it is derived here.
"""

import math

from processors.compiled import compiled_leaf
from processors.models.quadrature import FEW, panels, rough_point

# e^−45 of a purchase is none.
_NEGLIGIBLE = 45.0
_PRECISION = 1e-5
_MOST_TERMS = 4000.0
# The series begins with exp of minus this at worst; a double ends at −745.
_SMALLEST_START = 650.0
# Terms of alternating sign cancel; so many of them cost no more than four digits.
_MOST_ALTERNATING = 8.0
_WIDEST_STEP = 0.25
# Log-odds beyond which p is 1 as far as doubles go.
_HIGHEST = 40.0


@compiled_leaf
def continuous_rate(annual_rate: float, units_per_year: float) -> float:
    """δ = ln(1 + i) per unit of time, for an annual rate i (0.1: ten per cent)."""
    return math.log1p(annual_rate) / units_per_year


@compiled_leaf
def _series(first: float, second: float, below: float, w: float, precision: float) -> float:
    """2F1(first, second; below; w) for 0 <= w < 1 and second <= below; −1 where that takes too many terms."""
    term = 1.0
    total = 1.0
    n = 0.0
    while n < _MOST_TERMS:
        # Whether to stop costs as much as a term, so it is asked at every fourth.
        for _ in range(4):
            term *= w * (first + n) * (second + n) / ((below + n) * (n + 1.0))
            total += term
            n += 1.0
        # All terms to come shrink at least by this ratio, once none changes its sign.
        ratio = w * max(1.0, (first + n) / (n + 1.0))
        if first + n >= 0.0 and abs(term) * ratio <= precision * total * (1.0 - ratio):
            return total
    return -1.0


@compiled_leaf
def _arm(r: float, a: float, b: float, z: float, peak: float, stride: float, lowest: float) -> tuple[float, float]:
    """Sums of weights and of weighted values from ``peak`` (which the left arm, stride < 0, counts) outwards."""
    weights = 0.0
    total = 0.0
    top = 0.0
    u = peak if stride < 0.0 else peak + stride
    begun = False
    while True:
        small = math.exp(-abs(u))
        p = (small if u < 0.0 else 1.0) / (1.0 + small)
        log_weight = (a * u if u < 0.0 else -b * u) - (a + b) * math.log1p(small)
        if not begun:
            peak_small = math.exp(-abs(peak))
            top = (a * peak if peak < 0.0 else -b * peak) - (a + b) * math.log1p(peak_small)
            begun = True
        if log_weight < top - _NEGLIGIBLE:
            return weights, total
        weight = math.exp(log_weight - top)
        last = u <= lowest or u >= _HIGHEST
        if last:
            # From here on weights shrink by a fixed ratio and the value stays: a geometric series.
            weight /= -math.expm1(-abs(stride) * (a if stride < 0.0 else b))
        weights += weight
        total += weight * math.exp(-(r + 1.0) * math.log1p(p * z))
        if last:
            return weights, total
        u += stride


@compiled_leaf
def _mean_over_p(r: float, a: float, b: float, z: float) -> float:
    """E over p ~ Beta(a, b) of (1 + pz)^−(r+1), by the trapezoidal rule in the log-odds of p.

    As ``purchasing`` does it, for any arguments, at some microseconds. The product of weight and value is never
    narrower than 1/√a.
    """
    step = min(_WIDEST_STEP, 0.5 / math.sqrt(a))
    lowest = -_HIGHEST - math.log1p((r + 1.0) * z)
    peak = min(max(math.log(a / b), lowest), _HIGHEST)
    left_weights, left = _arm(r, a, b, z, peak, -step, lowest)
    right_weights, right = _arm(r, a, b, z, peak, step, lowest)
    return (left + right) / (left_weights + right_weights)


@compiled_leaf
def survivor_mean(r: float, a: float, b: float, z: float, precision: float) -> float:
    """2F1(r+1, a; a+b; −z) for z >= 0, by Pfaff's transformations (Abramowitz & Stegun 15.3.4, 15.3.5).

    ``precision``: how much of the sum may be left out, relative to it.

    With x purchases behind the parameters, c − r − 1 of the first form does not depend on x, so its series takes a few
    dozen terms for any customer; the second has positive terms only, for populations of very regular buyers.
    """
    grown = math.log1p(z)
    w = z / (1.0 + z)
    below = a + b
    rest = below - r - 1.0
    value = -1.0
    if rest >= -_MOST_ALTERNATING and rest * a <= (r + 1.0) * b:
        if a * grown < _SMALLEST_START:
            value = math.exp(-a * grown) * _series(rest, a, below, w, precision)
    elif (r + 1.0) * grown < _SMALLEST_START:
        value = math.exp(-(r + 1.0) * grown) * _series(r + 1.0, b, below, w, precision)
    return value if value >= 0.0 else _mean_over_p(r, a, b, z)


@compiled_leaf
def discounted_alive(r: float, alpha: float, a: float, b: float, horizon: float, delta: float) -> float:
    """Present value of the purchases within ``horizon`` of somebody known to be alive, λ ~ Gamma(r, α), p ~ Beta(a, b).

    To three digits, which is enough for what is judged of every customer every day. ``horizon`` is finite.
    """
    if horizon <= 0.0:
        return 0.0
    # Where the intensity begins to fall, be it by dropout or by the discount.
    scale = 1.0 / ((1.0 + (r + 1.0) * a / (a + b)) / alpha + delta)
    count, width = panels(horizon, scale)
    total = 0.0
    for panel in range(count):
        for node in range(FEW):
            s, weight = rough_point(panel, node, width, scale)
            total += weight * math.exp(-delta * s) * survivor_mean(r, a, b, s / alpha, _PRECISION)
    return r / alpha * total
