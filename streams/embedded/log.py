"""The embedded log: one SQLite file with the record batches of what came in, and what was imported.

It is the truth: everything else in the directory is made from it, and can be made again. What is made of it lies in a
file of its own (``streams.embedded.rows_file``), so that whoever appends never waits for a checkpoint.
"""

import base64
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

import pyarrow as pa

from streams.embedded.database import Database, Opened
from streams.embedded.layout import open_log
from streams.embedded.turns import Turn

FILE_NAME: Final = "relasi.sqlite"
REFUSED: Final = "relasi.refused.v1"
"""The topic of what never became a record of the log: rows of files, and events that the collector refused. They go on
to the topic of rejects with the next checkpoint."""


@dataclass(frozen=True)
class ImportProgress:
    """How far one import has come. ``content_key`` identifies the content of the file and its mapping.

    ``rows_done`` of ``rows_total`` rows were read; of these ``known`` were stored before and ``rejects`` were refused.
    ``started`` and ``finished`` are milliseconds since 1970. ``import_id`` is what its touchpoints name; empty where
    they named none yet.
    """

    content_key: str
    source: str
    rows_total: int
    rows_done: int
    known: int
    rejects: int
    state: str
    started: int
    finished: int | None
    import_id: str = ""


_TOLD: Final = "told of import "
_IMPORT_COLUMNS: Final = ", ".join(field.name for field in fields(ImportProgress))
_IMPORT_VALUES: Final = ", ".join("?" for _ in fields(ImportProgress))


class Log(Database):
    """A connection to the log in ``directory``, which must exist. See ``Database``."""

    def __init__(self, directory: Path, turn: Turn | None = None, opened: Opened = open_log) -> None:
        super().__init__(directory / FILE_NAME, opened, turn)

    def put_import(self, progress: ImportProgress) -> None:
        """Remember how far an import has come, in place of what was remembered of it."""
        self._write(f"REPLACE INTO imports ({_IMPORT_COLUMNS}) VALUES ({_IMPORT_VALUES})", astuple(progress))

    def find_import(self, content_key: str) -> ImportProgress | None:
        """What is remembered of the import of that content."""
        row = self._row(f"SELECT {_IMPORT_COLUMNS} FROM imports WHERE content_key = ?", (content_key,))
        return ImportProgress(*row) if row else None

    def forget_import(self, import_id: str) -> None:
        """Remember an import no more: its content may be imported again."""
        self._write("DELETE FROM imports WHERE import_id = ?", (import_id,))

    def imports(self) -> list[ImportProgress]:
        """Every import, the oldest first."""
        rows = self._rows(f"SELECT {_IMPORT_COLUMNS} FROM imports ORDER BY started, content_key", ())
        return [ImportProgress(*row) for row in rows]

    def put_told(self, import_id: str, row: pa.Table) -> None:
        """Keep what the reports are told of an import: no record of the log says it."""
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, row.schema) as writer:
            writer.write_table(row)
        self.put_setting(_TOLD + import_id, base64.b64encode(out.getvalue()).decode())

    def told(self) -> list[pa.Table]:
        """What the reports were told of every import."""
        rows = self._rows("SELECT value FROM settings WHERE key >= ? AND key < ? ORDER BY key", (_TOLD, _TOLD + "~"))
        return [pa.ipc.open_stream(base64.b64decode(value)).read_all() for (value,) in rows]
