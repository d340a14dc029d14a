"""Columns of times to instants: milliseconds since 1970 (UTC)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled
from streams.imports.columns import Parts, from_parts, parts_of
from streams.imports.evidence import EITHER, FIRST, SECOND, YEARS, Evidence, Years, note
from streams.imports.faults import Mask
from streams.imports.mapping import COUNTED, EXCEL
from streams.imports.money import NOT_A_NUMBER, decimal_at, integers
from streams.imports.spelled import plainly
from streams.imports.times import LOCAL, NAMED, NOT_A_TIME, SHORT_YEAR, UNCLEAR, time_at
from streams.imports.zones import to_utc, zone_of

_DAY: Final = 86_400_000
_EPOCH_IN_EXCEL: Final = 25_569
"""Days from the day 0 of a spreadsheet to 1970. The first two months, where the count is off by one, are refused."""
_EXCEL_FROM: Final = 61
_EXCEL_TO: Final = 2_958_466
_ISO: Final = r"^\d{4}-\d\d-\d\d"
"""As cells that a workbook knows to be dates are handed on."""

Millis = npt.NDArray[np.int64]


class Instants(NamedTuple):
    """Of a text column of n rows: instants int64 array, rows that are none, rows that may mean several things, rows
    with a zone that nobody knows, the ways int8[n] in which days and months stand, rows whose year has two digits."""

    values: Any
    bad: Mask
    unclear: Mask
    lost: Mask
    ways: npt.NDArray[np.int8]
    short: Mask


def instants(array: Any, pattern: str | None, zone: str = "UTC", assumed: int = FIRST) -> Instants:
    """The instants of a trimmed text column. ``zone``: of times that name none.

    ``pattern``: None for what ``times.py`` understands, one of ``NUMBERED``, or a strptime pattern. ``assumed``: FIRST
    where the day, SECOND where the month is read first of two numbers that both may be either; with ``SHORT_YEAR``
    where a year of two digits stands before both.
    """
    n = len(array)
    none = np.zeros(n, np.bool_)
    if pattern in COUNTED:
        values, bad = integers(array, np.full(n, COUNTED[pattern], np.int8), exact=False)
        return Instants(values, bad, none, none, np.zeros(n, np.int8), none)
    if pattern is None:
        return _spelled(array, _understood(array, zone, assumed), zone, assumed)
    found = _excel(array) if pattern == EXCEL else _by_pattern(array, pattern)
    if "%z" not in pattern:
        found = from_local(found, zone)
    if pattern == EXCEL:
        # Cells that are formatted as dates are days of the spreadsheet too.
        dates = pc.if_else(pc.match_substring_regex(array, _ISO), array, pa.scalar(None, pa.string()))
        found = pc.coalesce(found, _understood(dates, zone, assumed).values)
    bad = parts_of(array).valid & ~_valid(found)
    return Instants(found, bad, none, none, np.zeros(n, np.int8), none)


class Written:
    """How a column of times is written: what is taken of it, and what its values say."""

    def __init__(self, field: str, ways: Mapping[str, int], evidence: dict[str, Evidence | Years]) -> None:
        """``field``: what the column is called in ``ways`` and ``evidence``."""
        self._field = field
        self._evidence = evidence
        first = ways.get(field + YEARS, FIRST) == SECOND
        self.assumed = ways.get(field, FIRST) | (SHORT_YEAR if first else 0)

    def take(self, found: Instants, rows: npt.NDArray[np.int64], text: Any) -> None:
        """Keep what the values of some rows say."""
        note(self._evidence, self._field, found.ways, rows, text, dates=True)
        if found.short.any():
            years = self._evidence.setdefault(self._field + YEARS, Years())
            if isinstance(years, Years):
                years.see(text.filter(pa.array(found.short)), int(rows[np.argmax(found.short)]))


def from_local(array: Any, zone: str) -> Any:
    """Local times, an int64 array of milliseconds as if they were UTC, as instants."""
    if zone == "UTC":
        return array
    utc = to_utc(array.fill_null(0).to_numpy(zero_copy_only=False), zone)
    return pa.array(utc, mask=~_valid(array))


def from_temporal(array: Any, zone: str = "UTC") -> Any:
    """An Arrow date or timestamp column (local where it has no zone) as instants; finer digits are cut off."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    aware = array.type.tz is not None
    millis = array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False).cast(pa.int64())
    return millis if aware else from_local(millis, zone)


@compiled
def _read(text: Parts, assumed: int, out: Millis, kinds: npt.NDArray[np.int8], ways: npt.NDArray[np.int8],
          zones: npt.NDArray[np.int32]) -> None:  # fmt: skip
    for i in range(len(text.valid)):
        if text.valid[i]:
            start, stop = np.int64(text.offsets[i]), np.int64(text.offsets[i + 1])
            out[i], kinds[i], ways[i], zones[i] = time_at(text.data, start, stop, assumed)


def _understood(array: Any, zone: str, assumed: int) -> Instants:
    parts = parts_of(array)
    n = len(array)
    out, zones = np.zeros(n, np.int64), np.zeros(n, np.int32)
    kinds, ways = np.zeros(n, np.int8), np.zeros(n, np.int8)
    _read(parts, assumed, out, kinds, ways, zones)
    bad, unclear = parts.valid & (out == NOT_A_TIME), parts.valid & (out == UNCLEAR)
    kinds[bad | unclear | ~parts.valid] = 0
    lost = np.zeros(n, np.bool_)
    local, named = np.flatnonzero(kinds == LOCAL), np.flatnonzero(kinds == NAMED)
    out[local] = to_utc(out[local], zone)
    if len(named):
        _by_name(parts, zones, named, out, lost)
    values = pa.array(out, mask=bad | unclear | lost | ~parts.valid)
    return Instants(values, bad, unclear, lost, ways & EITHER, (ways & SHORT_YEAR) != 0)


def _spelled(array: Any, found: Instants, zone: str, assumed: int) -> Instants:
    """What was found, and of what is no time as it stands, what it is as ``spelled.py`` says it."""
    rows = np.flatnonzero(found.bad | found.lost)
    if not len(rows):
        return found
    coded = array.take(pa.array(rows)).dictionary_encode()
    plain = [plainly(text) for text in coded.dictionary.to_pylist()]
    if not any(plain):
        return found
    again = _understood(pa.array(plain, pa.string()).take(coded.indices), zone, assumed)
    told = np.flatnonzero(_valid(again.values) | again.unclear | again.lost)
    merged = [_put(old, rows[told], new[told]) for old, new in zip(found[1:], again[1:], strict=True)]
    merged[0] = _put(found.bad, rows[told], np.zeros(len(told), np.bool_))
    out = _put(_filled(found.values), rows[told], _filled(again.values)[told])
    valid = _put(_valid(found.values), rows[told], _valid(again.values)[told])
    return Instants(pa.array(out, mask=~valid), *merged)


def _filled(values: Any) -> Millis:
    filled: Millis = values.fill_null(0).to_numpy(zero_copy_only=False)
    return filled


def _put(array: npt.NDArray[Any], rows: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy with other values in some rows."""
    changed = array.copy()
    changed[rows] = values
    return changed


def _by_name(parts: Parts, zones: npt.NDArray[np.int32], rows: npt.NDArray[np.int64], out: Millis, lost: Mask) -> None:
    """Times followed by the name of a zone, a zone at a time."""
    coded = _names(parts, zones, rows).dictionary_encode()
    which = coded.indices.to_numpy()
    for place, name in enumerate(coded.dictionary.to_pylist()):
        mine = rows[which == place]
        zone = zone_of(name)
        if zone is None:
            lost[mine] = True
        else:
            out[mine] = to_utc(out[mine], zone)


@compiled
def _gather(parts: Parts, zones: npt.NDArray[np.int32], rows: npt.NDArray[np.int64], out: npt.NDArray[np.uint8],
            offsets: npt.NDArray[np.int32]) -> None:  # fmt: skip
    at = 0
    for k in range(len(rows)):
        offsets[k] = at
        for j in range(zones[rows[k]], parts.offsets[rows[k] + 1]):
            out[at] = parts.data[j]
            at += 1
    offsets[len(rows)] = at


def _names(parts: Parts, zones: npt.NDArray[np.int32], rows: npt.NDArray[np.int64]) -> Any:
    out = np.empty(int(np.sum(parts.offsets[rows + 1] - zones[rows], dtype=np.int64)), np.uint8)
    offsets = np.empty(len(rows) + 1, np.int32)
    _gather(parts, zones, rows, out, offsets)
    return from_parts(offsets, out)


@compiled
def _serials(text: Parts, out: Millis) -> None:
    for i in range(len(text.valid)):
        if text.valid[i]:
            # To 10⁻⁸ of a day, less than a millisecond.
            days = decimal_at(text.data, np.int64(text.offsets[i]), np.int64(text.offsets[i + 1]), 8, False, 46)
            fits = _EXCEL_FROM * 10**8 <= days < _EXCEL_TO * 10**8
            out[i] = (days * 864 + 500) // 1000 - _EPOCH_IN_EXCEL * _DAY if fits else NOT_A_NUMBER


def _excel(array: Any) -> Any:
    parts = parts_of(array)
    out = np.zeros(len(array), np.int64)
    _serials(parts, out)
    return pa.array(out, mask=~parts.valid | (out == NOT_A_NUMBER))


def _valid(array: Any) -> Mask:
    valid: Mask = array.is_valid().to_numpy(zero_copy_only=False)
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
