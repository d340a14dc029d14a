"""The slower judgements: made at the start of the day after a touchpoint, and when decay alone changes one of them."""

import math
from typing import Final

from processors.compiled import compiled_inline, compiled_leaf
from processors.judgements.bonds import HALF, NO_STRENGTH, QUARTER_DAYS, STRONG, two_way_often, two_way_rate
from processors.judgements.catalogue import BOND_STRENGTH, JUDGEMENT_COUNT, NEED, NEUTRAL_1, TIER, TRUST
from processors.judgements.judge import judge
from processors.judgements.trust import SIGN_NEGATIVE, SIGN_POSITIVE, SUPPORT, unanswered
from processors.judgements.value import can_fall, clv, has_left
from processors.lifecycle.facts import Cause, Out
from processors.lifecycle.publishing import publish
from processors.policy.rules import Rules
from processors.row.calendar import day_of, start_of_day
from processors.row.decay import LN2, MS_PER_DAY
from processors.row.layout import FACTORS, NEVER, NONE, QUESTIONS, Row
from processors.row.sums import SUM_DISTRUSTED, SUM_EMOTIONAL, SUM_INTELLECTUAL, SUM_TRUSTED, SUM_TWO_WAY, factor

REVALUE_DAYS: Final = 28  # a tier above the lowest is valued anew after so many days of silence
_QUARTER_MS: Final = round(QUARTER_DAYS * MS_PER_DAY)


@compiled_leaf
def next_day(at: int) -> int:
    """The start of the day (UTC) after ``at`` (ms)."""
    return start_of_day(day_of(at) + 1)


@compiled_leaf
def first_midnight(at: int) -> int:
    """The first start of a day (UTC) at or after ``at`` (ms)."""
    return next_day(at - 1)


@compiled_leaf
def _trust_factor(row: Row, rules: Rules, which: int, sign: int, left: float, late: float) -> float:
    """By what the signals of a factor of trust must fade until its sign is none; 0: it never will."""
    positive = row.sums[SUM_TRUSTED + which] * left
    negative = row.sums[SUM_DISTRUSTED + which] * left + (late if which == SUPPORT else 0.0)
    limit = rules.trust_positive if sign == SIGN_POSITIVE else -rules.trust_negative
    excess = (positive - negative if sign == SIGN_POSITIVE else negative - positive) - limit * (positive + negative)
    return float(limit * rules.trust_prior / excess) if excess > 0.0 else 0.0


@compiled_leaf
def _two_way_factor(row: Row, rules: Rules, at: int, left: float) -> float:
    """By what the two-way exchanges must fade until their rate falls below that of ``two_way_often``.

    rate = S·u / (W·(1 − q·u)) · quarter with u what is left and q what is left of the first touchpoint, solved for u.
    A history shorter than a quarter counts as one, so that until then the rate falls as the exchanges fade.
    """
    limit = rules.two_way_rate * HALF
    alone = limit / two_way_rate(row, rules, left, at)
    if at - math.log(alone) / LN2 * rules.memory_half_life * MS_PER_DAY <= row.first_at + _QUARTER_MS:
        return float(alone)
    since = factor(row.first_at, at, rules.memory_half_life)
    window = rules.memory_half_life / LN2
    exchanges = row.sums[SUM_TWO_WAY] * left * QUARTER_DAYS
    return float(limit * window / (exchanges + limit * window * since))


@compiled_leaf
def _fading(row: Row, rules: Rules, at: int) -> int:
    """When fading alone changes a judgement next; NEVER: it won't."""
    left = factor(row.last_at, at, rules.memory_half_life)
    total = (row.sums[SUM_INTELLECTUAL] + row.sums[SUM_EMOTIONAL]) * left
    strength = int(row.judged[BOND_STRENGTH])
    nearest = 0.0
    if strength > NO_STRENGTH and total > 0.0:
        nearest = (rules.bond_strong if strength == STRONG else rules.bond_weak) / total
    late = unanswered(row, rules, at)
    for which in range(FACTORS):
        sign = int(row.judged[TRUST + which])
        if sign in (SIGN_POSITIVE, SIGN_NEGATIVE):
            nearest = max(nearest, _trust_factor(row, rules, which, sign, left, late))
    instant = NEVER
    if rules.two_way_rate > 0.0 and two_way_often(row, rules, two_way_rate(row, rules, left, at), at):
        instant = next_day(row.last_two_way_at + int(_QUARTER_MS / rules.two_way_rate))
        nearest = max(nearest, _two_way_factor(row, rules, at, left))
    if nearest > 0.0:
        waits = -math.log(min(nearest, 1.0)) / LN2 * rules.memory_half_life
        if waits < 36_525.0:
            instant = min(instant, first_midnight(at + int(waits * MS_PER_DAY)))
    return int(instant)


@compiled_leaf
def next_review(row: Row, rules: Rules, at: int) -> int:
    """When the row is to be judged again if nothing happens; NEVER: not at all."""
    instant = _fading(row, rules, at)
    if row.risk_at > at:
        instant = min(instant, row.risk_at)
    for i in range(QUESTIONS):
        if row.question_at[i] == NONE:
            continue
        late = row.question_at[i] + rules.patience_ms
        if late > at and row.question_answered_at[i] > late:
            instant = min(instant, first_midnight(late))
    if can_fall(int(row.judged[TIER])) and not has_left(row):
        instant = min(instant, int(row.valued_at) + REVALUE_DAYS * MS_PER_DAY)
    return int(max(instant, next_day(at))) if instant != NEVER else NEVER


@compiled_inline
def review(row: Row, rules: Rules, out: Out, cause: Cause, at: int) -> None:
    """Judge the row at ``at`` (ms), publish what differs from what was published, and set when to judge it next."""
    if rules.version < 2 and row.reviewed_at == NONE:
        row.judged[TIER], row.judged[NEED] = NEUTRAL_1[TIER], NEUTRAL_1[NEED]
    falls = can_fall(int(row.judged[TIER])) and not has_left(row)
    stale = falls and at - row.valued_at >= REVALUE_DAYS * MS_PER_DAY
    if row.revalue != 0 or row.valued_at == NONE or stale:
        row.clv_minor = clv(row, rules, at)
        row.valued_at = at
        row.revalue = 0
    judge(row, rules, at, row.clv_minor, out.values)
    for which in range(JUDGEMENT_COUNT):
        if out.values[which] != row.judged[which]:
            publish(row, rules, out, cause, which, int(out.values[which]), at)
    row.reviewed_at = at
    row.review_at = next_review(row, rules, at)
