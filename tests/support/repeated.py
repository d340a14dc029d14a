"""The same events of some customers twice over: once each in order of time, and shuffled, repeated, and moved."""

from random import Random
from typing import Any, Final

from streams.reports.sink import Sink
from support.messages import DAY, START, touchpoint

YEAR: Final = 365 * DAY
EVENTS: Final = 45
MOST: Final = 200
KINDS: Final = ("order_completed", "product_viewed", "email_opened")
WHO: Final = "abc"

# What the profile holds; the stage follows what was published on the way.
_PROFILES: Final = (
    "SELECT substring(customer_id, 8) AS who, touchpoints, purchases, purchase_days, spend_minor, first_at, last_at, "
    "first_purchase_at, last_purchase_at, round(interaction, 6) AS interaction, round(engagement, 6) AS engagement, "
    "margin_minor, cost_minor, outbound, individual FROM profiles WHERE startsWith(customer_id, {set:String}) "
    "ORDER BY who"
)
_STORED: Final = (
    "SELECT substring(customer_id, 8) AS who, event_id, kind, occurred_at FROM touchpoints "
    "WHERE startsWith(customer_id, {set:String}) ORDER BY who, event_id"
)
Sent = tuple[str, bytes]
"""Key and value."""


def _sent(which: str, number: int, events: list[tuple[int, str, str]], moved: int = 0) -> Sent:
    at, who, kind = events[number]
    name = f"{which}-{who}"
    money: dict[str, Any] = {"amount_minor": 500 + number, "currency": "USD"} if kind == "order_completed" else {}
    return name, touchpoint(f"e{number}", name, at + moved, kind, received_at=START + 3 * YEAR, **money)


def plain_and_repeated(seed: int) -> tuple[list[Sent], list[Sent]]:
    """Messages of two sets of customers, ``plain0-…`` and ``moved0-…``: each record of the second up to 200 times.

    A repetition stands anywhere behind the first, and says another time, up to a year off.
    """
    random = Random(seed)
    events = [(START + random.randrange(-YEAR, YEAR), WHO[n % 3], KINDS[n // 3 % 3]) for n in range(EVENTS)]
    in_order = sorted(range(EVENTS), key=lambda number: events[number][0])
    plain = [_sent("plain0", number, events) for number in in_order]
    order = random.sample(range(EVENTS), EVENTS)
    copies = [random.choice([0, 1, 1, 3]) for _ in range(EVENTS)]
    copies[order[0]] = MOST - 1
    placed = [(float(place), number, True) for place, number in enumerate(order)]
    placed += [
        (place + random.random() * (EVENTS - place), number, False)
        for place, number in enumerate(order)
        for _ in range(copies[number])
    ]
    moved = [
        _sent("moved0", number, events, 0 if first else random.randrange(-YEAR, YEAR))
        for _, number, first in sorted(placed, key=lambda each: each[0])
    ]
    assert len(moved) > EVENTS + MOST
    return plain, moved


def same_profiles(sink: Sink) -> None:
    """Assert that the reports say the same of both sets, in the profiles and in the history."""
    for sql in (_PROFILES, _STORED):
        plain, moved = (sink.query(sql, {"set": which}).to_pylist() for which in ("plain0", "moved0"))
        assert plain == moved
        assert plain
    assert sum(row["touchpoints"] for row in sink.query(_PROFILES, {"set": "plain0"}).to_pylist()) == EVENTS
