"""Going on record, and closing the last tie."""

from typing import Any, Final

import pytest
from support.presets import Customer, as_record
from support.relationship import DAY, HOUR, at_day

from processors.lifecycle.stages import AWARENESS, COMMITMENT, DISSOLUTION, EXPLORATION
from processors.lifecycle.ties import closing_exit, open_ties
from processors.row.layout import NEVER, NONE
from processors.row.profile import merge

BOUGHT: Final = "order_completed"
ENROLLED: Final = "loyalty_enrolled"


def stages(customer: Customer) -> list[Any]:
    return [(stage, day) for _, stage, day in customer.days]


@pytest.mark.parametrize(
    ("hours", "on_record"), [(-25, False), (-24, True), (-1, True), (0, True), (23, True), (24, True), (25, False)]
)
@pytest.mark.parametrize("enrolled_first", [True, False])
def test_an_enrolment_within_a_day_of_a_purchase_on_either_side_is_going_on_record(
    hours: int, on_record: bool, enrolled_first: bool
) -> None:
    customer = Customer().does(-30, "email_delivered")
    told = [(10 + hours / 24, ENROLLED), (10, BOUGHT, 50.0)]
    customer.all(*(told if enrolled_first else reversed(told)))
    at = max(10.0, 10 + hours / 24)
    assert customer.row.last_record_at == (at_day(at) if on_record else NONE)
    assert (customer.row.stage == COMMITMENT) == on_record
    if on_record:
        assert stages(customer)[-1] == (COMMITMENT, pytest.approx(at))


def test_the_limit_of_a_day_is_to_the_millisecond() -> None:
    day = 24 * HOUR / DAY
    inside = Customer().all((0, ENROLLED), (day, BOUGHT, 50.0))
    outside = Customer().all((0, ENROLLED), (day + 1 / DAY, BOUGHT, 50.0))
    assert (inside.row.last_record_at, outside.row.last_record_at) == (at_day(day), NONE)


def test_an_enrolment_alone_is_no_commitment_and_neither_is_a_purchase_of_nothing_with_it() -> None:
    assert stages(Customer().all((0, ENROLLED), (0.5, BOUGHT, 0.0))) == [(EXPLORATION, 0)]


@pytest.mark.parametrize("amount", [20.0, 0.0])
def test_a_subscription_is_going_on_record_by_itself_even_from_awareness(amount: float) -> None:
    customer = Customer().all((0, "ad_impression"), (1, "subscription_started", amount))
    assert stages(customer) == [(AWARENESS, 0), (COMMITMENT, 1)]


def test_closing_the_last_tie_ends_the_relationship() -> None:
    customer = Customer().all((0, "subscription_started", 20.0), (40, "subscription_cancelled"))
    assert stages(customer) == [(COMMITMENT, 0), (DISSOLUTION, 40)]
    assert (customer.word("ended_by"), customer.word("end_reason")) == ("customer", "explicit")


def test_closing_a_tie_while_another_is_open_ends_nothing() -> None:
    customer = Customer().all((0, "subscription_started", 20.0), (5, ENROLLED), (40, "subscription_cancelled"))
    assert open_ties(customer.row) == 1
    assert closing_exit(customer.row) == NONE
    assert customer.row.stage == COMMITMENT
    assert customer.row.last_customer_exit_at == NONE


def test_each_of_two_subscriptions_has_to_be_closed() -> None:
    customer = Customer().all(
        (0, "subscription_started", 20.0), (5, "subscription_started", 20.0), (40, "subscription_cancelled")
    )
    assert customer.row.stage == COMMITMENT
    customer.does(50, "subscription_cancelled")
    assert stages(customer)[-1] == (DISSOLUTION, 50)


def test_closing_a_tie_of_which_no_opening_is_known_is_an_exit() -> None:
    customer = Customer().all((0, BOUGHT, 50.0), (9, "subscription_cancelled"))
    assert stages(customer)[-1] == (DISSOLUTION, 9)
    assert open_ties(customer.row) == 0


def test_a_tie_opened_anew_wins_back_and_may_be_closed_again() -> None:
    customer = Customer().all(
        (0, "subscription_started", 20.0), (40, "subscription_cancelled"), (60, "subscription_started", 20.0)
    )
    assert customer.days == [(1, COMMITMENT, 0), (1, DISSOLUTION, 40), (2, COMMITMENT, 60)]
    customer.does(80, "subscription_cancelled")
    assert customer.days[-1] == (2, DISSOLUTION, 80)


def test_an_opening_that_arrives_late_withdraws_the_exit_that_was_none() -> None:
    customer = Customer().all(
        (0, "subscription_started", 20.0), (40, "subscription_cancelled"), (5, "subscription_started", 20.0)
    )
    assert stages(customer) == [(COMMITMENT, 0)]
    assert (customer.word("ended_by"), customer.word("end_reason")) == ("", "")
    assert customer.row.due_at != NEVER


def test_a_closing_is_a_sign_of_life_that_begins_nothing() -> None:
    customer = Customer().all(
        (0, BOUGHT, 50.0), (5, ENROLLED), (20, "subscription_started", 20.0), (500, "subscription_cancelled")
    )
    assert [step for step in customer.days if step[0] > 1] == []


def test_an_enrolment_of_one_side_and_a_purchase_of_the_other_are_on_record_together() -> None:
    mine, other = Customer().does(3, ENROLLED), Customer().does(3.5, BOUGHT, amount=50.0)
    row = as_record(mine.row)
    merge(row, other.row, mine.rules)
    assert row.last_record_at == at_day(3.5)
    assert (mine.row.last_record_at, other.row.last_record_at) == (NONE, NONE)
