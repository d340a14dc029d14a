"""One text to an instant: ISO 8601, numbers since 1970 in a plausible range, and dates as people write them. Compiled.

What is understood, and why the rest is not, stands in docs/files.md.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import Int, byte_at
from streams.imports.evidence import EITHER, FIRST, NEUTRAL, SECOND
from streams.imports.money import NOT_A_NUMBER, decimal_at

NOT_A_TIME: Final = NOT_A_NUMBER
UNCLEAR: Final = NOT_A_NUMBER + 1
"""It may well be a time, but of which of several shapes nobody can say: 930101, 45293, 2024, 05/02/26."""

SHORT_YEAR: Final = 4
"""Added to a way: the year has two digits, and only the column tells whether it stands first or last. Added to the way
that is assumed: it stands first."""

ABSOLUTE: Final = 0
LOCAL: Final = 1
NAMED: Final = 2

_DAY: Final = 86_400_000
_SECONDS: Final = 10**9
_LATEST_SECONDS: Final = 4_102_444_800  # 2100-01-01
_EARLIEST_YEAR: Final = 1900
_LATEST_YEAR: Final = 2099
_LONGEST_MONTH: Final = 9
_MONTHS: Final = np.frombuffer(
    b"january  february march    april    may      june     july     august   septemberoctober  november december ",
    np.uint8,
)

Bytes = npt.NDArray[np.uint8]
Found = tuple[Int, int, int, Int]
"""(milliseconds, or NOT_A_TIME or UNCLEAR; ABSOLUTE, LOCAL or NAMED; the way; where the name of a zone begins)"""


@compiled_leaf
def days_before(year: Int, month: Int, day: Int) -> Int:
    """Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
    algorithms", days_from_civil)."""
    y = year - 1 if month <= 2 else year
    era = y // 400
    year_of_era = y - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


@compiled_leaf
def midnight(year: Int, month: Int, day: Int) -> Int:
    """Milliseconds since 1970 at the start of a date, or ``NOT_A_TIME`` when there is no such date."""
    if month < 1 or month > 12 or day < 1:
        return NOT_A_TIME
    following = days_before(year + (1 if month == 12 else 0), 1 if month == 12 else month + 1, 1)
    days = days_before(year, month, day)
    return NOT_A_TIME if days >= following else days * _DAY


@compiled_leaf
def digits_at(data: Bytes, at: Int, stop: Int, count: Int) -> Int:
    """The number in exactly ``count`` digits at ``at``, or -1."""
    if at + count > stop:
        return -1
    value = np.int64(0)
    for i in range(at, at + count):
        digit = byte_at(data, i) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@compiled_leaf
def _digits_end(data: Bytes, at: Int, stop: Int) -> Int:
    while at < stop and 48 <= byte_at(data, at) <= 57:
        at += 1
    return at


@compiled_leaf
def _millis_at(data: Bytes, at: Int, end: Int) -> Int:
    """Milliseconds in the digits of a fraction of a second; finer digits are cut off."""
    value = np.int64(0)
    for i in range(3):
        value = value * 10 + (byte_at(data, at + i) - 48 if at + i < end else 0)
    return value


@compiled_leaf
def _number_at(data: Bytes, at: Int, stop: Int) -> tuple[Int, int]:
    """Numbers as instants: since 1970 in the unit that makes it a plausible time, or the digits of a date.

    From 10^9 seconds (September 2001) to the year 2100, seconds, milliseconds, microseconds and nanoseconds have each
    a range of their own, and dates in digits lie in none of them.
    """
    whole = decimal_at(data, at, stop, 0, False, 46)
    unit = np.int64(1)
    for shift in (3, 0, -3, -6):
        if _SECONDS * unit <= whole < _LATEST_SECONDS * unit:
            return decimal_at(data, at, stop, shift, False, 46), ABSOLUTE
        unit *= 1000
    if decimal_at(data, at, stop, 0, True, 46) != whole or byte_at(data, at) == 43:
        return UNCLEAR, LOCAL
    clock: Int = np.int64(0)
    if whole >= 10**13:
        clock = whole % 1_000_000
        whole //= 1_000_000
    elif whole >= 10**11:
        clock = whole % 10_000 * 100
        whole //= 10_000
    year = whole // 10_000
    hours, minutes, seconds = clock // 10_000, clock // 100 % 100, clock % 100
    base = midnight(year, whole // 100 % 100, whole % 100)
    if year < _EARLIEST_YEAR or year > _LATEST_YEAR or base == NOT_A_TIME:
        return UNCLEAR, LOCAL
    if hours > 23 or minutes > 59 or seconds > 60:
        return UNCLEAR, LOCAL
    return base + (hours * 3600 + minutes * 60 + seconds) * 1000, LOCAL


@compiled_leaf
def _is_letter(byte: Int) -> bool:
    return bool(97 <= (byte | 32) <= 122)


@compiled_leaf
def _letters_end(data: Bytes, at: Int, stop: Int) -> Int:
    while at < stop and _is_letter(byte_at(data, at)):
        at += 1
    return at


@compiled_leaf
def _month_named(data: Bytes, at: Int, end: Int) -> int:
    """The month whose English name, or the first letters of it, these letters are; 0: of none, as marraskuu is."""
    if end - at < 3 or end - at > _LONGEST_MONTH:
        return 0
    for month in range(12):
        same = True
        for i in range(end - at):
            same = same and (byte_at(data, at + i) | 32) == _MONTHS[_LONGEST_MONTH * month + i]
        if same:
            return month + 1
    return 0


@compiled_leaf
def _past_separators(data: Bytes, at: Int, stop: Int) -> Int:
    """Past one of - / . or a comma, and the spaces around it."""
    while at < stop and data[at] == 32:
        at += 1
    if at < stop and (data[at] == 45 or data[at] == 47 or data[at] == 46 or data[at] == 44):
        at += 1
    while at < stop and data[at] == 32:
        at += 1
    return at


@compiled_leaf
def _part_at(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int, bool]:
    """(value, where it ends, whether it is the name of a month) of a part of a date; value -1: it is none."""
    end = _digits_end(data, at, stop)
    if end > at:
        return (digits_at(data, at, stop, end - at) if end - at <= 4 else np.int64(-1)), end, False
    end = _letters_end(data, at, stop)
    month = _month_named(data, at, end)
    return np.int64(month if month > 0 else -1), end, True


@compiled_leaf
def _way_of(first: Int, second: Int, separator: Int) -> int:
    """Which of two numbers before a year is the day. With points between them it is the first: nobody writes the
    month there."""
    if first > 12 or second > 12:
        return FIRST if second <= 12 else SECOND
    if first == second:
        return NEUTRAL
    return FIRST if separator == 46 else EITHER


@compiled_leaf
def _date_at(data: Bytes, at: Int, stop: Int, assumed: int) -> tuple[Int, Int, int]:
    """(midnight, where the date ends, the way) of a date of three parts. The year has four digits, or two, which stand
    last unless they are assumed to stand first."""
    first, end, named = _part_at(data, at, stop)
    width = end - at
    separator = byte_at(data, end) if end < stop else np.int64(0)
    next_at = _past_separators(data, end, stop)
    second, second_end, second_named = _part_at(data, next_at, stop)
    other = byte_at(data, second_end) if second_end < stop else np.int64(0)
    last_at = _past_separators(data, second_end, stop)
    third, last_end, third_named = _part_at(data, last_at, stop)
    if first < 0 or second < 0 or third < 0 or third_named or next_at == end or last_at == second_end:
        return NOT_A_TIME, end, NEUTRAL
    spelled = named or second_named
    if (named and second_named) or (not spelled and separator != other):
        return NOT_A_TIME, end, NEUTRAL
    last_width = last_end - last_at
    if width == 4 and not named:
        return (midnight(first, second, third) if last_width <= 2 else NOT_A_TIME), last_end, NEUTRAL
    short = last_width == 2 and (named or width <= 2)
    if last_width != 4 and not short:
        return NOT_A_TIME, last_end, NEUTRAL
    year = _whole_year(third) if short else third
    if spelled:
        return midnight(year, first if named else second, second if named else first), last_end, NEUTRAL
    if short and assumed & SHORT_YEAR:
        return midnight(_whole_year(first), second, third), last_end, SHORT_YEAR
    way = _way_of(first, second, separator)
    day_first = way != SECOND and (way != EITHER or (assumed & EITHER) == FIRST)
    day, month = (first, second) if day_first else (second, first)
    return midnight(year, month, day), last_end, way | (SHORT_YEAR if short else 0)


@compiled_leaf
def _whole_year(digits: Int) -> Int:
    """The year of two digits: 1969 to 2068 (POSIX, strptime)."""
    return digits + (2000 if digits < 69 else 1900)


@compiled_leaf
def _half_of_day(data: Bytes, at: Int, stop: Int) -> tuple[int, Int]:
    """(1 for AM, 2 for PM, 0 for neither, where it ends); also a.m. and p.m."""
    start = at + 1 if at < stop and data[at] == 32 else at
    letter = byte_at(data, start) | 32 if start < stop else np.int64(0)
    if letter != 97 and letter != 112:
        return 0, at
    end = start + 2 if start + 1 < stop and data[start + 1] == 46 else start + 1
    if end >= stop or (byte_at(data, end) | 32) != 109 or _letters_end(data, end, stop) != end + 1:
        return 0, at
    end = end + 2 if end + 1 < stop and data[end + 1] == 46 else end + 1
    return (1 if letter == 97 else 2), end


@compiled_leaf
def _clock_at(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int]:
    """(milliseconds, where it ends) of a time of day: h:mm, hh, hh:mm, hh:mm:ss, with fraction, AM or PM; colons may
    be missing where every part has two digits."""
    one = 1 if at + 1 < stop and data[at + 1] == 58 else 2
    hour = digits_at(data, at, stop, one)
    at += one
    rest, unit = np.int64(0), 60
    while unit > 0 and at < stop and (data[at] == 58 or 48 <= byte_at(data, at) <= 57):
        at += 1 if data[at] == 58 else 0
        value = digits_at(data, at, stop, 2)
        # Second 60, a leap second, is the first of the next minute.
        if value < 0 or value > (59 if unit == 60 else 60):
            return NOT_A_TIME, at
        rest += value * unit
        unit = 1 if unit == 60 else 0
        at += 2
    millis: Int = 0
    if unit == 0 and at < stop and (data[at] == 46 or data[at] == 44):
        end = _digits_end(data, at + 1, stop)
        if end == at + 1:
            return NOT_A_TIME, at
        millis = _millis_at(data, at + 1, end)
        at = end
    half, at = _half_of_day(data, at, stop)
    if hour < 0 or hour > (23 if half == 0 else 12) or (half > 0 and hour == 0):
        return NOT_A_TIME, at
    if half > 0:
        hour = hour % 12 + (12 if half == 2 else 0)
    return (hour * 3600 + rest) * 1000 + millis, at


@compiled_leaf
def _offset_at(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int]:
    """(milliseconds east of UTC, where it ends) of ±hh, ±hhmm or ±hh:mm."""
    hours = digits_at(data, at + 1, stop, 2)
    end = at + 3
    minutes: Int = np.int64(0)
    if end < stop and data[end] == 58:
        minutes = digits_at(data, end + 1, stop, 2)
        end += 3
    elif end < stop and 48 <= byte_at(data, end) <= 57:
        minutes = digits_at(data, end, stop, 2)
        end += 2
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return NOT_A_TIME, end
    return (hours * 60 + minutes) * 60_000 * (-1 if data[at] == 45 else 1), end


@compiled_leaf
def _is_universal(data: Bytes, at: Int, end: Int) -> bool:
    """Z, UT, UTC or GMT."""
    first, size = byte_at(data, at) | 32, end - at
    if size == 1:
        return bool(first == 122)
    second = byte_at(data, at + 1) | 32
    if size == 2:
        return bool(first == 117 and second == 116)
    third = byte_at(data, at + 2) | 32
    return bool(size == 3 and ((first == 117 and second == 116 and third == 99)
                               or (first == 103 and second == 109 and third == 116)))  # fmt: skip


@compiled_leaf
def _zoned(data: Bytes, at: Int, stop: Int, moment: Int, way: int) -> Found:
    """A local moment and what follows it: nothing, an offset, Z, or the name of a zone. A name in brackets after an
    offset adds nothing."""
    at = at + 1 if at < stop and data[at] == 32 else at
    if at == stop:
        return moment, LOCAL, way, at
    end = _letters_end(data, at, stop)
    universal = end > at and _is_universal(data, at, end)
    east: Int = 0
    if universal and (end == stop or data[end] == 43 or data[end] == 45):
        at = end
    if at < stop and (data[at] == 43 or data[at] == 45):
        east, at = _offset_at(data, at, stop)
    elif not universal or end != stop:
        named = end > at or data[at] == 91
        return (moment if named else NOT_A_TIME), NAMED if named else ABSOLUTE, way, at
    at = at + 1 if at < stop and data[at] == 32 else at
    bracketed = at < stop and (data[at] == 40 or data[at] == 91)
    if east == NOT_A_TIME or (at < stop and not bracketed):
        return NOT_A_TIME, ABSOLUTE, NEUTRAL, at
    return moment - east, ABSOLUTE, way, at


@compiled_leaf
def _is_number(data: Bytes, at: Int, stop: Int) -> bool:
    return bool(decimal_at(data, at, stop, 0, False, 46) != NOT_A_NUMBER)


@compiled_leaf
def _past_weekday(data: Bytes, at: Int, stop: Int) -> Int:
    """Past a name before a comma (``Mon, 05 Jan 2026``, RFC 5322), or a weekday of three letters before a space."""
    end = _letters_end(data, at, stop)
    if end - at >= 3 and end + 1 < stop and _month_named(data, at, end) == 0:
        if data[end] == 44 and data[end + 1] == 32:
            return end + 2
        if data[end] == 32:
            return end + 1
    return at


@compiled_leaf
def time_at(data: Bytes, at: Int, stop: Int, assumed: int) -> Found:
    """The instant in ``data[at:stop]``; ``assumed``: FIRST where the day, SECOND where the month comes first of two
    numbers that both may be either; with ``SHORT_YEAR`` where a year of two digits comes first of all."""
    if _is_number(data, at, stop):
        number, kind = _number_at(data, at, stop)
        return number, kind, NEUTRAL, at
    at = _past_weekday(data, at, stop)
    way = NEUTRAL
    if _digits_end(data, at, stop) == at + 8:
        base, end = midnight(digits_at(data, at, stop, 4), digits_at(data, at + 4, stop, 2),
                             digits_at(data, at + 6, stop, 2)), at + 8  # fmt: skip
    else:
        base, end, way = _date_at(data, at, stop, assumed)
    if base <= UNCLEAR:
        return base, ABSOLUTE, way & SHORT_YEAR, end
    if end == stop:
        return base, LOCAL, way, end
    if data[end] == 44:
        end += 1
    if end < stop and (data[end] == 84 or data[end] == 116 or data[end] == 32):
        end += 1
    else:
        return NOT_A_TIME, ABSOLUTE, NEUTRAL, end
    if end == stop or not 48 <= byte_at(data, end) <= 57:
        return NOT_A_TIME, ABSOLUTE, NEUTRAL, end
    clock, end = _clock_at(data, end, stop)
    if clock == NOT_A_TIME:
        return NOT_A_TIME, ABSOLUTE, NEUTRAL, end
    return _zoned(data, end, stop, base + clock, way)
