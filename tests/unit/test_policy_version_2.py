"""What policies of version 2 judge otherwise than those of version 1: cost, exits, orders that went back, terms."""

from typing import Any

import numpy as np
import pytest
from support.presets import Customer, changed, policy_of
from support.relationship import DAY, at_day

from processors.judgements.categories import CATEGORY_NOT_KNOWN, recommended_category
from processors.judgements.letting_go import cost_to_serve, letting_go_costs
from processors.judgements.standing import standing
from processors.judgements.value import clv
from processors.lifecycle.stages import silence_at
from processors.row.calendar import count_days
from processors.row.layout import NONE
from processors.row.months import after_months
from processors.row.outreach import EMAIL, note_consent, note_preference, wants_no_mail
from processors.row.terms import bound_until, renews_at

SECOND = policy_of("commerce", 2)
SMS = 2


def customer(*happenings: tuple[Any, ...]) -> Customer:
    return Customer(SECOND).all(*happenings)


def value(of: Customer, day: float) -> float:
    return clv(of.row, of.rules, at_day(day)) / 100


def test_an_ad_is_a_cost_of_acquiring_and_none_of_serving() -> None:
    plain = customer((1, "order_completed", 100.0, {"order": "a"}))
    reached = customer((0, "ad_impression", {"cost": 10.0}), (1, "order_completed", 100.0, {"order": "a"}))
    assert (reached.row.cost_minor, reached.row.marketing_minor, cost_to_serve(reached.row)) == (1_000, 1_000, 0)
    assert value(reached, 2) == pytest.approx(value(plain, 2), rel=0.01)
    assert value(plain, 2) > 0


def test_a_mailing_serves_nobody_and_a_chat_does() -> None:
    mailed = customer((0, "order_completed", 50.0), (1, "email_delivered", {"cost": 2.0}))
    assert cost_to_serve(mailed.row) == 0
    assert cost_to_serve(mailed.does(2, "live_chat_started").row) == 500


def test_one_chat_in_a_life_is_not_a_rate() -> None:
    plain, chat = customer((1, "order_completed", 100.0)), customer((1, "order_completed", 100.0))
    chat.does(1.1, "live_chat_started")
    assert value(plain, 8) > value(chat, 8) > 0.6 * value(plain, 8)


def test_after_an_exit_nothing_is_to_come_and_the_customer_is_left_in_peace() -> None:
    left = customer((0, "order_completed", 100.0), (7, "order_completed", 100.0), (8, "account_deleted")).until(10)
    assert standing(left.row, left.rules, at_day(10)) == (0.0, 1.0, 0.0, 0.0, 0.0)
    assert value(left, 10) == 0.0
    assert (left.word("risk_band"), left.word("next_step")) == ("high", "let_rest")


def test_who_comes_back_is_judged_anew() -> None:
    back = customer((0, "order_completed", 100.0), (8, "account_deleted"), (20, "order_completed", 100.0)).until(22)
    alive, risk, *_ = standing(back.row, back.rules, at_day(22))
    assert alive > 0.5 > risk
    assert back.word("next_step") != "let_rest"


@pytest.mark.parametrize("cancelled_first", [False, True])
def test_a_cancelled_order_is_no_purchase(cancelled_first: bool) -> None:
    told: list[tuple[Any, ...]] = [
        (1, "order_completed", 100.0, {"order": "e"}),
        (1.1, "order_cancelled", {"order": "e"}),
    ]
    row = customer(*(reversed(told) if cancelled_first else told)).row
    assert (row.purchases, row.spend_minor, row.refunded_minor, row.margin_minor, count_days(row)) == (0, 0, 0, 0, 0)
    assert (row.last_purchase_at, row.cancelled, row.cancelled_minor) == (NONE, 1, 10_000)


def test_another_purchase_of_that_day_stays_one() -> None:
    two = customer((1, "order_completed", 30.0, {"order": "a"}), (1.2, "order_completed", 50.0, {"order": "b"}))
    row = two.does(2, "order_cancelled", order="b").row
    assert (row.purchases, row.spend_minor, count_days(row), row.last_purchase_at) == (1, 3_000, 1, at_day(1))
    assert row.first_purchase_at == at_day(1)


def test_an_order_bought_on_several_days_stays_bought_and_gives_its_money_back() -> None:
    monthly = customer(*((day, "subscription_renewed", 10.0, {"order": "m"}) for day in (0, 30, 60)))
    row = monthly.does(61, "order_cancelled", order="m").row
    assert (row.purchases, row.spend_minor, row.refunded_minor, count_days(row)) == (3, 3_000, 3_000, 3)


def unprofitable(*happenings: tuple[Any, ...]) -> Customer:
    """A customer whose purchases cost money, so that value keeps nobody from being let go."""
    return customer(
        *(
            (day, kind, *(rest if kind != "order_completed" else (rest[0], {**rest[1], "margin": -5.0})))
            for day, kind, *rest in happenings
        )
    )


def test_a_credit_note_for_a_part_is_no_returned_order() -> None:
    orders = [(day, "order_completed", 200.0, {"order": str(day)}) for day in range(0, 100, 10)]
    notes = [(day + 3.5, "order_refunded", 4.0, {"order": str(day)}) for day in range(0, 100, 20)]
    assert unprofitable(*orders, *notes).until(105).word("let_go") == ""


def test_what_the_firm_did_wrong_does_not_count_against_who_sends_it_back() -> None:
    orders = [(day, "order_completed", 100.0, {"order": str(day)}) for day in range(4)]
    back = [(10 + day, "return_requested", {"order": str(day)}) for day in range(3)]
    assert unprofitable(*orders, *back).until(15).word("let_go") == "norm_violator"
    failed = [(at, kind, {**more, "reason": "defective"}) for at, kind, more in back]
    assert unprofitable(*orders, *failed).until(15).word("let_go") == ""


def test_nobody_whose_value_is_positive_is_let_go_but_who_was_blocked() -> None:
    orders = [(day, "order_completed", 100.0, {"order": str(day), "discount": 20.0}) for day in range(5)]
    assert customer(*orders).until(8).word("let_go") == ""
    assert unprofitable(*orders).until(8).word("let_go") == "deal_seeker"
    assert customer(*orders, (6, "customer_blocked")).until(8).word("let_go") == "norm_violator"


def test_each_reason_says_the_money() -> None:
    orders = [(day, "order_completed", 100.0, {"order": str(day)}) for day in range(4)]
    row = unprofitable(*orders, (9, "order_cancelled", {"order": "0"}), (9, "return_requested", {"order": "1"})).row
    assert letting_go_costs(row, SECOND.rules, 2)[1] == 20_000


def end_of(*happenings: tuple[Any, ...]) -> str:
    return customer(*happenings).until(400).word("end_reason")


def test_neglect_is_said_only_where_contacts_of_the_firm_are_known() -> None:
    bought = [(7 * week, "order_completed", 20.0) for week in range(8)]
    assert end_of(*bought) == "unknown"
    assert end_of((0, "email_delivered"), *bought) == "neglect"


def test_who_asked_for_no_more_mail_was_not_neglected() -> None:
    bought = [(7 * week, "order_completed", 20.0) for week in range(8)]
    assert end_of((0, "email_delivered"), (1, "unsubscribed"), *bought) == "unknown"


@pytest.mark.parametrize(
    ("kind", "why", "step"),
    [
        ("competitor_mentioned", "better_alternative", "win_back_with_offer"),
        ("category_outgrown", "life_stage", "let_rest"),
    ],
)
@pytest.mark.parametrize("day", [15, 60, 300])
def test_a_reason_that_is_told_while_the_silence_lasts_counts(kind: str, why: str, step: str, day: int) -> None:
    late = customer((0, "order_completed", 50.0)).until(day).does(day, kind).until(400)
    assert (late.word("end_reason"), late.word("next_step")) == (why, step)
    late.all((410, "order_completed", 50.0)).until(900)
    assert late.word("end_reason") == "unknown", "of a new episode it says nothing"


def test_a_failure_that_was_put_right_counts_no_longer() -> None:
    late = [(0, "order_completed", 50.0, {"order": "a"}), (2, "order_delayed", {"order": "a"})]
    assert end_of(*late) == "core_failure"
    assert end_of(*late, (3, "support_ticket_solved")) != "core_failure"
    assert end_of(*late, (3, "support_ticket_solved"), (10, "competitor_mentioned")) == "better_alternative"


def test_signs_of_life_after_a_purchase_keep_a_relationship() -> None:
    seen = customer((0, "order_completed", 50.0), *((day, "signed_in") for day in range(30, 365, 30))).until(370)
    assert [fact.to_stage for fact in seen.facts] == [2]
    assert silence_at(seen.row, seen.rules) == at_day(360) + round(SECOND.rules.life_ms)


def test_what_binds_outlasts_silence_and_a_grace_comes_after_it() -> None:
    bound = customer((0, "subscription_started", 120.0, {"until": 365.0}))
    assert silence_at(bound.row, bound.rules) == at_day(365) + 14 * DAY
    assert silence_at(bound.does(30, "subscription_cancelled").row, bound.rules) < at_day(365)


def test_renewals_extend_what_binds_and_an_assumed_term_follows_their_rhythm() -> None:
    yearly = customer((0, "subscription_started", 12.0), (30, "subscription_renewed", 12.0))
    assert bound_until(yearly.row) == at_day(60), "who renews monthly is not bound for a year"
    stated = customer(
        (0, "subscription_started", 12.0, {"until": 90.0}), (85, "subscription_renewed", 12.0, {"until": 450.0})
    )
    assert bound_until(stated.row) == at_day(450)


@pytest.mark.parametrize(("renewed", "until"), [(365, 730), (335, 730), (275, 730), (270, 540), (400, 765)])
def test_who_renews_early_adds_to_the_term(renewed: int, until: int) -> None:
    early = customer((0, "subscription_started", 12.0), (renewed, "subscription_renewed", 12.0))
    assert bound_until(early.row) == pytest.approx(at_day(until), abs=2)
    other = customer((renewed, "subscription_renewed", 12.0), (0, "subscription_started", 12.0))
    assert bound_until(other.row) == bound_until(early.row)


YEARLY = {"months": 12}
HALF_YEARLY = {"months": 6}


@pytest.mark.parametrize(("early", "added"), [(0, True), (10, True), (91, True), (92, False), (-5, False)])
def test_a_stated_duration_that_is_renewed_early_begins_where_the_one_before_ends(early: int, added: bool) -> None:
    begins, over = at_day(0), after_months(at_day(0), 12)
    renewed = (over - begins) // DAY - early
    told: list[tuple[Any, ...]] = [
        (0, "subscription_started", 12.0, YEARLY),
        (renewed, "subscription_renewed", 12.0, YEARLY),
    ]
    until = after_months(over if added else at_day(renewed), 12)
    assert bound_until(customer(*told).row) == until
    assert bound_until(customer(*reversed(told)).row) == until


def test_each_of_several_early_renewals_adds_to_the_one_before() -> None:
    ends = [after_months(at_day(0), 6 * count) for count in range(5)]
    renewals = [((end - at_day(0)) // DAY - 7, "subscription_renewed", 12.0, HALF_YEARLY) for end in ends[1:4]]
    assert bound_until(customer((0, "subscription_started", 12.0, HALF_YEARLY), *renewals).row) == ends[4]


def test_a_renewal_is_of_what_ends_first_and_of_nothing_that_was_closed() -> None:
    first = after_months(at_day(0), 12)
    renewed = (first - at_day(0)) // DAY - 10
    two = customer(
        (0, "subscription_started", 12.0, YEARLY),
        (40, "subscription_started", 12.0, YEARLY),
        (renewed, "subscription_renewed", 12.0, YEARLY),
    )
    assert bound_until(two.row) == after_months(first, 12)
    closed = customer(
        (0, "subscription_started", 12.0, YEARLY),
        (renewed - 1, "subscription_cancelled"),
        (renewed, "subscription_started", 12.0, YEARLY),
    )
    assert bound_until(closed.row) == after_months(at_day(renewed), 12)


def test_a_stated_end_is_the_end_however_early_it_was_told() -> None:
    told = customer((0, "subscription_started", 12.0, {"until": 90.0}), (80, "subscription_renewed", 12.0, YEARLY))
    assert bound_until(told.row) == after_months(at_day(90), 12)
    told.all((440, "subscription_renewed", 12.0, {"until": 800.0}))
    assert bound_until(told.row) == at_day(800)


def test_two_openings_are_no_rhythm_and_three_are() -> None:
    two = customer((0, "subscription_started", 12.0), (31, "subscription_started", 12.0))
    assert bound_until(two.row) == at_day(31) + 365 * DAY + 1, "of two things, each for a year"
    three = customer(*((day, "subscription_started", 12.0) for day in (0, 31, 62)))
    assert bound_until(three.row) == at_day(62) + 31 * DAY
    one_closed = customer(
        (0, "subscription_started", 12.0), (31, "subscription_started", 12.0), (90, "subscription_cancelled")
    )
    assert bound_until(one_closed.row) == at_day(31) + 365 * DAY + 1


def test_what_is_left_or_closed_bound_until_then_and_is_not_to_be_renewed() -> None:
    for leaves in ("account_deleted", "customer_blocked", "subscription_cancelled"):
        row = customer((0, "subscription_started", 12.0), (5, leaves)).row
        assert (bound_until(row), renews_at(row)) == (at_day(5), NONE)
    bound = customer((0, "subscription_started", 12.0)).row
    assert bound_until(bound) == renews_at(bound)


def test_a_tie_that_is_closed_within_its_term_is_an_exit_however_silent_it_was() -> None:
    for leaves in ("account_deleted", "subscription_cancelled"):
        left = customer((0, "subscription_started", 12.0), (300, leaves))
        assert [(fact.to_stage, fact.at) for fact in left.facts] == [(3, at_day(0)), (4, at_day(300))]
        assert left.word("end_reason") == "explicit"
    # Beyond its term and the grace after it, silence had ended it long ago.
    late = customer((0, "subscription_started", 12.0), (600, "subscription_cancelled"))
    assert late.facts[-1].at == at_day(365 + 14) + 1  # of a term that is the policy's


def test_who_joins_before_buying_is_on_record() -> None:
    assert [fact.to_stage for fact in customer((0, "loyalty_enrolled"), (1, "order_completed", 20.0)).facts] == [3]


def test_consent_is_the_newest_word() -> None:
    row = customer((0, "newsletter_subscribed"), (5, "unsubscribed")).row
    assert (row.last_consent_at, row.last_refusal_at, row.refusals) == (at_day(0), at_day(5), 1)


def refusing(step_before: str, *happenings: tuple[Any, ...], until: float) -> tuple[str, str]:
    """The next step of a customer, and of the same one who said no to mail at the end."""
    open_to_mail, refuses = customer(*happenings).until(until), customer(*happenings).until(until)
    assert open_to_mail.word("next_step") == step_before
    note_consent(refuses.row, 0, at_day(until), False)
    return refuses.does(until, "unsubscribed").until(until + 2).word("next_step"), step_before


@pytest.mark.parametrize(
    ("step", "day", "happenings"),
    [
        ("introduce", 5, [(0, "page_viewed")]),
        ("invite_to_buy", 5, [(0, "product_viewed")]),
        (
            "offer_membership",
            5,
            [(0, "order_completed", 50.0), (2, "order_completed", 50.0), (4, "order_completed", 50.0)],
        ),
        ("remind", 400, [(0, "order_completed", 50.0)]),
        ("win_back_with_offer", 400, [(0, "order_completed", 50.0), (1, "competitor_mentioned")]),
        ("win_back_with_apology", 400, [(0, "order_completed", 50.0), (1, "order_delayed")]),
    ],
)
def test_who_said_no_to_mail_is_left_in_peace(step: str, day: float, happenings: list[tuple[Any, ...]]) -> None:
    assert refusing(step, *happenings, until=day)[0] == "let_rest"


@pytest.mark.parametrize(
    ("step", "happenings"),
    [
        ("answer_question", [(0, "order_completed", 50.0), (1, "support_ticket_opened")]),
        ("resolve_complaint", [(0, "order_completed", 50.0), (1, "complaint_filed")]),
    ],
)
def test_who_said_no_to_mail_is_still_answered(step: str, happenings: list[tuple[Any, ...]]) -> None:
    assert refusing(step, *happenings, until=5)[0] == step


def test_no_is_said_of_a_channel_and_the_newest_word_counts() -> None:
    row = customer((0, "order_completed", 50.0)).row
    assert not wants_no_mail(row), "who said nothing did not say no"
    note_consent(row, SMS, at_day(1), False)
    assert not wants_no_mail(row), "of text messages alone"
    note_consent(row, EMAIL, at_day(2), False)
    assert wants_no_mail(row)
    note_consent(row, SMS, at_day(3), True)
    assert not wants_no_mail(row), "a reminder can go there"
    note_consent(row, 0, at_day(4), False)
    assert wants_no_mail(row)
    note_consent(row, EMAIL, at_day(5), True)
    assert not wants_no_mail(row)
    note_preference(row, EMAIL, at_day(6), False)
    assert wants_no_mail(row), "a consent manager's no is one"


def test_who_never_bought_has_no_tier_and_a_passing_visit_no_need() -> None:
    seen = customer((0, "page_viewed")).until(2)
    assert (seen.word("value_tier"), seen.word("need")) == ("not_known", "not_known")
    assert (seen.news("value_tier"), seen.news("need")) == ([], []), "what is not known is no news"
    seen.does(3, "order_completed", amount=50.0, order="a").until(5)
    assert (seen.news("value_tier"), seen.word("need")) == (["low"], "not_known")
    seen.does(9, "order_completed", amount=50.0, order="b").until(11)
    assert seen.news("need") == ["convenience"]
    seen.does(12, "order_cancelled", order="b").does(12, "order_cancelled", order="a").until(14)
    assert (seen.word("value_tier"), seen.word("need")) == ("not_known", "not_known")


def test_three_contacts_that_somebody_sought_show_a_need_without_any_purchase() -> None:
    looks = customer(*((day, "product_viewed", {"number": day}) for day in range(3))).until(5)
    assert (looks.word("value_tier"), looks.word("need")) == ("not_known", "convenience")


def test_a_tier_stays_what_was_known_of_who_left_and_is_not_known_where_nothing_was() -> None:
    left = (
        customer((0, "order_completed", 9_000.0), (3, "order_completed", 9_000.0)).until(5).does(6, "account_deleted")
    )
    assert left.until(9).word("value_tier") == "high"
    assert customer((0, "page_viewed")).until(5).does(6, "account_deleted").until(9).word("value_tier") == "not_known"


def test_purchases_and_a_passing_visit_say_nothing_of_the_category() -> None:
    for told in ([(0, "page_viewed")], [(0, "order_completed", 50.0), (30, "order_completed", 50.0)]):
        row = customer(*told).row
        assert recommended_category(row, SECOND.rules, False, False, False)[0] == CATEGORY_NOT_KNOWN
    known = customer((0, "account_created"), (1, "order_completed", 50.0)).row
    assert recommended_category(known, SECOND.rules, False, False, False)[0] != CATEGORY_NOT_KNOWN


def test_a_guest_of_every_august_lives_between_the_seasons() -> None:
    hotel = Customer(policy_of("hotel", 2))
    for year in range(4):
        for night in (0, 1, 2):
            hotel.does(365 * year + night, "restaurant_visited", amount=60.0)
    assert silence_at(hotel.row, hotel.rules) > at_day(365 * 4)


def test_silence_ends_after_ten_own_intervals_and_half_a_year() -> None:
    never = changed("commerce", 2, a="0.000001", b="1000.0", r="50.0", alpha="5000.0")
    row = Customer(never).all(*((day, "order_completed", 20.0) for day in (0, 10, 20))).row
    assert at_day(20 + 182) <= silence_at(row, never.rules) <= at_day(20 + 184)


def test_nothing_is_lost_in_a_number() -> None:
    assert not np.isnan(value(customer((0, "order_completed", 50.0)), 1))
