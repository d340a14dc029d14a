"""How many purchases to expect: from a new customer, from one with a history, from one known to be alive.

Arguments as in ``processors.models.churn``; times in the unit of the parameters. All results are purchases, not money.

The papers write these expectations with Gauss's 2F1, as (a+b−1)/(a−1) · [1 − (α/(α+t))^r · 2F1(r, b; a+b−1; t/(α+t))].
That form is 0/0 at a = 1, loses its digits for short horizons and overflows for frequent buyers. Here the same
quantity is a sum of positive terms, or an integral of a positive function, whichever is cheaper; nothing cancels.
"""

import math

from processors.compiled import compiled
from processors.models.churn import bg_p_alive, mbg_p_alive

# Beyond this many terms the integral, about 8 µs whatever its arguments, is the cheaper of the two.
_MOST_TERMS = 3000.0
# The series begins with exp of minus this at worst; a double ends at −745.
_SMALLEST_START = 650.0
_WIDEST_STEP = 0.25
# Log-odds beyond which p is 1 as far as doubles go, and a log-weight so far below the greatest that it is nothing.
_HIGHEST = 40.0
_NEGLIGIBLE = 45.0


@compiled
def _by_series(r: float, scale: float, a: float, b: float) -> float:
    """Σ over n of P(N = n)·G(n): N ~ negative binomial (r, scale) counts the purchases of somebody who never leaves.

    G(n) = Σ over k <= n of (b)_(k−1) / (a+b)_(k−1), the purchases made before leaving out of n. The sum of the 2F1
    series, rearranged (derived).
    """
    z = scale / (1.0 + scale)
    p = math.exp(-r * math.log1p(scale))
    stays = 1.0
    made = 0.0
    total = 0.0
    n = 0.0
    while True:
        n += 1.0
        p *= z * (r + n - 1.0) / n
        made += stays
        stays *= (b + n - 1.0) / (a + b + n - 1.0)
        total += p * made
        # G(n+1)/G(n) <= (n+1)/n, so the terms to come shrink at least by this ratio.
        ratio = z * (r + n) / n
        if ratio < 1.0 and p * made * ratio <= 1e-17 * total * (1.0 - ratio):
            return total


@compiled
def _node(u: float, r: float, scale: float, a: float, b: float) -> tuple[float, float]:
    """At p = 1 / (1 + e^−u): the log of p^a·(1−p)^b, and (1 − (1 + p·scale)^−r) / p."""
    small = math.exp(-abs(u))
    log_one = math.log1p(small)
    if u < 0.0:
        p = small / (1.0 + small)
        log_weight = a * (u - log_one) - b * log_one
    else:
        p = 1.0 / (1.0 + small)
        log_weight = -a * log_one - b * (u + log_one)
    return log_weight, -math.expm1(-r * math.log1p(p * scale)) / p


@compiled
def _arm(r: float, scale: float, a: float, b: float, peak: float, stride: float, lowest: float) -> tuple[float, float]:
    """Sums of weights and of weighted values from ``peak`` (which the left arm, stride < 0, counts) outwards."""
    top, _ = _node(peak, r, scale, a, b)
    least = top - _NEGLIGIBLE - math.log1p(r * scale)
    weights = 0.0
    total = 0.0
    u = peak if stride < 0.0 else peak + stride
    while True:
        log_weight, value = _node(u, r, scale, a, b)
        if log_weight < least:
            return weights, total
        weight = math.exp(log_weight - top)
        last = u <= lowest or u >= _HIGHEST
        if last:
            # From here on weights shrink by a fixed ratio and the value stays: a geometric series.
            weight /= -math.expm1(-abs(stride) * (a if stride < 0.0 else b))
        weights += weight
        total += weight * value
        if last:
            return weights, total
        u += stride


@compiled
def _by_integral(r: float, scale: float, a: float, b: float) -> float:
    """E over p ~ Beta(a, b) of (1 − (1 + p·scale)^−r) / p, by the trapezoidal rule in the log-odds of p.

    On the log-odds the integrand is analytic and bounded in the strip |Im u| < π/2 for any arguments, so the rule's
    error shrinks as exp(−π²/step): a step of 1/4 gives a double's precision (Trefethen & Weideman 2014), a narrower
    one follows the peak of a concentrated Beta. Dividing by the same sum of the weights alone does away with B(a, b).
    """
    step = min(_WIDEST_STEP, 0.5 * math.sqrt(1.0 / a + 1.0 / b))
    lowest = -_HIGHEST - math.log1p((r + 1.0) * scale)
    peak = min(max(math.log(a / b), lowest), _HIGHEST)
    left_weights, left = _arm(r, scale, a, b, peak, -step, lowest)
    right_weights, right = _arm(r, scale, a, b, peak, step, lowest)
    return (left + right) / (left_weights + right_weights)


@compiled
def expected_alive(r: float, alpha: float, a: float, b: float, horizon: float) -> float:
    """Purchases within ``horizon`` of a living customer with rate λ ~ Gamma(r, α) and p ~ Beta(a, b).

    E[(1 − e^(−λph)) / p], as in Fader, Hardie & Lee 2005, equation 9, whose 2F1 form it equals.
    """
    if horizon <= 0.0:
        return 0.0
    scale = horizon / alpha
    terms = r * scale + 40.0 * (1.0 + scale) + 9.0 * math.sqrt(r * scale * (1.0 + scale))
    if terms < _MOST_TERMS and r * math.log1p(scale) < _SMALLEST_START:
        return _by_series(r, scale, a, b)
    return _by_integral(r, scale, a, b)


@compiled
def bg_expected(r: float, alpha: float, a: float, b: float, t: float) -> float:
    """E[X(t)] under BG/NBD: repeat purchases within ``t`` of the first. Fader, Hardie & Lee 2005, equation 9."""
    return expected_alive(r, alpha, a, b, t)


@compiled
def mbg_expected(r: float, alpha: float, a: float, b: float, t: float) -> float:
    """E[X(t)] under MBG/NBD: Batislam et al. 2007. With probability b/(a+b) the first coin flip was survived."""
    return b / (a + b) * expected_alive(r, alpha, a, b + 1.0, t)


@compiled
def bg_expected_conditional_alive(
    r: float, alpha: float, a: float, b: float, x: float, age: float, horizon: float
) -> float:
    """E[Y(h) | x, alive at T] under BG/NBD; t_x tells nothing more about who is known to be alive.

    Derived: survival of x coin flips leaves λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x), independent.
    """
    return expected_alive(r + x, alpha + age, a, b + x, horizon)


@compiled
def mbg_expected_conditional_alive(
    r: float, alpha: float, a: float, b: float, x: float, age: float, horizon: float
) -> float:
    """E[Y(h) | x, alive at T] under MBG/NBD. Derived as for BG/NBD, with x+1 coin flips: p ~ Beta(a, b+x+1)."""
    return expected_alive(r + x, alpha + age, a, b + x + 1.0, horizon)


@compiled
def bg_expected_conditional(
    r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """E[Y(h) | x, t_x, T] under BG/NBD: Fader, Hardie & Lee 2005, equation 10."""
    alive = bg_p_alive(r, alpha, a, b, x, t_x, age)
    return alive * bg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)


@compiled
def mbg_expected_conditional(
    r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """E[Y(h) | x, t_x, T] under MBG/NBD: Batislam et al. 2007; Hoppe & Wagner 2007."""
    alive = mbg_p_alive(r, alpha, a, b, x, t_x, age)
    return alive * mbg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)
