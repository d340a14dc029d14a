"""Lifetime value from a retention rate: the closed forms for who has no purchase history worth modelling.

Gupta & Lehmann 2003, "Customers as Assets", Journal of Interactive Marketing 17, and 2005, "Managing Customers as
Investments". Margins come at the end of each period, the first one period from now, with the retention rate's chance.
"""

import math

from processors.compiled import compiled_leaf


@compiled_leaf
def retained_value(margin: float, retention: float, rate: float, growth: float, acquisition: float) -> float:
    """m·r / (1 + i − r(1+g)) less the cost of acquisition; growth and cost may be 0.

    Margin m per period and customer, retention r in 0..1, discount rate i and growth g of the margin per period. It is
    Σ over t >= 1 of m·(1+g)^(t−1)·r^t / (1+i)^t. Where r(1+g) >= 1+i that sum has no end: inf of the sign of m.
    """
    denominator = 1.0 + rate - retention * (1.0 + growth)
    earned = margin * retention
    if denominator <= 0.0 and earned != 0.0:
        return math.copysign(math.inf, earned)
    if earned == 0.0:
        return -acquisition
    return earned / denominator - acquisition
