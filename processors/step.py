"""One step of a relationship: a touchpoint, an instant of silence, or a new policy. Time is an argument."""

from typing import NamedTuple

import numpy as np

from processors.calendar import count_days
from processors.compiled import compiled_leaf
from processors.corrections import note_paths, reconsider
from processors.facts import LATE, POLICY, SILENCE, Cause, Out, emit
from processors.profile import NEVER, NONE, Row, absorb_contact, absorb_purchase, remember_event
from processors.rules import (
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM_EXIT,
    INVESTMENT,
    PURCHASE,
    Rules,
)
from processors.stages import (
    DISSOLUTION,
    UNKNOWN,
    counted_exit,
    ends_at,
    left_at,
    share_week,
    stage_at,
)


class Contact(NamedTuple):
    """A touchpoint as the model sees it."""

    at: int  # occurred_at, ms
    flags: int  # meaning of the kind; PURCHASE only where the amount counts as one
    weight: float  # engagement
    amount_minor: int  # in the policy's currency


@compiled_leaf
def _enter(row: Row, rules: Rules, out: Out, cause: Cause, stage: int, at: int) -> None:
    """Publish that the current episode entered ``stage`` at ``at``."""
    identity = emit(row, rules, out, cause, row.stage, stage, row.episode, at)
    row.entered_at[stage - 1] = at
    row.entered_id[stage - 1] = identity
    row.stage = stage


@compiled_leaf
def _set_due(row: Row, rules: Rules) -> None:
    row.due_at = NEVER if row.stage == DISSOLUTION or row.stage == UNKNOWN else ends_at(row, rules)


@compiled_leaf
def pass_time(row: Row, rules: Rules, out: Out, cause: Cause, until: int) -> bool:
    """Let silence speak: end the episode where its due instant is at or before ``until``. True where it did."""
    if row.due_at > until:
        return False
    at = row.due_at
    silence = Cause(cause.row, cause.offset, cause.known_at, SILENCE, np.uint64(0), -1, -1)
    _enter(row, rules, out, silence, DISSOLUTION, at)
    row.judged_at = max(row.judged_at, at)
    row.due_at = NEVER
    return True


@compiled_leaf
def _exit_before(row: Row, rules: Rules, at: int) -> int:
    """The exit before ``at`` that ended the current episode, or would have without silence; NONE: there is none."""
    explicit = counted_exit(row, rules)
    return explicit if explicit < at else NONE


@compiled_leaf
def _open_episode(row: Row, rules: Rules, at: int) -> None:
    """Remember the episode that has ended, as far as its end was computed, and begin another one at ``at``."""
    row.before_exit_at = _exit_before(row, rules, at)
    row.before_at = row.episode_at
    row.before_invested_at = row.invested_at
    row.before_purchase_at = row.last_purchase_at
    row.before_initiative_at = row.last_initiative_at
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


@compiled_leaf
def _absorb(row: Row, rules: Rules, contact: Contact) -> bool:
    """Take the touchpoint into the profile; True where it marks a new purchase day."""
    at, flags = contact.at, contact.flags
    absorb_contact(row, at, contact.weight, rules.interaction_half_life, rules.engagement_half_life)
    if flags & CUSTOMER:
        row.first_initiative_at = min(row.first_initiative_at, at)
        row.last_initiative_at = max(row.last_initiative_at, at)
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
    if flags & PURCHASE:
        return absorb_purchase(row, at, contact.amount_minor)
    return False


@compiled_leaf
def _judge(row: Row, rules: Rules, out: Out, cause: Cause, at: int) -> None:
    """Publish the stage at ``at`` where it differs from the published one."""
    stage = stage_at(row, rules, at)
    if stage != row.stage:
        _enter(row, rules, out, cause, stage, ends_at(row, rules) if stage == DISSOLUTION else at)


@compiled_leaf
def meet(row: Row, rules: Rules, out: Out, cause: Cause, contact: Contact, event: np.uint64, time: int) -> None:
    """Apply one new touchpoint of this customer, in the order of the log.

    ``time`` is the partition's: the newest tick before this record. The customer's own timers due at or before the
    touchpoint fire first; those that it sets and that are already due fire last. An initiative after the published end
    opens an episode also where it is late: nothing that is known came of the relationship since.
    """
    at = contact.at
    pass_time(row, rules, out, cause, at)
    remember_event(row, event)
    ended = row.stage == DISSOLUTION
    late = at < row.judged_at or (ended and at <= row.entered_at[3])
    kind = LATE if late else cause.kind
    why = Cause(cause.row, cause.offset, cause.known_at, kind, cause.event, cause.event_start, cause.event_length)
    now = max(time, row.judged_at, at)
    returns = ended and contact.flags & CUSTOMER != 0 and at > row.entered_at[3] and not left_at(row, at)
    if late and not returns:
        noted = note_paths(row, rules, out, now)
        new_day = _absorb(row, rules, contact)
        reconsider(row, rules, out, why, at, contact.flags, new_day, now, noted)
    else:
        if returns:
            _open_episode(row, rules, at)
        _absorb(row, rules, contact)
        _judge(row, rules, out, why, at)
    if late and returns:
        _judge(row, rules, out, why, row.judged_at)
    row.judged_at = max(row.judged_at, at)
    _set_due(row, rules)
    pass_time(row, rules, out, cause, now)


@compiled_leaf
def rejudge(row: Row, rules: Rules, out: Out, cause: Cause, time: int) -> None:
    """Judge a row by a new policy at partition time ``time``: what differs became true with the policy."""
    if row.touchpoints == 0:
        return
    now = max(time, row.judged_at)
    stage = stage_at(row, rules, now)
    if stage != row.stage:
        for k in range(stage, 4):
            row.entered_at[k] = NONE
            row.entered_id[k] = 0
        why = Cause(cause.row, cause.offset, cause.known_at, POLICY, np.uint64(0), -1, -1)
        identity = emit(row, rules, out, why, row.stage, stage, row.episode, now)
        if row.entered_id[stage - 1] == 0:
            row.entered_at[stage - 1] = now
            row.entered_id[stage - 1] = identity
        row.stage = stage
        row.judged_at = now
    _set_due(row, rules)
