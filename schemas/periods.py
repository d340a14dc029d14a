"""Durations and instants as texts of properties, compiled: how long something binds, and until when.

A duration is a number and a unit (``12 months``, ``1y``, ``30 days``), a unit alone (``month``, ``monthly``,
``annual``) or a duration of ISO 8601 with one unit (``P1Y``, ``P6M``, ``P2W``, ``P30D``). An instant is a date or a
date and time of ISO 8601, UTC where no offset is given.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf

Bytes = npt.NDArray[np.uint8]
PERIOD_UNREADABLE: Final = -1
_MS_PER_DAY: Final = 86_400_000
_MOST: Final = 4000
_YEAR: Final = 12


@compiled_leaf
def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil."""
    shifted = year - int(month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@compiled_leaf
def _month_length(year: int, month: int) -> int:
    following = _days_from_civil(year + month // 12, month % 12 + 1, 1)
    return following - _days_from_civil(year, month, 1)


@compiled_leaf
def after_months(at: int, months: int) -> int:
    """``at`` (ms) so many calendar months (UTC) later, on the last day of a month that is too short."""
    days = at // _MS_PER_DAY
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march = (5 * of_year + 2) // 153
    day = of_year - (153 * march + 2) // 5 + 1
    month = march + 3 if march < 10 else march - 9
    year = year_of_era + era * 400 + int(month <= 2)
    total = year * 12 + month - 1 + months
    year, month = total // 12, total % 12 + 1
    moved = _days_from_civil(year, month, min(day, _month_length(year, month)))
    return moved * _MS_PER_DAY + at % _MS_PER_DAY


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
def end_of_period(buffer: Bytes, start: int, length: int, at: int) -> int:
    """The end (ms) of the duration ``buffer[start:start + length]`` from ``at`` (ms) on; PERIOD_UNREADABLE: none."""
    stop = start + length
    place = start + int(length > 1 and _lower(int(buffer[start])) == 112 and 48 <= int(buffer[start + 1]) <= 57)
    count, after = _digits(buffer, place, stop, 4)
    if after == place:
        count = 1
    while after < stop and int(buffer[after]) in (32, 45, 95):
        after += 1
    if after >= stop or not 0 < count <= _MOST:
        return PERIOD_UNREADABLE
    unit = _lower(int(buffer[after]))
    if unit == 100:  # d
        return at + count * _MS_PER_DAY
    if unit == 119:  # w
        return at + count * 7 * _MS_PER_DAY
    if unit == 109:  # m
        return after_months(at, count)
    if unit == 113:  # q
        return after_months(at, 3 * count)
    return after_months(at, _YEAR * count) if unit in (121, 97) else PERIOD_UNREADABLE  # y, a


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
def read_instant(buffer: Bytes, start: int, length: int) -> int:
    """The instant (ms) that ``buffer[start:start + length]`` says; PERIOD_UNREADABLE: none, or before 1970."""
    stop = start + length
    year, place = _digits(buffer, start, stop, 4)
    if place != start + 4 or place + 6 > stop or int(buffer[place]) != 45:
        return PERIOD_UNREADABLE
    month, place = _digits(buffer, place + 1, stop, 2)
    if place >= stop or int(buffer[place]) != 45:
        return PERIOD_UNREADABLE
    day, place = _digits(buffer, place + 1, stop, 2)
    if not (year >= 1970 and 1 <= month <= 12) or not 1 <= day <= _month_length(year, month):
        return PERIOD_UNREADABLE
    return _days_from_civil(year, month, day) * _MS_PER_DAY + _of_day(buffer, place, stop)
