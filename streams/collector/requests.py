"""The bytes of a request into its events, each in its own bytes."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from streams.collector.problems import RequestRefused
from streams.collector.splitting import BROKEN, ELEMENT_CELLS, FULL, MEMBER_CELLS, elements, members

MOST_EVENTS: Final = 2_500
"""Of a request, as Segment's import has it."""
MOST_EVENT_BYTES: Final = 32 << 10
MOST_DEPTH: Final = 32
_MOST_MEMBERS: Final = 256


class Raw(NamedTuple):
    """One event: its bytes, and how deeply it is nested."""

    payload: bytes
    depth: int


class Batch(NamedTuple):
    """The events of a request, and what its envelope says of all of them (sentAt, context, writeKey)."""

    envelope: dict[str, Any]
    events: list[Raw]


def frozen_bytes(text: bytes) -> Any:
    """The bytes as the array that compiled code reads; one byte of room, so that it is never empty."""
    data = np.frombuffer(text or b" ", np.uint8)
    data.flags.writeable = False
    return data


def bad_json(what: str) -> RequestRefused:
    """The text is no JSON as a whole."""
    return RequestRefused(400, "bad_json", what)


def single(text: bytes) -> Batch:
    """A request of one event, which is its own envelope. Raises RequestRefused."""
    found = _members(text)
    envelope = {name: _value(text, *place) for name, place in found.items() if name in ("sentAt", "writeKey")}
    depth = 1 + max((_depth(text[start:stop]) for start, stop in found.values()), default=0)
    return Batch(envelope, [Raw(text, depth)])


def batch(text: bytes) -> Batch:
    """A request of several events, in ``batch``. A list, or one event, is taken too. Raises RequestRefused."""
    if text[:1] == b"[":
        return Batch({}, list(_events(text, 0, len(text))))
    found = _members(text)
    if "batch" not in found:
        if "type" in found:
            return single(text)
        raise RequestRefused(400, "no_batch", 'a batch needs its events, as in {"batch": [{"type": "track", …}]}')
    start, stop = found.pop("batch")
    envelope = {
        name: _value(text, *place) for name, place in found.items() if name in ("sentAt", "context", "writeKey")
    }
    return Batch(envelope, list(_events(text, start, stop)))


def _members(text: bytes) -> dict[str, tuple[int, int]]:
    out = np.empty((_MOST_MEMBERS, MEMBER_CELLS), np.int64)
    count = members(frozen_bytes(text), 0, len(text), out)
    if count == FULL:
        raise bad_json(f"the object has more than {_MOST_MEMBERS} members")
    if count == BROKEN:
        raise bad_json("the body is no JSON object")
    return {str(_value(text, a, b)): (c, d) for a, b, c, d in out[:count].tolist()}


def _value(text: bytes, start: int, stop: int) -> Any:
    try:
        return orjson.loads(text[start:stop])
    except orjson.JSONDecodeError as error:
        raise bad_json(f"the body is no JSON: {error}") from error


def _events(text: bytes, start: int, stop: int) -> Iterator[Raw]:
    out = np.empty((MOST_EVENTS, ELEMENT_CELLS), np.int64)
    count = elements(frozen_bytes(text), start, stop, out)
    if count == FULL:
        raise RequestRefused(413, "too_many_events", f"a request has at most {MOST_EVENTS:,} events")
    if count == BROKEN:
        raise bad_json("batch is no list of JSON values")
    for first, last, depth in out[:count].tolist():
        yield Raw(text[first:last], depth)


def _depth(value: bytes) -> int:
    out = np.empty((1, ELEMENT_CELLS), np.int64)
    wrapped = b"[" + value + b"]"
    return int(out[0, 2]) if elements(frozen_bytes(wrapped), 0, len(wrapped), out) == 1 else 0
