"""Every key of ``expect``: which column answers it, in which words, and what a difference says."""

import datetime as dt
from typing import Any, Final

import pytest
from support.stories import story_of

from processors.policy.rules import TRUST_FACTORS
from streams.reports.tables import PROFILES, TRANSITIONS
from streams.stories.compare import answers, differences
from streams.stories.expectations import EXPECTATIONS, PUBLISHED, TRIGGERS
from streams.stories.run import Outcome
from streams.stories.story import Within

PROFILE: Final[dict[str, Any]] = {
    "stage": "dissolution",
    "ended_by": "customer",
    "end_reason": "neglect",
    "let_go": ["norm_violator", "deal_seeker"],
    "bond_type": "emotional",
    "bond_strength": "weak",
    "relationship_type": "communal",
    "involvement": "enduring",
    "observed_category": "community",
    "recommended_category": "co_creation",
    "motivation": "retention",
    "next_step": "remind",
    "value_tier": "",
    "need": "price",
    "risk_band": "high",
    "churn_risk": 0.8512,
    "p_alive": 0.25,
    "clv_minor": 123456.0,
    "currency": "USD",
    "commitment_contribution": 0.0,
    "commitment_investment": 0.2549,
    "commitment_consistency": 1.0,
    "trust_signs": ["none", "positive", "negative", "none", "positive", "negative", "none"],
}
ENDED: Final = [
    {"to_stage": "exploration", "cause": "touchpoint"},
    {"to_stage": "dissolution", "cause": "silence"},
]


def told(expect: str, **profile: Any) -> list[str]:
    """Differences in words, from the outcome above with other columns."""
    story = story_of(expect=f"at = 2025-02-01\n{expect}")
    return [str(each) for each in differences(story, Outcome(PROFILE | profile, ENDED, [], []))]


RIGHT: Final = {
    'stage = "dissolution"': 'stage = "exploration"',
    'path = ["exploration", "dissolution"]': "path = []",
    'causes = ["touchpoint", "silence"]': 'causes = ["silence", "touchpoint"]',
    'dissolution = { by = "customer" }': 'dissolution = { by = "firm" }',
    'dissolution = { reason = "neglect" }': 'dissolution = { reason = "none" }',
    'let_go = ["deal_seeker", "norm_violator"]': 'let_go = ["deal_seeker"]',
    'bond = { type = "emotional" }': 'bond = { type = "both" }',
    'bond = { strength = "weak" }': 'bond = { strength = "strong" }',
    'relationship = "communal"': 'relationship = "exchange"',
    'involvement = "enduring"': 'involvement = "situational"',
    'category = { observed = "community" }': 'category = { observed = "co_creation" }',
    'category = { recommended = "co_creation" }': 'category = { recommended = "community" }',
    'motivation = "retention"': 'motivation = "expansion"',
    'next_step = "remind"': 'next_step = "let_rest"',
    'tier = "none"': 'tier = "low"',
    'need = "price"': 'need = "none"',
    'risk = "high"': 'risk = "low"',
    "p_alive = 0.25": "p_alive = 0.2",
    "value = 1234.56": "value = 123456",
    "commitment = { contribution = 0 }": "commitment = { contribution = 1 }",
    "commitment = { investment = 0.25 }": "commitment = { investment = 0.2 }",
    "commitment = { consistency = [0.9, 1] }": "commitment = { consistency = [0.8, 0.9] }",
    'trust = { brand = "none" }': 'trust = { brand = "positive" }',
    'trust = { third_party_rating = "positive" }': 'trust = { third_party_rating = "none" }',
    'trust = { security_and_privacy = "negative" }': 'trust = { security_and_privacy = "positive" }',
    'trust = { technology = "none" }': 'trust = { technology = "negative" }',
    'trust = { fulfilment = "positive" }': 'trust = { fulfilment = "negative" }',
    'trust = { support_and_service = "negative" }': 'trust = { support_and_service = "none" }',
    'trust = { knowledge = "none" }': 'trust = { knowledge = "positive" }',
}


@pytest.mark.parametrize("key", ["tier", "need", "category.recommended"])
def test_none_is_another_word_for_what_is_not_known(key: str) -> None:
    column = EXPECTATIONS[key].column
    for word in ("none", "not_known"):
        assert told(f'{key} = "{word}"', **{column: "not_known"}) == []
    assert told(f'{key} = "none"', **{column: ""}) == []
    assert len(told(f'{key} = "not_known"', **{column: ""})) == 1


@pytest.mark.parametrize("expect", RIGHT)
def test_what_is_as_expected_makes_no_difference(expect: str) -> None:
    assert told(expect) == []


@pytest.mark.parametrize("expect", RIGHT.values())
def test_what_is_otherwise_is_one_difference(expect: str) -> None:
    assert len(told(expect)) == 1


def test_every_key_is_covered_here() -> None:
    assert len(RIGHT) == len(EXPECTATIONS) + len(PUBLISHED)


def test_risk_is_a_word_or_a_number() -> None:
    assert told("risk = 0.85") == told("risk = [0.8, 0.9]") == []
    assert told("risk = 1") == ["risk: expected 0.995 to 1.005, got 0.8512"]


def test_value_is_in_major_units_whatever_the_currency() -> None:
    assert told("value = 123456", currency="JPY") == []
    assert told("value = 123.456", currency="KWD") == []


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ('stage = "exploration"', "stage: expected exploration, got dissolution"),
        ('path = ["exploration"]', "path: expected exploration, got exploration, dissolution"),
        ("causes = []", "causes: expected nothing, got touchpoint, silence"),
        ('dissolution = { by = "both" }', "dissolution.by: expected both, got customer"),
        ("let_go = []", "let_go: expected nothing, got norm_violator, deal_seeker"),
        ("commitment = { investment = [0.3, 0.5] }", "commitment.investment: expected 0.3 to 0.5, got 0.2549"),
        ('trust = { fulfilment = "none" }', "trust.fulfilment: expected none, got positive"),
    ],
)
def test_a_difference_in_words(expect: str, words: str) -> None:
    assert told(expect) == [words]


def test_who_did_not_leave_was_not_ended_by_anybody() -> None:
    still_there = {"ended_by": "", "end_reason": ""}
    assert told('dissolution = { by = "none", reason = "none" }', **still_there) == []
    assert told('dissolution = { by = "customer", reason = "explicit" }', **still_there) == [
        "dissolution.by: expected customer, got none",
        "dissolution.reason: expected explicit, got none",
    ]


def test_all_differences_are_told_and_only_of_what_is_expected() -> None:
    assert told("") == []
    assert len(told('stage = "awareness"\nmotivation = "expansion"\nbond = { type = "none", strength = "none" }')) == 4


def test_rejected_touchpoints_are_differences() -> None:
    story = story_of(expect='at = 2025-02-01\nstage = "exploration"')
    outcome = Outcome(PROFILE | {"stage": "exploration"}, ENDED, [(2, "no rate")], [])
    assert [str(each) for each in differences(story, outcome)] == [
        "touchpoints[2]: expected an accepted touchpoint, got a reject: no rate"
    ]
    nobody = Outcome(None, [], [(1, "no rate")], [])
    assert [each.key for each in differences(story, nobody)] == ["touchpoints[1]", "customer"]


def test_the_answers_are_in_the_words_that_a_story_may_use() -> None:
    got = answers(Outcome(PROFILE, ENDED, [], []))
    allowed = {key: each.allowed for key, each in EXPECTATIONS.items()}
    allowed |= {key: each.allowed for key, each in PUBLISHED.items()}
    assert got.keys() == allowed.keys() | {TRIGGERS}
    assert got.pop(TRIGGERS) == ()
    for key, answer in got.items():
        if isinstance(answer, Within):
            assert not allowed[key]
            continue
        assert {answer} if isinstance(answer, str) else set(answer) <= set(allowed[key])


def test_a_sign_of_trust_for_each_factor() -> None:
    assert len(PROFILE["trust_signs"]) == len(TRUST_FACTORS)


def test_the_columns_that_answer_are_columns_of_the_reports() -> None:
    assert {each.column for each in PUBLISHED.values()} <= set(TRANSITIONS.names)
    assert "stage" in PROFILES.names


def test_triggers_are_compared_in_order_and_an_instant_may_be_left_open() -> None:
    at = dt.datetime(2026, 1, 10, 11, 20, tzinfo=dt.UTC)
    outcome = Outcome(PROFILE, ENDED, [], [], [{"rule": "cart_abandoned", "outcome": "sent", "at": at}])
    assert answers(outcome)[TRIGGERS] == ("cart_abandoned sent 2026-01-10T11:20:00.000Z",)

    def differing(told: str) -> list[str]:
        story = story_of(expect=f"at = 2026-02-01\ntriggers = [{told}]")
        return [each.key for each in differences(story, outcome)]

    assert differing('{ rule = "cart_abandoned", outcome = "sent" }') == []
    assert differing('{ rule = "cart_abandoned", outcome = "sent", at = 2026-01-10T11:20:00Z }') == []
    assert differing('{ rule = "cart_abandoned", outcome = "sent", at = 2026-01-10T11:21:00Z }') == ["triggers"]
    assert differing('{ rule = "cart_abandoned", outcome = "withdrawn" }') == ["triggers"]
    assert differing("") == ["triggers"]
