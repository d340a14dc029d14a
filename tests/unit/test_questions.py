"""Questions and complaints: when they were answered and resolved, and which of them count against the firm."""

from itertools import permutations
from typing import Any, Final

import pytest
from support.presets import Customer
from support.relationship import DAY, START, at_day

from processors.judgements.motivation import STEP_ANSWER_QUESTION, STEP_RESOLVE_COMPLAINT, open_matter
from processors.row.layout import ANSWERS, NEVER, NONE, QUESTIONS
from processors.row.questions import neglected_question, unresolved_complaint

PATIENCE: Final = 7 * DAY
LATER: Final = START + 1000 * DAY
ASKING: Final = ("support_ticket_opened", "live_chat_started", "complaint_filed")
ANSWERING: Final = ("support_ticket_answered", "support_ticket_solved", "live_chat_ended", "call_made")


def questions(customer: Customer) -> list[tuple[float, float | None, float | None]]:
    """(asked, answered, resolved) of each, in days since the start."""

    def day(at: int) -> float | None:
        return None if at == NEVER else (at - START) / DAY

    row = customer.row
    fields = zip(row.question_at, row.question_answered_at, row.question_resolved_at, strict=True)
    return sorted((day(at) or 0.0, day(a), day(r)) for at, a, r in fields if at != NONE)


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("answering", ANSWERING)
def test_every_question_is_answered_by_every_answer_that_comes_after_it(asking: str, answering: str) -> None:
    ((_, answered, _),) = questions(Customer().all((3, asking), (5, answering)))
    assert answered == 5
    ((_, answered, _),) = questions(Customer().all((3, answering), (5, asking)))
    assert answered is None


def test_a_call_received_asks_nothing_that_is_left_open() -> None:
    assert questions(Customer().all((3, "call_received"))) == []


@pytest.mark.parametrize("resolving", ["support_ticket_solved", "order_refunded"])
def test_a_complaint_is_resolved_by_a_solved_ticket_or_a_refund_after_it(resolving: str) -> None:
    ((_, _, resolved),) = questions(Customer().all((3, "complaint_filed"), (5, resolving)))
    assert resolved == 5
    ((_, _, resolved),) = questions(Customer().all((2, resolving), (3, "complaint_filed")))
    assert resolved is None


def test_an_answer_resolves_nothing() -> None:
    assert questions(Customer().all((3, "complaint_filed"), (5, "call_made"))) == [(3, 5, None)]


def test_the_first_answer_counts_whatever_the_order_of_arrival() -> None:
    told: list[tuple[Any, ...]] = [
        (0, "support_ticket_opened"),
        (4, "complaint_filed"),
        (2, "call_made"),
        (6, "support_ticket_answered"),
        (9, "support_ticket_solved"),
    ]
    for arrived in permutations(told):
        assert questions(Customer().all(*arrived)) == [(0, 2, 9), (4, 6, 9)]


def test_more_questions_than_are_kept_leave_the_newest() -> None:
    customer = Customer().all(*((day, "support_ticket_opened") for day in range(QUESTIONS + 3)))
    assert [asked for asked, _, _ in questions(customer)] == list(range(3, QUESTIONS + 3))
    assert customer.row.forgotten == 3
    customer.does(1.5, "support_ticket_opened")
    assert customer.row.forgotten == 4, "one that is older than all that are kept is forgotten at once"


def test_a_question_that_arrives_late_finds_its_answer_among_those_kept() -> None:
    customer = Customer().all(*((10 + day, "call_made") for day in range(ANSWERS)))
    assert questions(customer.does(9, "support_ticket_opened")) == [(9, 10, None)]


@pytest.mark.parametrize(("answered", "neglected"), [(6.9, False), (7.0, False), (7.1, True), (None, True)])
def test_a_question_left_for_longer_than_the_patience_was_neglected(answered: float | None, neglected: bool) -> None:
    customer = Customer().all((0, "support_ticket_opened"))
    if answered is not None:
        customer.does(answered, "call_made")
    found = neglected_question(customer.row, at_day(-1), at_day(60), NEVER, PATIENCE)
    assert (found >= 0) == neglected


@pytest.mark.parametrize(("end", "neglected"), [(2.0, True), (4.0, True), (5.0, False), (20.0, False)])
def test_a_question_still_open_at_the_end_was_neglected_however_short_the_time(end: float, neglected: bool) -> None:
    customer = Customer().all((0, "support_ticket_opened"), (5, "call_made"))
    found = neglected_question(customer.row, at_day(-1), at_day(60), at_day(end), PATIENCE)
    assert (found >= 0) == neglected


def test_of_several_neglected_questions_the_newest_within_the_time_is_named() -> None:
    customer = Customer().all((0, "support_ticket_opened"), (30, "live_chat_started"), (90, "complaint_filed"))
    for first, last, asked in ((-1, 60, 30), (-1, 29, 0), (31, 60, None), (30, 90, 90)):
        found = neglected_question(customer.row, at_day(first), at_day(last), NEVER, PATIENCE)
        assert (None if found < 0 else customer.row.question_at[found]) == (None if asked is None else at_day(asked))


def test_a_question_is_no_complaint() -> None:
    customer = Customer().all((0, "support_ticket_opened"))
    assert unresolved_complaint(customer.row, at_day(-1), LATER, LATER, PATIENCE) < 0


@pytest.mark.parametrize(
    ("resolved", "until", "patience", "counts"),
    [(None, 90, 7, True), (5, 90, 7, False), (5, 4, 0, True), (5, 4, 7, False), (9, 4, 7, True), (80, 90, 0, False)],
)
def test_a_complaint_counts_until_it_is_resolved(
    resolved: float | None, until: int, patience: int, counts: bool
) -> None:
    customer = Customer().all((0, "complaint_filed"))
    if resolved is not None:
        customer.does(resolved, "support_ticket_solved")
    found = unresolved_complaint(customer.row, at_day(-1), at_day(90), at_day(until), patience * DAY)
    assert (found >= 0) == counts


def test_what_is_open_of_the_episode_comes_next_complaints_first() -> None:
    customer = Customer()
    assert open_matter(customer.row) == 0
    assert open_matter(customer.does(0, "live_chat_started").row) == STEP_ANSWER_QUESTION
    assert open_matter(customer.does(1, "live_chat_ended").row) == 0
    assert open_matter(customer.does(2, "complaint_filed").row) == STEP_RESOLVE_COMPLAINT
    assert open_matter(customer.does(3, "support_ticket_answered").row) == STEP_RESOLVE_COMPLAINT
    assert open_matter(customer.does(4, "order_refunded", amount=5.0).row) == 0
