"""The slow sums of a row: what fades with the policy's long half-life, all as of the row's ``last_at``.

One half-life for all of them: then shares of a sum, such as the mix of categories, do not change while nothing happens,
and bringing them forward is one factor.
"""

import math
from typing import Final

from processors.compiled import compiled_inline, compiled_leaf
from processors.row.decay import LN2, MS_PER_DAY
from processors.row.layout import NONE, SUMS, Row

SUM_INTELLECTUAL: Final = 0  # signals of a bond
SUM_EMOTIONAL: Final = 1
SUM_GIVING: Final = 2  # without return
SUM_EXCHANGES: Final = 3
SUM_TWO_WAY: Final = 4
SUM_OUTBOUND: Final = 5
SUM_INDIVIDUAL: Final = 6
SUM_MIX: Final = 6  # contacts of category c stand at MIX + c, c from 1 to 6
SUM_TRUSTED: Final = 13  # … of trust factor f at TRUSTED + f,
SUM_DISTRUSTED: Final = 20  # and against it at DISTRUSTED + f
SUM_CONTRIBUTION: Final = 27
SUM_INVESTMENT: Final = 28
SUM_INTEREST: Final = 29  # engagement, faded slowly
SUM_COST: Final = 30  # to serve, minor units; policies of version 1 count marketing, too
SUM_REFERRALS: Final = 31


@compiled_inline
def factor(since: int, until: int, half_life_days: float) -> float:
    """What is left of 1 after ``until - since`` ms; 1 where no time passes."""
    if until <= since:
        return 1.0
    return math.exp(-(until - since) * LN2 / (half_life_days * MS_PER_DAY))


@compiled_leaf
def fade_sums(row: Row, at: int, half_life_days: float) -> None:
    """Bring the slow sums forward from the row's ``last_at`` to ``at``."""
    left = factor(row.last_at, at, half_life_days)
    if left != 1.0:
        for i in range(SUMS):
            row.sums[i] *= left


@compiled_leaf
def merge_sums(into: Row, other: Row, newest: int, half_life_days: float) -> None:
    """Add the slow sums of two rows as of ``newest``, which is no older than either's ``last_at``.

    A row of which nothing is known has no instant that time could pass from.
    """
    mine = factor(into.last_at, newest, half_life_days) if into.last_at != NONE else 1.0
    others = factor(other.last_at, newest, half_life_days) if other.last_at != NONE else 1.0
    for i in range(SUMS):
        into.sums[i] = into.sums[i] * mine + other.sums[i] * others


@compiled_leaf
def window_days(first_at: int, at: int, half_life_days: float, least_days: float) -> float:
    """Days that a faded sum stands for: what one event a day since ``first_at`` would have summed up to (integral).

    A history shorter than ``least_days`` counts as that long, so that a single early event makes no high rate.
    """
    days = max((at - first_at) / MS_PER_DAY, least_days)
    return float(half_life_days / LN2 * (1.0 - math.exp(-days * LN2 / half_life_days)))
