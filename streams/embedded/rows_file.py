"""What was made of the log: a SQLite file with the rows of the customers, and the topics of what comes out.

One transaction stores the rows that changed, the header that says up to which offset of the log they are complete, and
the messages that came out until there, so a crash leaves all of them or none. The file is never the truth: whatever
becomes of it, the log gives it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from streams.embedded.database import Blob, Database, Opened
from streams.embedded.failures import explained
from streams.embedded.layout import ROWS_NAME, open_rows
from streams.embedded.turns import Turn

FILE_NAME: Final = ROWS_NAME
UNREPORTED: Final = "unreported"
"""The setting that says whether profiles of the checkpoint are still to be written to the reports: 0 or 1."""


class RowsFile(Database):
    """A connection to the rows in ``directory``, which must exist. See ``Database``."""

    def __init__(self, directory: Path, turn: Turn | None = None, opened: Opened = open_rows) -> None:
        super().__init__(directory / FILE_NAME, opened, turn)

    def put_checkpoint(self, partition: int, records: Iterable[tuple[Blob, Blob | None]]) -> None:
        """Store checkpoint records by key; a value of None deletes the key, as a tombstone would."""
        deleted: list[tuple[object, ...]] = []

        def kept() -> Iterator[tuple[object, ...]]:
            for key, value in records:
                if value is None:
                    deleted.append((partition, key))
                else:
                    yield partition, key, value

        self._write_all(
            "INSERT INTO checkpoint (partition, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (partition, key) DO UPDATE SET value = excluded.value",
            kept(),
        )
        self._write_all("DELETE FROM checkpoint WHERE partition = ? AND key = ?", deleted)

    def checkpoint(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """Every checkpoint record of the partition, read one by one; the greatest key first, so that rows come last."""
        with explained(self.path):
            yield from self._connection.execute(
                "SELECT key, value FROM checkpoint WHERE partition = ? ORDER BY key DESC", (partition,)
            )

    def checkpoint_of(self, partition: int, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The records of some keys, behind those that say something of the whole."""
        some = ", ".join("?" for _ in keys)
        with explained(self.path):
            yield from self._connection.execute(
                # Two parts: of one condition with OR the engine makes a walk over everybody (measured).
                "SELECT key, value FROM checkpoint WHERE partition = ? AND key >= x'ff' UNION ALL"
                f" SELECT key, value FROM checkpoint WHERE partition = ? AND key IN ({some})",
                (partition, partition, *keys),
            )
