# ruff: noqa: RUF001 (Cyrillic letters are meant)
"""Dates that ``times.py`` does not understand, and that have one meaning all the same, as what it does understand.

Months by their names in other languages than English, ordinals (1st, 1er), weeks and days of the year (ISO 8601), the
signs of East Asia, clocks with points or an h (14.05, 14h05), and the colon before the clock of a web server's log.
"""

import re
from datetime import date, timedelta
from typing import Final

from streams.imports.months import MONTHS

_WEEK: Final = re.compile(r"(\d{4})-?[Ww](\d\d)-?([1-7])(?![\d-])(.*)")
_DAY_OF_YEAR: Final = re.compile(r"(\d{4})-(\d{3})(?![\d-])(.*)")
_EAST: Final = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_LOG: Final = re.compile(r"(\d{1,2}/[A-Za-z]{3}/\d{4}):(?=\d\d:)")
_POINTED: Final = re.compile(r"(\d[\s,T]+\d{1,2})\.(\d\d)(?:\.(\d\d))?(?=\s|[Zz]|[+-]\d|$)")
_HALF: Final = re.compile(r"\b([AaPp])\.?\s?[Mm]\b\.?$")
_HOURS: Final = re.compile(r"(?<!\d)(\d{1,2})\s?h\s?(\d\d)(?!\d)")
_ORDINAL: Final = re.compile(r"(?<=\d)(?:\.?[ºª°]|er|e|st|nd|rd|th)(?![^\W\d_])", re.IGNORECASE)
_WORD: Final = re.compile(r"(?:[^\W\d_]+['’])?[^\W\d_]+\.?")
_WEEKDAY: Final = re.compile(r"(?:[^\W\d_-]{2,3}\.,?|[^\W\d_-]{2,},|[^\W\d_-]{3,})\s+(?=[\d\w])")
_ENGLISH: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_JOINING: Final = frozenset((
    "de", "del", "di", "of", "the", "den", "der", "le", "el", "kl", "klo", "uhr", "um", "at", "à", "às", "a", "las",
    "om", "ore", "г", "года", "р", "року",
))  # fmt: skip
_LONGEST: Final = 80


def plainly(text: str) -> str | None:
    """The date as ``times.py`` reads it; None where it is none of these."""
    if len(text) > _LONGEST:
        return None
    found = _counted(text)
    if found is None:
        found = _EAST.sub(r"\1-\2-\3 ", text)
        found = _LOG.sub(r"\1 ", found)
        found = _named(_ORDINAL.sub("", found))
        found = _HALF.sub(r"\1m", found)
        found = _POINTED.sub(_with_colons, _HOURS.sub(r"\1:\2", found))
    found = " ".join(found.split()).removesuffix(".")
    return found if found != text else None


def _counted(text: str) -> str | None:
    """A day of a week, or of a year, as a date."""
    try:
        if week := _WEEK.fullmatch(text):
            return date.fromisocalendar(int(week[1]), int(week[2]), int(week[3])).isoformat() + week[4]
        if day := _DAY_OF_YEAR.fullmatch(text):
            year = int(day[1])
            found = date(year, 1, 1) + timedelta(int(day[2]) - 1)
            return found.isoformat() + day[3] if found.year == year else None
    except (ValueError, OverflowError):
        return None
    return None


def _named(text: str) -> str:
    """The text with months in English, and without the words around them; as it was where it names no month."""
    first = _WEEKDAY.match(text)
    if first is not None and not _is_month(first[0].strip().rstrip(".,").lower()):
        text = text[first.end() :]
    return _WORD.sub(_in_english, text)


def _is_month(word: str) -> bool:
    return word in MONTHS or any(name.startswith(word) for name in _ENGLISH)


def _in_english(found: "re.Match[str]") -> str:
    word = found[0].rstrip(".").lower()
    if word in _JOINING:
        return " "
    return MONTHS.get(word, found[0])


def _with_colons(found: "re.Match[str]") -> str:
    return ":".join(part for part in found.groups() if part is not None)
