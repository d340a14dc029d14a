"""Customers to let go: the limits of each reason, and what it costs."""

import pytest
from support.presets import Customer, policy_of

from processors.judgements.catalogue import let_go_names
from processors.judgements.letting_go import let_go, letting_go_costs
from processors.policy.policy import read_policy
from processors.policy.rules import INSIDE, OUTSIDE


def reasons(customer: Customer, value: float = 0.0) -> list[str]:
    return let_go_names(let_go(customer.row, customer.rules, value))


def costs(customer: Customer) -> list[float]:
    """In whole units: deal seeker, norm violator, high maintenance, out of target."""
    return [
        cost / 100 for cost in letting_go_costs(customer.row, customer.rules, let_go(customer.row, customer.rules, 0.0))
    ]


@pytest.mark.parametrize(
    ("purchases", "discounted", "seeks"), [(3, 3, False), (4, 4, True), (4, 3, False), (5, 4, True), (10, 7, False)]
)
def test_a_deal_seeker_buys_four_times_and_four_fifths_of_it_at_a_discount(
    purchases: int, discounted: int, seeks: bool
) -> None:
    customer = Customer().all(
        *((day, "order_completed", 80.0, {"discount": 20.0 * (day < discounted)}) for day in range(purchases))
    )
    assert reasons(customer) == (["deal_seeker"] if seeks else [])
    assert costs(customer) == [20.0 * discounted * seeks, 0, 0, 0]


@pytest.mark.parametrize(
    ("placed", "returned", "violates"), [(3, 3, False), (4, 1, False), (4, 2, True), (5, 2, False)]
)
@pytest.mark.parametrize("kind", ["return_requested", "order_refunded", "order_cancelled"])
def test_a_norm_violator_returns_or_cancels_half_of_four_orders(
    placed: int, returned: int, violates: bool, kind: str
) -> None:
    customer = Customer().all(
        *((day, "order_completed", 100.0, {"order": str(day)}) for day in range(placed)),
        *((20 + day, kind, {"order": str(day)}) for day in range(returned)),
    )
    assert reasons(customer) == (["norm_violator"] if violates else [])
    assert costs(customer)[1] == (100.0 * returned if violates and kind != "return_requested" else 0)


def test_one_return_and_its_refund_without_an_order_id_are_one_of_four() -> None:
    customer = Customer().all(
        *((day, "order_completed", 100.0) for day in range(4)), (9, "return_requested"), (10, "order_refunded", 100.0)
    )
    assert reasons(customer) == []


def test_who_is_blocked_violated_norms_until_a_new_episode() -> None:
    customer = Customer().all((0, "order_completed", 100.0), (5, "customer_blocked"))
    assert reasons(customer) == reasons(customer, 5_000.0) == ["norm_violator"]
    assert reasons(customer.does(30, "product_viewed")) == []


@pytest.mark.parametrize(
    ("kinds", "margin", "high"),
    [
        (["call_received"] * 3, 14.99, True),
        (["call_received"] * 3, 15.0, False),
        (["call_received"] * 2, 0.0, False),
        (["store_visited", "live_chat_started", "support_ticket_opened"], 11.0, True),
        (["store_visited", "live_chat_started", "support_ticket_opened"], 12.0, False),
        (["email_delivered"] * 50, 0.1, False),
    ],
)
def test_high_maintenance_costs_more_than_its_margin_over_three_contacts(
    kinds: list[str], margin: float, high: bool
) -> None:
    customer = Customer().does(0, "order_completed", amount=100.0, margin=margin)
    customer.all(*((1 + day, kind) for day, kind in enumerate(kinds)))
    assert reasons(customer) == (["high_maintenance"] if high else [])
    assert costs(customer)[2] == pytest.approx(customer.row.cost_minor / 100 - margin if high else 0)


def test_a_refund_takes_the_margin_that_paid_for_the_contacts() -> None:
    customer = Customer().does(0, "order_completed", amount=100.0, order="a")
    customer.all(*((1 + day, "call_received") for day in range(3)))
    assert reasons(customer) == []
    assert reasons(customer.does(9, "order_refunded", amount=100.0, order="a")) == ["high_maintenance"]


def test_without_a_rule_nobody_is_out_of_target() -> None:
    assert reasons(Customer().does(0, "page_viewed", more=OUTSIDE)) == []


def test_who_more_often_says_so_is_out_of_target() -> None:
    rule = '[let_go]\nout_of_target = { property = "country", values = ["XX"] }'
    policy = read_policy(policy_of().text.replace("\n[let_go]", f"\n{rule}", 1))
    customer = Customer(policy).does(0, "store_visited", more=OUTSIDE)
    assert reasons(customer) == ["out_of_target"]
    assert costs(customer)[3] == 3.0
    assert reasons(customer.does(1, "page_viewed", more=INSIDE)) == []
    assert reasons(customer.does(2, "page_viewed", more=OUTSIDE)) == ["out_of_target"]
