"""Customers to let go: deal seekers, norm violators, high maintenance, out of target, and what each costs."""

from processors.compiled import compiled_leaf
from processors.judgements.catalogue import DEAL_SEEKER, HIGH_MAINTENANCE, NORM_VIOLATOR, OUT_OF_TARGET
from processors.policy.rules import Rules
from processors.row.layout import NONE, Row


@compiled_leaf
def returned_orders(row: Row) -> int:
    """Orders returned or cancelled. Without order ids returns and refunds may be the same: the greater counts."""
    return int(row.returned + max(row.returns_loose, row.refunds_loose) + row.cancels_loose)


@compiled_leaf
def orders(row: Row) -> int:
    """Orders placed: purchases, or where more were cancelled than ever became a purchase, those."""
    return max(int(row.purchases), returned_orders(row))


@compiled_leaf
def _breaks_norms(row: Row, rules: Rules) -> bool:
    """Whether so large a share of the orders was returned or cancelled; of version 2, of their money.

    What went back because the firm had failed is not the customer's doing, nor is a credit note for a part a return. A
    return without an order whose refund isn't told counts as a purchase of the customer's mean.
    """
    placed = orders(row)
    if rules.version < 2:
        return bool(placed >= rules.norm_orders and returned_orders(row) >= rules.norm_share * placed)
    ordered = float(row.spend_minor + row.cancelled_minor)
    if row.purchases + row.cancelled < rules.norm_orders:
        # As many purchases may have been forgotten as came back.
        return bool(placed >= rules.norm_orders and ordered <= 0.0)
    unpriced = max(int(row.returns_loose) - int(row.refunds_loose), 0)
    mean = ordered / (row.purchases + row.cancelled)
    return bool(row.against_minor + unpriced * mean >= rules.norm_share * ordered)


@compiled_leaf
def cost_to_serve(row: Row) -> int:
    """What serving cost, minor units: all cost but that of marketing, which version 1 doesn't tell apart."""
    return int(row.cost_minor - row.marketing_minor)


@compiled_leaf
def let_go(row: Row, rules: Rules, clv_minor: float) -> int:
    """Bits of ``judgements.LET_GO_NAMES``.

    Of version 2 nobody whose value is positive is let go, but for violated norms towards people: who was blocked.
    """
    bits = 0
    if row.purchases >= rules.deal_purchases and row.discounted >= rules.deal_share * row.purchases:
        bits |= DEAL_SEEKER
    blocked = row.last_firm_exit_at != NONE and row.last_firm_exit_at >= row.episode_at
    if blocked or _breaks_norms(row, rules):
        bits |= NORM_VIOLATOR
    if row.two_way >= rules.maintenance_contacts and cost_to_serve(row) > row.margin_minor:
        bits |= HIGH_MAINTENANCE
    if rules.has_target != 0 and row.outside > row.inside:
        bits |= OUT_OF_TARGET
    if rules.version > 1 and clv_minor > 0.0:
        return NORM_VIOLATOR if blocked else 0
    return bits


@compiled_leaf
def letting_go_costs(row: Row, rules: Rules, bits: int) -> tuple[int, int, int, int]:
    """What each reason costs, in minor units; 0 where it does not hold.

    Discounts given; money that went back (of version 2 by the customer's will, cancelled orders included); cost to
    serve beyond the margin; all cost to serve.
    """
    back = row.against_minor if rules.version > 1 else row.refunded_minor
    return (
        int(row.discount_minor) if bits & DEAL_SEEKER else 0,
        int(back) if bits & NORM_VIOLATOR else 0,
        int(cost_to_serve(row) - row.margin_minor) if bits & HIGH_MAINTENANCE else 0,
        cost_to_serve(row) if bits & OUT_OF_TARGET else 0,
    )
