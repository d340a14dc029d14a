"""What a collector has answered with success is nothing that the engine then refuses: nobody would hear of it."""

import copy
import json
from typing import Any, Final

import pytest
from support.collecting import BROWSER, NOW, SERVER, place
from support.messages import Message, batch
from support.shell import applied, new_partition, refusals_of

from streams.log.batches import read_batches

ODD: Final[list[Any]] = [
    None, True, 0, -1, 1.5, 2**53, 10**30, 1e308, "", " ", "\u2028", "\x00", "u", "ü" * 127, "ü" * 128, "x" * 255,
    "x" * 256, "x" * 33_000, [], {}, [[]], "EUR", "eur", "YEN", "1,5", "2023-11-14", "1969-12-31", "null", "undefined",
]  # fmt: skip
BASE: Final[dict[str, Any]] = {
    "event": "Order Completed", "userId": "u", "anonymousId": "a", "previousId": "a", "groupId": "g", "timestamp": NOW,
    "properties": {"order_id": "o", "revenue": 1, "currency": "USD", "products": [{"sku": "s", "price": 1}]},
    "context": {"campaign": {"name": "c"}, "traits": {"plan": "p"}}, "traits": {"seats": 1},
}  # fmt: skip
TOP: Final = (*BASE, "messageId", "sentAt", "receivedAt", "name", "category", "channel", "own", "k" * 300)
OWN: Final = (
    "revenue",
    "total",
    "currency",
    "order_id",
    "agent_id",
    "channel",
    "campaign",
    "rating",
    "products",
    "p" * 99,
)
CONTEXT: Final = ("channel", "timezone", "locale", "ip", "userAgent", "groupId", "campaign", "traits", "device")
PLACES: Final[list[tuple[Any, ...]]] = [
    *((name,) for name in TOP),
    *(("properties", name) for name in OWN),
    *(("context", name) for name in CONTEXT),
    *(("properties", "products", 0, name) for name in ("sku", "category", "quantity", "price")),
    ("context", "campaign", "name"),
]


def changed(number: int, call: str, place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The event with another value there."""
    event = {**copy.deepcopy(BASE), "type": call, "messageId": f"m{number}"}
    within: Any = event
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    return event


@pytest.mark.slow
@pytest.mark.parametrize("source", [SERVER, BROWSER], ids=lambda source: source.name)
@pytest.mark.parametrize("call", ["track", "page", "identify", "group", "alias"])
def test_what_was_accepted_is_refused_by_nobody(call: str, source: Any) -> None:
    here = place(source)
    events = [
        changed(number, call, where, value)
        for number, (where, value) in enumerate((where, value) for where in PLACES for value in ODD)
    ]
    refused = 0
    for first in range(0, len(events), 100):
        sent = json.dumps({"batch": events[first : first + 100]}).encode()
        status, answer = here.ask("/v1/batch", sent, key=source.key)
        assert (status, answer["success"]) == (200, True)
        refused += answer.get("refused", 0)
    assert 20 < refused < len(events) / 2, "most things that are odd are no mistake"
    partition = new_partition()
    messages = [Message(value, NOW, key) for key, value in here.memory.messages]
    came = refusals_of(applied(partition, read_batches(batch(messages, 0), 0)))
    assert {each.reason for each in came} <= {"unknown_currency"}, came
