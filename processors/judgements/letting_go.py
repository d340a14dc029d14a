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
def let_go(row: Row, rules: Rules) -> int:
    """Bits of ``judgements.LET_GO_NAMES``."""
    bits = 0
    if row.purchases >= rules.deal_purchases and row.discounted >= rules.deal_share * row.purchases:
        bits |= DEAL_SEEKER
    placed = orders(row)
    blocked = row.last_firm_exit_at != NONE and row.last_firm_exit_at >= row.episode_at
    if blocked or (placed >= rules.norm_orders and returned_orders(row) >= rules.norm_share * placed):
        bits |= NORM_VIOLATOR
    if row.two_way >= rules.maintenance_contacts and row.cost_minor > row.margin_minor:
        bits |= HIGH_MAINTENANCE
    if rules.has_target != 0 and row.outside > row.inside:
        bits |= OUT_OF_TARGET
    return bits


@compiled_leaf
def letting_go_costs(row: Row, bits: int) -> tuple[int, int, int, int]:
    """What each reason costs, in minor units; 0 where it does not hold.

    Discounts given; money that went back; cost to serve beyond the margin; all cost to serve.
    """
    return (
        int(row.discount_minor) if bits & DEAL_SEEKER else 0,
        int(row.refunded_minor) if bits & NORM_VIOLATOR else 0,
        int(row.cost_minor - row.margin_minor) if bits & HIGH_MAINTENANCE else 0,
        int(row.cost_minor) if bits & OUT_OF_TARGET else 0,
    )
