"""Calls of the SDKs of PyPI, as a firm's program makes them: ``python -m support.sdks_py SDK URL KEY USER``."""

import sys
from datetime import UTC, datetime
from typing import Any, Final

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def send(analytics: Any, user: str) -> None:
    """The same calls for both: one SDK is a descendant of the other."""
    device = f"{user}-device"
    context = {"timezone": "Europe/Berlin", "locale": "de-DE", "campaign": {"name": "spring", "source": "mail"}}
    order = {
        "order_id": f"{user}-o1", "revenue": 19.99, "currency": "EUR", "coupon": "X",
        "products": [{"product_id": "T", "category": "tea", "quantity": 2, "price": 9.995}],
    }  # fmt: skip
    analytics.identify(user, {"plan": "pro"}, anonymous_id=device, timestamp=AT)
    analytics.track(user, "Order Completed", order, context, AT, device)
    analytics.page(user, None, "Home", {"path": "/"}, timestamp=AT)
    analytics.screen(user, None, "Main", timestamp=AT)
    analytics.group(user, "acme", {"seats": 9}, timestamp=AT)
    analytics.alias(device, user, timestamp=AT)
    analytics.flush()
    analytics.shutdown()


def main(sdk: str, url: str, key: str, user: str) -> None:
    """Send with one of them. Exits with 1 where it was told that something could not be sent."""
    failures: list[object] = []
    if sdk == "segment":
        import segment.analytics as segment

        segment.write_key, segment.host, segment.max_retries = key, url, 0
        segment.on_error = lambda error, _: failures.append(error)
        segment.gzip = True
        send(segment, user)
    else:
        import rudderstack.analytics as rudder

        rudder.write_key, rudder.dataPlaneUrl, rudder.max_retries = key, url, 0
        rudder.on_error = lambda error, _: failures.append(error)
        send(rudder, user)
    if failures:
        raise SystemExit(f"not sent: {failures}")


if __name__ == "__main__":
    main(*sys.argv[1:])
