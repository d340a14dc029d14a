"""Who ended a relationship and why: each reason, their order, and what no longer counts."""

from typing import Any, Final

import pytest
from support.presets import Customer
from support.relationship import at_day

from processors.lifecycle.dissolution import end_of, purchase_interval
from processors.lifecycle.stages import DISSOLUTION
from processors.policy.rules import FINITE
from processors.row.layout import NONE

ORDER: Final = "order_completed"
BOUGHT: Final = (0, ORDER, 50.0)
LEFT: Final = "account_deleted"
BLOCKED: Final = "customer_blocked"


def silent(*happenings: tuple[Any, ...]) -> Customer:
    """A customer of whom nothing more was heard."""
    customer = Customer().all(*happenings)
    customer.until(max(day for day, *_ in happenings) + 1500)
    assert customer.row.stage == DISSOLUTION
    return customer


def ended(customer: Customer) -> tuple[str, str]:
    return customer.word("ended_by"), customer.word("end_reason")


def reason(*happenings: tuple[Any, ...]) -> str:
    """Why a relationship ended that silence ended."""
    by, why = ended(silent(*happenings))
    assert by == "customer", "silence is the customer's"
    return why


def end(customer: Customer) -> tuple[float | None, float | None]:
    """(the end, the evidence) in days since the start."""
    found = end_of(customer.row, customer.rules)
    return tuple(None if at == NONE else (at - at_day(0)) / 86_400_000 for at in (found.at, found.evidence_at))  # type: ignore[return-value]


def test_silence_without_a_sign_of_why_is_unknown() -> None:
    assert reason(BOUGHT) == "unknown"
    assert reason((0, "product_viewed")) == "unknown"
    assert end(silent(BOUGHT, (3, "product_viewed"), (9, "email_delivered"))) == (3, None)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ((5, "order_delayed"), "core_failure"),
        ((14, "order_delayed"), "core_failure"),
        ((15, "order_delayed"), "unknown"),
        ((5, "data_breach_notified"), "core_failure"),
        ((5, "order_refunded", 9.0, {"reason": "defective"}), "core_failure"),
        ((5, "order_refunded", 9.0, {"reason": "changed_mind"}), "unknown"),
        ((5, "return_requested", {"reason": "late"}), "core_failure"),
        ((5, "return_requested", {"reason": "too_small"}), "unknown"),
        ((5, "complaint_filed", {"reason": "ethical"}), "core_failure"),
    ],
)
def test_a_failure_around_the_last_sign_of_life_is_the_reason(failure: tuple[Any, ...], why: str) -> None:
    assert reason(BOUGHT, failure) == why


def test_an_ethical_complaint_counts_also_where_it_was_resolved() -> None:
    assert reason(BOUGHT, (5, "complaint_filed", {"reason": "ethical"}), (6, "support_ticket_solved")) == "core_failure"


@pytest.mark.parametrize(("last", "why"), [(61, "core_failure"), (62, "unknown")])
def test_a_failure_counts_for_sixty_days_before_the_last_sign_of_life(last: int, why: str) -> None:
    assert reason(BOUGHT, (1, "order_delayed"), (last, ORDER, 50.0)) == why


@pytest.mark.parametrize(
    ("resolved", "why"),
    [
        (None, "core_failure"),
        ((12, "support_ticket_solved"), "unknown"),
        ((12, "order_refunded", 5.0), "neglect"),  # which resolves the complaint, and answers nobody
        ((12, "support_ticket_answered"), "core_failure"),
        ((18, "support_ticket_solved"), "core_failure"),
    ],
)
def test_an_unresolved_complaint_is_a_core_failure(resolved: tuple[Any, ...] | None, why: str) -> None:
    assert reason(BOUGHT, (10, "complaint_filed"), *([resolved] if resolved else [])) == why


@pytest.mark.parametrize("signal", ["coupon_denied", "competitor_mentioned"])
@pytest.mark.parametrize(("last", "why"), [(0, "better_alternative"), (61, "better_alternative"), (62, "unknown")])
def test_a_rival_counts_when_the_end_comes_within_sixty_days_of_it(signal: str, last: int, why: str) -> None:
    more = [(last, ORDER, 50.0)] if last else []
    assert reason(BOUGHT, (1, signal), (1, "email_delivered"), *more) == why


def test_a_category_outgrown_or_one_that_ends_by_itself_is_a_stage_of_life() -> None:
    assert reason(BOUGHT, (20, "category_outgrown")) == "life_stage"
    assert reason((0, ORDER, 50.0, {"more": FINITE})) == "life_stage"
    assert reason((0, ORDER, 50.0, {"more": FINITE}), (9, ORDER, 50.0)) == "unknown", "other purchases followed"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "neglect"),
        ((17, "call_made"), "unknown"),
        ((17.5, "call_made"), "neglect"),
        ((12, "support_ticket_answered"), "unknown"),
    ],
)
def test_a_question_not_answered_in_a_week_is_neglect(answer: tuple[Any, ...] | None, why: str) -> None:
    assert reason(BOUGHT, (10, "support_ticket_opened"), *([answer] if answer else [])) == why


@pytest.mark.parametrize(("asked", "why"), [(5, "neglect"), (4, "unknown")])
def test_a_neglected_question_counts_for_sixty_days(asked: int, why: str) -> None:
    visits = [(day, "email_delivered") for day in (20, 45, 64)]
    assert reason(BOUGHT, (asked, "live_chat_started"), *visits, (65, "product_viewed")) == why


@pytest.mark.parametrize(("contact", "why"), [(None, "neglect"), (10, "neglect"), (14, "neglect"), (15, "unknown")])
def test_no_contact_for_twice_the_customers_own_interval_is_neglect(contact: int | None, why: str) -> None:
    bought = [BOUGHT, (10, ORDER, 50.0)]
    told = sorted([*bought, *([(contact, "email_delivered")] if contact else []), (35, "product_viewed")])
    assert reason(*told) == why


def test_with_fewer_than_two_purchases_the_interval_is_thirty_days() -> None:
    assert reason(BOUGHT, (60, "product_viewed")) == "unknown"
    assert reason(BOUGHT, (61, "product_viewed")) == "neglect"
    customer = Customer().all(BOUGHT, (0.5, ORDER, 5.0))
    assert purchase_interval(customer.row, customer.rules) == 30 * 86_400_000
    customer.all((10, ORDER, 5.0), (40, ORDER, 5.0))
    assert purchase_interval(customer.row, customer.rules) == 20 * 86_400_000


def test_contact_after_the_end_makes_up_for_nothing() -> None:
    assert reason(BOUGHT, (61, "product_viewed"), (62, "email_delivered")) == "neglect"


REASONS: Final = (
    ((10, "order_delayed"), "core_failure"),
    ((10, "coupon_denied"), "better_alternative"),
    ((11, "category_outgrown"), "life_stage"),
    ((9, "support_ticket_opened"), "neglect"),
)


@pytest.mark.parametrize("first", range(len(REASONS)))
def test_the_first_of_the_reasons_in_their_order_counts(first: int) -> None:
    told = sorted([one for one, _ in REASONS[first:]], key=lambda one: one[0])
    assert reason(BOUGHT, *told) == REASONS[first][1]
    customer = Customer().all(BOUGHT, *told, (12, LEFT))
    assert ended(customer) == ("customer", REASONS[first][1])


def test_an_exit_without_a_reason_is_explicit_and_names_its_actor() -> None:
    assert ended(Customer().all(BOUGHT, (9, LEFT))) == ("customer", "explicit")
    assert ended(Customer().all(BOUGHT, (9, BLOCKED))) == ("firm", "explicit")


def test_the_reason_does_not_depend_on_by_whom() -> None:
    for kind, actor in ((LEFT, "customer"), (BLOCKED, "firm")):
        assert ended(Customer().all(BOUGHT, (5, "order_delayed"), (9, kind))) == (actor, "core_failure")


@pytest.mark.parametrize(("second", "by"), [(39, "both"), (40, None)])
def test_exits_of_both_within_thirty_days_are_by_both(second: int, by: str | None) -> None:
    for first, then, actor in ((LEFT, BLOCKED, "customer"), (BLOCKED, LEFT, "firm")):
        customer = Customer().all(BOUGHT, (9, first))
        assert ended(customer) == (actor, "explicit")
        customer.does(second, then)
        assert ended(customer) == (by or actor, "explicit")
        assert end(customer)[0] == 9, "the end is the first of them"


def test_nothing_that_comes_after_an_exit_counts() -> None:
    told = ("order_delayed", "coupon_denied", "competitor_mentioned", "category_outgrown", "data_breach_notified")
    customer = Customer().all(BOUGHT, (9, LEFT), *((10, kind) for kind in told), (11, "email_delivered"))
    assert ended(customer.until(900)) == ("customer", "explicit")
    assert customer.news("end_reason") == ["explicit"]


def test_an_answer_after_the_exit_comes_too_late() -> None:
    customer = Customer().all(BOUGHT, (8, "support_ticket_opened"), (9, LEFT), (10, "support_ticket_solved"))
    assert ended(customer) == ("customer", "neglect")
    customer = Customer().all(BOUGHT, (8, "complaint_filed"), (9, LEFT), (10, "support_ticket_solved"))
    assert ended(customer) == ("customer", "core_failure")


@pytest.mark.parametrize("kind", [LEFT, "subscription_cancelled", BLOCKED])
def test_an_exit_after_the_silent_end_does_not_change_why_it_came(kind: str) -> None:
    customer = Customer().all(BOUGHT, (5, "order_delayed")).until(390).does(400, kind)
    assert ended(customer) == ("customer", "core_failure")
    assert end(customer) == (0, 5)
    assert customer.news("end_reason") == ["core_failure"]


def test_an_initiative_takes_an_exit_back_and_the_reason_with_it() -> None:
    customer = Customer().all(BOUGHT, (9, LEFT), (20, ORDER, 50.0))
    assert ended(customer) == ("", "")
    assert customer.news("end_reason") == ["explicit", ""]
    assert ended(customer.until(2000)) == ("customer", "unknown"), "of the new episode nothing is told"


def test_what_comes_late_and_lies_before_the_end_changes_the_reason() -> None:
    customer = Customer().all(BOUGHT, (9, LEFT), (5, "order_delayed"))
    assert ended(customer) == ("customer", "core_failure")
    assert customer.news("end_reason") == ["explicit", "core_failure"]


def test_the_evidence_names_the_touchpoint() -> None:
    customer = Customer().all(BOUGHT, (5, "order_delayed"), (9, LEFT))
    fact = next(fact for fact in customer.judged if fact.after == 1 and fact.evidence_at == at_day(5))
    assert fact.evidence_event == int(customer.row.failure_event[list(customer.row.failure_at).index(at_day(5))])
    assert end(customer) == (9, 5)
