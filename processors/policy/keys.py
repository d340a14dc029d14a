"""What a key of a policy may hold, what is wrong with one, and where each stands in the text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

Path = tuple[str, ...]

INFINITY: Final = float("inf")
# Whole numbers of TOML know no bound, but those beyond it are no floating point numbers.
_LARGEST: Final = 1e300


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``line`` and ``column`` count from 1, ``key`` is dotted; column 0: the whole line."""

    line: int
    key: str
    message: str
    column: int = 0

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"line {self.line}" + (f", column {self.column}" if self.column else "")

    @property
    def at(self) -> str:
        """The same as programmers' tools write it behind the name of a file."""
        return f"{self.line}:{self.column}" if self.column else f"{self.line}"


@dataclass(frozen=True)
class Key:
    """What a key may hold, in words for the message and as a test."""

    expected: str
    accepts: Callable[[Any], bool]


def number(low: float, high: float, *, closed: str = "") -> Key:
    """A number between two bounds; ``closed`` says which of them are allowed themselves: "low", "high" or "both"."""
    with_low, with_high = closed in {"low", "both"}, closed in {"high", "both"}
    bound = f"from {low:g}" if with_low else f"above {low:g}"
    upper = "" if high == INFINITY else f" and up to {high:g}" if with_high else f" and below {high:g}"

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
            return False
        return (value >= low if with_low else value > low) and (value <= high if with_high else value < high)

    return Key(f"a number {bound}{upper}", accepts)


def count(low: int, high: int) -> Key:
    """A whole number; both bounds are allowed."""
    return Key(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
    )


def choice(*values: str) -> Key:
    """One of some words."""
    return Key(" or ".join(f'"{value}"' for value in values), lambda value: value in values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


SHARE: Final = number(0, 1, closed="both")
DAYS: Final = number(0, 36_525)
TRUTH: Final = Key("true or false", lambda value: isinstance(value, bool))
TEXT: Final = Key("a text that is not empty", _is_text)
TEXTS: Final = Key(
    'a list of texts, such as ["one", "other"]',
    lambda value: isinstance(value, list) and all(_is_text(item) for item in value),
)
SOME_TEXTS: Final = Key(TEXTS.expected + ", that is not empty", lambda value: TEXTS.accepts(value) and value != [])
CURRENCY: Final = Key(
    "an ISO 4217 code of three capital letters",
    lambda value: isinstance(value, str) and re.fullmatch("[A-Z]{3}", value) is not None,
)


@lru_cache(maxsize=1)
def _places(text: str) -> dict[Path, int]:
    """The line on which each table and key of a text begins; of several, the first."""
    found: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("[") and "]" in bare:
            name = bare.removeprefix("[").removeprefix("[").partition("]")[0]
            table = here = tuple(part.strip().strip("\"'") for part in name.split("."))
        else:
            key = re.match(r"([A-Za-z0-9_\-.\"']+)\s*=", bare)
            if not key:
                continue
            here = table + tuple(part.strip("\"'") for part in key[1].split("."))
        found.setdefault(here, number)
    return found


def line_of(text: str, path: Path) -> int:
    """The line (from 1) on which a key stands, else that of the longest part of its path that is there, else 1.

    A text may have tens of thousands of keys that nobody knows: it is gone through once for all of them.
    """
    places = _places(text)
    return next((places[path[:length]] for length in range(len(path), 0, -1) if path[:length] in places), 1)


def problem(text: str, path: Path, message: str) -> Problem:
    """A problem with the key of ``path``, on its line; the message begins with the key."""
    return Problem(line_of(text, path), ".".join(path), f"{'.'.join(path)} {message}")
