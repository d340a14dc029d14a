"""All judgements of a row at an instant, as small integers: a function of profile, policy, episode and stage.

What was published enters only where a limit has hysteresis (value tier, need).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.judgements.bonds import (
    COMMUNAL,
    bond_strength,
    bond_type,
    involvement,
    relationship_type,
    two_way_often,
    two_way_rate,
)
from processors.judgements.catalogue import (
    BOND_STRENGTH,
    BOND_TYPE,
    ENDED_BY,
    INVOLVEMENT,
    LET_GO,
    MOTIVATION,
    NEED,
    OBSERVED,
    REASON,
    RECOMMENDED,
    RELATIONSHIP,
    RISK,
    STEP,
    TIER,
    TRUST,
)
from processors.judgements.categories import observed_category, recommended_category
from processors.judgements.letting_go import cost_to_serve, let_go
from processors.judgements.motivation import motivation, next_step
from processors.judgements.needs import need
from processors.judgements.trust import trust_index, trust_sign, unanswered
from processors.judgements.value import TIER_HIGH, has_left, value_tier
from processors.lifecycle.dissolution import end_of
from processors.lifecycle.stages import DISSOLUTION
from processors.policy.rules import Rules
from processors.row.layout import FACTORS, NONE, Row
from processors.row.sums import factor

Values = npt.NDArray[np.uint8]  # shape (JUDGEMENTS,)

LOW_RISK = 1  # as judgements.RISKS
HIGH_RISK = 2


@compiled_leaf
def risk_band(row: Row, rules: Rules, at: int) -> int:
    """Whether the churn risk has reached the policy's band by ``at`` (ms); 0 before a first purchase.

    Who has left is at the highest risk, by policies of version 2.
    """
    if rules.version > 1 and has_left(row):
        return HIGH_RISK
    if row.last_purchase_at == NONE:
        return 0
    return HIGH_RISK if at >= row.risk_at else LOW_RISK


@compiled_leaf
def judge_end(row: Row, rules: Rules, values: Any) -> None:
    """By whom and why, where the relationship is in dissolution."""
    values[ENDED_BY] = 0
    values[REASON] = 0
    if row.stage == DISSOLUTION:
        end = end_of(row, rules)
        values[ENDED_BY] = end.by
        values[REASON] = end.reason


@compiled_leaf
def judge_affection(row: Row, rules: Rules, at: int, left: float, values: Any) -> None:
    """Bonds, relationship, involvement and signs of trust; ``left``: what is left of slow sums at ``at`` (ms)."""
    strength = bond_strength(row, rules, left)
    values[BOND_STRENGTH] = strength
    values[BOND_TYPE] = bond_type(row, rules, strength)
    values[RELATIONSHIP] = relationship_type(row, rules)
    values[INVOLVEMENT] = involvement(row, rules)
    late = unanswered(row, rules, at)
    for which in range(FACTORS):
        values[TRUST + which] = trust_sign(trust_index(row, rules, which, left, late), rules)


@compiled_leaf
def judge(row: Row, rules: Rules, at: int, clv_minor: float, values: Any) -> None:
    """Every judgement at ``at`` (ms) into ``values``; ``clv_minor`` as it was valued last."""
    left = factor(row.last_at, at, rules.memory_half_life)
    rate = two_way_rate(row, rules, left, at)
    often = two_way_often(row, rules, rate, at)
    judge_affection(row, rules, at, left, values)
    judge_end(row, rules, values)
    values[RISK] = risk_band(row, rules, at)
    judged = row.reviewed_at != NONE
    values[TIER] = value_tier(row, rules, clv_minor, int(row.judged[TIER]) if judged else 0)
    values[NEED] = need(row, rules, often, int(row.judged[NEED]) if judged else 0)
    # Of who has left nothing is to come: what was had counts.
    worth = float(row.margin_minor - cost_to_serve(row)) if has_left(row) else clv_minor
    values[LET_GO] = let_go(row, rules, worth)
    values[OBSERVED] = observed_category(row)
    high, at_risk = values[TIER] == TIER_HIGH, values[RISK] == HIGH_RISK
    recommended, _ = recommended_category(row, rules, high, values[RELATIONSHIP] == COMMUNAL, often)
    values[RECOMMENDED] = recommended
    wanted = motivation(row, at_risk, high)
    values[MOTIVATION] = wanted
    values[STEP] = next_step(
        row,
        wanted,
        at_risk,
        int(values[LET_GO]),
        int(values[RELATIONSHIP]),
        recommended,
        int(values[ENDED_BY]),
        int(values[REASON]),
        rules.version > 1 and has_left(row),
    )
