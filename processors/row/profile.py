"""A customer's profile as a mergeable summary: empty, faded, with one touchpoint more, or united with another.

The laws: any order of arrival, and any split over two rows that are merged later, gives the same profile. Exactly for
integers, instants and bitmaps, to rounding for decayed sums, and for sets of the newest within their N.
"""

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.lifecycle.ties import merge_ties
from processors.policy.rules import Rules
from processors.row.calendar import merge_days
from processors.row.decay import faded
from processors.row.layout import FACTORS, Row
from processors.row.newest import unite
from processors.row.orders import merge_orders
from processors.row.outreach import merge_outreach
from processors.row.questions import merge_questions
from processors.row.sums import fade_sums, merge_sums
from processors.row.terms import merge_terms
from processors.row.traits import merge_traits
from processors.row.windows import mark_months, merge_contacts


@compiled_inline
def fade_to(row: Row, rules: Rules, at: int) -> None:
    """Bring the decayed sums forward to ``at``, where that is newer than what they contain."""
    if row.touchpoints > 0 and at > row.last_at:
        row.interaction = faded(row.interaction, row.last_at, at, rules.interaction_half_life)
        row.engagement = faded(row.engagement, row.last_at, at, rules.engagement_half_life)
        fade_sums(row, at, rules.memory_half_life)


@compiled_inline
def absorb_contact(row: Row, rules: Rules, at: int, weight: float) -> None:
    """Count one touchpoint at ``at`` (ms) whose engagement weighs ``weight``."""
    fade_to(row, rules, at)
    newest = max(row.last_at, at)
    row.interaction += faded(1.0, at, newest, rules.interaction_half_life)
    row.engagement += faded(weight, at, newest, rules.engagement_half_life)
    row.touchpoints += 1
    row.first_at = min(row.first_at, at)
    row.last_at = newest


@compiled_leaf
def _merge_decayed(into: Row, other: Row, rules: Rules) -> None:
    newest = max(into.last_at, other.last_at)
    merge_sums(into, other, newest, rules.memory_half_life)
    into.interaction = faded(into.interaction, into.last_at, newest, rules.interaction_half_life) + faded(
        other.interaction, other.last_at, newest, rules.interaction_half_life
    )
    into.engagement = faded(into.engagement, into.last_at, newest, rules.engagement_half_life) + faded(
        other.engagement, other.last_at, newest, rules.engagement_half_life
    )
    into.last_at = newest


@compiled_leaf
def _merge_instants(into: Row, other: Row) -> None:
    into.first_at = min(into.first_at, other.first_at)
    into.first_initiative_at = min(into.first_initiative_at, other.first_initiative_at)
    into.last_initiative_at = max(into.last_initiative_at, other.last_initiative_at)
    into.first_purchase_at = min(into.first_purchase_at, other.first_purchase_at)
    into.last_purchase_at = max(into.last_purchase_at, other.last_purchase_at)
    into.last_investment_at = max(into.last_investment_at, other.last_investment_at)
    into.last_contribution_at = max(into.last_contribution_at, other.last_contribution_at)
    into.last_customer_exit_at = max(into.last_customer_exit_at, other.last_customer_exit_at)
    into.last_firm_exit_at = max(into.last_firm_exit_at, other.last_firm_exit_at)
    into.last_finite_at = max(into.last_finite_at, other.last_finite_at)
    into.last_manager_at = max(into.last_manager_at, other.last_manager_at)
    into.last_two_way_at = max(into.last_two_way_at, other.last_two_way_at)
    into.last_consent_at = max(into.last_consent_at, other.last_consent_at)
    into.last_refusal_at = max(into.last_refusal_at, other.last_refusal_at)
    for i in range(FACTORS):
        at, event = other.trust_at[i], np.uint64(other.trust_event[i])
        if at > into.trust_at[i] or (at == into.trust_at[i] and event > np.uint64(into.trust_event[i])):
            into.trust_at[i] = at
            into.trust_event[i] = event


@compiled_leaf
def _merge_counts(into: Row, other: Row) -> None:
    into.spend_minor += other.spend_minor
    into.touchpoints += other.touchpoints
    into.purchases += other.purchases
    into.cost_minor += other.cost_minor
    into.margin_minor += other.margin_minor
    into.refunded_minor += other.refunded_minor
    into.discount_minor += other.discount_minor
    into.day_sum += other.day_sum
    into.day_squares += other.day_squares
    into.discounted += other.discounted
    into.returned += other.returned
    into.returns_loose += other.returns_loose
    into.refunds_loose += other.refunds_loose
    into.cancels_loose += other.cancels_loose
    into.gifts += other.gifts
    into.two_way += other.two_way
    into.outbound += other.outbound
    into.individual += other.individual
    into.referrals += other.referrals
    into.complaints += other.complaints
    into.disclosures += other.disclosures
    into.unmapped += other.unmapped
    into.outside += other.outside
    into.inside += other.inside
    into.forgotten += other.forgotten
    into.marketing_minor += other.marketing_minor
    into.cancelled_minor += other.cancelled_minor
    into.against_minor += other.against_minor
    into.cancelled += other.cancelled
    into.refusals += other.refusals
    into.chosen += other.chosen
    into.searched += other.searched
    into.urged += other.urged
    into.varieties = np.uint64(into.varieties) | np.uint64(other.varieties)


@compiled_leaf
def merge(into: Row, other: Row, rules: Rules) -> None:
    """Make the profile of ``into`` what it were had all touchpoints of ``other`` been its own.

    Associative and commutative: exactly for integers and instants, to rounding for decayed sums, for purchase days
    within the window of ``DAY_WORDS`` words, and for sets of the newest within their N. Delivery and published memory
    are not merged.
    """
    _merge_decayed(into, other, rules)
    _merge_instants(into, other)
    _merge_counts(into, other)
    merge_days(into, other)
    mark_months(into, other.months_top, np.uint64(other.months))
    merge_contacts(into, other)
    merge_ties(into, other, rules.record_ms)
    merge_terms(into, other)
    merge_orders(into, other, rules.margin_share)
    merge_questions(into, other)
    unite(into, into.failure_at, into.failure_event, other.failure_at, other.failure_event)
    unite(into, into.rival_at, into.rival_event, other.rival_at, other.rival_event)
    unite(into, into.outgrown_at, into.outgrown_event, other.outgrown_at, other.outgrown_event)
    merge_outreach(into, other)
    merge_traits(into, other)
