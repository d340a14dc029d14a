"""When the churn risk of a silent customer reaches the policy's band: to the day, by doubling and halving."""

from typing import Final

from processors.compiled import compiled_leaf
from processors.lifecycle.silence import return_at
from processors.models.churn import bg_p_no_purchase, mbg_p_no_purchase
from processors.policy.rules import BG, Rules
from processors.row.calendar import count_days, day_of, longest_gap, start_of_day
from processors.row.layout import NEVER, NONE, Row

_SHORTEST: Final = 32  # days
_LONGEST: Final = 4096  # a power of two times that


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
def risk_crossing(row: Row, rules: Rules) -> int:
    """The instant (ms) from which on the risk is in the band: the last purchase's, or the start of a later day (UTC).

    Risk only rises while nothing is bought. NEVER: not within eleven years, or nothing was ever bought.
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
