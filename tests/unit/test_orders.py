"""Orders and what became of them, by hand: margin is 30 % of an amount where none is given."""

from typing import Any, Final

import pytest
from support.presets import Customer, in_any_order

from processors.judgements.letting_go import letting_go_costs, orders, returned_orders
from processors.row.layout import ORDERS

A: Final = {"order": "a"}
BOUGHT: Final = (0, "order_completed", 100.0, A)


def money(customer: Customer) -> tuple[float, float, float]:
    """(spent, taken back, margin left), in whole units."""
    row = customer.row
    return row.spend_minor / 100, row.refunded_minor / 100, row.margin_minor / 100


def both_ways(*happenings: tuple[Any, ...]) -> Customer:
    """The customer, once it is clear that the order of arrival does not matter."""
    one, other = in_any_order(Customer, happenings)
    assert money(one) == money(other)
    assert returned_orders(one.row) == returned_orders(other.row)
    assert one.row.discounted == other.row.discounted
    return one


def test_a_coupon_makes_the_purchase_of_its_order_a_discounted_one_whichever_comes_first() -> None:
    assert both_ways((0, "coupon_applied", A), (1, "order_completed", 100.0, A)).row.discounted == 1
    assert both_ways((1, "order_completed", 100.0, A), (2, "coupon_applied", A)).row.discounted == 1


def test_a_coupon_of_another_order_or_without_one_discounts_nothing() -> None:
    assert both_ways((0, "coupon_applied", {"order": "b"}), BOUGHT).row.discounted == 0
    assert both_ways((0, "coupon_applied"), BOUGHT).row.discounted == 0
    assert both_ways((0, "coupon_applied", A)).row.discounted == 0, "and without a purchase there is none to discount"


def test_two_coupons_and_a_discount_in_the_order_discount_one_purchase() -> None:
    customer = both_ways(
        (0, "coupon_applied", A),
        (0, "coupon_applied", {**A, "number": 1}),
        (1, "order_completed", 100.0, {**A, "discount": 5.0}),
    )
    assert (customer.row.discounted, customer.row.discount_minor) == (1, 500)


def test_a_discount_is_told_by_the_purchase_itself_too_with_or_without_an_order_id() -> None:
    customer = both_ways((0, "order_completed", 50.0, {"discount": 5.0}), (1, "order_completed", 50.0))
    assert (customer.row.discounted, customer.row.purchases) == (1, 2)


def test_a_refund_takes_back_amount_and_margin_in_proportion() -> None:
    assert money(both_ways(BOUGHT, (3, "order_refunded", 40.0, A))) == (100, 40, 18)
    given = (0, "order_completed", 100.0, {**A, "margin": 50.0})
    assert money(both_ways(given, (3, "order_refunded", 40.0, A))) == (100, 40, 30)


def test_a_refund_may_be_written_with_either_sign() -> None:
    assert money(both_ways(BOUGHT, (3, "order_refunded", -40.0, A))) == (100, 40, 18)


def test_partial_refunds_add_up_and_never_to_more_than_the_order_brought() -> None:
    parts = [(day, "order_refunded", 40.0, A) for day in (3, 4, 5)]
    assert money(both_ways(BOUGHT, *parts[:2])) == (100, 80, 6)
    assert money(both_ways(BOUGHT, *parts)) == (100, 100, 0)
    assert returned_orders(both_ways(BOUGHT, *parts).row) == 1


def test_a_refund_that_arrives_before_its_order_counts_by_the_policys_margin_until_then() -> None:
    customer = Customer().all((3, "order_refunded", 100.0, A))
    assert money(customer) == (0, 100, -30)
    assert returned_orders(customer.row) == 1
    customer.does(0, "order_completed", amount=100.0, order="a", margin=55.0)
    assert money(customer) == (100, 100, 0)
    assert (returned_orders(customer.row), orders(customer.row)) == (1, 1)


def test_a_refund_without_an_amount_and_a_cancellation_take_back_the_whole_order() -> None:
    for kind in ("order_refunded", "order_cancelled"):
        assert money(both_ways(BOUGHT, (3, kind, A))) == (100, 100, 0)


def test_what_is_cancelled_returned_and_refunded_comes_back_once() -> None:
    customer = both_ways(
        BOUGHT,
        (2, "order_cancelled", 100.0, A),
        (3, "return_requested", A),
        (4, "order_refunded", 100.0, A),
    )
    assert money(customer) == (100, 100, 0)
    assert returned_orders(customer.row) == 1
    assert letting_go_costs(customer.row, customer.rules, 2)[1] == 10_000


def test_a_return_alone_moves_no_money() -> None:
    customer = both_ways(BOUGHT, (3, "return_requested", A))
    assert money(customer) == (100, 0, 30)
    assert returned_orders(customer.row) == 1


@pytest.mark.parametrize(
    ("kinds", "returned"),
    [
        (["return_requested"], 1),
        (["order_refunded"], 1),
        (["return_requested", "order_refunded"], 1),
        (["return_requested", "return_requested", "order_refunded"], 2),
        (["return_requested", "order_refunded", "order_refunded"], 2),
        (["order_cancelled"], 1),
        (["return_requested", "order_refunded", "order_cancelled"], 2),
    ],
)
def test_without_order_ids_a_return_and_a_refund_are_taken_for_the_same(kinds: list[str], returned: int) -> None:
    bought = [(day, "order_completed", 100.0) for day in range(4)]
    customer = both_ways(*bought, *((10 + day, kind, {"amount": 0.0}) for day, kind in enumerate(kinds)))
    assert returned_orders(customer.row) == returned


def test_without_order_ids_refunds_take_back_what_they_say() -> None:
    customer = both_ways((0, "order_completed", 100.0), (3, "order_refunded", 40.0), (4, "order_cancelled", 10.0))
    assert money(customer) == (100, 50, 15)


def test_an_order_of_which_only_the_cancellation_is_known_was_placed() -> None:
    customer = Customer().all(*((day, "order_cancelled", {"order": str(day)}) for day in range(4)))
    assert (customer.row.purchases, orders(customer.row), returned_orders(customer.row)) == (0, 4, 4)


def test_what_a_forgotten_order_added_stays() -> None:
    customer = Customer()
    for number in range(ORDERS + 2):
        customer.all(
            (number, "order_completed", 100.0, {"order": str(number), "discount": 1.0}),
            (number + 0.5, "order_refunded", 50.0, {"order": str(number)}),
        )
    count = ORDERS + 2
    assert money(customer) == (count * 100, count * 50, count * 15)
    assert (customer.row.discounted, returned_orders(customer.row)) == (count, count)
    assert customer.row.forgotten >= 2


def test_an_order_older_than_all_that_are_kept_counts_by_itself() -> None:
    customer = Customer().all(*((100 + n, "order_completed", 10.0, {"order": str(n)}) for n in range(ORDERS)))
    customer.does(0, "order_completed", amount=10.0, order="old", discount=1.0)
    assert (customer.row.discounted, customer.row.purchases) == (1, ORDERS + 1)
