"""What can go wrong with the data directory, told so that the reader knows what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final


class StorageError(Exception):
    """The data directory cannot be used as it is; the message says where, why and what to do."""


class StorageFull(StorageError):
    """A write did not fit. The transaction that it belonged to left no trace."""


class StorageDamaged(StorageError):
    """The file holds something that is not what was written."""


class ForeignFile(StorageError):
    """The file is a database, but none of ours."""


class NewerLayout(StorageError):
    """The file was written by a later version."""


# SQLite reports a quota or a file size limit as a failed write, and a file system that fills up as SQLITE_FULL or as
# a failure to grow the shared-memory index.
_NO_ROOM: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# What the log gives again.
_REMEDIES: Final = {"rows.sqlite": "or have rows and reports made anew from the log: `relasi reports rebuild`."}
_FORBIDDEN: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file at ``path`` into ours; errors in the use of SQLite pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        meaning = _meaning(path, error)
        if meaning is None:
            raise
        raise meaning from error


def _meaning(path: Path, error: sqlite3.Error) -> StorageError | None:
    # Errors that Python's module raises by itself carry no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    kind = code & 0xFF
    if code in _NO_ROOM:
        return StorageFull(
            f"{path}: no room to write ({error}). Nothing of this step was stored or acknowledged. "
            "Free some space (or raise the quota or file size limit) and start again: it goes on where it stopped."
        )
    if kind in _DAMAGED:
        remedy = _REMEDIES.get(path.name, "or choose another one with --data and import again.")
        return StorageDamaged(
            f"{path}: this is not a readable database ({error}). Restore the data directory from a copy, {remedy}"
        )
    if kind in _FORBIDDEN:
        return StorageError(f"{path}: cannot be opened for writing ({error}). Check who owns it and its permissions.")
    if kind in _BUSY:
        return StorageError(f"{path}: another program keeps it locked ({error}). Close that program and start again.")
    if kind == sqlite3.SQLITE_IOERR:
        return StorageError(f"{path}: the disk reported an error ({error}). Check the disk before starting again.")
    return None
