"""Ties and records whatever the order of arrival: what stands is what order of time would have published."""

from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.presets import Customer, changed
from support.sampled import examples

from processors.lifecycle.stages import COMMITMENT, DISSOLUTION, EXPLORATION
from processors.row.layout import ENROLMENTS, PURCHASES

PATIENT: Final = changed(threshold="0.001", hiatus_days="3000")  # no silence comes between
OPENING: Final = ("subscription_started", 0.0)
ENROLLED: Final = ("loyalty_enrolled", 0.0)
BOUGHT: Final = ("order_completed", 50.0)
OPENINGS: Final = st.sampled_from([OPENING, ENROLLED])
OTHERS: Final = st.sampled_from([("product_viewed", 0.0), BOUGHT, ("email_delivered", 0.0), ("product_reviewed", 0.0)])
Told = tuple[float, str, float]


def on_days(kinds: list[tuple[str, float]], first: float, step: float) -> list[Told]:
    return [(first + step * n, kind, amount) for n, (kind, amount) in enumerate(kinds)]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """A life whose last touchpoints may close ties, no more than it opened, in order of time and of arrival.

    None of its enrolments and purchases is forgotten: what then becomes of it is the test after the next.
    """
    opened = draw(st.lists(OPENINGS, max_size=3).filter(lambda some: some.count(ENROLLED) <= ENROLMENTS))
    others = st.lists(OTHERS, min_size=0 if opened else 1, max_size=5)
    rest = draw(others.filter(lambda some: some.count(BOUGHT) <= PURCHASES))
    began = on_days(draw(st.permutations([*opened, *rest])), 0.0, draw(st.sampled_from([0.4, 3.0, 8.0])))
    closed = draw(st.integers(0, max(len(opened), 1)))
    told = began + on_days([("subscription_cancelled", 0.0)] * closed, 100.0, 5.0)
    return told, draw(st.permutations(told))


def path(told: list[Told]) -> list[tuple[int, int, int]]:
    """(episode, stage, day) of what stands, in the end; commitment is known to the day."""
    customer = Customer(PATIENT).all(*told).until(200)
    return [(episode, stage, int(day)) for episode, stage, day in customer.days]


@settings(max_examples=examples(150))
@given(lives())
def test_ties_and_records_are_the_same_whatever_the_order_of_arrival(life: tuple[list[Told], list[Told]]) -> None:
    told, arrived = life
    assert path(arrived) == path(told)


@pytest.mark.parametrize("arrived", list(permutations(range(3))))
def test_an_enrolment_and_a_purchase_find_each_other_whichever_comes_first(arrived: tuple[int, ...]) -> None:
    told: list[Any] = [(0, *ENROLLED), (1.2, *ENROLLED), (0.8, *BOUGHT)]
    assert path([told[n] for n in arrived])[-1] == (1, COMMITMENT, 0)


def test_a_purchase_is_not_on_record_with_an_enrolment_that_was_forgotten() -> None:
    """Two enrolments are kept: with those it is, later."""
    enrolled: list[Told] = [(0, *ENROLLED), (1.2, *ENROLLED), (1.6, *ENROLLED)]
    bought: Told = (0.8, *BOUGHT)
    assert path([enrolled[0], bought, *enrolled[1:]]) == [(1, EXPLORATION, 0), (1, COMMITMENT, 0)]
    customer = Customer(PATIENT).all(*enrolled, bought)
    assert customer.days == [(1, EXPLORATION, 0), (1, COMMITMENT, 1.2)]
    assert customer.row.forgotten == 1


def test_nor_an_enrolment_with_a_purchase_that_was_forgotten() -> None:
    """Four purchases are kept."""
    bought: list[Told] = [(day, *BOUGHT) for day in (0, 2, 2.1, 2.2, 2.3)]
    enrolled: Told = (0.1, *ENROLLED)
    assert path([bought[0], enrolled, *bought[1:]])[-1] == (1, COMMITMENT, 0)
    customer = Customer(PATIENT).all(*bought, enrolled)
    assert [stage for _, stage, _ in customer.days] == [EXPLORATION]
    assert customer.row.forgotten == 1


@pytest.mark.parametrize("arrived", [(0, 1, 2, 3), (0, 1, 3, 2), (3, 2, 1, 0), (3, 0, 2, 1), (2, 3, 0, 1)])
def test_of_two_ties_the_closing_of_the_last_is_the_end(arrived: tuple[int, ...]) -> None:
    told: list[Any] = [
        *[(0, "subscription_started", 9.0), (5, "subscription_started", 9.0)],
        *[(40, "subscription_cancelled"), (50, "subscription_cancelled")],
    ]
    customer = Customer().all(*(told[n] for n in arrived))
    assert customer.days == [(1, COMMITMENT, 0), (1, DISSOLUTION, 50)]


@pytest.mark.parametrize("arrived", [(0, 1, 2), (0, 2, 1)])
def test_of_two_closings_of_one_tie_the_first_is_the_end(arrived: tuple[int, ...]) -> None:
    told: list[Any] = [(0, "subscription_started", 9.0), (40, "subscription_cancelled"), (50, "subscription_cancelled")]
    customer = Customer().all(*(told[n] for n in arrived))
    assert customer.days == [(1, COMMITMENT, 0), (1, DISSOLUTION, 40)]
