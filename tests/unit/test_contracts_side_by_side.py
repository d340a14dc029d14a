"""Several contracts of one customer: which closing is the end, and which end is announced."""

from itertools import permutations
from typing import Any, Final

import pytest
from support.presets import Customer, policy_of
from support.relationship import at_day

from processors.lifecycle.stages import COMMITMENT, DISSOLUTION
from processors.lifecycle.ties import closing_exit
from processors.row.layout import NONE
from processors.row.profile import merge
from processors.row.renewals import renew_apart
from processors.row.terms import bound_until, closed_the_last, renews_at

TELECOM: Final = policy_of("telecom", 2)
SIGNED: Final = "contract_signed"
RENEWED: Final = "contract_renewed"
ENDED: Final = "contract_terminated"
YEAR: Final = {"until": 365.0}
THREE_YEARS: Final = {"until": 1100.0}
FOUR_YEARS: Final = {"until": 1500.0}
Told = tuple[Any, ...]


def customer(*happenings: Told) -> Customer:
    return Customer(TELECOM).all(*happenings)


def standing(of: Customer) -> tuple[int, list[int]]:
    """The stage, and the days on which the relationship ended as far as it stands."""
    return int(of.row.stage), [int(day) for _, stage, day in of.days if stage == DISSOLUTION]


TWO: Final[list[Told]] = [(0, SIGNED, THREE_YEARS), (40, SIGNED, THREE_YEARS)]
RAN_OUT: Final[list[Told]] = [(0, SIGNED, YEAR), (300, "signed_in"), (340, SIGNED, FOUR_YEARS)]


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        ([(0, SIGNED, THREE_YEARS), (200, ENDED)], True),
        ([(0, SIGNED, YEAR), (340, RENEWED, THREE_YEARS), (400, ENDED)], True),
        ([(0, "bill_paid", 20.0), (50, ENDED)], True),
        ([*TWO, (200, ENDED)], False),
        ([*TWO, (200, ENDED), (210, ENDED)], True),
        ([(0, SIGNED), (40, SIGNED), (200, ENDED)], False),
        ([*RAN_OUT, (400, ENDED)], True),
        ([*RAN_OUT, (360, ENDED)], False),  # the older one still bound
        ([(0, SIGNED, THREE_YEARS), (1, "loyalty_enrolled"), (200, ENDED)], True),
        ([(0, SIGNED, THREE_YEARS), (200, "subscription_started", 9.0, YEAR), (210, ENDED)], False),
    ],
    ids=[
        "one",
        "renewed",
        "unknown",
        "one of two",
        "both",
        "one of two assumed",
        "the other ran out",
        "neither ran out",
        "member",
        "other",
    ],
)
def test_the_end_of_the_last_contract_is_an_exit_and_of_one_of_several_is_none(told: list[Told], ends: bool) -> None:
    day = int(told[-1][0])
    assert standing(customer(*told)) == ((DISSOLUTION, [day]) if ends else (COMMITMENT, []))


def test_an_assumed_length_tells_of_no_end() -> None:
    # A bill is paid after the year that the policy assumes: the older contract may well go on.
    of = customer((0, SIGNED), (300, SIGNED), (370, "bill_paid", 20.0), (400, ENDED))
    assert not closed_the_last(of.row)
    assert standing(of) == (COMMITMENT, [])


def test_a_contract_of_a_relationship_that_ended_binds_no_longer() -> None:
    silent = customer((0, SIGNED), (1000, SIGNED), (1100, ENDED))
    assert standing(silent) == (DISSOLUTION, [395, 1100])
    left = customer((0, SIGNED, THREE_YEARS), (100, "port_out_requested"), (200, SIGNED, FOUR_YEARS), (300, ENDED))
    assert standing(left) == (DISSOLUTION, [100, 300])


def test_where_older_terms_may_be_forgotten_a_closing_is_taken_for_one_of_several() -> None:
    renewals = [(365.0 * n, RENEWED, {"until": 365.0 * (n + 1)}) for n in (1, 2, 3)]
    told: list[Told] = [(0, SIGNED, YEAR), (10, SIGNED, {"until": 4000.0}), *renewals]
    of = customer(*told, (1200, ENDED))
    assert standing(of) == (COMMITMENT, [])


@pytest.mark.parametrize("arrived", list(permutations(range(3))))
def test_the_exit_is_the_same_whatever_the_order_of_arrival(arrived: tuple[int, ...]) -> None:
    told: list[Told] = [(0, SIGNED, YEAR), (340, SIGNED, FOUR_YEARS), (400, ENDED)]
    of = customer(*(told[i] for i in arrived)).until(401)
    assert standing(of) == (DISSOLUTION, [400])
    assert closing_exit(of.row) == at_day(400)


def test_two_ids_that_are_one_have_the_contracts_of_both() -> None:
    mine, other = customer((0, SIGNED, THREE_YEARS), (200, ENDED)), customer((40, SIGNED, THREE_YEARS))
    assert closing_exit(mine.row) == at_day(200)
    merge(mine.row, other.row, mine.rules)
    assert closing_exit(mine.row) == NONE


def test_what_the_last_closing_ended_binds_no_longer_and_is_not_renewed() -> None:
    of = customer(*RAN_OUT, (400, ENDED))
    assert (bound_until(of.row), renews_at(of.row)) == (at_day(400), NONE)


@pytest.mark.parametrize(
    ("told", "apart"),
    [
        (TWO, True),
        ([(0, SIGNED), (40, SIGNED)], True),
        ([(0, SIGNED), (31, SIGNED), (62, SIGNED)], False),  # a plan that is taken again each month
        ([(0, SIGNED, THREE_YEARS), (40, RENEWED, THREE_YEARS)], False),
        ([*TWO, (100, RENEWED, THREE_YEARS)], False),
        ([(0, SIGNED, YEAR), (340, SIGNED, FOUR_YEARS)], False),  # in the last quarter: in place of the first
        ([*TWO, (100, ENDED)], False),
    ],
)
def test_contracts_are_renewed_apart_where_they_stand_side_by_side(told: list[Told], apart: bool) -> None:
    assert renew_apart(customer(*told).row) == apart


def test_a_member_is_offered_no_membership() -> None:
    told: list[Told] = [(7.0 * n, "top_up_purchased", 20.0) for n in range(12)]
    stranger, member = customer(*told).until(80), customer((0, "loyalty_enrolled"), *told).until(80)
    assert stranger.word("next_step") == "offer_membership"
    assert member.word("next_step") == "recommend_related"
