"""The fields of a condition, out of a row: compiled, in the order of ``processors.triggers.fields``."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.bits import trailing_zeros
from processors.compiled import compiled_apart, compiled_leaf
from processors.judgements.catalogue import JUDGEMENT_COUNT, LET_GO, NEED, NEEDS, TIER, TRUST
from processors.judgements.categories import CATEGORY_COUNT
from processors.judgements.judge import judge_affection
from processors.judgements.letting_go import returned_orders
from processors.judgements.standing import fill_one
from processors.lifecycle.stages import DISSOLUTION
from processors.policy.rules import Rules
from processors.row.calendar import count_days
from processors.row.layout import FACTORS, NEVER, NONE, Row
from processors.row.outreach import may_reach
from processors.row.sums import factor
from processors.row.traits import trait_of
from processors.row.windows import count_months
from processors.triggers.fields import AFFECTION, AFFECTION_PLACES, FIRST_TRAIT, PLAIN

_MS_PER_DAY: Final = 86_400_000.0
_FIRST_FIGURE: Final = len(PLAIN)
_NEEDS: Final = len(NEEDS)
_LET_GO_REASONS: Final = 4
_AFFECTION: Final = np.array(list(zip(AFFECTION_PLACES, AFFECTION, strict=True)), np.int64)

Values = npt.NDArray[np.float64]


@compiled_leaf
def _days(earlier: int, later: int) -> float:
    """Days between two instants (ms); nan where one of them is none."""
    if earlier in (NONE, NEVER) or later in (NONE, NEVER):
        return np.nan
    return float(later - earlier) / _MS_PER_DAY


@compiled_leaf
def fill_traits(row: Row, rules: Rules, values: Values) -> None:
    """The customer's own properties that the policy names."""
    for i in range(rules.trait_count):
        values[FIRST_TRAIT + i] = trait_of(row, int(rules.trait_keys[i]))


@compiled_leaf
def fill_plain(row: Row, at: int, values: Values) -> None:
    """What a row says by itself at ``at`` (ms)."""
    fill_some(row, at, (1 << _FIRST_FIGURE) - 1, values)


@compiled_apart
def fill_some(row: Row, at: int, places: int, values: Values) -> None:
    """Of that what stands at some places (bits): most conditions ask two or three."""
    stay_apart()
    while places != 0:
        place = int(trailing_zeros(np.uint64(places)))
        places &= places - 1
        values[place] = _plain(row, at, place)


@compiled_leaf
def _plain(row: Row, at: int, place: int) -> float:
    if place < 10:
        return _count_of_all(row, place)
    if place < 20:
        return _count_of_some(row, place)
    if place == 20:
        return float(row.stage)
    if place == 26:
        return _days(at, int(row.due_at))
    if place > 26:
        return 1.0 if may_reach(row, place - 26) else 0.0
    return _days(_instant(row, place), at)


@compiled_leaf
def _count_of_all(row: Row, place: int) -> float:
    if place == 0:
        return float(row.touchpoints)
    if place == 1:
        return float(row.purchases)
    if place == 2:
        return float(count_days(row)) if row.last_purchase_at != NONE else 0.0
    if place == 3:
        return float(row.spend_minor)
    if place == 4:
        return float(row.margin_minor)
    if place == 5:
        return float(row.cost_minor)
    if place == 6:
        return float(row.refunded_minor)
    if place == 7:
        return float(row.discounted)
    return float(row.gifts) if place == 8 else float(row.two_way)


@compiled_leaf
def _count_of_some(row: Row, place: int) -> float:
    if place == 10:
        return float(row.outbound)
    if place == 11:
        return float(row.individual)
    if place == 12:
        return float(row.referrals)
    if place == 13:
        return float(row.complaints)
    if place == 14:
        return float(row.unmapped)
    if place == 15:
        return float(row.disclosures)
    if place == 16:
        return float(returned_orders(row))
    if place == 17:
        return float(row.episode)
    if place == 18:
        return float(count_months(row))
    return 1.0 if row.episode > 1 else 0.0


@compiled_leaf
def _instant(row: Row, place: int) -> int:
    if place == 21:
        return int(row.first_at)
    if place == 22:
        return int(row.last_at)
    if place == 23:
        return int(row.first_purchase_at)
    if place == 24:
        return int(row.last_purchase_at)
    return int(row.entered_at[max(int(row.stage) - 1, 0)])


@compiled_leaf
def fill_affection(row: Row, rules: Rules, at: int, figures: Any, values: Values) -> None:
    """Of what is judged of a row at ``at`` (ms) bonds, relationship, involvement and signs of trust."""
    judge_affection(row, rules, at, factor(row.last_at, at, rules.memory_half_life), figures.judged)
    for i in range(len(_AFFECTION)):
        values[_AFFECTION[i, 0]] = figures.judged[_AFFECTION[i, 1]]


@compiled_apart
def fill_figures_of(row: Row, rules: Rules, at: int, figures: Any, values: Values) -> None:
    """What is judged and computed of a row at ``at`` (ms). ``figures``: scratch, a record of standing.FIGURES."""
    stay_apart()
    fill_one(row, rules, at, figures)
    k = _FIRST_FIGURE
    values[k], values[k + 1], values[k + 2] = figures.p_alive, figures.churn_risk, figures.expected_value
    values[k + 3], values[k + 4], values[k + 5] = figures.clv, figures.interaction, figures.engagement
    values[k + 6], values[k + 7], values[k + 8] = figures.contribution, figures.investment, figures.consistency
    values[k + 9], values[k + 10] = figures.intellectual, figures.emotional
    values[k + 11], values[k + 12] = figures.giving, figures.exchanges
    values[k + 13], values[k + 14] = figures.interest_long, figures.interest_short
    values[k + 15], values[k + 16] = figures.two_way_rate, figures.individualisation
    k += 17
    for i in range(FACTORS):
        values[k + i] = figures.trust[i]
    k += FACTORS
    for i in range(CATEGORY_COUNT):
        values[k + i] = figures.mix[i]
    k += CATEGORY_COUNT
    for i in range(_LET_GO_REASONS):
        values[k + i] = figures.costs[i]
    k += _LET_GO_REASONS
    values[k] = _days(int(figures.end_at), at) if row.stage == DISSOLUTION else np.nan
    k += 1
    for which in range(JUDGEMENT_COUNT):
        if which != LET_GO and not TRUST <= which < TRUST + FACTORS:
            values[k] = figures.judged[which]
            k += 1
    for i in range(FACTORS):
        values[k + i] = figures.judged[TRUST + i]
    k += FACTORS
    values[k] = figures.why
    values[k + 1] = float(int(figures.judged[TIER]) * _NEEDS + int(figures.judged[NEED]))
    for i in range(_LET_GO_REASONS):
        values[k + 2 + i] = float(int(figures.judged[LET_GO]) >> i & 1)
