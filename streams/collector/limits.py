"""How much is taken: of each key and address in a second, and in bytes that wait for the log."""

import math
from collections import OrderedDict
from typing import Final

from streams.collector.problems import RequestRefused
from streams.collector.sources import Source

COLLECTOR_WAITING_BYTES: Final = 64 << 20
"""Of requests that were read and are not in the log yet; beyond it new ones are told to come again."""
READING_BYTES: Final = 64 << 20
"""Of bodies that come in pieces and are not whole yet, of all connections together."""
RETRY_SECONDS: Final = 1
_BURST_SECONDS: Final = 10.0
_MOST_ADDRESSES: Final = 65_536
_LONGEST_RETRY: Final = 60


class _Bucket:
    """A bucket of tokens: ``rate`` of them come in a second, and as many as of ten seconds are kept."""

    __slots__ = ("at", "tokens")

    def __init__(self, at: float, tokens: float) -> None:
        self.at = at
        self.tokens = tokens


class Rates:
    """Events a second of each key and of each address; ``now``: seconds of a clock that nobody sets.

    A request is taken while there is at least one token, and may overdraw: a batch is taken whole or not at all, and
    one that is larger than the bucket must come through some time. Addresses are forgotten, the one not seen for
    longest first, when there are too many of them.
    """

    def __init__(self) -> None:
        self._keys: Final[dict[str, _Bucket]] = {}
        self._addresses: Final[OrderedDict[tuple[str, str], _Bucket]] = OrderedDict()

    def spend(self, source: Source, address: str, events: int, now: float) -> None:
        """Count the events of a request. Raises RequestRefused (429), and nothing is counted."""
        charged = []
        if source.rate:
            bucket = self._keys.setdefault(source.key, _Bucket(now, source.rate * _BURST_SECONDS))
            charged.append(_filled(bucket, source.rate, now, f"the key of [sources.{source.name}]"))
        if source.address_rate and address:
            charged.append(_filled(self._of_address(source, address, now), source.address_rate, now, "one address"))
        for bucket in charged:
            bucket.tokens -= events

    def _of_address(self, source: Source, address: str, now: float) -> _Bucket:
        place = (source.key, address)
        bucket = self._addresses.get(place)
        if bucket is None:
            bucket = self._addresses[place] = _Bucket(now, source.address_rate * _BURST_SECONDS)
            if len(self._addresses) > _MOST_ADDRESSES:
                self._addresses.popitem(last=False)
        else:
            self._addresses.move_to_end(place)
        return bucket


def _filled(bucket: _Bucket, rate: float, now: float, whose: str) -> _Bucket:
    bucket.tokens = min(rate * _BURST_SECONDS, bucket.tokens + (now - bucket.at) * rate)
    bucket.at = now
    if bucket.tokens < min(1.0, rate):
        wait = min(_LONGEST_RETRY, max(1, math.ceil((1.0 - bucket.tokens) / rate)))
        raise RequestRefused(429, "too_many_events", f"more than {rate:g} events a second of {whose}", wait)
    return bucket


class Waiting:
    """Bytes of requests that are held in memory, bounded."""

    def __init__(self, most: int = COLLECTOR_WAITING_BYTES) -> None:
        self._most: Final = most
        self.bytes = 0

    def take(self, size: int) -> None:
        """Make room for a request. Raises RequestRefused (503)."""
        if self.bytes + size > self._most:
            raise RequestRefused(503, "busy", "too much waits for the log; send it again", RETRY_SECONDS)
        self.bytes += size

    def give_back(self, size: int) -> None:
        """They are held no more."""
        self.bytes -= size
