"""Time and policy are messages: the spacing of ticks changes nothing, and a policy speaks once."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from support.reference import in_order
from support.relationship import (
    DAY,
    KINDS,
    ORDER,
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

from processors.lifecycle.facts import CAUSE_LATE, CAUSE_POLICY, CAUSE_SILENCE
from processors.lifecycle.stages import COMMITMENT, DISSOLUTION, EXPLORATION, stage_at
from processors.policy.rules import Rules

RULES: Final = policy().rules
EASY: Final = policy(commitment_weeks=1, consistency_weeks=2, hiatus_days=30).rules
STRICT: Final = policy(commitment_weeks=9, consistency_weeks=20, threshold=0.6).rules
LATER: Final = START + 3_000 * DAY

moments: Final = st.integers(0, 1_600).map(lambda half: half / 2)
histories: Final = st.lists(st.tuples(moments, st.sampled_from(KINDS)), min_size=1, max_size=10).map(
    lambda drawn: in_order([touch(day, flags, number) for number, (day, flags) in enumerate(drawn)])
)
ticks: Final = st.lists(st.integers(START, LATER), max_size=12)


def essence(facts: list[Published]) -> list[tuple[object, ...]]:
    """All of a fact but when it came to be known."""
    return [(f.id, f.episode, f.from_stage, f.to_stage, f.at, f.cause, f.supersedes, f.weeks) for f in facts]


@given(histories, ticks)
def test_ticks_between_touchpoints_change_no_fact(touches: list[Touch], between: list[int]) -> None:
    without = lived(touches, RULES, until=LATER)
    ticked = lived(touches, RULES, until=LATER, ticks=between)
    assert essence(ticked.facts) == essence(without.facts)
    assert ticked.row.tobytes() == without.row.tobytes()


def test_silence_is_dated_by_its_instant_and_known_by_what_showed_it() -> None:
    relationship = lived([touch(0, VISIT), touch(400, VISIT)], RULES)
    silence = relationship.facts[1]
    assert (silence.cause, silence.at, silence.known_at) == (CAUSE_SILENCE, at_day(180), at_day(400))
    relationship = lived([touch(0, VISIT)], RULES, until=at_day(190))
    assert relationship.facts[1].known_at == at_day(190)
    assert relationship.facts[1].id == silence.id


def test_a_timer_that_a_touchpoint_sets_in_the_past_fires_with_it() -> None:
    relationship = Relationship(RULES)
    relationship.tick(at_day(500))
    relationship.meet(touch(0, VISIT))
    assert relationship.days == [(1, EXPLORATION, 0), (1, DISSOLUTION, 180)]
    relationship.meet(touch(300, VISIT))
    assert relationship.days[2:] == [(2, EXPLORATION, 300), (2, DISSOLUTION, 480)]
    assert all(fact.cause != CAUSE_LATE for fact in relationship.facts), (
        "behind the tick, and yet in the customer's order"
    )


def test_a_silence_speaks_once() -> None:
    relationship = lived([touch(0, VISIT)], RULES, until=at_day(180))
    for day in (180, 181, 1_000):
        relationship.tick(at_day(day))
    assert len(relationship.facts) == 2


@given(histories, st.permutations([RULES, EASY, STRICT]), st.integers(0, 400))
def test_a_policy_speaks_once_for_a_customer(touches: list[Touch], policies: list[Rules], days: int) -> None:
    before, after, _ = policies
    relationship = lived(touches, before, until=touches[-1].at + days * DAY)
    published = len(relationship.facts)
    relationship.judge_by(after)
    new = relationship.facts[published:]
    assert [fact.cause for fact in new] in ([], [CAUSE_POLICY])
    assert relationship.row.stage == stage_at(relationship.row, after, relationship.time)
    assert all((fact.at, fact.to_stage) == (relationship.time, relationship.row.stage) for fact in new)
    due = int(relationship.row.due_at)
    assert due > relationship.time
    relationship.judge_by(after)
    assert len(relationship.facts) == published + len(new), "the same policy again says nothing"
    assert relationship.row.due_at == due


def test_a_policy_that_asks_for_less_commits() -> None:
    relationship = lived([touch(0, ORDER), touch(1, SIGN_UP)], RULES, until=at_day(9))
    relationship.judge_by(EASY)
    fact = relationship.facts[-1]
    assert (fact.from_stage, fact.to_stage, fact.at, fact.cause) == (EXPLORATION, COMMITMENT, at_day(9), CAUSE_POLICY)
    assert fact.supersedes == ()


def test_a_policy_with_a_shorter_hiatus_ends_what_is_over_by_it_and_a_longer_one_resumes_it() -> None:
    relationship = lived([touch(0, VISIT)], RULES, until=at_day(90))
    relationship.judge_by(EASY)
    assert relationship.days[-1:] == [(1, DISSOLUTION, 90)]
    relationship.judge_by(RULES)
    fact = relationship.facts[-1]
    assert (fact.from_stage, fact.to_stage, fact.episode) == (DISSOLUTION, EXPLORATION, 1)
    assert relationship.row.due_at == at_day(180)
    relationship.tick(at_day(200))
    assert relationship.facts[-1].at == at_day(180)


def test_a_policy_has_nothing_to_say_of_nobody() -> None:
    relationship = Relationship(RULES)
    relationship.judge_by(EASY)
    assert (relationship.facts, int(relationship.row.stage)) == ([], 0)


def test_what_an_earlier_policy_published_stays_where_a_late_touchpoint_does_not_move_it() -> None:
    relationship = lived([touch(0, VISIT)], RULES, until=at_day(200))
    relationship.judge_by(EASY)
    published = len(relationship.facts)
    relationship.meet(touch(-5, VISIT))
    (moved,) = relationship.facts[published:]
    assert (moved.to_stage, moved.at) == (EXPLORATION, at_day(-5))
    assert relationship.days[-1:] == [(1, DISSOLUTION, 180)]
