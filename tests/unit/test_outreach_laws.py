"""What a row knows of consent, silences, zone and fired rules is the same in any order of arrival, and of merging."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.relationship import blank

from processors.row.layout import QUIET_CLOCKS, REMEMBERED, ROW, TRAITS, TRIGGERS_SENT
from processors.row.outreach import (
    may_reach,
    merge_outreach,
    note_clock,
    note_consent,
    note_preference,
    note_zone,
)
from processors.row.traits import merge_traits, note_trait, trait_of
from processors.triggers.memory import merge_memory, note_fired, note_handled, sent_within

KEYS: Final = (7, 2**32 - 1, 12)
INSTANTS: Final = st.integers(0, 40)
HEARD: Final = st.lists(
    st.one_of(
        st.tuples(st.just("consent"), st.integers(0, 3), INSTANTS, st.booleans()),
        st.tuples(st.just("preference"), st.integers(0, 3), INSTANTS, st.booleans()),
        st.tuples(st.just("armed"), st.sampled_from(KEYS), INSTANTS),
        st.tuples(st.just("cleared"), st.sampled_from(KEYS), INSTANTS),
        st.tuples(st.just("zone"), INSTANTS, st.integers(1, 600)),
    ),
    max_size=12,
)
NONE: Final = -(2**63)
GREATEST: Final = ("given_at", "taken_at", "agreed_at", "declined_at", "zoned_at", "zone")


def heard(told: list[Any]) -> Any:
    row = blank()
    for what, *values in told:
        if what == "consent":
            note_consent(row, values[0], values[1], values[2])
        elif what == "preference":
            note_preference(row, values[0], values[1], values[2])
        elif what == "armed":
            note_clock(row, values[0], values[1], NONE)
        elif what == "cleared":
            note_clock(row, values[0], NONE, values[1])
        else:
            note_zone(row, *values)
    return row


def clocks(row: Any) -> dict[int, tuple[int, int]]:
    return {
        int(row.clock_rule[i]): (int(row.armed_at[i]), int(row.cleared_at[i]))
        for i in range(QUIET_CLOCKS)
        if row.clock_rule[i]
    }


def same(a: Any, b: Any) -> bool:
    told = all(np.array_equal(a[name], b[name]) for name in GREATEST)
    return told and clocks(a) == clocks(b)


def united(a: Any, b: Any, merge: Any = merge_outreach) -> Any:
    row = np.zeros(1, ROW).view(np.recarray)
    row[0] = a
    merge(row[0], b)
    return row[0]


@given(HEARD.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_of_arrival_does_not_matter(drawn: tuple[list[Any], list[Any]]) -> None:
    assert same(heard(drawn[0]), heard(drawn[1]))


@given(HEARD, HEARD, HEARD)
def test_merging_is_commutative_and_associative_and_gives_what_one_row_would_know(
    x: list[Any], y: list[Any], z: list[Any]
) -> None:
    a, b, c = heard(x), heard(y), heard(z)
    assert same(united(a, b), united(b, a))
    assert same(united(united(a, b), c), united(a, united(b, c)))
    assert same(united(a, b), heard(x + y))
    assert same(united(a, blank()), a)


@given(HEARD, st.integers(1, 3))
def test_what_was_said_last_of_consent_counts_and_a_no_where_both_were_said_at_once(
    told: list[Any], channel: int
) -> None:
    told = [each for each in told if each[0] != "preference"]
    said = [
        (at, not given) for what, *rest in told if what == "consent" for of, at, given in [rest] if of in (0, channel)
    ]
    assert may_reach(heard(told), channel) == (bool(said) and not max(said)[1])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("preference", 1, 5, True)], True),
        ([("preference", 1, 5, True), ("preference", 1, 6, False)], False),
        ([("preference", 1, 5, False), ("preference", 1, 6, True)], True),
        ([("preference", 1, 5, True), ("preference", 1, 5, False)], False),
        # Who took it back in so many words is not asked anew by a banner that was answered long ago.
        ([("consent", 1, 5, False), ("preference", 1, 6, True)], False),
        ([("consent", 0, 5, False), ("preference", 1, 6, True)], False),
        ([("consent", 1, 5, True), ("preference", 1, 6, False)], False),
        ([("consent", 1, 5, True), ("preference", 1, 6, False), ("preference", 1, 7, True)], True),
        ([("preference", 1, 5, False), ("consent", 1, 6, True)], True),
        ([("consent", 1, 5, False), ("consent", 1, 6, True), ("preference", 1, 7, True)], True),
        ([("preference", 2, 5, True)], False),
    ],
)
def test_a_consent_manager_says_no_at_any_time_and_yes_only_where_nothing_was_taken_back(
    told: list[Any], expected: bool
) -> None:
    assert may_reach(heard(told), 1) is expected


TOLD: Final = st.lists(
    st.tuples(st.integers(1, TRAITS), INSTANTS, st.sampled_from([0.0, 1.0, -2.5, 2.0**52])), max_size=20
)


def with_traits(told: list[Any]) -> Any:
    row = blank()
    for each in told:
        note_trait(row, *each)
    return row


def traits(row: Any) -> dict[int, tuple[int, float]]:
    return {
        int(row.trait_name[i]): (int(row.trait_at[i]), float(row.trait[i])) for i in range(TRAITS) if row.trait_name[i]
    }


@given(TOLD.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))), TOLD)
def test_of_each_property_the_newest_value_counts_in_any_order_and_in_the_same_place(
    drawn: tuple[list[Any], list[Any]], other: list[Any]
) -> None:
    told, turned = drawn
    row = with_traits(told)
    newest: dict[int, tuple[int, float]] = {}
    for name, *entry in told:
        newest[name] = max(newest.get(name, (-1, 0.0)), tuple(entry))
    assert traits(row) == newest
    assert list(traits(row)) == sorted(newest)
    for name in range(1, TRAITS + 1):
        known = newest.get(name)
        assert np.isnan(trait_of(row, name)) if known is None else trait_of(row, name) == known[1]
    fields = ("trait_name", "trait_at", "trait")
    assert all(np.array_equal(row[field], with_traits(turned)[field]) for field in fields)
    both = united(row, with_traits(other), merge_traits)
    assert all(np.array_equal(both[field], with_traits(told + other)[field]) for field in fields)


def test_of_more_properties_than_there_is_room_for_the_oldest_is_forgotten() -> None:
    row = with_traits([(name, 100 - name, 1.0) for name in range(1, TRAITS + 3)])
    assert list(traits(row)) == list(range(1, TRAITS + 1))
    note_trait(row, 77, 200, 1.0)
    assert sorted(traits(row)) == [*range(1, TRAITS), 77]


FIRED: Final = st.lists(
    st.one_of(
        st.tuples(st.just("fired"), st.sampled_from(KEYS), st.integers(1, 60), st.booleans()),
        st.tuples(st.just("handled"), st.sampled_from(KEYS), st.integers(1, 60)),
    ),
    max_size=10,
).map(lambda told: sorted(told, key=lambda each: each[2]))


def remembered(told: list[Any]) -> Any:
    row = blank()
    for what, key, minute, *held in told:
        if what == "fired":
            note_fired(row, key, minute, held[0], True)
        else:
            note_handled(row, key, minute)
    return row


def memories(row: Any) -> Any:
    rules = {
        int(row.fired_rule[i]): (int(row.fired[i]), int(row.handled[i])) for i in range(REMEMBERED) if row.fired_rule[i]
    }
    return rules, sorted(int(minute) for minute in row.sent if minute)


@given(FIRED, FIRED, FIRED)
def test_of_what_fired_a_merge_remembers_what_is_newer(x: list[Any], y: list[Any], z: list[Any]) -> None:
    a, b, c = remembered(x), remembered(y), remembered(z)
    assert memories(united(a, b, merge_memory)) == memories(united(b, a, merge_memory))
    left, right = (
        united(united(a, b, merge_memory), c, merge_memory),
        united(a, united(b, c, merge_memory), merge_memory),
    )
    assert memories(left) == memories(right)
    sent = [minute for row in (a, b, c) for minute in memories(row)[1]]
    assert memories(left)[1] == sorted(sent)[-TRIGGERS_SENT:]
    assert sent_within(left, 61, 61) == len(memories(left)[1])
