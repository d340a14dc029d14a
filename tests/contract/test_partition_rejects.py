"""What can't be used becomes a reject with its reason and its bytes, and never stops what stands beside it."""

import io
from typing import Any, Final

import fastavro
import pytest
from support.messages import (
    DAY,
    REGISTRY,
    START,
    framed,
    policy,
    policy_text,
    tick,
    touchpoint,
    varint,
)
from support.shell import Refusal, accepted_of, apply_all, new_partition, refusals_of, row_of, rows_of

from processors.row.layout import NONE
from schemas.plans import Plans, build_plans
from schemas.reasons import BAD_BOOLEAN, BAD_ENUM
from schemas.wire import frame
from streams.engine import outcomes
from streams.engine.outcomes import REJECT_NAMES

pytestmark = pytest.mark.usefixtures("hot_rows")

GOOD: Final = touchpoint("good", "ann", START)
LATEST: Final = 10_413_791_999_999
MOST: Final = 10**15


def order(**fields: Any) -> bytes:
    return touchpoint("x", "ann", START, "order_completed", **fields)


def body(*, event: bytes = b"\2x", tail: bytes = b"\0" * 9, customer: bytes = b"\2\6ann") -> bytes:
    """A Touchpoint in bytes: ``tail`` is all from the channel to the satisfaction (9 fields) and what follows."""
    times = varint(START) + varint(START)
    return frame(1, event + customer + b"\0" + times + varint(1) + b"k" + tail)


LINE: Final = b"\2s" + b"\0" + varint(2**31) + b"\0"
REFUSED: Final[list[tuple[str, bytes | None]]] = [
    ("no_value", None),
    ("not_framed", b""),
    ("not_framed", b"\0\0\0\0"),
    ("not_framed", b"\1" + GOOD[1:]),
    ("unknown_schema", frame(77, b"x")),
    ("unknown_schema", frame(2**31 - 1, b"")),
    ("unknown_schema", frame(2**31, b"")),
    ("unknown_schema", frame(2**32 - 1, b"x")),
    ("unknown_schema", framed("Transition", {**dict.fromkeys(
        ("id", "customer_id", "from_stage", "to_stage", "cause", "evidence_event_id", "policy_hash"), ""),
        "at": 0, "known_at": 0, "episode": 1, "win_back": False, "evidence_purchases": 0, "evidence_weeks": 0})),
    ("unsupported_record", framed("Link", {"from": "a", "into": "b", "at": 0})),
    ("unsupported_record", framed("Merge", {"id": "1", "from": "a", "into": "b", "at": 0, "row": b""})),
    ("truncated", GOOD[:-1]),
    ("truncated", frame(1, b"")),
    ("bad_varint", frame(1, b"\xff" * 12)),
    ("bad_varint", frame(2, b"\xff" * 12)),
    ("bad_length", body(event=varint(-5))),
    ("bad_length", body(event=varint(2**62))),
    ("bad_union", body(customer=varint(2))),
    ("bad_utf8", body(event=b"\2\xff")),
    ("bad_utf8", body(tail=b"\2\2\xc3" + b"\0" * 8)),
    ("trailing_bytes", GOOD + b"\0"),
    ("bad_block", body(tail=b"\0" * 7 + varint(100) + b"\0")),
    ("bad_int", body(tail=b"\0" * 7 + varint(1) + LINE + b"\0" * 4)),
    ("no_customer", touchpoint("x", None, START)),
    ("no_customer", touchpoint("x", "", START, anonymous_id="")),
    ("long_customer_id", touchpoint("x", "c" * 256, START)),
    ("long_customer_id", touchpoint("x", None, START, anonymous_id="é" * 128)),
    ("long_customer_id", touchpoint("x", "c" * 100_000, START)),
    ("no_event_id", touchpoint("", "ann", START)),
    ("no_kind", touchpoint("x", "ann", START, "")),
    ("impossible_time", touchpoint("x", "ann", -1)),
    ("impossible_time", touchpoint("x", "ann", -(2**63))),
    ("impossible_time", touchpoint("x", "ann", START + DAY + 1, received_at=START)),
    ("impossible_time", touchpoint("x", "ann", START, received_at=-(2**63))),
    ("impossible_time", touchpoint("x", "ann", LATEST + 1)),
    ("impossible_time", touchpoint("x", "ann", 2**63 - 1)),
    ("unknown_currency", order(amount_minor=1, currency="XXX")),
    ("unknown_currency", order(amount_minor=1, currency="")),
    ("unknown_currency", order(amount_minor=1, currency="US")),
    ("unknown_currency", order(amount_minor=1, currency="US$")),
    ("impossible_amount", order(amount_minor=MOST + 1)),
    ("impossible_amount", order(amount_minor=-(2**63), currency="USD")),
    ("impossible_amount", order(amount_minor=MOST, currency="EUR")),
    ("bad_policy", policy("")),
    ("bad_policy", policy("name = 5")),
    ("bad_policy", policy("x = " + "[" * 100_000)),
    ("bad_policy", policy("x = " + "9" * 100_000)),
    ("bad_policy", policy(policy_text().replace("0.01", "1e308"))),
    ("bad_policy", policy(policy_text(threshold=0.9))),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "value"), REFUSED, ids=[f"{i}-{reason}" for i, (reason, _) in enumerate(REFUSED)])
def test_a_reject_has_its_reason_and_its_bytes_and_stops_nothing(reason: str, value: bytes | None) -> None:
    partition = new_partition()
    came = apply_all(partition, tick(START - 5), touchpoint("1", "ann", START), value, touchpoint("2", "bob", START))
    assert refusals_of(came) == [Refusal(2, reason, START - 5, value or b"")]
    assert (came.counts["accepted"], came.counts["rejected"], came.next_offset) == (2, 1, 4)
    assert set(rows_of(partition)) == {b"ann", b"bob"}
    assert len(came.facts) == 2
    assert came.policies == []


def test_every_reason_is_there() -> None:
    never_in_a_log = {REJECT_NAMES[BAD_BOOLEAN], REJECT_NAMES[BAD_ENUM]}
    elsewhere = {"bad_record", "refused_kind"}
    assert {reason for reason, _ in REFUSED} == set(REJECT_NAMES.values()) - never_in_a_log - elsewhere
    assert set(outcomes.REJECT_DETAILS) == set(REJECT_NAMES)


@pytest.mark.parametrize(
    "value",
    [
        touchpoint("x", "c" * 255, START),
        touchpoint("x", None, START, anonymous_id="é" * 127 + "x"),
        touchpoint("x", "", START, anonymous_id="somebody"),
        touchpoint("x", "ann", 0),
        touchpoint("x", "ann", LATEST),
        touchpoint("x", "ann", START + DAY, received_at=START),
        touchpoint("x", "ann", START, "never_heard_of"),
        order(amount_minor=MOST, currency="usd"),
        order(amount_minor=-MOST),
        order(amount_minor=None, currency="XXX"),
    ],
)
def test_what_is_just_possible_is_accepted(value: bytes) -> None:
    came = apply_all(new_partition(), value)
    assert refusals_of(came) == []
    assert accepted_of(came) == [(1, value[5:])]
    assert came.counts["accepted"] == 1


def test_a_kind_is_refused_from_the_policy_on_that_refuses_it() -> None:
    partition = new_partition()
    strange = [touchpoint(str(i), "ann", START, "never_heard_of") for i in range(3)]
    choosy, open_to_all = policy(policy_text(unmapped="reject")), policy(policy_text())
    came = apply_all(partition, strange[0], choosy, strange[1], open_to_all, strange[2])
    assert refusals_of(came) == [Refusal(2, "refused_kind", NONE, strange[1])]
    assert (came.counts["unmapped"], came.counts["policies"]) == (2, 2)


def test_rejects_do_not_disturb_a_policy_in_force() -> None:
    partition = new_partition()
    apply_all(partition, policy(policy_text(name="mine")), policy("name = 5"))
    assert partition.policy.name == "mine"


class Registry:
    """One that knows a single schema of touchpoints."""

    def __init__(self, schema_id: int, schema: dict[str, Any]) -> None:
        self.touchpoint = schema_id, schema

    def ids(self) -> list[int]:
        return [self.touchpoint[0]]

    def schema(self, schema_id: int) -> dict[str, Any]:
        return self.touchpoint[1]

    def id_of(self, name: str) -> int:
        return self.touchpoint[0]

    def named(self, schema_id: int) -> str:
        return "Touchpoint"


def test_a_schema_id_is_asked_for_once_and_used_once_it_is_known() -> None:
    asked: list[int] = []

    def resolve(schema_id: int) -> Plans | None:
        asked.append(schema_id)
        if schema_id != 55:
            return None
        return build_plans(Registry(55, REGISTRY.schema(1)))

    partition = new_partition(resolve=resolve)
    new = frame(55, avro_body := GOOD[5:])
    came = apply_all(partition, frame(99, b"x"), frame(98, b"x"), frame(99, b"x"), new, frame(99, b"x"), new)
    assert asked == [99, 98, 55]
    assert [refusal.reason for refusal in refusals_of(came)] == ["unknown_schema"] * 4
    assert accepted_of(came) == [(55, avro_body)]
    assert came.counts["duplicate"] == 1
    apply_all(partition, frame(98, b"y"), frame(99, b"y"), frame(2**31, b""))
    assert asked == [99, 98, 55]


def test_a_newer_writer_is_read_by_names() -> None:
    schema = REGISTRY.schema(1)
    newer = {**schema, "fields": [{"name": "mood", "type": "string", "default": ""}, *reversed(schema["fields"])]}

    out = io.BytesIO()
    value = {"event_id": "e", "customer_id": "ann", "occurred_at": START, "received_at": START, "kind": "page_viewed"}
    fastavro.schemaless_writer(out, fastavro.parse_schema(newer), {**value, "lines": [], "properties": {}})
    partition = new_partition(resolve=lambda schema_id: build_plans(Registry(60, newer)))
    came = apply_all(partition, frame(60, out.getvalue()))
    assert (refusals_of(came), came.counts["accepted"]) == ([], 1)
    assert row_of(partition, 0).first_at == START
