"""A SQLite file of ours: topics of record batches, how far readers have come in them, settings; in transactions.

Only one process may use a data directory at a time (see ``streams.embedded.lock``). Each connection belongs to the
thread that has opened it; several take turns at writing, and each looks up within its transaction where a topic ends.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from streams.embedded.failures import explained
from streams.embedded.turns import Turn
from streams.log.headers import offsets_of

Blob = bytes | memoryview
Opened = Callable[[Path], sqlite3.Connection]
READ_BYTES: Final = 4 * 1024 * 1024
ENGINE: Final = "engine"
"""The reader whose positions go with the checkpoint."""


class Position(NamedTuple):
    """A reader has acknowledged every record of a topic's partition below ``next_offset``."""

    reader: str
    topic: str
    partition: int
    next_offset: int


class Database:
    """A connection to a file in a directory that exists. ``opened`` gives the connection.

    Reading is always possible; every method that writes must be called within ``transaction()``. All methods raise
    ``StorageError``, and ``StorageFull`` when a write finds no room. ``turn``: shared with the other connections of
    this process to the same file, where there are any.
    """

    def __init__(self, path: Path, opened: Opened, turn: Turn | None = None) -> None:
        self.path: Final = path
        self.turn: Final = turn or Turn()
        self._connection: Final = opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it; an open transaction is lost."""
        with explained(self.path):
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of the block, durably, or none of them when it raises. Not to be nested."""
        if self._connection.in_transaction:
            raise RuntimeError("a transaction is open already; what belongs together belongs in one block")
        with self.turn:
            with explained(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                with explained(self.path):
                    self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def append(self, topic: str, partition: int, batch: bytes, base_offset: int, last_offset: int) -> None:
        """Store one record batch (format v2) whose bytes say that it holds ``base_offset`` to ``last_offset``.

        Raises ``ValueError`` unless it begins exactly at the partition's end, and the bytes agree with the arguments.
        """
        stated = offsets_of(batch)
        if stated != (base_offset, last_offset):
            raise ValueError(f"the batch holds offsets {stated}, not {(base_offset, last_offset)}")
        end = self.end_offset(topic, partition)
        if base_offset != end:
            raise ValueError(f"{topic} {partition} ends at offset {end}; a batch at {base_offset} does not continue it")
        self._write(
            "INSERT INTO batches (topic, partition, base_offset, last_offset, batch) VALUES (?, ?, ?, ?, ?)",
            (topic, partition, base_offset, last_offset, batch),
        )

    def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next record gets: one more than the last stored, 0 when there is none."""
        (last,) = self._row(
            "SELECT max(last_offset) FROM batches WHERE topic = ? AND partition = ?", (topic, partition)
        ) or (None,)
        return 0 if last is None else int(last) + 1

    def read(self, topic: str, partition: int, wanted: int, max_bytes: int = READ_BYTES) -> bytes:
        """Consecutive record batches, the first being the one that contains offset ``wanted``; empty at the end.

        At least one batch, and no more than ``max_bytes`` unless that one is longer.
        """
        last = self._last_offset_within(topic, partition, wanted, max_bytes)
        if last is None:
            return b""
        rows = self._rows(
            "SELECT batch FROM batches WHERE topic = ? AND partition = ? AND last_offset BETWEEN ? AND ?"
            " ORDER BY last_offset",
            (topic, partition, wanted, last),
        )
        return rows[0][0] if len(rows) == 1 else b"".join(row[0] for row in rows)

    def put_position(self, reader: str, topic: str, partition: int, next_offset: int) -> None:
        """Acknowledge for a reader every record of a topic's partition below ``next_offset``."""
        self._write(
            "INSERT INTO positions (reader, topic, partition, next_offset) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (reader, topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
            (reader, topic, partition, next_offset),
        )

    def position(self, reader: str, topic: str, partition: int) -> int:
        """The first offset that a reader has not acknowledged; 0 for one that has acknowledged nothing."""
        row = self._row(
            "SELECT next_offset FROM positions WHERE reader = ? AND topic = ? AND partition = ?",
            (reader, topic, partition),
        )
        return int(row[0]) if row else 0

    def positions(self) -> list[Position]:
        """How far every reader has come, by reader, topic and partition."""
        rows = self._rows("SELECT reader, topic, partition, next_offset FROM positions ORDER BY 1, 2, 3", ())
        return [Position(*row) for row in rows]

    def put_setting(self, key: str, value: str) -> None:
        """Store one setting. The key ``layout`` belongs to the file itself."""
        if key == "layout":
            raise ValueError("the layout of the file is not a setting to be changed")
        self._write("REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value))

    def setting(self, key: str) -> str | None:
        """The stored value, or None."""
        row = self._row("SELECT value FROM settings WHERE key = ?", (key,))
        return str(row[0]) if row else None

    def _last_offset_within(self, topic: str, partition: int, wanted: int, max_bytes: int) -> int | None:
        """Last offset of the last batch that still fits. Lengths are read without the blobs themselves."""
        with explained(self.path):
            sizes = self._connection.execute(
                "SELECT last_offset, length(batch) FROM batches WHERE topic = ? AND partition = ? AND last_offset >= ?"
                " ORDER BY last_offset",
                (topic, partition, wanted),
            )
            found, total = None, 0
            for last_offset, size in sizes:
                total += size
                if found is not None and total > max_bytes:
                    break
                found = int(last_offset)
            sizes.close()
        return found

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        self._write_all(sql, (values,))

    def _write_all(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        if not self._connection.in_transaction:
            raise RuntimeError("writes belong in a `with log.transaction():` block")
        with explained(self.path):
            self._connection.executemany(sql, rows)

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _row(self, sql: str, values: tuple[object, ...]) -> Any:
        rows = self._rows(sql, values)
        return rows[0] if rows else None

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself after most failures of the disk. Where the rollback fails too, the first
        # error is the one to tell, and the file is sound all the same: nothing of the transaction is marked committed.
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
