"""A row of a customer of whom nothing is known, to whom nothing was delivered and of whom nothing was published."""

from processors.compiled import compiled_leaf
from processors.judgements.catalogue import NEUTRAL
from processors.row.calendar import DAY_WORDS
from processors.row.layout import (
    ANSWERS,
    CONSENTS,
    CONTACT_WORDS,
    ENDINGS,
    ENROLMENTS,
    FACTORS,
    JUDGEMENT_ROOM,
    LINKED,
    NEVER,
    NONE,
    ORDERS,
    PURCHASES,
    QUESTIONS,
    QUIET_CLOCKS,
    REMEMBERED,
    RESOLUTIONS,
    SENDERS,
    SIGNALS,
    SUMS,
    TERMS,
    TRAITS,
    TRIGGERS_SENT,
    Row,
)


@compiled_leaf
def _clear_instants(row: Row) -> None:
    row.first_at = NEVER
    row.last_at = NONE
    row.first_initiative_at = NEVER
    row.last_initiative_at = NONE
    row.first_purchase_at = NEVER
    row.last_purchase_at = NONE
    row.last_investment_at = NONE
    row.last_contribution_at = NONE
    row.last_customer_exit_at = NONE
    row.last_firm_exit_at = NONE
    row.last_record_at = NONE
    row.last_closing_at = NONE
    row.first_contact_at = NEVER
    row.last_contact_at = NONE
    row.last_finite_at = NONE
    row.last_manager_at = NONE
    row.last_two_way_at = NONE
    row.last_consent_at = NONE
    row.last_refusal_at = NONE


@compiled_leaf
def _clear_counts(row: Row) -> None:
    row.spend_minor = 0
    row.interaction = 0.0
    row.engagement = 0.0
    row.touchpoints = 0
    row.purchases = 0
    row.cost_minor = 0
    row.margin_minor = 0
    row.refunded_minor = 0
    row.discount_minor = 0
    row.day_sum = 0
    row.day_squares = 0
    row.ties_opened = 0
    row.ties_closed = 0
    row.discounted = 0
    row.returned = 0
    row.returns_loose = 0
    row.refunds_loose = 0
    row.cancels_loose = 0
    row.gifts = 0
    row.two_way = 0
    row.outbound = 0
    row.individual = 0
    row.referrals = 0
    row.complaints = 0
    row.disclosures = 0
    row.unmapped = 0
    row.outside = 0
    row.inside = 0
    row.forgotten = 0
    row.marketing_minor = 0
    row.cancelled_minor = 0
    row.against_minor = 0
    row.cancelled = 0
    row.refusals = 0
    row.chosen = 0
    row.terms_opened = 0
    row.searched = 0
    row.urged = 0
    row.varieties = 0


@compiled_leaf
def _clear_bitmaps(row: Row) -> None:
    row.days_top = 0
    row.days_before = 0
    row.months_top = 0
    row.contact_top = 0
    row.months = 0
    for i in range(DAY_WORDS):
        row.purchase_days[i] = 0
    for i in range(CONTACT_WORDS):
        row.contact_days[i] = 0
    for i in range(SUMS):
        row.sums[i] = 0.0


@compiled_leaf
def _clear_orders_and_questions(row: Row) -> None:
    for i in range(ORDERS):
        row.order_hash[i] = 0
        row.order_at[i] = NONE
        row.order_amount[i] = 0
        row.order_margin[i] = 0
        row.order_refunded[i] = 0
        row.order_flags[i] = 0
        row.order_bought_at[i] = NEVER
        row.order_purchases[i] = 0
    for i in range(QUESTIONS):
        row.question_at[i] = NONE
        row.question_event[i] = 0
        row.question_answered_at[i] = NEVER
        row.question_resolved_at[i] = NEVER
        row.question_complaint[i] = 0


@compiled_leaf
def _clear_signals(row: Row) -> None:
    for i in range(PURCHASES):
        row.bought_at[i] = NONE
    for i in range(ENROLMENTS):
        row.enrolled_at[i] = NONE
    for i in range(TERMS):
        row.term_started_at[i] = NONE
        row.term_until[i] = 0
    for i in range(ANSWERS):
        row.answer_at[i] = NONE
    for i in range(RESOLUTIONS):
        row.resolution_at[i] = NONE
    for i in range(SIGNALS):
        row.failure_at[i] = NONE
        row.failure_event[i] = 0
        row.rival_at[i] = NONE
        row.rival_event[i] = 0
    for i in range(ENDINGS):
        row.outgrown_at[i] = NONE
        row.outgrown_event[i] = 0
    for i in range(FACTORS):
        row.trust_at[i] = NONE
        row.trust_event[i] = 0


@compiled_leaf
def _clear_outreach(row: Row) -> None:
    for i in range(CONSENTS):
        row.given_at[i] = NONE
        row.taken_at[i] = NONE
        row.agreed_at[i] = NONE
        row.declined_at[i] = NONE
    for i in range(QUIET_CLOCKS):
        row.armed_at[i] = NONE
        row.cleared_at[i] = NONE
        row.clock_rule[i] = 0
    row.zoned_at = NONE
    row.zone = 0
    row.birthday = 0
    for i in range(TRAITS):
        row.trait_at[i] = NONE
        row.trait[i] = 0.0
        row.trait_name[i] = 0


@compiled_leaf
def clear_profile(row: Row) -> None:
    """Make the profile that of a customer of whom nothing is known: the identity of ``merge``."""
    _clear_instants(row)
    _clear_counts(row)
    _clear_bitmaps(row)
    _clear_orders_and_questions(row)
    _clear_signals(row)
    _clear_outreach(row)


@compiled_leaf
def _clear_published(row: Row) -> None:
    row.stage = 0
    row.shared_week = 0
    row.before_shared_week = 0
    row.episode = 1
    row.judged_at = NONE
    row.due_at = NEVER
    row.last_id = 0
    row.episode_at = NONE
    row.invested_at = NEVER
    row.recorded_at = NEVER
    row.before_at = NONE
    row.before_invested_at = NEVER
    row.before_recorded_at = NEVER
    row.before_purchase_at = NONE
    row.before_initiative_at = NONE
    row.before_exit_at = NONE
    row.before_bound_at = NONE
    row.before_days = 0
    for i in range(4):
        row.entered_at[i] = NONE
        row.entered_id[i] = 0
        row.before_entered_at[i] = NONE
        row.before_entered_id[i] = 0


@compiled_leaf
def clear_memory(row: Row) -> None:
    """Nothing delivered, nothing published."""
    row.offset = -1
    row.entry_at = NEVER
    _clear_published(row)
    row.revalue = 0
    for i in range(JUDGEMENT_ROOM):
        row.judged[i] = NEUTRAL[i]
    row.review_at = NEVER
    row.reviewed_at = NONE
    row.silent_at = NEVER
    row.risk_at = NEVER
    row.valued_at = NONE
    row.clv_minor = 0.0
    row.last_judgement_id = 0
    row.timer_at = NEVER
    row.settled_at = NONE
    for i in range(REMEMBERED):
        row.fired_rule[i] = 0
        row.fired[i] = 0
        row.handled[i] = 0
    for i in range(TRIGGERS_SENT):
        row.sent[i] = 0
    for i in range(SENDERS):
        row.sender[i] = 0
        row.sender_rule[i] = 0
    for i in range(LINKED):
        row.linked[i] = 0
    row.linked_next = 0
    row.identities = 0
    row.is_shared = 0
