"""Satisfaction, wrong messages, and what customers ask for, against what they are given. Results worked out by hand."""

from typing import Any, Final

import pytest
from support.report_rows import day, meaning, policy, profile
from support.report_views import asked, store, touch

from streams.reports.sink import Sink

MEANINGS: Final = [
    meaning(kind="survey_answered", initiative="customer", category="co_creation"),
    meaning(kind="complaint_filed", initiative="customer", complaint=True, category="personal_assistance"),
    meaning(kind="ticket_solved", initiative="firm", resolution=True),
    meaning(kind="order_delayed", initiative="firm", failure=True),
    meaning(kind="referral_made", initiative="customer", referral=True),
    meaning(kind="return_requested", initiative="customer", **{"return": True}),
    meaning(kind="competitor_mentioned", initiative="none", rival=True),
    meaning(kind="coupon_denied", initiative="firm", rival=True),
    meaning(kind="newsletter_sent", initiative="firm", marketing=True, category="automated_service", cost_minor=10),
    meaning(kind="no_more_mail", initiative="none", consent="withdrawn"),
    meaning(kind="call_received", initiative="customer", category="personal_assistance", cost_minor=500),
    meaning(kind="product_viewed", initiative="customer", category="self_service"),
    meaning(kind="order_completed", initiative="customer", purchase=True, category="self_service"),
]
KNOWN: Final = profile(as_of=day(400))


def people(*told: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("ann", "bob", "cid", "dan", "eve", "fay", "gus")
    return [profile(customer_id=name, as_of=day(400), **some) for name, some in zip(names, told, strict=False)]


def said(customer: str, at: float, stars: float) -> dict[str, Any]:
    return touch(customer, "survey_answered", at, satisfaction=stars)


TOLD: Final = [
    *(said("ann", 380, 5.0), said("ann", 390, 4.0), said("ann", 10, 1.0)),
    *(said("bob", 370, 5.0), touch("bob", "complaint_filed", 380), touch("bob", "order_delayed", 381)),
    *(touch("cid", "complaint_filed", 380), touch("cid", "ticket_solved", 381)),
    *(touch("dan", "referral_made", 390), touch("dan", "coupon_denied", 391)),
    said("eve", 390, 3.0),
    touch("fay", "complaint_filed", 10),
    *(touch("gus", "return_requested", 390), touch("gus", "competitor_mentioned", 395)),
    said("rob", 390, 1.0) | {"properties": {"bot": "true"}},
]


def test_satisfaction_is_what_is_stated_and_what_is_behind_it(sink: Sink) -> None:
    store(sink, TOLD, policies=[policy()], meanings=MEANINGS, profiles=[KNOWN])
    rows = asked(sink, "SELECT * EXCEPT (namespace, last_evidence_id) FROM satisfaction ORDER BY customer_id")
    assert [tuple(row.values()) for row in rows] == [
        # rated, stated, last; for, against, behind; on what it rests
        ("ann", "satisfied", 2, 4.5, 4.0, 0, 0, 0.0, "survey_answered"),
        ("bob", "mixed", 1, 5.0, 5.0, 0, 2, -0.5, "order_delayed"),
        ("cid", "not_known", 0, None, None, 0, 0, 0.0, "ticket_solved"),
        ("dan", "satisfied", 0, None, None, 1, 0, round(1 / 3, 12), "referral_made"),
        ("eve", "neutral", 1, 3.0, 3.0, 0, 0, 0.0, "survey_answered"),
        ("fay", "not_known", 0, None, None, 0, 0, 0.0, ""),
        ("gus", "dissatisfied", 0, None, None, 0, 2, -0.5, "competitor_mentioned"),
    ]


def test_the_limits_of_satisfaction_are_those_of_the_policy(sink: Sink) -> None:
    text = 'name = "own"\n\n[satisfaction]\nlow = 3.0   # as stated\nhigh = 4.5\n'
    store(sink, TOLD, policies=[policy(text=text)], meanings=MEANINGS, profiles=[KNOWN])
    found = asked(sink, "SELECT customer_id, satisfaction FROM satisfaction WHERE rated > 0 ORDER BY customer_id")
    assert [tuple(row.values()) for row in found] == [("ann", "satisfied"), ("bob", "mixed"), ("eve", "dissatisfied")]


def test_a_refusal_is_blamed_on_the_message_before_it(sink: Sink) -> None:
    spring, summer = {"campaign": "spring", "channel": "email"}, {"campaign": "summer", "channel": "email"}
    touches = [
        *(touch(who, "newsletter_sent", 0, **spring) for who in ("ann", "bob", "dan")),
        touch("bob", "newsletter_sent", 20, **summer),
        *(touch("ann", "no_more_mail", 3), touch("bob", "unsubscribed", 21)),
        *(touch("cid", "unsubscribed", 1), touch("dan", "unsubscribed", 10)),
    ]
    worth = people(*({"clv_minor": clv, "spend_minor": spend} for clv, spend in ((10.0, 1), (20.0, 2), (40.0, 4))))
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=worth)
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM wrong_messages ORDER BY campaign")] == [
        # messages, reached, refusals, refused, for each thousand; what those who refused are worth
        ("", "", "", 0, 0, 2, 2, None, 40.0, 4, "EUR"),
        ("newsletter_sent", "email", "spring", 3, 3, 1, 1, round(1000 / 3, 12), 10.0, 1, "EUR"),
        ("newsletter_sent", "email", "summer", 1, 1, 1, 1, 1000.0, 20.0, 2, "EUR"),
    ]


def prefers(customer: str, at: float, **properties: str) -> dict[str, Any]:
    return touch(customer, "survey_answered", at, properties=properties)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("properties", "category"),
    [
        ({"preferred_category": "co_creation"}, "co_creation"),
        ({"preferred_channel": "Phone"}, "personal_assistance"),
        ({"contact_preference": " E-Mail "}, "automated_service"),
        ({"preferred_contact": "Account Manager"}, "dedicated_personal_assistance"),
        ({"preferred_service": "web"}, "self_service"),
        ({"preferred_channel": "forum"}, "community"),
        ({"traits.preferredChannel": "Phone"}, "personal_assistance"),
        ({"Preferred Contact Method": "SMS"}, "automated_service"),
        ({"preferred_channel": "carrier pigeon"}, ""),
        ({"preferred_channel": "carrier pigeon", "preferred_category": "community"}, "community"),
        ({}, ""),
    ],
)
def test_a_preference_is_read_whatever_its_words(sink: Sink, properties: dict[str, str], category: str) -> None:
    store(sink, [prefers("ann", 1, **properties)], policies=[policy()], meanings=MEANINGS)
    (row,) = asked(sink, "SELECT stated_category, wanted_category FROM wanted_categories")
    assert tuple(row.values()) == (category, category or "co_creation")


# Of the segment low/price ann and bob say that they want the phone, cid that it is the web; dan and eve say nothing.
WISHES: Final = [
    *(prefers("ann", 1, preferred_channel="web"), prefers("ann", 5, preferred_channel="phone")),
    *(prefers("bob", 1, preferred_channel="phone"), prefers("cid", 1, preferred_channel="web")),
    *(touch("bob", "newsletter_sent", at) for at in (2, 3, 4)),
    touch("cid", "call_received", 2),
    *(touch("dan", "call_received", at) for at in (1, 2)),
    *(touch("dan", "product_viewed", at) for at in (1, 2, 3)),
    *(touch("dan", "order_completed", at, amount_minor=100) for at in (1, 2, 3, 4)),
    touch("eve", "call_received", 2),
]
LOW: Final = {"segment": "low/price", "observed_category": "automated_service"}
HIGH: Final = {"segment": "high/advice", "observed_category": "self_service"}
QUIET: Final = {"segment": "low/advice", "observed_category": "community"}


def test_a_segment_expects_what_it_states_before_what_it_seeks_or_gets(sink: Sink) -> None:
    worth = people(LOW, LOW, LOW, HIGH, HIGH, QUIET, QUIET | {"observed_category": ""})
    store(sink, WISHES, policies=[policy()], meanings=MEANINGS, profiles=worth)
    rows = asked(
        sink,
        "SELECT customer_id, stated_category, sought_category, expected_category, expected_by FROM categories "
        "ORDER BY customer_id",
    )
    personal = ("personal_assistance", "stated")
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "personal_assistance", "co_creation", *personal),
        ("bob", "personal_assistance", "co_creation", *personal),
        ("cid", "self_service", "co_creation", *personal),
        # Of what is sought equally often the first by name.
        ("dan", "", "self_service", "personal_assistance", "sought"),
        ("eve", "", "personal_assistance", "personal_assistance", "sought"),
        ("fay", "", "", "community", "observed"),
        ("gus", "", "", "community", "observed"),
    ]
    (stated,) = asked(sink, "SELECT stated_by, stated_at FROM wanted_categories WHERE customer_id = 'ann'")
    assert tuple(stated.values()) == ("preferred_channel = phone", day(5))


@pytest.mark.slow
def test_what_is_expected_is_held_against_what_is_given(sink: Sink) -> None:
    store(sink, WISHES, policies=[policy()], meanings=MEANINGS, profiles=people(LOW, LOW, LOW, HIGH, HIGH, QUIET))
    rows = asked(
        sink,
        "SELECT * EXCEPT (segment, currency) FROM category_gaps WHERE segment = 'low/price' AND category IN "
        "('personal_assistance', 'self_service', 'automated_service', 'co_creation') ORDER BY category",
    )
    # Given: four surveys, three newsletters, one call: eight contacts, of which 30 and 500 were paid.
    assert [tuple(row.values()) for row in rows] == [
        ("automated_service", 3, 0, "stated", 0.0, False, 3, 0.375, 30, round(30 / 530, 12), -0.375),
        ("co_creation", 3, 0, "stated", 0.0, False, 4, 0.5, 0, 0.0, -0.5),
        ("personal_assistance", 3, 2, "stated", round(2 / 3, 12), True, 1, 0.125, 500, round(500 / 530, 12),
         round(2 / 3 - 0.125, 12)),
        ("self_service", 3, 1, "stated", round(1 / 3, 12), False, 0, 0.0, 0, 0.0, round(1 / 3, 12)),
    ]  # fmt: skip
    (nothing,) = asked(
        sink,
        "SELECT expecting, expected_by, expected_share, expected, contacts, gap FROM category_gaps "
        "WHERE segment = 'low/advice' AND category = 'community'",
    )
    assert tuple(nothing.values()) == (0, "", None, True, 0, None)
