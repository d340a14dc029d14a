"""``[triggers]`` of a policy: what is wrong with it, and its rules once nothing is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from processors.policy.keys import (
    SHARE,
    TEXT,
    TEXTS,
    TRUTH,
    Key,
    Path,
    Problem,
    choice,
    count,
    line_of,
    number,
    problem,
)
from processors.row.layout import QUIET_CLOCKS, REMEMBERED
from processors.triggers.conditions import ALWAYS, Condition, ConditionError
from processors.triggers.conditions import parse as parse_condition
from processors.triggers.fields import CHANNELS, Field, changed, properties
from processors.triggers.occasions import ON_CHANGE, ON_QUIET, Occasion, OccasionError
from processors.triggers.occasions import read as read_occasion
from processors.triggers.traits import named_by

MOST_RULES: Final = REMEMBERED
CODE_ROOM: Final = 4096
"""Operations of all conditions of a policy."""
Own = Mapping[str, tuple[int, Field]]
"""The customer's own properties that the policy names: see ``processors.triggers.fields.properties``."""
_NAME: Final = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PAYLOAD: Final = Key(
    'a table of texts, such as { template = "welcome" }',
    lambda value: isinstance(value, dict) and all(isinstance(item, str) for item in value.values()),
)

# Each key with what holds where it is left out.
KEYS: Final[dict[str, tuple[Key, Any]]] = {
    "on": (TEXT, ""),
    "when": (TEXT, ""),
    "unless": (TEXTS, []),
    "channel": (choice(*CHANNELS), "email"),
    "priority": (count(0, 100), 50),
    "cooldown_days": (number(0, 36_525, closed="low"), 0.0),
    "transactional": (TRUTH, False),
    "hold_out": (SHARE, 0.10),
    "valid_hours": (number(0, 8766), 72.0),
    "window_days": (number(0, 3650), 14.0),
    "version": (count(1, 1_000_000), 1),
    "payload": (_PAYLOAD, {}),
}


@dataclass(frozen=True)
class Rule:
    """A rule of ``[triggers]``. Durations as they are written; ``place``: in the order of the policy."""

    name: str
    place: int
    on: str
    when: str
    occasion: Occasion
    condition: Condition
    unless: tuple[str, ...]
    channel: str
    priority: int
    cooldown_days: float
    transactional: bool
    hold_out: float
    valid_hours: float
    window_days: float
    version: int
    payload: Mapping[str, str]


def check_triggers(text: str, document: Mapping[str, Any], version: int) -> list[Problem]:
    """What is wrong with the rules of a policy, in a text of that version."""
    given = document.get("triggers")
    if given is None:
        return []
    if not isinstance(given, dict):
        return [problem(text, ("triggers",), "must be a table of rules, each headed [triggers.NAME]")]
    if version < 2:
        return [problem(text, ("triggers",), "needs version = 2 at the head of the policy")]
    kinds = document.get("kinds")
    named = kinds if isinstance(kinds, dict) else {}
    own = properties(named_by(document))
    problems = [found for name, rule in given.items() for found in _check_rule(text, name, rule, named, own)]
    if len(given) > MOST_RULES:
        problems.append(problem(text, ("triggers",), f"has {len(given)} rules; {MOST_RULES} are the most"))
    return problems if problems else _check_all(text, rules_in(document))


def _check_all(text: str, rules: tuple[Rule, ...]) -> list[Problem]:
    quiet = [rule for rule in rules if rule.occasion.type == ON_QUIET]
    problems = [
        problem(text, ("triggers", rule.name, "on"), f"waits for silence; so do {QUIET_CLOCKS} rules at most")
        for rule in quiet[QUIET_CLOCKS:]
    ]
    if sum(len(rule.condition.code) for rule in rules) > CODE_ROOM:
        problems.append(problem(text, ("triggers",), f"has conditions of more than {CODE_ROOM} operations in all"))
    return problems


def _check_rule(text: str, name: str, rule: Any, kinds: Mapping[str, Any], own: Own) -> list[Problem]:
    path: Path = ("triggers", name)
    if not isinstance(rule, dict):
        return [problem(text, path, 'must be a table with at least on = "…"')]
    problems = []
    if not _NAME.fullmatch(name):
        problems.append(problem(text, path, "is no name of a rule: expected snake_case, such as win_back"))
    if "on" not in rule:
        problems.append(problem(text, path, "has no on: what makes it fire"))
    for key, value in rule.items():
        if key not in KEYS:
            problems.append(problem(text, (*path, key), f"is not known: expected one of {', '.join(KEYS)}"))
        elif not KEYS[key][0].accepts(value):
            problems.append(problem(text, (*path, key), f"= {value!r}: expected {KEYS[key][0].expected}"))
        elif key == "unless":
            problems += [
                problem(text, (*path, key), f"'{kind}' is no kind of this policy")
                for kind in value
                if kind not in kinds
            ]
    return problems + _check_texts(text, path, rule, kinds, own)


def _check_texts(text: str, path: Path, rule: Mapping[str, Any], kinds: Mapping[str, Any], own: Own) -> list[Problem]:
    """What is wrong with ``on`` and ``when``, each with its column."""
    found, extra = [], {}
    if TEXT.accepts(rule.get("on")):
        try:
            occasion = read_occasion(rule["on"], kinds)
            extra = changed(occasion.words) if occasion.type == ON_CHANGE else {}
        except OccasionError as error:
            found.append(_at(text, (*path, "on"), rule["on"], error.column, str(error)))
    if TEXT.accepts(rule.get("when")):
        try:
            parse_condition(rule["when"], extra, own)
        except ConditionError as error:
            found.append(_at(text, (*path, "when"), rule["when"], error.column, str(error)))
    return found


def _at(text: str, path: Path, value: str, column: int, message: str) -> Problem:
    """A problem within a text of the policy, at a column of that text.

    Where the value stands in the file as it is (it need not, with escapes), the column is that of the file's line.
    """
    line, key = line_of(text, path), ".".join(path)
    lines = text.splitlines(keepends=True)
    begins = sum(map(len, lines[: line - 1]))
    place = text.find(value, begins)
    if place >= 0:
        before = text[: place + column - 1]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return Problem(line, key, f"{key} {message}", column)


def rules_in(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a checked policy."""
    kinds, own = document["kinds"], properties(named_by(document))
    given = document.get("triggers", {})
    return tuple(_rule(name, i, rule, kinds, own) for i, (name, rule) in enumerate(given.items()))


def _rule(name: str, place: int, given: Mapping[str, Any], kinds: Mapping[str, Any], own: Own) -> Rule:
    full = {key: given.get(key, default) for key, (_, default) in KEYS.items()}
    occasion = read_occasion(full["on"], kinds)
    extra = changed(occasion.words) if occasion.type == ON_CHANGE else {}
    return Rule(
        name=name,
        place=place,
        on=full["on"],
        when=full["when"],
        occasion=occasion,
        condition=parse_condition(full["when"], extra, own) if full["when"] else ALWAYS,
        unless=tuple(dict.fromkeys((*full["unless"], *occasion.unless))),
        channel=full["channel"],
        priority=full["priority"],
        cooldown_days=float(full["cooldown_days"]),
        transactional=full["transactional"],
        hold_out=float(full["hold_out"]),
        valid_hours=float(full["valid_hours"]),
        window_days=float(full["window_days"]),
        version=full["version"],
        payload=full["payload"],
    )
