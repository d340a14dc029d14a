"""Purchase days as bitmaps: which days, which ISO weeks, counted exactly and merged by OR.

A word of 64 bits holds 63 days, which are nine whole weeks from Monday on, so that distinct days are a population
count and distinct weeks need no calendar arithmetic. A row keeps the DAY_WORDS newest words (union, then truncate);
what leaves the window stays counted in ``days_before``.
"""

from typing import Any, Final

import numpy as np

from processors.bits import leading_zeros, trailing_zeros
from processors.compiled import compiled_leaf
from processors.row.decay import MS_PER_DAY

DAY_WORDS: Final = 12  # 756 days: 108 weeks
DAYS_PER_WORD: Final = 63
_MONDAY: Final = 3  # 1970-01-01 was a Thursday: day -3 is the Monday of its week
_WEEK_STARTS: Final = np.uint64(sum(1 << (7 * week) for week in range(9)))


@compiled_leaf
def day_of(at: int) -> int:
    """Days since Monday 1969-12-29 (UTC) of an instant in ms."""
    return int(at // MS_PER_DAY + _MONDAY)


@compiled_leaf
def start_of_day(day: int) -> int:
    """The first instant (ms) of a day numbered as ``day_of`` does."""
    return int((day - _MONDAY) * MS_PER_DAY)


@compiled_leaf
def population(word: np.uint64) -> np.int64:
    """Number of bits that are set (SWAR; Warren, Hacker's Delight, section 5-1).

    The result is signed on purpose: Numba adds uint64 to int64 as floating point, and int() leaves a uint64 what it is.
    """
    w = np.uint64(word)
    w = np.uint64(w - ((w >> np.uint64(1)) & np.uint64(0x5555555555555555)))
    w = np.uint64((w & np.uint64(0x3333333333333333)) + ((w >> np.uint64(2)) & np.uint64(0x3333333333333333)))
    w = np.uint64((w + (w >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F))
    return np.int64(np.uint64(w * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled_leaf
def weeks_in(word: np.uint64) -> np.uint64:
    """A word of days → a word with one bit, at its Monday, for each week that has a day set."""
    w = np.uint64(word)
    for shift in range(1, 7):
        w |= np.uint64(word) >> np.uint64(shift)
    return np.uint64(w & _WEEK_STARTS)


@compiled_leaf
def days_since(first: int, last: int, word_index: int) -> np.uint64:
    """Mask of the days in ``first..last`` (both included) that lie in the word ``word_index``."""
    base = int(word_index) * DAYS_PER_WORD
    low = max(first - base, 0)
    high = min(last - base, DAYS_PER_WORD - 1)
    if low > high:
        return np.uint64(0)
    upper = np.uint64((np.uint64(1) << np.uint64(high + 1)) - np.uint64(1))
    lower = np.uint64((np.uint64(1) << np.uint64(low)) - np.uint64(1))
    return np.uint64(upper & ~lower)


@compiled_leaf
def _advance(row: Any, top: int) -> None:
    """Move the window's newest word to ``top``; words that leave it go into ``days_before``."""
    steps = min(top - row.days_top, DAY_WORDS)
    for i in range(steps):
        slot = (row.days_top + 1 + i) % DAY_WORDS
        row.days_before += population(row.purchase_days[slot])
        row.purchase_days[slot] = 0
    row.days_top = top


@compiled_leaf
def absorb_day(row: Any, at: int) -> bool:
    """Mark the day of ``at`` as a purchase day; True where it was not marked.

    A day older than the window can't be told from one that already left it: it counts as new.
    """
    day = day_of(at)
    index = day // DAYS_PER_WORD
    if index > row.days_top:
        _advance(row, index)
    if index <= row.days_top - DAY_WORDS:
        row.days_before += 1
        return True
    bit = np.uint64(1) << np.uint64(day % DAYS_PER_WORD)
    slot = index % DAY_WORDS
    known = np.uint64(row.purchase_days[slot]) & bit
    row.purchase_days[slot] = np.uint64(row.purchase_days[slot]) | bit
    return bool(known == np.uint64(0))


@compiled_leaf
def merge_days(into: Any, other: Any) -> None:
    """Union of two windows, truncated to the newest DAY_WORDS words."""
    if other.days_top > into.days_top:
        _advance(into, other.days_top)
    into.days_before += other.days_before
    for i in range(DAY_WORDS):
        index = other.days_top - i
        word = np.uint64(other.purchase_days[index % DAY_WORDS])
        if index <= into.days_top - DAY_WORDS or index < 0:
            into.days_before += population(word)
        else:
            into.purchase_days[index % DAY_WORDS] = np.uint64(into.purchase_days[index % DAY_WORDS]) | word


@compiled_leaf
def count_days(row: Any) -> int:
    """Distinct purchase days (UTC): exact while late purchases are younger than the window."""
    count = row.days_before
    for i in range(DAY_WORDS):
        count += int(population(row.purchase_days[i]))
    return int(count)


@compiled_leaf
def count_days_until(row: Any, day: int) -> int:
    """The same up to a day numbered as ``day_of`` does; those that left the window are older."""
    count = row.days_before
    for i in range(DAY_WORDS):
        mask = days_since(0, day, row.days_top - i)
        count += int(population(np.uint64(row.purchase_days[(row.days_top - i) % DAY_WORDS]) & mask))
    return int(count)


@compiled_leaf
def count_weeks(row: Any, first_day: int, last_day: int) -> int:
    """Distinct ISO weeks (UTC) with a purchase on a day in ``first_day..last_day``, within the window."""
    count = 0
    for i in range(DAY_WORDS):
        mask = days_since(first_day, last_day, row.days_top - i)
        if mask != np.uint64(0):
            days = np.uint64(row.purchase_days[(row.days_top - i) % DAY_WORDS]) & mask
            count += int(population(weeks_in(days)))
    return count


@compiled_leaf
def day_of_week_number(row: Any, number: int, first_day: int, last_day: int) -> int:
    """The first purchase day of the ``number``-th distinct purchase week in ``first_day..last_day``; -1: none."""
    seen = 0
    previous = -1
    for i in range(DAY_WORDS - 1, -1, -1):
        index = row.days_top - i
        word = np.uint64(row.purchase_days[index % DAY_WORDS]) & days_since(first_day, last_day, index)
        if index < 0 or word == np.uint64(0):
            continue
        for bit in range(DAYS_PER_WORD):
            week = index * 9 + bit // 7
            if (word >> np.uint64(bit)) & np.uint64(1) != np.uint64(0) and week != previous:
                seen += 1
                previous = week
                if seen == number:
                    return int(index * DAYS_PER_WORD + bit)
    return -1


@compiled_leaf
def window_covers(row: Any, day: int) -> bool:
    """Whether the window still holds every purchase day from ``day`` on."""
    return bool(row.days_before == 0 or day >= (row.days_top - DAY_WORDS + 1) * DAYS_PER_WORD)


@compiled_leaf
def longest_gap(row: Any, last_day: int) -> int:
    """The most days from one purchase day to the next, both in the window and up to ``last_day``; 0: fewer than two."""
    longest = 0
    previous = -1
    for i in range(DAY_WORDS - 1, -1, -1):
        index = row.days_top - i
        if index < 0:
            continue
        word = np.uint64(row.purchase_days[index % DAY_WORDS]) & days_since(0, last_day, index)
        while word != np.uint64(0):
            day = int(index * DAYS_PER_WORD + trailing_zeros(word))
            if previous >= 0:
                longest = max(longest, day - previous)
            previous = day
            word = np.uint64(word & (word - np.uint64(1)))
    return longest


@compiled_leaf
def newest_day(row: Any) -> int:
    """The newest purchase day in the window; -1: there is none."""
    for i in range(DAY_WORDS):
        index = row.days_top - i
        word = np.uint64(row.purchase_days[index % DAY_WORDS]) if index >= 0 else np.uint64(0)
        if word != np.uint64(0):
            return int(index * DAYS_PER_WORD + 63 - leading_zeros(word))
    return -1


@compiled_leaf
def oldest_day(row: Any) -> int:
    """The oldest purchase day in the window; -1: there is none."""
    for i in range(DAY_WORDS - 1, -1, -1):
        index = row.days_top - i
        word = np.uint64(row.purchase_days[index % DAY_WORDS]) if index >= 0 else np.uint64(0)
        if word != np.uint64(0):
            return int(index * DAYS_PER_WORD + trailing_zeros(word))
    return -1


@compiled_leaf
def unmark_day(row: Any, day: int) -> None:
    """Take a purchase day out of the window, where it still is."""
    index = day // DAYS_PER_WORD
    if row.days_top - DAY_WORDS < index <= row.days_top:
        bit = np.uint64(1) << np.uint64(day % DAYS_PER_WORD)
        slot = index % DAY_WORDS
        row.purchase_days[slot] = np.uint64(row.purchase_days[slot]) & ~bit
