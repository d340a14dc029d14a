"""Batches as a website's SDK sends them, 890 bytes an event on average."""

import json
import random
from typing import Any, Final

_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
_PAGES: Final = ("/", "/tea", "/tea/green", "/cart", "/checkout", "/help/returns", "/blog/how-to-brew")


def _context(chance: random.Random) -> dict[str, Any]:
    path = chance.choice(_PAGES)
    context: dict[str, Any] = {
        "page": {
            "path": path, "referrer": "https://www.google.com/", "search": "", "title": "Tea | The Shop",
            "url": f"https://shop.example{path}",
        },
        "userAgent": _AGENT.format(chance.randrange(120, 132)),
        "userAgentData": {
            "brands": [{"brand": "Google Chrome", "version": "131"}, {"brand": "Chromium", "version": "131"}],
            "mobile": False, "platform": "Windows",
        },
        "locale": "de-DE", "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        "timezone": "Europe/Berlin",
    }  # fmt: skip
    if chance.random() < 0.2:
        context["campaign"] = {"name": "spring", "source": "newsletter", "medium": "email"}
    return context


def event(chance: random.Random, number: int) -> dict[str, Any]:
    """One event of a visitor."""
    visitor = f"{chance.randrange(10**6):08x}-4d3c-4b2a-9f1e-{chance.randrange(10**9):012x}"
    base: dict[str, Any] = {
        "timestamp": f"2026-03-0{chance.randrange(3, 9)}T12:00:{chance.randrange(60):02d}.{chance.randrange(999):03d}Z",
        "integrations": {"Segment.io": True},
        "anonymousId": visitor,
        "userId": f"customer-{chance.randrange(10**5)}" if chance.random() < 0.3 else None,
        "messageId": f"ajs-next-{number:08d}-{chance.randrange(10**12):016x}",
        "context": _context(chance),
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }
    product = {"product_id": f"TEA-{chance.randrange(99)}", "category": "tea", "price": 12.5, "currency": "EUR"}
    return base | chance.choice(
        (
            {"type": "page", "name": "Home", "properties": {**base["context"]["page"], "name": "Home"}},
            {"type": "track", "event": "Product Viewed", "properties": product},
            {"type": "track", "event": "Product Added", "properties": {**product, "quantity": 2}},
            {"type": "track", "event": "Products Searched", "properties": {"query": "green tea"}},
            {"type": "identify", "traits": {"plan": "pro", "newsletter": True}},
            {"type": "track", "event": "Order Completed",
             "properties": {"order_id": f"o-{number}", "revenue": 59.9, "currency": "EUR", "coupon": "SPRING"}},
        )
    )  # fmt: skip


def batch(count: int, seed: int = 1, first: int = 0) -> bytes:
    """A request of so many events."""
    chance = random.Random(seed)
    events = [event(chance, first + number) for number in range(count)]
    text = json.dumps({"batch": events, "sentAt": "2026-03-09T12:00:00.000Z", "writeKey": "pk_browser_1"},
                      separators=(",", ":"), ensure_ascii=False)  # fmt: skip
    return text.encode()
