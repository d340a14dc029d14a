"""A request into canonical columns and an answer: pure, so that every SDK's ways are tests without a socket."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pyarrow as pa

from schemas.bodies import Bodies, bodies_of
from schemas.limits import LONGEST, detail_of, reason_of
from schemas.nobody import is_nobody
from schemas.registry import Registry
from streams.collector.events import Arrival, Ignored, Link, Read, Touchpoint, read_event, unnamed
from streams.collector.named import nameless
from streams.collector.problems import NO_CONSENT, EventRefused, EventReject
from streams.collector.products import COMPLETED
from streams.collector.requests import MOST_DEPTH, MOST_EVENT_BYTES, Batch, Raw
from streams.collector.texts import says_something
from streams.collector.times import NO_SKEW, Skew, instant_of, skew_of
from streams.imports.canonical import CANONICAL, ROW
from streams.log.arranging import joined
from streams.log.messages import message
from streams.log.touchpoints import touchpoint_messages

ACCEPTED: Final = "accepted"
BAD_USER_ID: Final = "bad_user_id"
NO_AMOUNT: Final = "no_amount"
BESIDE: Final = (BAD_USER_ID, NO_AMOUNT)
"""Counted beside what became of the event. An order that completes without an amount is no purchase."""
COLUMNS: Final = pa.schema([each for each in CANONICAL if each.name not in (ROW, "import_id", "known")])


@dataclass
class Taken:
    """What a request comes to: rows in the order of its events, links between them, and what was refused.

    ``links``: each with the number of rows before it. ``counts``: how many events became of what. ``numbers``: of each
    row and link, in the order of the messages, its event's number in the request.
    """

    rows: list[Touchpoint] = field(default_factory=list)
    links: list[tuple[int, Link]] = field(default_factory=list)
    rejects: list[EventReject] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: list[int] = field(default_factory=list)


def take(batch: Batch, told: str, arrival: Arrival, numbers: Sequence[int] | None = None) -> Taken:
    """Read the events of a request. ``told``: their type, by the path; empty where each says it itself.

    ``numbers``: of the events in the request, where these are some of them.
    """
    taken = Taken()
    events = [_parsed(raw) for raw in batch.events]
    skews = _skews(batch, events, arrival)
    shared = batch.envelope.get("context")
    seen: Counter[bytes] = Counter()
    for index, raw, event in zip(numbers or range(len(events)), batch.events, events, strict=True):
        try:
            if isinstance(event, EventRefused):
                raise event
            if isinstance(shared, dict) and isinstance(event, dict):
                event = _with_context(event, shared)
            seen[raw.payload] += 1
            if isinstance(event, dict) and is_nobody(event.get("userId")):
                taken.counts[BAD_USER_ID] += 1
            read = read_event(event, told, arrival, _skew_for(event, skews), _unnamed(raw, event, arrival, index, seen))
            _check_lengths(read)
        except EventRefused as refused:
            taken.rejects.append(
                EventReject(index, refused.reason, refused.detail, raw.payload, refused.reason != NO_CONSENT)
            )
            taken.counts[refused.reason] += 1
            continue
        if isinstance(read, Ignored):
            taken.counts[read.outcome] += 1
        elif isinstance(read, Link):
            taken.links.append((len(taken.rows), read))
            taken.numbers.append(index)
            taken.counts[ACCEPTED] += 1
        else:
            if read["kind"] == COMPLETED and read.get("amount_minor") is None:
                taken.counts[NO_AMOUNT] += 1
            taken.rows.append(read)
            taken.numbers.append(index)
            taken.counts[ACCEPTED] += 1
    return taken


def _parsed(raw: Raw) -> Any:
    """The event, or the EventRefused that it is."""
    if len(raw.payload) > MOST_EVENT_BYTES:
        return EventRefused("event_too_large", f"it has {len(raw.payload):,} bytes, and may have {MOST_EVENT_BYTES:,}")
    if raw.depth > MOST_DEPTH:
        return EventRefused("nested_too_deeply", f"it is nested {raw.depth} deep, and may be {MOST_DEPTH}")
    try:
        return orjson.loads(raw.payload)
    except orjson.JSONDecodeError as error:
        try:
            raw.payload.decode("utf-8")
        except UnicodeDecodeError:
            return EventRefused("bad_text", "it is not UTF-8")
        return EventRefused("bad_json", f"it is no JSON: {error}")


def _unnamed(raw: Raw, event: Any, arrival: Arrival, index: int, seen: Mapping[bytes, int]) -> str:
    told = event.get("messageId") if isinstance(event, dict) else None
    if not isinstance(event, dict) or (says_something(told) and not nameless(told)):
        return ""
    timed = bool(event.get("timestamp") or event.get("originalTimestamp"))
    # The same bytes a second time in one request are two events.
    repeated = b"" if seen[raw.payload] == 1 else b"%d " % seen[raw.payload]
    return unnamed(repeated + raw.payload, timed, arrival.received_at, index)


def _with_context(event: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    own = event.get("context")
    return {**event, "context": {**shared, **own} if isinstance(own, dict) else shared if own is None else own}


def _device(event: Any) -> Any:
    who = event.get("anonymousId") or event.get("userId") if isinstance(event, dict) else None
    return who if isinstance(who, str | int) else None


def _skews(batch: Batch, events: Sequence[Any], arrival: Arrival) -> dict[Any, Skew]:
    """How wrong each device's clock is, by its latest ``sentAt``: one for all of its events, which keep their order."""
    whole = _sent_at(batch.envelope)
    latest: dict[Any, int] = {}
    for event in events:
        if isinstance(event, dict) and (sent := _sent_at(event)) is not None:
            device = _device(event)
            latest[device] = max(sent, latest.get(device, sent))
    skews = {device: skew_of(sent, arrival.received_at) for device, sent in latest.items()}
    if whole is not None:
        # What was stamped when the request was made is newer than what its events were stamped with.
        skew = skew_of(whole, arrival.received_at)
        return {_device(event): skew for event in events if isinstance(event, dict)} or {None: skew}
    return skews


def _sent_at(told: Mapping[str, Any]) -> int | None:
    try:
        return instant_of(told.get("sentAt"), "sentAt")
    except EventRefused:
        # It only says how wrong a clock is, and then nothing does.
        return None


def _skew_for(event: Any, skews: Mapping[Any, Skew]) -> Skew:
    return skews.get(_device(event), NO_SKEW)


def _check_lengths(read: Read) -> None:
    """What is longer is refused here: the engine would refuse it too, and nobody would hear of it."""
    if isinstance(read, Link):
        row: Mapping[str, Any] = {"customer_id": max(read.from_id, read.into, key=lambda told: len(told.encode()))}
    elif isinstance(read, dict):
        row = read
    else:
        return
    for name, most in LONGEST.items():
        value = row.get(name)
        if value is not None and len(value.encode() if isinstance(value, str) else value) > most:
            raise EventRefused(reason_of(name), detail_of(name))


def messages_of(taken: Taken, registry: Registry) -> tuple[Bodies | None, Bodies]:
    """(keys, messages) for the log, in the order of the events."""
    parts: list[tuple[Bodies | None, Bodies]] = []
    done = 0
    for before, link in [*taken.links, (len(taken.rows), None)]:
        if before > done:
            rows = pa.RecordBatch.from_pylist(taken.rows[done:before], COLUMNS)
            parts.append(touchpoint_messages(rows, registry))
            done = before
        if link is not None:
            told = {"from_anonymous": link.from_anonymous, "trusted": link.trusted}
            body = message(registry, "Link", {"from": link.from_id, "into": link.into, "at": link.at, **told})
            parts.append((bodies_of([link.into.encode()]), bodies_of([body])))
    return joined(parts) if parts else (None, bodies_of([]))
