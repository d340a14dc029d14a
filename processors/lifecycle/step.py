"""One step of a relationship: a touchpoint, an instant of silence, or a new policy. Time is an argument."""

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.judgements.catalogue import ENDED_BY, REASON, RISK
from processors.judgements.judge import judge_end, risk_band
from processors.judgements.risk import MOVES_RISK, risk_crossing
from processors.lifecycle.corrections import note_paths, reconsider
from processors.lifecycle.facts import CAUSE_LATE, CAUSE_POLICY, CAUSE_SILENCE, Cause, Out, emit
from processors.lifecycle.publishing import publish
from processors.lifecycle.reviews import first_midnight, next_day, review
from processors.lifecycle.stages import (
    DISSOLUTION,
    UNKNOWN,
    counted_exit,
    ends_at,
    left_at,
    note_purchases,
    share_week,
    stage_at,
)
from processors.lifecycle.ties import closing_exit, open_ties
from processors.policy.rules import (
    CANCELLATION,
    CUSTOMER,
    CUSTOMER_EXIT,
    MARKETING,
    PURCHASE,
    REFERRAL,
    REFUND,
    TIE_CLOSED,
    VOIDING,
    Rules,
)
from processors.row.absorb import absorb
from processors.row.calendar import count_days
from processors.row.contact import Contact
from processors.row.layout import NEVER, NONE, Row
from processors.row.terms import bound_until


@compiled_inline
def _enter(row: Row, rules: Rules, out: Out, cause: Cause, stage: int, at: int) -> None:
    """Publish that the current episode entered ``stage`` at ``at``."""
    fact_id = emit(row, rules, out, cause, row.stage, stage, row.episode, at)
    row.entered_at[stage - 1] = at
    row.entered_id[stage - 1] = fact_id
    row.stage = stage


@compiled_inline
def _set_due(row: Row, rules: Rules) -> None:
    row.due_at = NEVER if row.stage == DISSOLUTION or row.stage == UNKNOWN else ends_at(row, rules)


@compiled_inline
def _publish_end(row: Row, rules: Rules, out: Out, cause: Cause, at: int) -> None:
    """By whom and why the relationship ended, where that is not what was published."""
    if row.stage != DISSOLUTION and row.judged[REASON] == 0:
        return
    judge_end(row, rules, out.values)
    for which in (ENDED_BY, REASON):
        if out.values[which] != row.judged[which]:
            publish(row, rules, out, cause, which, int(out.values[which]), at)


@compiled_leaf
def _end_by_silence(row: Row, rules: Rules, out: Out, cause: Cause) -> None:
    at = row.due_at
    _enter(row, rules, out, cause, DISSOLUTION, at)
    row.judged_at = max(row.judged_at, at)
    row.due_at = NEVER
    _publish_end(row, rules, out, cause, at)
    row.review_at = min(row.review_at, first_midnight(at))


@compiled_inline
def pass_time(row: Row, rules: Rules, out: Out, cause: Cause, until: int) -> bool:
    """Let the row's own timers up to ``until`` fire, in their order: silence ends the episode, judgements are reviewed.

    True where one did.
    """
    if row.due_at > until and row.review_at > until:
        return False
    silence = Cause(cause.row, cause.offset, cause.known_at, CAUSE_SILENCE, np.uint64(0), -1, -1)
    while min(row.due_at, row.review_at) <= until:
        if row.due_at <= row.review_at:
            _end_by_silence(row, rules, out, silence)
        else:
            review(row, rules, out, silence, row.review_at)
    return True


@compiled_leaf
def _exit_before(row: Row, rules: Rules, at: int) -> int:
    """The exit before ``at`` that ended the current episode, or would have without silence; NONE: there is none."""
    explicit = counted_exit(row, rules)
    return explicit if explicit < at else NONE


@compiled_inline
def _open_episode(row: Row, rules: Rules, at: int) -> None:
    """Remember the episode that has ended, as far as its end was computed, and begin another one at ``at``."""
    row.before_exit_at = _exit_before(row, rules, at)
    row.before_at = row.episode_at
    row.before_invested_at = row.invested_at
    row.before_recorded_at = row.recorded_at
    row.before_purchase_at = row.last_purchase_at
    row.before_initiative_at = row.last_initiative_at
    row.before_bound_at = bound_until(row) if rules.version > 1 else NONE
    row.before_days = count_days(row)
    for k in range(4):
        row.before_entered_at[k] = row.entered_at[k]
        row.before_entered_id[k] = row.entered_id[k]
        row.entered_at[k] = NONE
        row.entered_id[k] = 0
    row.before_shared_week = row.shared_week
    row.shared_week = int(share_week(row.before_purchase_at, at))
    row.episode += 1
    row.episode_at = at
    invested = max(row.last_investment_at, row.last_contribution_at)
    row.invested_at = invested if invested >= at else NEVER
    row.recorded_at = row.last_record_at if row.last_record_at >= at else NEVER


@compiled_inline
def _judge(row: Row, rules: Rules, out: Out, cause: Cause, at: int) -> None:
    """Publish the stage at ``at`` where it differs from the published one."""
    stage = stage_at(row, rules, at)
    if stage != row.stage:
        _enter(row, rules, out, cause, stage, ends_at(row, rules) if stage == DISSOLUTION else at)


@compiled_inline
def _note_value(row: Row, rules: Rules, out: Out, cause: Cause, contact: Contact, at: int) -> None:
    """What a purchase, its taking back, or of version 2 its service, does to risk and value."""
    flags = contact.flags
    if flags & (PURCHASE | REFUND | CANCELLATION | REFERRAL):
        row.revalue = 1
    if rules.version > 1 and contact.cost_minor != 0 and flags & MARKETING == 0:
        row.revalue = 1
    if flags & MOVES_RISK:
        row.risk_at = risk_crossing(row, rules)
    risk = risk_band(row, rules, at)
    if risk != row.judged[RISK]:
        publish(row, rules, out, cause, RISK, risk, at)


@compiled_leaf
def _closes_last_tie(row: Row, at: int) -> bool:
    """Whether a closing at ``at`` (ms), already in the profile, is an exit at that instant.

    Of as many closings as ties were opened the newest is; where there are more, a tie was closed that was not open.
    """
    if open_ties(row) > 0:
        return bool(at == closing_exit(row))
    return bool(at < row.episode_at or at == row.last_closing_at or row.ties_closed > row.ties_opened)


@compiled_leaf
def _meet_late(row: Row, rules: Rules, out: Out, why: Cause, contact: Contact, now: int) -> None:
    noted = note_paths(row, rules, out, now)
    new_day = absorb(row, rules, contact)
    flags = contact.flags
    if flags & (PURCHASE | VOIDING):
        note_purchases(row, rules)
    if flags & TIE_CLOSED and _closes_last_tie(row, contact.at):
        flags |= CUSTOMER_EXIT
    reconsider(row, rules, out, why, contact.at, flags, new_day, now, noted)


@compiled_inline
def meet(row: Row, rules: Rules, out: Out, cause: Cause, contact: Contact, time: int) -> None:
    """Apply one new touchpoint of this customer, in the order of the log.

    ``time`` is the partition's: the newest tick before this record. The customer's own timers due at or before the
    touchpoint fire first; those that it sets and that are already due fire last. An initiative after the published end
    opens an episode also where it is late: nothing that is known came of the relationship since.
    """
    at = contact.at
    pass_time(row, rules, out, cause, at)
    ended = row.stage == DISSOLUTION
    late = at < row.judged_at or (ended and at <= row.entered_at[3])
    kind = CAUSE_LATE if late else cause.kind
    why = Cause(cause.row, cause.offset, cause.known_at, kind, cause.event, cause.event_start, cause.event_length)
    now = max(time, row.judged_at, at)
    returns = ended and contact.flags & CUSTOMER != 0 and at > row.entered_at[3] and not left_at(row, at)
    if late and not returns:
        _meet_late(row, rules, out, why, contact, now)
    else:
        if returns:
            _open_episode(row, rules, at)
        absorb(row, rules, contact)
        if contact.flags & (PURCHASE | VOIDING):
            note_purchases(row, rules)
        _judge(row, rules, out, why, at)
    if late and returns:
        _judge(row, rules, out, why, row.judged_at)
    row.judged_at = max(row.judged_at, at)
    _set_due(row, rules)
    # A late touchpoint takes nothing back that a review came to later: risk only rises while nothing is bought.
    _note_value(row, rules, out, why, contact, max(row.judged_at, row.reviewed_at))
    _publish_end(row, rules, out, why, row.judged_at)
    row.review_at = next_day(max(row.judged_at, row.reviewed_at))
    pass_time(row, rules, out, cause, now)


@compiled_leaf
def settle(row: Row, rules: Rules, out: Out, why: Cause, now: int) -> None:
    """After the path of a row was corrected as a whole: what follows from it, and the timers due by ``now``."""
    _set_due(row, rules)
    row.risk_at = risk_crossing(row, rules)
    row.revalue = 1
    at = max(int(row.judged_at), int(row.reviewed_at))
    risk = risk_band(row, rules, at)
    if risk != row.judged[RISK]:
        publish(row, rules, out, why, RISK, risk, at)
    _publish_end(row, rules, out, why, int(row.judged_at))
    row.review_at = next_day(at)
    pass_time(row, rules, out, why, now)


@compiled_leaf
def rejudge(row: Row, rules: Rules, out: Out, cause: Cause, time: int) -> None:
    """Judge a row by a new policy at partition time ``time``: what differs became true with the policy."""
    if row.touchpoints == 0:
        return
    now = max(time, row.judged_at)
    why = Cause(cause.row, cause.offset, cause.known_at, CAUSE_POLICY, np.uint64(0), -1, -1)
    note_purchases(row, rules)
    stage = stage_at(row, rules, now)
    if stage != row.stage:
        for k in range(stage, 4):
            row.entered_at[k] = NONE
            row.entered_id[k] = 0
        fact_id = emit(row, rules, out, why, row.stage, stage, row.episode, now)
        if row.entered_id[stage - 1] == 0:
            row.entered_at[stage - 1] = now
            row.entered_id[stage - 1] = fact_id
        row.stage = stage
        row.judged_at = now
    _set_due(row, rules)
    row.risk_at = risk_crossing(row, rules)
    row.revalue = 1
    review(row, rules, out, why, now)
