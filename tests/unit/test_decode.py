"""The compiled decoder against fastavro, and against bytes that no writer would write."""

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from avro_cases import (
    DOUBLE,
    INT,
    TEXT,
    definitions,
    long_bytes,
    read_by_fastavro,
    read_only,
    writer_schemas,
    written,
    written_by_fastavro,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sampled import examples

from schemas.decode import ABSENT, decode
from schemas.plan import PlanError, compile_plan
from schemas.plans import build_plans
from schemas.reasons import (
    BAD_BLOCK,
    BAD_BOOLEAN,
    BAD_ENUM,
    BAD_INT,
    BAD_LENGTH,
    BAD_UNION,
    BAD_UTF8,
    BAD_VARINT,
    DETAILS,
    OK,
    REASONS,
    TRAILING_BYTES,
    TRUNCATED,
)
from schemas.registry import FileRegistry
from schemas.touchpoint import AMOUNT_MINOR, CUSTOMER_ID, EVENT_ID, KIND, SATISFACTION, SLOTS, TOUCHPOINT_SLOTS

ROOT: Final = Path(__file__).resolve().parents[2]
TOUCHPOINT: Final = FileRegistry().schema(1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  # fastavro returns this very object
POISON: Final = b"\xff" * 64
OPTIONAL_TEXT: Final = st.none() | TEXT
OPTIONAL_LONG: Final = st.none() | st.integers(-(1 << 63), (1 << 63) - 1)
INSTANT: Final = st.integers(0, 4_102_444_800_000)

touchpoints: Final = st.fixed_dictionaries(
    {
        "event_id": TEXT,
        "customer_id": OPTIONAL_TEXT,
        "anonymous_id": OPTIONAL_TEXT,
        "occurred_at": INSTANT,
        "received_at": INSTANT,
        "kind": TEXT,
        "channel": OPTIONAL_TEXT,
        "amount_minor": OPTIONAL_LONG,
        "currency": OPTIONAL_TEXT,
        "cost_minor": OPTIONAL_LONG,
        "margin_minor": OPTIONAL_LONG,
        "campaign": OPTIONAL_TEXT,
        "order_id": OPTIONAL_TEXT,
        "lines": st.lists(
            st.fixed_dictionaries(
                {"sku": TEXT, "category": OPTIONAL_TEXT, "quantity": INT, "amount_minor": OPTIONAL_LONG}
            ),
            max_size=3,
        ),
        "agent_id": OPTIONAL_TEXT,
        "satisfaction": st.none() | DOUBLE,
        "properties": st.dictionaries(TEXT, TEXT, max_size=3),
    }
)


def run(
    body: bytes, ops: npt.NDArray[np.int32], slots: int, before: bytes = POISON, after: bytes = POISON
) -> tuple[int, npt.NDArray[np.int64], bytes]:
    """Decode ``body`` in the midst of other bytes; returns the code, the slots and the whole buffer."""
    data = before + body + after
    out = np.full((slots, 2), 77, np.int64)
    code = decode(read_only(data), len(before), len(before) + len(body), ops, 0, out)
    return code, out, data


def landed(value: Any, schema: Any, cells: npt.NDArray[np.int64], data: bytes) -> bool:
    """Whether the two cells of a slot say what fastavro read."""
    first, second = int(cells[0]), int(cells[1])
    if value is None:
        return (first, second) == (0, ABSENT)
    if isinstance(value, datetime):
        return (first, second) == ((value - EPOCH) // timedelta(milliseconds=1), 0)
    if isinstance(value, float):
        return second == 0 and struct.pack("<q", first) == struct.pack("<d", value)
    if isinstance(value, int):
        return (first, second) == (int(value), 0)
    if isinstance(value, str) and isinstance(schema, dict) and schema["type"] == "enum":
        return (first, second) == (schema["symbols"].index(value), 0)
    if isinstance(value, str | bytes):
        return data[first : first + second] == (value.encode() if isinstance(value, str) else value)
    alone = {"type": "record", "name": "Alone", "fields": [{"name": "it", "type": schema}]}
    return bool(read_by_fastavro(alone, data[first : first + second]) == {"it": value})


@given(touchpoints)
def test_touchpoints_are_read_as_fastavro_reads_them(touchpoint: dict[str, Any]) -> None:
    body = written_by_fastavro(TOUCHPOINT, touchpoint)
    code, out, data = run(body, compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS), SLOTS)
    assert code == OK
    read = read_by_fastavro(TOUCHPOINT, body)
    for field in TOUCHPOINT["fields"]:
        assert landed(read[field["name"]], field["type"], out[TOUCHPOINT_SLOTS[field["name"]]], data), field["name"]


def spelled_out(schema: Any, named: Mapping[str, Any], seen: set[str]) -> Any:
    """The schema with every reference replaced by its definition the first time, so that a part stands on its own."""
    if isinstance(schema, str):
        if schema not in named or schema in seen:
            return schema
        return spelled_out(named[schema], named, seen)
    if isinstance(schema, list):
        return [spelled_out(branch, named, seen) for branch in schema]
    if "name" in schema:
        seen.add(schema["name"])
    out = dict(schema)
    for key in ("items", "values"):
        if key in out:
            out[key] = spelled_out(out[key], named, seen)
    if "fields" in out:
        out["fields"] = [{**each, "type": spelled_out(each["type"], named, seen)} for each in out["fields"]]
    return out


def wanted_slots(schema: Any, chosen: set[str]) -> dict[str, int]:
    """Slots of the chosen fields that may stand in one: a union of mixed kinds is refused by its name."""
    slots: dict[str, int] = {}
    for name in sorted(chosen):
        try:
            compile_plan(schema, {name: 0})
        except PlanError as refusal:
            assert re.search(f"{name}.*mixes", str(refusal))  # noqa: PT017  # a refusal is one of two good ends
        else:
            slots[name] = len(slots)
    return slots


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(written(), st.sets(st.sampled_from([f"field{i}" for i in range(5)])))
def test_any_schema_is_read_as_fastavro_reads_it(case: tuple[Any, Any], chosen: set[str]) -> None:
    schema, encoded = case
    read = read_by_fastavro(schema, encoded.body)
    slots = wanted_slots(schema, chosen & {field["name"] for field in schema["fields"]})
    code, out, data = run(encoded.body, compile_plan(schema, slots), max(len(slots), 1))
    assert code == OK
    named = definitions(schema, {})
    for field in schema["fields"]:
        if field["name"] in slots:
            kind = spelled_out(field["type"], named, set())
            if isinstance(kind, list):
                kind = next((each for each in kind if each != "null"), "null")
            assert landed(read[field["name"]], kind, out[slots[field["name"]]], data), field


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow])
@given(written())
def test_what_fastavro_writes_is_accepted(case: tuple[Any, Any]) -> None:
    schema, encoded = case
    body = written_by_fastavro(schema, encoded.value)
    assert run(body, compile_plan(schema, {}), 1)[0] == OK


@given(touchpoints, st.sets(st.sampled_from(sorted(TOUCHPOINT_SLOTS))))
def test_fields_that_an_older_writer_lacks_stay_null(touchpoint: dict[str, Any], lacking: set[str]) -> None:
    older = {**TOUCHPOINT, "fields": [f for f in TOUCHPOINT["fields"] if f["name"] not in lacking]}
    body = written_by_fastavro(older, touchpoint)
    code, out, data = run(body, compile_plan(older, TOUCHPOINT_SLOTS, TOUCHPOINT), SLOTS)
    assert code == OK
    read = read_by_fastavro(older, body)
    for field in TOUCHPOINT["fields"]:
        name = field["name"]
        value = None if name in lacking else read[name]
        assert landed(value, field["type"], out[TOUCHPOINT_SLOTS[name]], data), name


def assert_inside(out: npt.NDArray[np.int64], schema: Any, slots: Mapping[str, int], start: int, stop: int) -> None:
    for field in schema["fields"]:
        if field["name"] in slots and field["type"] in ("string", ["null", "string"]):
            first, length = out[slots[field["name"]]]
            if length > 0:
                assert start <= first
                assert first + length <= stop


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A touchpoint's bytes cut, flipped, stretched, or with a giant number in their midst."""
    body = bytearray(written_by_fastavro(TOUCHPOINT, draw(touchpoints)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        match draw(st.sampled_from(["cut", "flip", "insert", "giant"])):
            case "cut":
                del body[at:]
            case "flip" if body:
                body[at] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                body[at:at] = draw(st.binary(min_size=1, max_size=12))
            case "giant":
                giant = draw(st.sampled_from([1 << 62, -(1 << 63), (1 << 63) - 1, (1 << 32) - 1, -1]))
                body[at : at + 1] = long_bytes(giant)
    return bytes(body)


@settings(max_examples=examples(500))
@given(damaged())
def test_damage_is_found_or_harmless_and_nothing_outside_is_read(body: bytes) -> None:
    ops = compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS)
    code, out, _ = run(body, ops, SLOTS)
    assert code == OK or code in REASONS
    assert_inside(out, TOUCHPOINT, TOUCHPOINT_SLOTS, len(POISON), len(POISON) + len(body))
    for surroundings in (b"\0" * 64, b"A" * 64):
        other_code, other, _ = run(body, ops, SLOTS, surroundings, surroundings)
        assert other_code == code
        assert (other == out).all()


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(writer_schemas(), st.binary(max_size=60))
def test_arbitrary_bytes_for_any_schema_end_in_a_code(schema: Any, body: bytes) -> None:
    ops = compile_plan(schema, {})
    code, _, _ = run(body, ops, 1)
    assert code == OK or code in REASONS
    assert run(body, ops, 1, b"\0" * 64, b"\0" * 64)[0] == code
    if code == OK:
        read_by_fastavro(schema, body)


@given(touchpoints, st.data())
def test_every_cut_is_found(touchpoint: dict[str, Any], data: st.DataObject) -> None:
    body = written_by_fastavro(TOUCHPOINT, touchpoint)
    cut = data.draw(st.integers(0, len(body) - 1))
    code, _, _ = run(body[:cut], compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS), SLOTS, after=body[cut:] + POISON)
    assert code in {TRUNCATED, BAD_LENGTH, BAD_BLOCK}


def one(kind: Any) -> Any:
    return {"type": "record", "name": "One", "fields": [{"name": "it", "type": kind}]}


ENUM: Final = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
FIXED: Final = {"type": "fixed", "name": "Four", "size": 4}
LONGS: Final = {"type": "array", "items": "long"}


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("long", b"", TRUNCATED),
        ("long", b"\x80", TRUNCATED),
        ("long", b"\x80" * 9 + b"\x02", BAD_VARINT),
        ("long", b"\xff" * 10 + b"\x01", BAD_VARINT),
        ("long", b"\x02\x00", TRAILING_BYTES),
        ("int", long_bytes(1 << 31), BAD_INT),
        ("int", long_bytes(-(1 << 31) - 1), BAD_INT),
        ("boolean", b"\x02", BAD_BOOLEAN),
        ("boolean", b"", TRUNCATED),
        ("float", b"\0\0\0", TRUNCATED),
        ("double", b"\0" * 7, TRUNCATED),
        (FIXED, b"\0\0\0", TRUNCATED),
        (ENUM, long_bytes(2), BAD_ENUM),
        (ENUM, long_bytes(-1), BAD_ENUM),
        ("string", long_bytes(-1), BAD_LENGTH),
        ("string", long_bytes(3) + b"ab", BAD_LENGTH),
        ("bytes", long_bytes((1 << 63) - 1), BAD_LENGTH),
        ("string", long_bytes(-(1 << 63)), BAD_LENGTH),
        ("string", long_bytes(2) + b"\xc3\x28", BAD_UTF8),
        ({"type": "map", "values": "null"}, b"\x02\x02\xff\x00", BAD_UTF8),
        (["null", "long"], long_bytes(2), BAD_UNION),
        (["null", "long"], long_bytes(-1), BAD_UNION),
        (["null", "int", "long"], long_bytes(3), BAD_UNION),
        (["null", "int", "long"], long_bytes(-1), BAD_UNION),
        (LONGS, long_bytes(3) + b"\0\0", BAD_BLOCK),
        (LONGS, long_bytes((1 << 63) - 1), BAD_BLOCK),
        (LONGS, long_bytes(-(1 << 63)) + b"\0", BAD_BLOCK),
        (LONGS, long_bytes(-1) + long_bytes(2) + b"\0\0", BAD_BLOCK),
        (LONGS, long_bytes(-1) + long_bytes(-1) + b"\0\0", BAD_BLOCK),
        (LONGS, long_bytes(-1) + long_bytes((1 << 63) - 1) + b"\0\0", BAD_BLOCK),
        (LONGS, long_bytes(1) + b"\0", TRUNCATED),
    ],
)
def test_each_kind_of_damage_has_its_reason(kind: Any, body: bytes, code: int) -> None:
    assert run(body, compile_plan(one(kind), {"it": 0}), 1)[0] == code
    assert run(body, compile_plan(one(kind), {}), 1)[0] == code


@pytest.mark.parametrize(
    ("kind", "body", "cells"),
    [
        ("long", b"\x82\x00", (1, 0)),  # padded, as the specification allows
        ("long", long_bytes(-(1 << 63)), (-(1 << 63), 0)),
        ("long", long_bytes((1 << 63) - 1), ((1 << 63) - 1, 0)),
        ("int", long_bytes(-(1 << 31)), (-(1 << 31), 0)),
        ("boolean", b"\x01", (1, 0)),
        (ENUM, b"\x02", (1, 0)),
        (["long", "null"], b"\x02", (0, ABSENT)),
        (["long", "null"], b"\x00\x06", (3, 0)),
        (["null"], b"\x00", (0, ABSENT)),
        (["null", "int", "long"], b"\x04\x06", (3, 0)),
        ("float", struct.pack("<f", -0.15625), (int(np.float64(-0.15625).view(np.int64)), 0)),
        ("string", b"\x00", (65, 0)),
        (FIXED, b"abcd", (64, 4)),
        (LONGS, b"\x02\x0e\x00", (64, 3)),
        (one("string"), b"\x04hi", (64, 3)),
        (["null", one("string")], b"\x02\x04hi", (65, 3)),
    ],
)
def test_where_values_land(kind: Any, body: bytes, cells: tuple[int, int]) -> None:
    code, out, _ = run(body, compile_plan({**one(kind), "name": "Outer"}, {"it": 0}), 1)
    assert code == OK
    assert tuple(out[0]) == cells


@given(st.binary(max_size=12) | TEXT.map(str.encode))
def test_strings_are_utf8_as_python_sees_it(data: bytes) -> None:
    try:
        data.decode()
        expected = OK
    except UnicodeDecodeError:
        expected = BAD_UTF8
    assert run(long_bytes(len(data)) + data, compile_plan(one("string"), {"it": 0}), 1)[0] == expected


@pytest.mark.parametrize("lead", range(0x80, 0x100))
def test_every_lead_byte_is_judged_as_python_judges_it(lead: int) -> None:
    ops = compile_plan(one("string"), {"it": 0})
    for second in (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0):
        for tail in (b"", b"\x80", b"\x80\x80", b"\xbf\xbf\xbf", b"\x80a"):
            data = bytes([lead, second]) + tail
            valid = data.decode(errors="replace").encode() == data
            assert (run(long_bytes(len(data)) + data, ops, 1)[0] == OK) == valid, data


def test_a_program_may_stand_anywhere_in_the_array() -> None:
    plans = build_plans(FileRegistry(), [1, 2])
    assert plans.types.tolist() == [1, 2]
    out = np.zeros((SLOTS, 2), np.int64)
    body = read_only(long_bytes(12345))
    assert decode(body, 0, body.size, plans.ops, int(plans.starts[1]), out) == OK
    assert out[0].tolist() == [12345, 0]
    assert (out[1:, 1] == ABSENT).all()


def test_every_reason_has_a_name_and_a_sentence() -> None:
    assert REASONS.keys() == DETAILS.keys()
    assert len(set(REASONS.values())) == len(REASONS)
    assert OK not in REASONS


WITHOUT_COMPILER: Final = """
import json, sys
import numpy as np
from schemas.decode import decode
from schemas.plan import compile_plan
from schemas.registry import FileRegistry
from schemas.touchpoint import SLOTS, TOUCHPOINT_SLOTS
ops = compile_plan(FileRegistry().schema(1), TOUCHPOINT_SLOTS)
results = []
for start, stop, data in json.load(sys.stdin):
    out = np.zeros((SLOTS, 2), np.int64)
    buffer = np.frombuffer(bytes.fromhex(data), np.uint8)
    results.append([int(decode(buffer, start, stop, ops, 0, out)), out.tolist()])
json.dump(results, sys.stdout)
"""


def example(**changes: Any) -> dict[str, Any]:
    line = {"sku": "a-1", "category": None, "quantity": 2, "amount_minor": 1999}
    values: dict[str, Any] = {field["name"]: None for field in TOUCHPOINT["fields"]}
    values |= {"event_id": "e1", "customer_id": "Jürgen", "occurred_at": 1_700_000_000_000, "received_at": 1}
    values |= {"kind": "order_completed", "lines": [line, line], "properties": {"ä": "ö"}, "amount_minor": -5}
    return values | changes


def test_the_plain_python_function_agrees_on_whole_and_on_damaged_records() -> None:
    """Without the compiler an index outside of the buffer is an error: cuts at its very end would raise it."""
    whole = written_by_fastavro(TOUCHPOINT, example(satisfaction=0.25))
    bodies = [whole, *(whole[:cut] for cut in range(len(whole)))]
    for at in range(len(whole)):
        bodies += [whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :] for flip in (0x01, 0x80, 0xFF)]
        bodies.append(whole[:at] + long_bytes((1 << 63) - 1) + whole[at + 1 :])
    cases = [(0, len(body), body.hex()) for body in bodies if body]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_COMPILER],
        input=json.dumps(cases),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ops = compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS)
    for (_, _, data), (code, cells) in zip(cases, json.loads(done.stdout), strict=True):
        compiled_code, out, _ = run(bytes.fromhex(data), ops, SLOTS, before=b"")
        assert compiled_code == code, data
        assert out.tolist() == cells, data


def test_the_slots_of_a_touchpoint() -> None:
    code, out, data = run(written_by_fastavro(TOUCHPOINT, example()), compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS), SLOTS)
    assert code == OK
    texts = {slot: data[out[slot, 0] : out[slot].sum()].decode() for slot in (EVENT_ID, CUSTOMER_ID, KIND)}
    assert texts == {EVENT_ID: "e1", CUSTOMER_ID: "Jürgen", KIND: "order_completed"}
    assert out[AMOUNT_MINOR].tolist() == [-5, 0]
    assert out[SATISFACTION].tolist() == [0, ABSENT]
