"""A handful of customers of an online shop, each with a story of their own, as touchpoints of a file."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

START: Final = datetime(2024, 1, 1, 9, tzinfo=UTC)
NOW: Final = "2024-06-01"

Row = dict[str, Any]


def day(number: float) -> datetime:
    """START and so many days."""
    return START + timedelta(days=number)


def iso(instant: datetime) -> str:
    """An instant as documents in JSON tell it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _of(customer: str, *touchpoints: tuple[Any, ...]) -> list[Row]:
    """Touchpoints (day, kind, other fields) of one customer; the n-th has the event id <customer>-n."""
    numbers = count(1)
    return [
        {
            "event_id": f"{customer}-{next(numbers)}",
            "customer_id": customer,
            "occurred_at": day(at),
            "kind": kind,
            **(more[0] if more else {}),
        }
        for at, kind, *more in touchpoints
    ]


def _order(at: float, number: int, amount: float, kind: str = "order_completed") -> tuple[Any, ...]:
    return (at, kind, {"order_id": f"o{number}", "amount": amount, "currency": "USD"})


def _discounted(number: int) -> list[tuple[Any, ...]]:
    at = 20.0 * number
    return [(at, "coupon_applied", {"order_id": f"o{number}"}), _order(at + 0.1, number, 40.0)]


# Buys, complains, gets the money back, reviews, and has a manager.
KIM: Final = _of(
    "kim",
    (0, "email_delivered"),
    (1, "account_created"),
    _order(2, 1, 100.0),
    (20, "coupon_applied", {"order_id": "o2"}),
    _order(20.1, 2, 50.0),
    (25, "complaint_filed", {"properties": {"reason": "damaged"}}),
    (26, "support_ticket_answered"),
    (27, "order_refunded", {"order_id": "o2", "amount": 50.0, "currency": "USD"}),
    (40, "order_delivered", {"order_id": "o1"}),
    _order(60, 3, 200.0),
    (62, "product_reviewed", {"satisfaction": 5.0}),
    (80, "call_received"),
    (90, "account_manager_assigned", {"agent_id": "a7"}),
    _order(120, 4, 300.0),
)
# Complains, hears nothing, and leaves.
LEE: Final = _of(
    "lee",
    _order(0, 1, 80.0),
    (30, "complaint_filed"),
    (45, "account_deleted"),
)
# Asks, and has not bought anything.
PAT: Final = _of(
    "pat",
    (100, "product_viewed"),
    (101, "support_ticket_opened"),
)
# Buys with coupons only.
MAX: Final = _of("max", *(step for number in range(1, 8) for step in _discounted(number)))
# Left for a better deal, and came back.
IDA: Final = _of(
    "ida",
    _order(0, 1, 70.0),
    (10, "coupon_denied"),
    (12, "account_deleted"),
    (100, "product_viewed"),
    _order(140, 2, 90.0),
)
# Known from an advertisement alone.
ADA: Final = _of("ada", (3, "ad_impression"))
PEOPLE: Final = sorted([*KIM, *LEE, *PAT, *MAX, *IDA, *ADA], key=lambda row: (row["occurred_at"], row["event_id"]))
