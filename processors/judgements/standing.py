"""How a relationship stands at an instant: every number and judgement of a row, for the reports."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.judgements.bonds import COMMUNAL, individualisation, two_way_often, two_way_rate
from processors.judgements.catalogue import LET_GO, RELATIONSHIP, TIER
from processors.judgements.categories import CATEGORY_COUNT, mix_of, recommended_category
from processors.judgements.commitment import consistency, contribution, investment
from processors.judgements.judge import judge
from processors.judgements.letting_go import letting_go_costs, returned_orders
from processors.judgements.risk import risk_at
from processors.judgements.trust import trust_evidence, trust_index, unanswered
from processors.judgements.value import TIER_HIGH, clv, expected_value, has_left
from processors.lifecycle.dissolution import end_of
from processors.lifecycle.silence import return_at
from processors.lifecycle.stages import DISSOLUTION
from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.purchasing import bg_expected_conditional_alive, mbg_expected_conditional_alive
from processors.models.returning import p_return
from processors.policy.rules import BG, Rules
from processors.row.calendar import count_days, day_of, longest_gap
from processors.row.layout import FACTORS, JUDGEMENT_ROOM, NONE, Row
from processors.row.sums import (
    SUM_COST,
    SUM_EMOTIONAL,
    SUM_EXCHANGES,
    SUM_GIVING,
    SUM_INTELLECTUAL,
    SUM_INTEREST,
    SUM_REFERRALS,
    factor,
)
from processors.row.windows import count_months

FIGURES: Final = np.dtype(
    [
        ("p_alive", "f8"),  # nan before a first purchase, as the next four
        ("churn_risk", "f8"),
        ("p_return", "f8"),
        ("expected_purchases", "f8"),  # within the policy's horizon
        ("expected_value", "f8"),  # minor units within the policy's horizon; of version 1 of who is alive
        ("contribution", "f8"),
        ("investment", "f8"),
        ("consistency", "f8"),
        ("intellectual", "f8"),
        ("emotional", "f8"),
        ("giving", "f8"),
        ("exchanges", "f8"),
        ("interest_long", "f8"),
        ("interest_short", "f8"),
        ("two_way_rate", "f8"),
        ("individualisation", "f8"),  # nan: no outbound contact
        ("interaction", "f8"),
        ("engagement", "f8"),
        ("clv", "f8"),
        ("recent_cost", "f8"),  # faded sums that the value goes by
        ("recent_referrals", "f8"),
        ("trust", "f8", (FACTORS,)),
        ("trust_event", "u8", (FACTORS,)),  # the newest that bears on the factor
        ("trust_at", "i8", (FACTORS,)),
        ("mix", "f8", (CATEGORY_COUNT,)),
        ("end_at", "i8"),  # NONE: it has not ended
        ("end_evidence_at", "i8"),
        ("end_event", "u8"),
        ("costs", "i8", (4,)),  # of the reasons to let go
        ("days", "i4"),  # distinct purchase days
        ("months", "i4"),
        ("returned", "i4"),
        ("longest_gap", "i4"),  # days
        ("has_left", "u1"),
        ("why", "i1"),  # index of categories.RECOMMENDATIONS
        ("judged", "u1", (JUDGEMENT_ROOM,)),
    ],
    align=True,
)


@compiled_leaf
def return_chance(row: Row, rules: Rules, days: int, at: int) -> float:
    """P(a purchase within the horizon of silence) at ``at`` (ms), recalibrated; of version 1 in that of the risk."""
    first_at, last_at = int(row.first_purchase_at), int(row.last_purchase_at)
    if rules.version > 1:
        return return_at(rules, first_at, last_at, days, longest_silence(row, days), at, rules.return_horizon_ms)
    unit = rules.unit_ms
    age = max(at - first_at, last_at - first_at) / unit
    x, t_x, horizon = float(days - 1), (last_at - first_at) / unit, rules.horizon_ms / unit
    return p_return(rules.model == BG, rules.r, rules.alpha, rules.a, rules.b, x, t_x, age, horizon)


@compiled_leaf
def longest_silence(row: Row, days: int) -> int:
    """The longest gap between ``days`` purchase days, in days; 0 where there are fewer than two."""
    return longest_gap(row, day_of(row.last_purchase_at)) if days > 1 else 0


@compiled_leaf
def standing(row: Row, rules: Rules, at: int) -> tuple[float, float, float, float, float]:
    """(P(alive), P(no purchase within the horizon), P(return), expected purchases, expected spend) at ``at`` (ms).

    Purchases and spend (minor units) are within the policy's horizon. Of version 2 the expected spend is unconditional,
    shrunk and net of what goes back, and after an exit there is none. Of version 1 it is what a customer who is still
    alive buys, at the customer's mean spend per purchase day: risk × it is what is at stake. All are nan before a first
    purchase.
    """
    if rules.version > 1 and has_left(row):
        return 0.0, 1.0, 0.0, 0.0, 0.0
    if row.last_purchase_at == NONE:
        return np.nan, np.nan, np.nan, np.nan, np.nan
    days = count_days(row)
    x = float(days - 1)
    t_x = (row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    age = max(at - row.first_purchase_at, row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    horizon = rules.horizon_ms / rules.unit_ms
    r, alpha, a, b = rules.r, rules.alpha, rules.a, rules.b
    if rules.model == BG:
        alive = bg_p_alive(r, alpha, a, b, x, t_x, age)
        purchases = bg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)
    else:
        alive = mbg_p_alive(r, alpha, a, b, x, t_x, age)
        purchases = mbg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)
    risk, returning = risk_at(row, rules, days, at), return_chance(row, rules, days, at)
    expected = alive * purchases
    if rules.version > 1:
        return alive, risk, returning, expected, expected_value(row, rules, expected)
    return alive, risk, returning, expected, purchases * row.spend_minor / days


@compiled_leaf
def _fill_numbers(row: Row, rules: Rules, at: int, out: Any) -> None:
    left = factor(row.last_at, at, rules.memory_half_life)
    out.contribution = contribution(row, rules, left)
    out.investment = investment(row, rules, left)
    out.consistency = consistency(row, rules)
    out.intellectual = row.sums[SUM_INTELLECTUAL] * left
    out.emotional = row.sums[SUM_EMOTIONAL] * left
    out.giving = row.sums[SUM_GIVING] * left
    out.exchanges = row.sums[SUM_EXCHANGES] * left
    out.interest_long = row.sums[SUM_INTEREST] * left
    out.engagement = row.engagement * factor(row.last_at, at, rules.engagement_half_life)
    out.interaction = row.interaction * factor(row.last_at, at, rules.interaction_half_life)
    out.interest_short = out.engagement
    out.recent_cost = row.sums[SUM_COST] * left
    out.recent_referrals = row.sums[SUM_REFERRALS] * left
    out.two_way_rate = two_way_rate(row, rules, left, at)
    out.individualisation = individualisation(row)
    late = unanswered(row, rules, at)
    for which in range(FACTORS):
        out.trust[which] = trust_index(row, rules, which, left, late)
        out.trust_event[which], out.trust_at[which] = trust_evidence(row, rules, which, at)
    for category in range(CATEGORY_COUNT):
        out.mix[category] = mix_of(row, category + 1) * left


@compiled_leaf
def _fill_judgements(row: Row, rules: Rules, at: int, out: Any) -> None:
    out.clv = clv(row, rules, at)
    judge(row, rules, at, out.clv, out.judged)
    high, communal = out.judged[TIER] == TIER_HIGH, out.judged[RELATIONSHIP] == COMMUNAL
    often = two_way_often(row, rules, out.two_way_rate, at)
    _, out.why = recommended_category(row, rules, high, communal, often)
    costs = letting_go_costs(row, rules, int(out.judged[LET_GO]))
    for i in range(4):
        out.costs[i] = costs[i]
    out.end_at, out.end_evidence_at, out.end_event = NONE, NONE, 0
    if row.stage == DISSOLUTION:
        end = end_of(row, rules)
        out.end_at, out.end_evidence_at, out.end_event = end.at, end.evidence_at, end.evidence_event


@compiled_apart
def fill_one(row: Row, rules: Rules, at: int, figures: Any) -> None:
    """How a row stands at ``at`` (ms), into a record of FIGURES."""
    stay_apart()
    told = standing(row, rules, at)
    figures.p_alive, figures.churn_risk, figures.p_return = told[0], told[1], told[2]
    figures.expected_purchases, figures.expected_value = told[3], told[4]
    figures.days = count_days(row) if row.last_purchase_at != NONE else 0
    figures.longest_gap = longest_silence(row, figures.days) if row.last_purchase_at != NONE else 0
    figures.has_left = has_left(row)
    figures.months = count_months(row)
    figures.returned = returned_orders(row)
    _fill_numbers(row, rules, at, figures)
    _fill_judgements(row, rules, at, figures)


@compiled_leaf
def fill_figures(rows: Any, rules: Rules, at: npt.NDArray[np.int64], out: Any) -> None:
    """How each row stands at its instant, into ``out`` (recarray of FIGURES, zeroed)."""
    for i in range(len(rows)):
        fill_one(rows[i], rules, at[i], out[i])
