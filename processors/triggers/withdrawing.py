"""What was sent and may still be on its way is taken back: an event ended it, a no, an exit, a merge, a correction."""

from typing import Any

import numpy as np

from processors.apart import stay_apart
from processors.bits import trailing_zeros
from processors.compiled import compiled_apart, compiled_leaf
from processors.lifecycle.facts import CAUSE_LATE, Cause, Out
from processors.policy.rules import Rules
from processors.row.layout import NONE, Row
from processors.row.outreach import clock_of
from processors.triggers.cells import (
    RULE_AFTER,
    RULE_CHANNEL,
    RULE_COOLDOWN,
    RULE_KEY,
    RULE_SUBJECT,
    RULE_TYPE,
    RULE_VALID,
)
from processors.triggers.holding import may_write, presses
from processors.triggers.memory import MINUTE, WAS_HELD, WAS_WITHDRAWN, memory_of, note_sender, sender_of
from processors.triggers.occasions import ON_CHANGE, ON_QUIET, STAGE_SUBJECT
from processors.triggers.room import Room
from processors.triggers.telling import tell_withdrawn


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
        if not over and presses(rule):
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
    tell_withdrawn(row, rules, room, cause, number, now, minute, sender_of(row, key))


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
        tell_withdrawn(row, rules, out.room, cause, number, now, int(minute), sender)
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
        if bought or (presses(rule) and not may_write(row, int(rule[RULE_CHANNEL]))):
            _withdraw(row, rules, out.room, cause, number, now)


@compiled_leaf
def withdraw_corrected(row: Row, rules: Rules, room: Room, cause: Cause, now: int) -> None:
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
