"""The compiled code of a collector, loaded before the first request: an SDK gives up before a compiler is done."""

from typing import Final

import orjson

from schemas.registry import Registry
from streams.collector.events import Arrival
from streams.collector.hot import HotPath
from streams.collector.protocol import messages_of, take
from streams.collector.requests import batch, single
from streams.collector.sources import Source

_AT: Final = 1_700_000_000_000
_ORDER: Final = {
    "type": "track",
    "userId": "u",
    "anonymousId": "a",
    "messageId": "m",
    "event": "Order Completed",
    "timestamp": "2023-11-14T22:13:20.000Z",
    "properties": {"revenue": "1,299.00", "currency": "EUR", "products": [{"sku": "T", "price": 1.5, "quantity": 2}]},
}


def warm(registry: Registry) -> None:
    """Read a few events as if they had come, and forget them."""
    arrival = Arrival(Source("warm", "warm"), _AT, "203.0.113.1", "Mozilla/5.0")
    hot = HotPath(registry)
    plain = {**_ORDER, "properties": {"sku": "T", "price": 1.5}, "context": {"page": {"path": "/"}, "userAgent": "x"}}
    for _ in range(2):
        several = orjson.dumps({"batch": [plain, {"type": "page"}], "sentAt": _ORDER["timestamp"]})
        hot.translate(several, "", arrival, several=True)
        hot.translate(orjson.dumps(plain), "track", arrival, several=False)
        hot.learn(batch(several).events, arrival.source)
    for events in (single(orjson.dumps(_ORDER)), batch(orjson.dumps({"batch": [_ORDER, {"type": "page"}]}))):
        messages_of(take(events, "", arrival), registry)
