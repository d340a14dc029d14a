"""What makes a rule fire: the ``on`` of a rule, read with the column of whatever is wrong with it.

======================================== ============================================================================
``stage: exploration -> commitment``     a transition; ``any`` and ``a | b`` on either side
``risk_band: any -> high``               a change of a judgement, by its name in ``judgements``
``touchpoint: payment_failed, …``        a touchpoint of one of these kinds
``14 days before due``                   before silence ends the relationship (also ``due - 14 days``), or ``renewal``
``3 days after complaint_resolved``      after an instant of the row; ``1 interval after …``: the customer's own
``yearly on first_purchase``             an anniversary
``quiet 1 hour after product_added unless order_completed``  silence of these kinds, which those end
======================================== ============================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS
from processors.lifecycle.stages import STAGES
from processors.triggers.conditions import called

ON_CHANGE: Final = 1
ON_TOUCHPOINT: Final = 2
ON_TIMER: Final = 3
ON_YEARLY: Final = 4
ON_QUIET: Final = 5

STAGE_SUBJECT: Final = 0
"""Of a change; judgement number j is subject 1 + j."""

# Instants of a row that timers count from. Their order is that of ``processors.triggers.timers.base_of``.
INSTANTS: Final = (
    "due",
    "renewal",
    "first_touchpoint",
    "last_touchpoint",
    "last_initiative",
    "first_purchase",
    "last_purchase",
    "last_contact",
    "stage",
    "end",
    "complaint_open",
    "complaint_resolved",
    "birthday",
)
AHEAD: Final = ("due", "renewal")
"""What lies ahead: timers may fire before these."""
YEARLY: Final = ("first_touchpoint", "first_purchase", "birthday")
UNITS: Final = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000}
_LONGEST_MS: Final = 36_525 * 86_400_000
_AMOUNT: Final = r"(?P<amount>\d+(?:\.\d+)?)\s+(?P<unit>[a-z]+)"
_EXAMPLES: Final = (
    "'stage: any -> commitment', 'touchpoint: payment_failed', '14 days before due', '3 days after last_purchase', "
    "'yearly on first_purchase' or 'quiet 1 hour after product_added unless order_completed'"
)


class OccasionError(ValueError):
    """An ``on`` that can't be used; ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Occasion:
    """``words``: of a change, those of its subject. ``before`` and ``after``: bits of their places.

    ``intervals``: the customer's own mean intervals between purchase days to add to ``offset_ms``.
    """

    type: int
    subject: int = 0
    words: tuple[str, ...] = ()
    before: int = 0
    after: int = 0
    kinds: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    instant: int = 0
    offset_ms: int = 0
    intervals: float = 0.0


def read(text: str, kinds: Mapping[str, object]) -> Occasion:
    """The occasion that a text names; ``kinds``: those of the policy. Raises OccasionError."""
    if found := re.fullmatch(r"\s*touchpoint\s*:(?P<kinds>.*)", text):
        return Occasion(ON_TOUCHPOINT, kinds=_kinds(found["kinds"], found.start("kinds"), kinds))
    if found := re.fullmatch(r"\s*(?P<subject>\w+)\s*:(?P<before>.*?)->(?P<after>.*)", text):
        return _change(found)
    if found := re.fullmatch(rf"\s*quiet\s+{_AMOUNT}\s+after\s+(?P<kinds>.*?)(?:\s+unless\s+(?P<unless>.*))?", text):
        offset, intervals = _distance(found)
        if intervals:
            raise OccasionError("silence is measured in minutes, hours, days or weeks", found.start("unit") + 1)
        unless = _kinds(found["unless"], found.start("unless"), kinds) if found["unless"] is not None else ()
        waits = _kinds(found["kinds"], found.start("kinds"), kinds)
        return Occasion(ON_QUIET, kinds=waits, unless=unless, offset_ms=offset)
    if found := re.fullmatch(r"\s*yearly\s+on\s+(?P<instant>\w+)\s*", text):
        return Occasion(ON_YEARLY, instant=_instant(found, YEARLY))
    if found := re.fullmatch(rf"\s*{_AMOUNT}\s+(?P<side>before|after)\s+(?P<instant>\w+)\s*", text):
        return _timer(found, -1 if found["side"] == "before" else 1)
    if found := re.fullmatch(rf"\s*(?P<instant>\w+)\s*(?P<side>[-+])\s*{_AMOUNT}\s*", text):
        return _timer(found, -1 if found["side"] == "-" else 1)
    raise OccasionError(f"is no occasion: expected one such as {_EXAMPLES}", 1)


def _timer(found: re.Match[str], sign: int) -> Occasion:
    instant = _instant(found, tuple(name for name in INSTANTS if name != "birthday"))
    offset, intervals = _distance(found)
    if sign < 0 and INSTANTS[instant] not in AHEAD:
        raise OccasionError(
            f"'{INSTANTS[instant]}' is known once it is past: before stands with {' or '.join(AHEAD)}",
            found.start("side") + 1,
        )
    return Occasion(ON_TIMER, instant=instant, offset_ms=sign * offset, intervals=sign * intervals)


def _distance(found: re.Match[str]) -> tuple[int, float]:
    amount, unit = float(found["amount"]), found["unit"].removesuffix("s")
    if unit == "interval":
        return 0, amount
    if unit not in UNITS:
        raise OccasionError(
            f"'{found['unit']}' is no unit (one of {', '.join(f'{name}s' for name in UNITS)}, intervals)",
            found.start("unit") + 1,
        )
    distance = round(amount * UNITS[unit])
    if distance > _LONGEST_MS:
        raise OccasionError("is more than a hundred years", found.start("amount") + 1)
    return distance, 0.0


def _instant(found: re.Match[str], allowed: tuple[str, ...]) -> int:
    if found["instant"] not in allowed:
        message = f"'{found['instant']}' is no instant here (one of {', '.join(allowed)})"
        raise OccasionError(message, found.start("instant") + 1)
    return INSTANTS.index(found["instant"])


def _change(found: re.Match[str]) -> Occasion:
    name = found["subject"]
    if name == "stage":
        subject, words = STAGE_SUBJECT, tuple(STAGES)
    elif name in JUDGEMENT_NAMES:
        which = JUDGEMENT_NAMES.index(name)
        subject, words = 1 + which, JUDGEMENT_WORDS[which]
    else:
        raise OccasionError(
            f"'{name}' does not change (one of stage, {', '.join(JUDGEMENT_NAMES)}, or touchpoint)",
            found.start("subject") + 1,
        )
    before, after = (_words(found, side, words, name) for side in ("before", "after"))
    return Occasion(ON_CHANGE, subject=subject, words=words, before=before, after=after)


def _words(found: re.Match[str], side: str, words: tuple[str, ...], subject: str) -> int:
    bits, at, known = 0, found.start(side), called(words)
    for part in found[side].split("|"):
        word = part.strip()
        if word == "any":
            bits |= (1 << len(words)) - 1
        elif word in known:
            bits |= 1 << known.index(word)
        else:
            column = at + len(part) - len(part.lstrip()) + 1
            raise OccasionError(f"'{word}' is no {subject} (one of {', '.join(known)}, any)", column)
        at += len(part) + 1
    return bits


def _kinds(text: str, start: int, kinds: Mapping[str, object]) -> tuple[str, ...]:
    found, at = [], start
    for part in text.split(","):
        kind = part.strip()
        if kind not in kinds:
            column = at + len(part) - len(part.lstrip()) + 1
            raise OccasionError(f"'{kind}' is no kind of this policy", column)
        found.append(kind)
        at += len(part) + 1
    return tuple(dict.fromkeys(found))
