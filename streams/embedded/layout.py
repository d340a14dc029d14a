"""The tables of the log's file and of the rows' file, and the opening of these, also of ones with an earlier layout."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from streams.embedded.failures import ForeignFile, NewerLayout, StorageDamaged, StorageError, explained

FILE_LAYOUT: Final = 4
"""Of both files: they are made, and brought on, together."""

SEPARATE: Final = 4  # since then the rows have a file of their own

# Marks the file as ours in SQLite's header, where `file` and `sqlite3` show it: the letters RLSI.
APPLICATION_ID: Final = 0x524C5349

# Blobs of megabytes in pages of 4 KiB were written at half the speed (measured, 8 MiB batches: 31 against 20 ms);
# pages of 64 KiB gained a little more, but every tick would then write several of them.
PAGE_BYTES: Final = 16 * 1024
_WAL_BYTES: Final = 16 * 1024 * 1024
BUSY_SECONDS: Final = 30.0
"""For so long a write waits for another program to end its own. Connections of one process take turns instead."""

_POSITIONS: Final = (
    "CREATE TABLE positions (reader TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,"
    " next_offset INTEGER NOT NULL, PRIMARY KEY (reader, topic, partition)) WITHOUT ROWID"
)
# A row of a customer is a fraction of a page, and stands where its key is looked up.
_CHECKPOINT: Final = (
    "CREATE TABLE checkpoint (partition INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (partition, key)) WITHOUT ROWID"
)
_BATCHES: Final = (
    "CREATE TABLE batches (topic TEXT NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL,"
    " last_offset INTEGER NOT NULL, batch BLOB NOT NULL)",
    "CREATE UNIQUE INDEX batches_in_order ON batches (topic, partition, last_offset)",
)
_SETTINGS: Final = "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
LOG_TABLES: Final = (
    _SETTINGS,
    *_BATCHES,
    _POSITIONS,
    "CREATE TABLE imports (content_key TEXT PRIMARY KEY, source TEXT NOT NULL, rows_total INTEGER NOT NULL,"
    " rows_done INTEGER NOT NULL, known INTEGER NOT NULL, rejects INTEGER NOT NULL, state TEXT NOT NULL,"
    " started INTEGER NOT NULL, finished INTEGER, import_id TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
)
ROWS_TABLES: Final = (_SETTINGS, *_BATCHES, _CHECKPOINT, _POSITIONS)
ROWS_NAME: Final = "rows.sqlite"
# By the layout that a file has: what makes it one of the next.
MIGRATIONS: Final = {
    1: (
        # The engine was the only reader, and touchpoints the only topic that was read.
        "ALTER TABLE positions RENAME TO positions_1",
        _POSITIONS,
        "INSERT INTO positions SELECT 'engine', 'relasi.touchpoints.v1', partition, next_offset FROM positions_1",
        "DROP TABLE positions_1",
        "ALTER TABLE imports ADD COLUMN import_id TEXT NOT NULL DEFAULT ''",
    ),
    2: (
        # Records were few and large. They are read once more: the next checkpoint has a record for each customer.
        "ALTER TABLE checkpoint RENAME TO checkpoint_2",
        _CHECKPOINT,
        "INSERT INTO checkpoint SELECT partition, key, value FROM checkpoint_2",
        "DROP TABLE checkpoint_2",
        # It told apart the records of one process from those of the one before.
        "DELETE FROM settings WHERE key = 'tenure'",
    ),
    3: (
        # The rows, and what came out, went into a file of their own just before.
        "DROP TABLE checkpoint",
        "DELETE FROM positions WHERE reader = 'engine' OR topic != 'relasi.touchpoints.v1'",
        # Which of the rejects are of files, only their bytes say. Of the log they come again, and collapse.
        "UPDATE batches SET topic = 'relasi.refused.v1' WHERE topic = 'relasi.rejects.v1'",
        "DELETE FROM batches WHERE topic NOT IN ('relasi.touchpoints.v1', 'relasi.refused.v1')",
    ),
}
# What a file of layout 3 gives to the file of rows, which is attached as ``made``.
_GIVEN: Final = (
    "INSERT INTO made.checkpoint SELECT partition, key, value FROM main.checkpoint",
    "INSERT INTO made.batches SELECT topic, partition, base_offset, last_offset, batch FROM main.batches"
    " WHERE topic != 'relasi.touchpoints.v1'",
    "INSERT INTO made.positions SELECT reader, topic, partition, next_offset FROM main.positions"
    " WHERE reader = 'engine' OR topic != 'relasi.touchpoints.v1'",
    # They were said already.
    "INSERT INTO made.positions SELECT 'engine', 'relasi.refused.v1', partition, max(last_offset) + 1"
    " FROM main.batches WHERE topic = 'relasi.rejects.v1' GROUP BY partition",
)


def open_log(path: Path) -> sqlite3.Connection:
    """Open the log at ``path``, creating it when it is missing or empty.

    One of an earlier layout is brought on; its rows go into a file beside it. The connection is in autocommit mode:
    transactions begin and end where the caller says. Raises ``ForeignFile``, ``NewerLayout``, ``StorageDamaged`` or
    ``StorageError``.
    """
    return _open(path, LOG_TABLES)


def open_rows(path: Path) -> sqlite3.Connection:
    """Open the file of rows at ``path``, as ``open_log`` does. Only once the log beside it was opened."""
    return _open(path, ROWS_TABLES)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open either file of today's layout, which nobody else writes now, without writing anything, not even beside it.

    Raises as ``open_log`` does, also where the file has an earlier layout, or was not closed.
    """
    with explained(path):
        # Without its write-ahead log a file can be read where nothing may be created beside it; else it can't.
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise StorageError(
                f"{path}: whoever used it last did not close it, and this can't be made up for by reading alone. Run "
                "the command once as a user who may write there."
            )
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            if _is_new(connection, path) or _layout(connection, path) != FILE_LAYOUT:
                raise StorageError(
                    f"{path}: has to be brought on first. Run the command once as a user who may write there."
                )
        except BaseException:
            connection.close()
            raise
    return connection


def _open(path: Path, tables: tuple[str, ...]) -> sqlite3.Connection:
    with explained(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        try:
            if _is_new(connection, path):
                _create(connection, tables)
            layout = _layout(connection, path)
            _prepare(connection)
            _migrate(connection, layout, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether nothing was ever stored, so that a creation that was cut off is simply done again."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION_ID:
        return False
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application or tables:
        raise ForeignFile(
            f"{path}: this database was not made by Relasi. Choose another data directory with --data, or move it away."
        )
    return True


def _create(connection: sqlite3.Connection, tables: tuple[str, ...]) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for table in tables:
        connection.execute(table)
    connection.execute("INSERT INTO settings VALUES ('layout', ?)", (str(FILE_LAYOUT),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _layout(connection: sqlite3.Connection, path: Path) -> int:
    row = connection.execute("SELECT value FROM settings WHERE key = 'layout'").fetchone()
    if row is None or not row[0].isdecimal() or int(row[0]) < 1:
        raise StorageDamaged(f"{path}: says nothing about its layout. Restore the data directory from a copy.")
    if int(row[0]) > FILE_LAYOUT:
        raise NewerLayout(
            f"{path}: written by a newer Relasi (layout {row[0]}; this one knows layouts up to {FILE_LAYOUT}). "
            "Upgrade Relasi, or choose another data directory with --data."
        )
    return int(row[0])


def _migrate(connection: sqlite3.Connection, layout: int, path: Path) -> None:
    """Bring the tables to the layout of this version, in one transaction a file: a crash leaves the old one whole."""
    if layout < SEPARATE:
        _step(connection, range(layout, SEPARATE - 1))
        _separate(connection, path)
        _step(connection, range(SEPARATE - 1, FILE_LAYOUT))


def _step(connection: sqlite3.Connection, layouts: range) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for earlier in layouts:
        for statement in MIGRATIONS[earlier]:
            connection.execute(statement)
    connection.execute("UPDATE settings SET value = ? WHERE key = 'layout'", (str(layouts.stop),))
    connection.execute("COMMIT")


def _separate(connection: sqlite3.Connection, path: Path) -> None:
    """Make the file of rows out of what the log holds of them.

    No commit spans two files. So the one is whole before anything is taken out of the other; a crash in between makes
    it anew, since nobody has written to it as long as the log says that there is none.
    """
    made = path.with_name(ROWS_NAME)
    for leftover in (made, *(made.with_name(made.name + end) for end in ("-wal", "-shm", "-journal"))):
        leftover.unlink(missing_ok=True)
    _open(made, ROWS_TABLES).close()
    connection.execute("ATTACH DATABASE ? AS made", (str(made),))
    connection.execute("PRAGMA made.synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _GIVEN:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("DETACH DATABASE made")


def _prepare(connection: sqlite3.Connection) -> None:
    # FULL: a commit survives a power cut. NORMAL would only keep the file consistent, and an import that said "done"
    # could be gone. It costs one fsync per commit: measured 0.2 ms for a tick, and nothing that could be told from
    # noise for a batch of megabytes.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync stops at the drive's cache
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_BYTES // PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
