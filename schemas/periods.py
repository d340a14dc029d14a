"""Durations and instants as texts of properties, compiled: how long something binds, and until when.

A duration is a number in digits or in words up to twelve and a unit (``12 months``, ``1y``, ``two years``), a unit
alone (``month``, ``monthly``, ``annual``), half a year (``half a year``, ``semiannual``, ``biannual``), ``biennial``,
``fortnight`` or a duration of ISO 8601 (``P1Y``, ``P1Y6M``, ``P2W``), whose hours count for nothing. An instant is a
date or a date and time of ISO 8601, UTC where no offset is given, or a date as ``2025/12/31`` or ``31.12.2025``; a
month (``2025-12``) is its end; ten digits are seconds since 1970, thirteen milliseconds.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.months import MS_PER_DAY, after_months, days_from_civil, month_length

Bytes = npt.NDArray[np.uint8]
PERIOD_UNREADABLE: Final = -1
# XXH64 of the names of the properties that say it.
PERIOD_NAME: Final = np.uint64(0xD242EC5D1EFDF8DF)
ENDS_AT_NAME: Final = np.uint64(0xE64497396B14B5B9)
_MOST: Final = 4000
_MOST_MONTHS: Final = 48_000
_YEAR: Final = 12
_LETTERS: Final = 8


def _letters(*words: str) -> tuple[int, ...]:
    """What ``_word`` reads of them."""
    return tuple(int.from_bytes(word[:_LETTERS].encode(), "big") for word in words)


_NUMBERS: Final = _letters(
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"
)
_A, _AN, _BIENNIAL, _FORTNIGHT, _BIWEEKLY = _letters("a", "an", "biennial", "fortnight", "biweekly")
_HALVES: Final = _letters("half", "halfyear", "semi", "semiannual", "semester", "biannual")


@compiled_leaf
def _lower(letter: int) -> int:
    return letter | 0x20 if 65 <= letter <= 90 else letter


@compiled_leaf
def _digits(buffer: Bytes, at: int, stop: int, most: int) -> tuple[int, int]:
    """(number, the place after it); the place is ``at`` where there is none."""
    value = 0
    while at < stop and most > 0 and 48 <= int(buffer[at]) <= 57:
        value = value * 10 + int(buffer[at]) - 48
        at += 1
        most -= 1
    return value, at


@compiled_leaf
def _word(buffer: Bytes, at: int, stop: int) -> tuple[int, int]:
    """(the first eight letters of a word as one number, in small ones; the place after the word)."""
    value, letters = 0, 0
    while at < stop and 97 <= _lower(int(buffer[at])) <= 122:
        if letters < _LETTERS:
            value = value * 256 + _lower(int(buffer[at]))
        letters += 1
        at += 1
    return value, at


@compiled_leaf
def _gap(buffer: Bytes, at: int, stop: int) -> int:
    """The place after blanks, hyphens and underscores."""
    while at < stop and int(buffer[at]) in (32, 45, 95):
        at += 1
    return at


@compiled_leaf
def _counted(buffer: Bytes, at: int, stop: int) -> tuple[int, int]:
    """(a number in digits or as a word, the place after it and the gap behind it); 1 and ``at`` where there is none."""
    count, after = _digits(buffer, at, stop, 4)
    if after != at:
        return count, _gap(buffer, after, stop)
    word, after = _word(buffer, at, stop)
    after = _gap(buffer, after, stop)
    if after < stop:
        for i in range(len(_NUMBERS)):
            if word == _NUMBERS[i]:
                return i + 1, after
        if word in (_A, _AN):
            return 1, after
    return 1, at


@compiled_leaf
def _in_one_word(word: int) -> tuple[int, int]:
    """(months, days) of a word that holds a number: half, semiannual, biannual, biennial, semester, fortnight."""
    for i in range(len(_HALVES)):
        if word == _HALVES[i]:
            return 6, 0
    if word == _BIENNIAL:
        return 24, 0
    return (0, 14) if word in (_FORTNIGHT, _BIWEEKLY) else (0, 0)


@compiled_leaf
def _counted_unit(count: int, unit: int) -> tuple[int, int]:
    """(months, days) of so many units, of which the first letter tells; (0, 0): it is none."""
    if unit == 100:  # d
        return 0, count
    if unit == 119:  # w
        return 0, 7 * count
    if unit == 109:  # m
        return count, 0
    if unit == 113:  # q
        return 3 * count, 0
    return (_YEAR * count, 0) if unit in (121, 97) else (0, 0)  # y, a


@compiled_leaf
def read_period(buffer: Bytes, start: int, length: int) -> tuple[int, int]:
    """(months, days) of the duration ``buffer[start:start + length]``; (0, 0): it is none."""
    stop = start + length
    place = start + int(length > 1 and _lower(int(buffer[start])) == 112 and 48 <= int(buffer[start + 1]) <= 57)
    is_iso = place > start
    months, days = 0, 0
    while place < stop and not (is_iso and _lower(int(buffer[place])) == 116):  # t
        count, after = _counted(buffer, place, stop)
        has_count = after != place
        if after >= stop or count > _MOST or months > _MOST_MONTHS or (is_iso and not has_count):
            return 0, 0
        more, further = (0, 0) if has_count else _in_one_word(_word(buffer, after, stop)[0])
        if more == 0 and further == 0:
            more, further = _counted_unit(count, _lower(int(buffer[after])))
        if more == 0 and further == 0 and count > 0:
            return 0, 0
        months, days = months + more, days + further
        place = after + 1 if is_iso else stop
    return months, days


@compiled_leaf
def end_of_period(months: int, days: int, at: int) -> int:
    """The end (ms) of a duration that begins at ``at`` (ms)."""
    return after_months(at, months) + days * MS_PER_DAY


@compiled_leaf
def _of_day(buffer: Bytes, place: int, stop: int) -> int:
    """Milliseconds of ``THH:MM[:SS]`` less the offset that follows; 0 where nothing of the sort stands."""
    if place + 6 > stop or int(buffer[place]) not in (84, 116, 32):
        return 0
    hour, place = _digits(buffer, place + 1, stop, 2)
    minute, place = _digits(buffer, place + 1, stop, 2)
    second = 0
    if place < stop and int(buffer[place]) == 58:
        second, place = _digits(buffer, place + 1, stop, 2)
    while place < stop and int(buffer[place]) in (44, 46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57):
        place += 1
    told = ((hour * 60 + minute) * 60 + second) * 1000
    if place < stop and int(buffer[place]) in (43, 45):
        sign = 1 if int(buffer[place]) == 43 else -1
        hours, after = _digits(buffer, place + 1, stop, 2)
        after += int(after < stop and int(buffer[after]) == 58)
        minutes, after = _digits(buffer, after, stop, 2)
        told -= sign * (hours * 60 + minutes) * 60_000
    return told


@compiled_leaf
def _of_digits(value: int, count: int) -> int:
    """The instant (ms) of a number alone: a day of ISO 8601 without hyphens, or time since 1970."""
    if count == 8:
        return _midnight(value // 10_000, value // 100 % 100, value % 100)
    if count == 10:
        return value * 1000
    return value if count == 13 else PERIOD_UNREADABLE


@compiled_leaf
def _midnight(year: int, month: int, day: int) -> int:
    if not (year >= 1970 and 1 <= month <= 12) or not 1 <= day <= month_length(year, month):
        return PERIOD_UNREADABLE
    return days_from_civil(year, month, day) * MS_PER_DAY


@compiled_leaf
def _day_first(buffer: Bytes, start: int, stop: int) -> int:
    """``31.12.2025``."""
    day, place = _digits(buffer, start, stop, 2)
    month, after = _digits(buffer, place + 1, stop, 2)
    if after == place + 1 or after >= stop or int(buffer[after]) != 46:
        return PERIOD_UNREADABLE
    year, place = _digits(buffer, after + 1, stop, 4)
    return _midnight(year, month, day) if place == after + 5 else PERIOD_UNREADABLE


@compiled_leaf
def read_instant(buffer: Bytes, start: int, length: int) -> int:
    """The instant (ms) that ``buffer[start:start + length]`` says; PERIOD_UNREADABLE: none, or before 1970."""
    stop = start + length
    year, place = _digits(buffer, start, stop, 13)
    if place == stop or place == start + 8:
        return _of_digits(year, place - start)
    mark = int(buffer[place])
    if mark == 46 and start < place <= start + 2:
        return _day_first(buffer, start, stop)
    if place != start + 4 or mark not in (45, 46, 47):
        return PERIOD_UNREADABLE
    month, after = _digits(buffer, place + 1, stop, 2)
    if after == place + 1 or not 1 <= month <= 12:
        return PERIOD_UNREADABLE
    if after == stop:
        return _midnight(year, month, 1) + month_length(year, month) * MS_PER_DAY if year >= 1970 else PERIOD_UNREADABLE
    if int(buffer[after]) != mark:
        return PERIOD_UNREADABLE
    day, place = _digits(buffer, after + 1, stop, 2)
    found = _midnight(year, month, day)
    return found + _of_day(buffer, place, stop) if found != PERIOD_UNREADABLE else PERIOD_UNREADABLE
