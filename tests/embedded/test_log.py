"""The embedded log: what is stored together, what a crash leaves, and what a full disk or a strange file does."""

import itertools
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from streams.embedded.database import ENGINE, Database
from streams.embedded.failures import ForeignFile, NewerLayout, StorageDamaged, StorageError, StorageFull
from streams.embedded.layout import APPLICATION_ID, FILE_LAYOUT, LOG_TABLES, ROWS_TABLES
from streams.embedded.log import FILE_NAME, ImportProgress, Log
from streams.embedded.rows_file import RowsFile

ROOT: Final = Path(__file__).resolve().parents[2]
TOPIC: Final = "relasi.touchpoints.v1"
EXAMPLES: Final = itertools.count()


def batch_of(base_offset: int, count: int = 1, payload: bytes = b"x") -> bytes:
    """The bytes of a record batch, all of whose records are one ``payload``: only the header matters to the log."""
    header = struct.pack(">qiibIhi", base_offset, 49 + len(payload), -1, 2, 0, 0, count - 1)
    return header + struct.pack(">qqqhii", 0, 0, -1, -1, -1, count) + payload


def append(log: Database, count: int = 1, payload: bytes = b"x", topic: str = TOPIC, partition: int = 0) -> bytes:
    base = log.end_offset(topic, partition)
    batch = batch_of(base, count, payload)
    with log.transaction():
        log.append(topic, partition, batch, base, base + count - 1)
    return batch


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log(tmp_path) as opened:
        yield opened


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[RowsFile]:
    with RowsFile(tmp_path) as opened:
        yield opened


def test_an_empty_log_ends_at_zero_and_reads_nothing(log: Log, rows: RowsFile) -> None:
    assert log.end_offset(TOPIC, 0) == 0
    assert log.read(TOPIC, 0, 0) == b""
    assert log.position(ENGINE, TOPIC, 0) == 0
    assert list(rows.checkpoint(0)) == []
    assert log.imports() == []


def test_batches_come_back_byte_for_byte_in_order(log: Log) -> None:
    batches = [append(log, count, bytes([count]) * count) for count in (3, 1, 7)]
    assert log.end_offset(TOPIC, 0) == 11
    assert log.read(TOPIC, 0, 0) == b"".join(batches)
    assert log.read(TOPIC, 0, 11) == b""


def test_a_batch_of_a_real_writer_is_accepted(log: Log) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    for offset in range(5):
        builder.append(offset, 1_000 + offset, b"key", b"value", [])
    batch = bytes(builder.build())
    with log.transaction():
        log.append(TOPIC, 0, batch, 0, 4)
    assert log.read(TOPIC, 0, 3) == batch


def test_topics_and_partitions_are_separate_logs(log: Log) -> None:
    first, other_partition, other_topic = append(log), append(log, partition=1), append(log, topic="relasi.rejects.v1")
    assert [log.end_offset(TOPIC, 0), log.end_offset(TOPIC, 1), log.end_offset("relasi.rejects.v1", 0)] == [1, 1, 1]
    assert log.read(TOPIC, 1, 0) == other_partition
    assert log.read("relasi.rejects.v1", 0, 0) == other_topic
    assert log.read(TOPIC, 0, 0) == first


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with Log(tmp_path_factory.mktemp("shared")) as opened:
        yield opened


@given(
    batches=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 300)), min_size=1, max_size=12),
    wanted=st.integers(0, 260),
    max_bytes=st.integers(1, 2_000),
)
def test_a_read_begins_at_the_batch_that_holds_the_wanted_offset_and_respects_the_limit(
    shared: Log, batches: list[tuple[int, int]], wanted: int, max_bytes: int
) -> None:
    topic = f"example {next(EXAMPLES)}"
    base, expected = 0, list[bytes]()
    with shared.transaction():
        for count, size in batches:
            batch = batch_of(base, count, b"." * size)
            shared.append(topic, 0, batch, base, base + count - 1)
            base += count
            if base > wanted:
                expected.append(batch)
    while len(expected) > 1 and sum(map(len, expected)) > max_bytes:
        expected.pop()
    assert shared.read(topic, 0, wanted, max_bytes) == b"".join(expected)


@pytest.mark.parametrize(
    ("batch", "base", "last"),
    [
        (batch_of(0), 1, 1),
        (batch_of(0, 3), 0, 1),
        (batch_of(5), 5, 5),
        (batch_of(0)[:-1], 0, 0),
        (batch_of(0) + b"x", 0, 0),
        (b"short", 0, 0),
    ],
    ids=["other base", "other last", "a gap", "cut off", "more than one", "no header"],
)
def test_a_batch_that_does_not_continue_the_log_is_refused(log: Log, batch: bytes, base: int, last: int) -> None:
    with pytest.raises(ValueError, match=r"batch"), log.transaction():
        log.append(TOPIC, 0, batch, base, last)
    assert log.end_offset(TOPIC, 0) == 0


def test_a_batch_before_the_end_is_refused(log: Log) -> None:
    append(log, 2)
    with pytest.raises(ValueError, match="ends at offset 2"), log.transaction():
        log.append(TOPIC, 0, batch_of(1), 1, 1)


def test_checkpoint_records_are_replaced_and_deleted_by_key(rows: RowsFile) -> None:
    with rows.transaction():
        rows.put_checkpoint(0, [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])
        rows.put_checkpoint(1, [(b"a", b"other")])
    with rows.transaction():
        rows.put_checkpoint(0, [(b"a", b"4"), (b"b", None), (b"never", None)])
    assert list(rows.checkpoint(0)) == [(b"c", b"3"), (b"a", b"4")]
    assert list(rows.checkpoint(1)) == [(b"a", b"other")]


def test_everything_survives_closing(tmp_path: Path) -> None:
    progress = ImportProgress("abc", "shop.csv", 10, 4, 1, 2, "running", 1_700_000_000_000, None)
    with Log(tmp_path) as log:
        batch = append(log)
        with log.transaction():
            log.put_position("audit", TOPIC, 0, 1)
            log.put_import(progress)
            log.put_setting("policy", "sha")
    with Log(tmp_path) as log:
        assert log.read(TOPIC, 0, 0) == batch
        assert log.position("audit", TOPIC, 0) == 1
        assert log.position("audit", TOPIC, 1) == 0
        assert log.find_import("abc") == progress
        assert log.setting("policy") == "sha"


def test_imports_are_remembered_by_content_and_listed_by_start(log: Log) -> None:
    later = ImportProgress("a", "later.csv", 2, 0, 0, 0, "running", 2_000, None)
    earlier = ImportProgress("b", "earlier.csv", 5, 5, 1, 1, "done", 1_000, 3_000)
    done = ImportProgress("a", "later.csv", 2, 2, 0, 1, "done", 2_000, 4_000)
    with log.transaction():
        log.put_import(later)
        log.put_import(earlier)
        log.put_import(done)
    assert log.imports() == [earlier, done]
    assert log.find_import("c") is None


def test_a_block_that_raises_leaves_nothing_behind(rows: RowsFile) -> None:
    def store_and_fail() -> None:
        with rows.transaction():
            rows.append(TOPIC, 0, batch_of(0), 0, 0)
            rows.put_checkpoint(0, [(b"k", b"v")])
            rows.put_position(ENGINE, TOPIC, 0, 1)
            raise KeyError

    with pytest.raises(KeyError):
        store_and_fail()
    assert (rows.end_offset(TOPIC, 0), list(rows.checkpoint(0)), rows.position(ENGINE, TOPIC, 0)) == (0, [], 0)
    append(rows)
    assert rows.end_offset(TOPIC, 0) == 1


def test_a_transaction_within_another_is_refused(log: Log) -> None:
    with pytest.raises(RuntimeError, match="open already"), log.transaction(), log.transaction():
        pass
    append(log)


def test_a_write_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        log.put_position(ENGINE, TOPIC, 0, 1)
    assert log.position(ENGINE, TOPIC, 0) == 0


def test_the_layout_is_no_setting(log: Log) -> None:
    assert log.setting("layout") == str(FILE_LAYOUT)
    with pytest.raises(ValueError, match="layout"), log.transaction():
        log.put_setting("layout", "7")


CRASH: Final = """
import os, signal, sys
from pathlib import Path
from tests.embedded.test_log import TOPIC, append, batch_of
from streams.embedded.database import ENGINE
from streams.embedded.rows_file import RowsFile

rows = RowsFile(Path(sys.argv[1]))
append(rows)
with rows.transaction():
    rows.append(TOPIC, 0, batch_of(1), 1, 1)
    rows.put_checkpoint(0, [(b"k", b"v")])
    rows.put_position(ENGINE, TOPIC, 0, 2)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_whole_transactions_only(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    with RowsFile(tmp_path) as rows:
        assert (rows.end_offset(TOPIC, 0), list(rows.checkpoint(0)), rows.position(ENGINE, TOPIC, 0)) == (1, [], 0)
        append(rows)


def test_a_full_file_is_told_as_such_and_the_log_goes_on_when_there_is_room(log: Log) -> None:
    append(log)
    connection = log._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    def store_too_much() -> None:
        with log.transaction():
            log.put_position(ENGINE, TOPIC, 0, 1)
            log.append(TOPIC, 0, batch_of(1, payload=b"." * 1_000_000), 1, 1)

    with pytest.raises(StorageFull, match=r"(?s)relasi\.sqlite.*Nothing .* acknowledged.*start again"):
        store_too_much()
    assert (log.end_offset(TOPIC, 0), log.position(ENGINE, TOPIC, 0)) == (1, 0)
    connection.execute("PRAGMA max_page_count = 1000000")
    append(log, payload=b"." * 1_000_000)
    assert log.end_offset(TOPIC, 0) == 2


FILL: Final = """
import resource, sys
from pathlib import Path
from tests.embedded.test_log import append
from streams.embedded.failures import StorageFull
from streams.embedded.log import Log

# Set here, and not between fork and exec: newer Pythons warn of that once threads are running.
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
log = Log(Path(sys.argv[1]))
try:
    while True:
        append(log, payload=b"." * 100_000)
        print("stored", flush=True)
except StorageFull:
    print("full", flush=True)
"""


def test_a_disk_without_room_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILL, str(tmp_path)]
    filled = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    *stored, last = filled.stdout.split()
    assert last == "full"
    assert len(stored) > 5
    with Log(tmp_path) as log:
        assert log.end_offset(TOPIC, 0) == len(stored)
        append(log, payload=b"." * 100_000)
        assert len(log.read(TOPIC, 0, 0, 1 << 30)) > len(stored) * 100_000


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"customer_id,occurred_at\n" * 500)
    with pytest.raises(StorageDamaged, match=r"relasi\.sqlite: .*not a readable database"):
        Log(tmp_path)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(ForeignFile, match="not made by Relasi"):
        Log(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_damaged_page_is_told_as_damage(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        append(log, payload=b"." * 400_000)
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    data[16 * 1024 : 10 * 16 * 1024] = b"\xff" * (9 * 16 * 1024)
    path.write_bytes(data)
    with pytest.raises(StorageDamaged, match=r"relasi\.sqlite"), Log(tmp_path) as log:
        log.end_offset(TOPIC, 0)


def test_a_newer_layout_is_refused_with_both_versions(tmp_path: Path) -> None:
    Log(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as newer:
        newer.execute("UPDATE settings SET value = ? WHERE key = 'layout'", (str(FILE_LAYOUT + 1),))
    newer.close()
    with pytest.raises(NewerLayout, match=f"layout {FILE_LAYOUT + 1}; .* up to {FILE_LAYOUT}.*Upgrade"):
        Log(tmp_path)


def test_a_creation_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as begun:
        begun.execute("PRAGMA journal_mode = WAL")
    begun.close()
    with Log(tmp_path) as log:
        append(log)
        assert log.end_offset(TOPIC, 0) == 1


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere.*permissions"):
        Log(tmp_path / "nowhere")


def test_a_lasting_lock_of_another_program_is_told(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        log._connection.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(StorageError, match="another program keeps it locked"), log.transaction():
            pass
        other.execute("ROLLBACK")
        other.close()
        append(log)


@pytest.mark.parametrize(("kind", "tables"), [(Log, LOG_TABLES), (RowsFile, ROWS_TABLES)])
def test_a_commit_is_on_the_disk_before_it_returns(
    kind: type[Log | RowsFile], tables: tuple[str, ...], tmp_path: Path
) -> None:
    """2 is FULL. The file is marked as ours, in WAL mode, and no table is without a purpose in the layout."""
    file = kind(tmp_path)
    connection = file._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")} == set(tables)
    file.close()
