"""Tactics, long relationships, baskets and referrals, on companies small enough to be counted by hand."""

from typing import Any, Final

from support.report_rows import day, meaning, policy, profile
from support.report_views import asked, store, touch

from streams.reports.sink import Sink

MEANINGS: Final = [
    meaning(kind="order_completed", initiative="customer", purchase=True),
    meaning(kind="newsletter_subscribed", initiative="customer"),
    meaning(kind="email_delivered", initiative="firm", marketing=True, cost_minor=10),
    meaning(kind="content_viewed", initiative="customer"),
    meaning(kind="social_followed", initiative="customer"),
    meaning(kind="ad_clicked", initiative="none", acquisition=True, cost_minor=50),
    meaning(kind="promotion_viewed", initiative="none"),
    meaning(kind="competitor_mentioned", initiative="none", rival=True),
    meaning(kind="coupon_denied", initiative="firm", rival=True),
    meaning(kind="referral_made", initiative="customer", referral=True),
]


def order(customer: str, at: float, amount: int, **told: Any) -> dict[str, Any]:
    return touch(customer, "order_completed", at, amount_minor=amount, **told)


def test_what_newsletters_social_media_and_content_bring(sink: Sink) -> None:
    touches = [
        touch("ann", "newsletter_subscribed", 0),
        *(touch("ann", "email_delivered", at) for at in (1, 8, 15)),
        touch("ann", "content_viewed", 5),
        *(order("ann", 10, 100), order("ann", 20, 40), order("ann", 60, 50)),
        touch("bob", "ad_clicked", 0),
        *(touch("bob", "social_followed", 1), touch("bob", "email_delivered", 2), order("bob", 40, 70)),
        touch("cid", "email_delivered", 2),
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS)
    rows = asked(sink, "SELECT * EXCEPT currency FROM tactics ORDER BY tactic, kind")
    assert [tuple(row.values()) for row in rows] == [
        # touchpoints, customers, cost; introduced; bought, its share; sales, first ones, money, for each touchpoint
        ("advertising", "ad_clicked", 1, 1, 50, 1, 0, 0.0, 0, 0, 0, 0.0),
        ("content", "content_viewed", 1, 1, 0, 0, 1, 1.0, 2, 1, 140, 140.0),
        ("newsletter", "email_delivered", 5, 3, 50, 1, 1, round(1 / 3, 12), 2, 1, 140, 28.0),
        ("newsletter", "newsletter_subscribed", 1, 1, 0, 1, 1, 1.0, 2, 1, 140, 140.0),
        ("social", "social_followed", 1, 1, 0, 0, 0, 0.0, 0, 0, 0, 0.0),
    ]


def test_what_long_relationships_do(sink: Sink) -> None:
    touches = [
        touch("ann", "promotion_viewed", -1),
        *(order("ann", 0, 100), touch("ann", "competitor_mentioned", 20), touch("ann", "coupon_denied", 21)),
        *(order("ann", 370, 100), touch("ann", "promotion_viewed", 380), touch("ann", "promotion_viewed", 390)),
        *(touch("ann", "referral_made", 400), touch("ann", "referral_made", 401)),
        # Over, after a quarter of a year.
        *(order("bob", 0, 100), touch("bob", "promotion_viewed", 365.25 / 4)),
        touch("cid", "promotion_viewed", 3),
    ]
    ended = profile(customer_id="bob", stage="dissolution", as_of=day(730.5))
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=[ended, profile(as_of=day(730.5))])
    rows = asked(sink, "SELECT * FROM long_relationships ORDER BY tenure_years")
    assert [tuple(row.values()) for row in rows] == [
        # customers, years; read, rivals, recommended, bought, each with its rate; who recommended
        (0, 2, 1.25, 1, 0.8, 1, 0.8, 0, 0.0, 2, 1.6, 0),
        (1, 1, 1.0, 2, 2.0, 0, 0.0, 2, 2.0, 1, 1.0, 1),
        (2, 1, 0.0, 0, None, 0, None, 0, None, 0, None, 0),
    ]


def line(sku: str, quantity: int = 1, category: str | None = None) -> dict[str, Any]:
    return {"sku": sku, "category": category, "quantity": quantity, "amount_minor": None}


def test_how_large_and_how_various_baskets_are(sink: Sink) -> None:
    touches = [
        order("ann", 0, 100, order_id="o1", lines=[line("a", 2, "tea"), line("b", 1, "tea")]),
        order("ann", 0.5, 50, order_id="o1", lines=[line("c", 1, "cups"), line("d", 0, "pots")]),
        order("ann", 2, 30, lines=[line("a", 4)]),
        order("bob", 3, 20),
        order("ann", 28, 60, order_id="o2", lines=[line("a")]),
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=[profile(segment="low/price")])
    rows = asked(sink, "SELECT * EXCEPT (month, currency) FROM baskets ORDER BY month, segment")
    assert [tuple(row.values()) for row in rows] == [
        # segment, orders, customers, mean; with lines: items, articles, categories, one article; in all
        ("", 1, 1, 20.0, 0, None, None, None, None, 0, 0),
        ("low/price", 2, 1, 90.0, 2, 4.0, 2.0, 1.0, 0.5, 3, 2),
        ("low/price", 1, 1, 60.0, 1, 1.0, 1.0, 0.0, 1.0, 1, 0),
    ]


def test_who_brought_whom(sink: Sink) -> None:
    touches = [
        touch(
            "bob", "account_created", 1, properties={"traits.referredBy": "ann", "referrer": "https://example.org/ann"}
        ),
        # A later claim, the customer alone, and an address of the web bring nobody.
        touch("cid", "referral_made", 2, properties={"friend_id": "bob"}),
        touch("ann", "account_created", 2, properties={"referred_by": "ann", "referrer": "https://example.org/"}),
        touch("cid", "referral_made", 3, properties={"friend_id": "dan"}),
        touch("cid", "referral_made", 4, properties={"friend_id": "nobody"}),
        # A code is whose referral told it first.
        touch("dan", "referral_made", 5, properties={"referral_code": "X1"}),
        touch("eve", "order_completed", 6, amount_minor=10, properties={"referral_code": "X1"}),
        touch("fay", "order_completed", 6, amount_minor=10, properties={"referral_code": "X2"}),
    ]
    people = [
        profile(customer_id=who, spend_minor=100 * n, purchases=n, clv_minor=float(n), stage="exploration")
        for n, who in enumerate(("ann", "bob", "cid", "dan", "eve", "fay"))
    ]
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=people)
    rows = asked(
        sink,
        "SELECT customer_id, brought_id, at, told_by, purchases, spend_minor, clv_minor FROM referrals ORDER BY at",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "bob", day(1), "referred_by", 1, 100, 1.0),
        ("cid", "dan", day(3), "friend_id", 3, 300, 3.0),
        ("dan", "eve", day(6), "referral_code", 4, 400, 4.0),
    ]


def test_an_id_that_was_merged_stands_for_the_customer_who_goes_on(sink: Sink) -> None:
    merged = {
        "id": "m1",
        "fact": "merged",
        "customer_id": "old",
        "into_id": "ann",
        "holder_id": "ann",
        "why": "",
        "made_by": "alias",
        "epoch": 0,
        "partition": 0,
        "offset": 5,
    } | dict.fromkeys(("namespace", "into_namespace", "holder_namespace"), "known")
    merged |= {"at": day(0), "known_at": day(0)}
    touches = [
        touch("bob", "account_created", 1, properties={"referred_by": "old"}),
        touch("old", "account_created", 1, properties={"company": "Acme"}),
    ]
    people = [profile(), profile(customer_id="bob")]
    store(sink, touches, policies=[policy()], meanings=MEANINGS, profiles=people, identities=[merged])
    assert [row["customer_id"] for row in asked(sink, "SELECT customer_id FROM referrals")] == ["ann"]
    rows = asked(sink, "SELECT customer_id, property, value FROM customer_properties ORDER BY customer_id")
    assert [tuple(row.values()) for row in rows] == [("ann", "company", "Acme"), ("bob", "referred_by", "old")]
