"""Named readers of the log's topics, and files that were made when the engine was the only one."""

import gzip
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import bodies_of
from streams.embedded.database import ENGINE, Database, Position
from streams.embedded.failures import StorageDamaged, StorageError
from streams.embedded.layout import FILE_LAYOUT, LOG_TABLES, MIGRATIONS, ROWS_TABLES
from streams.embedded.log import FILE_NAME, REFUSED, Log
from streams.embedded.readers import Reader
from streams.embedded.rows_file import RowsFile
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.writing import record_batches
from streams.outputs.triggers import TOPIC

ROOT: Final = Path(__file__).resolve().parents[2]
LAYOUTS: Final = ROOT / "tests" / "data" / "layouts"
TRIGGERS: Final = TOPIC.named()


def put(log: Database, values: Sequence[bytes], topic: str = TRIGGERS, *, keyed: bool = True) -> None:
    """Append messages, each keyed by its own first byte."""
    keys = bodies_of([value[:1] for value in values]) if keyed else None
    with log.transaction():
        for batch, first, last in record_batches(keys, bodies_of(values), log.end_offset(topic, 0), 0):
            log.append(topic, 0, batch, first, last)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log(tmp_path) as opened:
        yield opened


def all_of(reader: Reader, max_bytes: int = 1) -> list[bytes | None]:
    """Everything that is left to read, a batch at a time; nothing is committed."""
    found = []
    while batch := reader.read(max_bytes):
        found += [record.value for record in batch.records]
    return found


def test_a_reader_gets_every_record_in_order_with_its_key_and_offset(log: Log) -> None:
    put(log, [b"a1", b"b2"])
    put(log, [b"c3"])
    reader = Reader(log, "deliver", TRIGGERS)
    batch = reader.read()
    assert batch is not None
    assert batch.records == [(0, b"a", b"a1"), (1, b"b", b"b2"), (2, b"c", b"c3")]
    assert batch.next_offset == 3
    assert reader.read() is None
    put(log, [b"d4"], keyed=False)
    more = reader.read()
    assert more is not None
    assert more.records == [(3, None, b"d4")]


def test_what_was_not_committed_is_read_again_by_the_next_of_that_name(log: Log) -> None:
    put(log, [b"a", b"b"])
    put(log, [b"c"])
    first = Reader(log, "deliver", TRIGGERS)
    assert all_of(first) == [b"a", b"b", b"c"]
    # A part of a batch may be acknowledged too.
    first.commit(1)
    again = Reader(log, "deliver", TRIGGERS)
    assert (again.committed, again.lag) == (1, 2)
    assert all_of(again) == [b"b", b"c"]
    again.commit(3)
    assert all_of(Reader(log, "deliver", TRIGGERS)) == []
    assert Reader(log, "deliver", TRIGGERS).lag == 0


def test_readers_and_topics_don_t_know_of_each_other(log: Log) -> None:
    put(log, [b"a", b"b"])
    put(log, [b"x"], "relasi.transitions.v1")
    with log.transaction():
        log.put_position(ENGINE, TOUCHPOINTS_TOPIC, 0, 9)
    deliver, audit = Reader(log, "deliver", TRIGGERS), Reader(log, "audit", TRIGGERS)
    other = Reader(log, "deliver", "relasi.transitions.v1")
    assert all_of(deliver) == all_of(audit) == [b"a", b"b"]
    assert all_of(other) == [b"x"]
    deliver.commit(2)
    audit.commit(1)
    assert (deliver.committed, audit.committed, other.committed) == (2, 1, 0)
    assert log.position(ENGINE, TOUCHPOINTS_TOPIC, 0) == 9
    assert log.positions() == [
        Position("audit", TRIGGERS, 0, 1),
        Position("deliver", TRIGGERS, 0, 2),
        Position(ENGINE, TOUCHPOINTS_TOPIC, 0, 9),
    ]


def test_only_what_was_read_and_not_yet_acknowledged_can_be_committed(log: Log) -> None:
    put(log, [b"a", b"b"])
    reader = Reader(log, "deliver", TRIGGERS)
    with pytest.raises(ValueError, match="read it up to 0: 1 can't be committed"):
        reader.commit(1)
    reader.read()
    reader.commit(2)
    reader.commit(2)
    with pytest.raises(ValueError, match="up to offset 2"):
        reader.commit(1)
    assert reader.committed == 2


@pytest.mark.parametrize("name", ["", ENGINE])
def test_the_engine_s_position_is_nobody_else_s(log: Log, name: str) -> None:
    with pytest.raises(ValueError, match="can't be a reader"):
        Reader(log, name, TRIGGERS)


def test_a_log_that_does_not_say_what_was_written_is_told_with_its_place(log: Log) -> None:
    put(log, [b"a", b"b"])
    put(log, [b"c"])
    damaged = log.read(TRIGGERS, 0, 2)[:-2] + b"d\0"
    with log.transaction():
        log._write("UPDATE batches SET batch = ? WHERE last_offset = 2", (damaged,))
    reader = Reader(log, "deliver", TRIGGERS)
    assert reader.read(1) is not None
    with pytest.raises(StorageDamaged, match=rf"{TRIGGERS} 0 can't be read at offset 2"):
        reader.read(1)


@given(
    values=st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=6), max_size=6),
    stops=st.lists(st.integers(0, 40), max_size=4),
    max_bytes=st.integers(1, 400),
)
def test_however_often_it_begins_again_nothing_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[bytes]], stops: list[int], max_bytes: int
) -> None:
    told = [value for some in values for value in some]
    with Log(tmp_path_factory.mktemp("readers")) as log:
        for some in values:
            put(log, some, keyed=False)
        done = 0
        for stop in sorted(stops):
            reader = Reader(log, "deliver", TRIGGERS)
            found = []
            while batch := reader.read(max_bytes):
                found += batch.records
            assert [record.value for record in found] == told[done:]
            assert [record.offset for record in found] == list(range(done, len(told)))
            done = min(stop, len(told))
            reader.commit(done)


KILLED: Final = """
import os, signal, sys
from pathlib import Path
from streams.embedded.log import Log
from streams.embedded.readers import Reader

log = Log(Path(sys.argv[1]))
reader = Reader(log, "deliver", sys.argv[2])
reader.read()
reader.commit(1)
with log.transaction():
    log.put_position("deliver", sys.argv[2], 0, 2)
    os.kill(os.getpid(), signal.SIGKILL)
"""


KILLED_WHILE_MIGRATING: Final = """
import os, re, signal, sqlite3, sys
from pathlib import Path
from streams.embedded import layout
from streams.embedded.log import Log

class Connection(sqlite3.Connection):
    def execute(self, sql, *rest):
        if re.match(sys.argv[2], sql):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *rest)

plain = sqlite3.connect
layout.sqlite3.connect = lambda *words, **options: plain(*words, factory=Connection, **options)
Log(Path(sys.argv[1]))
"""


def test_a_killed_process_leaves_the_last_position_that_was_committed(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        put(log, [b"a", b"b"])
    command = [sys.executable, "-c", KILLED, str(tmp_path), TRIGGERS]
    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    with Log(tmp_path) as log:
        assert all_of(Reader(log, "deliver", TRIGGERS)) == [b"b"]


def earlier(folder: Path, layout: int) -> Path:
    """A file that the last version with this layout has written."""
    folder.mkdir(exist_ok=True)
    path = folder / FILE_NAME
    path.write_bytes(gzip.decompress((LAYOUTS / f"layout-{layout}.sqlite.gz").read_bytes()))
    return path


def content(*paths: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of files together; of the settings those that every layout has."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for path in paths:
        with sqlite3.connect(path) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                found[table] = sorted([*found.get(table, []), *connection.execute(f"SELECT * FROM {table}").fetchall()])
        connection.close()
    found["settings"] = [row for row in found["settings"] if row[0] not in ("layout", "tenure")]
    return found


def shape(path: Path) -> list[tuple[str]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return found


def test_every_earlier_layout_has_a_way_on_and_a_file_to_show_it() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FILE_LAYOUT))
    assert sorted(path.name for path in LAYOUTS.glob("*.sqlite.gz")) == [f"layout-{n}.sqlite.gz" for n in MIGRATIONS]


@pytest.mark.parametrize(
    ("layout", "end", "transitions", "rejects"), [(1, 216, 11, 0), (2, 59, 13, 0), (3, 151, 22, 1)]
)
def test_a_file_of_an_earlier_layout_is_brought_on(
    tmp_path: Path, layout: int, end: int, transitions: int, rejects: int
) -> None:
    path = earlier(tmp_path, layout)
    before = content(path)
    if layout == 1:
        before["imports"] = [(*row, "") for row in before["imports"]]  # which has an id since
        before["positions"] = [(ENGINE, TOUCHPOINTS_TOPIC, 0, end)]
    kept = [row for row in before["batches"] if row[0] == "relasi.rejects.v1"]
    # What files were refused stands in the log now, and goes out of it; what went out already is not said again.
    before["batches"] = sorted([*before["batches"], *((REFUSED, *row[1:]) for row in kept)])
    before["positions"] += [(ENGINE, REFUSED, 0, rejects)] if rejects else []
    for _ in range(2):
        with Log(tmp_path) as log, RowsFile(tmp_path) as rows:
            assert (log.setting("layout"), rows.setting("layout")) == (str(FILE_LAYOUT), str(FILE_LAYOUT))
            # All that the engine had acknowledged.
            assert rows.position(ENGINE, TOUCHPOINTS_TOPIC, 0) == log.end_offset(TOUCHPOINTS_TOPIC, 0) == end
            assert len(all_of(Reader(rows, "deliver", "relasi.transitions.v1"))) == transitions
            assert len(all_of(Reader(rows, "deliver", "relasi.rejects.v1"))) == rejects
            assert log.positions() == []
        found = content(path, rows.path)
        assert found | {"positions": sorted(found["positions"])} == before | {"positions": sorted(before["positions"])}
    # The same tables as in a new file.
    assert {sql for (sql,) in shape(path)} == set(LOG_TABLES)
    assert {sql for (sql,) in shape(rows.path)} == set(ROWS_TABLES)


@pytest.mark.parametrize("statement", [r"INSERT INTO made\.batches", "DROP TABLE checkpoint$", "UPDATE settings"])
def test_a_file_is_brought_on_after_a_crash_at_any_step(tmp_path: Path, statement: str) -> None:
    """Killed within the making of the rows' file, after it, and before the last commit."""
    path = earlier(tmp_path, 3)
    whole = earlier(tmp_path / "whole", 3)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_MIGRATING, str(tmp_path), statement], cwd=ROOT, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT value FROM settings WHERE key = 'layout'").fetchone() == ("3",)
        assert other.execute("SELECT count(*) FROM checkpoint").fetchone() > (0,)
    other.close()
    for folder in (tmp_path, tmp_path / "whole"):
        Log(folder).close()
    names = (FILE_NAME, "rows.sqlite")
    assert content(*(tmp_path / name for name in names)) == content(*(whole.with_name(name) for name in names))


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = earlier(tmp_path, 1)
    with sqlite3.connect(path) as other:
        # What the second step would make is there already.
        other.execute("CREATE TABLE positions_1 (x INTEGER)")
    other.close()
    before = shape(path), content(path)
    with pytest.raises((sqlite3.Error, StorageError)):
        Log(tmp_path)
    assert (shape(path), content(path)) == before
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT value FROM settings WHERE key = 'layout'").fetchone() == ("1",)
    other.close()
