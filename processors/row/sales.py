"""What is bought, and what comes after: coupons, returns, refunds, cancellations."""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.lifecycle.ties import note_bought
from processors.policy.rules import CANCELLATION, DISCOUNT, DISCOUNTED, FINITE, GIFT, ONE_OFF, REFUND, RETURN, Rules
from processors.row.contact import Contact
from processors.row.decay import MS_PER_DAY
from processors.row.layout import Row
from processors.row.orders import (
    ORDER_BOUGHT,
    ORDER_CANCELLED,
    ORDER_DISCOUNTED,
    ORDER_REFUNDED_WHOLE,
    ORDER_RETURNED,
    note_order,
)
from processors.row.profile import absorb_purchase
from processors.row.sums import SUM_EXCHANGES, SUM_INTELLECTUAL

EPOCH_DAYS: Final = 10_957  # 2000-01-01: moments of purchase days stay small


@compiled_leaf
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
        return
    told = ORDER_DISCOUNTED if flags & DISCOUNT else 0
    told |= ORDER_RETURNED if flags & (RETURN | REFUND) else 0
    told |= ORDER_CANCELLED if flags & CANCELLATION else 0
    told |= ORDER_REFUNDED_WHOLE if flags & REFUND and back == 0 else 0
    refunded = back if flags & (REFUND | CANCELLATION) else 0
    note_order(row, contact.order, contact.at, told, 0, 0, refunded, rules.margin_share)


@compiled_leaf
def absorb_sale(row: Row, rules: Rules, contact: Contact, weight: float) -> bool:
    at, flags = contact.at, contact.flags
    discounted = flags & DISCOUNTED != 0
    row.margin_minor += contact.margin_minor
    row.discount_minor += contact.discount_minor
    row.gifts += int(flags & (GIFT | ONE_OFF) != 0)
    row.sums[SUM_EXCHANGES] += weight
    if discounted:
        row.sums[SUM_INTELLECTUAL] += weight
    if flags & FINITE:
        row.last_finite_at = max(row.last_finite_at, at)
    day = at // MS_PER_DAY - EPOCH_DAYS
    row.day_sum += day
    row.day_squares += day * day
    note_bought(row, at, rules.record_ms)
    told = ORDER_BOUGHT | (ORDER_DISCOUNTED if discounted else 0)
    kept = contact.order != np.uint64(0) and note_order(
        row, contact.order, at, told, contact.amount_minor, contact.margin_minor, 0, rules.margin_share
    )
    if not kept:
        row.discounted += int(discounted)
    return absorb_purchase(row, at, contact.amount_minor)
