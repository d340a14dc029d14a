"""The tables of the embedded log, and the opening of the file that holds them, also of one with an earlier layout."""

import sqlite3
from pathlib import Path
from typing import Final

from streams.embedded.failures import ForeignFile, NewerLayout, StorageDamaged, explained

FILE_LAYOUT: Final = 3

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
TABLES: Final = (
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE batches (topic TEXT NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL,"
    " last_offset INTEGER NOT NULL, batch BLOB NOT NULL)",
    "CREATE UNIQUE INDEX batches_in_order ON batches (topic, partition, last_offset)",
    _CHECKPOINT,
    _POSITIONS,
    "CREATE TABLE imports (content_key TEXT PRIMARY KEY, source TEXT NOT NULL, rows_total INTEGER NOT NULL,"
    " rows_done INTEGER NOT NULL, known INTEGER NOT NULL, rejects INTEGER NOT NULL, state TEXT NOT NULL,"
    " started INTEGER NOT NULL, finished INTEGER, import_id TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
)
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
}


def open_file(path: Path) -> sqlite3.Connection:
    """Open the log at ``path``, creating it when it is missing or empty.

    The connection is in autocommit mode: transactions begin and end where the caller says. Raises ``ForeignFile``,
    ``NewerLayout``, ``StorageDamaged`` or ``StorageError``.
    """
    with explained(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        try:
            if _is_new(connection, path):
                _create(connection)
            layout = _layout(connection, path)
            _prepare(connection)
            _migrate(connection, layout)
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


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
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


def _migrate(connection: sqlite3.Connection, layout: int) -> None:
    """Bring the tables to the layout of this version, in one transaction: a crash leaves the old one whole."""
    if layout == FILE_LAYOUT:
        return
    connection.execute("BEGIN IMMEDIATE")
    for earlier in range(layout, FILE_LAYOUT):
        for statement in MIGRATIONS[earlier]:
            connection.execute(statement)
    connection.execute("UPDATE settings SET value = ? WHERE key = 'layout'", (str(FILE_LAYOUT),))
    connection.execute("COMMIT")


def _prepare(connection: sqlite3.Connection) -> None:
    # FULL: a commit survives a power cut. NORMAL would only keep the file consistent, and an import that said "done"
    # could be gone. It costs one fsync per commit: measured 0.2 ms for a tick, and nothing that could be told from
    # noise for a batch of megabytes.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync stops at the drive's cache
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_BYTES // PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
