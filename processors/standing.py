"""How a relationship stands at an instant: P(alive), churn risk and expected value of a row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.calendar import count_days
from processors.churn import bg_p_alive, bg_p_no_purchase, mbg_p_alive, mbg_p_no_purchase
from processors.compiled import compiled_leaf
from processors.profile import NONE, Row
from processors.purchasing import bg_expected_conditional_alive, mbg_expected_conditional_alive
from processors.rules import BG, Rules


@compiled_leaf
def standing(row: Row, rules: Rules, at: int) -> tuple[float, float, float]:
    """(P(alive), P(no purchase within the policy's horizon), expected spend in minor units) at ``at`` (ms).

    The expected spend is what a customer who is still alive buys within the horizon, at the customer's mean spend per
    purchase day: risk × it is what is at stake. All are nan before a first purchase.
    """
    if row.last_purchase_at == NONE:
        return np.nan, np.nan, np.nan
    days = count_days(row)
    x = float(days - 1)
    t_x = (row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    age = max(at - row.first_purchase_at, row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    horizon = rules.horizon_ms / rules.unit_ms
    r, alpha, a, b = rules.r, rules.alpha, rules.a, rules.b
    if rules.model == BG:
        alive = bg_p_alive(r, alpha, a, b, x, t_x, age)
        risk = bg_p_no_purchase(r, alpha, a, b, x, t_x, age, horizon)
        purchases = bg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)
    else:
        alive = mbg_p_alive(r, alpha, a, b, x, t_x, age)
        risk = mbg_p_no_purchase(r, alpha, a, b, x, t_x, age, horizon)
        purchases = mbg_expected_conditional_alive(r, alpha, a, b, x, age, horizon)
    return alive, risk, purchases * row.spend_minor / days


@compiled_leaf
def standings(
    rows: Any,
    rules: Rules,
    at: npt.NDArray[np.int64],
    out: npt.NDArray[np.float64],
    days: npt.NDArray[np.int32],
) -> None:
    """``standing`` of each row at its instant into ``out`` (n, 3), its distinct purchase days into ``days`` (n,)."""
    for i in range(len(rows)):
        row = rows[i]
        out[i, 0], out[i, 1], out[i, 2] = standing(row, rules, at[i])
        days[i] = count_days(row)
