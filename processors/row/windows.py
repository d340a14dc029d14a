"""Bitmaps of days with contact by the firm, and of months with an initiative of the customer: newest words, then OR."""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.calendar import DAYS_PER_WORD, day_of, population, start_of_day
from processors.row.decay import MS_PER_DAY
from processors.row.layout import CONTACT_WORDS, NONE, Row
from processors.row.months import civil_from_days

MONTHS: Final = 64  # months that are remembered


@compiled_leaf
def month_of(at: int) -> int:
    """Months since 1970-01 (UTC) of an instant in ms."""
    year, month, _ = civil_from_days(at // MS_PER_DAY)
    return int((year - 1970) * 12 + month - 1)


@compiled_leaf
def _shift(word: np.uint64, by: int) -> np.uint64:
    """A shift to the left; by 64 and more nothing is left, which a processor's own shift does not give."""
    if by >= MONTHS:
        return np.uint64(0)
    return np.uint64(np.uint64(word) << np.uint64(by))


@compiled_leaf
def mark_months(row: Row, top: int, word: np.uint64) -> None:
    """Add months as a word whose bit i is the month ``top - i``."""
    if word == np.uint64(0):
        return
    if row.months == np.uint64(0) or top > row.months_top:
        held = _shift(np.uint64(row.months), top - row.months_top) if row.months != np.uint64(0) else np.uint64(0)
        row.months = held | word
        row.months_top = top
    else:
        row.months = np.uint64(row.months) | _shift(word, row.months_top - top)


@compiled_leaf
def mark_month(row: Row, at: int) -> None:
    """The customer was active in the month of ``at`` (ms)."""
    mark_months(row, month_of(at), np.uint64(1))


@compiled_leaf
def count_months(row: Row) -> int:
    """Distinct active months among the newest MONTHS."""
    return int(population(np.uint64(row.months)))


@compiled_leaf
def _advance(row: Row, top: int) -> None:
    for i in range(min(top - row.contact_top, CONTACT_WORDS)):
        row.contact_days[(row.contact_top + 1 + i) % CONTACT_WORDS] = 0
    row.contact_top = top


@compiled_leaf
def mark_contact(row: Row, at: int) -> None:
    """The firm contacted the customer at ``at`` (ms)."""
    row.first_contact_at = min(row.first_contact_at, at)
    row.last_contact_at = max(row.last_contact_at, at)
    day = day_of(at)
    index = day // DAYS_PER_WORD
    if index > row.contact_top:
        _advance(row, index)
    if index > row.contact_top - CONTACT_WORDS:
        slot = index % CONTACT_WORDS
        row.contact_days[slot] = np.uint64(row.contact_days[slot]) | (np.uint64(1) << np.uint64(day % DAYS_PER_WORD))


@compiled_leaf
def merge_contacts(into: Row, other: Row) -> None:
    """Union of two windows of contact days, truncated to the newest words."""
    into.first_contact_at = min(into.first_contact_at, other.first_contact_at)
    into.last_contact_at = max(into.last_contact_at, other.last_contact_at)
    if other.contact_top > into.contact_top:
        _advance(into, other.contact_top)
    for i in range(CONTACT_WORDS):
        index = other.contact_top - i
        if index > into.contact_top - CONTACT_WORDS and index >= 0:
            slot = index % CONTACT_WORDS
            into.contact_days[slot] = np.uint64(into.contact_days[slot]) | np.uint64(other.contact_days[slot])


@compiled_leaf
def contact_before(row: Row, end: int) -> int:
    """The firm's last contact at or before ``end`` (ms), to the day where later ones followed; NONE: there is none.

    Contact that has left the window of CONTACT_WORDS words counts as on the day before the window.
    """
    if row.first_contact_at > end:
        return NONE
    if row.last_contact_at <= end:
        return int(row.last_contact_at)
    last = day_of(end)
    # A field of four bytes would overflow in plain Python before it is widened.
    oldest = max(int(row.contact_top) - CONTACT_WORDS + 1, 0)
    for index in range(min(last // DAYS_PER_WORD, row.contact_top), oldest - 1, -1):
        word = np.uint64(row.contact_days[index % CONTACT_WORDS])
        for bit in range(DAYS_PER_WORD - 1, -1, -1):
            day = index * DAYS_PER_WORD + bit
            if day <= last and (word >> np.uint64(bit)) & np.uint64(1) != np.uint64(0):
                return min(start_of_day(day) + MS_PER_DAY - 1, end)
    return max(int(row.first_contact_at), min(start_of_day(oldest * DAYS_PER_WORD) - 1, end))
