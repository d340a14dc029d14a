"""Orders, and what became of them: discounted, returned, cancelled, refunded.

A purchase, its coupon, its return and its refund tell of one order, in any order of arrival. The row keeps the ORDERS
newest; what an order adds to the row's sums is a function of its entry, so that the sums follow each change by a
difference, and keep what they hold when the entry is forgotten.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import NONE, ORDERS, Row

ORDER_BOUGHT: Final = 1
ORDER_RETURNED: Final = 2
ORDER_CANCELLED: Final = 4
ORDER_DISCOUNTED: Final = 8
ORDER_REFUNDED_WHOLE: Final = 16  # by a refund that names no amount

_FREE: Final = np.uint64(0)


@compiled_leaf
def _taken_back(row: Row, i: int) -> int:
    """Minor units that refunds and cancellation of an order took back; no more than it brought, where that is known."""
    flags = int(row.order_flags[i])
    if flags & ORDER_BOUGHT == 0:
        return int(row.order_refunded[i])
    if flags & (ORDER_CANCELLED | ORDER_REFUNDED_WHOLE):
        return int(row.order_amount[i])
    return int(min(row.order_refunded[i], row.order_amount[i]))


@compiled_leaf
def _margin_back(row: Row, i: int, share: float) -> int:
    """Margin that went with it: in proportion to the amount, or at the policy's share where the order is unknown."""
    taken = _taken_back(row, i)
    if int(row.order_flags[i]) & ORDER_BOUGHT == 0:
        return int(np.rint(taken * share))
    if row.order_amount[i] == 0:
        return 0
    return int(np.rint(float(row.order_margin[i]) * taken / row.order_amount[i]))


@compiled_leaf
def _count(into: Row, row: Row, i: int, sign: int, share: float) -> None:
    """Add (1) to the sums of ``into``, or take from them (-1), what the entry ``i`` of ``row`` contributes."""
    flags = int(row.order_flags[i])
    into.discounted += sign * int(flags & ORDER_BOUGHT != 0 and flags & ORDER_DISCOUNTED != 0)
    into.returned += sign * int(flags & (ORDER_RETURNED | ORDER_CANCELLED) != 0)
    into.refunded_minor += sign * _taken_back(row, i)
    into.margin_minor -= sign * _margin_back(row, i, share)


@compiled_leaf
def _place_of(row: Row, order: np.uint64, at: int) -> int:
    """The entry of an order, made where there is none; -1: it is older than all that are kept."""
    oldest = 0
    for i in range(ORDERS):
        if row.order_hash[i] == order:
            return i
        older = row.order_at[i] < row.order_at[oldest]
        if older or (row.order_at[i] == row.order_at[oldest] and row.order_hash[i] < row.order_hash[oldest]):
            oldest = i
    if row.order_hash[oldest] != _FREE:
        row.forgotten += 1
        if at < row.order_at[oldest] or (at == row.order_at[oldest] and order < np.uint64(row.order_hash[oldest])):
            return -1
    row.order_hash[oldest] = order
    row.order_at[oldest] = NONE
    row.order_amount[oldest] = 0
    row.order_margin[oldest] = 0
    row.order_refunded[oldest] = 0
    row.order_flags[oldest] = 0
    return oldest


@compiled_leaf
def note_order(
    row: Row,
    order: np.uint64,
    at: int,
    flags: int,
    amount_minor: int,
    margin_minor: int,
    refunded_minor: int,
    share: float,
) -> bool:
    """Add what a touchpoint at ``at`` (ms) tells of an order; False where the order is too old to be kept.

    ``share``: the policy's margin of an amount.
    """
    i = _place_of(row, order, at)
    if i < 0:
        return False
    _count(row, row, i, -1, share)
    row.order_at[i] = max(row.order_at[i], at)
    row.order_flags[i] = int(row.order_flags[i]) | flags
    row.order_amount[i] += amount_minor
    row.order_margin[i] += margin_minor
    row.order_refunded[i] += refunded_minor
    _count(row, row, i, 1, share)
    return True


@compiled_leaf
def merge_orders(into: Row, other: Row, share: float) -> None:
    """Unite two sets, after the rows' sums were added: what both know of one order was counted twice."""
    for i in range(ORDERS):
        if other.order_hash[i] == _FREE:
            continue
        _count(into, other, i, -1, share)
        added = note_order(
            into,
            np.uint64(other.order_hash[i]),
            int(other.order_at[i]),
            int(other.order_flags[i]),
            int(other.order_amount[i]),
            int(other.order_margin[i]),
            int(other.order_refunded[i]),
            share,
        )
        if not added:
            _count(into, other, i, 1, share)
