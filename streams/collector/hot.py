"""The fast way of a request, as Python sees it: tables for compiled code, and what came out.

Everything that it takes becomes the bytes that the slow way (``protocol.py``) makes of it. What it declines goes that
way, event by event, and what could not be known then (the kind of a name, a robot among user agents) is learned.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from schemas.bodies import Bodies
from schemas.registry import Registry
from schemas.utf8 import is_utf8
from schemas.wire import HEADER
from streams.collector.events import Arrival
from streams.collector.hot_given import (
    BY_ITSELF,
    CALLS,
    SENT_BY_EVENT,
    SENT_SAID,
    SENT_UNSAID,
    room_for_an_event,
)
from streams.collector.hot_names import (
    known_names,
    nothing_learned,
)
from streams.collector.hot_request import EVENT_TAKEN, REQUEST_CELLS, translate_batch, translate_single
from streams.collector.hot_scan import NAME, NAME_SIZE, NULL, PADDING, SCAN_CELLS, TEXT, TYPE, VALUE, VALUE_STOP
from streams.collector.hot_sources import SourceTables, decimals_by_code, learn_from
from streams.collector.problems import EventRefused
from streams.collector.requests import MOST_EVENT_BYTES, MOST_EVENTS, Raw
from streams.collector.sources import USER, Source
from streams.collector.times import NO_SKEW, instant_of, skew_of
from streams.log.arranging import interleave

_FIELDS: Final = [
    "event_id",
    "customer_id",
    "anonymous_id",
    "occurred_at",
    "received_at",
    "kind",
    "channel",
    "amount_minor",
    "currency",
    "cost_minor",
    "margin_minor",
    "campaign",
    "order_id",
    "lines",
    "agent_id",
    "satisfaction",
    "properties",
    "import_id",
    "known",
    "is_account",
]
_ROOM_BYTES: Final = 1 << 20
_MOST_ROOM: Final = 64 << 20
_ENVELOPE: Final = 16
_ENVELOPE_NAMES: Final = (b"sentAt", b"context", b"writeKey")
_TOLD: Final = [NAME, NAME_SIZE, VALUE, VALUE_STOP, TYPE]
_TAIL: Final = 512
"""So near the ends of a request its envelope is guessed before it is read."""
_MOST_LESSONS: Final = 8


class Translated(NamedTuple):
    """What the fast way made of a request: messages and their keys of the events in ``taken`` (their numbers), and the
    events that it declined by number. ``write_key``: in the body, empty where there is none."""

    keys: Bodies
    bodies: Bodies
    taken: list[int]
    declined: dict[int, Raw]
    events: int
    sent_at: bytes | None
    write_key: bytes


class HotPath:
    """Translates requests; belongs to one event loop."""

    def __init__(self, registry: Registry) -> None:
        schema_id = registry.id_of("Touchpoint")
        fields = [field["name"] for field in registry.schema(schema_id)["fields"]]
        self.usable: Final = fields == _FIELDS
        """Whether messages have the schema that is written here; another one goes the slow way."""
        self._header: Final = HEADER.pack(0, schema_id)
        self._known: Final = known_names()
        self._room: Final = room_for_an_event()
        self._decimals: Final = decimals_by_code()
        self._sources: Final[dict[str, SourceTables]] = {}
        self._out = np.empty(_ROOM_BYTES, np.uint8)
        self._keys = np.empty((MOST_EVENTS + 1) * 256, np.uint8)
        self._offsets: Final = np.zeros(MOST_EVENTS + 1, np.int64)
        self._key_offsets: Final = np.zeros(MOST_EVENTS + 1, np.int64)
        self._spans: Final = np.zeros((MOST_EVENTS, REQUEST_CELLS), np.int64)
        self._ends: Final = np.zeros(4, np.int64)
        self._envelope: Final = np.zeros((_ENVELOPE, SCAN_CELLS), np.int64)

    def takes(self, source: Source) -> bool:
        """Whether the fast way knows the ways of a source."""
        return self.usable and source.customer == USER and not source.fields

    def translate(self, text: bytes, told: str, arrival: Arrival, *, several: bool) -> Translated | None:
        """What a request comes to; None: all of it goes the slow way."""
        call = BY_ITSELF if several else CALLS.index(told) if told in CALLS else None
        if call is None or not self.takes(arrival.source):
            return None
        data = np.frombuffer(text + b"\0" * PADDING, np.uint8)
        data.flags.writeable = False
        if not is_utf8(data, 0, len(text)):
            return None
        tables = self._tables(arrival.source)
        guessed = _guessed(text, b"sentAt") if several else None
        skew, sent = NO_SKEW, SENT_UNSAID if several else SENT_BY_EVENT
        if guessed is not None:
            try:
                at = instant_of(guessed.decode(), "sentAt")
            except EventRefused:
                return None
            if at is None:
                return None
            skew, sent = skew_of(at, arrival.received_at), SENT_SAID
        tables.arrive(arrival, call, sent, skew)
        return self._run(data, text, tables, guessed, several=several)

    def _tables(self, source: Source) -> SourceTables:
        tables = self._sources.get(source.key)
        if tables is None:
            tables = self._sources[source.key] = SourceTables(source, self._header, self._decimals)
        return tables

    def _run(
        self, data: Any, text: bytes, tables: SourceTables, guessed: bytes | None, *, several: bool
    ) -> Translated | None:
        shared = (self._known, tables.learned, tables.given, self._room)
        while True:
            results: Any = (self._spans, self._out, self._offsets, self._keys, self._key_offsets, self._ends)
            if several:
                members = translate_batch(data, len(text), *shared, self._envelope, *results)
            else:
                members = translate_single(data, len(text), *shared, *results)
            if members >= 0:
                break
            if members == -1 or len(self._out) >= _MOST_ROOM:
                return None
            self._out = np.empty(2 * len(self._out), np.uint8)
        table = self._envelope if several else self._room.top
        envelope = self._told(text, table, members if several else int(self._room.counts[3]))
        if several and ("context" in envelope or envelope.get("sentAt") != guessed):
            return None
        return self._results(text, guessed, envelope.get("writeKey") or b"")

    def _told(self, text: bytes, table: Any, members: int) -> dict[str, bytes]:
        """What the envelope says: of a text what it says, of anything else what nothing was guessed to be."""
        told = {}
        for name, size, start, stop, kind in table[:members, _TOLD].tolist():
            called = text[name : name + size]
            if called in _ENVELOPE_NAMES and kind != NULL:
                value = text[start:stop]
                told[called.decode()] = value if kind == TEXT else b"\0" + value
        return told

    def _results(self, text: bytes, sent_at: bytes | None, write_key: bytes) -> Translated | None:
        events, count = int(self._ends[2]), int(self._ends[3])
        offsets, key_offsets = self._offsets[: count + 1].copy(), self._key_offsets[: count + 1].copy()
        bodies = Bodies(self._out[: offsets[-1]].copy(), offsets)
        keys = Bodies(self._keys[: key_offsets[-1]].copy(), key_offsets)
        if count == events:
            return Translated(keys, bodies, list(range(events)), {}, events, sent_at, write_key)
        taken: list[int] = []
        declined: dict[int, Raw] = {}
        for number, (start, stop, outcome) in enumerate(self._spans[:events].tolist()):
            if outcome == EVENT_TAKEN:
                taken.append(number)
            else:
                declined[number] = Raw(text[start:stop], -outcome)
        if sent_at is None and any(b"sentAt" in raw.payload or b"\\u" in raw.payload for raw in declined.values()):
            # One of them may say how wrong the clock of all of its device's events is.
            return None
        return Translated(keys, bodies, taken, declined, events, sent_at, write_key)

    def learn(self, declined: "list[Raw] | tuple[Raw, ...]", source: Source) -> None:
        """Remember what was missing to take some of these events."""
        if not self.takes(source):
            return
        tables = self._tables(source)
        if tables.learned.used[0] >= len(tables.learned.entries) - 3 * _MOST_LESSONS:
            # Somebody sends ever other names; begin anew rather than learn nothing more.
            tables.learned = nothing_learned()
        for raw in itertools.islice(declined, _MOST_LESSONS):
            if len(raw.payload) <= MOST_EVENT_BYTES and raw.depth <= 12:
                try:
                    event = orjson.loads(raw.payload)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(event, dict):
                    learn_from(event, source, tables.learned)


def guessed_key(text: bytes) -> str | None:
    """The write key in a body, as it seems to be before that is read."""
    key = _guessed(text, b"writeKey")
    return None if key is None else key.decode("ascii", "replace")


def together(fast: Translated, rest: tuple[Bodies | None, Bodies], numbers: Sequence[int]) -> tuple[Bodies, Bodies]:
    """(keys, messages) of both ways, in the order of the events. ``numbers``: of the events of ``rest``."""
    keys, bodies = rest
    if keys is None:
        return fast.keys, fast.bodies
    before = np.searchsorted(np.array(fast.taken, np.int64), np.array(numbers, np.int64)).astype(np.int64)
    return interleave(fast.keys, keys, before), interleave(fast.bodies, bodies, before)


def _guessed(text: bytes, name: bytes) -> bytes | None:
    """The text of a member near the end of a request, or near its beginning; None: it seems to have none there."""
    mark = b'"' + name + b'":"'
    at = text.rfind(mark, max(0, len(text) - _TAIL))
    if at < 0:
        at = text.find(mark, 0, _TAIL)
    if at < 0:
        return None
    stop = text.find(b'"', at + len(mark))
    return None if stop < 0 else text[at + len(mark) : stop]
