"""A partition's checkpoints as they are stored, torn, doubled, and read again."""

import numba
import numpy as np
import pytest
from support.changelogs import CHUNK, Changelog, crowded, restored, store
from support.messages import DAY, START, Message, batch, cut, policy, policy_text, schemas, tick, touchpoint
from support.random_logs import random_log
from support.shell import Log, applied, apply_all, facts_of, new_partition, rows_of

from processors.row.layout import ROW
from streams.engine.checkpoint import ROLLING_SLOTS, ROLLING_SPAN, decode_chunk
from streams.engine.partition import Partition
from streams.engine.results import Checkpoint
from streams.log.batches import read_batches

QUIET = 2 * ROLLING_SPAN
MANY = 300 if numba.config.DISABLE_JIT else 5000  # type: ignore[attr-defined]


def test_a_restored_partition_stands_where_the_first_one_stood() -> None:
    partition = new_partition("first", chunk_bytes=CHUNK)
    log = Log(cut(random_log(5, 200, 12), [100]))
    applied(partition, log.fetch(0, 1))
    apply = [policy(policy_text(name="new", threshold=0.4)), tick(START + 300 * DAY)]
    apply_all(partition, *apply)
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    other = restored(changelog)
    assert (other.next_offset, other.time, other.policy.name) == (102, START + 300 * DAY, "new")
    assert rows_of(other) == rows_of(partition)
    assert np.array_equal(np.sort(other.table.heap_at[: other.table.used[2]]), due_instants(other))
    rest = batch([*random_log(6, 80, 12)], 102)
    facts = [facts_of(p, applied(p, read_batches(rest, 102))) for p in (partition, other)]
    assert facts[0] == facts[1] != []
    assert rows_of(other) == rows_of(partition)


def due_instants(partition: Partition) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    due = np.asarray(partition.table.rows.due_at[: partition.customers])
    return np.sort(due[due < 2**63 - 1])


def test_an_empty_partition_has_a_checkpoint_too() -> None:
    partition = new_partition("first")
    apply_all(partition, tick(START))
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    other = restored(changelog)
    assert (other.next_offset, other.time, other.customers) == (1, START, 0)


def test_from_nothing_nothing_is_restored() -> None:
    other = restored({})
    assert (other.next_offset, other.customers) == (0, 0)
    other.check_log(0)


def test_a_checkpoint_torn_anywhere_loses_no_row_however_quiet_it_is() -> None:
    partition = crowded(QUIET, owner="first", chunk_bytes=CHUNK)
    rows = rows_of(partition)
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    for number in range(2, 3 * ROLLING_SLOTS):
        torn = dict(changelog)
        checkpoint = partition.checkpoint()
        assert checkpoint.number == number
        for record in checkpoint.records:
            store(torn, record)
            other = restored(torn)
            assert rows_of(other) == rows
            assert other.next_offset == QUIET
        store(changelog, *checkpoint.records)


def chunks_of(checkpoint: Checkpoint) -> int:
    return sum(value is not None for _, value in checkpoint.records)


def test_the_changelog_holds_the_chunks_of_the_newest_checkpoints_and_no_others() -> None:
    partition = crowded(QUIET, owner="first", chunk_bytes=CHUNK)
    changelog: Changelog = {}
    written = []
    for number in range(1, 60):
        if number % 7 == 0:
            apply_all(partition, *(touchpoint(f"{number}", f"c{i}", START + DAY) for i in range(number % 20)))
        written.append(partition.checkpoint())
        store(changelog, *written[-1].records)
        assert len(changelog) == sum(map(chunks_of, written[-ROLLING_SLOTS:]))
    assert {chunks_of(checkpoint) for checkpoint in written} > {1, 2}


def test_a_chunk_holds_no_more_bytes_than_it_may() -> None:
    partition = crowded(MANY, owner="first")
    records = partition.checkpoint().records
    sizes = [len(value) for _, value in records if value is not None]
    assert len(sizes) == -(-MANY * (ROW.itemsize + 5) // 900_000)
    assert max(sizes) < 910_000
    rows = [len(decode_chunk(value).rows) for _, value in records if value is not None]
    assert sum(rows) == MANY


def test_foreign_records_are_deleted_when_a_span_and_one_of_our_own_hold_them_and_not_before() -> None:
    first = crowded(QUIET, owner="first", chunk_bytes=CHUNK)
    changelog: Changelog = {}
    for _ in range(3):
        store(changelog, *first.checkpoint().records)
    foreign = set(changelog)
    second = restored(changelog, "second")
    for number in range(1, ROLLING_SPAN + 2):
        checkpoint = second.checkpoint()
        assert not [key for key, value in checkpoint.records if value is None], number
        store(changelog, *checkpoint.records)
    assert foreign < set(changelog)
    last = second.checkpoint()
    assert {key for key, value in last.records if value is None} == foreign
    store(changelog, *last.records)
    assert foreign.isdisjoint(changelog)
    assert rows_of(restored(changelog)) == rows_of(first)
    assert not [key for key, value in second.checkpoint().records if key in foreign]


def test_records_of_another_partition_are_left_alone() -> None:
    neighbour = Partition(4, new_partition().policy, schemas(), owner="neighbour")
    changelog: Changelog = {}
    apply_all(neighbour, touchpoint("1", "ann", START))
    store(changelog, *neighbour.checkpoint().records)
    other = restored(changelog)
    assert (other.next_offset, other.customers) == (0, 0)
    for _ in range(ROLLING_SPAN + 2):
        store(changelog, *other.checkpoint().records)
    assert b"neighbour/1/0" in changelog


def test_an_owner_is_never_named_twice() -> None:
    changelog: Changelog = {}
    store(changelog, *crowded(1, owner="first").checkpoint().records)
    with pytest.raises(ValueError, match="'first' has written checkpoints before"):
        restored(changelog, "first")


def test_what_was_reported_is_reported_once_and_is_written_to_the_next_checkpoint() -> None:
    partition = crowded(9, owner="first", chunk_bytes=CHUNK)
    partition.checkpoint()
    assert partition.take_unreported(4).tolist() == [0, 1, 2, 3]
    assert partition.take_unreported(100).tolist() == [4, 5, 6, 7, 8]
    assert partition.take_unreported(100).tolist() == []
    stored = [decode_chunk(value) for _, value in partition.checkpoint().records if value is not None]
    assert sum(len(chunk.rows) for chunk in stored) == 9
    assert not any(chunk.rows["unreported"].any() for chunk in stored)
    apply_all(partition, touchpoint("2", "c3", START + DAY))
    assert partition.take_unreported(100).tolist() == [3]


def test_a_copy_goes_its_own_way() -> None:
    partition = crowded(3, owner="first")
    before = rows_of(partition)
    other = partition.copy()
    apply_all(other, tick(START + 999 * DAY), touchpoint("1", "new", START + 999 * DAY))
    assert other.customers == 4
    assert (partition.customers, partition.next_offset) == (3, 3)
    assert rows_of(partition) == before
    assert (
        len(facts_of(partition, applied(partition, read_batches(batch([Message(tick(START + 999 * DAY))], 3), 3)))) == 3
    )
