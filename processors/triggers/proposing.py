"""Which rules may fire: of what changed in a step, of a touchpoint, and of the timers that were due."""

from typing import Any

import numpy as np

from processors.apart import stay_apart
from processors.bits import trailing_zeros
from processors.compiled import compiled_apart, compiled_leaf
from processors.lifecycle.facts import CAUSE_MERGE, CAUSE_POLICY
from processors.policy.rules import Rules
from processors.row.layout import NEVER, NONE, Row
from processors.triggers.cells import (
    RULE_AFTER,
    RULE_ASKS,
    RULE_BEFORE,
    RULE_KEY,
    RULE_LENGTH,
    RULE_PLAIN,
    RULE_START,
    RULE_TYPE,
)
from processors.triggers.conditions import ASKS_AFFECTION, ASKS_FIGURES
from processors.triggers.fields import AFTER, BEFORE
from processors.triggers.holding import ELIGIBLE
from processors.triggers.loading import fill_affection, fill_some, fill_traits
from processors.triggers.memory import minute_of, note_handled
from processors.triggers.occasions import ON_QUIET, STAGE_SUBJECT
from processors.triggers.programs import holds
from processors.triggers.room import CANDIDATES, Room
from processors.triggers.settled import soonest_due, soonest_silence
from processors.triggers.telling import fill_figures
from processors.triggers.timers import next_of


@compiled_apart
def rule_holds(row: Row, rules: Rules, room: Room, number: int, at: int, before: int, after: int) -> bool:
    stay_apart()
    rule = rules.triggers[number]
    start, length = int(rule[RULE_START]), int(rule[RULE_LENGTH])
    if length == 0:
        return True
    asks = int(rule[RULE_ASKS])
    fill_some(row, at, int(rule[RULE_PLAIN]), room.values)
    fill_traits(row, rules, room.values)
    if asks & ASKS_FIGURES:
        fill_figures(row, rules, room, at)
    elif asks & ASKS_AFFECTION and (room.filled == 0 or room.values_at != at):
        fill_affection(row, rules, at, room.figures, room.values)
    room.values[BEFORE], room.values[AFTER] = before, after
    return holds(rules.trigger_code, start, length, rules.trigger_numbers, room.values, room.stack)


@compiled_leaf
def propose(room: Room, number: int, at: int, cause: int, caused: int) -> Any:
    candidate = room.candidate[room.candidates]
    candidate.rule, candidate.at, candidate.cause, candidate.caused = number, at, cause, caused
    candidate.subject, candidate.before, candidate.after = -1, 0, 0
    candidate.transition = np.uint64(0)
    candidate.outcome = ELIGIBLE
    room.candidates += 1
    return candidate


@compiled_apart
def propose_changes(row: Row, rules: Rules, room: Room, cause: int) -> None:
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
            if rule_holds(row, rules, room, number, at, before, after):
                why = cause if cause in (CAUSE_MERGE, CAUSE_POLICY) else int(happened.cause)
                candidate = propose(room, number, at, why, 0)
                candidate.subject, candidate.before, candidate.after = happened.subject, before, after
                if happened.subject == STAGE_SUBJECT:
                    candidate.transition = happened.id
    room.happenings = 0


@compiled_apart
def propose_timers(row: Row, rules: Rules, room: Room, cause: int, now: int, which: int) -> None:
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
        if room.candidates < CANDIDATES and rule_holds(row, rules, room, number, past, 0, 0):
            propose(room, number, past, cause, 0)
    row.settled_at = soonest
    row.timer_at = min(soonest, due, soonest_silence(row, rules, NONE, 0))
