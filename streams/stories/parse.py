"""TOML in, a checked story out, or every problem at once with its key."""

import tomllib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from processors import toml
from processors.policy.policy import Policy
from processors.triggers.room import OUTCOMES
from schemas.fields import FIELDS, FieldType
from streams.stories import values
from streams.stories.expectations import EXPECTATIONS, PUBLISHED, TRIGGERS, tables
from streams.stories.policies import policy_named
from streams.stories.story import Expected, Problem, Story, StoryError, Told, Touchpoint
from streams.stories.values import Unfit

T = TypeVar("T")
Table = dict[str, Any]

CUSTOMER: Final = "customer"
"""Who a touchpoint is of when the story names nobody."""

_KEYS: Final = ("name", "policy", "why", "touchpoints", "expect")
_TOLD: Final = {field.story: field for field in FIELDS if field.story is not None}
ALIAS: Final = "alias"
"""The key of what is no touchpoint, but an explicit link: the known id that the customer had before."""
_OF_AN_ALIAS: Final = ("at", "customer", ALIAS)
TOUCHPOINT_KEYS: Final = (*_TOLD, ALIAS)
_NEEDED: Final[dict[str, Told]] = {"at": 0, "kind": ""}
"""Keys that every touchpoint must have, and what stands for them while problems are gathered."""
_TABLES: Final = tables()
_EXPECT: Final = ("at", "customer", *PUBLISHED, TRIGGERS, *dict.fromkeys(key.partition(".")[0] for key in EXPECTATIONS))


class _Check:
    """Reads values and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, key: str, message: str) -> None:
        self.problems.append(Problem(key, message))

    def keys(self, table: Table, allowed: Iterable[str], where: str, whose: str) -> None:
        """A problem for each key that isn't allowed; ``where`` is put before it."""
        for key in table:
            if key not in allowed:
                self.add(where + key, f"is not a key of {whose}; allowed: {', '.join(allowed)}")

    def read(self, table: Table, key: str, where: str, reader: Callable[[Any], T]) -> T | None:
        """The value of a key as ``reader`` gives it; None where it is missing or unfit."""
        if key not in table:
            return None
        try:
            return reader(table[key])
        except Unfit as error:
            self.add(where + key, str(error))
            return None

    def need(self, table: Table, key: str, where: str, reader: Callable[[Any], T], missing: T) -> T:
        """The same for a key that must be there; ``missing`` stands for it where it isn't."""
        if key not in table:
            self.add(where + key, "is missing")
        value = self.read(table, key, where, reader)
        return missing if value is None else value


def parse(text: str, folder: Path) -> Story:
    """The story in a TOML text; ``folder``: where the path of its policy begins. Raises StoryError."""
    document, check = _document(text), _Check()
    check.keys(document, _KEYS, "", "a story")
    name = check.need(document, "name", "", values.text, "")
    why = check.need(document, "why", "", values.text, "")
    policy = _policy(check, document, folder)
    own = policy.currency if policy else "USD"
    touchpoints = _touchpoints(check, document, own)
    expect = _table(check, document, "expect")
    at, customer = _judgement(check, expect, touchpoints)
    expected = _expected(check, expect) | _triggers(check, expect, policy)
    if check.problems or policy is None:
        raise StoryError(check.problems)
    return Story(name, why, policy, tuple(touchpoints), at, customer, expected)


def _document(text: str) -> Table:
    try:
        return toml.loads(text, parse_float=values.Written)
    except tomllib.TOMLDecodeError as error:
        raise StoryError([Problem("", f"not valid TOML: {error}")]) from error


def _policy(check: _Check, document: Table, folder: Path) -> Policy | None:
    name = check.need(document, "policy", "", values.text, "")
    try:
        return policy_named(name, folder) if name else None
    except StoryError as error:
        check.problems += error.problems
        return None


def _table(check: _Check, document: Table, key: str) -> Table:
    """The table of a key, empty where there is none."""
    value = document.get(key)
    if isinstance(value, dict):
        return value
    check.add(key, "is missing: the table [expect]" if value is None else "must be a table")
    return {}


def _touchpoints(check: _Check, document: Table, own: str) -> list[Touchpoint]:
    given = document.get("touchpoints", [])
    if not isinstance(given, list) or not given or not all(isinstance(table, dict) for table in given):
        check.add("touchpoints", "must be one table or several, each headed [[touchpoints]]")
        return []
    named = {str(table["event_id"]) for table in given if "event_id" in table}
    return [_touchpoint(check, table, i, own, named) for i, table in enumerate(given, 1)]


def _touchpoint(check: _Check, table: Table, number: int, own: str, named: set[str]) -> Touchpoint:
    where = f"touchpoints[{number}]."
    if ALIAS in table:
        return _alias(check, table, where)
    check.keys(table, TOUCHPOINT_KEYS, where, "a touchpoint")
    currency = check.read(table, "currency", where, values.currency) or own
    told: dict[str, Told] = {
        "event_id": _own_id(number, named),
        "customer_id": CUSTOMER,
        "currency": currency,
        "properties": _properties(check, table, where),
    }
    for key, field in _TOLD.items():
        if field.type in (FieldType.CURRENCY, FieldType.PROPERTIES):
            continue
        reader = _reader(field.type, currency)
        if key in _NEEDED:
            told[field.name] = check.need(table, key, where, reader, _NEEDED[key])
        elif (value := check.read(table, key, where, reader)) is not None:
            told[field.name] = value
    if "anonymous_id" in told and "customer" not in table:
        del told["customer_id"]
    return Touchpoint(told)


def _alias(check: _Check, table: Table, where: str) -> Touchpoint:
    check.keys(table, _OF_AN_ALIAS, where, "an alias")
    return Touchpoint(
        {
            "event_id": "",
            "customer_id": check.read(table, "customer", where, values.identifier) or CUSTOMER,
            "occurred_at": check.need(table, "at", where, values.instant, 0),
            "kind": ALIAS,
            "properties": {},
        },
        check.need(table, ALIAS, where, values.identifier, ""),
    )


def _reader(kind: FieldType, currency: str) -> Callable[[Any], Told]:
    """How a value of a type is read; money is in major units of the currency."""
    readers: dict[FieldType, Callable[[Any], Told]] = {
        FieldType.TEXT: values.identifier,
        FieldType.KIND: values.kind,
        FieldType.INSTANT: values.instant,
        FieldType.MONEY: lambda value: values.minor(value, currency),
        FieldType.COUNT: values.count,
        FieldType.NUMBER: values.number,
    }
    return readers[kind]


def _own_id(number: int, named: set[str]) -> str:
    """An event id that no touchpoint of the story was given."""
    found = f"touchpoint {number}"
    while found in named:
        found += "'"
    return found


def _properties(check: _Check, table: Table, where: str) -> dict[str, str]:
    given = table.get("properties", {})
    if not isinstance(given, dict):
        check.add(where + "properties", 'must be a table, such as { reason = "late" }')
        return {}
    read = {key: check.read(given, key, f"{where}properties.", values.property_text) for key in given}
    return {key: value for key, value in read.items() if value is not None}


def _judgement(check: _Check, expect: Table, touchpoints: list[Touchpoint]) -> tuple[int, str]:
    """(instant of judgement, whose relationship is judged)."""
    named = [touchpoint for touchpoint in touchpoints if touchpoint.is_known] or touchpoints
    first = named[0].customer if named else CUSTOMER
    customer = check.read(expect, "customer", "expect.", values.identifier) or first
    known = list(dict.fromkeys(touchpoint.customer for touchpoint in touchpoints))
    if touchpoints and customer not in known:
        check.add("expect.customer", f'= "{customer}" has no touchpoint; there are those of {", ".join(known)}')
    problems = len(check.problems)
    at = check.need(expect, "at", "expect.", values.instant, 0) if expect else 0
    if len(check.problems) == problems and expect:
        for number, touchpoint in enumerate(touchpoints, 1):
            if touchpoint.at > at:
                check.add(f"touchpoints[{number}].at", "is later than expect.at, the instant of judgement")
    return at, customer


def _expected(check: _Check, expect: Table) -> dict[str, Expected]:
    check.keys(expect, _EXPECT, "expect.", "expect")
    flat: Table = {key: value for key, value in expect.items() if key not in _TABLES}
    for key, allowed in _TABLES.items():
        inner = expect.get(key, {})
        if not isinstance(inner, dict):
            check.add(f"expect.{key}", f"must be a table with keys among {', '.join(allowed)}")
            continue
        check.keys(inner, allowed, f"expect.{key}.", f"expect.{key}")
        flat |= {f"{key}.{name}": value for name, value in inner.items()}
    found = {key: check.read(flat, key, "expect.", partial(_expectation, key)) for key in (*PUBLISHED, *EXPECTATIONS)}
    return {key: value for key, value in found.items() if value is not None}


def _triggers(check: _Check, expect: Table, policy: Policy | None) -> dict[str, Expected]:
    """What rules are expected to do, each as ``told`` writes it."""
    if TRIGGERS not in expect:
        return {}
    given = expect[TRIGGERS]
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        check.add("expect.triggers", 'must be a list of tables, such as [{ rule = "welcome", outcome = "sent" }]')
        return {}
    rules = tuple(rule.name for rule in policy.triggers) if policy else ()
    found = []
    for number, each in enumerate(given, 1):
        where = f"expect.triggers[{number}]."
        check.keys(each, ("rule", "at", "outcome"), where, "an expected trigger")
        rule = check.need(each, "rule", where, partial(values.word, allowed=rules), "")
        outcome = check.need(each, "outcome", where, partial(values.word, allowed=OUTCOMES), "")
        found.append(told(rule, outcome, check.read(each, "at", where, values.instant)))
    return {TRIGGERS: tuple(found)}


def told(rule: str, outcome: str, at: int | None) -> str:
    """What a rule did as one text; without an instant (ms) it begins as that with one does."""
    return f"{rule} {outcome}" + (f" {np.datetime64(at, 'ms')}Z" if at is not None else "")


def _expectation(key: str, value: Any) -> Expected:
    if key in PUBLISHED:
        return _words(value, PUBLISHED[key].allowed)
    expectation = EXPECTATIONS[key]
    if not expectation.allowed or (expectation.number and not isinstance(value, str)):
        return values.within(value)
    return (_words if expectation.several else values.word)(value, expectation.allowed)


def _words(value: Any, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """A list of allowed words."""
    if not isinstance(value, list):
        raise Unfit(f"= {values.shown(value)}: expected a list of words among {', '.join(allowed)}")
    return tuple(values.word(each, allowed) for each in value)
