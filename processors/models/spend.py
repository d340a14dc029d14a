"""Gamma-Gamma: what a customer spends at a purchase, learnt from few purchases.

Fader, Hardie & Lee 2005, "RFM and CLV: Using Iso-value Curves for Customer Base Analysis", and Fader & Hardie 2013,
"The Gamma-Gamma Model of Monetary Value". The amounts of one customer vary as Gamma(p, rate ν); customers differ in
their ν ~ Gamma(q, rate γ). How much is spent is taken to be independent of how often.

``x`` is how many purchases ``mean`` is the mean of. Which purchases these are is a convention that the fit and the
judgement must share; the published figures on CDNOW leave out each customer's first. Amounts are in the unit of γ.
"""

import math

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled, compiled_leaf
from processors.models.gamma import digamma, log_gamma_ratio

Floats = npt.NDArray[np.float64]


@compiled_leaf
def expected_spend(p: float, q: float, gamma: float, x: float, mean: float) -> float:
    """E[M | x, mean] = p(γ + x·mean) / (px + q − 1), a customer's mean spend per purchase in the long run.

    Fader & Hardie 2013: between the customer's own mean and that of all, pγ/(q−1), which it is at x = 0.
    ``inf`` where px + q <= 1, because then the amounts have no mean. A mean made negative by returns is 0.
    """
    weight = p * x + q - 1.0
    if weight <= 0.0:
        return math.inf
    return p * (gamma + max(x * mean, 0.0)) / weight


@compiled
def spend_log_likelihood(parameters: Floats, x: Floats, mean: Floats, gradient: Floats) -> float:
    """The log-likelihood of customers' means (``x`` >= 1, ``mean`` > 0: one entry each), Fader & Hardie 2013.

    ``parameters`` is [p, q, gamma]; ``gradient`` (float64[3]) receives the derivatives by them.
    """
    p, q, gamma = parameters
    total = 0.0
    gradient[:] = 0.0
    at_q, slope_at_q = math.lgamma(q), digamma(q)
    for i in range(x.shape[0]):
        spent = x[i] * mean[i]
        shape = p * x[i]
        # Of γ and the amount spent, the log of the share that each has in their sum.
        prior, own = -math.log1p(spent / gamma), -math.log1p(gamma / spent)
        total += log_gamma_ratio(shape, q) - at_q + q * prior + shape * own - math.log(mean[i])
        slope = digamma(shape + q)
        gradient[0] += x[i] * (slope - digamma(shape) + own)
        gradient[1] += slope - slope_at_q + prior
        gradient[2] += (q * spent - shape * gamma) / (gamma * (gamma + spent))
    return total
