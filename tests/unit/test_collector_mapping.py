"""What an event of an SDK becomes: kinds, money, lines, ids, properties, links."""

import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from support.collecting import BROWSER, NOW, SERVER, one, place, refusal

from streams.collector.sources import Source
from streams.collector.vocabulary import KIND_OF_TYPE, kind_of_event
from streams.policies import PRESETS, preset

# Source: Segment's specs "Ecommerce", "Email", "B2B SaaS", "Live Chat" and "Mobile"; what only attributes or counts
# (Install Attributed, Deep Link Opened, video) aside.
PUBLISHED = (
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
    "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
    "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Updated", "Order Completed",
    "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared",
    "Cart Shared", "Product Reviewed", "Email Bounced", "Email Delivered", "Email Link Clicked",
    "Email Marked as Spam", "Email Opened", "Unsubscribed", "Account Created", "Account Deleted", "Signed Up",
    "Signed In", "Signed Out", "Invite Sent", "Trial Started", "Trial Ended", "Live Chat Conversation Started",
    "Live Chat Conversation Ended", "Live Chat Message Sent", "Live Chat Message Received", "Application Installed",
    "Application Opened", "Application Backgrounded", "Application Updated", "Application Uninstalled",
    "Application Crashed", "Push Notification Received", "Push Notification Tapped", "Push Notification Bounced",
)  # fmt: skip
EVENT = {"type": "track", "userId": "u1", "messageId": "m1", "event": "Order Completed"}


def track(properties: Any = None, **more: Any) -> dict[str, Any]:
    return {**EVENT, "properties": properties or {}, **more}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Order Completed", "order_completed"),
        ("orderCompleted", "order_completed"),
        ("order-completed", "order_completed"),
        ("Completed Order", "order_completed"),
        ("Product Added to Wishlist", "wishlist_product_added"),
        ("Live Chat Conversation Started", "live_chat_started"),
        ("Email Link Clicked", "email_link_clicked"),
        ("Signed Up", "account_created"),
        ("Subscription Canceled", "subscription_cancelled"),
        ("Trial Started", "trial_started"),
        ("Käse gekauft", "käse_gekauft"),
        ("!!", ""),
    ],
)
def test_names_of_the_vocabularies_are_kinds_without_configuration(event: str, kind: str) -> None:
    assert kind_of_event(event) == kind


def test_a_source_says_what_its_own_names_mean() -> None:
    told = replace(SERVER, kinds={"Signup Done": "account_created", "signup_done": "account_created"})
    for name in ("Signup Done", "signupDone"):
        assert one(track(event=name), told)["kind"] == "account_created"
    assert (
        one({"type": "page", "userId": "u"}, replace(SERVER, kinds={"page": "site_visited"}))["kind"] == "site_visited"
    )


@pytest.mark.parametrize(
    ("call", "more", "kind"),
    [
        ("identify", {"traits": {"plan": "pro"}}, "identified"),
        ("page", {"name": "Home", "category": "Docs"}, "page_viewed"),
        ("screen", {"name": "Main"}, "screen_viewed"),
        ("group", {"groupId": "acme"}, "group_joined"),
    ],
)
def test_calls_without_a_name_have_kinds(call: str, more: dict[str, Any], kind: str) -> None:
    found = one({"type": call, "userId": "u1", "messageId": "m", **more})
    assert found["kind"] == kind


def test_the_amount_is_revenue_then_total_then_value_and_the_others_stay_properties() -> None:
    assert one(track({"revenue": 1, "total": 2, "value": 3, "currency": "EUR"}))["amount_minor"] == 100
    found = one(track({"total": 2.345, "value": 3, "currency": "EUR"}))
    assert (found["amount_minor"], found["currency"], found["properties"]) == (234, "EUR", {"value": "3"})
    assert one(track({"value": 3}))["amount_minor"] == 300
    assert one(track({}))["amount_minor"] is None


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (19.99, "EUR", 1999),
        ("19.99", "EUR", 1999),
        ("1,299.00", "USD", 129900),
        ("$ 5", "USD", 500),
        (5000, "JPY", 5000),
        (1.5, "KWD", 1500),
        (-4, "EUR", -400),
        (0, "EUR", 0),
        (0.1 + 0.2, "EUR", 30),
        (1e3, "EUR", 100000),
    ],
)
def test_amounts_are_read_exactly(value: object, currency: str, minor: int) -> None:
    assert one(track({"revenue": value, "currency": currency}))["amount_minor"] == minor


def test_a_currency_beside_an_amount_counts_where_none_is_said() -> None:
    assert one(track({"revenue": "5 EUR"}))["currency"] == "EUR"
    assert one(track({"revenue": 5}), replace(SERVER, currency="CHF"))["currency"] == "CHF"
    assert refusal(track({"revenue": "5 EUR", "currency": "USD"})) == "currency_differs"
    assert refusal(track({"revenue": "$5"})) == "no_currency"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"revenue": "a lot"}, "bad_number"),
        ({"revenue": [1]}, "bad_number"),
        ({"revenue": True}, "bad_number"),
        ({"revenue": 1e15}, "bad_number"),
        ({"total": "a lot"}, "bad_number"),
        ({"revenue": 1, "currency": "euros and cents"}, "bad_currency"),
        ({"products": "tea"}, "bad_lines"),
        ({"products": ["tea"]}, "bad_lines"),
        ({"products": [{"price": 3}]}, "bad_lines"),
        ({"products": [{"sku": "T", "quantity": 1.5}]}, "bad_lines"),
        ({"products": [{"sku": "T", "price": "much"}]}, "bad_lines"),
    ],
)
def test_money_that_is_none_refuses_its_event_alone(properties: dict[str, Any], code: str) -> None:
    assert refusal(track(properties)) == code


def test_a_value_that_is_no_amount_is_a_property_where_nothing_is_sold() -> None:
    found = one(track({"value": "blue", "total": "12 hits"}, event="Colour Chosen"))
    assert (found["amount_minor"], found["properties"]) == (None, {"value": "blue", "total": "12 hits"})


def test_products_are_lines() -> None:
    products = [
        {"product_id": "507f", "sku": "45790-32", "price": 19, "quantity": 2, "category": "Games"},
        {"product_id": "505b", "price": "3.335"},
        {"name": "Gift card", "quantity": "3"},
    ]
    found = one(track({"products": products, "currency": "EUR", "revenue": 41.34, "order_id": 12, "coupon": "X"}))
    assert found["lines"] == [
        {"sku": "45790-32", "category": "Games", "quantity": 2, "amount_minor": 3800},
        {"sku": "505b", "category": None, "quantity": 1, "amount_minor": 334},
        {"sku": "Gift card", "category": None, "quantity": 3, "amount_minor": None},
    ]
    assert (found["order_id"], found["amount_minor"], found["properties"]) == ("12", 4134, {"coupon": "X"})


def test_an_event_of_one_product_is_one_line_and_an_order_without_an_amount_costs_its_lines() -> None:
    viewed = one(track({"product_id": "T", "category": "tea", "price": 4}, event="Product Viewed"))
    assert viewed["lines"] == [{"sku": "T", "category": "tea", "quantity": 1, "amount_minor": 400}]
    assert viewed["properties"]["category"] == "tea"
    assert viewed["amount_minor"] is None
    assert one(track({"products": [{"sku": "T", "price": 4, "quantity": 2}]}))["amount_minor"] == 800
    assert one(track({"products": [{"sku": "T", "price": 4}, {"sku": "U"}]}))["amount_minor"] is None


def test_what_has_a_field_fills_it() -> None:
    context = {"campaign": {"name": "spring", "source": "mail"}, "timezone": "Europe/Berlin", "locale": "de-DE"}
    found = one(track({"channel": "store", "agent_id": "a7"}, context=context))
    assert (found["campaign"], found["channel"], found["agent_id"]) == ("spring", "store", "a7")
    properties = found["properties"]
    assert (properties["timezone"], properties["locale"]) == ("Europe/Berlin", "de-DE")
    assert properties["context.campaign.source"] == "mail"
    assert one(track({"rating": 4}, event="Product Reviewed"))["satisfaction"] == 4.0
    mapped = replace(SERVER, fields={"amount": "paid", "margin": "gain", "order_id": "number"})
    found = one(track({"paid": 5, "gain": 2, "number": "o1", "revenue": 9}), mapped)
    assert (found["amount_minor"], found["margin_minor"], found["order_id"]) == (500, 200, "o1")
    assert found["properties"] == {"revenue": "9"}


@pytest.mark.parametrize(
    ("more", "source", "channel"),
    [
        ({"context": {"library": {"name": "analytics.js", "version": "npm:next-1.84.3"}}}, SERVER, "web"),
        ({"context": {"library": {"name": "RudderLabs JavaScript SDK"}}}, SERVER, "web"),
        ({"context": {"library": {"name": "analytics-ios"}}}, SERVER, "mobile"),
        ({"context": {"channel": "mobile"}}, SERVER, "mobile"),
        ({"channel": "browser"}, SERVER, "web"),
        ({"context": {"library": {"name": "@segment/analytics-node"}}}, SERVER, "server"),
        ({}, BROWSER, "web"),
        ({"channel": "browser"}, replace(BROWSER, channel="shop"), "shop"),
    ],
)
def test_the_channel_is_told_by_the_sdk(more: dict[str, Any], source: Source, channel: str) -> None:
    assert one(track(**more), source)["channel"] == channel


def test_traits_stand_where_each_sdk_puts_them() -> None:
    in_context = one({"type": "identify", "userId": "u", "context": {"traits": {"plan": "pro"}}})
    beside = one({"type": "identify", "userId": "u", "traits": {"plan": "pro", "n": 3, "none": None}})
    assert in_context["properties"] == {"plan": "pro"}
    assert beside["properties"] == {"plan": "pro", "n": "3"}
    assert one(track(context={"traits": {"plan": "pro"}}))["properties"] == {"traits.plan": "pro"}


def test_the_rest_is_properties() -> None:
    given = {"a": 1, "b": 1.5, "c": True, "d": None, "e": {"z": [1, "x"], "a": {}}, "f": "ü😀", "g": 3.0, "h": ""}
    found = one(track(given, context={"page": {"path": "/x", "deep": {"k": 1}}, "app": "shop"}, own="top"))
    assert found["properties"] == {
        "a": "1", "b": "1.5", "c": "true", "e": '{"z":[1,"x"],"a":{}}', "f": "ü😀", "g": "3", "h": "",
        "context.page.path": "/x", "context.page.deep": '{"k":1}', "context.app": "shop", "own": "top",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ids", "customer", "anonymous"),
    [
        ({"userId": "u", "anonymousId": "a"}, "u", "a"),
        ({"userId": None, "anonymousId": "a"}, None, "a"),
        ({"userId": "", "anonymousId": " a "}, None, "a"),
        ({"userId": 12, "anonymousId": None}, "12", None),
        ({"userId": 12.0}, "12", None),
        ({"userId": "0012"}, "0012", None),
    ],
)
def test_ids(ids: dict[str, Any], customer: str | None, anonymous: str | None) -> None:
    found = one({"type": "page", "messageId": "m", **ids})
    assert (found["customer_id"], found["anonymous_id"]) == (customer, anonymous)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "page"}, "no_customer"),
        ({"type": "page", "userId": ""}, "no_customer"),
        ({"type": "page", "userId": {"id": 1}}, "bad_id"),
        ({"type": "page", "userId": True}, "bad_id"),
        ({"type": "page", "userId": 1.5}, "bad_id"),
        ({"type": "page", "userId": 1e300}, "bad_id"),
        ({"type": "page", "userId": "u" * 256}, "long_customer_id"),
        ({"type": "page", "userId": "u", "messageId": "m" * 256}, "long_event_id"),
        ({"type": "page", "userId": "u", "properties": {"x": "y" * 40_000}}, "event_too_large"),
        ({"type": "track", "userId": "u"}, "no_kind"),
        ({"type": "track", "userId": "u", "event": ""}, "no_kind"),
        ({"type": "track", "userId": "u", "event": 5}, "no_kind"),
        ({"type": "group", "userId": "u"}, "no_group"),
        ({"type": "click", "userId": "u"}, "no_type"),
        ({"userId": "u"}, "no_type"),
        ({"type": "page", "userId": "u", "properties": "x"}, "ill_typed"),
        ({"type": "page", "userId": "u", "context": [1]}, "ill_typed"),
        ({"type": "identify", "userId": "u", "traits": 7}, "ill_typed"),
        ("page", "ill_typed"),
        (None, "ill_typed"),
        (7, "ill_typed"),
        ([], "ill_typed"),
        ({"type": "page", "userId": "u", "timestamp": "soon"}, "bad_time"),
        ({"type": "page", "userId": "u", "timestamp": {}}, "bad_time"),
        ({"type": "page", "userId": "u", "timestamp": "05/02/2026"}, "bad_time"),
    ],
)
def test_a_bad_event_is_refused_alone(event: object, code: str) -> None:
    assert refusal(event) == code


@pytest.mark.parametrize("nothing", [None, "", " ", "\u2028\t"])
def test_an_id_of_white_space_is_none(nothing: Any) -> None:
    event = {"type": "page", "userId": "u", "anonymousId": nothing, "timestamp": NOW}
    found = one({**event, "messageId": nothing})
    assert (found["anonymous_id"], found["event_id"]) == (None, one({**event, "messageId": nothing})["event_id"])
    assert len(found["event_id"]) == 32
    assert one({**event, "messageId": 0})["event_id"] == "0"


@pytest.mark.parametrize("told", [{"previousId": "x" * 256, "userId": "u"}, {"previousId": "a", "userId": "ü" * 128}])
def test_a_link_of_an_id_that_is_too_long_is_refused(told: dict[str, str]) -> None:
    assert refusal({"type": "alias", **told}) == "long_customer_id"


def test_an_event_without_an_id_gets_one_of_its_content() -> None:
    event = {"type": "page", "userId": "u", "timestamp": "2023-11-14T20:00:00Z"}
    here = place()
    here.ask("/v1/batch", {"batch": [event, event]})
    here.clock.move(60)
    here.ask("/v1/batch", {"batch": [event, event]})
    ids = [each["event_id"] for each in here.memory.touchpoints]
    assert ids[:2] == ids[2:], "a retry is recognised"
    assert ids[0] != ids[1], "twice in one request is two events"
    del event["timestamp"]
    here.ask("/v1/page", event)
    here.clock.move(1)
    here.ask("/v1/page", event)
    ids = [each["event_id"] for each in here.memory.touchpoints]
    assert len(set(ids)) == 4, "nothing says that they are the same"


def test_an_alias_is_a_link() -> None:
    here = place()
    alias = {"type": "alias", "previousId": "a1", "userId": "u1", "timestamp": NOW}
    events = [
        {"type": "page", "userId": "x", "messageId": "1"},
        alias,
        {"type": "page", "userId": "y", "messageId": "2"},
    ]
    assert here.ask("/v1/batch", {"batch": events}) == (200, {"success": True})
    assert [name for name, _ in here.memory.records] == ["Touchpoint", "Link", "Touchpoint"]
    link = here.memory.records[1][1]
    assert (link["from"], link["into"]) == ("a1", "u1")
    assert (link["from_anonymous"], link["trusted"]) == (None, True)
    assert here.memory.messages[1][0] == b"u1", "its key is the id that goes on"


def test_a_self_link_is_ignored_and_counted() -> None:
    """analytics-next sends it for alias("2") after identify("1")."""
    here = place()
    assert here.ask("/v1/alias", {"previousId": "2", "userId": "2"}) == (200, {"success": True})
    assert here.memory.messages == []
    assert here.memory.rejects == []
    page = here.collector.counts.page().decode()
    assert 'relasi_collector_events_total{outcome="link_ignored",source="shop"} 1.0' in page


def test_a_browsers_key_links_its_own_visitor_only() -> None:
    own = {"type": "alias", "previousId": "a1", "anonymousId": "a1", "userId": "u1"}
    here = place(BROWSER)
    assert here.ask("/v1/alias", own, key=BROWSER.key)[0] == 200
    assert [name for name, _ in here.memory.records] == ["Link"]
    assert (here.memory.records[0][1]["from_anonymous"], here.memory.records[0][1]["trusted"]) == (True, False)
    assert refusal({"type": "alias", "previousId": "u0", "userId": "u1", "anonymousId": "a1"}, BROWSER) == (
        "alias_not_allowed"
    )
    assert refusal({"type": "alias", "userId": "u1"}) == "no_customer"


B2B = replace(SERVER, customer="group")


@pytest.mark.parametrize(
    "told",
    [
        {"context": {"groupId": "acme"}},
        {"groupId": " acme "},
        {"groupId": "acme", "context": {"groupId": "beta"}},
        {"groupId": "null", "context": {"groupId": "acme"}},
        {"traits": {"groupId": "acme"}},
        {"context": {"traits": {"groupId": "acme"}}},
        {"context": {"groupId": "acme", "traits": {"groupId": {"id": 1}}}},
    ],
)
def test_where_the_group_is_the_customer_the_person_is_a_property(told: dict[str, Any]) -> None:
    found = one(track({"revenue": 1}, **told), B2B)
    assert (found["customer_id"], found["is_account"], found["properties"]["person"]) == ("acme", True, "u1")


def test_an_account_has_its_own_traits_and_the_traits_of_people_say_so() -> None:
    own = {"type": "group", "groupId": "acme", "userId": "u1", "traits": {"seats": 9, "name": "Acme"}}
    found = one({**own, "context": {"traits": {"name": "Ann"}}}, B2B)["properties"]
    assert found == {"seats": "9", "name": "Acme", "traits.name": "Ann", "person": "u1"}
    ann = {"type": "identify", "userId": "u1", "traits": {"name": "Ann"}, "context": {"groupId": "acme"}}
    assert one(ann, B2B)["properties"] == {"traits.name": "Ann", "person": "u1"}
    assert one(own)["properties"] == {"seats": "9", "name": "Acme", "group_id": "acme"}
    assert one({"type": "group", "groupId": "acme", "userId": "u1"})["is_account"] is None


def test_who_names_no_group_is_no_account() -> None:
    assert refusal(track({"revenue": 1}), B2B) == "no_customer"
    found = one(track({"person": "own"}, anonymousId="a1"), B2B)
    assert (found["customer_id"], found["anonymous_id"], found["is_account"]) == (None, "a1", None)
    assert found["properties"] == {"person": "u1", "properties.person": "own"}


def test_where_the_group_is_the_customer_an_alias_of_people_links_nothing() -> None:
    here = place(B2B)
    told = {"type": "alias", "previousId": "a1", "userId": "u1"}
    assert here.ask("/v1/batch", {"batch": [told]}, key=B2B.key) == (200, {"success": True})
    assert here.memory.records == []
    assert 'outcome="link_ignored",source="shop"} 1.0' in here.collector.counts.page().decode()


def test_of_people_the_group_in_the_context_is_a_property() -> None:
    assert one(track({}, context={"groupId": "acme"}))["properties"] == {"group_id": "acme"}
    assert one(track({}, context={"groupId": "undefined"}))["properties"] == {}


def test_bots_are_flagged() -> None:
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    person = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
    event = {"type": "page", "anonymousId": "a", "messageId": "m"}
    assert one(event, BROWSER, headers={"user-agent": bot})["properties"]["bot"] == "true"
    assert one({**event, "context": {"userAgent": bot}}, SERVER)["properties"]["bot"] == "true"
    assert "bot" not in one(event, BROWSER, headers={"user-agent": person})["properties"]
    assert "bot" not in one(event, SERVER, headers={"user-agent": "python-requests/2.32"})["properties"]
    assert "bot" not in one(event, replace(BROWSER, bots="keep"), headers={"user-agent": bot})["properties"]


@pytest.mark.parametrize(
    ("address", "source", "kept"),
    [
        ("203.0.113.77", BROWSER, "203.0.113.0"),
        ("2001:db8:1234:5678::9", BROWSER, "2001:db8:1234::"),
        ("::ffff:203.0.113.77", BROWSER, "203.0.113.0"),
        ("203.0.113.77", replace(BROWSER, ip="keep"), "203.0.113.77"),
        ("203.0.113.77", replace(BROWSER, ip="drop"), None),
        ("somewhere", BROWSER, None),
    ],
)
def test_addresses_are_truncated(address: str, source: Source, kept: str | None) -> None:
    event = {"type": "page", "anonymousId": "a", "context": {"ip": "198.51.100.9"}}
    assert one(event, source, address=address)["properties"].get("context.ip") == kept


def test_a_server_tells_the_address_of_its_visitor() -> None:
    event = {"type": "page", "anonymousId": "a", "context": {"ip": "198.51.100.9"}}
    assert one(event)["properties"]["context.ip"] == "198.51.100.0"
    assert "context.ip" not in one({"type": "page", "anonymousId": "a"})["properties"]


@pytest.mark.parametrize(
    ("context", "categories", "allowed"),
    [
        ({}, (), True),
        ({"consent": {"categoryPreferences": {"Analytics": True, "Ads": False}}}, (), True),
        ({"consent": {"categoryPreferences": {"Analytics": False, "Ads": False}}}, (), False),
        ({"consent": {"categoryPreferences": {"Analytics": False, "Ads": True}}}, ("analytics",), False),
        ({"consent": {"categoryPreferences": {"Analytics": True}}}, ("analytics",), True),
        ({"consent": {"categoryPreferences": {"Analytics": "yes"}}}, ("analytics",), False),
        ({"consentManagement": {"allowedConsentIds": ["c1"], "deniedConsentIds": ["c2"]}}, ("c1",), True),
        ({"consentManagement": {"allowedConsentIds": ["c1"], "deniedConsentIds": ["c2"]}}, ("c2",), False),
        ({"consentManagement": {"allowedConsentIds": [], "deniedConsentIds": ["c2"]}}, (), False),
        ({"consentManagement": {"allowedConsentIds": {"a": "c1", "b": ["c3"]}}}, ("c3",), True),
        ({"consentManagement": {"allowedConsentIds": 9}}, (), False),
        ({"consentManagement": {"allowedConsentIds": [9]}}, (), False),
        ({"consentManagement": {"allowedConsentIds": "c1"}}, ("c",), False),
        ({"consentManagement": {"allowedConsentIds": ["c1"], "deniedConsentIds": 1.5}}, (), False),
        ({"consentManagement": "c1"}, (), False),
        ({"consent": True}, (), False),
        ({"consent": {"categoryPreferences": ["Analytics"]}}, (), False),
        ({"consent": None, "consentManagement": None}, ("analytics",), True),
    ],
)
def test_consent(context: dict[str, Any], categories: tuple[str, ...], allowed: bool) -> None:
    event = {"type": "page", "userId": "u", "anonymousId": "a", "messageId": "m", "context": context}
    dropping = replace(BROWSER, consent_categories=categories)
    if allowed:
        assert one(event, dropping)["customer_id"] == "u"
    else:
        assert refusal(event, dropping) == "no_consent"
        secret = {**context, "traits": {"email": "x@y"}, "userAgent": "UA", "page": {"path": "/"}}
        kept = one({**event, "context": secret}, replace(dropping, consent="anonymous"))
        assert (kept["customer_id"], kept["anonymous_id"]) == (None, "m")
        assert kept["properties"]["context.page.path"] == "/"
        assert not [
            name for name in kept["properties"] if name.startswith(("traits", "context.ip", "context.userAgent"))
        ]
        assert one(event, replace(dropping, consent="ignore"))["customer_id"] == "u"


def test_only_a_server_says_when_something_was_received() -> None:
    event = {"type": "page", "userId": "u", "timestamp": NOW - 9_000_000, "receivedAt": NOW - 8_000_000}
    assert one(event)["received_at"] == NOW - 8_000_000
    assert one(event, BROWSER)["received_at"] == NOW


def test_what_is_nested_stays_json() -> None:
    value: Any = "x"
    for _ in range(28):
        value = {"n": value}
    assert json.loads(one(track({"deep": value}))["properties"]["deep"]) == value
    for _ in range(10):
        value = [value]
    assert refusal(track({"deep": value})) == "nested_too_deeply"


@pytest.mark.parametrize("preset_name", PRESETS)
def test_each_preset_names_every_event_of_the_published_vocabularies(preset_name: str) -> None:
    kinds = tomllib.loads(preset(preset_name).text)["kinds"]
    assert [name for name in PUBLISHED if kind_of_event(name) not in kinds] == []
    assert set(KIND_OF_TYPE.values()) <= set(kinds)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("1.234,56", 123_456), ("1,234.56", 123_456), ("1,5", 150), ("1 234,50", 123_450), ("(5)", -500), ("€12,50", 1250),
     ("12.3456", 1235), ("0", 0), ("-0", 0)],
)  # fmt: skip
def test_an_amount_in_a_text_is_read_as_it_is_written(text: str, minor: int) -> None:
    assert one(track({"revenue": text, "currency": "EUR"}))["amount_minor"] == minor


@pytest.mark.parametrize("text", ["1.234", "1,234", "€12.345", "12,345 EUR"])
def test_an_amount_that_may_mean_two_is_refused(text: str) -> None:
    assert refusal(track({"revenue": text, "currency": "EUR"})) == "bad_number"
    # A currency without minor units, and one with three, have one reading.
    assert one(track({"revenue": "1.234", "currency": "JPY"}))["amount_minor"] == 1234
    assert one(track({"revenue": 12.345, "currency": "EUR"}))["amount_minor"] == 1234


def test_prices_in_texts_are_read_too() -> None:
    for price, minor in (("2,50", 500), ("$2.50", 500), ("1,234.56", 246_912), ("3.335", 667)):
        found = one(track({"products": [{"sku": "s", "price": price, "quantity": 2}], "currency": "USD"}))
        assert (found["lines"][0]["amount_minor"], found["amount_minor"]) == (minor, minor)
    for price in ("1,234", "€2.50", "nan", "much"):
        assert refusal(track({"products": [{"sku": "s", "price": price}], "currency": "USD"})) == "bad_lines"


def test_what_google_calls_otherwise_is_known() -> None:
    told = {
        "transaction_id": "T1", "value": 25.42, "tax": 4.9, "currency": "USD",
        "items": [{"item_id": "SKU_1", "item_name": "tee", "price": 10, "quantity": 2, "item_category": "Apparel"}],
    }  # fmt: skip
    found = one(track(told, event="purchase"))
    assert (found["kind"], found["order_id"], found["amount_minor"]) == ("order_completed", "T1", 2542)
    assert found["lines"] == [{"sku": "SKU_1", "category": "Apparel", "quantity": 2, "amount_minor": 2000}]
    assert found["properties"] == {"tax": "4.9"}
    assert one(track({**told, "products": []}))["lines"] == found["lines"]
    # Items that are no products are a property.
    assert one(track({"items": [{"seat": 1}]}, event="Seats Chosen"))["properties"] == {"items": '[{"seat":1}]'}
    policies = [tomllib.loads(preset(name).text)["kinds"] for name in PRESETS]
    assert all(kind in kinds for kind in ("order_completed", "order_refunded") for kinds in policies)


def test_camel_case_and_json_in_a_text_are_read() -> None:
    told = {"orderId": "o1", "total": "30", "currency": "usd", "products": [{"productId": "p1", "price": "15"}, None]}
    found = one(track(told))
    assert (found["order_id"], found["amount_minor"], found["lines"][0]["sku"]) == ("o1", 3000, "p1")
    assert one(track({**told, "products": json.dumps(told["products"])}))["lines"] == found["lines"]
    assert refusal(track({"products": "p1, p2"})) == "bad_lines"
    assert refusal(track({"products": [{"sku": {"a": 1}}]})) == "bad_lines"
    assert refusal(track({"products": [{"sku": True}]})) == "bad_lines"


@pytest.mark.parametrize("nothing", ["undefined", "null", "NaN", " None ", "[object Object]"])
def test_ids_that_are_none_make_no_two_events_or_orders_one(nothing: str) -> None:
    first, second = (
        one({**track({"order_id": nothing, "revenue": n}), "messageId": nothing, "timestamp": "2023-11-01"})
        for n in (1, 2)
    )
    assert (first["order_id"], second["order_id"]) == (None, None)
    assert first["event_id"] != second["event_id"]
    assert len(first["event_id"]) == 32
    # A number may well be an id.
    assert one({**track({"order_id": 0, "revenue": 1}), "messageId": 0})["order_id"] == "0"


def test_a_property_without_a_name_stays() -> None:
    assert one(track({"": "x"}))["properties"] == {"": "x"}


def test_an_order_has_an_id_and_no_list_of_them() -> None:
    assert refusal(track({"order_id": ["o1"], "revenue": 1})) == "bad_id"
    found = one(track({"order_id": ["o1", "o2"]}, event="Invoices Sent"))
    assert (found["order_id"], found["properties"]) == (None, {"order_id": '["o1","o2"]'})


def test_a_refund_of_some_articles_is_no_refund_of_all() -> None:
    part = {"order_id": "o1", "currency": "EUR", "products": [{"product_id": "p", "price": 10, "quantity": 2}]}
    assert one(track(part, event="Order Refunded"))["amount_minor"] == 2000
    assert refusal(track({"order_id": "o1", "products": [{"product_id": "p"}]}, event="Order Refunded")) == "no_amount"
    assert one(track({"order_id": "o1"}, event="Order Refunded"))["amount_minor"] is None
    told = {"order_id": "o1", "currency": "EUR", "revenue": 0, "total": 10}
    assert one(track(told, event="Order Refunded"))["amount_minor"] == 1000
    assert one(track(told))["amount_minor"] == 0


def test_an_order_without_an_amount_is_counted() -> None:
    here = place()
    orders = [track({"Revenue": 9}, messageId="a"), track({"revenue": 9}, messageId="b")]
    assert here.ask("/v1/batch", {"batch": orders})[0] == 200
    page = here.collector.counts.page().decode()
    assert 'relasi_collector_events_total{outcome="no_amount",source="shop"} 1.0' in page
    assert 'relasi_collector_events_total{outcome="accepted",source="shop"} 2.0' in page


def test_a_campaign_is_a_name() -> None:
    spec = {"campaign": {"source": "network", "name": "c1", "content": "x"}}
    found = one(track(spec, event="Install Attributed"))
    assert (found["campaign"], json.loads(found["properties"]["campaign"])) == ("c1", spec["campaign"])
    assert one(track({"campaign": {"source": "n"}}, event="Install Attributed"))["campaign"] is None
    assert one(track({"campaign_name": "Spring", "campaign_id": 7}, event="Email Opened"))["campaign"] == "Spring"
    assert one(track({}, context={"campaign": "spring"}))["campaign"] == "spring"
    for nothing in ("undefined", "(not set)"):
        assert one(track({"campaign": nothing}, context={"campaign": {"name": nothing}}))["campaign"] is None


@pytest.mark.parametrize(
    ("rating", "stated"),
    [("5", 5.0), (" 4.5 ", 4.5), (4, 4.0), ("4/5", None), ("good", None), ("nan", None), (True, None)],
)
def test_a_rating_may_be_a_text(rating: object, stated: float | None) -> None:
    found = one(track({"product_id": "p", "rating": rating}, event="Product Reviewed"))
    assert found["satisfaction"] == stated
    assert ("rating" in found["properties"]) == (stated is None)


@pytest.mark.parametrize(
    ("told", "stored"),
    [("1,50", "1.5"), ("€1.50", "1.5"), ("10%", "10%"), (2.5, "2.5"), ("1,234.50", "1234.5"), ("X", "X")],
)
def test_a_discount_is_a_number_that_policies_read(told: object, stored: str) -> None:
    assert one(track({"revenue": 5, "discount": told}))["properties"]["discount"] == stored


def test_ids_in_snake_case_are_ids() -> None:
    found = one({"type": "track", "event": "Signed In", "user_id": "u9", "anonymous_id": "a9"})
    assert (found["customer_id"], found["anonymous_id"]) == ("u9", "a9")
    found = one({"type": "track", "event": "Signed In", "userId": "u1", "user_id": "u9"})
    assert found["customer_id"] == "u1"


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {"granted": False}},
        {"consent": {"analytics": False}},
        {"consent": "denied"},
        {"consent": {"categoryPreferences": {"a": "yes"}}},
        {"consentManagement": {"denied": ["a"]}},
    ],
)
def test_consent_in_unknown_words_is_none(context: dict[str, Any]) -> None:
    assert refusal({"type": "page", "userId": "u", "context": context}) == "no_consent"


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {}},
        {"consent": None, "consentManagement": {"provider": "oneTrust", "resolutionStrategy": "and"}},
        {"consent": {"categoryPreferences": None}},
    ],
)
def test_where_nothing_was_asked_nothing_is_refused(context: dict[str, Any]) -> None:
    assert one({"type": "page", "userId": "u", "context": context})["kind"] == "page_viewed"
