"""Which keys a policy has, what each may hold, and where each stands in the text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``line`` counts from 1, ``key`` is dotted."""

    line: int
    key: str
    message: str


@dataclass(frozen=True)
class Key:
    """What a key may hold, in words for the message and as a test."""

    expected: str
    accepts: Callable[[Any], bool]


def _number(low: float, high: float, *, open_low: bool = True) -> Key:
    bound = f"above {low:g}" if open_low else f"from {low:g}"
    upper = "" if high == float("inf") else f" and below {high:g}"

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (value > low if open_low else value >= low) and value < high

    return Key(f"a number {bound}{upper}", accepts)


def _count(low: int, high: int) -> Key:
    return Key(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
    )


def _choice(*values: str) -> Key:
    return Key(" or ".join(f'"{value}"' for value in values), lambda value: value in values)


_INFINITY = float("inf")
_TRUTH = Key("true or false", lambda value: isinstance(value, bool))
_CURRENCY = Key(
    "an ISO 4217 code of three capital letters",
    lambda value: isinstance(value, str) and re.fullmatch("[A-Z]{3}", value) is not None,
)
REQUIRED: dict[Path, Key] = {
    ("name",): Key("a name", lambda value: isinstance(value, str) and value != ""),
    ("currency",): _CURRENCY,
    ("churn", "model"): _choice("mbgnbd", "bgnbd"),
    ("churn", "r"): _number(0, _INFINITY),
    ("churn", "alpha"): _number(0, _INFINITY),
    ("churn", "a"): _number(0, _INFINITY),
    ("churn", "b"): _number(0, _INFINITY),
    ("churn", "unit"): _choice("day", "week"),
    ("churn", "threshold"): _number(0, 1),
    ("churn", "horizon_days"): _number(0, 36_525),
    ("stages", "hiatus_days"): _number(0, 36_525),
    ("stages", "commitment_weeks"): _count(1, 100),
    ("stages", "consistency_weeks"): _count(1, 100),
    ("purchase", "minimum_amount"): _number(0, 1e12, open_low=False),
    ("decay", "interaction_half_life_days"): _number(0, 36_525),
    ("decay", "engagement_half_life_days"): _number(0, 36_525),
    ("unmapped", "action"): _choice("keep", "reject"),
}
_TABLES = {path[0] for path in REQUIRED if len(path) > 1} | {"rates", "kinds"}
MEANINGS: dict[str, Key] = {
    "initiative": _choice("customer", "firm", "both", "none"),
    "engagement": _number(0, 1_000_000, open_low=False),
    "purchase": _TRUTH,
    "investment": _TRUTH,
    "contribution": _TRUTH,
    "exit": _choice("customer", "firm"),
}
_RATE = _number(0, _INFINITY)
_KIND = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


def line_of(text: str, path: Path) -> int:
    """The line (from 1) on which a key stands, else that of the longest part of its path that is there, else 1."""
    best, found = 1, 0
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?", line)
        if header:
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            here = table
        else:
            key = re.match(r"\s*([A-Za-z0-9_\-.\"']+)\s*=", line)
            if not key:
                continue
            here = table + tuple(part.strip("\"'") for part in key[1].split("."))
        depth = len(here) if path[: len(here)] == here else 0
        if depth > found:
            best, found = number, depth
    return best


def _leaves(document: dict[str, Any], below: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in document.items():
        path = (*below, key)
        if len(path) == 1 and key in _TABLES and key not in {"kinds", "rates"} and isinstance(value, dict):
            yield from _leaves(value, path)
        else:
            yield path, value


def _problem(text: str, path: Path, message: str) -> Problem:
    return Problem(line_of(text, path), ".".join(path), f"{'.'.join(path)} {message}")


def check_keys(text: str, document: dict[str, Any]) -> list[Problem]:
    """Missing keys, unknown keys and unusable values outside the table of kinds."""
    problems = []
    given = dict(_leaves(document))
    for path, key in REQUIRED.items():
        if path not in given:
            problems.append(_problem(text, path, f"is missing: expected {key.expected}"))
        elif not key.accepts(given[path]):
            problems.append(_problem(text, path, f"= {given[path]!r}: expected {key.expected}"))
    for path, value in given.items():
        if path in {("kinds",), ("rates",)}:
            if not isinstance(value, dict):
                problems.append(_problem(text, path, "must be a table"))
        elif path not in REQUIRED:
            problems.append(_problem(text, path, "is not a key of a policy"))
    if "kinds" not in document:
        problems.append(_problem(text, ("kinds",), "is missing: the table that says what each kind means"))
    return problems + _check_rates(text, document.get("rates", {}))


def _check_rates(text: str, rates: Any) -> list[Problem]:
    problems = []
    for currency, rate in rates.items() if isinstance(rates, dict) else ():
        if not _CURRENCY.accepts(currency):
            problems.append(_problem(text, ("rates", currency), f"is not a currency: expected {_CURRENCY.expected}"))
        if not _RATE.accepts(rate):
            problems.append(_problem(text, ("rates", currency), f"= {rate!r}: expected {_RATE.expected}"))
    return problems


def check_kind(text: str, kind: str, meaning: Any) -> list[Problem]:
    """What is wrong with the meaning of one kind."""
    path: Path = ("kinds", kind)
    if not isinstance(meaning, dict):
        return [_problem(text, path, 'must be a table such as { initiative = "customer" }')]
    problems = []
    if not _KIND.fullmatch(kind):
        problems.append(_problem(text, path, "is not a kind: expected snake_case, such as order_completed"))
    for key, value in meaning.items():
        if key not in MEANINGS:
            problems.append(_problem(text, (*path, key), f"is not known: expected one of {', '.join(MEANINGS)}"))
        elif not MEANINGS[key].accepts(value):
            problems.append(_problem(text, (*path, key), f"= {value!r}: expected {MEANINGS[key].expected}"))
    if meaning.get("exit") and meaning.get("purchase"):
        problems.append(_problem(text, path, "can't be both a purchase and an exit"))
    return problems
