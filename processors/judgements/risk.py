"""When the churn risk of a silent customer reaches the policy's band: to the day, by doubling and halving.

Who paid ahead for a term, and hardly buys anything besides, buys next when it ends: until then silence says nothing.
"""

from typing import Final

from processors.compiled import compiled_leaf
from processors.lifecycle.silence import return_at
from processors.models.churn import bg_p_no_purchase, mbg_p_no_purchase
from processors.policy.rules import (
    BG,
    CUSTOMER_EXIT,
    FIRM_EXIT,
    PURCHASE,
    RENEWAL,
    TIE_CLOSED,
    TIE_OPENED,
    VOIDING,
    Rules,
)
from processors.row.calendar import count_days, day_of, longest_gap, start_of_day
from processors.row.layout import NEVER, NONE, PURCHASES, TERMS, Row
from processors.row.terms import bound_until

MOVES_RISK: Final = PURCHASE | VOIDING | TIE_OPENED | TIE_CLOSED | RENEWAL | CUSTOMER_EXIT | FIRM_EXIT
"""Flags of touchpoints that move the crossing: of purchases and of what binds."""
_SHORTEST: Final = 32  # days
_LONGEST: Final = 4096  # a power of two times that
_OWN: Final = 3  # purchases of the newest ones that open or renew nothing: they have a rhythm of their own


@compiled_leaf
def risk_at(row: Row, rules: Rules, days: int, at: int) -> float:
    """P(no purchase within the policy's horizon) at ``at`` (ms), of a customer with ``days`` purchase days.

    Of version 2 it is recalibrated, as the chance of return is.
    """
    if rules.version > 1:
        first_at, last_at = int(row.first_purchase_at), int(row.last_purchase_at)
        longest = longest_gap(row, day_of(last_at)) if days > 1 else 0
        return 1.0 - return_at(rules, first_at, last_at, days, longest, at, rules.horizon_ms)
    x = float(days - 1)
    t_x = (row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    age = max(at - row.first_purchase_at, row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    horizon = rules.horizon_ms / rules.unit_ms
    if rules.model == BG:
        return bg_p_no_purchase(rules.r, rules.alpha, rules.a, rules.b, x, t_x, age, horizon)
    return mbg_p_no_purchase(rules.r, rules.alpha, rules.a, rules.b, x, t_x, age, horizon)


@compiled_leaf
def _paid_until(row: Row) -> int:
    """Until when (ms) what was paid ahead binds; NONE: nothing was, or the newest purchases are mostly of other things.

    A frame contract that is no purchase by itself is not paid ahead: who stops buying under it is at risk.
    """
    paid, others = False, 0
    for i in range(PURCHASES):
        bought, opens = int(row.bought_at[i]), False
        for k in range(TERMS):
            opens = opens or row.term_started_at[k] == bought
        if bought != NONE:
            paid = paid or opens
            others += int(not opens)
    return bound_until(row) if paid and others < _OWN else NONE


@compiled_leaf
def _model_crossing(row: Row, rules: Rules) -> int:
    """The same by the model alone: the last purchase's instant, or the start of a later day (UTC).

    Risk only rises while nothing is bought.
    """
    if row.last_purchase_at == NONE:
        return NEVER
    days = count_days(row)
    if risk_at(row, rules, days, row.last_purchase_at) >= rules.risk_band:
        return int(row.last_purchase_at)
    first = day_of(row.last_purchase_at)
    low, high = 0, _SHORTEST
    while risk_at(row, rules, days, start_of_day(first + high)) < rules.risk_band:
        if high == _LONGEST:
            return NEVER
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) >> 1
        if risk_at(row, rules, days, start_of_day(first + middle)) >= rules.risk_band:
            high = middle
        else:
            low = middle
    return start_of_day(first + high)


@compiled_leaf
def risk_crossing(row: Row, rules: Rules) -> int:
    """The instant (ms) from which on the risk is in the band, by policies of version 2 not before what was paid ends.

    NEVER: not within eleven years, or nothing was ever bought.
    """
    crossing = _model_crossing(row, rules)
    return max(crossing, _paid_until(row)) if rules.version > 1 and crossing != NEVER else crossing
