"""Two ways of a request, one meaning: what the fast way takes has the bytes that the slow way writes."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.browser_events import batch as browser_batch
from support.browser_events import event as browser_event
from support.collecting import BROWSER, NOW, REGISTRY, SERVER
from support.sampled import examples

from schemas.bodies import Bodies
from streams.collector.events import Arrival
from streams.collector.hot import HotPath, Translated, together
from streams.collector.hot_names import identity_of
from streams.collector.problems import RequestRefused
from streams.collector.protocol import BESIDE, messages_of, take
from streams.collector.requests import Batch, batch, single
from streams.collector.sources import Source

HOT = HotPath(REGISTRY)
# Hashes pass over the end of 64 bits, which NumPy tells where nothing is compiled.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

Messages = tuple[list[bytes], list[bytes]]


def listed(keys: Bodies | None, bodies: Bodies) -> Messages:
    count = len(bodies.offsets) - 1
    return ([] if keys is None else [keys.message(i) for i in range(count)]), [bodies.message(i) for i in range(count)]


def fast(text: bytes, told: str, arrival: Arrival, several: bool) -> Translated | None:
    return HOT.translate(text, told, arrival, several=several)


def both(text: bytes, source: Source = BROWSER, told: str = "", agent: str = AGENT, learn: bool = True) -> int | None:
    """Hold one way against the other; returns how many events the fast one took, None: it left the request alone."""
    arrival, several = Arrival(source, NOW, "203.0.113.9", agent), not told
    if learn and (first := fast(text, told, arrival, several)) is not None:
        HOT.learn(list(first.declined.values()), source)
    translated = fast(text, told, arrival, several)
    if translated is None:
        return None
    whole = batch(text) if several else single(text)
    assert len(whole.events) == translated.events
    slow = take(whole, told, arrival)
    envelope = {} if translated.sent_at is None else {"sentAt": translated.sent_at.decode()}
    rest = Batch(envelope, list(translated.declined.values()))
    left = take(rest, told, arrival, list(translated.declined))
    assert [whole.events[number].payload for number in translated.declined] == [raw.payload for raw in rest.events]
    mine = listed(*together(translated, messages_of(left, REGISTRY), left.numbers))
    assert mine == listed(*messages_of(slow, REGISTRY))
    assert left.rejects == slow.rejects
    became = sum(count for outcome, count in left.counts.items() if outcome not in BESIDE)
    assert became + len(translated.taken) == translated.events
    return len(translated.taken)


def test_what_a_browser_sends_is_taken_whole() -> None:
    text = browser_batch(300)
    while (taken := both(text)) != 300:
        assert taken is not None


def mostly(plain: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in fifteen is odd: an event has dozens of values, and one that is odd decides."""
    return st.integers(0, 14).flatmap(lambda number: plain if number else odd)


NAMES = mostly(
    st.sampled_from(["name", "category", "id", "quantity", "price", "timezone", "locale", "plan", "a", "a long name",
                     "a name of sixteen", "ü", "x.y", "total", "value", "currency", "sku"]),
    st.sampled_from(["revenue", "order_id", "product_id", "products", "campaign", "channel", "agent_id", "rating",
                     "orderId", "transaction_id", "items", "item_id", "productId", "campaign_name", "discount",
                     "bot", "satisfaction", "context.x", "traits.y", "traits.", "originalTimestamp", "", "ip",
                     "groupId", "a name that is rather long", "a name Ahat is rather long"]),
)  # fmt: skip
NUMBERS = (
    st.integers(-(10**19), 10**19)
    | st.integers(-9, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-1000, 1000, places=2).map(float)
    | st.sampled_from([0, 1.0, 0.00001, 0.0001, 1e16, -0.0, 12.5, 2**53, 123456789.125, 1e-7])
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", " ", "x ", "EUR", "USD", "JPY", "YEN", "eur", "19.99", "web", "server", "a\\b", 'q"', "\u00a0x", "\ud7ff",
     "😀", AGENT, ROBOT]
)  # fmt: skip
ODD_LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
PLAIN_LEAVES = (
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.decimals(0, 1000, places=2).map(float)
    | st.sampled_from(["", "tea", "EUR", "o-1", "a b", "ü€", "19.99"])
)  # fmt: skip


LEAVES = mostly(PLAIN_LEAVES, ODD_LEAVES)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
TABLES = st.dictionaries(NAMES, mostly(LEAVES, VALUES), max_size=6)
AMOUNTS = mostly(st.integers(0, 999) | st.decimals(0, 999, places=2).map(float), ODD_LEAVES)
SOLD = st.fixed_dictionaries(
    {}, optional={"revenue": AMOUNTS, "currency": mostly(st.sampled_from(["EUR", "JPY", "KWD"]), TEXTS),
                  "price": AMOUNTS, "sku": LEAVES, "product_id": LEAVES, "total": AMOUNTS, "category": LEAVES,
                  "quantity": mostly(st.integers(-3, 9), ODD_LEAVES),
                  "order_id": mostly(st.sampled_from(["o1", "", None]), ODD_LEAVES | st.just("undefined")),
                  "items": mostly(st.none(), VALUES), "transaction_id": mostly(st.none(), ODD_LEAVES),
                  "discount": mostly(st.integers(0, 9), st.sampled_from(["1,5", "2.5", "10%", "€3"]))},
)  # fmt: skip
CAMPAIGNS = mostly(TABLES | st.sampled_from([{"name": "undefined"}, {"name": "spring"}]), LEAVES)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "page": TABLES, "traits": mostly(TABLES, LEAVES), "campaign": CAMPAIGNS,
        "ip": mostly(st.none(), ODD_LEAVES),
        "userAgent": mostly(st.sampled_from([AGENT, ROBOT, ""]), ODD_LEAVES), "timezone": mostly(LEAVES, TABLES),
        "library": mostly(st.sampled_from([{"name": "analytics.js"}, {"name": "x-ios"}, {"version": 1}, {}]), VALUES),
        "locale": LEAVES, "groupId": mostly(st.none(), TEXTS), "channel": mostly(st.none(), LEAVES),
        "consent": mostly(st.none(), TABLES), "other": VALUES, "a.b": mostly(st.none(), TABLES),
        "n" * 70: mostly(st.none(), TABLES),
    },
)  # fmt: skip
GOOD_TIMES = st.sampled_from(
    ["2023-11-14T20:00:00.250Z", "2023-11-14T21:00:00+01:00", "2023-11-14", "2020-02-29T23:59:59.999Z"]
)
ODD_TIMES = st.sampled_from(
    ["", None, 1_699_992_000_000, "05/02/26", "soon", "1969-12-31", "2090-01-01", "2023-11-14T20:00:00.25Z ",
     "1699992000000", "2023-11-14T22:00:00Z", "2023-11-14T10:00:00Z"]
)  # fmt: skip
TIMES = mostly(GOOD_TIMES, ODD_TIMES)
IDS = mostly(
    st.sampled_from(["u1", "u2", "u-ü-x", "i" * 255]),
    st.sampled_from(["", " u", None, 12, "i" * 256, 1.5, "u\u00a0", "ü", "undefined", "NULL", "0"]),
)
CALL_NAMES = mostly(
    st.sampled_from(["track", "page", "screen", "identify"]), st.sampled_from(["group", "alias", "Track", 5, "tracks"])
)
EVENT_NAMES = mostly(
    st.sampled_from(["Order Completed", "Product Reviewed", "Product Viewed", "Käse"]),
    st.sampled_from(["!", "", 5, None]),
)
EVENTS = st.fixed_dictionaries(
    {"type": CALL_NAMES, "event": EVENT_NAMES, "anonymousId": IDS, "messageId": IDS, "timestamp": TIMES},
    optional={
        "userId": IDS, "user_id": mostly(st.none(), IDS), "originalTimestamp": TIMES,
        "receivedAt": mostly(st.none(), ODD_TIMES),
        "context": mostly(CONTEXTS, st.none() | LEAVES), "properties": mostly(SOLD, TABLES) | TABLES,
        "traits": mostly(TABLES, LEAVES), "channel": mostly(st.sampled_from(["web", "mobile", "server"]), TEXTS),
        "name": LEAVES, "category": LEAVES, "integrations": VALUES, "_metadata": TABLES, "own": VALUES,
        "groupId": mostly(st.none(), TEXTS),
    },
)  # fmt: skip
SOURCES = (
    BROWSER,
    SERVER,
    replace(BROWSER, key="key_no_3", currency="JPY", channel="shop", ip="drop", bots="keep", consent="ignore"),
    replace(
        BROWSER, key="key_no_4", kinds={"page": "site_visited", "Order Completed": "sold", "order_completed": "sold"}
    ),
    replace(SERVER, key="key_no_5", customer="group"),
    replace(SERVER, key="key_no_6", fields={"amount": "paid"}),
)


CALLS = st.sampled_from(["track", "page", "identify", "group"])
STRANGE = st.sampled_from(SOURCES[4:])
SENDERS = mostly(st.sampled_from(SOURCES[:4]), STRANGE)


def text_of(value: Any, compact: bool, ascii_only: bool) -> bytes:
    separators = (",", ":") if compact else None
    return json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


@given(
    events=st.lists(EVENTS, max_size=4, min_size=1), source=SENDERS, sent=TIMES, says=st.booleans(),
    compact=st.booleans(), ascii_only=st.booleans(), agent=st.sampled_from([AGENT, ROBOT, ""]),
)  # fmt: skip
@settings(max_examples=examples(400))
def test_both_ways_write_the_same(
    events: list[Any], source: Source, sent: Any, says: bool, compact: bool, ascii_only: bool, agent: str
) -> None:
    envelope = {"batch": events, **({"sentAt": sent} if says else {})}
    both(text_of(envelope, compact, ascii_only), source, agent=agent)


@given(event=EVENTS, source=SENDERS, told=CALLS, sent=TIMES, says=st.booleans())
def test_so_they_do_of_a_single_event(event: Any, source: Source, told: str, sent: Any, says: bool) -> None:
    both(text_of(event | ({"sentAt": sent} if says else {}), True, False), source, told)


@given(seed=st.integers(0, 10**9), places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3))
@settings(max_examples=examples(400))
def test_bytes_that_somebody_has_changed_mean_the_same_both_ways(seed: int, places: list[tuple[int, int]]) -> None:
    text = bytearray(browser_batch(2, seed))
    for place, byte in places:
        text[place % len(text)] = byte
    try:
        both(bytes(text))
    except RequestRefused as problem:
        raise AssertionError(f"the slow way refuses what the fast one took: {problem}") from problem


@pytest.mark.parametrize(
    "change",
    [
        (b'"plan":"pro"', b'"plan":"pro","plan":"basic"'),
        (b'"plan":"pro"', b'"pl\\u0061n":"pro"'),
        (b'"plan":"pro"', b'"plan":"\\ud83d\\ude00"'),
        (b'"plan":"pro"', b'"plan":"\\ud83d"'),
        (b'"plan":"pro"', b'"plan":1e400'),
        (b'"plan":"pro"', b'"plan":01'),
        (b'"plan":"pro"', b'"plan":1.50'),
        (b'"plan":"pro"', b'"plan":[1,[2,{"a":{"a":1}}]]'),
        (b'"plan":"pro"', b'"plan":{"a":1,"a":2}'),
        (b'"plan":"pro"', b'"plan":[1,]'),
        (b'"plan":"pro"', b'"plan":{"a":}'),
        (b'"plan":"pro"', b'"plan":' + b"[" * 40 + b"]" * 40),
        (b'"plan":"pro"', b'"plan":"\x01"'),
        (b'"plan":"pro"', b'"plan":tru'),
        (b'"plan":"pro"', b'"plan":"' + b"x" * 33_000 + b'"'),
    ],
)
def test_what_is_odd_goes_the_slow_way_alone(change: tuple[bytes, bytes]) -> None:
    chance = random.Random(3)
    events = [{**browser_event(chance, n), "type": "identify", "traits": {"plan": "pro"}} for n in range(3)]
    parts = [text_of(event, True, False) for event in events]
    parts[1] = parts[1].replace(*change)
    text = b'{"sentAt":"2026-03-09T12:00:00.000Z","batch":[' + b",".join(parts) + b"]}"
    assert both(text) in (2, 3)


def test_names_of_which_only_the_length_tells_that_they_are_two_are_two() -> None:
    """Their ends, with the length mixed into the last bytes, are the same."""
    one, other = "xabbbbbby", "xabbbbbbby"
    assert identity_of(one) == identity_of(other)
    event = {"type": "identify", "userId": "u", "messageId": "m", "timestamp": "2023-11-14T20:00:00Z"}
    both_said = {**event, "context": {"traits": {one: "1"}}, "traits": {other: "2"}}
    assert both(text_of({"batch": [both_said]}, True, False)) == 1


def test_a_flood_of_names_is_forgotten_and_not_the_rest() -> None:
    events = [{"type": "track", "event": f"Name {n}", "userId": "u", "messageId": f"m{n}"} for n in range(9000)]
    for first in range(0, 9000, 8):
        text = text_of({"batch": events[first : first + 8]}, True, False)
        HOT.learn(batch(text).events, BROWSER)
    assert both(text_of({"batch": events[:8]}, True, False)) == 8
