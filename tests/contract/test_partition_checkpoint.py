"""What a partition's checkpoints hold, and that a partition restored from them is the one that wrote them."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
import pytest
from support.changelogs import Changelog, crowded, restored, store
from support.messages import DAY, START, Message, batch, cut, policy, policy_text, schemas, tick, touchpoint
from support.random_logs import random_log
from support.shell import (
    PROFILE,
    Log,
    applied,
    apply_all,
    customer_of,
    everybody,
    facts_of,
    named,
    new_partition,
    records_of,
    rows_of,
)

from processors.policy.policy import read_policy
from processors.row.layout import NEVER
from streams.engine.checkpoint import HEADER_KEY, POLICY_KEY, UnreadableCheckpoint, decode_header, stored_in_columns
from streams.engine.partition import Partition
from streams.engine.results import ForeignLog
from streams.engine.rows import USED_HEAP
from streams.engine.window_records import SEGMENT_KEY
from streams.log.batches import read_batches

MANY: Final = 300 if numba.config.DISABLE_JIT else 5000  # type: ignore[attr-defined]
DATA: Final = Path(__file__).parents[1] / "data"

pytestmark = pytest.mark.usefixtures("hot_rows")


def test_a_restored_partition_stands_where_the_first_one_stood() -> None:
    partition = new_partition()
    log = Log(cut(random_log(5, 200, 12), [100]))
    applied(partition, log.fetch(0, 1))
    apply = [policy(policy_text(name="new", threshold=0.4)), tick(START + 300 * DAY)]
    apply_all(partition, *apply)
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    other = restored(changelog)
    assert (other.next_offset, other.time, other.policy.name) == (102, START + 300 * DAY, "new")
    assert rows_of(other) == rows_of(partition)
    assert np.array_equal(np.sort(other.table.heap_at[: other.table.used[USED_HEAP]]), due_instants(other))
    rest = batch([*random_log(6, 80, 12)], 102)
    facts = [facts_of(p, applied(p, read_batches(rest, 102))) for p in (partition, other)]
    assert facts[0] == facts[1] != []
    assert rows_of(other) == rows_of(partition)


def due_instants(partition: Partition) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    due = np.asarray(everybody(partition).due_at)
    return np.sort(due[due < NEVER])


def test_an_empty_partition_has_a_checkpoint_too() -> None:
    partition = new_partition()
    apply_all(partition, tick(START))
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    other = restored(changelog)
    assert (other.next_offset, other.time, other.customers) == (1, START, 0)


def test_from_nothing_nothing_is_restored() -> None:
    other = restored({})
    assert (other.next_offset, other.customers) == (0, 0)
    other.check_log(0)


def test_where_only_ticks_came_a_checkpoint_is_a_bare_header() -> None:
    partition = crowded(MANY, log="8f14e45f-ceea-467f-a9d3-0b3e1c6f2a77")
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    apply_all(partition, tick(START + 1000))
    header = partition.checkpoint()
    assert (header.rows, header.records) == (0, [])
    assert header.bytes <= 300
    store(changelog, header)
    other = restored(changelog)
    assert (other.next_offset, other.time) == (MANY + 1, START + 1000)
    assert rows_of(other) == rows_of(partition)


def test_a_checkpoint_holds_the_rows_that_changed_since_the_last_one_and_no_others() -> None:
    partition = crowded(30)
    assert partition.checkpoint().rows == 30
    assert partition.checkpoint().rows == 0
    touched = [touchpoint("2", who, START + DAY) for who in ("c7", "c3")]
    apply_all(partition, *touched, touchpoint("3", "c7", 0))
    checkpoint = partition.checkpoint()
    segment = SEGMENT_KEY + bytes(4)
    assert sorted(key for key, _ in records_of(checkpoint)) == [b"\x00c3", b"\x00c7", segment, HEADER_KEY]
    apply_all(partition, tick(START + 2 * DAY))
    # Everybody's day has ended.
    assert partition.checkpoint().rows == 30


def test_the_text_of_a_policy_is_written_when_it_changes() -> None:
    partition = crowded(3)
    changelog: Changelog = {}
    checkpoint = partition.checkpoint()
    assert POLICY_KEY in dict(records_of(checkpoint))
    store(changelog, checkpoint)
    for threshold in (0.3, 0.4):
        apply_all(partition, policy(policy_text(threshold=threshold)))
        store(changelog, checkpoint := partition.checkpoint())
        assert POLICY_KEY in dict(records_of(checkpoint))
        apply_all(partition, touchpoint("9", "c1", START + DAY))
        store(changelog, checkpoint := partition.checkpoint())
        assert POLICY_KEY not in dict(records_of(checkpoint))
        other = restored(changelog)
        assert other.policy.hash == partition.policy.hash == decode_header(changelog[HEADER_KEY]).policy
        # It knows what is stored.
        assert POLICY_KEY not in dict(records_of(other.checkpoint()))


def test_what_a_store_did_not_take_is_in_the_next_checkpoint() -> None:
    partition = crowded(9)
    lost = partition.checkpoint()
    apply_all(partition, touchpoint("2", "c3", START + DAY))
    partition.take_back(lost)
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    other = restored(changelog)
    assert rows_of(other) == rows_of(partition)
    assert other.policy.hash == partition.policy.hash


def test_what_was_reported_is_reported_once_and_is_written_to_the_next_checkpoint() -> None:
    partition = crowded(9)
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    assert partition.take_unreported(0).tolist() == []
    assert partition.take_unreported(4).tolist() == [0, 1, 2, 3]
    store(changelog, checkpoint := partition.checkpoint())
    assert checkpoint.rows == 4
    other = restored(changelog)
    names = [customer_of(other, number) for number in other.take_unreported(100).tolist()]
    assert names == [b"c4", b"c5", b"c6", b"c7", b"c8"]
    assert partition.take_unreported(100).tolist() == [4, 5, 6, 7, 8]
    assert not partition.has_unreported()
    partition.give_back(np.array([2, 8]))
    apply_all(partition, touchpoint("2", "c3", START + DAY))
    assert partition.take_unreported(100).tolist() == [2, 8, 3]


def test_a_copy_goes_its_own_way() -> None:
    partition = crowded(30)
    before = rows_of(partition)
    other = partition.copy()
    apply_all(other, tick(START + 999 * DAY), touchpoint("1", "new", START + 999 * DAY))
    assert other.customers == 31
    assert (partition.customers, partition.next_offset) == (30, 30)
    assert rows_of(partition) == before
    last = applied(partition, read_batches(batch([Message(tick(START + 999 * DAY))], 30), 30))
    assert len(facts_of(partition, last)) == 30


def former(layout: int = 3) -> dict[str, Any]:
    """What the code of a layout wrote over two tenures, and how the customers stood."""
    found: dict[str, Any] = json.loads(gzip.decompress((DATA / f"checkpoints_of_layout_{layout}.json.gz").read_bytes()))
    return found


def test_checkpoints_of_before_rows_had_keys_are_read_written_anew_and_deleted() -> None:
    told = former()
    records = {base64.b64decode(key): base64.b64decode(value) for key, value in told["records"]}
    partition = restored(records, log="the-log")
    assert (partition.next_offset, partition.time) == (told["offset"], told["time"])
    assert partition.policy.text == told["policy"]
    check_people(partition, told)
    changelog = dict(records)
    store(changelog, checkpoint := partition.checkpoint())
    assert checkpoint.rows == len(told["customers"])
    assert changelog.keys().isdisjoint(records)
    heir = restored(changelog, log="the-log")
    assert rows_of(heir) == rows_of(partition)
    # A store that shows what later records replaced shows the chunks first.
    both = new_partition(log="the-log")
    both.restore(stored_in_columns([*records.items(), *records_of(checkpoint)]))
    assert rows_of(both) == rows_of(partition)
    assert both.checkpoint().rows == 0
    log = Log(cut(random_log(21, 400, 30), range(20, 400, 20)))
    for each in (partition, heir, both):
        while each.next_offset < log.end:
            applied(each, log.fetch(each.next_offset, 1))
    assert rows_of(heir) == rows_of(partition) == rows_of(both)


def check_people(partition: Partition, told: dict[str, Any]) -> None:
    rows, people = everybody(partition), told["customers"]
    told_of = named if any(name.startswith("anonymous:") for name in people) else customer_of
    names = [told_of(partition, number).decode() for number in partition.numbers().tolist()]
    assert set(names) == set(people)
    unreported = {told_of(partition, number).decode() for number in partition.copy().take_unreported(10**6)}
    assert unreported == {name for name, row in people.items() if row["unreported"]}
    touched = {told_of(partition, number).decode() for number in partition.table.touched[: partition.table.used[3]]}
    assert touched == {name for name, row in people.items() if row["touched"]}
    for row, name in zip(rows, names, strict=True):
        for field in set(people[name]) - {"unreported", "touched", "ring", "ring_at"}:
            assert row[field].tolist() == people[name][field], (name, field)


def test_rows_that_remembered_their_own_events_fill_the_window_and_are_gone_on_with() -> None:
    told = former(5)
    records = {base64.b64decode(key): base64.b64decode(value) for key, value in told["records"]}
    partition = restored(records, log="the-log")
    assert (partition.next_offset, partition.time) == (told["offset"], told["time"])
    check_people(partition, told)
    log = random_log(21, 400, 30)
    # What stood in their rings is known: of each customer the last sixteen.
    beyond = sum(max(row["touchpoints"] - 16, 0) for row in told["customers"].values())
    ours = new_partition(log="the-log")
    applied(ours, Log(cut(log[: told["offset"]], [])).fetch(0))
    again = [message for message in log[: told["offset"]] if is_touchpoint(message)]
    counts = [apply_all(each, *again).counts for each in (partition.copy(), ours)]
    assert counts[0]["accepted"] == counts[1]["accepted"] + beyond
    assert counts[0]["duplicate"] == counts[1]["duplicate"] - beyond > 100
    changelog = dict(records)
    store(changelog, checkpoint := partition.checkpoint())
    # Rows stay as they were written until they change.
    assert checkpoint.rows == 0
    heir, whole = restored(changelog, log="the-log"), new_partition(log="the-log")
    rest = Log(cut(log, range(20, 400, 20)))
    for each in (partition, heir, whole):
        while each.next_offset < rest.end:
            applied(each, rest.fetch(each.next_offset, 1))
    assert rows_of(heir) == rows_of(partition)
    # A retry is no longer anything that its customer's row is told of.
    assert rows_of(heir, PROFILE) == rows_of(whole, PROFILE)


def is_touchpoint(message: Message) -> bool:
    return message.value is not None and message.value[:5] == touchpoint("1", "ann", START)[:5]


def test_former_checkpoints_of_another_log_are_refused() -> None:
    records = {base64.b64decode(key): base64.b64decode(value) for key, value in former()["records"]}
    with pytest.raises(ForeignLog, match="made from log the-log"):
        restored(records, log="another")


def test_what_was_stored_for_another_partition_is_refused() -> None:
    neighbour = Partition(4, read_policy(policy_text()), schemas())
    changelog: Changelog = {}
    apply_all(neighbour, touchpoint("1", "ann", START))
    store(changelog, neighbour.checkpoint())
    with pytest.raises(UnreadableCheckpoint, match="partition 3: what was stored is of partition 4"):
        restored(changelog)
