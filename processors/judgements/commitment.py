"""Commitment in three numbers from 0 to 1: contribution, investment, consistency.

The three after F. R. Dwyer, P. Schurr & S. Oh, "Developing Buyer-Seller Relationships", Journal of Marketing 51(2),
1987: inputs, durability, consistency. The scales are the policy's.
"""

from processors.compiled import compiled_leaf
from processors.lifecycle.stages import LAST_DAY
from processors.lifecycle.ties import open_ties
from processors.policy.rules import Rules
from processors.row.calendar import count_weeks
from processors.row.layout import Row
from processors.row.sums import SUM_CONTRIBUTION, SUM_INVESTMENT


@compiled_leaf
def contribution(row: Row, rules: Rules, left: float) -> float:
    """s / (s + scale) of the faded contributions. ``left``: by what the row's slow sums have faded."""
    s = row.sums[SUM_CONTRIBUTION] * left
    return float(s / (s + rules.contribution_scale))


@compiled_leaf
def investment(row: Row, rules: Rules, left: float) -> float:
    """The same of the faded investments and of the ties that are open, which do not fade."""
    s = row.sums[SUM_INVESTMENT] * left + open_ties(row)
    return float(s / (s + rules.investment_scale))


@compiled_leaf
def evenness(row: Row) -> float:
    """How evenly purchases are spread over their days, 0 to 1; 0.5 where fewer than three days say nothing.

    Of n evenly spaced points over a span S the variance is S²·(n+1) / (12·(n−1)) (variance of the discrete uniform
    distribution); the ratio of the two variances, the smaller over the larger. From moments alone, so order-free.
    """
    n = float(row.purchases)
    span = float(row.last_purchase_at // 86_400_000 - row.first_purchase_at // 86_400_000) if n > 0 else 0.0
    if n < 3 or span <= 0.0:
        return 0.5
    variance = max(row.day_squares / n - (row.day_sum / n) ** 2, 0.0)
    even = span * span * (n + 1.0) / (12.0 * (n - 1.0))
    return float(min(variance, even) / max(variance, even))


@compiled_leaf
def consistency(row: Row, rules: Rules) -> float:
    """w / (w + weeks that consistency asks for) of the distinct purchase weeks, times how evenly purchases lie."""
    weeks = float(count_weeks(row, 0, LAST_DAY))
    return float(weeks / (weeks + rules.consistency_weeks) * evenness(row))
