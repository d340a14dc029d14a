"""The base by month and segment, recent changes, money at risk, accounts and rejects: numbers worked out by hand."""

from typing import Any, Final

import pytest
from support.report_rows import day, judgement, meaning, policy, profile, reject, transition
from support.report_views import asked, path, store, touch

from streams.reports.sink import Sink

MEANINGS: Final = [
    meaning(kind="order_completed", initiative="customer", purchase=True),
    meaning(kind="store_visited", initiative="customer"),
    meaning(kind="email_delivered", initiative="firm", marketing=True, cost_minor=10),
    meaning(kind="ad_clicked", initiative="none", acquisition=True, cost_minor=50),
    meaning(kind="call_made", initiative="firm", cost_minor=200),
]


def order(customer: str, at: float, amount: int, **told: Any) -> dict[str, Any]:
    return touch(customer, "order_completed", at, amount_minor=amount, **told)


# Day 27 is the first of February, day 55 that of March.
SALES: Final = [
    *(touch("ann", "ad_clicked", 0), touch("ann", "call_made", 0.5), order("ann", 1, 100), order("ann", 2, 20)),
    *(touch("ann", "email_delivered", 30), touch("ann", "call_made", 31), order("ann", 32, 60)),
    *(touch("bob", "email_delivered", 30), order("bob", 33, 40), touch("bob", "ad_clicked", 34)),
    *(touch("cid", "ad_clicked", 56), touch("dan", "email_delivered", 57)),
]


def test_a_base_shifts_from_acquiring_to_keeping(sink: Sink) -> None:
    store(sink, SALES, policies=[policy()], meanings=MEANINGS)
    rows = asked(sink, "SELECT * EXCEPT (month, currency) FROM base_shift ORDER BY month")
    assert [tuple(row.values()) for row in rows] == [
        # customers; new and repeat buyers, their money, share of repeat; acquiring, keeping, serving; share of keeping
        (1, 1, 0, 120, 0, 0.0, 250, 0, 0, 0.0),
        (2, 1, 1, 40, 60, 0.6, 10, 60, 200, round(60 / 70, 12)),
        (2, 0, 0, 0, 0, None, 60, 0, 0, 0.0),
    ]


def test_revenue_of_each_customer_by_month_and_segment(sink: Sink) -> None:
    sales = [*SALES, order("eve", 1, 30), order("eve", 60, 30)]
    people = [
        profile(customer_id=who, segment=segment)
        for who, segment in (("ann", "low/price"), ("bob", "low/price"), ("eve", "high/price"))
    ]
    store(sink, sales, policies=[policy()], meanings=MEANINGS, profiles=people)
    rows = asked(sink, "SELECT * EXCEPT (currency) FROM revenue_by_segment ORDER BY segment, month")
    assert [(f"{row['month']:%m}", *list(row.values())[1:]) for row in rows] == [
        ("01", "high/price", 1, 1, 30, 30.0, 30.0),
        ("02", "high/price", 1, 0, 0, 0.0, None),
        ("03", "high/price", 1, 1, 30, 30.0, 30.0),
        ("01", "low/price", 1, 1, 120, 120.0, 120.0),
        ("02", "low/price", 2, 2, 100, 50.0, 50.0),
        ("03", "low/price", 2, 0, 0, 0.0, None),
    ]


def test_the_channel_that_a_segment_chooses(sink: Sink) -> None:
    touches = [
        *(touch("ann", "store_visited", at, channel="store") for at in (0, 1)),
        touch("bob", "store_visited", 0, channel="store"),
        touch("cid", "store_visited", 0, channel="web"),
        touch("dan", "store_visited", 0, channel="web"),
    ]
    people = [
        profile(customer_id=who, segment="high/advice" if who == "dan" else "low/price")
        for who in ("ann", "bob", "cid", "dan")
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=people)
    rows = asked(sink, "SELECT * FROM favourite_channels_by_segment ORDER BY segment, channel")
    assert [tuple(row.values()) for row in rows] == [
        ("high/advice", "web", 1, 1.0, 1, True),
        ("low/price", "store", 2, round(2 / 3, 12), 3, True),
        ("low/price", "web", 1, round(1 / 3, 12), 1, False),
    ]


def test_who_changed_within_a_week_and_what_is_at_stake(sink: Sink) -> None:
    def risk(customer: str, at: float, before: str, after: str) -> dict[str, Any]:
        told = {"judgement": "risk_band", "before": before, "after": after, "at": day(at), "known_at": day(at)}
        return judgement(id=f"{customer}{at}", customer_id=customer, offset=int(at), **told)

    wrong = transition(id="x", customer_id="cid", to_stage="commitment", at=day(397), known_at=day(397))
    right = transition(
        id="y", customer_id="cid", from_stage="none", to_stage="none", at=day(397), known_at=day(398), supersedes=["x"]
    )
    store(
        sink,
        [order("ann", 399, 70), order("bob", 20, 1_000), order("bob", 100, 900), order("dan", 390, 1)],
        transitions=[
            *path("ann", ("awareness", 1), ("exploration", 396), ("commitment", 399)),
            *path("bob", ("exploration", 1), ("dissolution", 395)),
            *(wrong, right),
        ],
        judgements=[
            *(risk("ann", 100, "", "low"), risk("ann", 398, "low", "high")),
            *(risk("dan", 395, "low", "high"), risk("dan", 396, "high", "low")),
        ],
        profiles=[
            profile(customer_id="ann", clv_minor=500.0, as_of=day(400)),
            profile(customer_id="bob", clv_minor=0.0, stage="dissolution", as_of=day(400)),
        ],
        policies=[policy()],
        meanings=MEANINGS,
    )
    rows = asked(sink, "SELECT * EXCEPT namespace FROM recent_changes ORDER BY customer_id, what")
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "risk_band", "low", "high", day(398), 1, 500.0, 500.0, 70, "EUR"),
        ("ann", "stage", "awareness", "commitment", day(399), 2, 500.0, 500.0, 70, "EUR"),
        ("bob", "stage", "exploration", "dissolution", day(395), 1, 900.0, 0.0, 900, "EUR"),
    ]


def test_money_at_risk(sink: Sink) -> None:
    def customer(who: str, risk: float, **told: Any) -> dict[str, Any]:
        band = "high" if risk > 0.7 else "low"
        return profile(customer_id=who, churn_risk=risk, risk_band=band, as_of=day(400), **told)

    people = [
        customer("ann", 0.75, clv_minor=100.0),
        customer("bob", 0.25, clv_minor=300.0),
        customer("cid", 1.0, clv_minor=0.0, stage="dissolution"),
        customer("dan", 1.0, clv_minor=5.0, purchases=0, purchase_days=0),
    ]
    orders = [order("ann", 390, 800), order("ann", 10, 50), order("bob", 399, 400), order("cid", 300, 9)]
    store(sink, orders, policies=[policy()], meanings=MEANINGS, profiles=people)
    # What the view profiles computes is held against the engine elsewhere.
    (row,) = asked(sink, "SELECT * FROM money_at_risk")
    risks = {
        each["customer_id"]: each["churn_risk"] for each in asked(sink, "SELECT customer_id, churn_risk FROM profiles")
    }
    lost = 800 * risks["ann"] + 400 * risks["bob"]
    assert row.pop("likely_lost_minor") == pytest.approx(lost)
    assert tuple(row.values()) == ("middle/price", "exploration", 2, 1, 400.0, 100.0, 0.25, 1200, 800, "EUR")


def test_properties_are_what_was_told_last(sink: Sink) -> None:
    touches = [
        touch("ann", "store_visited", 5, properties={"size": "L", "city": "Bern"}),
        touch("ann", "store_visited", 9, properties={"size": "M"}),
        touch("ann", "store_visited", 1, properties={"size": "S", "city": "Rome"}, event_id="late"),
        touch("rob", "store_visited", 1, properties={"size": "S", "bot": "true"}),
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS)
    rows = asked(sink, "SELECT * EXCEPT namespace FROM customer_properties ORDER BY property")
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "city", "Bern", day(5), day(1), 2, 2, "store_visited", "ann-store_visited-5"),
        ("ann", "size", "M", day(9), day(1), 3, 3, "store_visited", "ann-store_visited-9"),
    ]


@pytest.mark.slow
def test_accounts_and_their_people(sink: Sink) -> None:
    touches = [
        touch("ann", "store_visited", 0, properties={"group_id": "acme", "company": "Acme Inc"}),
        touch("bob", "store_visited", 1, properties={"group_id": "bolt"}),
        touch("bob", "store_visited", 2, properties={"group_id": "acme"}),
        touch("cid", "store_visited", 3, properties={"traits.company": "bolt"}),
        # The account is the customer, and its touchpoints name two people.
        touch("corp", "store_visited", 4, properties={"person": "eve"}),
        touch("corp", "store_visited", 6, properties={"contact": "fay"}),
        touch("corp", "store_visited", 5, properties={"person": "eve"}),
        touch("dan", "store_visited", 6),
        # A company told as an object; an id that is the text of an account.
        touch("gil", "store_visited", 7, properties={"company": '{"id":77,"name":"Seventy-seven"}'}),
        touch("hal", "store_visited", 7, properties={"traits.company": '{"name":"bolt"}'}),
        touch("ida", "store_visited", 7, properties={"company": '{"plan":"pro"}'}),
        touch("ann", "store_visited", 7, is_account=True, properties={"company": "Ann Ltd", "person": "kim"}),
        touch("lone", "store_visited", 7, is_account=True),
    ]
    people = [
        profile(
            customer_id="ann", stage="commitment", last_at=day(5), spend_minor=100, clv_minor=10.0, risk_band="high"
        ),
        profile(customer_id="bob", stage="dissolution", last_at=day(7), spend_minor=30, clv_minor=1.0),
        profile(customer_id="cid", stage="awareness", last_at=day(3), spend_minor=5),
        profile(customer_id="corp", stage="exploration", last_at=day(6), spend_minor=900),
        profile(customer_id="gil", stage="awareness", last_at=day(7), spend_minor=0, clv_minor=0.0),
        profile(customer_id="hal", stage="awareness", last_at=day(7), spend_minor=2, clv_minor=0.0),
        profile(
            customer_id="ann", namespace="account", stage="awareness", last_at=day(7), spend_minor=70, clv_minor=7.0
        ),
        profile(
            customer_id="lone", namespace="account", stage="awareness", last_at=day(7), spend_minor=80, clv_minor=8.0
        ),
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=people)
    rows = asked(
        sink,
        "SELECT account, person, customer_id, named_by, since, last_at FROM account_people ORDER BY account, person",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("77", "gil", "gil", "company", day(7), day(7)),
        ("acme", "ann", "ann", "group_id", day(0), day(5)),
        ("acme", "bob", "bob", "group_id", day(1), day(7)),
        ("ann", "kim", "ann", "person", day(7), day(7)),
        ("bolt", "cid", "cid", "traits.company", day(3), day(3)),
        ("bolt", "hal", "hal", "traits.company", day(7), day(7)),
        ("corp", "eve", "corp", "person", day(4), day(5)),
        ("corp", "fay", "corp", "contact", day(6), day(6)),
    ]
    rows = asked(
        sink,
        "SELECT account, people, person_ids, customers, stage, committed, ended, at_risk, last_at, spend_minor, "
        "clv_minor FROM accounts ORDER BY account",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("77", 1, ["gil"], 1, "awareness", 0, 0, 0, day(7), 0, 0.0),
        ("acme", 2, ["bob", "ann"], 2, "commitment", 1, 1, 1, day(7), 130, 11.0),
        ("ann", 1, ["kim"], 1, "awareness", 0, 0, 0, day(7), 70, 7.0),
        ("bolt", 2, ["hal", "cid"], 2, "awareness", 0, 0, 0, day(7), 7, 25_000.5),
        ("corp", 2, ["fay", "eve"], 1, "exploration", 0, 0, 0, day(6), 900, 25_000.5),
        ("lone", 0, [], 1, "awareness", 0, 0, 0, day(7), 80, 8.0),
    ]


def test_rejects_by_reason(sink: Sink) -> None:
    rejects = [
        reject(),
        reject(position=9, at=day(2), detail="line 9: 30 February"),
        reject(position=4, reason="no_customer", detail="line 4: empty", records=2),
    ]
    store(sink, rejects=rejects)
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM reject_reasons ORDER BY reason")] == [
        ("orders.csv", "bad_time", 2, 0.5, day(0), day(2), "line 9: 30 February", 9),
        ("orders.csv", "no_customer", 2, 0.5, day(0), day(0), "line 4: empty", 4),
    ]


def test_forecasts_say_whose_numbers_they_are(sink: Sink) -> None:
    text = '[churn]\nr = 1.0\n\n[estimated]\npurchases = "from 2,357 customers until 1998-06-30"\n'
    store(sink, policies=[policy(), policy(hash="p2", text=text, known_at=day(1), offset=3)])
    rows = asked(sink, "SELECT * FROM forecast_parameters ORDER BY policy_hash")
    preset = "preset, not yours: run `relasi fit`"
    assert [tuple(row.values()) for row in rows] == [
        ("p1", False, preset, preset),
        ("p2", True, "estimated from your data, from 2,357 customers until 1998-06-30", preset),
    ]
