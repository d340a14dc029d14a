"""The six categories: which one is observed, and which one is recommended, in the order in which they are tested."""

from typing import Any, Final

import pytest
from support.presets import Customer

from processors.judgements.catalogue import CATEGORY_WORDS
from processors.judgements.categories import (
    AUTOMATED,
    CO_CREATION,
    COMMUNITY,
    DEDICATED,
    PERSONAL,
    RECOMMENDATIONS,
    SELF_SERVICE,
    UNKNOWN_NEEDS,
    UNPAID,
    mix_of,
    observed_category,
    recommended_category,
)

BOUGHT: Final = (0, "order_completed", 100.0)


def observed(*happenings: tuple[Any, ...]) -> str:
    return CATEGORY_WORDS[observed_category(Customer().all(*happenings).row)]


def test_the_observed_category_has_most_of_the_contact() -> None:
    assert observed((0, "order_delivered")) == ""
    assert observed((0, "page_viewed")) == "self_service"
    assert observed((0, "call_received"), (0, "page_viewed"), (0, "page_viewed", {"number": 1})) == "self_service"
    assert observed((0, "email_delivered"), (0, "email_opened"), (0, "call_received")) == "automated_service"
    assert observed((0, "community_posted"), (0, "product_shared"), (0, "idea_submitted")) == "community"
    assert observed((0, "idea_submitted"), (0, "survey_answered"), (0, "product_shared")) == "co_creation"


def test_of_two_with_as_much_contact_the_first_is_observed() -> None:
    assert observed((0, "call_received"), (0, "page_viewed")) == "personal_assistance"


def test_newer_contact_weighs_more() -> None:
    assert observed((0, "call_received"), (400, "page_viewed")) == "self_service"
    assert observed((0, "page_viewed"), (0, "page_viewed", {"number": 1}), (400, "call_received")) == (
        "personal_assistance"
    )


def test_people_are_dedicated_where_their_kinds_are() -> None:
    assert observed((0, "account_manager_assigned")) == "dedicated_personal_assistance"
    told = [(0, "account_manager_assigned"), (1, "call_received"), (1, "call_made")]
    assert observed(*told) == "personal_assistance"
    assert mix_of(Customer().all(*told).row, DEDICATED) == pytest.approx(2 ** (-1 / 365))


def recommended(
    customer: Customer, *, high: bool = False, communal: bool = False, often: bool = False
) -> tuple[int, int]:
    return recommended_category(customer.row, customer.rules, high, communal, often)


def buyer(*more: tuple[Any, ...]) -> Customer:
    return Customer().all(BOUGHT, *more)


def test_dedicated_is_for_the_high_tier_in_two_way_contact_and_comes_first() -> None:
    assert recommended(buyer(), high=True, communal=True, often=True) == (DEDICATED, DEDICATED)
    assert recommended(buyer(), high=True)[0] == AUTOMATED


def test_the_communal_are_recommended_what_they_do_more() -> None:
    assert recommended(buyer((0, "community_posted")), communal=True, often=True) == (COMMUNITY, COMMUNITY)
    assert recommended(buyer((0, "idea_submitted")), communal=True)[0] == CO_CREATION
    assert recommended(buyer((0, "idea_submitted"), (0, "community_posted")), communal=True)[0] == COMMUNITY


def test_people_are_for_those_who_ask_at_least_once_a_quarter_and_pay_for_it() -> None:
    assert recommended(buyer((1, "call_received")), often=True) == (PERSONAL, PERSONAL)
    assert recommended(buyer((1, "call_received")))[0] == AUTOMATED
    calls = [(1, "call_received", {"number": number}) for number in range(7)]
    assert recommended(buyer(*calls[:6]), often=True)[0] == PERSONAL, "six calls cost 30, as much as the margin is"
    assert recommended(buyer(*calls), often=True) == (SELF_SERVICE, UNPAID)


@pytest.mark.parametrize(("margin", "expected"), [(4.99, SELF_SERVICE), (5.0, AUTOMATED), (0.0, SELF_SERVICE)])
def test_a_thin_margin_pays_for_self_service_only(margin: float, expected: int) -> None:
    customer = Customer().does(0, "order_completed", amount=100.0, margin=margin)
    assert recommended(customer) == (expected, expected)


def test_what_was_refunded_is_no_part_of_the_amounts() -> None:
    customer = Customer().all(
        (0, "order_completed", 100.0, {"margin": 4.0, "order": "a"}),
        (0, "order_completed", 100.0, {"margin": 20.0, "order": "b"}),
        (1, "order_refunded", 100.0, {"order": "a"}),
    )
    assert recommended(customer)[0] == AUTOMATED
    customer.does(2, "order_refunded", amount=100.0, order="b")
    assert recommended(customer)[0] == AUTOMATED, "of nothing no margin is thin"


def test_contact_that_no_margin_pays_for_makes_self_service_of_who_never_bought() -> None:
    assert recommended(Customer().does(0, "call_received")) == (SELF_SERVICE, UNPAID)
    assert recommended(Customer().does(0, "page_viewed")) == (AUTOMATED, AUTOMATED)


def test_every_reason_has_words() -> None:
    assert len(RECOMMENDATIONS) == UNKNOWN_NEEDS + 1
    assert all(RECOMMENDATIONS[1:])
