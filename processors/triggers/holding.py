"""What holds a trigger back: consent, an exit, cool-down, the cap, the share of customers that is held for control."""

from typing import Any, Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.hashing import avalanche, mix
from processors.lifecycle.facts import CAUSE_LATE, CAUSE_MERGE, CAUSE_POLICY
from processors.lifecycle.stages import exit_at
from processors.policy.rules import Rules
from processors.row.layout import NEVER, Row
from processors.row.outreach import may_reach
from processors.triggers.cells import (
    RULE_CHANNEL,
    RULE_COOLDOWN,
    RULE_HOLD,
    RULE_KEY,
    RULE_SEED,
    RULE_TRANSACTIONAL,
    SHARES,
)
from processors.triggers.memory import is_cooling, minute_of, sent_within
from processors.triggers.room import CAPPED, COOLING, NO_CONSENT, STALE, Room

ELIGIBLE: Final = -1
TREATED: Final = 1
_HELD_ALONE: Final = 2
_HELD_FROM_ALL: Final = 3
_OF_ALL: Final = np.int64(0x5245_4C41_5349)  # seeds the choice of those who are held from everything


@compiled_leaf
def may_write(row: Row, channel: int) -> bool:
    """Nothing goes out after an exit, nor without the consent that the channel needs."""
    return bool(exit_at(row, row.episode_at) == NEVER and may_reach(row, channel))


@compiled_leaf
def presses(rule: Any) -> bool:
    """Whether it counts against what a customer can take: neither what must go out nor what never leaves the firm."""
    return bool(rule[RULE_TRANSACTIONAL] == 0 and rule[RULE_CHANNEL] > 0)


@compiled_leaf
def held_back(row: Row, rules: Rules, room: Room, candidate: Any) -> int:
    """What keeps a candidate from being sent, before those of the same moment are compared."""
    rule, at = rules.triggers[candidate.rule], int(candidate.at)
    if candidate.cause in (CAUSE_LATE, CAUSE_MERGE, CAUSE_POLICY) or room.written_at - at > rules.fresh_ms:
        return STALE
    minute = minute_of(at)
    if presses(rule) and not may_write(row, int(rule[RULE_CHANNEL])):
        return NO_CONSENT
    if is_cooling(row, int(rule[RULE_KEY]), minute, int(rule[RULE_COOLDOWN])):
        return COOLING
    if presses(rule) and sent_within(row, minute, int(rules.pressure_minutes)) >= rules.pressure_most:
        return CAPPED
    return ELIGIBLE


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
        return TREATED
    if is_held(np.uint64(row.hash), int(_OF_ALL), int(rules.hold_out)):
        return _HELD_FROM_ALL
    held = is_held(np.uint64(row.hash), int(rule[RULE_SEED]), int(rule[RULE_HOLD]))
    return _HELD_ALONE if held else TREATED
