"""Text to instants: ISO 8601, milliseconds since 1970, or a pattern. All in int64 milliseconds, UTC unless said."""

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled, compiled_leaf
from processors.words import Int, byte_at
from streams.imports.columns import Parts, parts_of
from streams.imports.mapping import COUNTED
from streams.imports.money import NOT_A_NUMBER, decimal_at, integers

NOT_A_TIME: Final = NOT_A_NUMBER
AMBIGUOUS: Final = NOT_A_NUMBER + 1
"""Digits alone that hardly are milliseconds: 19970101 looks like a date, 1704067200 like seconds."""

_DAY: Final = 86_400_000

Bytes = npt.NDArray[np.uint8]


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
def zone_at(data: Bytes, at: Int, stop: Int) -> Int:
    """Milliseconds east of UTC of what must be a zone and nothing else ("", Z, UTC, ±hh, ±hhmm, ±hh:mm)."""
    if at < stop and data[at] == 32:
        at += 1
    if at == stop or (at + 1 == stop and (data[at] == 90 or data[at] == 122)):
        return 0
    if at + 3 == stop and data[at] == 85 and data[at + 1] == 84 and data[at + 2] == 67:
        return 0
    if data[at] != 43 and data[at] != 45:
        return NOT_A_TIME
    hours = digits_at(data, at + 1, stop, 2)
    minutes: Int = 0
    if at + 3 < stop:
        colon = 1 if data[at + 3] == 58 else 0
        minutes = digits_at(data, at + 3 + colon, stop, 2) if at + 5 + colon == stop else -1
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return NOT_A_TIME
    return (hours * 60 + minutes) * 60_000 * (-1 if data[at] == 45 else 1)


@compiled_leaf
def _clock_at(data: Bytes, at: Int, stop: Int, base: Int) -> Int:
    """Adds a time of day (hh, hh:mm, hh:mm:ss, with fraction; colons may be missing) and its zone to a day."""
    seconds = np.int64(0)
    unit = 3600
    while unit > 0:
        value = digits_at(data, at, stop, 2)
        # Second 60, a leap second, is the first of the next minute.
        if value < 0 or value > (23 if unit == 3600 else 59 if unit == 60 else 60):
            return NOT_A_TIME
        seconds += value * unit
        unit //= 60
        at += 2
        if at < stop and unit > 0 and data[at] == 58:
            at += 1
        elif not (at < stop and unit > 0 and 48 <= byte_at(data, at) <= 57):
            break
    millis: Int = 0
    if unit == 0 and at < stop and (data[at] == 46 or data[at] == 44):
        end = _digits_end(data, at + 1, stop)
        millis = _millis_at(data, at + 1, end)
        at = end
    east = zone_at(data, at, stop)
    return NOT_A_TIME if east == NOT_A_TIME else base + seconds * 1000 + millis - east


@compiled_leaf
def _is_ambiguous(data: Bytes, at: Int, stop: Int) -> bool:
    if stop - at == 10:
        return bool(data[at] == 49)
    century = digits_at(data, at, stop, 2)
    return bool(stop - at == 8 and (century == 19 or century == 20))


@compiled_leaf
def iso_at(data: Bytes, at: Int, stop: Int) -> Int:
    """The instant in ``data[at:stop]``: ISO 8601, without a zone UTC, or digits alone as milliseconds since 1970."""
    bare = decimal_at(data, at, stop, 0, True, 46)
    if bare != NOT_A_TIME:
        return AMBIGUOUS if _is_ambiguous(data, at, stop) else bare
    dash = 1 if at + 4 < stop and data[at + 4] == 45 else 0
    year = digits_at(data, at, stop, 4)
    month = digits_at(data, at + 4 + dash, stop, 2)
    day = digits_at(data, at + 6 + 2 * dash, stop, 2)
    if year < 0 or month < 0 or day < 0 or (dash == 1 and data[at + 7] != 45):
        return NOT_A_TIME
    base = midnight(year, month, day)
    at += 8 + 2 * dash
    if base == NOT_A_TIME or at == stop:
        return base
    if data[at] != 84 and data[at] != 116 and data[at] != 32:
        return NOT_A_TIME
    return _clock_at(data, at + 1, stop, base)


@compiled
def _iso(text: Parts, out: npt.NDArray[np.int64]) -> None:
    for i in range(len(text.valid)):
        if text.valid[i]:
            out[i] = iso_at(text.data, np.int64(text.offsets[i]), np.int64(text.offsets[i + 1]))


def instants(array: Any, pattern: str | None) -> tuple[Any, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(int64 array of milliseconds, rows that are no instant, rows that may mean two things) of a trimmed text column.

    ``pattern``: None for ISO 8601 or milliseconds, "seconds", "milliseconds", "microseconds", or a strptime pattern.
    """
    if pattern in COUNTED:
        shift = np.full(len(array), COUNTED[pattern], np.int8)
        values, bad = integers(array, shift, exact=False)
        return values, bad, np.zeros(len(array), np.bool_)
    if pattern is not None:
        values = _by_pattern(array, pattern)
        bad = parts_of(array).valid & ~parts_valid(values)
        return values, bad, np.zeros(len(array), np.bool_)
    parts = parts_of(array)
    out = np.zeros(len(array), np.int64)
    _iso(parts, out)
    bad, unclear = parts.valid & (out == NOT_A_TIME), parts.valid & (out == AMBIGUOUS)
    return pa.array(out, mask=bad | unclear | ~parts.valid), bad, unclear


def parts_valid(array: Any) -> npt.NDArray[np.bool_]:
    """Which rows are not null, as bool[n]."""
    valid: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _by_pattern(array: Any, pattern: str) -> Any:
    """Each distinct text is parsed once. Arrow's parser takes the 31st of February for the 3rd of March, so its answer
    counts only where it writes the same text again; the rest goes through the standard library, strict and slow."""
    coded = array.dictionary_encode()
    texts = coded.dictionary
    quick = pc.strptime(texts, format=pattern, unit="s", error_is_null=True)
    sure = pc.equal(pc.strftime(quick, format=pattern), texts).fill_null(False)
    millis = pc.if_else(sure, pc.multiply(quick.cast(pa.int64()), 1000), pa.scalar(None, pa.int64())).to_pylist()
    for i, text in enumerate(texts.to_pylist()):
        if millis[i] is None:
            millis[i] = _parsed(text, pattern)
    return pc.take(pa.array(millis, pa.int64()), coded.indices)


def _parsed(text: str, pattern: str) -> int | None:
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (the zone, if any, is in the text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * _DAY + since.seconds * 1000 + since.microseconds // 1000


def from_temporal(array: Any) -> Any:
    """An Arrow date or timestamp column (naive: UTC) as int64 milliseconds; finer digits are cut off."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    return array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False).cast(pa.int64())
