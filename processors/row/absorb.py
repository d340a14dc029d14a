"""Taking a touchpoint into the profile: every operation here gives the same whatever the order of arrival."""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.lifecycle.ties import note_enrolment, note_record
from processors.policy.rules import (
    ACQUISITION,
    ANSWER,
    BONDS,
    BY_SATISFACTION,
    CANCELLATION,
    COMPLAINT,
    CONSENT,
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    DISCLOSURE,
    DISCOUNT,
    FAILURE,
    FIRM,
    FIRM_EXIT,
    GIVING,
    INDIVIDUAL,
    INSIDE,
    INVESTMENT,
    LOYALTY,
    MANAGER,
    MARKETING,
    ON_RECORD,
    OUTGROWN,
    OUTSIDE,
    PURCHASE,
    QUESTION,
    REFERRAL,
    REFUND,
    REFUSAL,
    RESOLUTION,
    RETURN,
    RIVAL,
    SATISFIED,
    TIE_CLOSED,
    TIE_OPENED,
    TWO_WAY,
    UNMAPPED,
    Rules,
)
from processors.row.contact import Contact
from processors.row.layout import NONE, Row
from processors.row.newest import note
from processors.row.profile import absorb_contact
from processors.row.questions import IS_COMPLAINT, IS_QUESTION, note_answer, note_question, note_resolution
from processors.row.sales import absorb_sale, note_after_sale
from processors.row.sums import (
    SUM_CONTRIBUTION,
    SUM_COST,
    SUM_DISTRUSTED,
    SUM_GIVING,
    SUM_INDIVIDUAL,
    SUM_INTELLECTUAL,
    SUM_INTEREST,
    SUM_INVESTMENT,
    SUM_MIX,
    SUM_OUTBOUND,
    SUM_REFERRALS,
    SUM_TRUSTED,
    SUM_TWO_WAY,
    factor,
)
from processors.row.terms import note_term
from processors.row.windows import mark_contact, mark_month

_INTELLECTUAL: Final = BONDS.index("intellectual")
_OF_ORDERS: Final = DISCOUNT | RETURN | CANCELLATION | REFUND
_OF_TIES: Final = TIE_OPENED | TIE_CLOSED | ON_RECORD | LOYALTY | MANAGER
_OF_SIGNALS: Final = FAILURE | RIVAL | OUTGROWN
_OF_SERVICE: Final = QUESTION | COMPLAINT | ANSWER | RESOLUTION
_COUNTED: Final = (
    CONSENT | REFUSAL | CONTRIBUTION | INVESTMENT | GIVING | REFERRAL | DISCLOSURE | UNMAPPED | OUTSIDE | INSIDE
)


@compiled_leaf
def _mark_bond_and_trust(row: Row, rules: Rules, contact: Contact, weight: float) -> None:
    said, sign = contact.satisfaction, contact.trust_sign
    row.searched += int(contact.bond == _INTELLECTUAL and contact.flags & (CUSTOMER | PURCHASE | DISCOUNT) == CUSTOMER)
    if contact.bond > 0 and (contact.flags & SATISFIED == 0 or np.isnan(said) or said >= rules.satisfaction_high):
        row.sums[SUM_INTELLECTUAL + contact.bond - 1] += contact.bond_weight * weight
    if contact.trust < 0:
        return
    if sign == BY_SATISFACTION or (sign > 0 and not np.isnan(said)):
        # What the customer states outweighs what the kind suggests; of what speaks against, nothing is taken back.
        sign = int(said >= rules.satisfaction_high) - int(said <= rules.satisfaction_low)
    if sign != 0:
        mark_trust(row, contact.trust, sign, contact.at, contact.event, weight)


@compiled_leaf
def mark_trust(row: Row, which: int, sign: int, at: int, event: np.uint64, weight: float) -> None:
    """A touchpoint at ``at`` (ms) speaks for (1) or against (-1) a factor of trust."""
    row.sums[(SUM_TRUSTED if sign > 0 else SUM_DISTRUSTED) + which] += weight
    if at > row.trust_at[which] or (at == row.trust_at[which] and event > np.uint64(row.trust_event[which])):
        row.trust_at[which] = at
        row.trust_event[which] = event


@compiled_inline
def _count(row: Row, at: int, flags: int, weight: float) -> None:
    """What is a sum, and not part of every touchpoint."""
    if flags & CONTRIBUTION:
        row.sums[SUM_CONTRIBUTION] += weight
    if flags & INVESTMENT:
        row.sums[SUM_INVESTMENT] += weight
    if flags & GIVING:
        row.sums[SUM_GIVING] += weight
    if flags & REFERRAL:
        row.referrals += 1
        row.sums[SUM_REFERRALS] += weight
    if flags & CONSENT:
        row.last_consent_at = max(row.last_consent_at, at)
    if flags & REFUSAL:
        row.refusals += 1
        row.last_refusal_at = max(row.last_refusal_at, at)
    row.disclosures += int(flags & DISCLOSURE != 0)
    row.unmapped += int(flags & UNMAPPED != 0)
    row.outside += int(flags & OUTSIDE != 0)
    row.inside += int(flags & INSIDE != 0)


@compiled_leaf
def _note_ties(row: Row, rules: Rules, contact: Contact) -> None:
    at, flags = contact.at, contact.flags
    row.ties_opened += int(flags & TIE_OPENED != 0)
    if flags & TIE_CLOSED:
        row.ties_closed += 1
        row.last_closing_at = max(row.last_closing_at, at)
    if flags & ON_RECORD:
        note_record(row, at)
    if flags & LOYALTY:
        note_enrolment(row, at, rules.record_ms)
    if flags & MANAGER:
        row.last_manager_at = max(row.last_manager_at, at)


@compiled_inline
def _note_signals(row: Row, contact: Contact) -> None:
    if contact.flags & FAILURE:
        note(row, row.failure_at, row.failure_event, contact.at, contact.event)
    if contact.flags & RIVAL:
        note(row, row.rival_at, row.rival_event, contact.at, contact.event)
    if contact.flags & OUTGROWN:
        note(row, row.outgrown_at, row.outgrown_event, contact.at, contact.event)


@compiled_inline
def _note_service(row: Row, contact: Contact) -> None:
    at, flags = contact.at, contact.flags
    if flags & (QUESTION | COMPLAINT):
        row.complaints += int(flags & COMPLAINT != 0)
        what = int(flags & QUESTION != 0) * IS_QUESTION + int(flags & COMPLAINT != 0) * IS_COMPLAINT
        note_question(row, at, contact.event, what)
    if flags & ANSWER:
        note_answer(row, at)
    if flags & RESOLUTION:
        note_resolution(row, at)


@compiled_inline
def _absorb_contact(row: Row, rules: Rules, contact: Contact) -> float:
    """What every touchpoint adds; returns what is left of a weight of 1 as of the row's newest instant."""
    at, flags = contact.at, contact.flags
    absorb_contact(row, rules, at, contact.weight)
    weight = factor(at, row.last_at, rules.memory_half_life)
    row.sums[SUM_INTEREST] += contact.weight * weight
    row.cost_minor += contact.cost_minor
    if flags & MARKETING:
        row.marketing_minor += contact.cost_minor
    else:
        row.sums[SUM_COST] += contact.cost_minor * weight
    if flags & TWO_WAY:
        row.two_way += 1
        row.last_two_way_at = max(row.last_two_way_at, at)
        row.sums[SUM_TWO_WAY] += weight
    if flags & FIRM:
        row.outbound += 1
        row.urged += int(flags & (MARKETING | ACQUISITION) != 0)
        row.sums[SUM_OUTBOUND] += weight
        mark_contact(row, at)
        if flags & INDIVIDUAL:
            row.individual += 1
            row.sums[SUM_INDIVIDUAL] += weight
    if contact.category > 0:
        row.chosen += int(flags & CUSTOMER != 0 and flags & PURCHASE == 0)
        row.sums[SUM_MIX + contact.category] += weight
    if contact.bond > 0 or contact.trust >= 0:
        _mark_bond_and_trust(row, rules, contact, weight)
    return weight


@compiled_inline
def _absorb_initiative(row: Row, at: int, flags: int) -> None:
    if flags & CUSTOMER:
        row.first_initiative_at = min(row.first_initiative_at, at)
        row.last_initiative_at = max(row.last_initiative_at, at)
    if flags & (CUSTOMER | CUSTOMER_EXIT | TIE_CLOSED):
        mark_month(row, at)
    if flags & INVESTMENT:
        row.last_investment_at = max(row.last_investment_at, at)
    if flags & CONTRIBUTION:
        row.last_contribution_at = max(row.last_contribution_at, at)
    if flags & (INVESTMENT | CONTRIBUTION) and at >= row.episode_at:
        row.invested_at = min(row.invested_at, at)
    if flags & CUSTOMER_EXIT:
        row.last_customer_exit_at = max(row.last_customer_exit_at, at)
    if flags & FIRM_EXIT:
        row.last_firm_exit_at = max(row.last_firm_exit_at, at)


@compiled_inline
def absorb(row: Row, rules: Rules, contact: Contact) -> bool:
    """Take the touchpoint into the profile; True where it marks a new purchase day."""
    flags = contact.flags
    weight = _absorb_contact(row, rules, contact)
    _absorb_initiative(row, contact.at, flags)
    if flags & _COUNTED:
        _count(row, contact.at, flags, weight)
    if flags & _OF_SERVICE:
        _note_service(row, contact)
    if flags & _OF_SIGNALS:
        _note_signals(row, contact)
    if flags & _OF_TIES:
        _note_ties(row, rules, contact)
    if contact.term_until != NONE:
        note_term(row, contact.at, contact.term_until, flags & TIE_OPENED != 0)
    if flags & _OF_ORDERS:
        note_after_sale(row, rules, contact)
    if flags & PURCHASE:
        return absorb_sale(row, rules, contact, weight)
    return False
