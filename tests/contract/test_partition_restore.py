"""Which rows a partition has once it has read checkpoint records, whatever became of them in between."""

from itertools import pairwise
from random import Random

import numba
import pytest
from support.changelogs import CHUNK, Changelog, crowded, restored, store
from support.messages import DAY, START, Message, batch, cut, tick, touchpoint
from support.random_logs import random_log
from support.shell import Log, applied, apply_all, new_partition, rows_of

from streams.engine.results import ForeignLog
from streams.log.batches import read_batches

MANY = 300 if numba.config.DISABLE_JIT else 5000  # type: ignore[attr-defined]


def test_rows_of_a_torn_checkpoint_are_newer_and_the_replay_skips_what_they_contain() -> None:
    partition = crowded(9, owner="first", chunk_bytes=CHUNK)
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    more = [*(touchpoint("2", f"c{i}", START + 300 * DAY) for i in range(9)), tick(START + 301 * DAY)]
    apply_all(partition, *more)
    torn = partition.checkpoint().records
    store(changelog, torn[1])
    other = restored(changelog)
    assert other.next_offset == 9
    came = applied(other, read_batches(batch([Message(value) for value in more], 9), 9))
    assert (came.counts["contained"], came.counts["accepted"]) == (3, 6)
    assert rows_of(other) == rows_of(partition)


def test_the_newest_copy_of_a_row_wins_in_any_order() -> None:
    partition = new_partition("first", chunk_bytes=CHUNK)
    log = Log(cut(random_log(9, 160, 12), range(0, 160, 10)))
    records: list[tuple[bytes, bytes]] = []
    while partition.next_offset < log.end:
        applied(partition, log.fetch(partition.next_offset, 1))
        records += [(key, value) for key, value in partition.checkpoint().records if value is not None]
    for seed in range(10):
        Random(seed).shuffle(records)
        other = new_partition("heir")
        other.restore(records)
        assert rows_of(other) == rows_of(partition)
        assert (other.next_offset, other.time, other.policy.hash) == (160, partition.time, partition.policy.hash)


def test_a_log_that_ends_below_what_the_rows_contain_is_another_log() -> None:
    partition = crowded(5, owner="first", chunk_bytes=CHUNK)
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    other = restored(changelog)
    other.check_log(5)
    other.check_log(6)
    with pytest.raises(ForeignLog, match="partition 3: its customers contain log offset 4, but the log ends at 4"):
        other.check_log(4)
    only_rows = restored(dict([*changelog.items()][1:]))
    assert only_rows.next_offset == 0
    with pytest.raises(ForeignLog):
        only_rows.check_log(4)


def test_what_was_made_from_a_log_of_another_identity_is_refused() -> None:
    changelog: Changelog = {}
    store(changelog, *crowded(5, owner="first", chunk_bytes=CHUNK, log="one").checkpoint().records)
    with pytest.raises(ForeignLog, match="partition 3: its customers were made from log one, and this is two: "):
        new_partition("heir", log="two").restore(changelog.items())
    for known in ("one", ""):
        heir = new_partition("heir", log=known)
        heir.restore(changelog.items())
        assert heir.next_offset == 5


def test_what_does_not_say_from_which_log_it_was_made_is_taken_in() -> None:
    changelog: Changelog = {}
    store(changelog, *crowded(5, owner="first", chunk_bytes=CHUNK).checkpoint().records)
    heir = new_partition("heir", log="two")
    heir.restore(changelog.items())
    assert heir.next_offset == 5


def test_many_customers_with_ids_of_every_length_survive() -> None:
    names = [f"{i}-".ljust(8 + i % 248, "x") for i in range(MANY)]
    partition = new_partition("first")
    values = [Message(touchpoint("1", name, START + i)) for i, name in enumerate(names)]
    log = Log(cut(values, range(0, MANY, 1000)))
    for first, last in pairwise([0, *log.ends]):
        assert applied(partition, log.fetch(first, 1)).next_offset == last
    changelog: Changelog = {}
    store(changelog, *partition.checkpoint().records)
    other = new_partition("heir")
    other.restore(changelog.items())
    rows = rows_of(other)
    assert set(rows) == {name.encode() for name in names}
    assert rows == rows_of(partition)
