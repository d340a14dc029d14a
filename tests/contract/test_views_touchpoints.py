"""The views over touchpoints: their meaning and money, acquiring, affinity, costs, tenure; worked out by hand."""

from typing import Any

from support.report_rows import day, meaning, policy, profile
from support.report_views import asked, path, store, touch

from streams.reports.sink import Sink


def line(sku: str, quantity: int = 1) -> dict[str, Any]:
    return {"sku": sku, "category": None, "quantity": quantity, "amount_minor": None}


def order(customer: str, number: str, at: float, amount: int = 100, **told: Any) -> dict[str, Any]:
    return touch(customer, "order_completed", at, order_id=number, amount_minor=amount, **told)


ORDERED = meaning(kind="order_completed", purchase=True, initiative="customer")
CALLED = meaning(kind="call_made", cost_minor=500, two_way=True, category="personal_assistance", initiative="firm")
CLICKED = meaning(kind="ad_clicked", cost_minor=100, acquisition=True)


def test_money_is_in_the_currency_of_the_policy_in_force(sink: Sink) -> None:
    told = [
        ("EUR", 1000),
        (None, 1000),
        ("USD", 1001),
        ("usd", 1003),
        ("JPY", 800),
        ("CHF", 700),
        ("EUR", 99),
        ("EUR", 0),
    ]
    touches = [
        order("ann", str(number), number, amount, currency=currency) for number, (currency, amount) in enumerate(told)
    ]
    former = policy(hash="p0", currency="USD", minimum_minor=1, known_at=day(-1), offset=99)
    store(
        sink,
        touches,
        policies=[former, policy(minimum_minor=100)],
        meanings=[ORDERED, ORDERED | {"policy_hash": "p0", "purchase": False}],
    )
    found = asked(sink, "SELECT currency, amount_minor, purchase FROM touchpoint_meanings ORDER BY occurred_at")
    assert [row["amount_minor"] for row in found] == [1000, 1000, 500, 502, 500, None, 99, 0]
    assert [row["purchase"] for row in found] == [True] * 5 + [False] * 3
    assert {row["currency"] for row in found} == {"EUR"}


def test_money_that_comes_back_has_no_sign(sink: Sink) -> None:
    refunded = meaning(kind="order_refunded", refund=True)
    cancelled = meaning(kind="order_cancelled", cancellation=True)
    touches = [
        order("ann", "1", 0, 1000),
        order("ann", "2", 1, -400),
        touch("ann", "order_refunded", 2, amount_minor=300),
        touch("ann", "order_refunded", 3, amount_minor=-300),
        touch("ann", "order_refunded", 4),
        touch("ann", "order_cancelled", 5, amount_minor=200, currency="USD"),
        touch("ann", "whistled", 6, amount_minor=-5),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED, refunded, cancelled])
    found = asked(sink, "SELECT purchase, refund, refunded_minor FROM touchpoint_meanings ORDER BY occurred_at")
    assert [tuple(row.values()) for row in found] == [
        (True, False, 0), (False, True, 400), (False, True, 300), (False, True, 300), (False, True, 0),
        (False, True, 100), (False, False, 0),
    ]  # fmt: skip


def _cancelled(*numbers: str, at: float = 9) -> list[dict[str, Any]]:
    return [touch("ann", "order_cancelled", at + int(number), order_id=number, amount_minor=100) for number in numbers]


def test_a_cancelled_order_is_no_purchase_in_any_view(sink: Sink) -> None:
    touches = [
        touch("ann", "ad_clicked", -1, campaign="spring"),
        order("ann", "1", 0),
        order("ann", "2", 1),
        touch("ann", "ad_clicked", 2, campaign="late"),
        order("ann", "3", 3, 700),
        touch("ann", "order_refunded", 4, order_id="1", amount_minor=100),
        # An order of several days stands, as does one of which no purchase, or another customer's purchase, is known.
        order("ann", "4", 40),
        order("ann", "4", 41) | {"event_id": "renewed"},
        touch("ann", "order_cancelled", 42, order_id="4", amount_minor=50),
        touch("ann", "order_cancelled", 8, order_id="5", amount_minor=30),
        order("ben", "1", 5, 9),
        order("ben", "2", 6, 0),
        *_cancelled("1", "2"),
    ]
    meanings = [
        *(ORDERED, CLICKED, meaning(kind="order_refunded", refund=True)),
        meaning(kind="order_cancelled", cancellation=True),
    ]
    store(sink, touches, policies=[policy(version=2)], meanings=meanings)
    assert [tuple(row.values())[:3] for row in asked(sink, "SELECT * FROM cancelled_orders ORDER BY order_id")] == [
        ("ann", "known", "1"),
        ("ann", "known", "2"),
    ]
    sums = "SELECT countIf(purchase) AS n, sumIf(amount_minor, purchase) AS gave, sum(refunded_minor) AS back"
    assert [tuple(row.values()) for row in asked(sink, f"{sums} FROM touchpoint_meanings")] == [(4, 909, 80)]
    campaigns = asked(sink, "SELECT campaign, won_last, first_purchases_minor FROM campaigns ORDER BY campaign")
    assert [tuple(row.values()) for row in campaigns] == [("late", 1, 350.0), ("spring", 0, 350.0)]
    assert sum(row["purchases"] for row in asked(sink, "SELECT purchases FROM cohorts")) == 4
    assert sum(row["amount_minor"] for row in asked(sink, "SELECT amount_minor FROM revenue_monthly")) == 909


def test_by_policies_of_version_1_a_cancelled_order_was_bought_and_given_back(sink: Sink) -> None:
    meanings = [ORDERED, meaning(kind="order_cancelled", cancellation=True)]
    store(sink, [order("ann", "1", 0), *_cancelled("1")], policies=[policy(version=1)], meanings=meanings)
    sums = "SELECT countIf(purchase) AS n, sum(refunded_minor) AS back FROM touchpoint_meanings"
    assert [tuple(row.values()) for row in asked(sink, sums)] == [(1, 100)]


def test_the_margin_of_a_purchase_is_stated_or_the_policys_share(sink: Sink) -> None:
    touches = [
        order("ann", "1", 0, 1000, margin_minor=150),
        order("ann", "2", 1, 1001, margin_minor=-20, currency="EUR"),
        order("ann", "3", 2, 1001),
        order("ann", "4", 3, 400, margin_minor=301, currency="USD"),
        touch("ann", "call_made", 4, amount_minor=10, margin_minor=10),
        order("ann", "5", 5, -400, margin_minor=-100),
    ]
    store(sink, touches, policies=[policy(margin_share=0.25)], meanings=[ORDERED, CALLED])
    found = asked(sink, "SELECT margin_minor FROM touchpoint_meanings ORDER BY occurred_at")
    assert [row["margin_minor"] for row in found] == [150, -20, 250, 150, 0, 0]


def test_cost_is_stated_or_that_of_the_kind(sink: Sink) -> None:
    touches = [
        touch("ann", "call_made", 0),
        touch("ann", "call_made", 1, cost_minor=0, currency="EUR"),
        touch("ann", "call_made", 2, cost_minor=301, currency="USD"),
        touch("ann", "call_made", 3, cost_minor=301, currency="CHF"),
        touch("ann", "whistled", 4),
        touch("ann", "whistled", 5, cost_minor=7),
    ]
    store(sink, touches, policies=[policy()], meanings=[CALLED])
    found = asked(sink, "SELECT cost_minor, mapped, category, two_way FROM touchpoint_meanings ORDER BY occurred_at")
    assert [tuple(row.values()) for row in found] == [
        *((cost, True, "personal_assistance", True) for cost in (500, 0, 150, 500)),
        *((cost, False, "none", False) for cost in (0, 7)),
    ]


def test_a_stated_discount_is_a_number_above_zero(sink: Sink) -> None:
    touches = [
        order("ann", str(number), number, properties={"discount": text})
        for number, text in enumerate(("0.10", "5", "0", "-1", "abc", ""))
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED])
    found = asked(sink, "SELECT discounted FROM touchpoint_meanings ORDER BY occurred_at")
    assert [row["discounted"] for row in found] == [True, True, False, False, False, False]


def test_kinds_that_the_policy_does_not_name_are_reported(sink: Sink) -> None:
    touches = [
        touch("ann", "whistled", 0, channel="street"),
        touch("ann", "whistled", 1),
        touch("bob", "whistled", 2, channel="shop"),
        touch("bob", "call_made", 3),
    ]
    store(sink, touches, policies=[policy()], meanings=[CALLED, meaning(policy_hash="other", kind="whistled")])
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM unmapped_kinds")] == [
        ("whistled", 3, 2, ["shop", "street"], day(0), day(2))
    ]


def test_acquiring_is_held_against_the_customers_won_there(sink: Sink) -> None:
    spring = {"campaign": "spring", "channel": "ad"}
    touches = [
        touch("ann", "ad_clicked", 0, **spring),
        touch("ann", "page_viewed", 0.5, channel="web"),
        order("ann", "o1", 2),
        # With somebody who has bought it is no cost of acquiring.
        touch("ann", "ad_clicked", 5, **spring),
        touch("bob", "page_viewed", 0, channel="web"),
        touch("bob", "ad_clicked", 1, **spring),
        touch("bob", "ad_clicked", 1.5, channel="ad", campaign="brand"),
        order("bob", "o2", 3),
        touch("cat", "ad_clicked", 0, cost_minor=300, **spring),
        touch("dan", "page_viewed", 0, channel="web"),
        order("dan", "o3", 1),
    ]
    worth = [("ann", 3, 5000.0, 700), ("bob", 1, 1000.0, 50), ("cat", 0, 10.0, 0), ("dan", 1, 20.0, 2)]
    profiles = [
        profile(customer_id=name, purchases=purchases, clv_minor=clv, margin_minor=margin)
        for name, purchases, clv, margin in worth
    ]
    store(sink, touches, policies=[policy()], meanings=[CLICKED, ORDERED], profiles=profiles)
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM acquisition ORDER BY campaign")] == [
        # touchpoints, cost, cost of keeping; first touched; won by first touch, last touch, shares; cost of each; worth
        ("", "web", 0, 0, 0, 2, 2, 1, 1.0, 0.0, 52, 1020.0, None, "EUR"),
        ("brand", "ad", 1, 100, 0, 0, 0, 1, 0.5, 200.0, 0, 0.0, 0.0, "EUR"),
        ("spring", "ad", 3, 500, 100, 2, 1, 1, 1.5, round(1000 / 3, 12), 700, 5000.0, 10.0, "EUR"),
    ]
    touches = asked(sink, "SELECT customer_id, at, kind, channel, campaign FROM first_touches ORDER BY customer_id")
    assert [tuple(row.values()) for row in touches] == [
        ("ann", day(0), "ad_clicked", "ad", "spring"),
        ("bob", day(0), "page_viewed", "web", ""),
        ("cat", day(0), "ad_clicked", "ad", "spring"),
        ("dan", day(0), "page_viewed", "web", ""),
    ]


def test_affinity_counts_baskets_with_both(sink: Sink) -> None:
    touches = [
        order("ann", "o1", 0, lines=[line("a"), line("b", 3)]),
        order("ann", "o1", 0.1, lines=[line("b")]),
        order("ann", "o2", 1, lines=[line("c"), line("b"), line("a"), line("a")]),
        order("bob", "o1", 2, lines=[line("a"), line("b", -1)]),
        touch("bob", "order_completed", 3, amount_minor=5, lines=[line("c"), line("b"), line("")]),
        order("bob", "o5", 4, lines=[line("a"), line("c"), *(line(f"s{number}") for number in range(49))]),
        order("bob", "o6", 5, amount=0, lines=[line("a"), line("c")]),
        touch("bob", "product_added", 6, lines=[line("a"), line("c")]),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED])
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM affinity ORDER BY sku, other_sku")] == [
        ("a", "b", 2, 3, 3, 4, 0.5, round(2 / 3, 12), round(8 / 9, 12)),
        ("b", "a", 2, 3, 3, 4, 0.5, round(2 / 3, 12), round(8 / 9, 12)),
        ("b", "c", 2, 3, 2, 4, 0.5, round(2 / 3, 12), round(4 / 3, 12)),
        ("c", "b", 2, 2, 3, 4, 0.5, 1.0, round(4 / 3, 12)),
    ]


def test_contact_has_a_cost_by_category_and_segment(sink: Sink) -> None:
    touches = [
        touch("ann", "call_made", 0),
        touch("ann", "call_made", 1, cost_minor=300),
        touch("ann", "whistled", 2),
        touch("bob", "call_made", 3),
        touch("cat", "call_made", 4),
    ]
    profiles = [profile(customer_id=name, segment="high/advice") for name in ("ann", "bob")]
    store(sink, touches, policies=[policy()], meanings=[CALLED], profiles=profiles)
    found = asked(sink, "SELECT * FROM category_costs ORDER BY segment, category")
    assert [tuple(row.values()) for row in found] == [
        ("", "personal_assistance", 1, 1, 500, 500.0, 500.0, "EUR"),
        ("high/advice", "none", 1, 1, 0, 0.0, 0.0, "EUR"),
        ("high/advice", "personal_assistance", 3, 2, 1300, round(1300 / 3, 12), 650.0, "EUR"),
    ]


def test_serving_is_what_comes_after_the_first_purchase(sink: Sink) -> None:
    touches = [
        touch("ann", "ad_clicked", 0),
        touch("ann", "call_made", 1),
        order("ann", "o1", 2, cost_minor=7),
        touch("ann", "call_made", 10),
        touch("ann", "ad_clicked", 20),
        touch("bob", "call_made", 3),
        order("ann", "o2", 400),
    ]
    profiles = [
        profile(customer_id="ann", first_purchase_at=day(2)),
        profile(customer_id="bob", first_purchase_at=None),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED, CALLED, CLICKED], profiles=profiles)
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM serving_against_acquiring ORDER BY year")] == [
        # served, serving, for each; keeping; acquired, acquiring, other prospects, for each; ratio
        (2026, 1, 500, 500.0, 100, 1, 100, 1007, 1107.0, 2.214, "EUR"),
        (2027, 1, 0, 0.0, 0, 0, 0, 0, None, None, "EUR"),
    ]


def test_prices_and_discounts_by_tenure(sink: Sink) -> None:
    touches = [
        order("ann", "o1", 0, 1000),
        order("ann", "o2", 10, 500),
        touch("ann", "coupon_applied", 9.9, order_id="o2"),
        touch("ann", "coupon_applied", 9.9, event_id="unused"),
        order("ann", "o3", 40, 800, properties={"discount": "5"}),
        order("bob", "o9", 100, 300),
        touch("bob", "coupon_applied", 0, order_id="o1"),
    ]
    kinds = [ORDERED, meaning(kind="coupon_applied", discount=True)]
    store(sink, touches, policies=[policy()], meanings=kinds)
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM price_by_tenure ORDER BY tenure_months")] == [
        (0, 3, 2, 600.0, 500.0, 1, round(1 / 3, 12), "EUR"),
        (1, 1, 1, 800.0, 800.0, 1, 1.0, "EUR"),
    ]


def test_disclosure_counts_those_who_have_come_so_far(sink: Sink) -> None:
    touches = [touch(name, "account_created", at) for name, at in (("ann", 0), ("ann", 40), ("bob", 33))]
    profiles = [
        profile(customer_id="ann", first_at=day(0), last_at=day(40), as_of=day(70)),
        profile(customer_id="bob", first_at=day(0), last_at=day(35), as_of=day(60), stage="dissolution"),
    ]
    kinds = [meaning(kind="account_created", disclosure=True)]
    store(
        sink, touches, policies=[policy()], meanings=kinds, profiles=profiles, transitions=path("ann", ("awareness", 0))
    )
    found = asked(sink, "SELECT * FROM disclosure_by_tenure ORDER BY tenure_months")
    assert [tuple(row.values()) for row in found] == [
        (0, 2, 1, 0.5, 1, 0.5),
        (1, 2, 2, 1.0, 2, 1.0),
        (2, 1, 0, 0.0, 1, 1.0),
    ]
