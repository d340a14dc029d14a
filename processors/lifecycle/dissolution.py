"""Who ended a relationship, and why, with the evidence: functions of (profile, policy, episode).

The order of the reasons follows the ways in which relationships are said to end: a failure of the core service, a
better alternative, another stage of life, neglect. See S. Keaveney, "Customer Switching Behavior in Service
Industries", Journal of Marketing 59(2), 1995, for failures, competition and involuntary switching.

The end is the explicit exit, else the last sign of life. Nothing counts that came after an exit. Silence has no such
border: the firm could not know yet, so what came within the policy's grace after the last sign of life counts as
evidence, and a question answered within the policy's patience was not neglected. That a category was outgrown, or a
rival found, is true of the silence whenever it becomes known, as long as it lasts (a rival: of version 2).
"""

from typing import Final, NamedTuple

import numpy as np

from processors.compiled import compiled_leaf
from processors.lifecycle.stages import silence_at
from processors.lifecycle.ties import closing_exit
from processors.policy.rules import Rules
from processors.row.calendar import count_days
from processors.row.layout import NEVER, NONE, SIGNALS, Row
from processors.row.newest import first_from, newest_within
from processors.row.questions import neglected_question, unresolved_complaint
from processors.row.windows import contact_before

BY_CUSTOMER: Final = 1  # as judgements.ENDERS
BY_FIRM: Final = 2
BY_BOTH: Final = 3
CORE_FAILURE: Final = 1  # as judgements.REASONS
BETTER_ALTERNATIVE: Final = 2
LIFE_STAGE: Final = 3
NEGLECT: Final = 4
EXPLICIT: Final = 5
NOT_KNOWN: Final = 6


class End(NamedTuple):
    """How an episode ended. Instants in ms."""

    by: int
    reason: int
    at: int  # the explicit exit, else the last sign of life
    evidence_at: int  # NONE: there is none
    evidence_event: np.uint64  # hash of its event id; 0: no single touchpoint is


@compiled_leaf
def _exits(row: Row) -> tuple[int, int]:
    """The customer's and the firm's exit in the current episode; NONE where there is none that stands."""
    own = max(int(row.last_customer_exit_at), closing_exit(row))
    firm = int(row.last_firm_exit_at)
    since = max(row.episode_at, row.last_initiative_at)
    return own if own >= since else NONE, firm if firm >= since else NONE


@compiled_leaf
def is_explicit(row: Row, rules: Rules) -> bool:
    """Whether an exit ended the current episode, and not silence before it."""
    own, firm = _exits(row)
    instant = max(own, firm) if own == NONE or firm == NONE else min(own, firm)
    return bool(instant != NONE and instant <= silence_at(row, rules))


@compiled_leaf
def ended_by(row: Row, rules: Rules, explicit: bool) -> int:
    """Silence is the customer's; an exit names its actor, both where both exit within the policy's time."""
    own, firm = _exits(row)
    if not explicit or firm == NONE:
        return BY_CUSTOMER
    if own == NONE:
        return BY_FIRM
    if abs(own - firm) <= rules.both_ms:
        return BY_BOTH
    return BY_CUSTOMER if own < firm else BY_FIRM


@compiled_leaf
def _last_sign(row: Row, rules: Rules) -> int:
    """The last sign of life of the current episode: who leaves or closes a tie after its silent end gave none in it."""
    silent = silence_at(row, rules)
    left, closed = int(row.last_customer_exit_at), int(row.last_closing_at)
    return max(int(row.last_initiative_at), left if left <= silent else NONE, closed if closed <= silent else NONE)


@compiled_leaf
def end_instant(row: Row, rules: Rules, explicit: bool) -> int:
    """The explicit exit (the first where both sides exit), else the last sign of life."""
    own, firm = _exits(row)
    if not explicit:
        return _last_sign(row, rules)
    if own == NONE or firm == NONE:
        return max(own, firm)
    return min(own, firm)


@compiled_leaf
def purchase_interval(row: Row, rules: Rules) -> float:
    """Mean time between purchase days (ms); the policy's where there are fewer than two."""
    days = count_days(row)
    if days < 2:
        return float(rules.default_interval_ms)
    return float(row.last_purchase_at - row.first_purchase_at) / (days - 1)


@compiled_leaf
def _gap_before(row: Row, end: int) -> tuple[int, int]:
    """(ms without contact by the firm before ``end``, the contact); without any since the first touchpoint, NONE."""
    contact = contact_before(row, end)
    if contact == NONE:
        return end - int(row.first_at), NONE
    return end - contact, contact


@compiled_leaf
def _open_failure(row: Row, first: int, last: int, until: int, patience_ms: int) -> int:
    """The place of the newest failure in ``first..last`` (ms) that nothing resolved; -1: there is none.

    Resolved by ``until`` or within the patience after it.
    """
    found = -1
    for i in range(SIGNALS):
        at = row.failure_at[i]
        if at == NONE or at < first or at > last or (found >= 0 and at <= row.failure_at[found]):
            continue
        if first_from(row.resolution_at, at, NEVER) > max(until, at + patience_ms):
            found = i
    return found


@compiled_leaf
def _failure(row: Row, rules: Rules, life: int, end: int, cutoff: int, explicit: bool) -> tuple[int, np.uint64]:
    """The core failure before the end; (NONE, 0) where there is none."""
    first = life - rules.lookback_ms
    patience = 0 if explicit else rules.patience_ms
    failure = newest_within(row.failure_at, first, cutoff)
    if rules.version > 1:
        failure = _open_failure(row, first, cutoff, end, patience)
    complaint = unresolved_complaint(row, first, end, end, patience)
    if failure >= 0 and (complaint < 0 or row.failure_at[failure] >= row.question_at[complaint]):
        return int(row.failure_at[failure]), np.uint64(row.failure_event[failure])
    if complaint >= 0:
        return int(row.question_at[complaint]), np.uint64(row.question_event[complaint])
    return NONE, np.uint64(0)


@compiled_leaf
def _life_stage(row: Row, rules: Rules, end: int, until: int) -> tuple[int, np.uint64, bool]:
    outgrown = newest_within(row.outgrown_at, end - rules.lookback_ms, until)
    if outgrown >= 0:
        return int(row.outgrown_at[outgrown]), np.uint64(row.outgrown_event[outgrown]), True
    finite = row.last_finite_at != NONE and row.last_finite_at == row.last_purchase_at
    return int(row.last_finite_at), np.uint64(0), bool(finite)


@compiled_leaf
def _asked_for_none(row: Row, until: int) -> bool:
    """Whether the customer had, by ``until`` (ms), said no to being written to and not yes since."""
    said_yes = row.last_consent_at if row.last_consent_at <= until else NONE
    return bool(said_yes < row.last_refusal_at <= until)


@compiled_leaf
def _neglect(row: Row, rules: Rules, end: int, explicit: bool) -> tuple[int, np.uint64, bool]:
    until = end if explicit else NEVER
    question = neglected_question(row, end - rules.lookback_ms, end, until, rules.patience_ms)
    if question >= 0:
        return int(row.question_at[question]), np.uint64(row.question_event[question]), True
    contacted = NEVER > row.first_contact_at <= until
    if rules.version > 1 and (not contacted or _asked_for_none(row, until)):
        # Where no contact of the firm is on record, none may be recorded at all; and who asked for none has none.
        return NONE, np.uint64(0), False
    gap, contact = _gap_before(row, end)
    return contact, np.uint64(0), gap > rules.contact_gap * purchase_interval(row, rules)


@compiled_leaf
def end_of(row: Row, rules: Rules) -> End:
    """By whom and why the current episode ended; only of a row in dissolution."""
    explicit = is_explicit(row, rules)
    by, end, life = ended_by(row, rules, explicit), end_instant(row, rules, explicit), _last_sign(row, rules)
    cutoff = end if explicit else end + rules.grace_ms
    at, event = _failure(row, rules, min(life, end), end, cutoff, explicit)
    if at != NONE:
        return End(by, CORE_FAILURE, end, at, event)
    until = end if explicit else NEVER
    rival = newest_within(row.rival_at, end - rules.lookback_ms, until if rules.version > 1 else cutoff)
    if rival >= 0:
        return End(by, BETTER_ALTERNATIVE, end, int(row.rival_at[rival]), np.uint64(row.rival_event[rival]))
    at, event, holds = _life_stage(row, rules, end, until)
    if holds:
        return End(by, LIFE_STAGE, end, at, event)
    at, event, holds = _neglect(row, rules, end, explicit)
    if holds:
        return End(by, NEGLECT, end, at, event)
    return End(by, EXPLICIT if explicit else NOT_KNOWN, end, NONE, np.uint64(0))
