"""Which rows a partition has once it has read what is stored, and what of that it refuses."""

from itertools import pairwise
from random import Random

import numba
import numpy as np
import pytest
from support.changelogs import Changelog, crowded, restored, store
from support.messages import START, Message, cut, tick, touchpoint
from support.random_logs import random_log
from support.shell import Log, applied, apply_all, customer_of, new_partition, records_of, rows_of

from streams.engine import described
from streams.engine.checkpoint import (
    CHECKPOINT_LAYOUT,
    HEADER_KEY,
    LAYOUT_KEY,
    POLICY_KEY,
    UnreadableCheckpoint,
    decode_layout,
    layout_record,
    sealed,
    stored_in_columns,
)
from streams.engine.described import Layout
from streams.engine.partition import Partition
from streams.engine.results import ForeignLog
from streams.engine.rows import USED_UNREPORTED

MANY = 300 if numba.config.DISABLE_JIT else 5000  # type: ignore[attr-defined]

pytestmark = pytest.mark.usefixtures("hot_rows")


def test_of_many_copies_of_a_row_the_last_one_counts() -> None:
    partition = new_partition()
    log = Log(cut(random_log(9, 160, 12), range(0, 160, 10)))
    records: list[tuple[bytes, bytes]] = []
    while partition.next_offset < log.end:
        applied(partition, log.fetch(partition.next_offset, 1))
        partition.take_unreported(Random(partition.next_offset).randrange(5))
        records += records_of(partition.checkpoint())
    other = new_partition()
    other.restore(stored_in_columns(records))
    assert rows_of(other) == rows_of(partition)
    assert (other.next_offset, other.time, other.policy.hash) == (160, partition.time, partition.policy.hash)
    assert unreported(other) == unreported(partition) != set()


def unreported(partition: Partition) -> set[bytes]:
    waiting = partition.table.unreported[: partition.table.used[USED_UNREPORTED]]
    return {customer_of(partition, int(number)) for number in waiting}


def test_a_partition_keeps_the_epoch_with_which_it_began() -> None:
    partition = new_partition(log="one", epoch=7)
    apply_all(partition, tick(1_000))
    records = records_of(partition.checkpoint())
    heir = new_partition(log="one", epoch=9)
    heir.restore(stored_in_columns(records))
    assert heir.epoch == 7
    assert len(dict(records)[HEADER_KEY]) <= 300
    # Rows from before logs had epochs are of none, whatever the reports have been told since.
    before = new_partition(log="one")
    apply_all(before, tick(1_000))
    after = new_partition(log="one", epoch=9)
    after.restore(stored_in_columns(records_of(before.checkpoint())))
    assert (before.epoch, after.epoch) == (0, 0)


def test_a_log_that_ends_below_what_the_rows_contain_is_another_log() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(5).checkpoint())
    other = restored(changelog)
    other.check_log(5)
    other.check_log(6)
    with pytest.raises(ForeignLog, match="partition 3: its customers contain log offset 4, but the log ends at 4"):
        other.check_log(4)


def test_what_was_made_from_a_log_of_another_identity_is_refused() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(5, log="one").checkpoint())
    with pytest.raises(ForeignLog, match="partition 3: its customers were made from log one, and this is two: "):
        restored(changelog, log="two")
    for known in ("one", ""):
        assert restored(changelog, log=known).next_offset == 5


def test_what_does_not_say_from_which_log_it_was_made_is_taken_in() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(5).checkpoint())
    assert restored(changelog, log="two").next_offset == 5


def test_many_customers_with_ids_of_every_length_survive() -> None:
    names = [f"{i}-".ljust(8 + i % 248, "x") for i in range(MANY)]
    partition = new_partition()
    values = [Message(touchpoint("1", name, START + i)) for i, name in enumerate(names)]
    log = Log(cut(values, range(0, MANY, 1000)))
    for first, last in pairwise([0, *log.ends]):
        assert applied(partition, log.fetch(first, 1)).next_offset == last
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    rows = rows_of(restored(changelog))
    assert set(rows) == {name.encode() for name in names}
    assert rows == rows_of(partition)


@pytest.mark.parametrize("without", [HEADER_KEY, POLICY_KEY, LAYOUT_KEY + b"\x00"])
def test_rows_without_what_belongs_to_them_are_refused(without: bytes) -> None:
    changelog: Changelog = {}
    store(changelog, crowded(5).checkpoint())
    del changelog[without]
    with pytest.raises(UnreadableCheckpoint, match=r"partition 3: .* stored"):
        restored(changelog)


def test_a_record_that_was_damaged_anywhere_is_told() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(2).checkpoint())
    random = Random(1)
    for key, value in changelog.items():
        for place in {0, 4, 5, 6, 7, 8, len(value) - 1, *(random.randrange(len(value)) for _ in range(20))}:
            damaged = bytearray(value)
            damaged[place] ^= 1 << random.randrange(8)
            with pytest.raises(UnreadableCheckpoint):
                restored({**changelog, key: bytes(damaged)})
        for size in (0, 3, 15, len(value) - 1):
            with pytest.raises(UnreadableCheckpoint):
                restored({**changelog, key: value[:size]})
        with pytest.raises(UnreadableCheckpoint):
            restored({**changelog, key: value + b"\0"})


def test_a_row_under_the_key_of_another_customer_is_told() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(2).checkpoint())
    changelog[b"\0c0"], changelog[b"\0c1"] = changelog[b"\0c1"], changelog[b"\0c0"]
    with pytest.raises(UnreadableCheckpoint, match=r"the row of customer 'c[01]' was damaged"):
        restored(changelog)


def test_a_newer_version_is_asked_for_where_that_wrote_the_checkpoint() -> None:
    changelog: Changelog = {}
    store(changelog, crowded(2).checkpoint())
    changelog[HEADER_KEY] = bytes([CHECKPOINT_LAYOUT + 1]) + changelog[HEADER_KEY][1:]
    with pytest.raises(UnreadableCheckpoint, match="start the newer version"):
        restored(changelog)
    changelog[HEADER_KEY] = sealed(bytes(20))
    with pytest.raises(UnreadableCheckpoint, match="can't be read"):
        restored(changelog)


def test_rows_of_another_layout_are_read_and_ours_get_another_number() -> None:
    """Those of a version that lacks a field."""
    partition = crowded(20)
    changelog: Changelog = {}
    store(changelog, partition.checkpoint())
    ours = decode_layout(changelog[LAYOUT_KEY + b"\x00"])
    kept = [field for field in described.describe(ours.row) if field[0] != "refunded_minor"]
    other = Layout(described.dtype_of(kept), ours.empty, ours.kinds)
    changelog.update([layout_record(0, other)])  # type: ignore[list-item]
    heir = restored(changelog)
    assert rows_of(heir) == rows_of(partition)
    heir.give_back(np.array([0]))
    heir.take_unreported(1)
    checkpoint = heir.checkpoint()
    assert LAYOUT_KEY + b"\x01" in dict(checkpoint.records)
    store(changelog, checkpoint)
    assert rows_of(restored(changelog)) == rows_of(partition)
