"""Messages on their way into the log: chosen, joined, cut, keyed, and with ticks between them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords

from processors.row.layout import NONE
from schemas.bodies import Bodies, bodies_of
from schemas.registry import FileRegistry
from streams.imports.canonical import CANONICAL
from streams.imports.problems import ImportReject
from streams.imports.refused import FROM_A_FILE, reject_tables
from streams.log.arranging import interleave, joined, only, pieces, sizes_of
from streams.log.headers import complete_headers, offsets_of
from streams.log.partitioning import partitions_of, split
from streams.log.ticks import TICK_GRID_MS, grid_ticks
from streams.log.touchpoints import touchpoints_with_ticks
from streams.log.writer import MessageTooLarge, checked
from streams.log.writing import BATCH_RECORDS, record_batch, record_batches

texts = st.lists(st.binary(max_size=12), max_size=30)
DAY = TICK_GRID_MS


def listed(messages: Bodies | None) -> list[bytes]:
    return [] if messages is None else [messages.message(i) for i in range(len(messages.offsets) - 1)]


def view_of(messages: Sequence[bytes]) -> Bodies:
    """The same messages in the middle of a longer buffer."""
    whole = bodies_of([b"before", *messages, b"after"])
    return Bodies(whole.buffer, whole.offsets[1:-1])


def records(batches: bytes) -> list[tuple[int, bytes | None, bytes]]:
    read, found = MemoryRecords(batches), list[tuple[int, bytes | None, bytes]]()
    while True:
        batch: Any = read.next_batch()
        if batch is None:
            return found
        found += [(each.offset, each.key, each.value) for each in batch]


@given(texts, st.data())
def test_messages_are_chosen_by_number_out_of_any_buffer(messages: list[bytes], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(messages) - 1), max_size=20)) if messages else []
    assert listed(only(view_of(messages), np.array(rows, np.int64))) == [messages[row] for row in rows]


@given(texts, st.data())
def test_messages_are_interleaved_before_those_named(messages: list[bytes], data: st.DataObject) -> None:
    before = sorted(data.draw(st.lists(st.integers(0, len(messages)), max_size=6)))
    ticks = [b"tick %d" % i for i in range(len(before))]
    wanted: list[bytes] = []
    for i in range(len(messages) + 1):
        wanted += [ticks[k] for k, place in enumerate(before) if place == i]
        wanted += messages[i : i + 1]
    assert listed(interleave(view_of(messages), bodies_of(ticks), np.array(before, np.int64))) == wanted


@given(st.lists(st.tuples(st.booleans(), texts), min_size=1, max_size=4))
def test_what_is_joined_has_keys_where_any_part_has(drawn: list[tuple[bool, list[bytes]]]) -> None:
    parts = [(view_of([b"k" + m for m in messages]) if keyed else None, view_of(messages)) for keyed, messages in drawn]
    keys, bodies = joined(parts)
    assert listed(bodies) == [message for _, messages in drawn for message in messages]
    if any(keyed for keyed, _ in drawn):
        assert listed(keys) == [b"k" + m if keyed else b"" for keyed, messages in drawn for m in messages]
    else:
        assert keys is None


@given(texts, st.integers(1, 120), st.integers(1, 7))
def test_pieces_are_within_both_limits_and_as_few_as_they_can_be(messages: list[bytes], most: int, many: int) -> None:
    keys, bodies = view_of([b"key"] * len(messages)), view_of(messages)
    found = list(pieces(keys, bodies, most, many))
    assert [m for _, part in found for m in listed(part)] == messages
    framed = [[27 + len(m) for m in listed(part)] for _, part in found]
    for number, sizes in enumerate(framed):
        assert len(sizes) == 1 or (sum(sizes) <= most and len(sizes) <= many)
        if number + 1 < len(framed):
            assert len(sizes) == many or sum(sizes) + framed[number + 1][0] > most
    assert [len(listed(some)) for some, _ in found] == [len(sizes) for sizes in framed]


@given(st.lists(st.binary(max_size=6), max_size=40), st.integers(1, 9))
def test_each_partition_gets_its_keys_and_all_that_have_none(keys: list[bytes], count: int) -> None:
    values = [b"%d" % number for number in range(len(keys))]
    shares = split(view_of(keys), view_of(values), count)
    homes = partitions_of(bodies_of(keys), count)
    assert len(shares) == count
    for number, (some_keys, some) in enumerate(shares):
        mine = [i for i, key in enumerate(keys) if not key or homes[i] == number]
        assert (listed(some_keys), listed(some)) == ([keys[i] for i in mine], [values[i] for i in mine])


def test_messages_without_any_key_go_everywhere() -> None:
    for keys, bodies in split(None, bodies_of([b"policy", b"tick"]), 3):
        assert keys is None
        assert listed(bodies) == [b"policy", b"tick"]


def test_an_empty_key_is_written_as_none() -> None:
    batch = record_batch(bodies_of([b"a", b"", b"b"]), bodies_of([b"1", b"2", b"3"]), 7, 1_000)
    assert records(batch) == [(7, b"a", b"1"), (8, None, b"2"), (9, b"b", b"3")]
    assert offsets_of(batch) == (7, 9)


def test_batches_follow_one_another_and_say_which_offsets_they_hold() -> None:
    values = [b"%d" % number for number in range(2 * BATCH_RECORDS + 5)]
    found = list(record_batches(None, bodies_of(values), 100, 0))
    assert [(first, last) for _, first, last in found] == [offsets_of(batch) for batch, _, _ in found]
    assert [last - first + 1 for _, first, last in found] == [BATCH_RECORDS, BATCH_RECORDS, 5]
    whole = b"".join(batch for batch, _, _ in found)
    assert records(whole) == [(100 + i, None, value) for i, value in enumerate(values)]
    headers = list(complete_headers(whole + whole[:80]))
    assert [(each.base_offset, each.end) for each in headers] == [(first, last + 1) for _, first, last in found]


def test_what_the_log_does_not_take_is_named_by_its_number() -> None:
    keys, bodies = bodies_of([b"a", b"b", b"c"]), bodies_of([b"1", b"22222", b"333333333"])
    assert checked(keys, bodies, 10).tolist() == sizes_of(keys, bodies).tolist() == [2, 6, 10]
    with pytest.raises(MessageTooLarge, match="message 1 has 6 bytes with its key; the log takes 5 at most") as told:
        checked(keys, bodies, 5)
    assert told.value.index == 1
    with pytest.raises(ValueError, match="3 messages with 2 keys"):
        checked(bodies_of([b"a", b"b"]), bodies, 10)


@pytest.mark.parametrize(
    ("days", "time", "ticks", "before"),
    [
        ([3.5], NONE, [3], [0]),
        ([3.5, 3.6, 5.1], NONE, [3, 4, 5], [0, 2, 2]),
        ([3.5, 5.1], 3 * DAY, [4, 5], [1, 1]),
        ([3.5], 3 * DAY, [], []),
        ([3.5, 2.0, 4.0, 1.0], 2 * DAY, [3, 4], [0, 2]),
        ([-0.5, 0.5], NONE, [-1, 0], [0, 1]),
        ([3.5], 9 * DAY, [], []),
        ([], NONE, [], []),
    ],
)
def test_ticks_stand_on_the_grid_that_touchpoints_pass(
    days: list[float], time: int, ticks: list[int], before: list[int]
) -> None:
    instants, places = grid_ticks(np.array([round(day * DAY) for day in days], np.int64), time)
    assert (instants.tolist(), places.tolist()) == ([tick * DAY for tick in ticks], before)


@given(st.lists(st.integers(0, 12 * DAY), min_size=1, max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_how_touchpoints_are_cut_changes_no_tick(instants: list[int], cuts: list[int]) -> None:
    bounds = sorted({0, len(instants), *(cut for cut in cuts if cut < len(instants))})
    found, time = list[tuple[int, int]](), NONE
    for first, last in pairwise(bounds):
        ticks, before = grid_ticks(np.array(instants[first:last], np.int64), time)
        found += zip(ticks.tolist(), (before + first).tolist(), strict=True)
        time = int(ticks[-1]) if len(ticks) else time
    whole = grid_ticks(np.array(instants, np.int64), NONE)
    assert found == list(zip(*(each.tolist() for each in whole), strict=True))


def columns(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    empty = dict.fromkeys(CANONICAL.names)
    given = {"kind": "product_viewed", "lines": b"\0", "properties": b"\0", "received_at": 0, "row": 1}
    (batch,) = pa.Table.from_pylist([{**empty, **given, **row} for row in rows], CANONICAL).to_batches()
    return batch


def test_the_key_is_the_id_that_a_touchpoint_names_the_known_one_first() -> None:
    batch = columns(
        [
            {"event_id": "1", "customer_id": "k", "anonymous_id": "a", "occurred_at": DAY},
            {"event_id": "2", "anonymous_id": "a", "occurred_at": 3 * DAY},
        ]
    )
    keys, bodies, time = touchpoints_with_ticks(batch, FileRegistry(), NONE)
    assert listed(keys) == [b"", b"k", b"", b"", b"a"]
    assert len(listed(bodies)) == 5
    assert time == 3 * DAY


def test_rejects_of_a_file_come_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.imports.refused._AT_ONCE", 4)
    monkeypatch.setattr("streams.imports.refused._BYTES_AT_ONCE", 100)
    taken = list[int]()

    def rejects() -> Any:
        for number in range(10):
            taken.append(number)
            yield ImportReject(number + 1, "bad_time", f"row {number}", b"x" * (120 if number == 5 else 1))

    tables = reject_tables(rejects(), "shop.csv", 17)
    first = next(tables)
    assert taken == [0, 1, 2, 3]
    whole = pa.concat_tables([first, *tables])
    assert whole.column("position").to_pylist() == list(range(1, 11))
    assert set(whole.column("partition").to_pylist()) == {FROM_A_FILE}
    assert whole.column("detail").to_pylist() == [f"row {number}" for number in range(10)]
