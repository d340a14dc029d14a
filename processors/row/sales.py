"""What is bought, and what comes after: coupons, returns, refunds, cancellations."""

import numpy as np

from processors.compiled import compiled_inline
from processors.lifecycle.ties import note_bought
from processors.policy.rules import (
    CANCELLATION,
    DISCOUNT,
    DISCOUNTED,
    FAILURE,
    FINITE,
    GIFT,
    ONE_OFF,
    REFUND,
    RETURN,
    VOIDING,
    Rules,
)
from processors.row.contact import Contact
from processors.row.layout import NEVER, Row
from processors.row.orders import (
    IS_VOID,
    NOT_KEPT,
    ORDER_BOUGHT,
    ORDER_CANCELLED,
    ORDER_DISCOUNTED,
    ORDER_FAILED,
    ORDER_REFUNDED_WHOLE,
    ORDER_RETURNED,
    ORDER_VOID,
    mark_bought,
    note_order,
)
from processors.row.sums import SUM_EXCHANGES, SUM_INTELLECTUAL


@compiled_inline
def note_after_sale(row: Row, rules: Rules, contact: Contact) -> None:
    """A coupon, a return, a refund or a cancellation; money that comes back may be written with either sign."""
    flags, back = contact.flags, abs(contact.amount_minor)
    if contact.order == np.uint64(0):
        # A refund may be told to be a return as well; it is still one of the two.
        row.returns_loose += int(flags & RETURN != 0 and flags & REFUND == 0)
        row.refunds_loose += int(flags & REFUND != 0)
        row.cancels_loose += int(flags & CANCELLATION != 0)
        if flags & (REFUND | CANCELLATION):
            row.refunded_minor += back
            row.margin_minor -= int(np.rint(back * rules.margin_share))
            row.against_minor += back if flags & FAILURE == 0 else 0
        return
    told = ORDER_DISCOUNTED if flags & DISCOUNT else 0
    told |= ORDER_RETURNED if flags & (RETURN | REFUND) else 0
    told |= ORDER_CANCELLED if flags & CANCELLATION else 0
    told |= ORDER_VOID if flags & VOIDING else 0
    told |= ORDER_FAILED if flags & FAILURE and flags & (RETURN | REFUND | CANCELLATION) else 0
    told |= ORDER_REFUNDED_WHOLE if flags & REFUND and back == 0 else 0
    refunded = back if flags & (REFUND | CANCELLATION) else 0
    note_order(row, contact.order, contact.at, told, 0, 0, refunded, NEVER, 0, rules.margin_share)


@compiled_inline
def absorb_sale(row: Row, rules: Rules, contact: Contact, weight: float) -> bool:
    """Count a purchase; True where it is the first known one of its day (UTC)."""
    at, flags = contact.at, contact.flags
    discounted = flags & DISCOUNTED != 0
    row.discount_minor += contact.discount_minor
    row.varieties = np.uint64(row.varieties) | np.uint64(contact.varieties)
    row.gifts += int(flags & (GIFT | ONE_OFF) != 0)
    row.sums[SUM_EXCHANGES] += weight
    if discounted:
        row.sums[SUM_INTELLECTUAL] += weight
    if flags & FINITE:
        row.last_finite_at = max(row.last_finite_at, at)
    told = ORDER_BOUGHT | (ORDER_DISCOUNTED if discounted else 0)
    became = NOT_KEPT
    if contact.order != np.uint64(0):
        became = note_order(
            row, contact.order, at, told, contact.amount_minor, contact.margin_minor, 0, at, 1, rules.margin_share
        )
    if became == IS_VOID:
        return False
    if became == NOT_KEPT:
        row.purchases += 1
        row.spend_minor += contact.amount_minor
        row.margin_minor += contact.margin_minor
        row.discounted += int(discounted)
    note_bought(row, at, rules.record_ms)
    return mark_bought(row, at, 1)
