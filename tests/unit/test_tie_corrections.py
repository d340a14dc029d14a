"""Ties and records whatever the order of arrival: what stands is what order of time would have published."""

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.presets import Customer, changed

from processors.lifecycle.stages import COMMITMENT, DISSOLUTION

PATIENT: Final = changed(threshold="0.001", hiatus_days="3000")  # no silence comes between
OPENING: Final = ("subscription_started", 0.0)
OPENINGS: Final = st.sampled_from([OPENING, ("loyalty_enrolled", 0.0)])
OTHERS: Final = st.sampled_from(
    [("product_viewed", 0.0), ("order_completed", 50.0), ("email_delivered", 0.0), ("product_reviewed", 0.0)]
)
Told = tuple[float, str, float]


def on_days(kinds: list[tuple[str, float]], first: float, step: float) -> list[Told]:
    return [(first + step * n, kind, amount) for n, (kind, amount) in enumerate(kinds)]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """A life whose last touchpoints may close ties, no more than it opened, in order of time and of arrival."""
    opened = draw(st.lists(OPENINGS, max_size=3))
    rest = draw(st.lists(OTHERS, min_size=0 if opened else 1, max_size=5))
    began = on_days(draw(st.permutations([*opened, *rest])), 0.0, draw(st.sampled_from([0.4, 3.0, 8.0])))
    closed = draw(st.integers(0, max(len(opened), 1)))
    told = began + on_days([("subscription_cancelled", 0.0)] * closed, 100.0, 5.0)
    return told, draw(st.permutations(told))


def path(told: list[Told]) -> list[tuple[int, int, int]]:
    """(episode, stage, day) of what stands, in the end; commitment is known to the day."""
    customer = Customer(PATIENT).all(*told).until(200)
    return [(episode, stage, int(day)) for episode, stage, day in customer.days]


@settings(max_examples=150)
@given(lives())
def test_ties_and_records_are_the_same_whatever_the_order_of_arrival(life: tuple[list[Told], list[Told]]) -> None:
    told, arrived = life
    assert path(arrived) == path(told)


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
