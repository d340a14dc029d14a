"""Bond and type of a relationship, involvement, individualisation: what decayed sums and months say.

Bond: intellectual (price, deals, comparison, specifications, certifications) or emotional (community, sharing, reviews
of love, charity). Type: communal or exchange, after M. Clark & J. Mills, "Interpersonal Attraction in Exchange and
Communal Relationships", Journal of Personality and Social Psychology 37(1), 1979: who gives without return.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.policy.rules import Rules
from processors.row.calendar import population
from processors.row.decay import MS_PER_DAY
from processors.row.layout import NONE, Row
from processors.row.sums import (
    SUM_EMOTIONAL,
    SUM_EXCHANGES,
    SUM_GIVING,
    SUM_INDIVIDUAL,
    SUM_INTELLECTUAL,
    SUM_OUTBOUND,
    SUM_TWO_WAY,
    window_days,
)
from processors.row.windows import count_months

NO_BOND: Final = 1  # as judgements.BOND_TYPES
INTELLECTUAL_BOND: Final = 2
EMOTIONAL_BOND: Final = 3
BOTH_BONDS: Final = 4
NO_STRENGTH: Final = 1  # as judgements.STRENGTHS
WEAK: Final = 2
STRONG: Final = 3
EXCHANGE: Final = 1
COMMUNAL: Final = 2
SITUATIONAL: Final = 1
ENDURING: Final = 2
_SEARCHES: Final = 3
_VARIETIES: Final = 3
_OWN_SHARE: Final = 0.2
_ALL_SIGNS: Final = 4
QUARTER_DAYS: Final = 365.25 / 4
HALF: Final = 0.5


@compiled_leaf
def bond_strength(row: Row, rules: Rules, left: float) -> int:
    """By all signals. ``left``: the factor by which the row's slow sums have faded at the instant of judgement."""
    total = (row.sums[SUM_INTELLECTUAL] + row.sums[SUM_EMOTIONAL]) * left
    if total >= rules.bond_strong:
        return STRONG
    return WEAK if total >= rules.bond_weak else NO_STRENGTH


@compiled_leaf
def bond_type(row: Row, rules: Rules, strength: int) -> int:
    """One side where it holds the policy's share of the signals, else both."""
    total = row.sums[SUM_INTELLECTUAL] + row.sums[SUM_EMOTIONAL]
    if strength == NO_STRENGTH:
        return NO_BOND
    if row.sums[SUM_INTELLECTUAL] >= rules.bond_side * total:
        return INTELLECTUAL_BOND
    return EMOTIONAL_BOND if row.sums[SUM_EMOTIONAL] >= rules.bond_side * total else BOTH_BONDS


@compiled_leaf
def giving_share(row: Row) -> float:
    """Share of giving without return in giving and exchanges; 0 where there is neither."""
    total = row.sums[SUM_GIVING] + row.sums[SUM_EXCHANGES]
    return float(row.sums[SUM_GIVING] / total) if total > 0.0 else 0.0


@compiled_leaf
def relationship_type(row: Row, rules: Rules) -> int:
    return COMMUNAL if giving_share(row) > rules.communal_share else EXCHANGE


@compiled_leaf
def varieties(row: Row) -> int:
    """Different categories bought, or articles where no category is told; 64 at most."""
    return int(population(np.uint64(row.varieties)))


@compiled_leaf
def own_share(row: Row) -> float:
    """Share of the customer's own initiative in it and marketing; 0 where there is neither."""
    own = row.chosen + row.purchases
    return float(own / (own + row.urged)) if own > 0 else 0.0


@compiled_leaf
def interests(row: Row) -> int:
    """How many signs of an interest that outlasts a purchase there are, of four.

    Ongoing search, opinions given, variety sought, and acting unasked: M. L. Richins & P. H. Bloch, "After the New
    Wears Off: The Temporal Context of Product Involvement", Journal of Consumer Research 13(2), 1986.
    """
    return (
        int(row.searched >= _SEARCHES)
        + int(row.last_contribution_at != NONE)
        + int(varieties(row) >= _VARIETIES)
        + int(own_share(row) >= _OWN_SHARE)
    )


@compiled_leaf
def involvement(row: Row, rules: Rules) -> int:
    """Enduring where the customer was active in the policy's number of months, and not only with gifts.

    By policies of version 2 with a sign of interest besides (``interests``); with all of them, two thirds of those
    months do.
    """
    months = count_months(row)
    if row.purchases > 0 and row.gifts >= row.purchases:
        return SITUATIONAL
    if rules.version < 2:
        return ENDURING if months >= rules.enduring_months else SITUATIONAL
    needed = 1 if months >= rules.enduring_months else _ALL_SIGNS
    return ENDURING if 3 * months >= 2 * rules.enduring_months and interests(row) >= needed else SITUATIONAL


@compiled_leaf
def two_way_rate(row: Row, rules: Rules, left: float, at: int) -> float:
    """Two-way exchanges a quarter at ``at`` (ms), newer ones weighing more."""
    window = window_days(row.first_at, at, rules.memory_half_life, QUARTER_DAYS)
    return float(row.sums[SUM_TWO_WAY] * left / window * QUARTER_DAYS)


@compiled_leaf
def two_way_often(row: Row, rules: Rules, rate: float, at: int) -> bool:
    """Whether two-way contact comes at least at the policy's rate (a quarter), as a person would say it.

    The last exchange is no longer ago than that rate allows, and the rate over the whole history, which a single
    exchange in years does not raise, is at least half of it.
    """
    if row.last_two_way_at == NONE or rules.two_way_rate <= 0.0:
        return bool(rules.two_way_rate <= 0.0)
    recent = at - row.last_two_way_at <= QUARTER_DAYS / rules.two_way_rate * MS_PER_DAY
    return bool(recent and rate >= rules.two_way_rate * HALF)


@compiled_leaf
def individualisation(row: Row) -> float:
    """Share of outbound contact that was made for this one customer; nan where there was none."""
    return float(row.sums[SUM_INDIVIDUAL] / row.sums[SUM_OUTBOUND]) if row.sums[SUM_OUTBOUND] > 0.0 else np.nan
