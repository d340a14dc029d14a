"""What a collector has answered with success is nothing that the engine then refuses: nobody would hear of it."""

import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from support.collecting import BROWSER, NOW, SERVER, place
from support.messages import Message, batch
from support.shell import applied, new_partition, refusals_of

from streams.log.batches import read_batches

ODD: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, True, 0, -1, 1.5, 2**53, 10**30, 1e308, "", " ", "\u2028", "\x00", "u", "ü" * 128, "x" * 255, "x" * 256, [],
     {}, "EUR", "eur", "1,5", "2023-11-14", "1969-12-31", "null", "a" * 33_000]
)  # fmt: skip
IDS: Final = st.just("u") | ODD
PRODUCT: Final = st.dictionaries(st.sampled_from(["sku", "product_id", "category", "quantity", "price"]), ODD)
FIELDS: Final = ("revenue", "currency", "order_id", "agent_id", "channel", "campaign", "coupon", "rating")
PROPERTIES: Final = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(FIELDS, ODD), "products": st.lists(PRODUCT, max_size=3)}
)
TOLD: Final = ("channel", "timezone", "locale", "ip", "userAgent", "groupId", "device")
NAMED: Final = st.fixed_dictionaries({"name": ODD})
CONTEXTS: Final = st.fixed_dictionaries({}, optional={**dict.fromkeys(TOLD, ODD), "campaign": NAMED, "traits": NAMED})
EVENTS: Final = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "page", "identify", "group", "alias"]),
        "event": st.sampled_from(["Order Completed", "!", "k" * 200]),
    },
    optional={
        **dict.fromkeys(("userId", "anonymousId", "previousId", "groupId", "messageId"), IDS),
        **dict.fromkeys(("timestamp", "sentAt", "receivedAt", "name"), ODD),
        "properties": PROPERTIES,
        "context": CONTEXTS,
        "traits": PROPERTIES,
    },
)


@given(st.lists(EVENTS, min_size=1, max_size=6), st.sampled_from([SERVER, BROWSER]))
@settings(max_examples=150, deadline=None)
def test_what_was_accepted_is_refused_by_nobody(events: list[Any], source: Any) -> None:
    here = place(source)
    body = json.dumps({"batch": events}).encode()
    status, answer = here.ask("/v1/batch", body, key=source.key)
    assert (status, answer["success"]) == (200, True)
    partition = new_partition()
    messages = [Message(value, NOW, key) for key, value in here.memory.messages]
    if messages:
        refused = refusals_of(applied(partition, read_batches(batch(messages, 0), 0)))
        assert [(each.reason, each.payload) for each in refused if each.reason != "unknown_currency"] == []
