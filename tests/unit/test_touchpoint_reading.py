"""What the engine reads out of an encoded touchpoint: money, discounts, categories, reasons, targets."""

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from support.messages import REGISTRY, START, avro, plans
from support.presets import policy_of

from processors.policy.policy import Policy, hash_of, read_policy
from processors.policy.rules import (
    CUSTOMER,
    DISCOUNTED,
    FAILURE,
    FINITE,
    INSIDE,
    ONE_OFF,
    OUTSIDE,
    PURCHASE,
    REFUND,
    TIE_CLOSED,
    UNMAPPED,
)
from processors.row.contact import Contact
from schemas.decode import decode
from schemas.reasons import OK
from schemas.touchpoint import SLOTS
from streams.engine.outcomes import IMPOSSIBLE_AMOUNT, UNKNOWN_CURRENCY
from streams.engine.reading import CATEGORY_NAME, DISCOUNT_NAME, REASON_NAME, contact_of, is_robot, meaning_of

LARGEST: Final = 10**15


@cache
def policy(**lines: str) -> Policy:
    """The commerce preset in euros with some of its lines changed."""
    text = policy_of().text.replace('currency = "USD"', 'currency = "EUR"').replace("EUR = 1.08", "JPY = 0.0061")
    for key, value in lines.items():
        start = text.index(f"\n{key} = ") + 1
        text = text[:start] + f"{key} = {value}\n" + text[text.index("\n", start) + 1 :]
    return read_policy(text)


def decoded(kind: str, /, **fields: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """(body, slots) of a touchpoint as another implementation of Avro writes it."""
    told = {"event_id": "e-1", "customer_id": "ann", "occurred_at": START, "received_at": START, "kind": kind}
    body = avro("Touchpoint", {**told, "lines": [], "properties": {}, **fields})
    buffer = np.frombuffer(body, np.uint8)
    slots = np.zeros((SLOTS, 2), np.int64)
    known = plans()
    place = int(np.searchsorted(known.ids, REGISTRY.id_of("Touchpoint")))
    assert decode(buffer, 0, len(body), known.ops, known.starts[place], slots) == OK
    return buffer, slots


def read(kind: str, by: Policy | None = None, /, **fields: Any) -> tuple[int, Contact]:
    """(reason, what the model is told) of such a touchpoint."""
    buffer, slots = decoded(kind, **fields)
    rules, words = (by or policy()).rules, (by or policy()).vocabulary
    meaning = meaning_of(buffer, slots, rules, words)
    assert meaning.reason == OK
    return contact_of(buffer, slots, rules, words, meaning)


def contact(kind: str, by: Policy | None = None, /, **fields: Any) -> Contact:
    reason, told = read(kind, by, **fields)
    assert reason == OK
    return told


def order(by: Policy | None = None, **fields: Any) -> Contact:
    return contact("order_completed", by, **{"amount_minor": 9000, **fields})


def line(category: str | None) -> dict[str, Any]:
    return {"sku": "s", "category": category, "quantity": 1, "amount_minor": None}


def test_the_names_of_properties_are_known_by_their_hashes() -> None:
    assert [hash_of(name) for name in ("discount", "reason", "category")] == [
        DISCOUNT_NAME,
        REASON_NAME,
        CATEGORY_NAME,
    ]


def test_what_a_touchpoint_says_reaches_the_model() -> None:
    told = order(order_id="o-7", satisfaction=4.5, cost_minor=120, margin_minor=-5)
    assert (told.at, told.amount_minor, told.cost_minor, told.margin_minor) == (START, 9000, 120, -5)
    assert (told.event, told.order) == (hash_of("e-1"), hash_of("o-7"))
    assert told.satisfaction == 4.5
    assert told.flags & (CUSTOMER | PURCHASE) == CUSTOMER | PURCHASE


def test_what_it_does_not_say_is_the_policys() -> None:
    told = order()
    assert (told.margin_minor, told.cost_minor, told.order) == (2700, 0, np.uint64(0))
    assert np.isnan(told.satisfaction)
    assert contact("call_received").cost_minor == 500
    assert contact("call_received", cost_minor=0).cost_minor == 0
    assert contact("call_received", margin_minor=7).cost_minor == 500
    assert order(order_id="").order == 0


def test_all_money_is_in_the_currency_that_the_touchpoint_names() -> None:
    # A yen is 0.61 of a cent.
    told = order(amount_minor=1000, cost_minor=100, margin_minor=200, currency="JPY", properties={"discount": "50"})
    assert (told.amount_minor, told.cost_minor, told.margin_minor, told.discount_minor) == (610, 61, 122, 30)
    assert order(amount_minor=1000, currency="JPY").margin_minor == 183
    assert contact("call_received", margin_minor=100, currency="JPY").cost_minor == 500, "the policy's is in its own"


def test_a_currency_without_a_rate_is_refused_where_there_is_money_in_it() -> None:
    assert read("order_completed", amount_minor=1, currency="CHF")[0] == UNKNOWN_CURRENCY
    assert read("call_received", cost_minor=1, currency="CHF")[0] == UNKNOWN_CURRENCY
    assert read("order_completed", margin_minor=1, currency="CHF")[0] == UNKNOWN_CURRENCY
    assert read("call_received", currency="CHF")[0] == OK


@pytest.mark.parametrize("field", ["amount_minor", "cost_minor", "margin_minor"])
def test_an_amount_beyond_all_bounds_is_refused(field: str) -> None:
    for amount in (LARGEST, -LARGEST):
        assert read("order_completed", None, **{field: amount})[0] == OK
    for amount in (LARGEST + 1, -LARGEST - 1, 2**63 - 1, -(2**63)):
        assert read("order_completed", None, **{field: amount})[0] == IMPOSSIBLE_AMOUNT


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("10", 1000),
        ("10.5", 1050),
        ("0.001", 1),
        ("1.005", 100),
        ("1.015", 102),
        ("1.025", 102),
        ("1.0250001", 103),
        ("10%", 1000),
        ("50%", 9000),
        ("100%", 891_000),
        ("0", 0),
        ("0%", 0),
        ("-5", 0),
        ("", 0),
        ("none", 0),
    ],
)
def test_a_discount_is_an_amount_or_a_part_of_the_price(text: str, minor: int) -> None:
    told = order(properties={"coupon": "x", "discount": text})
    assert told.discount_minor == minor
    assert bool(told.flags & DISCOUNTED) == (minor > 0)


def test_a_purchase_of_less_than_nothing_is_a_refund_and_nothing_else() -> None:
    told = order(amount_minor=-9000, order_id="o1", properties={"discount": "5"})
    assert told.flags == REFUND
    assert (told.amount_minor, told.weight, told.category, told.bond, told.trust, told.discount_minor) == (
        -9000, 0.0, 0, 0, -1, 0,
    )  # fmt: skip
    assert told.order == order(order_id="o1").order
    assert order(amount_minor=0).flags & (PURCHASE | REFUND) == 0


def test_only_a_purchase_is_discounted() -> None:
    for told in (
        order(amount_minor=0, properties={"discount": "5"}),
        contact("cart_viewed", properties={"discount": "5"}),
    ):
        assert (told.discount_minor, told.flags & DISCOUNTED) == (0, 0)


@pytest.mark.parametrize("kind", ["return_requested", "order_refunded", "complaint_filed"])
@pytest.mark.parametrize(
    ("said", "failed"), [("defective", True), ("late", True), ("Late", False), ("too_small", False)]
)
def test_a_failure_is_told_by_its_reason(kind: str, said: str, failed: bool) -> None:
    assert bool(contact(kind, properties={"reason": said}).flags & FAILURE) == failed
    assert not contact(kind).flags & FAILURE
    assert not contact("product_viewed", properties={"reason": said}).flags & FAILURE


def test_categories_are_told_by_a_property_or_by_a_line() -> None:
    by = policy(finite_categories='["baby", "school"]', one_off_categories='["wedding"]')
    for told in ({"properties": {"category": "baby"}}, {"lines": [line(None), line("x"), line("school")]}):
        assert order(by, **told).flags & (FINITE | ONE_OFF) == FINITE
    for told in ({"properties": {"category": "wedding"}}, {"lines": [line("wedding")]}):
        assert order(by, **told).flags & (FINITE | ONE_OFF) == ONE_OFF
    both = order(by, properties={"category": "books"}, lines=[line("wedding"), line("baby")])
    assert both.flags & (FINITE | ONE_OFF) == FINITE | ONE_OFF
    assert not order(by, properties={"category": "books"}, lines=[line("x")]).flags & (FINITE | ONE_OFF)


def test_varieties_are_what_is_bought_by_category_or_article() -> None:
    lines = [line("tea"), line(None), line("tea")]
    expected = {1 << int(hash_of(word)) % 64 for word in ("tea", "s", "cups")}
    assert order(lines=lines, properties={"category": "cups"}).varieties == sum(expected)
    assert order(lines=lines, amount_minor=0).varieties == 0, "nothing was bought"
    assert order().varieties == 0


def test_only_what_is_bought_is_of_a_category() -> None:
    by = policy(finite_categories='["baby"]')
    assert not contact("product_viewed", by, properties={"category": "baby"}).flags & FINITE
    assert not order(by, amount_minor=0, properties={"category": "baby"}).flags & FINITE


@pytest.mark.parametrize(
    ("rule", "country", "expected"),
    [
        ("out_of_target", "XX", OUTSIDE),
        ("out_of_target", "AT", INSIDE),
        ("in_target", "AT", OUTSIDE),
        ("in_target", "XX", INSIDE),
        ("in_target", None, 0),
        ("out_of_target", None, 0),
    ],
)
def test_a_target_says_inside_or_outside_of_what_tells_the_property(
    rule: str, country: str | None, expected: int
) -> None:
    text = policy().text.replace(
        "\n[let_go]", f'\n[let_go]\n{rule} = {{ property = "country", values = ["XX", "YY"] }}'
    )
    by = read_policy(text)
    told = contact("page_viewed", by, properties={"country": country} if country else {})
    assert told.flags & (INSIDE | OUTSIDE) == expected
    assert contact("page_viewed", properties={"country": "XX"}).flags & (INSIDE | OUTSIDE) == 0


def test_closing_a_tie_is_no_initiative() -> None:
    assert contact("subscription_cancelled").flags & (CUSTOMER | TIE_CLOSED) == TIE_CLOSED


def test_a_kind_that_the_policy_does_not_name_says_that_it_is_unmapped() -> None:
    told = contact("never_named", amount_minor=500)
    assert (told.flags, told.weight, told.category, told.bond, told.trust) == (UNMAPPED, 0.0, 0, 0, -1)


@pytest.mark.parametrize(
    ("properties", "robot"),
    [
        ({}, False),
        ({"bot": "true"}, True),
        ({"bot": "false"}, False),
        ({"bot": ""}, False),
        ({"bot": "TRUE"}, False),
        ({"bots": "true", "bo": "true", "tob": "true"}, False),
        ({"a": "bot", "page": "true", "bot": "true", "z": "x" * 300}, True),
        ({"a": "true", "bot": "truer"}, False),
    ],
)
def test_a_robot_is_told_by_its_property(properties: dict[str, str], robot: bool) -> None:
    assert is_robot(*decoded("page_viewed", properties=properties)) is robot
