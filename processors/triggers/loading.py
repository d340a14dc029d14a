"""The fields of a condition, out of a row: compiled, in the order of ``processors.triggers.fields``."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.judgements.catalogue import JUDGEMENT_COUNT, LET_GO, NEED, NEEDS, TIER, TRUST
from processors.judgements.categories import CATEGORY_COUNT
from processors.judgements.judge import judge_affection
from processors.judgements.letting_go import returned_orders
from processors.judgements.standing import fill_one
from processors.lifecycle.stages import DISSOLUTION
from processors.policy.rules import Rules
from processors.row.calendar import count_days
from processors.row.layout import CONSENTS, FACTORS, NEVER, NONE, Row
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


@compiled_apart
def fill_plain(row: Row, at: int, values: Values) -> None:
    """What a row says by itself at ``at`` (ms)."""
    stay_apart()
    fill_told(row, at, values)
    fill_counted(row, values)


@compiled_leaf
def fill_counted(row: Row, values: Values) -> None:
    """Of that what has to be counted, which few conditions ask."""
    values[2] = count_days(row) if row.last_purchase_at != NONE else 0
    values[16] = returned_orders(row)
    values[18] = count_months(row)


@compiled_leaf
def fill_told(row: Row, at: int, values: Values) -> None:
    """And what has not."""
    values[0] = row.touchpoints
    values[1] = row.purchases
    values[3] = row.spend_minor
    values[4] = row.margin_minor
    values[5] = row.cost_minor
    values[6] = row.refunded_minor
    values[7] = row.discounted
    values[8] = row.gifts
    values[9] = row.two_way
    values[10] = row.outbound
    values[11] = row.individual
    values[12] = row.referrals
    values[13] = row.complaints
    values[14] = row.unmapped
    values[15] = row.disclosures
    values[17] = row.episode
    values[19] = 1.0 if row.episode > 1 else 0.0
    values[20] = row.stage
    values[21] = _days(int(row.first_at), at)
    values[22] = _days(int(row.last_at), at)
    values[23] = _days(int(row.first_purchase_at), at)
    values[24] = _days(int(row.last_purchase_at), at)
    values[25] = _days(int(row.entered_at[max(int(row.stage) - 1, 0)]), at)
    values[26] = _days(at, int(row.due_at))
    for channel in range(1, CONSENTS):
        values[26 + channel] = 1.0 if may_reach(row, channel) else 0.0


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
