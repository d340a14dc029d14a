"""A profile is the same whatever order its touchpoints came in, and however they were split and merged."""

import math
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.relationship import DAY, HOUR, KINDS, START, Relationship, Touch, blank, policy

from processors.calendar import DAY_WORDS, DAYS_PER_WORD, count_days, count_weeks, day_of
from processors.profile import NEVER, NONE, PROFILE_FIELDS, RING, fade_to, merge
from processors.rules import CONTRIBUTION, CUSTOMER, CUSTOMER_EXIT, FIRM_EXIT, INVESTMENT, PURCHASE

RULES: Final = policy().rules
DECAYED: Final = ("interaction", "engagement")
EXACT: Final = tuple(field[0] for field in PROFILE_FIELDS if field[0] not in DECAYED)
# The first day of a word, so that the window of one row can hold every day that is drawn.
FIRST: Final = START - day_of(START) % DAYS_PER_WORD * DAY
SPAN: Final = DAY_WORDS * DAYS_PER_WORD * DAY

instants: Final = st.one_of(
    st.integers(FIRST, FIRST + SPAN - 1), st.integers(0, 60 * 24).map(lambda hour: FIRST + hour * HOUR)
)
meanings: Final = st.one_of(st.sampled_from(KINDS), st.sampled_from([PURCHASE | CUSTOMER | INVESTMENT]))
contacts: Final = st.lists(
    st.tuples(instants, meanings, st.sampled_from([0.0, 0.1, 1.0, 3.0]), st.integers(1, 10**9)), max_size=14
)
histories: Final = contacts.map(lambda drawn: [Touch(c[0], c[1], i + 1, c[2], c[3]) for i, c in enumerate(drawn)])


def profile(touches: list[Touch]) -> Any:
    relationship = Relationship(RULES)
    for touch in touches:
        relationship.meet(touch)
    return relationship.row


def merged(into: Any, other: Any) -> Any:
    """A new row: neither argument changes."""
    row = np.zeros(1, into.dtype).view(np.recarray)
    row[0] = into
    merge(row[0], other, RULES.interaction_half_life, RULES.engagement_half_life)
    return row[0]


def assert_same(a: Any, b: Any) -> None:
    for name in EXACT:
        assert np.array_equal(a[name], b[name]), name
    for name in DECAYED:
        assert a[name] == pytest.approx(b[name], rel=1e-9, abs=1e-300), name


def expected(touches: list[Touch]) -> dict[str, int | float]:
    """The profile by lists and sets."""

    def of(flags: int) -> list[int]:
        return [t.at for t in touches if t.flags & flags]

    instants = [t.at for t in touches]

    def faded(half_life_days: float, weights: list[float]) -> float:
        ages = [(max(instants) - at) / (half_life_days * DAY) for at in instants]
        return sum(weight * math.exp2(-age) for weight, age in zip(weights, ages, strict=True))

    return {
        "first_at": min(instants, default=NEVER),
        "last_at": max(instants, default=NONE),
        "first_initiative_at": min(of(CUSTOMER), default=NEVER),
        "last_initiative_at": max(of(CUSTOMER), default=NONE),
        "first_purchase_at": min(of(PURCHASE), default=NEVER),
        "last_purchase_at": max(of(PURCHASE), default=NONE),
        "last_investment_at": max(of(INVESTMENT), default=NONE),
        "last_contribution_at": max(of(CONTRIBUTION), default=NONE),
        "last_customer_exit_at": max(of(CUSTOMER_EXIT), default=NONE),
        "last_firm_exit_at": max(of(FIRM_EXIT), default=NONE),
        "spend_minor": sum(t.amount for t in touches if t.flags & PURCHASE),
        "touchpoints": len(touches),
        "purchases": len(of(PURCHASE)),
        "interaction": faded(RULES.interaction_half_life, [1.0] * len(touches)),
        "engagement": faded(RULES.engagement_half_life, [t.weight for t in touches]),
    }


@given(histories)
def test_a_profile_is_what_lists_and_sets_say(touches: list[Touch]) -> None:
    row = profile(touches)
    for name, value in expected(touches).items():
        assert row[name] == (pytest.approx(value, rel=1e-9, abs=1e-300) if name in DECAYED else value), name
    days = {day_of(t.at) for t in touches if t.flags & PURCHASE}
    assert count_days(row) == len(days)
    assert count_weeks(row, 0, 10**6) == len({day // 7 for day in days})


@given(histories.flatmap(lambda touches: st.tuples(st.just(touches), st.permutations(touches))))
def test_the_order_of_arrival_does_not_matter(drawn: tuple[list[Touch], list[Touch]]) -> None:
    touches, arrived = drawn
    assert_same(profile(touches), profile(arrived))


@given(st.data(), histories)
def test_what_is_delivered_again_within_the_ring_does_not_matter(data: st.DataObject, touches: list[Touch]) -> None:
    assert len(touches) <= RING
    arrived: list[Touch] = []
    for touch in touches:
        arrived.append(touch)
        arrived += data.draw(st.lists(st.sampled_from(arrived), max_size=3))
    assert_same(profile(touches), profile(arrived))


def test_the_ring_forgets_the_oldest_event_first() -> None:
    touches = [Touch(START + i * HOUR, CUSTOMER, i + 1) for i in range(RING + 1)]
    again = profile([*touches, touches[1], touches[-1], touches[0]])
    assert again.touchpoints == RING + 2


@given(st.data(), histories)
def test_a_split_that_is_merged_later_does_not_matter(data: st.DataObject, touches: list[Touch]) -> None:
    mine = data.draw(st.lists(st.booleans(), min_size=len(touches), max_size=len(touches)))
    a = profile([t for t, own in zip(touches, mine, strict=True) if own])
    b = profile([t for t, own in zip(touches, mine, strict=True) if not own])
    assert_same(merged(a, b), profile(touches))
    assert_same(merged(b, a), profile(touches))


@given(histories, histories, histories)
def test_merging_is_associative(x: list[Touch], y: list[Touch], z: list[Touch]) -> None:
    a, b, c = profile(x), profile(y), profile(z)
    assert_same(merged(merged(a, b), c), merged(a, merged(b, c)))


@given(histories)
def test_merging_with_nothing_changes_nothing(touches: list[Touch]) -> None:
    row = profile(touches)
    assert_same(merged(row, blank()), row)
    assert_same(merged(blank(), row), row)


@given(histories, histories)
def test_merging_leaves_delivery_and_published_memory_alone(x: list[Touch], y: list[Touch]) -> None:
    a, b = profile(x), profile(y)
    together = merged(a, b)
    profiled = {field[0] for field in PROFILE_FIELDS}
    for name in set(a.dtype.names) - profiled:
        assert np.array_equal(together[name], a[name]), name


def test_decay_halves_in_a_half_life() -> None:
    row = profile([Touch(START, CUSTOMER, 1, weight=8.0)])
    fade_to(row, START + 90 * DAY, RULES.interaction_half_life, RULES.engagement_half_life)
    assert (row.interaction, row.engagement) == pytest.approx((0.5, 1.0), rel=1e-12)
