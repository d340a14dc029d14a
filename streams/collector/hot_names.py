"""Names that mean something, and what was learned of other texts, as tables that compiled code looks things up in."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.words import Int, byte_at, copy_bytes, word_at
from streams.collector.hot_scan import NAME, NAME_HEAD, NAME_SIZE, NAME_TAIL, Bytes, Places

NAMES: Final = (
    "type", "event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
    "context", "properties", "traits", "integrations", "writeKey", "channel", "previousId", "groupId", "name",
    "category", "_metadata", "revenue", "total", "value", "currency", "order_id", "products", "sku", "product_id",
    "id", "variant", "quantity", "price", "campaign", "agent_id", "satisfaction", "rating", "timezone", "locale", "ip",
    "userAgent", "library", "consent", "consentManagement", "bot", "orderId", "transaction_id", "transactionId",
    "items", "productId", "item_id", "itemId", "campaign_name", "discount", "user_id", "anonymous_id",
)  # fmt: skip
CODES: Final = {name: code for code, name in enumerate(NAMES)}
# Where compiled code asks for one of them by name.
CODE_TYPE: Final = CODES["type"]
CODE_EVENT: Final = CODES["event"]
CODE_USER: Final = CODES["userId"]
CODE_ANONYMOUS: Final = CODES["anonymousId"]
CODE_MESSAGE: Final = CODES["messageId"]
CODE_AT: Final = CODES["timestamp"]
CODE_AT_FIRST: Final = CODES["originalTimestamp"]
CODE_SENT_AT: Final = CODES["sentAt"]
CODE_RECEIVED: Final = CODES["receivedAt"]
CODE_CONTEXT: Final = CODES["context"]
CODE_PROPERTIES: Final = CODES["properties"]
CODE_TRAITS: Final = CODES["traits"]
CODE_CHANNEL: Final = CODES["channel"]
CODE_GROUP: Final = CODES["groupId"]
CODE_NAME: Final = CODES["name"]
CODE_CATEGORY: Final = CODES["category"]
CODE_REVENUE: Final = CODES["revenue"]
CODE_CURRENCY: Final = CODES["currency"]
CODE_ORDER: Final = CODES["order_id"]
CODE_PRODUCTS: Final = CODES["products"]
CODE_SKU: Final = CODES["sku"]
CODE_PRODUCT: Final = CODES["product_id"]
CODE_CAMPAIGN: Final = CODES["campaign"]
CODE_AGENT: Final = CODES["agent_id"]
CODE_SATISFACTION: Final = CODES["satisfaction"]
CODE_RATING: Final = CODES["rating"]
CODE_TIMEZONE: Final = CODES["timezone"]
CODE_LOCALE: Final = CODES["locale"]
CODE_IP: Final = CODES["ip"]
CODE_USER_AGENT: Final = CODES["userAgent"]
CODE_LIBRARY: Final = CODES["library"]
CODE_CONSENT: Final = CODES["consent"]
CODE_MANAGED: Final = CODES["consentManagement"]
CODE_OTHERWISE: Final = CODES["orderId"]
"""From here to ``CODE_DISCOUNT``: other names of what has a field."""
CODE_DISCOUNT: Final = CODES["discount"]
CODE_USER_SNAKE: Final = CODES["user_id"]
CODE_ANONYMOUS_SNAKE: Final = CODES["anonymous_id"]
NAME_UNKNOWN: Final = -1
_PLACES: Final = 256
_FACTORS: Final = (1, 19, 26)
"""So chosen that no two of the names want one place."""

EVENT_NAMES: Final = 0
LIBRARIES: Final = 1
AGENTS: Final = 2
"""What is learned: kinds of names, channels of libraries, robots among user agents."""
_SLOTS: Final = 1 << 14
_MOST_LEARNED: Final = 8192
_LEARNED_BYTES: Final = 1 << 20
_LEARNED_CELLS: Final = 6
_SEEDS: Final = np.array([1, 2, 3], np.uint64)
_SEEDS.flags.writeable = False


class Known(NamedTuple):
    """``codes`` int64[256] by place (-1: none); ``heads``, ``tails``, ``sizes``: of the name there."""

    codes: Places
    heads: Places
    tails: Places
    sizes: Places


def identity_of(name: str) -> tuple[int, int]:
    """First and last eight bytes of a name, as ``hot_scan`` makes them of a member."""
    data = name.encode()
    if len(data) < 8:
        return int.from_bytes(data.ljust(7, b"\0"), "little") | len(data) << 56, 0
    return int.from_bytes(data[:8], "little"), int.from_bytes(data[-8:], "little") ^ len(data)


def _place(name: bytes) -> int:
    return (len(name) * _FACTORS[0] + name[0] * _FACTORS[1] + name[-1] * _FACTORS[2] + name[len(name) // 2]) % _PLACES


def known_names(names: Sequence[str] = NAMES) -> Known:
    """The table of these names. Raises ValueError where two of them want one place."""
    table = Known(*(np.zeros(_PLACES, np.int64) for _ in range(4)))
    table.codes[:] = NAME_UNKNOWN
    for code, name in enumerate(names):
        place = _place(name.encode())
        if table.codes[place] != NAME_UNKNOWN:
            raise ValueError(f"{name} and {names[table.codes[place]]} want the same place")
        table.codes[place], table.sizes[place] = code, len(name.encode())
        table.heads[place], table.tails[place] = identity_of(name)
    return table


@compiled_inline
def code_of(known: Known, data: Bytes, table: Places, k: int) -> int:
    """The code of the name of member ``k``; NAME_UNKNOWN."""
    size = table[k, NAME_SIZE]
    if size == 0:
        return NAME_UNKNOWN
    start = table[k, NAME]
    first, last, middle = byte_at(data, start), byte_at(data, start + size - 1), byte_at(data, start + size // 2)
    place = (size * _FACTORS[0] + first * _FACTORS[1] + last * _FACTORS[2] + middle) % _PLACES
    if known.codes[place] == NAME_UNKNOWN or known.sizes[place] != size:
        return NAME_UNKNOWN
    if known.heads[place] != table[k, NAME_HEAD] or known.tails[place] != table[k, NAME_TAIL]:
        return NAME_UNKNOWN
    # Of a name of 17 bytes the one in the middle is in neither word; with all others the same, it chose the place.
    return int(known.codes[place])


class Learned(NamedTuple):
    """``slots`` int64 (number + 1, 0: free); ``entries`` int64[n, 6]: what of, text, its size, answer, its size, flag;
    ``data`` uint8: texts and answers; ``used`` int64[2]: entries, bytes."""

    slots: Places
    entries: Places
    data: Bytes
    used: Places


def nothing_learned() -> Learned:
    """Room for some thousand texts."""
    return Learned(
        np.zeros(_SLOTS, np.int64),
        np.zeros((_MOST_LEARNED, _LEARNED_CELLS), np.int64),
        np.zeros(_LEARNED_BYTES, np.uint8),
        np.zeros(2, np.int64),
    )


@compiled_leaf
def learned_at(learned: Learned, what: int, data: Bytes, start: Int, size: Int) -> Int:
    """The number of the entry of a text, or -1 - the slot where it would be."""
    slot = np.int64(xxh64(data, start, start + size, _SEEDS[what]) & np.uint64(_SLOTS - 1))
    while True:
        number = learned.slots[slot] - 1
        if number < 0:
            return -1 - slot
        if learned.entries[number, 0] == what and learned.entries[number, 2] == size:
            place, i = learned.entries[number, 1], np.int64(0)
            while i + 8 <= size and word_at(learned.data, place + i) == word_at(data, start + i):
                i += 8
            while i < size and byte_at(learned.data, place + i) == byte_at(data, start + i):
                i += 1
            if i == size:
                return np.int64(number)
        slot = (slot + 1) & (_SLOTS - 1)


@compiled_leaf
def _remember(learned: Learned, what: int, text: Bytes, size: int, answer: Bytes, answer_size: int, flag: int) -> None:
    place = learned_at(learned, what, text, 0, size)
    number, at = learned.used[0], learned.used[1]
    if place >= 0 or number == learned.entries.shape[0] or at + size + answer_size > len(learned.data):
        return
    learned.slots[-1 - place] = number + 1
    copy_bytes(text, 0, size, learned.data, at)
    copy_bytes(answer, 0, answer_size, learned.data, at + size)
    entries = learned.entries
    entries[number, 0], entries[number, 1], entries[number, 2] = what, at, size
    entries[number, 3], entries[number, 4], entries[number, 5] = at + size, answer_size, flag
    learned.used[0], learned.used[1] = number + 1, at + size + answer_size


def _padded(text: bytes) -> npt.NDArray[np.uint8]:
    data = np.frombuffer(text + b"\0" * 16, np.uint8)
    data.flags.writeable = False
    return data


def remember(learned: Learned, what: int, text: str, answer: str, flag: int) -> None:
    """Keep the answer to a text; where there is no room any more, it is asked for again each time."""
    said, told = text.encode(), answer.encode()
    _remember(learned, what, _padded(said), len(said), _padded(told), len(told), flag)
