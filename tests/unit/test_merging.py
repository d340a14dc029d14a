"""Two rows made one: profile and path are those of a customer who was both all along."""

from typing import Final

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.contacts import assert_same
from support.relationship import (
    CONTACTED,
    LEAVE,
    ORDER,
    PASSING,
    REVIEW,
    SIGN_UP,
    VISIT,
    Relationship,
    Touch,
    at_day,
    lived,
    policy,
    touch,
)

from processors.lifecycle.facts import CAUSE_MERGE
from processors.lifecycle.stages import AWARENESS, COMMITMENT, DISSOLUTION, EXPLORATION
from processors.policy.rules import Rules

RULES: Final = policy().rules
OTHER_HASH: Final = np.uint64(0x1122_3344_5566_7788)


def apart(touches: list[Touch], mine: list[bool], rules: Rules, until: int) -> tuple[Relationship, Relationship]:
    """Two customers, each with a part of the touchpoints, as time passed for both."""
    found = []
    for own in (True, False):
        found.append(lived([one for one, is_mine in zip(touches, mine, strict=True) if is_mine is own], rules))
        found[-1].tick(until)
    found[1].row.hash = OTHER_HASH
    return found[0], found[1]


def merged(touches: list[Touch], mine: list[bool], until: float, rules: Rules = RULES) -> Relationship:
    into, other = apart(touches, mine, rules, at_day(until))
    into.unite(other)
    return into


def assert_as_one(one: Relationship, touches: list[Touch], until: float, rules: Rules = RULES) -> None:
    known = lived(sorted(touches, key=lambda touch: touch.at), rules, until=at_day(until))
    assert_same(one.row, known.row)
    assert one.days == known.days
    assert int(one.row.stage) == int(known.row.stage)


def test_a_visitor_who_signs_in_is_the_customer_from_the_first_view_on() -> None:
    touches = [touch(1, VISIT), touch(2, ORDER), touch(4, ORDER)]
    one = merged(touches, [False, False, True], 5)
    assert_as_one(one, touches, 5)
    assert one.days == [(1, EXPLORATION, 1)]
    assert {fact.cause for fact in one.facts if fact.supersedes} == {CAUSE_MERGE}


def test_somebody_of_whom_nothing_was_known_takes_all_over() -> None:
    touches = [touch(1, CONTACTED), touch(2, ORDER), touch(9, ORDER), touch(16, SIGN_UP), touch(17, ORDER)]
    one = merged(touches, [False] * 5, 20)
    assert_as_one(one, touches, 20)
    assert [stage for _, stage, _ in one.days] == [AWARENESS, EXPLORATION, COMMITMENT]


def test_nobody_adds_nothing() -> None:
    touches = [touch(1, VISIT), touch(2, ORDER)]
    one = merged(touches, [True, True], 5)
    before = len(one.facts)
    assert_as_one(one, touches, 5)
    assert len(one.facts) == before


def test_three_weeks_of_two_ids_are_a_commitment() -> None:
    touches = [touch(1, ORDER), touch(2, SIGN_UP), touch(9, ORDER), touch(16, ORDER)]
    one = merged(touches, [False, True, False, True], 20)
    assert_as_one(one, touches, 20)
    assert one.days[-1] == (1, COMMITMENT, 16.0)
    assert [fact.cause for fact in one.standing][-1] == CAUSE_MERGE


def test_an_end_by_silence_is_taken_back_where_the_other_id_was_alive() -> None:
    touches = [touch(1, ORDER), touch(8, ORDER), touch(60, ORDER)]
    into, _ = apart(touches, [True, True, False], RULES, at_day(70))
    assert into.days[-1][1] == DISSOLUTION
    one = merged(touches, [True, True, False], 70)
    assert_as_one(one, touches, 70)


def test_an_end_of_the_other_id_stands_for_nobody() -> None:
    touches = [touch(1, VISIT), touch(150, VISIT), touch(160, VISIT)]
    one = merged(touches, [False, True, True], 200)
    assert_as_one(one, touches, 200)
    assert one.days == [(1, EXPLORATION, 1)]


def test_an_exit_stands_and_what_follows_under_another_id_is_a_return() -> None:
    touches = [touch(10, ORDER), touch(50, LEAVE), touch(60, VISIT)]
    one = merged(touches, [True, True, False], 70)
    assert_as_one(one, touches, 70)
    assert one.days == [(1, EXPLORATION, 10), (1, DISSOLUTION, 50), (2, EXPLORATION, 60)]


def test_an_exit_between_two_initiatives_of_the_other_id_stands() -> None:
    touches = [touch(10, ORDER), touch(40, VISIT), touch(50, LEAVE), touch(60, VISIT)]
    one = merged(touches, [True, False, True, False], 70)
    assert_as_one(one, touches, 70)


def test_an_earlier_episode_of_the_other_id_counts_the_ones_after_it() -> None:
    touches = [touch(1, VISIT), touch(400, ORDER), touch(401, SIGN_UP)]
    one = merged(touches, [False, True, True], 410)
    assert_as_one(one, touches, 410)
    assert one.days == [(1, EXPLORATION, 1), (1, DISSOLUTION, 181), (2, EXPLORATION, 400)]


def test_an_episode_of_the_other_id_between_two() -> None:
    touches = [touch(1, VISIT), touch(300, VISIT), touch(600, VISIT)]
    one = merged(touches, [True, False, True], 610)
    assert_as_one(one, touches, 610)


def test_an_episode_of_the_other_id_joins_two() -> None:
    touches = [touch(1, VISIT), touch(150, VISIT), touch(310, VISIT)]
    one = merged(touches, [True, False, True], 320)
    assert_as_one(one, touches, 320)
    assert one.days == [(1, EXPLORATION, 1)]


KINDS: Final = st.sampled_from([PASSING, CONTACTED, VISIT, ORDER, SIGN_UP, REVIEW])
touchpoints: Final = st.lists(
    st.tuples(st.integers(0, 100), KINDS), min_size=1, max_size=12, unique_by=lambda drawn: drawn[0]
).map(lambda drawn: [touch(day, kind, n) for n, (day, kind) in enumerate(sorted(drawn))])


@given(touchpoints, st.data(), st.sampled_from([101.0, 170.0, 400.0]))
def test_a_merge_within_one_episode_is_as_if_known_all_along(
    touches: list[Touch], data: st.DataObject, until: float
) -> None:
    """No silence ends anything within the hundred days, so that both and each have one episode."""
    rules = policy(threshold=0.0001).rules
    mine = data.draw(st.lists(st.booleans(), min_size=len(touches), max_size=len(touches)))
    assert_as_one(merged(touches, mine, until, rules), touches, until, rules)


@given(st.data())
def test_merges_in_any_order_give_one_customer(data: st.DataObject) -> None:
    rules = policy(threshold=0.0001).rules
    touches = data.draw(touchpoints)
    whose = data.draw(st.lists(st.integers(0, 2), min_size=len(touches), max_size=len(touches)))
    parts = [lived([one for one, n in zip(touches, whose, strict=True) if n == own], rules) for own in range(3)]
    first, second, third = data.draw(st.permutations(parts))
    for part in parts:
        part.tick(at_day(120))
    if data.draw(st.booleans()):
        second.unite(third)
        first.unite(second)
    else:
        first.unite(second)
        first.unite(third)
    assert_as_one(first, touches, 120, rules)


QUIET: Final = st.sampled_from([PASSING, CONTACTED, VISIT, SIGN_UP, REVIEW])


@st.composite
def _two_episodes(draw: st.DrawFn) -> list[Touch]:
    """Touchpoints of two times, between which any silence ends what was."""
    days = draw(st.lists(st.integers(0, 80), min_size=1, max_size=6, unique=True))
    later = draw(st.lists(st.integers(400, 480), min_size=1, max_size=6, unique=True))
    return [touch(day, draw(QUIET), n) for n, day in enumerate([*sorted(days), *sorted(later)])]


@given(_two_episodes(), st.data())
def test_a_merge_of_two_episodes_is_as_if_known_all_along(touches: list[Touch], data: st.DataObject) -> None:
    mine = data.draw(st.lists(st.booleans(), min_size=len(touches), max_size=len(touches)))
    until = data.draw(st.sampled_from([481.0, 700.0]))
    assert_as_one(merged(touches, mine, until), touches, until)
