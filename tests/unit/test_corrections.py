"""Whatever the order of arrival: the facts that stand are those that order of time would have published."""

from typing import Final

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.reference import in_order, is_within_limits, lasting
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
    Published,
    Relationship,
    Touch,
    at_day,
    lived,
    policy,
    touch,
)
from support.sampled import examples

from processors.lifecycle.facts import CAUSE_LATE, CAUSE_SILENCE
from processors.lifecycle.stages import AWARENESS, COMMITMENT, DISSOLUTION, EXPLORATION, UNKNOWN

RULES: Final = policy(commitment_weeks=2, consistency_weeks=3).rules
LATER: Final = START + 5_000 * DAY
Steps = list[tuple[int, int, float]]

moods: Final = st.sampled_from([KINDS, (VISIT, ORDER), (ORDER,), (VISIT, ORDER, SIGN_UP), (CONTACTED, ORDER, LEAVE)])
spans: Final = st.sampled_from([20, 150, 400, 700])


@st.composite
def arrivals(draw: st.DrawFn) -> list[Touch]:
    """A short history in an order of arrival that is that of time, but for one or two touchpoints, or is any."""
    kinds, span = draw(moods), draw(spans)
    moment = st.tuples(st.integers(0, span), st.sampled_from([0.0, 0.0, 0.25, 0.5])).map(sum)
    drawn = draw(st.lists(st.tuples(moment, st.sampled_from(kinds)), min_size=2, max_size=9))
    touches = in_order([touch(day, flags, number) for number, (day, flags) in enumerate(drawn)])
    if draw(st.booleans()):
        return draw(st.permutations(touches))
    for _ in range(draw(st.integers(1, 2))):
        moved = touches.pop(draw(st.integers(0, len(touches) - 1)))
        touches.insert(draw(st.integers(0, len(touches))), moved)
    return touches


def to_the_day(path: list[tuple[int, int, int]]) -> Steps:
    """Stages that lasted, with the instant of each; of commitment the day, all that is kept of it.

    So a commitment on the very day of its episode's end may or may not have lasted: it is left out.
    """
    ends = {(n, at // DAY) for n, stage, at in path if stage == DISSOLUTION}
    lasted = [step for step in lasting(path) if step[1] != COMMITMENT or (step[0], step[2] // DAY) not in ends]
    return [(n, stage, at // DAY * DAY if stage == COMMITMENT else at) for n, stage, at in lasted]


def assert_consistent(relationship: Relationship) -> None:
    """Ids are unique, supersessions name published facts once, and the row and the facts that stand agree."""
    facts = relationship.facts
    ids = [fact.id for fact in facts]
    assert len(set(ids)) == len(ids)
    superseded = [(fact, identity) for fact in facts for identity in fact.supersedes]
    assert len({identity for _, identity in superseded}) == len(superseded), "nothing is superseded twice"
    for fact, identity in superseded:
        assert identity in ids[: facts.index(fact)], "only what was published before"
    standing = relationship.standing
    row = relationship.row
    assert {int(identity) for identity in row.entered_id if identity} <= {fact.id for fact in standing}
    assert row.stage == standing[-1].to_stage
    now = [(fact.to_stage, fact.at) for fact in standing if fact.episode == row.episode]
    assert now == [(k + 1, int(row.entered_at[k])) for k in range(4) if row.entered_id[k]]


def assert_chained(standing: list[Published]) -> None:
    """Each fact that stands departs from the stage where the one before arrived."""
    stage = UNKNOWN
    for fact in standing:
        assert fact.from_stage == stage, fact
        stage = fact.to_stage


@settings(max_examples=examples(300))
@given(arrivals(), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 300)), max_size=3))
def test_any_order_of_arrival_comes_to_what_order_of_time_says(
    arrived: list[Touch], ticks: list[tuple[int, int]]
) -> None:
    assume(is_within_limits(arrived, RULES))
    truth = lived(in_order(arrived), RULES, until=LATER)
    told = Relationship(RULES)
    for number, one in enumerate(arrived):
        told.meet(one)
        for _, days in (tick for tick in ticks if tick[0] == number):
            told.tick(max(told.time, one.at) + days * DAY)
    told.tick(LATER)
    event(f"corrections: {any(fact.cause == CAUSE_LATE for fact in told.facts)}, episodes: {told.row.episode}")
    assert to_the_day(told.path) == to_the_day(truth.path)
    assert_consistent(told)
    assert_chained(told.standing)


@settings(max_examples=examples(200))
@given(arrivals())
def test_beyond_the_limits_too_what_stands_is_one_path_and_the_row_agrees(arrived: list[Touch]) -> None:
    relationship = lived(arrived, RULES, until=LATER)
    assert_consistent(relationship)
    published = len(relationship.facts)
    relationship.judge_by(RULES)
    assert len(relationship.facts) == published, "the stage is what the profile says"


def corrected(before: list[Touch], late: Touch, *, known: float | None = None) -> tuple[Relationship, list[Published]]:
    """The relationship after a late touchpoint, and what it published; ``known``: a tick before it, in days."""
    relationship = lived(before, RULES, until=None if known is None else at_day(known))
    published = len(relationship.facts)
    relationship.meet(late)
    assert_consistent(relationship)
    assert_chained(relationship.standing)
    return relationship, relationship.facts[published:]


def test_a_late_purchase_moves_a_published_silence() -> None:
    relationship, facts = corrected([touch(0, ORDER)], touch(50, ORDER), known=300)
    silence = relationship.facts[1]
    assert (silence.to_stage, silence.cause) == (DISSOLUTION, CAUSE_SILENCE)
    (moved,) = facts
    assert (moved.to_stage, moved.cause, moved.supersedes) == (DISSOLUTION, CAUSE_LATE, (silence.id,))
    assert moved.at > silence.at
    assert relationship.row.stage == DISSOLUTION


def test_a_late_purchase_withdraws_a_published_silence_and_the_stage_before_is_published_again() -> None:
    relationship, facts = corrected([touch(0, ORDER)], touch(90, ORDER), known=100)
    explored, silence = relationship.facts[:2]
    (resumed,) = facts
    assert (resumed.from_stage, resumed.to_stage, resumed.at) == (UNKNOWN, EXPLORATION, START)
    assert (resumed.cause, set(resumed.supersedes)) == (CAUSE_LATE, {explored.id, silence.id})
    assert relationship.row.stage == EXPLORATION
    assert relationship.row.due_at > at_day(100)


def test_a_purchase_at_the_very_instant_of_silence_withdraws_it() -> None:
    relationship = lived([touch(0, ORDER)], RULES)
    relationship.meet(Touch(int(relationship.row.due_at), ORDER, 5))
    assert relationship.days == [(1, EXPLORATION, 0)]


def test_a_late_purchase_folds_a_win_back_into_the_episode_before() -> None:
    before = [touch(0, ORDER), touch(100, ORDER)]
    assert lived(before, RULES).row.episode == 2
    relationship, facts = corrected(before, touch(40, ORDER))
    assert relationship.row.episode == 1
    assert relationship.days == [(1, EXPLORATION, 0), (1, COMMITMENT, 100)]
    gone = {identity for fact in facts for identity in fact.supersedes}
    assert {fact.id for fact in relationship.facts[1:3]} <= gone, "the silence and the return"


def test_a_fold_that_commits_nobody_publishes_exploration_again() -> None:
    relationship, facts = corrected([touch(0, ORDER), touch(100, VISIT)], touch(40, ORDER))
    (resumed,) = facts
    assert {fact.id for fact in relationship.facts[:3]} == set(resumed.supersedes)
    assert relationship.days == [(1, EXPLORATION, 0)]


def test_after_a_fold_an_exit_may_end_the_united_episode() -> None:
    relationship, _ = corrected([touch(0, ORDER), touch(100, ORDER)], touch(40, ORDER))
    relationship.meet(touch(120, LEAVE))
    assert relationship.days[-1:] == [(1, DISSOLUTION, 120)]
    assert_chained(relationship.standing)


def test_a_late_initiative_moves_the_start_of_exploration() -> None:
    relationship, facts = corrected([touch(0, CONTACTED), touch(9, VISIT)], touch(4, VISIT))
    assert relationship.days == [(1, AWARENESS, 0), (1, EXPLORATION, 4)]
    assert [fact.supersedes for fact in facts] == [(relationship.facts[1].id,)]


def test_a_late_initiative_before_all_withdraws_awareness() -> None:
    relationship, _ = corrected([touch(3, CONTACTED), touch(9, VISIT)], touch(1, VISIT))
    assert relationship.days == [(1, EXPLORATION, 1)]


def test_a_late_initiative_moves_the_start_of_a_return() -> None:
    relationship, facts = corrected([touch(0, VISIT), touch(300, VISIT)], touch(250, VISIT))
    assert relationship.days == [(1, EXPLORATION, 0), (1, DISSOLUTION, 180), (2, EXPLORATION, 250)]
    (moved,) = facts
    assert moved.from_stage == DISSOLUTION


def test_a_return_counts_what_came_in_late_from_its_new_start_on() -> None:
    before = [touch(0, ORDER), touch(5, LEAVE), touch(21, ORDER)]
    relationship, _ = corrected(before, touch(14, ORDER | SIGN_UP))
    assert relationship.days[-2:] == [(2, EXPLORATION, 14), (2, COMMITMENT, 21)]


def test_a_return_that_moves_into_a_purchase_week_of_the_episode_before_shares_it() -> None:
    before = [touch(0, ORDER), touch(1, LEAVE), touch(9, ORDER | SIGN_UP)]
    relationship, _ = corrected(before, touch(2, ORDER))
    assert relationship.days[-1:] == [(2, EXPLORATION, 2)], "one week counts: the first is the other episode's"


def test_a_late_initiative_after_an_end_opens_an_episode_though_other_touchpoints_came_since() -> None:
    relationship, facts = corrected([touch(0, ORDER), touch(5, LEAVE), touch(50, CONTACTED)], touch(20, VISIT))
    assert relationship.days == [(1, EXPLORATION, 0), (1, DISSOLUTION, 5), (2, EXPLORATION, 20)]
    assert [fact.cause for fact in facts] == [CAUSE_LATE]
    assert relationship.row.stage == EXPLORATION


def test_a_late_return_ends_with_the_exit_that_is_known_already() -> None:
    relationship, facts = corrected([touch(0, VISIT), touch(200, LEAVE)], touch(190, VISIT))
    assert relationship.days[1:] == [(1, DISSOLUTION, 180), (2, EXPLORATION, 190), (2, DISSOLUTION, 200)]
    assert [fact.cause for fact in facts] == [CAUSE_LATE, CAUSE_LATE]


def test_a_late_contact_puts_awareness_before_exploration() -> None:
    relationship, facts = corrected([touch(5, VISIT), touch(6, ORDER)], touch(1, CONTACTED))
    assert relationship.days == [(1, AWARENESS, 1), (1, EXPLORATION, 5)]
    assert [(fact.from_stage, fact.to_stage) for fact in facts] == [(UNKNOWN, AWARENESS), (AWARENESS, EXPLORATION)]


def test_a_late_contact_puts_awareness_before_what_went_on_to_commitment() -> None:
    committed = [touch(5, ORDER | SIGN_UP), touch(12, ORDER)]
    relationship, facts = corrected(committed, touch(1, CONTACTED))
    assert relationship.days == [(1, AWARENESS, 1), (1, EXPLORATION, 5), (1, COMMITMENT, 12)]
    assert len(facts) == 2, "commitment departs from exploration as before"


def test_a_late_investment_makes_commitment_known() -> None:
    relationship, facts = corrected([touch(0, ORDER), touch(7, ORDER), touch(9, CONTACTED)], touch(8, REVIEW))
    assert relationship.days[-1:] == [(1, COMMITMENT, 8)]
    assert [fact.cause for fact in facts] == [CAUSE_LATE]


@pytest.mark.parametrize("leaving", [LEAVE, BLOCK])
def test_a_late_exit_moves_a_published_silence(leaving: int) -> None:
    relationship, facts = corrected([touch(0, ORDER), touch(30, CONTACTED)], touch(20, leaving), known=200)
    assert relationship.days == [(1, EXPLORATION, 0), (1, DISSOLUTION, 20)]
    assert facts[0].supersedes == (relationship.facts[1].id,)


def test_a_late_exit_withdraws_what_could_not_follow_it() -> None:
    before = [touch(0, CONTACTED), touch(30, CONTACTED)]
    relationship, _ = corrected(before, touch(20, LEAVE))
    assert relationship.days == [(1, AWARENESS, 0), (1, DISSOLUTION, 20)]


def test_of_two_exits_the_first_counts_whichever_is_late() -> None:
    relationship, _ = corrected([touch(0, ORDER), touch(40, LEAVE)], touch(30, BLOCK))
    assert relationship.days[-1:] == [(1, DISSOLUTION, 30)]
    relationship.meet(touch(20, ORDER))
    assert relationship.days[-1:] == [(1, DISSOLUTION, 30)], "what else is late does not bring the other back"
    relationship.meet(touch(35, BLOCK, 1))
    assert relationship.days[-1:] == [(1, DISSOLUTION, 30)]


def test_a_late_exit_in_the_episode_before_moves_its_end() -> None:
    relationship, _ = corrected([touch(0, ORDER), touch(200, ORDER)], touch(20, LEAVE))
    assert relationship.days[:3] == [(1, EXPLORATION, 0), (1, DISSOLUTION, 20), (2, EXPLORATION, 200)]
    relationship.meet(touch(15, ORDER))
    assert relationship.days[1:2] == [(1, DISSOLUTION, 20)], "the exit stands whatever silence would do"


def test_an_exit_counts_as_taken_back_where_a_later_initiative_is_known() -> None:
    relationship, facts = corrected([touch(0, ORDER), touch(30, VISIT)], touch(20, LEAVE))
    assert (relationship.days, facts) == ([(1, EXPLORATION, 0)], [])


def test_a_late_purchase_ends_no_relationship_that_is_known_to_have_gone_on() -> None:
    relationship, _ = corrected([touch(0, VISIT), touch(120, VISIT), touch(200, VISIT)], touch(5, ORDER))
    assert relationship.days == [(1, EXPLORATION, 0)]
    assert relationship.row.due_at == at_day(380)


@pytest.mark.parametrize("first", [VISIT, LEAVE])
def test_an_exit_stands_against_an_initiative_of_its_millisecond(first: int) -> None:
    both = [touch(5, first), touch(5, VISIT if first == LEAVE else LEAVE)]
    relationship = lived([touch(0, ORDER), *both, touch(9, VISIT)], RULES)
    assert lasting(relationship.path) == [
        (1, EXPLORATION, START),
        (1, DISSOLUTION, at_day(5)),
        (2, EXPLORATION, at_day(9)),
    ]
    assert_consistent(relationship)


def test_touchpoints_of_one_millisecond_come_to_the_same_in_any_order() -> None:
    together = [touch(0, CONTACTED), touch(0, ORDER), touch(0, SIGN_UP), touch(0, PASSING)]
    for arrived in (together, together[::-1]):
        assert lasting(lived(arrived, RULES).path) == [(1, EXPLORATION, START)]


def test_a_correction_of_the_episode_before_counts_that_episodes_weeks() -> None:
    before = [touch(0, ORDER), touch(9, LEAVE), touch(100, ORDER), touch(107, ORDER)]
    _, facts = corrected(before, touch(7, ORDER | SIGN_UP))
    assert [(fact.episode, fact.to_stage, fact.weeks) for fact in facts[:1]] == [(1, COMMITMENT, 2)]
