"""Rules as compiled code reads them: a line of whole numbers each, and the programs of all conditions in one array."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from processors.hashing import xxh64
from processors.policy.rules import RULE_CELLS, TRIGGER_CODE, TRIGGER_NUMBERS, TRIGGER_RULES
from processors.row.layout import JUDGEMENT_ROOM
from processors.triggers import programs
from processors.triggers.cells import RULE_PLAIN, SHARES
from processors.triggers.definitions import CODE_ROOM, MOST_RULES, Rule
from processors.triggers.fields import CHANNELS
from processors.triggers.occasions import ON_CHANGE, ON_QUIET, ON_TOUCHPOINT, STAGE_SUBJECT
from processors.triggers.settled import timers_of
from processors.triggers.zones import hashes as known_zones

_DAY_MINUTES: Final = 24 * 60
_HOUR_MS: Final = 3_600_000
assert (TRIGGER_RULES, TRIGGER_CODE) == (MOST_RULES, CODE_ROOM)
assert RULE_PLAIN < RULE_CELLS


def hash_of(text: str) -> int:
    """XXH64 (seed 0) of a text, as a signed number."""
    data = np.frombuffer(text.encode(), np.uint8)
    return int(np.uint64(xxh64(data, 0, len(data), np.uint64(0))).astype(np.int64))


def key_of(name: str) -> int:
    """By which a row remembers a rule; never 0."""
    return (hash_of(name) & 0xFFFFFFFF) or 1


def packed_triggers(rules: Sequence[Rule]) -> dict[str, Any]:
    """The fields of ``processors.policy.rules.RULES`` that tell of rules."""
    lines = np.zeros((TRIGGER_RULES, RULE_CELLS), np.int64)
    code, numbers = np.zeros(TRIGGER_CODE, np.int32), np.zeros(TRIGGER_NUMBERS)
    at, constants = 0, 0
    for rule in rules:
        start = at
        for operation, operand in rule.condition.code:
            place = int(operand)
            if operation == programs.CONSTANT:
                numbers[constants], place = operand, constants
                constants += 1
            code[at] = operation | place << 8
            at += 1
        lines[rule.place, : RULE_PLAIN + 1] = _line(rule, start, at - start)
    told = np.zeros(JUDGEMENT_ROOM + 1, np.int64)
    for rule in rules:
        if rule.occasion.type == ON_CHANGE:
            told[rule.occasion.subject] |= 1 << rule.place
    timers = timers_of(rules)
    subjects = sum(1 << subject for subject in range(len(told)) if told[subject])
    if timers["timers_staged"]:
        subjects |= 1 << STAGE_SUBJECT
    hashes, zones = known_zones() if rules else (0, 0)
    return {
        "trigger_count": len(rules),
        "trigger_subjects": subjects,
        "subject_rules": told,
        "triggers": lines,
        "trigger_code": code,
        "trigger_numbers": numbers,
        **timers,
        "zone_hashes": hashes,
        "zone_numbers": zones,
    }


def _line(rule: Rule, start: int, length: int) -> list[int]:
    occasion = rule.occasion
    return [
        key_of(rule.name),
        occasion.type,
        occasion.subject,
        occasion.before,
        occasion.after,
        occasion.instant,
        occasion.offset_ms,
        round(occasion.intervals * 1000),
        start,
        length,
        rule.condition.asks,
        CHANNELS.index(rule.channel),
        rule.priority,
        round(rule.cooldown_days * _DAY_MINUTES),
        int(rule.transactional),
        round(rule.hold_out * SHARES),
        round(rule.valid_hours * _HOUR_MS),
        hash_of(f"{rule.name}/{rule.version}"),
        rule.condition.plain,
    ]


def masks_of(rules: Sequence[Rule]) -> Mapping[str, tuple[int, int, int]]:
    """Of each kind that rules name: bits of the rules that it makes fire, arms, and ends."""
    found: dict[str, list[int]] = {}
    for rule in rules:
        fires = int(rule.occasion.type == ON_TOUCHPOINT) << rule.place
        arms = int(rule.occasion.type == ON_QUIET) << rule.place
        for kind in rule.occasion.kinds:
            masks = found.setdefault(kind, [0, 0, 0])
            masks[0] |= fires
            masks[1] |= arms
        for kind in rule.unless:
            found.setdefault(kind, [0, 0, 0])[2] |= 1 << rule.place
    return {kind: (masks[0], masks[1], masks[2]) for kind, masks in found.items()}
