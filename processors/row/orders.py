"""Orders, and what became of them: discounted, returned, cancelled, refunded.

A purchase, its coupon, its return and its refund tell of one order, in any order of arrival. The row keeps the ORDERS
newest; what an order adds to the row's sums is a function of its entry, so that the sums follow each change by a
difference, and keep what they hold when the entry is forgotten.

Where the policy says so (``ORDER_VOID``), an order that was cancelled is none: it brought nothing, its day is no
purchase day. Days are bits, so to take one out the row has to know that no other purchase lies on it: it looks at the
orders and the newest purchases that it keeps. An order whose purchases lie on several days, such as the renewals of one
subscription, stays bought, and its cancellation takes its money back.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.row.calendar import absorb_day, day_of, newest_day, oldest_day, start_of_day, unmark_day
from processors.row.decay import MS_PER_DAY
from processors.row.layout import NEVER, NONE, ORDERS, PURCHASES, Row

ORDER_BOUGHT: Final = 1
ORDER_RETURNED: Final = 2
ORDER_CANCELLED: Final = 4
ORDER_DISCOUNTED: Final = 8
ORDER_REFUNDED_WHOLE: Final = 16  # by a refund that names no amount
ORDER_VOID: Final = 32  # cancelled, and so never bought
ORDER_FAILED: Final = 64  # it went back because the firm had failed
_SPREAD: Final = 128  # bought on several days

NOT_KEPT: Final = 0  # what ``note_order`` says of an order
STANDS: Final = 1
IS_VOID: Final = 2

EPOCH_DAYS: Final = 10_957  # 2000-01-01: moments of purchase days stay small
_FREE: Final = np.uint64(0)


@compiled_leaf
def _is_void(row: Row, i: int) -> bool:
    flags = int(row.order_flags[i])
    told = flags & (ORDER_BOUGHT | ORDER_VOID) == (ORDER_BOUGHT | ORDER_VOID)
    return bool(told and flags & _SPREAD == 0 and row.order_purchases[i] > 0)


@compiled_leaf
def _taken_back(row: Row, i: int) -> int:
    """Minor units that refunds and cancellation of an order took back; no more than it brought, where that is known."""
    flags = int(row.order_flags[i])
    if flags & ORDER_BOUGHT == 0:
        return int(row.order_refunded[i])
    if _is_void(row, i):
        return 0
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
def _against(row: Row, i: int) -> int:
    """Minor units of an order that went back by the customer's will; a return whose refund isn't told, all of it."""
    flags = int(row.order_flags[i])
    if flags & ORDER_FAILED or flags & (ORDER_RETURNED | ORDER_CANCELLED | ORDER_REFUNDED_WHOLE) == 0:
        return 0
    if flags & ORDER_BOUGHT == 0:
        return int(row.order_refunded[i])
    if flags & (ORDER_CANCELLED | ORDER_REFUNDED_WHOLE) or row.order_refunded[i] == 0:
        return int(row.order_amount[i])
    return int(min(row.order_refunded[i], row.order_amount[i]))


@compiled_leaf
def _count(into: Row, row: Row, i: int, sign: int, share: float) -> None:
    """Add (1) to the sums of ``into``, or take from them (-1), what the entry ``i`` of ``row`` contributes."""
    flags = int(row.order_flags[i])
    into.returned += sign * int(flags & (ORDER_RETURNED | ORDER_CANCELLED) != 0)
    into.against_minor += sign * _against(row, i)
    into.refunded_minor += sign * _taken_back(row, i)
    into.margin_minor -= sign * _margin_back(row, i, share)
    if flags & ORDER_BOUGHT == 0:
        return
    if _is_void(row, i):
        into.cancelled += sign
        into.cancelled_minor += sign * row.order_amount[i]
        return
    into.purchases += sign * row.order_purchases[i]
    into.spend_minor += sign * row.order_amount[i]
    into.margin_minor += sign * row.order_margin[i]
    into.discounted += sign * int(flags & ORDER_DISCOUNTED != 0)


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
    row.order_bought_at[oldest] = NEVER
    row.order_purchases[oldest] = 0
    return oldest


@compiled_leaf
def mark_bought(row: Row, at: int, times: int) -> bool:
    """So many purchases on the day of ``at`` (ms); True where it is the first known one of its day (UTC)."""
    day = at // MS_PER_DAY - EPOCH_DAYS
    row.day_sum += times * day
    row.day_squares += times * day * day
    row.first_purchase_at = min(row.first_purchase_at, at)
    row.last_purchase_at = max(row.last_purchase_at, at)
    return absorb_day(row, at)


@compiled_leaf
def _nearest_known(row: Row, day: int, newest: bool) -> int:
    """The newest, or the oldest, purchase that the row keeps of a day; NONE: it keeps none."""
    found = NONE
    for i in range(ORDERS + PURCHASES):
        at = NONE
        if i >= ORDERS:
            at = int(row.bought_at[i - ORDERS])
        elif int(row.order_flags[i]) & ORDER_BOUGHT and not _is_void(row, i):
            at = int(row.order_bought_at[i])
        if at in (NONE, NEVER) or day_of(at) != day:
            continue
        if found == NONE or (at > found if newest else at < found):
            found = at
    return found


@compiled_leaf
def _known_or_start(row: Row, day: int, newest: bool) -> int:
    at = _nearest_known(row, day, newest)
    return at if at != NONE else start_of_day(day)


@compiled_leaf
def _unmark_bought(row: Row, at: int, times: int) -> None:
    """Take so many purchases on the day of ``at`` (ms) back, of an order that is void by now."""
    day = at // MS_PER_DAY - EPOCH_DAYS
    row.day_sum -= times * day
    row.day_squares -= times * day * day
    for i in range(PURCHASES):
        if row.bought_at[i] == at:
            row.bought_at[i] = NONE
    gone = day_of(at)
    if _nearest_known(row, gone, True) == NONE:
        unmark_day(row, gone)
    newest, oldest = newest_day(row), oldest_day(row)
    if newest < 0 and row.days_before == 0:
        row.first_purchase_at = NEVER
        row.last_purchase_at = NONE
        return
    if day_of(row.last_purchase_at) == gone and newest >= 0:
        row.last_purchase_at = _known_or_start(row, newest, True)
    if day_of(row.first_purchase_at) == gone and row.days_before == 0:
        row.first_purchase_at = _known_or_start(row, oldest, False)


@compiled_leaf
def _tell(row: Row, i: int, bought_at: int, purchases: int) -> None:
    """More purchases of the entry ``i``; those of one order on several days are told apart."""
    if purchases == 0:
        return
    known = row.order_bought_at[i]
    if known != NEVER and day_of(known) != day_of(bought_at):
        row.order_flags[i] = int(row.order_flags[i]) | _SPREAD
    row.order_bought_at[i] = bought_at if known == NEVER else max(known, bought_at)
    row.order_purchases[i] += purchases


@compiled_inline
def note_order(
    row: Row,
    order: np.uint64,
    at: int,
    flags: int,
    amount_minor: int,
    margin_minor: int,
    refunded_minor: int,
    bought_at: int,
    purchases: int,
    share: float,
) -> int:
    """Add what a touchpoint at ``at`` (ms) tells of an order; returns NOT_KEPT where the order is too old to be kept.

    ``share``: the policy's margin of an amount. Of ``purchases`` at ``bought_at`` the sums are counted here; their days
    are for the caller to mark, where the order then STANDS.
    """
    i = _place_of(row, order, at)
    if i < 0:
        return NOT_KEPT
    _count(row, row, i, -1, share)
    was_void, before_at, before = _is_void(row, i), int(row.order_bought_at[i]), int(row.order_purchases[i])
    row.order_at[i] = max(row.order_at[i], at)
    row.order_flags[i] = int(row.order_flags[i]) | flags
    _tell(row, i, bought_at, purchases)
    row.order_amount[i] += amount_minor
    row.order_margin[i] += margin_minor
    row.order_refunded[i] += refunded_minor
    _count(row, row, i, 1, share)
    is_void = _is_void(row, i)
    if before > 0 and is_void and not was_void:
        _unmark_bought(row, before_at, before)
    if before > 0 and was_void and not is_void:
        mark_bought(row, before_at, before)
    return IS_VOID if is_void else STANDS


@compiled_leaf
def merge_orders(into: Row, other: Row, share: float) -> None:
    """Unite two sets, after the rows' sums and days were united: what both know of one order was counted twice."""
    for i in range(ORDERS):
        if other.order_hash[i] == _FREE:
            continue
        _count(into, other, i, -1, share)
        flags, purchases = int(other.order_flags[i]), int(other.order_purchases[i])
        bought_at, was_void = int(other.order_bought_at[i]), _is_void(other, i)
        became = note_order(
            into,
            np.uint64(other.order_hash[i]),
            int(other.order_at[i]),
            flags,
            int(other.order_amount[i]),
            int(other.order_margin[i]),
            int(other.order_refunded[i]),
            bought_at,
            purchases,
            share,
        )
        if became == NOT_KEPT:
            _count(into, other, i, 1, share)
        elif purchases > 0 and became == IS_VOID and not was_void:
            _unmark_bought(into, bought_at, purchases)
        elif purchases > 0 and became == STANDS and was_void:
            mark_bought(into, bought_at, purchases)
