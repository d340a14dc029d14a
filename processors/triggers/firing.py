"""Rules fire: conditions are looked at, what holds them back is asked in a fixed order, and every outcome is a fact.

Fresh, consent, cool-down, cap, priority, held for control, sent. A correction of the past, a merge and a new policy
send nothing. Ids are made of customer, rule and minute alone: the same log gives the same wherever it is cut.
"""

from typing import Any, Final

import numpy as np

from processors.apart import stay_apart
from processors.bits import trailing_zeros
from processors.compiled import compiled_apart, compiled_leaf
from processors.hashing import avalanche, mix
from processors.judgements.catalogue import RECOMMENDED, STEP, TIER
from processors.judgements.value import margin_share
from processors.lifecycle.facts import (
    CAUSE_LATE,
    CAUSE_MERGE,
    CAUSE_POLICY,
    CAUSE_SILENCE,
    Cause,
    Out,
)
from processors.lifecycle.stages import exit_at
from processors.lifecycle.step import pass_time
from processors.policy.rules import Rules
from processors.row.layout import NEVER, NONE, Row
from processors.row.outreach import clock_of, may_reach, note_clock
from processors.triggers.cells import (
    RULE_AFTER,
    RULE_ASKS,
    RULE_BEFORE,
    RULE_CHANNEL,
    RULE_COOLDOWN,
    RULE_HOLD,
    RULE_KEY,
    RULE_LENGTH,
    RULE_PLAIN,
    RULE_PRIORITY,
    RULE_SEED,
    RULE_START,
    RULE_SUBJECT,
    RULE_TRANSACTIONAL,
    RULE_TYPE,
    RULE_VALID,
    SHARES,
)
from processors.triggers.conditions import ASKS_AFFECTION, ASKS_FIGURES
from processors.triggers.fields import AFTER, BEFORE
from processors.triggers.loading import fill_affection, fill_figures_of, fill_some, fill_traits
from processors.triggers.memory import (
    MINUTE,
    WAS_HELD,
    WAS_WITHDRAWN,
    is_cooling,
    memory_of,
    minute_of,
    note_fired,
    note_handled,
    note_sender,
    sender_of,
    sent_within,
)
from processors.triggers.occasions import ON_CHANGE, ON_QUIET, STAGE_SUBJECT
from processors.triggers.programs import holds
from processors.triggers.room import (
    CANDIDATES,
    CAPPED,
    COOLING,
    FIRED_ROOM,
    HELD,
    NO_CONSENT,
    OUTRANKED,
    SENT_OUT,
    STALE,
    WITHDRAWN,
    Room,
)
from processors.triggers.settled import soonest_due, soonest_silence, timers_by
from processors.triggers.timers import next_of

_ELIGIBLE: Final = -1
_TREATED: Final = 1
_HELD_ALONE: Final = 2
_HELD_FROM_ALL: Final = 3
_OF_ALL: Final = np.int64(0x5245_4C41_5349)  # seeds the choice of those who are held from everything


@compiled_leaf
def trigger_id(customer: np.uint64, key: int, minute: int) -> np.uint64:
    """Of what was sent or held: there is one for each rule and minute, so a row can name it later."""
    h = avalanche(mix(mix(np.uint64(customer), np.int64(key)), np.int64(minute)))
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_leaf
def _other_id(customer: np.uint64, key: int, outcome: int, at: int, event: np.uint64) -> np.uint64:
    h = mix(mix(np.uint64(customer), np.int64(key)), np.int64(outcome))
    h = avalanche(mix(mix(h, np.int64(at)), np.int64(event)))
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_apart
def _fill_figures(row: Row, rules: Rules, room: Room, at: int) -> None:
    stay_apart()
    if room.filled == 0 or room.values_at != at:
        fill_figures_of(row, rules, at, room.figures, room.values)
        room.values_at, room.filled = at, 1


@compiled_apart
def _holds(row: Row, rules: Rules, room: Room, number: int, at: int, before: int, after: int) -> bool:
    stay_apart()
    rule = rules.triggers[number]
    start, length = int(rule[RULE_START]), int(rule[RULE_LENGTH])
    if length == 0:
        return True
    asks = int(rule[RULE_ASKS])
    fill_some(row, at, int(rule[RULE_PLAIN]), room.values)
    fill_traits(row, rules, room.values)
    if asks & ASKS_FIGURES:
        _fill_figures(row, rules, room, at)
    elif asks & ASKS_AFFECTION and (room.filled == 0 or room.values_at != at):
        fill_affection(row, rules, at, room.figures, room.values)
    room.values[BEFORE], room.values[AFTER] = before, after
    return holds(rules.trigger_code, start, length, rules.trigger_numbers, room.values, room.stack)


@compiled_leaf
def _propose(room: Room, number: int, at: int, cause: int, caused: int) -> Any:
    candidate = room.candidate[room.candidates]
    candidate.rule, candidate.at, candidate.cause, candidate.caused = number, at, cause, caused
    candidate.subject, candidate.before, candidate.after = -1, 0, 0
    candidate.transition = np.uint64(0)
    candidate.outcome = _ELIGIBLE
    room.candidates += 1
    return candidate


@compiled_apart
def _propose_changes(row: Row, rules: Rules, room: Room, cause: int) -> None:
    """``cause``: what made us look; what a merge or a policy makes true, silence included, is said to be of it."""
    stay_apart()
    for i in range(room.happenings):
        happened = room.happened[i]
        asking, number = int(rules.subject_rules[happened.subject]), -1
        while asking != 0:
            asks, number = asking & 1, number + 1
            asking >>= 1
            if asks == 0:
                continue
            rule = rules.triggers[number]
            fits = (rule[RULE_BEFORE] >> happened.before) & (rule[RULE_AFTER] >> happened.after) & 1
            if fits == 0 or room.candidates >= CANDIDATES:
                continue
            before, after, at = int(happened.before), int(happened.after), int(happened.at)
            if _holds(row, rules, room, number, at, before, after):
                why = cause if cause in (CAUSE_MERGE, CAUSE_POLICY) else int(happened.cause)
                candidate = _propose(room, number, at, why, 0)
                candidate.subject, candidate.before, candidate.after = happened.subject, before, after
                if happened.subject == STAGE_SUBJECT:
                    candidate.transition = happened.id
    room.happenings = 0


@compiled_apart
def _propose_timers(row: Row, rules: Rules, room: Room, cause: int, now: int, which: int) -> None:
    """Of the rules in ``which`` (bits) what was due by ``now`` (ms); the row notes when the next timer is."""
    stay_apart()
    others = int(rules.timers) & ~(int(rules.timers_quiet) | int(rules.timers_due))
    soonest = NEVER if which & others == others else int(row.settled_at)
    due = soonest_due(row, rules)
    if due <= now or which & int(rules.timers_due) != 0:
        which |= int(rules.timers_due)
        due = NEVER
    while which != 0:
        number = int(trailing_zeros(np.uint64(which)))
        which &= which - 1
        rule = rules.triggers[number]
        past, upcoming = next_of(row, rules, number, now)
        if (int(rules.timers_due) >> number) & 1:
            due = min(due, upcoming)
        elif rule[RULE_TYPE] != ON_QUIET:
            soonest = min(soonest, upcoming)
        if past == NEVER:
            continue
        note_handled(row, int(rule[RULE_KEY]), minute_of(past))
        if room.candidates < CANDIDATES and _holds(row, rules, room, number, past, 0, 0):
            _propose(room, number, past, cause, 0)
    row.settled_at = soonest
    row.timer_at = min(soonest, due, soonest_silence(row, rules, NONE, 0))


@compiled_leaf
def _may_write(row: Row, channel: int) -> bool:
    """Nothing goes out after an exit, nor without the consent that the channel needs."""
    return bool(exit_at(row, row.episode_at) == NEVER and may_reach(row, channel))


@compiled_leaf
def _held_back(row: Row, rules: Rules, room: Room, candidate: Any) -> int:
    """What keeps a candidate from being sent, before those of the same moment are compared."""
    rule, at = rules.triggers[candidate.rule], int(candidate.at)
    if candidate.cause in (CAUSE_LATE, CAUSE_MERGE, CAUSE_POLICY) or room.written_at - at > rules.fresh_ms:
        return STALE
    minute = minute_of(at)
    if _presses(rule) and not _may_write(row, int(rule[RULE_CHANNEL])):
        return NO_CONSENT
    if is_cooling(row, int(rule[RULE_KEY]), minute, int(rule[RULE_COOLDOWN])):
        return COOLING
    if _presses(rule) and sent_within(row, minute, int(rules.pressure_minutes)) >= rules.pressure_most:
        return CAPPED
    return _ELIGIBLE


@compiled_leaf
def _presses(rule: Any) -> bool:
    """Whether it counts against what a customer can take: neither what must go out nor what never leaves the firm."""
    return bool(rule[RULE_TRANSACTIONAL] == 0 and rule[RULE_CHANNEL] > 0)


@compiled_leaf
def is_held(customer: np.uint64, seed: int, share: int) -> bool:
    """Whether a share of customers (ten thousandths), drawn by a hash, holds this one."""
    drawn = avalanche(mix(np.uint64(customer), np.int64(seed))) >> np.uint64(11)
    return bool(np.int64(drawn) % SHARES < share)


@compiled_leaf
def arm_of(row: Row, rules: Rules, number: int) -> int:
    """Whether the customer is held back from a rule, by a hash of customer, rule and its version."""
    rule = rules.triggers[number]
    if rule[RULE_TRANSACTIONAL] != 0:
        return _TREATED
    if is_held(np.uint64(row.hash), int(_OF_ALL), int(rules.hold_out)):
        return _HELD_FROM_ALL
    held = is_held(np.uint64(row.hash), int(rule[RULE_SEED]), int(rule[RULE_HOLD]))
    return _HELD_ALONE if held else _TREATED


@compiled_leaf
def _write(row: Row, rules: Rules, room: Room, cause: Cause, number: int, at: int, outcome: int) -> Any:
    """A fact, but for its id and what made it fire."""
    fact = room.fired[room.written]
    room.written += 1
    rule = rules.triggers[number]
    fact.row, fact.customer, fact.rule, fact.outcome = cause.row, row.hash, number, outcome
    fact.takes_back, fact.sender, fact.transition, fact.arm = np.uint64(0), row.hash, np.uint64(0), 0
    fact.at, fact.known_at, fact.offset = at, cause.known_at, cause.offset
    fact.event_start, fact.event_length = -1, -1
    fact.valid_until = at + rule[RULE_VALID]
    fact.last_purchase_at, fact.spend_minor, fact.purchases = row.last_purchase_at, row.spend_minor, row.purchases
    fact.risk, fact.expected_purchases, fact.value_minor = np.nan, np.nan, np.nan
    fact.expected_minor, fact.expected_margin = np.nan, np.nan
    fact.cause, fact.subject, fact.before, fact.after = cause.kind, -1, 0, 0
    fact.stage, fact.tier = row.stage, row.judged[TIER]
    fact.category, fact.step, fact.zone = row.judged[RECOMMENDED], row.judged[STEP], row.zone
    return fact


@compiled_apart
def _tell(row: Row, rules: Rules, room: Room, cause: Cause, candidate: Any) -> None:
    stay_apart()
    number, at = int(candidate.rule), int(candidate.at)
    rule, outcome = rules.triggers[number], int(candidate.outcome)
    key, minute = int(rule[RULE_KEY]), minute_of(at)
    arm = 0
    if outcome == _ELIGIBLE:
        arm = arm_of(row, rules, number)
        outcome = SENT_OUT if arm == _TREATED else HELD
        note_fired(row, key, minute, arm != _TREATED, _presses(rule))
    if room.keeps == 0 or room.written >= FIRED_ROOM:
        return
    fact = _write(row, rules, room, cause, number, at, outcome)
    fact.arm, fact.cause = arm, candidate.cause
    fact.subject, fact.before, fact.after = candidate.subject, candidate.before, candidate.after
    fact.transition = candidate.transition
    event = np.uint64(0)
    if candidate.caused != 0:
        event = cause.event
    if candidate.caused != 0 or candidate.subject >= 0:
        fact.event_start, fact.event_length = cause.event_start, cause.event_length
    if outcome in (SENT_OUT, HELD):
        fact.id = trigger_id(row.hash, key, minute)
        _fill_figures(row, rules, room, at)
        figures = room.figures
        fact.risk, fact.expected_purchases = figures.churn_risk, figures.expected_purchases
        fact.expected_minor, fact.value_minor = figures.expected_value, figures.clv
        fact.expected_margin = figures.expected_value * margin_share(row, rules)
    else:
        fact.id = _other_id(row.hash, key, outcome, at, event)


@compiled_apart
def _decide(row: Row, rules: Rules, room: Room, cause: Cause) -> None:
    """One that presses a customer is sent at a moment: of the greatest priority, of those the first in the policy."""
    stay_apart()
    best = -1
    for i in range(room.candidates):
        candidate = room.candidate[i]
        candidate.outcome = _held_back(row, rules, room, candidate)
        rule = rules.triggers[candidate.rule]
        if candidate.outcome != _ELIGIBLE or not _presses(rule):
            continue
        if best < 0:
            best = i
            continue
        first = rules.triggers[room.candidate[best].rule]
        higher = rule[RULE_PRIORITY] > first[RULE_PRIORITY]
        if higher or (rule[RULE_PRIORITY] == first[RULE_PRIORITY] and candidate.rule < room.candidate[best].rule):
            best = i
    for i in range(room.candidates):
        candidate = room.candidate[i]
        if candidate.outcome == _ELIGIBLE and _presses(rules.triggers[candidate.rule]) and i != best:
            candidate.outcome = OUTRANKED
        elif candidate.outcome == _ELIGIBLE and is_cooling(
            row, int(rules.triggers[candidate.rule][RULE_KEY]), minute_of(int(candidate.at)), 1
        ):
            candidate.outcome = COOLING
        _tell(row, rules, room, cause, candidate)
    room.candidates = 0


@compiled_leaf
def _on_its_way(row: Row, rule: Any, now: int) -> int:
    """The minute of what the rule sent and may still be on its way at ``now`` (ms); -1: there is none."""
    place = memory_of(row, int(rule[RULE_KEY]))
    if place < 0 or row.fired[place] == 0 or np.int64(row.fired[place]) & (WAS_HELD | WAS_WITHDRAWN) != 0:
        return -1
    minute = int(row.fired[place]) >> 2
    return -1 if now - minute * MINUTE > rule[RULE_VALID] + MINUTE else minute


@compiled_leaf
def taken_back(row: Row, rules: Rules, ends: int, refused: int, left: bool, now: int) -> int:
    """Bits of the rules that have a trigger on its way that is to be taken back.

    ``ends``: bits of rules that the touchpoint's kind ends. ``refused``: of the channels that the customer said no to.
    """
    found = 0
    some = ends if refused == 0 and not left else (1 << rules.trigger_count) - 1
    while some != 0:
        number = int(trailing_zeros(np.uint64(some)))
        some &= some - 1
        rule = rules.triggers[number]
        over = (ends >> number) & 1 != 0
        if not over and _presses(rule):
            over = left or (refused >> rule[RULE_CHANNEL]) & 1 != 0
        if over and _on_its_way(row, rule, now) >= 0:
            found |= 1 << number
    return found


@compiled_apart
def take_back(row: Row, rules: Rules, room: Room, cause: Cause, which: int, now: int) -> None:
    """Tell that what rules in ``which`` (bits) sent is to go out no more."""
    stay_apart()
    for number in range(rules.trigger_count):
        if (which >> number) & 1:
            _withdraw(row, rules, room, cause, number, now)


@compiled_apart
def _withdraw(row: Row, rules: Rules, room: Room, cause: Cause, number: int, now: int) -> None:
    """Take a trigger back that was sent and may still be on its way."""
    stay_apart()
    rule = rules.triggers[number]
    key, minute = int(rule[RULE_KEY]), _on_its_way(row, rule, now)
    if minute < 0:
        return
    place = memory_of(row, key)
    row.fired[place] = np.int64(row.fired[place]) | WAS_WITHDRAWN
    _tell_withdrawn(row, rules, room, cause, number, now, minute, sender_of(row, key))


@compiled_leaf
def _tell_withdrawn(
    row: Row, rules: Rules, room: Room, cause: Cause, number: int, now: int, minute: int, sender: np.uint64
) -> None:
    """``sender``: the id under which it was sent, at a ``minute``."""
    if room.keeps == 0 or room.written >= FIRED_ROOM:
        return
    fact = _write(row, rules, room, cause, number, now, WITHDRAWN)
    key = int(rules.triggers[number][RULE_KEY])
    fact.takes_back, fact.sender = trigger_id(sender, key, minute), sender
    fact.id = _other_id(row.hash, key, WITHDRAWN, 0, np.uint64(fact.takes_back))
    fact.event_start, fact.event_length = cause.event_start, cause.event_length


@compiled_apart
def unite_sent(row: Row, other: Row, rules: Rules, out: Out, cause: Cause, now: int) -> None:
    """Before two rows become one: of what a rule sent to both within its cool-down, the second is taken back.

    Had they been known as one, it would not have been sent. The first one stands for the customer that goes on.
    """
    stay_apart()
    for number in range(rules.trigger_count):
        rule = rules.triggers[number]
        key = int(rule[RULE_KEY])
        here, there = memory_of(row, key), memory_of(other, key)
        if here < 0 or there < 0:
            continue
        one, two = np.int64(row.fired[here]), np.int64(other.fired[there])
        if one == 0 or two == 0 or (one | two) & (WAS_HELD | WAS_WITHDRAWN) != 0:
            continue
        minute = max(one, two) >> 2
        if minute - (min(one, two) >> 2) >= max(rule[RULE_COOLDOWN], 1):
            continue
        if now - minute * MINUTE > rule[RULE_VALID] + MINUTE:
            continue
        sender = sender_of(other if two >= one else row, key)
        _tell_withdrawn(row, rules, out.room, cause, number, now, int(minute), sender)
        if two >= one:
            other.fired[there] = one
        else:
            row.fired[here] = two
            note_sender(row, key, sender_of(other, key))


@compiled_apart
def withdraw_united(row: Row, rules: Rules, out: Out, cause: Cause, now: int) -> None:
    """Take back what one id was sent and the whole customer would not have been: who bought as the other, or left."""
    stay_apart()
    for number in range(rules.trigger_count):
        rule = rules.triggers[number]
        bought = False
        if rule[RULE_TYPE] == ON_QUIET:
            clock = clock_of(row, rule[RULE_KEY])
            bought = clock >= 0 and row.armed_at[clock] != NONE and row.cleared_at[clock] >= row.armed_at[clock]
        if bought or (_presses(rule) and not _may_write(row, int(rule[RULE_CHANNEL]))):
            _withdraw(row, rules, out.room, cause, number, now)


@compiled_leaf
def _withdraw_corrected(row: Row, rules: Rules, room: Room, cause: Cause, now: int) -> None:
    """A late touchpoint showed that what a rule fired at never was."""
    for i in range(room.happenings):
        happened = room.happened[i]
        if happened.subject != STAGE_SUBJECT or happened.cause != CAUSE_LATE:
            continue
        for number in range(rules.trigger_count):
            rule = rules.triggers[number]
            of_stage = rule[RULE_TYPE] == ON_CHANGE and rule[RULE_SUBJECT] == STAGE_SUBJECT
            if of_stage and (rule[RULE_AFTER] >> np.int64(row.stage)) & 1 == 0:
                _withdraw(row, rules, room, cause, number, now)
        return


@compiled_apart
def look(row: Row, rules: Rules, out: Out, cause: Cause, now: int, fires: int, fired_at: int) -> None:
    """``look_at`` with the timers of every rule."""
    stay_apart()
    look_at(row, rules, out.room, cause, now, fires, fired_at, int(rules.timers))


@compiled_apart
def look_at(row: Row, rules: Rules, room: Room, cause: Cause, now: int, fires: int, fired_at: int, timers: int) -> None:
    """After a step that ended at ``now`` (ms): fire what happened in it, and what timers were due.

    ``fires``: bits of the rules that a touchpoint at ``fired_at`` (ms) makes fire; ``timers``: of those whose timers
    it, or time, can have made due or moved.
    """
    stay_apart()
    room.filled, room.candidates = 0, 0
    if room.happenings > 0:
        _withdraw_corrected(row, rules, room, cause, now)
        _propose_changes(row, rules, room, cause.kind)
    number = -1
    while fires != 0:
        named, number = fires & 1, number + 1
        fires >>= 1
        if named and room.candidates < CANDIDATES and _holds(row, rules, room, number, fired_at, 0, 0):
            _propose(room, number, fired_at, cause.kind, 1)
    if timers != 0:
        _propose_timers(row, rules, room, cause.kind, now, timers)
    if room.candidates > 0:
        _decide(row, rules, room, cause)


@compiled_leaf
def set_clocks(row: Row, rules: Rules, at: int, arms: int, ends: int) -> None:
    """The silences that a touchpoint at ``at`` (ms) begins and ends; bits of rules."""
    some, number = (arms | ends) & int(rules.timers_quiet), -1
    while some != 0:
        named, number = some & 1, number + 1
        some >>= 1
        if named:
            armed = at if (arms >> number) & 1 else NONE
            note_clock(row, int(rules.triggers[number, RULE_KEY]), armed, at if (ends >> number) & 1 else NONE)


@compiled_leaf
def staged(room: Room) -> bool:
    """Whether the stage is among what happened in the step."""
    for i in range(room.happenings):
        if room.happened[i].subject == STAGE_SUBJECT:
            return True
    return False


@compiled_apart
def pass_time_with_rules(row: Row, rules: Rules, out: Out, cause: Cause, until: int) -> bool:
    """``step.pass_time``, and the timers of rules among the row's own, each at its instant. True where one fired."""
    stay_apart()
    if rules.trigger_count == 0:
        return bool(pass_time(row, rules, out, cause, until))
    passed = False
    silence = Cause(cause.row, cause.offset, cause.known_at, CAUSE_SILENCE, np.uint64(0), -1, -1)
    while True:
        soonest = min(row.due_at, row.review_at, row.timer_at)
        if soonest > until:
            return passed
        # Asked here first: to hand on where facts go takes longer than to see that nothing of it is due.
        if min(row.due_at, row.review_at) <= soonest:
            pass_time(row, rules, out, silence, soonest)
        timers = timers_by(row, rules, soonest)
        if rules.timers_staged != 0 and staged(out.room):
            timers |= int(rules.timers_staged)
        if timers != 0 or out.room.happenings > 0:
            look_at(row, rules, out.room, silence, soonest, 0, 0, timers)
        passed = True
