"""Months with an initiative and days with contact, against the calendar of the standard library and plain sets."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.relationship import DAY, START, at_day, blank

from processors.row.calendar import DAYS_PER_WORD, day_of
from processors.row.layout import CONTACT_WORDS, NONE
from processors.row.windows import (
    MONTHS,
    contact_before,
    count_months,
    mark_contact,
    mark_month,
    merge_contacts,
    month_of,
)

LATEST: Final = 10_413_791_999_999
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
instants: Final = st.integers(0, LATEST)
days: Final = st.lists(st.integers(0, 900), min_size=1, max_size=12)


def months_since_epoch(at: int) -> int:
    moment = EPOCH + timedelta(milliseconds=at)
    return (moment.year - 1970) * 12 + moment.month - 1


@given(instants)
def test_months_are_those_of_the_calendar(at: int) -> None:
    assert month_of(at) == months_since_epoch(at)


@pytest.mark.parametrize("text", ["1970-01-01", "1999-12-31", "2000-02-29", "2024-03-01", "2100-02-28", "2299-12-31"])
def test_months_begin_and_end_to_the_millisecond(text: str) -> None:
    start = round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    for at in (start, start + DAY - 1):
        assert month_of(at) == months_since_epoch(at)


@given(st.lists(st.integers(0, 90 * 30), max_size=15).flatmap(lambda d: st.tuples(st.just(d), st.permutations(d))))
def test_active_months_are_counted_within_the_newest(drawn: tuple[list[int], list[int]]) -> None:
    rows = []
    for arrived in drawn:
        row = blank()
        for day in arrived:
            mark_month(row, at_day(day))
        rows.append(row)
    months = {months_since_epoch(at_day(day)) for day in drawn[0]}
    kept = {month for month in months if month > max(months) - MONTHS}
    assert [count_months(row) for row in rows] == [len(kept)] * 2


def contacted(on: list[int]) -> Any:
    row = blank()
    for day in on:
        mark_contact(row, at_day(day))
    return row


def last_contact(on: list[int], end: int) -> int:
    """The answer to the day: the last day with contact at or before ``end``, where the window holds it."""
    newest = day_of(at_day(max(on))) // DAYS_PER_WORD
    first_kept = (newest - CONTACT_WORDS + 1) * DAYS_PER_WORD - day_of(START)
    before = [day for day in on if at_day(day) <= end]
    if not before:
        return NONE
    return max(max(before), min(first_kept - 1, (end - START) // DAY))


@given(days, st.integers(-5, 905))
def test_the_last_contact_before_an_end_is_known_to_the_day(on: list[int], end_day: int) -> None:
    row, end = contacted(on), at_day(end_day)
    found = contact_before(row, end)
    expected = last_contact(on, end)
    if expected == NONE:
        assert found == NONE
    else:
        assert found <= end
        assert (found - START) // DAY == expected


@given(days, days, st.integers(-5, 905))
def test_contacts_of_two_sides_are_those_of_both(mine: list[int], others: list[int], end_day: int) -> None:
    row = contacted(mine)
    merge_contacts(row, contacted(others))
    assert contact_before(row, at_day(end_day)) == contact_before(contacted([*mine, *others]), at_day(end_day))


def test_the_last_of_all_contacts_is_known_to_the_millisecond() -> None:
    row = contacted([3])
    mark_contact(row, at_day(7.25))
    assert contact_before(row, at_day(7) - 1) == at_day(4) - 1, "an earlier one to the end of its day"
    assert contact_before(row, at_day(7.25)) == at_day(7.25)
    assert contact_before(row, at_day(700)) == at_day(7.25)


def test_on_the_day_of_the_end_contact_is_no_later_than_the_end() -> None:
    row = contacted([7, 30])
    assert contact_before(row, at_day(7.5)) == at_day(7.5)


def test_contact_that_left_the_window_counts_as_of_the_day_before_it() -> None:
    row = contacted([0, 1000])
    window = (day_of(at_day(1000)) // DAYS_PER_WORD - CONTACT_WORDS + 1) * DAYS_PER_WORD - day_of(START)
    assert contact_before(row, at_day(999)) == at_day(window) - 1
    assert contact_before(row, at_day(5)) == at_day(5), "as far as is known: between the first contact and the end"
    assert contact_before(row, at_day(-1)) == NONE
