"""Limits at the gate: what is too long names its field; what is too much at once is one reject, and stops nothing."""

from typing import Any, Final

import numpy as np
import pytest
from support.compressed import compressed
from support.messages import START, Message, batch, touchpoint
from support.shell import Refusal, accepted_of, applied, apply_all, new_partition, refusals_of, rows_of

from processors.row.layout import NONE
from schemas.limits import LONGEST, reason_of
from streams.engine import cursor
from streams.engine.outcomes import REJECT_DETAILS, REJECT_NAMES
from streams.engine.rows import LONGEST_ID
from streams.log.batches import MOST_UNPACKED, read_batches
from streams.outputs.rejects import rejects_table

TEXTS: Final = sorted(set(LONGEST) - {"lines", "properties", "currency"})
ENCODED_PROPERTY: Final = 1 + 2 + 3 + 1  # count, name and its length, length of a value below 2^20, end
ENCODED_LINE: Final = 1 + 3 + 1 + 1 + 1 + 1  # count, length of the sku, no category, quantity, no amount, end


def with_field(name: str, size: int) -> bytes:
    """A touchpoint one of whose fields takes so many bytes."""
    if name == "properties":
        return touchpoint("x", "ann", START, properties={"a": "p" * (size - ENCODED_PROPERTY)})
    if name == "lines":
        return touchpoint("x", "ann", START, lines=[{"sku": "s" * (size - ENCODED_LINE), "quantity": 1}])
    fields: dict[str, Any] = {"event_id": "x", "customer_id": "ann", "kind": "k", name: "v" * size}
    event, customer, kind = fields.pop("event_id"), fields.pop("customer_id"), fields.pop("kind")
    return touchpoint(event, customer, START, kind, **fields)


@pytest.mark.parametrize("name", LONGEST)
def test_each_field_has_a_limit_to_the_byte_and_its_reject_names_it(name: str) -> None:
    longest, longer = with_field(name, LONGEST[name]), with_field(name, LONGEST[name] + 1)
    came = apply_all(new_partition(), longer, longest, with_field(name, 300_000))
    assert [(refusal.offset, refusal.reason) for refusal in refusals_of(came)] == [
        (0, f"long_{name}"),
        (2, f"long_{name}"),
    ]
    assert refusals_of(came)[0].payload == longer
    assert accepted_of(came) == [(int.from_bytes(longest[1:5]), longest[5:])]


def test_reasons_name_fields_and_rows_have_room_for_ids() -> None:
    codes = {reason: code for code, reason in REJECT_NAMES.items()}
    assert len(codes) == len(REJECT_NAMES)
    for name, most in LONGEST.items():
        detail = REJECT_DETAILS[codes[reason_of(name)]]
        assert detail.startswith(f"{name} is longer than {most} bytes")
    assert LONGEST["customer_id"] == LONGEST["anonymous_id"] == LONGEST_ID


def test_an_event_id_of_three_megabytes_is_a_reject_that_keeps_the_first_of_them() -> None:
    value = touchpoint("e" * 3_000_000, "ann", START)
    came = apply_all(new_partition(), value, touchpoint("1", "bob", START))
    (row,) = rejects_table(came, "topic").to_pylist()
    assert (row["reason"], row["payload"], row["payload_bytes"]) == ("long_event_id", value[: 1 << 20], len(value))
    assert row["records"] == 1
    assert came.counts["accepted"] == 1


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_that_expands_too_far_is_one_reject_and_the_log_goes_on_behind_it(codec: str) -> None:
    partition = new_partition()
    many = [Message(b"\0" * (1 << 20))] * (MOST_UNPACKED // (1 << 20) + 1)
    bomb = compressed(batch(many, 1), codec)
    after = 1 + len(many)
    log = (
        batch([Message(touchpoint("1", "ann", START))], 0)
        + bomb
        + batch([Message(touchpoint("2", "bob", START))], after)
    )
    came = [applied(partition, read_batches(log, 0))]
    while partition.next_offset <= after:
        came.append(applied(partition, read_batches(log, partition.next_offset)))
    assert [refusal for each in came for refusal in refusals_of(each)] == [Refusal(1, "batch_too_large", NONE, bomb)]
    assert set(rows_of(partition)) == {b"ann", b"bob"}
    (row,) = [row for each in came for row in rejects_table(each, "topic").to_pylist()]
    assert (row["position"], row["records"], row["payload_bytes"]) == (1, len(many), len(bomb))
    # Read again from within the batch, as after a crash, it is not told a second time.
    assert refusals_of(applied(partition, read_batches(log, 5))) == []


def test_a_batch_that_cannot_be_expanded_is_one_reject() -> None:
    partition = new_partition()
    good = batch([Message(touchpoint("1", "ann", START))], 3)
    bad = compressed(batch([Message(touchpoint("0", "bob", START))] * 3, 0), "zstd", lambda data: data[:-4])
    came = applied(partition, read_batches(bad + compressed(good, "zstd"), 0))
    assert refusals_of(came) == [Refusal(0, "bad_batch", NONE, bad)]
    assert (came.counts["accepted"], came.counts["rejected"], came.next_offset) == (1, 1, 4)


def test_a_replay_finds_the_same_rejected_batch_under_the_same_place() -> None:
    bad = compressed(batch([Message(b"")] * 3, 0), "gzip", lambda data: data + b"x")
    found = [refusals_of(applied(new_partition(), read_batches(bad, wanted))) for wanted in (0, 0)]
    assert found[0] == found[1] != []


def test_millions_of_bad_records_come_in_parts() -> None:
    partition = new_partition(accept_rejects=True)
    count = 2 * cursor.MOST_REJECTS + 10
    fetch = read_batches(compressed(batch([Message(None)] * count, 0), "zstd"), 0)
    parts = []
    while partition.next_offset < count:
        came = applied(partition, fetch)
        parts.append(len(came.rejects))
        assert np.all(np.diff(came.rejects["offset"]) == 1)
    assert parts == [cursor.MOST_REJECTS, cursor.MOST_REJECTS, 10]


def test_what_is_honest_is_never_refused_for_its_neighbours() -> None:
    """Batches that fit one by one and not together are applied one after another."""
    partition = new_partition()
    records = [touchpoint(str(i), f"c{i}", START, properties={"a": "b" * 30_000}) for i in range(1000)]
    log = b"".join(
        compressed(batch([Message(value) for value in records[first : first + 500]], first), "zstd")
        for first in (0, 500)
    ) + compressed(batch([Message(value) for value in records], 1000), "zstd")
    assert len(log) < 1 << 20
    fetches = 0
    while partition.next_offset < 2000:
        assert refusals_of(applied(partition, read_batches(log, partition.next_offset))) == []
        fetches += 1
    assert (fetches, partition.customers) == (2, 1000)
