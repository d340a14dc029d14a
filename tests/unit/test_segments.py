"""Value tiers and needs with their hysteresis, motivations and the next best step."""

from typing import Any, Final

import pytest
from support.presets import Customer, as_record, policy_of

from processors.judgements.catalogue import MOTIVATIONS, NEEDS, RELATIONSHIPS, STEPS, TIERS
from processors.judgements.motivation import motivation, next_step
from processors.judgements.needs import ADVICE, BELONGING, CONVENIENCE, PRICE, need
from processors.judgements.value import TIER_HIGH, TIER_LOW, TIER_MIDDLE, tier
from processors.lifecycle.stages import AWARENESS, DISSOLUTION, EXPLORATION

RULES: Final = policy_of().rules  # low < 200 <= middle < 2,000 <= high, in major units; hysteresis a tenth


@pytest.mark.parametrize(
    ("value", "published", "expected"),
    [
        (199.99, 0, TIER_LOW),
        (200.0, 0, TIER_MIDDLE),
        (1999.99, 0, TIER_MIDDLE),
        (2000.0, 0, TIER_HIGH),
        (-50.0, 0, TIER_LOW),
        (219.99, TIER_LOW, TIER_LOW),
        (220.01, TIER_LOW, TIER_MIDDLE),
        (180.0, TIER_MIDDLE, TIER_MIDDLE),
        (179.99, TIER_MIDDLE, TIER_LOW),
        (2199.99, TIER_MIDDLE, TIER_MIDDLE),
        (2200.01, TIER_MIDDLE, TIER_HIGH),
        (1800.0, TIER_HIGH, TIER_HIGH),
        (1799.99, TIER_HIGH, TIER_MIDDLE),
        (2200.01, TIER_LOW, TIER_HIGH),
        (179.99, TIER_HIGH, TIER_LOW),
    ],
)
def test_a_tier_is_left_only_beyond_its_hysteresis(value: float, published: int, expected: int) -> None:
    assert TIERS[tier(RULES, value * 100, published)] == TIERS[expected]


def test_a_tier_stays_where_it_came_to() -> None:
    for value in range(-100, 4000, 7):
        for published in range(4):
            now = tier(RULES, value * 100.0, published)
            assert tier(RULES, value * 100.0, now) == now


def customer(discounted: int, purchases: int, given: int = 0) -> Customer:
    """All on one day, so that nothing fades."""
    told: list[tuple[Any, ...]] = [
        (0, "order_completed", 50.0, {"discount": 5.0 * (n < discounted), "number": n}) for n in range(purchases)
    ]
    return Customer().all(*told, *((0, "community_posted", {"number": n}) for n in range(given)))


@pytest.mark.parametrize(
    ("who", "often", "expected"),
    [
        ((0, 0), False, CONVENIENCE),
        ((1, 1), False, CONVENIENCE),  # a single purchase tells nothing of price
        ((1, 2), False, PRICE),
        ((1, 3), False, CONVENIENCE),
        ((0, 2), True, ADVICE),
        ((2, 2), True, ADVICE),
        ((0, 1, 1), False, CONVENIENCE),
        ((0, 1, 2), False, BELONGING),
        ((2, 2, 3), True, BELONGING),
        ((2, 2, 2), False, PRICE),
    ],
)
def test_the_need_is_belonging_then_advice_then_price(who: tuple[int, ...], often: bool, expected: int) -> None:
    assert NEEDS[need(customer(*who).row, RULES, often, 0)] == NEEDS[expected]


@pytest.mark.parametrize(
    ("who", "published", "expected"),
    [
        ((9, 20), PRICE, PRICE),
        ((9, 20), CONVENIENCE, CONVENIENCE),
        ((4, 9), PRICE, CONVENIENCE),
        ((0, 13, 11), BELONGING, BELONGING),  # 11 of 24 is more than nine tenths of a half
        ((0, 13, 11), CONVENIENCE, CONVENIENCE),
        ((0, 13, 10), BELONGING, CONVENIENCE),
        ((0, 2), ADVICE, CONVENIENCE),
    ],
)
def test_a_need_that_was_published_is_left_only_below_the_hysteresis(
    who: tuple[int, ...], published: int, expected: int
) -> None:
    row = customer(*who).row
    assert NEEDS[need(row, RULES, False, published)] == NEEDS[expected]
    assert need(row, RULES, False, expected) == expected, "and it stays where it came to"


def wanted(who: Customer, *, at_risk: bool = False, is_high: bool = False, stage: int = EXPLORATION) -> str:
    row = as_record(who.row)
    row.stage = stage
    return MOTIVATIONS[motivation(row, at_risk, is_high)]


def test_the_motivation_that_applies_now() -> None:
    new, buyer = Customer().does(0, "product_viewed"), customer(0, 1)
    assert wanted(new, stage=DISSOLUTION) == "acquisition", "before any purchase"
    assert wanted(buyer) == "expansion"
    assert wanted(buyer, at_risk=True) == "retention"
    assert wanted(buyer, is_high=True) == "retention"
    assert wanted(buyer, stage=DISSOLUTION) == "retention"


def step(who: Customer, motive: str, *, stage: int = EXPLORATION, **judged: Any) -> str:
    row = as_record(who.row)
    row.stage = stage
    relationship = RELATIONSHIPS.index(judged.get("relationship", "exchange"))
    return STEPS[
        next_step(
            row,
            MOTIVATIONS.index(motive),
            judged.get("at_risk", False),
            judged.get("let_go", 0),
            relationship,
            judged.get("recommended", 3),
            judged.get("by", 1),
            judged.get("reason", 6),
            judged.get("in_peace", False),
        )
    ]


def test_the_next_step_follows_from_the_motivation() -> None:
    new, buyer = Customer().does(0, "product_viewed"), customer(0, 1)
    assert step(new, "acquisition", stage=AWARENESS) == "introduce"
    assert step(new, "acquisition") == "invite_to_buy"
    assert step(buyer, "expansion") == "offer_membership"
    assert step(buyer.does(1, "loyalty_enrolled"), "expansion") == "recommend_related"
    assert step(buyer, "expansion", relationship="communal") == "invite_to_community"
    assert step(buyer, "retention") == "thank_and_keep"
    assert step(buyer, "retention", at_risk=True) == "remind"
    assert step(buyer, "retention", at_risk=True, recommended=1) == "call_personally"
    assert step(buyer, "expansion", let_go=1) == "let_go"


def test_what_is_open_comes_before_everything_else_while_the_relationship_lasts() -> None:
    asked = customer(0, 1).does(1, "live_chat_started")
    assert step(asked, "expansion", let_go=1) == "answer_question"
    assert step(asked, "retention", stage=DISSOLUTION) == "remind"
    assert step(asked.does(2, "complaint_filed"), "retention", at_risk=True) == "resolve_complaint"


def test_after_the_end_the_reason_says_how_to_win_back() -> None:
    buyer = customer(0, 1)
    expected = ["win_back_with_apology", "win_back_with_offer", "let_rest", "win_back_with_attention"]
    steps = [step(buyer, "retention", stage=DISSOLUTION, reason=reason) for reason in range(1, 7)]
    assert steps == [*expected, "remind", "remind"]
    assert [step(buyer, "retention", stage=DISSOLUTION, by=by, reason=5) for by in (2, 3)] == ["let_rest"] * 2
    assert step(buyer, "retention", stage=DISSOLUTION, let_go=2) == "let_go"
