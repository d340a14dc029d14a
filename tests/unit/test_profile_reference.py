"""What a profile says, by lists and sets in plain Python."""

import math
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from support.contacts import contacts, profile_of
from support.presets import policy_of
from support.relationship import DAY

from processors.policy import rules as flag
from processors.row.calendar import count_days, count_weeks, day_of
from processors.row.contact import Contact
from processors.row.layout import FACTORS, NEVER, NONE
from processors.row.orders import EPOCH_DAYS
from processors.row.sums import (
    SUM_CONTRIBUTION,
    SUM_COST,
    SUM_DISTRUSTED,
    SUM_EMOTIONAL,
    SUM_EXCHANGES,
    SUM_GIVING,
    SUM_INDIVIDUAL,
    SUM_INTELLECTUAL,
    SUM_INTEREST,
    SUM_INVESTMENT,
    SUM_MIX,
    SUM_OUTBOUND,
    SUM_REFERRALS,
    SUM_TRUSTED,
    SUM_TWO_WAY,
)

RULES: Final = policy_of().rules
told_of: Final = contacts()


def approx(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-300)


class Told:
    """Touchpoints of a customer, to be asked."""

    def __init__(self, told: list[Contact]) -> None:
        self.told = told
        self.newest = max((one.at for one in told), default=NONE)

    def of(self, flags: int) -> list[Contact]:
        return [one for one in self.told if one.flags & flags]

    def at(self, flags: int) -> list[int]:
        return [one.at for one in self.of(flags)]

    def faded(self, half_life_days: float, weights: list[tuple[Contact, float]]) -> float:
        return sum(w * math.exp2(-(self.newest - one.at) / (half_life_days * DAY)) for one, w in weights)

    def slow(self, weights: list[tuple[Contact, float]]) -> float:
        return self.faded(RULES.memory_half_life, weights)

    def slow_of(self, flags: int) -> float:
        return self.slow([(one, 1.0) for one in self.of(flags)])


@given(told_of)
def test_instants_are_the_least_and_the_greatest(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)
    instants = [one.at for one in drawn]
    assert (row.first_at, row.last_at) == (min(instants, default=NEVER), max(instants, default=NONE))
    for name, flags in {
        "_initiative": flag.CUSTOMER,
        "_purchase": flag.PURCHASE,
        "_contact": flag.FIRM,
    }.items():
        assert row[f"first{name}_at"] == min(told.at(flags), default=NEVER)
        assert row[f"last{name}_at"] == max(told.at(flags), default=NONE)
    for name, flags in {
        "investment": flag.INVESTMENT,
        "contribution": flag.CONTRIBUTION,
        "customer_exit": flag.CUSTOMER_EXIT,
        "firm_exit": flag.FIRM_EXIT,
        "closing": flag.TIE_CLOSED,
        "two_way": flag.TWO_WAY,
        "manager": flag.MANAGER,
        "finite": flag.FINITE,
    }.items():
        assert row[f"last_{name}_at"] == max(told.at(flags), default=NONE), name


@given(told_of)
def test_counts_and_sums_are_counted_and_summed(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)
    assert row.touchpoints == len(drawn)
    for name, flags in {
        "purchases": flag.PURCHASE,
        "ties_opened": flag.TIE_OPENED,
        "ties_closed": flag.TIE_CLOSED,
        "two_way": flag.TWO_WAY,
        "outbound": flag.FIRM,
        "referrals": flag.REFERRAL,
        "complaints": flag.COMPLAINT,
        "disclosures": flag.DISCLOSURE,
        "unmapped": flag.UNMAPPED,
        "outside": flag.OUTSIDE,
        "inside": flag.INSIDE,
    }.items():
        assert row[name] == len(told.of(flags)), name
    assert row.individual == sum(bool(one.flags & flag.INDIVIDUAL) for one in told.of(flag.FIRM))
    bought = told.of(flag.PURCHASE)
    of_marketing = flag.MARKETING | flag.ACQUISITION
    assert row.urged == sum(bool(one.flags & of_marketing) for one in told.of(flag.FIRM))
    assert row.searched == sum(
        one.bond == 1 and one.flags & (flag.CUSTOMER | flag.PURCHASE | flag.DISCOUNT) == flag.CUSTOMER for one in drawn
    )
    assert row.varieties == np.bitwise_or.reduce([np.uint64(0), *(one.varieties for one in bought)])
    assert row.gifts == sum(bool(one.flags & (flag.GIFT | flag.ONE_OFF)) for one in bought)
    assert row.spend_minor == sum(one.amount_minor for one in bought)
    assert row.discount_minor == sum(one.discount_minor for one in bought)
    assert row.cost_minor == sum(one.cost_minor for one in drawn)
    days = [one.at // DAY - EPOCH_DAYS for one in bought]
    assert (row.day_sum, row.day_squares) == (sum(days), sum(day * day for day in days))
    marked = {day_of(one.at) for one in bought}
    assert count_days(row) == len(marked)
    assert count_weeks(row, 0, 10**6) == len({day // 7 for day in marked})


@given(told_of)
def test_sums_fade_each_with_its_half_life(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)
    weights = [(one, one.weight) for one in drawn]
    assert row.interaction == approx(told.faded(RULES.interaction_half_life, [(one, 1.0) for one in drawn]))
    assert row.engagement == approx(told.faded(RULES.engagement_half_life, weights))
    assert row.sums[SUM_INTEREST] == approx(told.slow(weights))
    assert row.sums[SUM_COST] == approx(told.slow([(one, float(one.cost_minor)) for one in drawn]))
    for which, flags in {
        SUM_GIVING: flag.GIVING,
        SUM_EXCHANGES: flag.PURCHASE,
        SUM_TWO_WAY: flag.TWO_WAY,
        SUM_OUTBOUND: flag.FIRM,
        SUM_CONTRIBUTION: flag.CONTRIBUTION,
        SUM_INVESTMENT: flag.INVESTMENT,
        SUM_REFERRALS: flag.REFERRAL,
    }.items():
        assert row.sums[which] == approx(told.slow_of(flags)), which
    made_for_one = [(one, 1.0) for one in told.of(flag.FIRM) if one.flags & flag.INDIVIDUAL]
    assert row.sums[SUM_INDIVIDUAL] == approx(told.slow(made_for_one))
    for category in range(1, 7):
        contact = [(one, 1.0) for one in drawn if one.category == category]
        assert row.sums[SUM_MIX + category] == approx(told.slow(contact))


@given(told_of)
def test_signals_of_a_bond_are_weighed_and_those_of_love_only_where_they_are(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)

    def counts(one: Contact) -> bool:
        return not one.flags & flag.SATISFIED or not one.satisfaction < RULES.satisfaction_high

    for which, bond in ((SUM_INTELLECTUAL, 1), (SUM_EMOTIONAL, 2)):
        signals = [(one, one.bond_weight) for one in drawn if one.bond == bond and counts(one)]
        if which == SUM_INTELLECTUAL:
            signals += [(one, 1.0) for one in told.of(flag.PURCHASE) if one.flags & flag.DISCOUNTED]
        assert row.sums[which] == approx(told.slow(signals))


@given(told_of)
def test_trust_is_summed_by_factor_and_sign_with_the_newest_touchpoint_that_bore_on_it(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)

    def sign(one: Contact) -> int:
        said = not np.isnan(one.satisfaction)
        if one.trust_sign == flag.NEGATIVE or (one.trust_sign == flag.POSITIVE and not said):
            return one.trust_sign
        if not said:
            return 0
        return int(one.satisfaction >= RULES.satisfaction_high) - int(one.satisfaction <= RULES.satisfaction_low)

    for factor in range(FACTORS):
        bearing = [one for one in drawn if one.trust == factor and sign(one) != 0]
        assert row.sums[SUM_TRUSTED + factor] == approx(told.slow([(one, 1.0) for one in bearing if sign(one) > 0]))
        assert row.sums[SUM_DISTRUSTED + factor] == approx(told.slow([(one, 1.0) for one in bearing if sign(one) < 0]))
        newest = max(((one.at, int(one.event)) for one in bearing), default=(NONE, 0))
        assert (int(row.trust_at[factor]), int(row.trust_event[factor])) == newest


@given(told_of)
def test_questions_know_their_first_answer_and_resolution(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)
    expected = {
        (
            one.at,
            int(one.event),
            min((at for at in told.at(flag.ANSWER) if at >= one.at), default=NEVER),
            min((at for at in told.at(flag.RESOLUTION) if at >= one.at), default=NEVER),
            bool(one.flags & flag.QUESTION) + 2 * bool(one.flags & flag.COMPLAINT),
        )
        for one in told.of(flag.QUESTION | flag.COMPLAINT)
    }
    fields = ("at", "event", "answered_at", "resolved_at", "complaint")
    held = set(zip(*(row[f"question_{name}"].tolist() for name in fields), strict=True))
    assert {entry for entry in held if entry[0] != NONE} == expected


@given(told_of)
def test_going_on_record_is_by_itself_or_an_enrolment_and_a_purchase_close_together(drawn: list[Contact]) -> None:
    told, row = Told(drawn), profile_of(drawn, RULES)
    instants = told.at(flag.ON_RECORD)
    for enrolled in told.at(flag.LOYALTY):
        instants += [
            max(enrolled, bought) for bought in told.at(flag.PURCHASE) if abs(enrolled - bought) <= RULES.record_ms
        ]
    assert row.last_record_at == max(instants, default=NONE)
