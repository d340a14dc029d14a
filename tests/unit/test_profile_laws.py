"""A profile is the same whatever order its touchpoints came in, and however they were split and merged."""

import math
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contacts import assert_same, contacts, merged_with, profile_of
from support.presets import policy_of
from support.relationship import DAY, START, Relationship, Touch, blank, policy, touch
from support.sampled import examples

from processors.policy.rules import CUSTOMER
from processors.row.contact import Contact
from processors.row.layout import PROFILE_FIELDS
from processors.row.profile import fade_to, merge

RULES: Final = policy_of("commerce", 2).rules  # whose touchpoints tell all that those of version 1 do, and more
histories: Final = contacts(version=2)


def profile(told: list[Contact]) -> Any:
    return profile_of(told, RULES)


def merged(into: Any, other: Any) -> Any:
    return merged_with(into, other, merge, RULES)


@given(histories)
def test_within_the_size_of_its_sets_a_profile_forgets_nothing(told: list[Contact]) -> None:
    assert profile(told).forgotten == 0


@given(histories.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_of_arrival_does_not_matter(drawn: tuple[list[Contact], list[Contact]]) -> None:
    told, arrived = drawn
    assert_same(profile(told), profile(arrived))


@given(st.data(), histories)
def test_a_split_that_is_merged_later_does_not_matter(data: st.DataObject, told: list[Contact]) -> None:
    mine = data.draw(st.lists(st.booleans(), min_size=len(told), max_size=len(told)))
    a = profile([one for one, own in zip(told, mine, strict=True) if own])
    b = profile([one for one, own in zip(told, mine, strict=True) if not own])
    assert_same(merged(a, b), profile(told))
    assert_same(merged(b, a), profile(told))


@settings(max_examples=examples(60))
@given(histories, st.data())
def test_merging_is_associative(told: list[Contact], data: st.DataObject) -> None:
    whose = data.draw(st.lists(st.integers(0, 2), min_size=len(told), max_size=len(told)))
    a, b, c = (profile([one for one, n in zip(told, whose, strict=True) if n == own]) for own in range(3))
    assert_same(merged(merged(a, b), c), merged(a, merged(b, c)))


@settings(max_examples=examples(50))
@given(histories)
def test_merging_with_nothing_changes_nothing(told: list[Contact]) -> None:
    row = profile(told)
    assert_same(merged(row, blank()), row)
    assert_same(merged(blank(), row), row)


@settings(max_examples=examples(30))
@given(histories, histories)
def test_merging_leaves_delivery_and_published_memory_alone(x: list[Contact], y: list[Contact]) -> None:
    a, b = profile(x), profile(y)
    together = merged(a, b)
    profiled = {field[0] for field in PROFILE_FIELDS}
    for name in set(a.dtype.names) - profiled:
        assert np.array_equal(together[name], a[name]), name


@settings(max_examples=examples(50))
@given(histories, st.lists(st.integers(0, 40), min_size=14, max_size=14))
def test_publishing_what_follows_from_a_profile_leaves_it_alone(told: list[Contact], pauses: list[int]) -> None:
    relationship = Relationship(RULES)
    for contact, pause in zip(told, pauses, strict=False):
        relationship.take(contact)
        relationship.tick(contact.at + pause * DAY)
    assert_same(relationship.row, profile(told))


def test_decay_halves_in_a_half_life() -> None:
    row = Relationship(policy().rules)
    row.meet(Touch(START, CUSTOMER, 1, weight=8.0))
    fade_to(row.row, row.rules, START + 90 * DAY)
    assert (row.row.interaction, row.row.engagement) == pytest.approx((0.5, 1.0), rel=1e-12)


def test_what_lies_far_back_weighs_nothing_and_disturbs_nothing() -> None:
    row = Relationship(policy().rules)
    row.meet(touch(0, CUSTOMER))
    row.meet(touch(-19_000, CUSTOMER))
    assert row.row.interaction == pytest.approx(1.0 + math.exp2(-19_000 / 90), rel=1e-9)
