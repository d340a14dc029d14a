"""Stages of one customer: every rule, to the millisecond, and a plain reference for all histories in order of time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reference import history, in_order, lasting
from support.relationship import (
    BLOCK,
    CONTACTED,
    DAY,
    KINDS,
    LEAVE,
    ORDER,
    PASSING,
    REVIEW,
    SIGN_UP,
    START,
    VISIT,
    Relationship,
    Touch,
    at_day,
    lived,
    policy,
    touch,
)

from processors.lifecycle.facts import CAUSE_SILENCE, CAUSE_TOUCHPOINT
from processors.lifecycle.stages import AWARENESS, COMMITMENT, DISSOLUTION, EXPLORATION, UNKNOWN, stage_at
from processors.models.churn import bg_crossing, bg_p_alive, mbg_crossing, mbg_p_alive
from processors.policy.policy import hash_of, read_policy
from processors.policy.rules import REFUND
from schemas.reasons import OK
from schemas.touchpoint import AMOUNT_MINOR, CUSTOMER_ID, EVENT_ID, KIND, OCCURRED_AT, RECEIVED_AT, SLOTS
from streams.engine.reading import contact_of, meaning_of

POLICY = policy()
RULES = POLICY.rules
WORDS = POLICY.vocabulary
EASY = policy(commitment_weeks=2, consistency_weeks=3).rules
LATER = START + 20_000 * DAY
MONDAYS = range(0, 70, 7)  # days; the tests' histories start on one


def steps(touches: list[Touch], until: int | None = None) -> list[tuple[int, int, float]]:
    """(episode, stage, days since the start) of what was published."""
    return lived(touches, RULES, until=until).days


def test_who_is_contacted_becomes_aware() -> None:
    assert steps([touch(1, CONTACTED)]) == [(1, AWARENESS, 1)]
    assert steps([touch(1, PASSING)]) == [(1, AWARENESS, 1)]


def test_awareness_may_stall_for_ever() -> None:
    assert steps([touch(0, CONTACTED), touch(300, CONTACTED)], LATER) == [(1, AWARENESS, 0)]


@pytest.mark.parametrize("initiative", [VISIT, ORDER, SIGN_UP, REVIEW])
def test_initiative_begins_exploration(initiative: int) -> None:
    assert steps([touch(0, CONTACTED), touch(2, initiative), touch(3, VISIT)]) == [
        (1, AWARENESS, 0),
        (1, EXPLORATION, 2),
    ]
    assert steps([touch(0, initiative)]) == [(1, EXPLORATION, 0)]


def test_three_purchase_weeks_and_an_investment_make_commitment() -> None:
    orders = [touch(day, ORDER) for day in (0, 7, 14)]
    assert steps(orders) == [(1, EXPLORATION, 0)], "three weeks alone are too few"
    for given_ in (SIGN_UP, REVIEW):
        assert steps([*orders, touch(15.5, given_)])[-1] == (1, COMMITMENT, 15.5)
        assert steps([*orders[:2], touch(9, given_), orders[2]])[-1] == (1, COMMITMENT, 14)
    assert steps([*orders[:2], touch(9, REVIEW)]) == [(1, EXPLORATION, 0)]


def test_six_purchase_weeks_make_commitment_by_consistency() -> None:
    assert steps([touch(day, ORDER) for day in MONDAYS[:5]]) == [(1, EXPLORATION, 0)]
    assert steps([touch(day, ORDER) for day in MONDAYS[:6]])[-1] == (1, COMMITMENT, 35)


def test_weeks_are_different_from_monday_on_to_the_millisecond() -> None:
    invested = [touch(0, SIGN_UP), touch(0, ORDER), touch(7, ORDER)]
    sunday = Touch(at_day(14) - 1, ORDER, 77)
    monday = Touch(at_day(14), ORDER, 78)
    assert steps([*invested, sunday]) == [(1, EXPLORATION, 0)]
    assert steps([*invested, sunday, monday])[-1] == (1, COMMITMENT, 14)


def test_awareness_may_be_followed_by_commitment_at_once() -> None:
    quick = policy(commitment_weeks=1).rules
    relationship = lived([touch(0, CONTACTED), touch(1, ORDER | SIGN_UP)], quick)
    assert [(f.from_stage, f.to_stage) for f in relationship.facts] == [
        (UNKNOWN, AWARENESS),
        (AWARENESS, COMMITMENT),
    ]


def test_without_a_purchase_the_hiatus_ends_exploration_to_the_millisecond() -> None:
    end = at_day(183)
    relationship = lived([touch(0, CONTACTED), touch(1, VISIT), touch(3, VISIT), touch(9, CONTACTED)], RULES)
    assert relationship.row.due_at == end
    relationship.tick(end - 1)
    assert relationship.row.stage == EXPLORATION
    relationship.tick(end)
    (fact,) = relationship.facts[2:]
    assert (fact.to_stage, fact.at, fact.cause) == (DISSOLUTION, end, CAUSE_SILENCE)


def test_a_sign_of_life_at_the_end_of_the_hiatus_keeps_the_relationship_and_one_later_wins_it_back() -> None:
    first, end = touch(0, VISIT), at_day(180)
    assert lived([first, Touch(end, VISIT, 5)], RULES).path == [(1, EXPLORATION, START)]
    assert lived([first, Touch(end + 1, VISIT, 5)], RULES).path == [
        (1, EXPLORATION, START),
        (1, DISSOLUTION, end),
        (2, EXPLORATION, end + 1),
    ]


@pytest.mark.parametrize("model", ["mbgnbd", "bgnbd"])
@pytest.mark.parametrize("unit", ["day", "week"])
@pytest.mark.parametrize("days", [[0.0, 3.25], [0.0, 5.0, 5.5, 31.75], [0.5, 1.0, 1.5, 2.5, 3.5, 40.0]])
def test_silence_ends_a_relationship_where_p_alive_crosses_the_threshold(
    model: str, unit: str, days: list[float]
) -> None:
    rules = policy(model=model, unit=unit, threshold=0.55).rules
    crossing, p_alive = (mbg_crossing, mbg_p_alive) if model == "mbgnbd" else (bg_crossing, bg_p_alive)
    relationship = lived([touch(day, ORDER) for day in days], rules)
    first, x = at_day(days[0]), float(len({int(day) for day in days}) - 1)
    t_x = (at_day(days[-1]) - first) / rules.unit_ms
    parameters = (rules.r, rules.alpha, rules.a, rules.b, x, t_x)
    due = int(relationship.row.due_at)
    assert due == first + int(np.ceil(crossing(*parameters, rules.threshold) * rules.unit_ms))
    assert p_alive(*parameters, (due - first) / rules.unit_ms) <= rules.threshold + 1e-12
    assert p_alive(*parameters, (due - first - 1) / rules.unit_ms) >= rules.threshold - 1e-12
    relationship.tick(due - 1)
    assert relationship.row.stage == EXPLORATION
    relationship.tick(due)
    assert relationship.path[-1][1:] == (DISSOLUTION, due)


def test_under_bg_nbd_a_single_purchase_never_falls_silent() -> None:
    relationship = lived([touch(0, ORDER)], policy(model="bgnbd").rules, until=LATER)
    assert relationship.days == [(1, EXPLORATION, 0)]


def test_several_purchases_of_a_day_are_one_repeat_at_most() -> None:
    once = lived([touch(0, ORDER), touch(9.5, ORDER)], RULES)
    twice = lived([touch(0, ORDER), touch(0.5, ORDER), touch(9.25, ORDER), touch(9.5, ORDER)], RULES)
    assert once.row.due_at == twice.row.due_at


@pytest.mark.parametrize("leaving", [LEAVE, BLOCK])
@pytest.mark.parametrize("before", [[CONTACTED], [VISIT], [ORDER]])
def test_an_exit_by_either_side_ends_a_relationship_at_once(leaving: int, before: list[int]) -> None:
    relationship = lived([*(touch(0, flags) for flags in before), touch(4.5, leaving)], RULES)
    fact = relationship.facts[-1]
    assert (fact.to_stage, fact.at, fact.cause) == (DISSOLUTION, at_day(4.5), CAUSE_TOUCHPOINT)


def test_only_initiative_wins_back() -> None:
    over = [touch(0, ORDER), touch(5, LEAVE)]
    assert steps([*over, touch(6, CONTACTED), touch(7, PASSING), touch(8, BLOCK), touch(9, LEAVE)], LATER) == [
        (1, EXPLORATION, 0),
        (1, DISSOLUTION, 5),
    ]
    relationship = lived([*over, touch(9, VISIT)], RULES)
    fact = relationship.facts[-1]
    assert (fact.episode, fact.from_stage, fact.to_stage) == (2, DISSOLUTION, EXPLORATION)


def test_a_won_back_relationship_without_a_purchase_ends_by_the_hiatus() -> None:
    assert steps([touch(0, ORDER), touch(5, LEAVE), touch(9, VISIT)], LATER)[-1] == (2, DISSOLUTION, 189)


def test_commitment_is_counted_anew_in_each_episode() -> None:
    first = [touch(0, SIGN_UP), touch(1, ORDER), touch(8, ORDER), touch(9, LEAVE)]
    again = [touch(day, ORDER) for day in (21, 28, 35)]
    assert steps([*first, *again])[-1] == (2, EXPLORATION, 21), "the investment was the first episode's"
    assert steps([*first, *again, touch(36, REVIEW)])[-1] == (2, COMMITMENT, 36)


def test_a_purchase_week_shared_by_two_episodes_counts_once() -> None:
    over = [touch(0, ORDER), touch(1, LEAVE)]
    same_week = [touch(2, ORDER | SIGN_UP), touch(7, ORDER)]
    assert steps([*over, *same_week, touch(14, ORDER)])[-1] == (2, EXPLORATION, 2)
    assert steps([*over, *same_week, touch(14, ORDER), touch(21, ORDER)])[-1] == (2, COMMITMENT, 21)
    unshared = [touch(0, VISIT), touch(1, LEAVE), *same_week, touch(14, ORDER)]
    assert steps(unshared)[-1] == (2, COMMITMENT, 14), "the first episode held no purchase"


@pytest.mark.parametrize(("amount", "flags"), [(0, VISIT), (1, ORDER), (-500, REFUND), (500, ORDER)])
def test_an_order_of_nothing_is_initiative_and_one_of_less_takes_back(amount: int, flags: int) -> None:
    buffer = np.frombuffer(b"annaorder_completed", np.uint8)
    slots = np.zeros((SLOTS, 2), np.int64)
    slots[:, 1] = -1
    slots[CUSTOMER_ID] = slots[EVENT_ID] = (0, 4)
    slots[KIND] = (4, len("order_completed"))
    slots[OCCURRED_AT] = slots[RECEIVED_AT] = (START, 0)
    slots[AMOUNT_MINOR] = (amount, 0)
    meaning = meaning_of(buffer, slots, RULES, WORDS)
    assert meaning.reason == OK
    reason, contact = contact_of(buffer, slots, RULES, WORDS, meaning)
    assert reason == OK
    assert contact.flags == flags


def test_the_policy_names_the_kind_of_that_order() -> None:
    assert hash_of("order_completed") in read_policy(POLICY.text).vocabulary.kind_hashes


def test_a_stage_is_a_function_of_profile_and_instant() -> None:
    row = lived([touch(0, CONTACTED), touch(1, ORDER)], RULES).row
    due = int(row.due_at)
    assert [stage_at(row, RULES, at) for at in (due - 1, due, LATER)] == [EXPLORATION, DISSOLUTION, DISSOLUTION]
    assert stage_at(Relationship(RULES).row, RULES, LATER) == UNKNOWN


moments = st.one_of(
    st.integers(0, 900).map(float),
    st.integers(0, 40).map(lambda half: half / 2),
    st.floats(0, 900, allow_nan=False).map(lambda day: round(day * DAY) / DAY),
)
histories = st.lists(st.tuples(moments, st.sampled_from(KINDS)), min_size=1, max_size=14).map(
    lambda drawn: in_order([touch(day, flags, number) for number, (day, flags) in enumerate(drawn)])
)


@given(histories, st.sampled_from([RULES, EASY]))
def test_histories_in_order_of_time_are_what_the_plain_rules_say(touches: list[Touch], rules: object) -> None:
    relationship = lived(touches, rules, until=LATER)
    expected = history(touches, rules, LATER).path()
    got = lasting(relationship.path)
    assert [step[:2] for step in got] == [step[:2] for step in expected]
    for (_, _, at), (_, _, instant) in zip(got, expected, strict=True):
        assert abs(at - instant) <= 1, "but for the rounding of the formula"
