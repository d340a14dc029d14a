"""Bond, type, involvement, individualisation and trust: every limit, by hand."""

from typing import Any, Final

import pytest
from support.presets import Customer, policy_of
from support.relationship import at_day

from processors.judgements.bonds import (
    bond_strength,
    bond_type,
    giving_share,
    individualisation,
    involvement,
    relationship_type,
    two_way_rate,
)
from processors.judgements.catalogue import BOND_TYPES, INVOLVEMENTS, RELATIONSHIPS, SIGNS, STRENGTHS
from processors.judgements.trust import SUPPORT, trust_index, trust_sign, unanswered
from processors.policy.rules import ONE_OFF, TRUST_FACTORS
from processors.row.sums import factor

YEAR: Final = 365
HEAD: Final = "certification_viewed"  # a signal of an intellectual bond, of weight 1
HEART: Final = "community_posted"  # of an emotional one


def left(customer: Customer, day: float) -> float:
    return float(factor(customer.row.last_at, at_day(day), customer.rules.memory_half_life))


def bond(customer: Customer, day: float = 0.0) -> tuple[str, str]:
    row, rules = customer.row, customer.rules
    strength = bond_strength(row, rules, left(customer, day))
    return BOND_TYPES[bond_type(row, rules, strength)], STRENGTHS[strength]


def signals(heads: int, hearts: int) -> Customer:
    told = [HEAD] * heads + [HEART] * hearts
    return Customer().all(*((0, kind, {"number": number}) for number, kind in enumerate(told)))


@pytest.mark.parametrize(
    ("heads", "hearts", "expected"),
    [
        (1, 0, ("none", "none")),
        (2, 0, ("intellectual", "weak")),
        (0, 2, ("emotional", "weak")),
        (1, 1, ("both", "weak")),
        (2, 1, ("intellectual", "weak")),
        (1, 2, ("emotional", "weak")),
        (2, 2, ("both", "weak")),
        (3, 2, ("both", "strong")),
        (4, 0, ("intellectual", "weak")),
        (5, 0, ("intellectual", "strong")),
        (4, 2, ("intellectual", "strong")),
        (3, 3, ("both", "strong")),
        (1, 6, ("emotional", "strong")),
    ],
)
def test_a_bond_is_weak_from_two_signals_strong_from_five_and_of_one_side_from_two_thirds(
    heads: int, hearts: int, expected: tuple[str, str]
) -> None:
    assert bond(signals(heads, hearts)) == expected


def test_signals_halve_in_a_year() -> None:
    customer = signals(5, 0)
    assert bond(customer, 1) == ("intellectual", "weak")
    assert bond(signals(4, 0), YEAR) == ("intellectual", "weak")
    assert bond(signals(4, 0), YEAR + 0.01) == ("none", "none")


def test_only_reviews_of_love_make_a_bond() -> None:
    def reviewed(*satisfied: float | None) -> Customer:
        return Customer().all(*((0, "product_reviewed", {"satisfaction": said}) for said in satisfied))

    assert bond(reviewed(1.0, 3.0, 3.9)) == ("none", "none")
    assert bond(reviewed(4.0, None)) == ("emotional", "weak")


def test_a_discounted_purchase_is_a_signal_of_price() -> None:
    bought = [(day, "order_completed", 50.0, {"discount": 5.0}) for day in (0, 0.1)]
    assert bond(Customer().all(*bought), 0.1) == ("none", "none"), "the first has faded by a little"
    assert bond(Customer().all(*bought, (0.1, HEAD)), 0.1) == ("intellectual", "weak")


@pytest.mark.parametrize(
    ("given", "bought", "expected"), [(0, 0, "exchange"), (1, 0, "communal"), (1, 1, "exchange"), (2, 1, "communal")]
)
def test_who_gives_more_than_half_is_communal(given: int, bought: int, expected: str) -> None:
    customer = Customer().all(*((0, "community_answered", {"number": n}) for n in range(given)))
    customer.all(*((0, "order_completed", 50.0, {"number": n}) for n in range(bought)))
    assert RELATIONSHIPS[relationship_type(customer.row, customer.rules)] == expected
    assert giving_share(customer.row) == pytest.approx(given / max(given + bought, 1))


def involved(customer: Customer) -> str:
    return INVOLVEMENTS[involvement(customer.row, customer.rules)]


def test_six_different_months_make_involvement_enduring() -> None:
    customer = Customer().all(*((day, "product_viewed") for day in (0, 1, 30, 31, 60, 91, 121)))
    assert involved(customer) == "situational", "January to May"
    assert involved(customer.does(152, "product_viewed")) == "enduring"


NEWEST: Final = policy_of("commerce", 2)


def bought_monthly(months: int, *categories: str) -> Customer:
    told = ((31 * n, "order_completed", 40.0, {"categories": categories[n : n + 1]}) for n in range(months))
    return Customer(NEWEST).all(*told)


def mailed(customer: Customer, mails: int) -> Customer:
    return customer.all(*((0, "email_delivered", {"number": n}) for n in range(mails)))


def test_months_alone_make_no_interest_where_marketing_has_the_word() -> None:
    # Own initiative is a fifth of it at 24 mails, and less at 25.
    assert involved(mailed(bought_monthly(6), 24)) == "enduring"
    assert involved(mailed(bought_monthly(6), 25)) == "situational"
    assert involved(mailed(bought_monthly(5), 0)) == "situational", "own initiative alone is not enough in five months"


@pytest.mark.parametrize(
    "sign",
    [
        [(1 + n, "products_searched") for n in range(3)],
        [(1, "product_reviewed")],
        [(1, "order_completed", 5.0, {"categories": ("tea", "cups", "pots")})],
    ],
)
def test_search_an_opinion_or_variety_is_interest_too(sign: list[Any]) -> None:
    assert involved(mailed(bought_monthly(6), 60)) == "situational"
    assert involved(mailed(bought_monthly(6), 60).all(*sign)) == "enduring"


def test_an_interest_with_every_sign_shows_after_two_thirds_of_the_months() -> None:
    def keen(months: int, kinds: int = 3) -> Customer:
        customer = bought_monthly(months, *("tea", "cups", "pots")[:kinds])
        return customer.all(*((n, "products_searched") for n in range(3)), (2, "product_reviewed"))

    assert involved(keen(4)) == "enduring"
    assert involved(keen(3)) == "situational", "however keen, three months are a situation"
    assert involved(keen(4, 2)) == "situational"


def test_a_look_at_a_coupon_is_no_search() -> None:
    coupons = [(1 + n, "coupon_applied") for n in range(9)]
    assert involved(mailed(bought_monthly(6), 90).all(*coupons)) == "situational"


def test_contact_by_the_firm_makes_no_month_active() -> None:
    assert involved(Customer().all(*((31 * n, "email_delivered") for n in range(12)))) == "situational"


@pytest.mark.parametrize("gift", [("gift_ordered", 0), ("order_completed", ONE_OFF)])
def test_gifts_and_what_is_bought_for_an_occasion_are_situations(gift: tuple[str, int]) -> None:
    kind, more = gift
    customer = Customer().all(*((31 * n, kind, 40.0, {"more": more}) for n in range(12)))
    assert involved(customer) == "situational"
    assert involved(customer.does(372, "order_completed", amount=40.0)) == "enduring"


def test_individualisation_is_a_share_of_what_the_firm_sends() -> None:
    customer = Customer().does(0, "product_viewed")
    assert individualisation(customer.row) != individualisation(customer.row), "nothing was sent: not a number"
    customer.all((0, "email_delivered"), (0, "email_delivered", {"number": 1}), (0, "support_ticket_answered"))
    assert individualisation(customer.row) == pytest.approx(1 / 3)


def test_a_steady_exchange_a_month_is_three_a_quarter() -> None:
    customer = Customer().all(*((30.4375 * n, "call_received") for n in range(60)))
    at = at_day(30.4375 * 60)
    rate = two_way_rate(customer.row, customer.rules, left(customer, 30.4375 * 60), at)
    assert rate == pytest.approx(3.0, rel=0.03), "the last one was a month ago"


def index(customer: Customer, name: str, day: float = 0.0) -> Any:
    row, rules = customer.row, customer.rules
    late = unanswered(row, rules, at_day(day))
    found = trust_index(row, rules, TRUST_FACTORS.index(name), left(customer, day), late)
    return found, SIGNS[trust_sign(found, rules)]


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (0, 0, (0.0, "none")),
        (1, 0, (1 / 3, "positive")),
        (0, 1, (-1 / 3, "negative")),
        (2, 1, (1 / 5, "none")),
        (1, 2, (-1 / 5, "none")),
        (5, 0, (5 / 7, "positive")),
        (3, 1, (2 / 6, "positive")),
    ],
)
def test_the_index_of_trust_is_the_balance_of_its_signs(good: int, bad: int, expected: tuple[float, str]) -> None:
    told = ["order_delivered"] * good + ["order_delayed"] * bad
    customer = Customer().all((0, "page_viewed"), *((0, kind, {"number": n}) for n, kind in enumerate(told)))
    assert index(customer, "fulfilment") == (pytest.approx(expected[0]), expected[1])
    assert index(customer, "brand") == (0.0, "none")


def test_trust_fades_with_its_signs() -> None:
    customer = Customer().does(0, "order_delivered")
    assert index(customer, "fulfilment", YEAR) == (pytest.approx(0.5 / 2.5), "none")


@pytest.mark.parametrize(("said", "expected"), [(None, 0), (1.0, -1), (2.0, -1), (3.0, 0), (4.0, 1), (5.0, 1)])
def test_satisfaction_speaks_for_or_against_the_brand(said: float | None, expected: int) -> None:
    customer = Customer().does(0, "survey_answered", satisfaction=said)
    assert index(customer, "brand")[0] == pytest.approx(expected / 3)


def test_each_factor_has_its_touchpoints() -> None:
    for kind, name, sign in (
        ("referral_made", "brand", 1),
        ("certification_viewed", "third_party_rating", 1),
        ("security_alert", "security_and_privacy", -1),
        ("page_failed", "technology", -1),
        ("order_delivered", "fulfilment", 1),
        ("support_ticket_solved", "support_and_service", 1),
        ("help_article_viewed", "knowledge", 1),
    ):
        assert index(Customer().does(0, kind), name)[0] == pytest.approx(sign / 3), kind


def test_an_unanswered_question_speaks_against_support_from_the_seventh_day_on_and_fades() -> None:
    customer = Customer().does(0, "support_ticket_opened")
    assert TRUST_FACTORS[SUPPORT] == "support_and_service"
    assert index(customer, "support_and_service", 6.99)[0] == 0
    assert index(customer, "support_and_service", 7) == (pytest.approx(-1 / 3), "negative")
    assert index(customer, "support_and_service", 7 + YEAR)[0] == pytest.approx(-0.5 / 2.5)
    assert index(customer, "brand", 30)[0] == 0
    customer.does(20, "support_ticket_answered")
    assert index(customer, "support_and_service", 7 + YEAR)[0] == pytest.approx(-0.5 / 2.5), "an answer came too late"


def test_a_question_answered_in_time_speaks_against_nobody_also_where_the_answer_arrives_late() -> None:
    customer = Customer().all((0, "support_ticket_opened"), (30, "page_viewed"))
    assert index(customer, "support_and_service", 30)[1] == "negative"
    customer.does(6, "support_ticket_answered")
    assert index(customer, "support_and_service", 30)[1] == "none"
