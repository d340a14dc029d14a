"""Purchase days as bitmaps, against datetime and sets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.relationship import blank

from processors.row.calendar import (
    DAY_WORDS,
    DAYS_PER_WORD,
    absorb_day,
    count_days,
    count_weeks,
    day_of,
    day_of_week_number,
    days_since,
    merge_days,
    population,
    start_of_day,
    weeks_in,
    window_covers,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_402_300_799_999  # the end of the year 9999
WINDOW = DAY_WORDS * DAYS_PER_WORD
TOP = 320  # some word of the present: its days are in 2025
words = st.integers(0, 2**63 - 1)
instants = st.integers(0, LAST)
days_in_window = st.integers((TOP - DAY_WORDS + 1) * DAYS_PER_WORD, TOP * DAYS_PER_WORD + DAYS_PER_WORD - 1)


def date_of(day: int) -> datetime:
    return EPOCH + timedelta(milliseconds=int(start_of_day(day)))


def iso_week(day: int) -> tuple[int, int]:
    return date_of(day).isocalendar()[:2]


def row_with(days: list[int]) -> Any:
    """A row with the window at TOP that holds these days, marked in the given order."""
    row = blank()
    row.days_top = TOP
    for day in days:
        absorb_day(row, start_of_day(day) + 1)
    return row


@given(words)
def test_population_counts_bits(word: int) -> None:
    assert int(population(np.uint64(word))) == word.bit_count()


def test_population_of_a_full_word() -> None:
    assert int(population(np.uint64(2**64 - 1))) == 64


@given(words)
def test_weeks_in_a_word_are_marked_at_their_mondays(word: int) -> None:
    expected = sum(1 << 7 * week for week in range(9) if word >> 7 * week & 0x7F)
    assert int(weeks_in(np.uint64(word))) == expected


@given(instants)
def test_days_begin_on_mondays_and_at_midnight_utc(at: int) -> None:
    moment = EPOCH + timedelta(milliseconds=at)
    day = day_of(at)
    assert date_of(day).date() == moment.date()
    assert day % 7 == moment.weekday()
    assert start_of_day(day) <= at < start_of_day(day + 1)


@given(instants, instants)
def test_weeks_are_iso_weeks(a: int, b: int) -> None:
    same = (EPOCH + timedelta(milliseconds=a)).isocalendar()[:2] == (EPOCH + timedelta(milliseconds=b)).isocalendar()[
        :2
    ]
    assert (day_of(a) // 7 == day_of(b) // 7) == same


@given(st.integers(-100, 900), st.integers(-100, 900), st.integers(0, 12))
def test_a_mask_holds_the_days_of_its_word(first: int, last: int, index: int) -> None:
    mask = int(days_since(first, last, index))
    marked = {index * DAYS_PER_WORD + bit for bit in range(64) if mask >> bit & 1}
    assert marked == set(range(first, last + 1)) & set(range(index * DAYS_PER_WORD, (index + 1) * DAYS_PER_WORD))


def test_a_mask_of_all_time_holds_all_days_of_a_word() -> None:
    assert int(days_since(-(2**40), 2**40, 5)) == 2**DAYS_PER_WORD - 1


@given(st.lists(days_in_window, max_size=30), days_in_window, days_in_window)
def test_days_and_weeks_are_counted_as_sets_count_them(days: list[int], first: int, last: int) -> None:
    row = row_with(days)
    chosen = sorted({day for day in days if first <= day <= last})
    weeks: dict[tuple[int, int], int] = {}
    for day in chosen:
        weeks.setdefault(iso_week(day), day)
    assert count_days(row) == len(set(days))
    assert count_weeks(row, first, last) == len(weeks)
    found = [int(day_of_week_number(row, number, first, last)) for number in range(1, len(weeks) + 2)]
    assert found == [*weeks.values(), -1]


@given(st.lists(days_in_window, max_size=30))
def test_a_day_is_new_once(days: list[int]) -> None:
    row = row_with([])
    seen: set[int] = set()
    for day in days:
        assert absorb_day(row, start_of_day(day)) == (day not in seen)
        seen.add(day)


@given(st.lists(st.integers(0, 20_000), max_size=60))
def test_in_order_of_time_days_stay_exact_beyond_the_window(days: list[int]) -> None:
    row = blank()
    for day in sorted(days):
        absorb_day(row, start_of_day(day))
    oldest = (int(row.days_top) - DAY_WORDS + 1) * DAYS_PER_WORD
    assert count_days(row) == len(set(days))
    assert count_weeks(row, 0, 10**6) == len({day // 7 for day in days if day >= oldest})
    assert window_covers(row, oldest)
    assert window_covers(row, 0) == all(day >= oldest for day in days)


def test_a_purchase_older_than_the_window_counts_as_a_day_of_its_own() -> None:
    row = row_with([TOP * DAYS_PER_WORD])
    assert absorb_day(row, start_of_day(TOP * DAYS_PER_WORD - WINDOW))
    assert absorb_day(row, start_of_day(TOP * DAYS_PER_WORD - WINDOW))
    assert count_days(row) == 3
    assert count_weeks(row, 0, 10**6) == 1


@given(st.lists(days_in_window, max_size=20), st.lists(days_in_window, max_size=20))
def test_merging_is_the_union_of_days(a: list[int], b: list[int]) -> None:
    into = row_with(a)
    merge_days(into, row_with(b))
    together = row_with(a + b)
    assert np.array_equal(into.purchase_days, together.purchase_days)
    assert count_days(into) == len(set(a) | set(b))


@pytest.mark.parametrize("older", ["into", "other"])
def test_merging_keeps_the_newest_words_and_counts_the_rest(older: str) -> None:
    old, new = blank(), blank()
    for day in range(0, 200, 10):
        absorb_day(old, start_of_day(day))
    for day in range(5000, 5200, 10):
        absorb_day(new, start_of_day(day))
    into, other = (old, new) if older == "into" else (new, old)
    merge_days(into, other)
    assert (count_days(into), int(into.days_before), int(into.days_top)) == (40, 20, 5190 // DAYS_PER_WORD)
