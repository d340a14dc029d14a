"""Messages and record batches for tests, written without the code under test where it reads them."""

import functools
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import fastavro
import google_crc32c

from schemas.known import Known, look_up_all
from schemas.plans import Plans, build_plans
from schemas.registry import FileRegistry
from schemas.wire import frame

DAY: Final = 86_400_000
START: Final = 1_700_000_000_000
REGISTRY: Final = FileRegistry()

_BATCH: Final = struct.Struct(">qiibIhiqqqhii")

POLICY: Final = """
name = "{name}"
currency = "USD"

[rates]
EUR = 1.5
JPY = 0.008

[churn]
model = "mbgnbd"
r = 0.525
alpha = 6.183
a = 0.891
b = 1.614
unit = "week"
threshold = {threshold}
horizon_days = 91

[stages]
hiatus_days = {hiatus}
commitment_weeks = {weeks}
consistency_weeks = 6

[purchase]
minimum_amount = 0.01

[decay]
interaction_half_life_days = 90
engagement_half_life_days = 60

[unmapped]
action = "{unmapped}"

[kinds]
page_viewed = {{ initiative = "none", engagement = 0.1 }}
email_delivered = {{ initiative = "firm" }}
product_viewed = {{ initiative = "customer", engagement = 0.3 }}
order_completed = {{ initiative = "customer", engagement = 3.0, purchase = true }}
loyalty_enrolled = {{ initiative = "customer", engagement = 2.0, investment = true }}
product_reviewed = {{ initiative = "customer", engagement = 2.0, contribution = true }}
account_deleted = {{ initiative = "customer", exit = "customer" }}
customer_blocked = {{ initiative = "firm", exit = "firm" }}
"""


class Message(NamedTuple):
    """A record of a log: its value (None: a tombstone), the instant in its record, and its key."""

    value: bytes | None
    written_at: int = START
    key: bytes | None = None


def policy_text(
    *, name: str = "test", threshold: float = 0.5, hiatus: float = 180, weeks: int = 3, unmapped: str = "keep"
) -> str:
    return POLICY.format(name=name, threshold=threshold, hiatus=hiatus, weeks=weeks, unmapped=unmapped)


@functools.cache
def plans() -> Plans:
    return build_plans(REGISTRY)


@functools.cache
def schemas() -> list[Known]:
    return look_up_all(REGISTRY)


@functools.cache
def _parsed(name: str) -> Any:
    return fastavro.parse_schema(REGISTRY.schema(REGISTRY.id_of(name)))


def avro(name: str, value: Mapping[str, Any]) -> bytes:
    """A body in the newest version of a record's schema."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, _parsed(name), value)
    return body.getvalue()


def framed(name: str, value: Mapping[str, Any]) -> bytes:
    return frame(REGISTRY.id_of(name), avro(name, value))


def touchpoint(event_id: str, customer_id: str | None, at: int, kind: str = "product_viewed", **fields: Any) -> bytes:
    """A Touchpoint as a message; what is not given is null or empty, ``received_at`` is ``at``."""
    value = {"event_id": event_id, "customer_id": customer_id, "occurred_at": at, "received_at": at, "kind": kind}
    return framed("Touchpoint", {**value, "lines": [], "properties": {}, **fields})


def tick(at: int) -> bytes:
    return framed("Tick", {"at": at})


def policy(text: str) -> bytes:
    return framed("Policy", {"text": text, "hash": ""})


def varint(value: int) -> bytes:
    """Zig-zag varint."""
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    return bytes([*out, raw])


def record(message: Message, offset_delta: int, time_delta: int = 0) -> bytes:
    """A record of a batch (format v2), its length included."""
    parts = [b"\0", varint(time_delta), varint(offset_delta)]
    for content in (message.key, message.value):
        parts += [varint(-1)] if content is None else [varint(len(content)), content]
    body = b"".join([*parts, varint(0)])
    return varint(len(body)) + body


def raw_batch(
    records: bytes, count: int, base_offset: int, *, last_delta: int | None = None, base_time: int = START
) -> bytes:
    """A batch of whatever records, with the checksum that belongs to them."""
    rest = (0, count - 1 if last_delta is None else last_delta, base_time, base_time, -1, -1, -1, count)
    header = _BATCH.pack(base_offset, _BATCH.size - 12 + len(records), -1, 2, 0, *rest)
    crc = google_crc32c.value(header[21:] + records)
    return header[:17] + struct.pack(">I", crc) + header[21:] + records


def batch(messages: Sequence[Message], base_offset: int = 0) -> bytes:
    """One batch with consecutive offsets."""
    first = messages[0].written_at
    records = [record(message, i, message.written_at - first) for i, message in enumerate(messages)]
    return raw_batch(b"".join(records), len(messages), base_offset, base_time=first)


def cut(messages: Sequence[Message], places: Iterable[int], base_offset: int = 0) -> list[bytes]:
    """Batches of a log that is cut before each of these places."""
    bounds = sorted({0, len(messages), *places})
    return [batch(messages[first:stop], base_offset + first) for first, stop in pairwise(bounds)]
