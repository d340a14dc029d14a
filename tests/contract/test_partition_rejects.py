"""What can't be used becomes a reject with its reason and its bytes, and never stops what stands beside it."""

import io
from typing import Any, Final

import fastavro
import pytest
from support.messages import (
    DAY,
    REGISTRY,
    START,
    Message,
    batch,
    framed,
    policy,
    policy_text,
    schemas,
    tick,
    touchpoint,
    varint,
)
from support.shell import Refusal, accepted_of, applied, apply_all, new_partition, refusals_of, row_of, rows_of

from processors.row.layout import NONE
from schemas.known import known, unknown
from schemas.limits import LONGEST, reason_of
from schemas.reasons import BAD_BOOLEAN, BAD_ENUM, NOT_FRAMED
from schemas.wire import frame
from streams.engine import outcomes
from streams.engine.outcomes import REJECT_NAMES
from streams.engine.schemas import MOST_UNKNOWN
from streams.log.batches import read_batches
from streams.outputs.rejects import rejects_table

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
    ("unreadable_schema", framed("Transition", {**dict.fromkeys(
        ("id", "customer_id", "from_stage", "to_stage", "cause", "evidence_event_id", "policy_hash"), ""),
        "at": 0, "known_at": 0, "episode": 1, "win_back": False, "evidence_purchases": 0, "evidence_weeks": 0})),
    ("no_customer", framed("Link", {"from": "", "into": "b", "at": 0})),
    ("no_customer", framed("Link", {"from": "a", "into": "", "at": 0})),
    ("long_customer_id", framed("Link", {"from": "a" * 256, "into": "b", "at": 0})),
    ("long_customer_id", framed("Link", {"from": "a", "into": "b" * 256, "at": 0})),
    ("impossible_time", framed("Link", {"from": "a", "into": "b", "at": -1})),
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
    ("long_anonymous_id", touchpoint("x", None, START, anonymous_id="é" * 128)),
    ("long_anonymous_id", touchpoint("x", "ann", START, anonymous_id="a" * 256)),
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
    ("impossible_satisfaction", touchpoint("x", "ann", START, satisfaction=float("inf"))),
    ("impossible_satisfaction", touchpoint("x", "ann", START, satisfaction=float("nan"))),
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
    elsewhere = {
        "bad_record",
        "refused_kind",
        "bad_batch",
        "batch_too_large",
        "missing_value",
        "out_of_range",
        "wrong_type",
    }
    elsewhere |= {reason_of(field) for field in LONGEST} - {"long_customer_id", "long_anonymous_id"}
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
    assert accepted_of(came) == [(int.from_bytes(value[1:5]), value[5:])]
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


def test_a_schema_id_is_wanted_before_anything_is_said_of_its_records() -> None:
    new = frame(55, GOOD[5:])
    records = batch([Message(value) for value in (GOOD, frame(99, b"x"), new, frame(99, b"x"), new)], 0)
    partition = new_partition(asks=True)
    fetch = read_batches(records, 0)
    first = applied(partition, fetch)
    assert (first.wanted, first.next_offset, first.counts["accepted"]) == (99, 1, 1)
    again = applied(partition, fetch)
    assert (again.wanted, again.next_offset, again.counts["rejected"]) == (99, 1, 0)
    partition.learn(unknown(99), 10)
    second = applied(partition, fetch)
    assert (second.wanted, second.next_offset) == (55, 2)
    assert [refusal.reason for refusal in refusals_of(second)] == ["unknown_schema"]
    partition.learn(known(55, REGISTRY.schema(REGISTRY.id_of("Touchpoint"))), 11)
    third = applied(partition, fetch)
    assert (third.wanted, third.next_offset, third.counts["duplicate"]) == (None, 5, 2)
    assert [refusal.reason for refusal in refusals_of(third)] == ["unknown_schema"]
    assert [refusal.reason for refusal in refusals_of(apply_all(partition, frame(2**31, b"")))] == ["unknown_schema"]


def test_what_the_registry_did_not_have_is_wanted_again_and_what_it_had_is_not() -> None:
    partition = new_partition(asks=True)
    partition.learn(unknown(99), 10)
    partition.learn(known(55, REGISTRY.schema(REGISTRY.id_of("Touchpoint"))), 10)
    partition.forget_unknown(10)
    assert apply_all(partition, frame(99, b"x"), frame(55, GOOD[5:])).wanted is None
    partition.forget_unknown(11)
    assert apply_all(partition, frame(55, GOOD[5:]), frame(99, GOOD[5:])).wanted == 99
    partition.learn(known(99, REGISTRY.schema(REGISTRY.id_of("Touchpoint"))), 12)
    assert apply_all(partition, frame(99, GOOD[5:])).counts["duplicate"] == 1


def test_ids_of_bytes_that_are_no_messages_are_not_all_kept_in_mind() -> None:
    partition = new_partition(asks=True)
    for number in range(1000, 1000 + 3 * MOST_UNKNOWN):
        assert apply_all(partition, frame(number, b"")).wanted == number
        partition.learn(unknown(number), 5)
        apply_all(partition, b"")
    assert len(partition._schemas.known) <= MOST_UNKNOWN + len(schemas())


def test_nobody_is_asked_by_a_partition_that_does_not_ask() -> None:
    partition = new_partition()
    came = apply_all(partition, frame(99, b"x"), GOOD)
    assert (came.wanted, came.counts["accepted"]) == (None, 1)
    assert [refusal.reason for refusal in refusals_of(came)] == ["unknown_schema"]


TOUCHPOINT: Final = REGISTRY.schema(REGISTRY.id_of("Touchpoint"))


def changed(name: str, kind: Any) -> dict[str, Any]:
    fields = [{**field, "type": kind} if field["name"] == name else field for field in TOUCHPOINT["fields"]]
    return {**TOUCHPOINT, "fields": [{key: field[key] for key in ("name", "type")} for field in fields]}


def without(name: str) -> dict[str, Any]:
    return {**TOUCHPOINT, "fields": [field for field in TOUCHPOINT["fields"] if field["name"] != name]}


def line(**kinds: Any) -> dict[str, Any]:
    fields = {"sku": "string", "quantity": "int"} | kinds
    record = {"type": "record", "name": "L", "fields": [{"name": n, "type": t} for n, t in fields.items() if t]}
    return changed("lines", {"type": "array", "items": record})


UNREADABLE: Final = [
    ({**TOUCHPOINT, "namespace": "shop"}, "'shop.Touchpoint'; what is read here is relasi.Touchpoint"),
    ({**TOUCHPOINT, "name": "Order"}, "'relasi.Order'"),
    (
        {"type": "record", "name": "relasi.Tick", "fields": [
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}]},
        "field 'at' is of type timestamp-micros; it is read as timestamp-millis",
    ),
    ({"type": "record", "name": "relasi.Tick", "fields": [{"name": "at", "type": "string"}]}, "field 'at'"),
    ({"type": "record", "name": "relasi.Policy", "fields": [{"name": "text", "type": "string"}]}, "field 'hash'"),
    ({"type": "string"}, "it is of type 'string', and has to be a record"),
    ({"type": "PROTOBUF"}, "it is of type 'PROTOBUF'"),
    ({"type": "record", "name": "relasi.Touchpoint"}, "is no Avro schema"),
    (without("event_id"), "field 'event_id' is missing; it has to be a text"),
    (without("received_at"), "field 'received_at' is missing; it has to be an instant"),
    (changed("customer_id", "long"), "field 'customer_id' is of type long; it is read as a text"),
    (changed("occurred_at", "string"), "field 'occurred_at' is of type string; it is read as an instant"),
    (changed("occurred_at", {"type": "int", "logicalType": "date"}), "field 'occurred_at' is of type int (date)"),
    (changed("occurred_at", {"type": "long", "logicalType": "local-timestamp-millis"}), "(local-timestamp-millis)"),
    (changed("amount_minor", ["null", "double"]), "field 'amount_minor' is of type double; it is read"),
    (
        changed("amount_minor", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        "field 'amount_minor' is of type bytes (decimal)",
    ),
    (changed("kind", "null"), "field 'kind' is always null"),
    (changed("lines", {"type": "array", "items": "string"}), "field 'lines' is an array of string"),
    (changed("properties", "string"), "field 'properties' is of type string; it is read as a map"),
    (line(sku=None), "field 'lines.sku' is missing"),
    (line(quantity="double"), "field 'lines.quantity' is of type double"),
    (changed("agent_id", "Nowhere"), "type 'Nowhere' is not defined"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "says"), UNREADABLE, ids=[says for _, says in UNREADABLE])
def test_a_schema_that_cannot_be_read_says_which_field_does_not_fit(schema: dict[str, Any], says: str) -> None:
    partition = new_partition(asks=True)
    partition.learn(known(55, schema), 0)
    partition.learn(known(56, without("kind")), 0)
    came = apply_all(partition, GOOD, frame(55, b"\0"), frame(56, b"\0"), b"junk", frame(55, b"\1"))
    rows = rejects_table(came, "topic").to_pylist()
    assert [row["reason"] for row in rows] == [
        "unreadable_schema",
        "unreadable_schema",
        "not_framed",
        "unreadable_schema",
    ]
    assert says in rows[0]["detail"]
    assert rows[0]["detail"].startswith("schema id 55")
    assert rows[1]["detail"] == "schema id 56: field 'kind' is missing; it has to be a text"
    assert rows[2]["detail"] == outcomes.REJECT_DETAILS[NOT_FRAMED]
    assert rows[3]["detail"] == rows[0]["detail"]
    assert [row["payload"] for row in rows] == [frame(55, b"\0"), frame(56, b"\0"), b"junk", frame(55, b"\1")]


def test_a_newer_writer_is_read_by_names() -> None:
    schema = REGISTRY.schema(REGISTRY.id_of("Touchpoint"))
    newer = {**schema, "fields": [{"name": "mood", "type": "string", "default": ""}, *reversed(schema["fields"])]}

    out = io.BytesIO()
    value = {"event_id": "e", "customer_id": "ann", "occurred_at": START, "received_at": START, "kind": "page_viewed"}
    fastavro.schemaless_writer(out, fastavro.parse_schema(newer), {**value, "lines": [], "properties": {}})
    partition = new_partition()
    partition.learn(known(60, newer), 0)
    came = apply_all(partition, frame(60, out.getvalue()))
    assert (refusals_of(came), came.counts["accepted"]) == ([], 1)
    assert row_of(partition, 0).first_at == START
