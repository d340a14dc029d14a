"""Rules fire: conditions are looked at, what holds them back is asked in a fixed order, and every outcome is a fact.

Fresh, consent, cool-down, cap, priority, held for control, sent. A correction of the past, a merge and a new policy
send nothing.
"""

import numpy as np

from processors.apart import stay_apart
from processors.bits import trailing_zeros
from processors.compiled import compiled_apart, compiled_leaf
from processors.lifecycle.facts import CAUSE_SILENCE, Cause, Out
from processors.lifecycle.step import pass_time
from processors.policy.rules import Rules
from processors.row.layout import NEVER, NONE, Row
from processors.row.outreach import note_clock
from processors.triggers.cells import RULE_INSTANT, RULE_KEY, RULE_PRIORITY, RULE_TYPE
from processors.triggers.holding import ELIGIBLE, held_back, presses
from processors.triggers.memory import is_cooling, minute_of, note_handled
from processors.triggers.occasions import ON_TIMER, STAGE_SUBJECT
from processors.triggers.proposing import propose, propose_changes, propose_timers, rule_holds
from processors.triggers.room import CANDIDATES, COOLING, OUTRANKED, Room
from processors.triggers.settled import timers_by
from processors.triggers.telling import tell
from processors.triggers.timers import base_of, timer_of
from processors.triggers.withdrawing import withdraw_corrected


@compiled_apart
def _decide(row: Row, rules: Rules, room: Room, cause: Cause) -> None:
    """One that presses a customer is sent at a moment: of the greatest priority, of those the first in the policy."""
    stay_apart()
    best = -1
    for i in range(room.candidates):
        candidate = room.candidate[i]
        candidate.outcome = held_back(row, rules, room, candidate)
        rule = rules.triggers[candidate.rule]
        if candidate.outcome != ELIGIBLE or not presses(rule):
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
        if candidate.outcome == ELIGIBLE and presses(rules.triggers[candidate.rule]) and i != best:
            candidate.outcome = OUTRANKED
        elif candidate.outcome == ELIGIBLE and is_cooling(
            row, int(rules.triggers[candidate.rule][RULE_KEY]), minute_of(int(candidate.at)), 1
        ):
            candidate.outcome = COOLING
        tell(row, rules, room, cause, candidate)
    room.candidates = 0


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
        withdraw_corrected(row, rules, room, cause, now)
        propose_changes(row, rules, room, cause.kind)
    number = -1
    while fires != 0:
        named, number = fires & 1, number + 1
        fires >>= 1
        if named and room.candidates < CANDIDATES and rule_holds(row, rules, room, number, fired_at, 0, 0):
            propose(room, number, fired_at, cause.kind, 1)
    if timers != 0:
        propose_timers(row, rules, room, cause.kind, now, timers)
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


@compiled_apart
def stop_waiting(row: Row, rules: Rules, at: int, ends: int) -> None:
    """What a touchpoint at ``at`` (ms) ends and still waits for its instant will not fire: it counts as looked at.

    ``ends``: bits of rules that wait for an instant. Ended is what counts from before the touchpoint: what it made the
    instant to count from is the next occasion. What counts back from an end that lies ahead goes with that end.
    """
    stay_apart()
    while ends != 0:
        number = int(trailing_zeros(np.uint64(ends)))
        ends &= ends - 1
        rule = rules.triggers[number]
        if rule[RULE_TYPE] != ON_TIMER or base_of(row, int(rule[RULE_INSTANT])) >= at:
            continue
        due = timer_of(row, rules, number)
        if due != NEVER and due > at:
            note_handled(row, int(rule[RULE_KEY]), minute_of(due))


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
