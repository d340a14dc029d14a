"""Log-likelihoods of BG/NBD and MBG/NBD over many customers, with their exact gradients.

Sources: Fader, Hardie & Lee 2005, equation 6 (BG/NBD); Batislam, Denizel & Filiztekin 2007 (MBG/NBD). The gradients
are derived. Ratios of gamma functions are written as sums of logs over the purchases, because for large b, where a
degenerate fit ends, differences of log-gammas have no digits left.
"""

import math

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@compiled
def _prefix_sums(first: int, most: int, r: float, a: float, b: float) -> Floats:
    """Row x: log of (r)_x·(b)_f / (a+b)_f with f = x + first coin flips, and its derivatives by r, a, b."""
    sums = np.zeros((most + 1, 4))
    for flip in range(first):
        sums[0, 0] -= math.log1p(a / (b + flip))
        sums[0, 2] -= 1.0 / (a + b + flip)
        sums[0, 3] += a / ((b + flip) * (a + b + flip))
    for x in range(1, most + 1):
        flip = x - 1 + first
        sums[x, 0] = sums[x - 1, 0] + math.log(r + x - 1) - math.log1p(a / (b + flip))
        sums[x, 1] = sums[x - 1, 1] + 1.0 / (r + x - 1)
        sums[x, 2] = sums[x - 1, 2] - 1.0 / (a + b + flip)
        sums[x, 3] = sums[x - 1, 3] + a / ((b + flip) * (a + b + flip))
    return sums


@compiled
def _gone(log_odds: float) -> tuple[float, float]:
    """P(gone) and log(1 + odds) for the log-odds of having left."""
    if log_odds > 0.0:
        e = math.exp(-log_odds)
        return 1.0 / (1.0 + e), log_odds + math.log1p(e)
    e = math.exp(log_odds)
    return e / (1.0 + e), math.log1p(e)


@compiled
def _log_likelihood(
    first: int, parameters: Floats, x: Integers, t_x: Floats, age: Floats, most: int, gradient: Floats
) -> float:
    r, alpha, a, b = parameters
    sums = _prefix_sums(first, most, r, a, b)
    total = 0.0
    gradient[:] = 0.0
    for i in range(x.shape[0]):
        n, last, now = x[i], alpha + t_x[i], alpha + age[i]
        waiting = math.log1p(age[i] / alpha)
        total += sums[n, 0] - r * waiting - n * math.log(now)
        gradient[0] += sums[n, 1] - waiting
        gradient[1] += r * age[i] / (alpha * now) - n / now
        gradient[2] += sums[n, 2]
        gradient[3] += sums[n, 3]
        if n + first > 0:
            survived = b + n + first - 1
            silence = math.log1p((age[i] - t_x[i]) / last)
            gone, log_sum = _gone(math.log(a / survived) + (r + n) * silence)
            total += log_sum
            gradient[0] += gone * silence
            gradient[1] -= gone * (r + n) * (age[i] - t_x[i]) / (last * now)
            gradient[2] += gone / a
            gradient[3] -= gone / survived
    return total


@compiled
def bg_log_likelihood(parameters: Floats, x: Integers, t_x: Floats, age: Floats, gradient: Floats) -> float:
    """BG/NBD's log-likelihood of customers (``x``, ``t_x``, ``age``: one entry each, at least one customer).

    ``parameters`` is [r, alpha, a, b]; ``gradient`` (float64[4]) receives the derivatives by them.
    """
    return _log_likelihood(0, parameters, x, t_x, age, x.max(), gradient)


@compiled
def mbg_log_likelihood(parameters: Floats, x: Integers, t_x: Floats, age: Floats, gradient: Floats) -> float:
    """The same for MBG/NBD, where the first purchase too is followed by a coin flip."""
    return _log_likelihood(1, parameters, x, t_x, age, x.max(), gradient)
