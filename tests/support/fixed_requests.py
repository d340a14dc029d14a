"""Requests of browsers of which some bytes were changed, and what the fast way of the collector makes of each."""

import json
import random
import zlib
from typing import Final

import numpy as np

from streams.collector.events import Arrival
from streams.collector.hot import HotPath
from streams.collector.requests import batch
from support.browser_events import batch as browser_batch
from support.browser_events import event as browser_event
from support.collecting import BROWSER, NOW, REGISTRY

REQUESTS: Final = 400
_ODD: Final = (
    b'"', b"\\", b"\\u0041", b"\\ud83d\\ude00", b"\\ud83d", b"{", b"}", b"[", b"]", b",", b":", b"\xff",
    b"\xed\xa0\x80", b"\x00", b" ", b"1e400", b"-0", b"9" * 30, b"0.00001", b"null", b"[" * 40, b'{"a":' * 12,
    "ü".encode() * 200, b"x" * 300,
)  # fmt: skip


def changed(chance: random.Random) -> bytes:
    """A request with up to three of its places changed, and sometimes no end."""
    text = bytearray(browser_batch(2, chance.randrange(1000)))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(text))
        until = at + chance.choice((0, 0, 1, 5))
        text[at:until] = chance.choice((*_ODD, bytes([chance.randrange(256)])))
    if chance.randrange(8) == 0:
        del text[chance.randrange(len(text)) :]
    return bytes(text)


def fixed_requests() -> list[tuple[int, ...]]:
    """Of each request: how many events it has and how many were taken, and checksums of messages and keys; or one 0."""
    chance = random.Random(11)
    hot = HotPath(REGISTRY)
    arrival = Arrival(BROWSER, NOW, "203.0.113.9", "")
    hot.learn(batch(json.dumps({"batch": [browser_event(chance, n) for n in range(200)]}).encode()).events, BROWSER)
    found: list[tuple[int, ...]] = []
    for number in range(REQUESTS):
        text = browser_batch(2, number) if number % 9 == 0 else changed(chance)
        came = hot.translate(text, "", arrival, several=True)
        if came is None:
            found.append((0,))
            continue
        hot.learn(list(came.declined.values()), BROWSER)
        told = (zlib.crc32(came.bodies.buffer.tobytes()), zlib.crc32(came.keys.buffer.tobytes()))
        found.append((came.events, len(came.taken), *told))
    return found


if __name__ == "__main__":
    # Hashes wrap round on purpose; only plain numpy remarks on it.
    with np.errstate(over="ignore"):
        for line in fixed_requests():
            print(*line)
