"""The embedded sink: the ClickHouse engine in this process (chDB), its tables in a directory.

Measured with chDB 4.4.0: a process can have one directory open at a time, and a directory one process; connections to
the same directory share the engine, and the last one to close lets go of it, so that another directory can be opened.
A connection answers one statement at a time. Importing chdb takes a second, changes the working directory for a moment,
and leaves Python's own handlers of SIGINT and SIGTERM in place.
"""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import chdb
import pyarrow as pa
import pyarrow.parquet as pq

from streams.reports.ddl import split_statements, statements
from streams.reports.errors import ReportsError, first_line, refusal
from streams.reports.parameters import fields, values
from streams.reports.parts import Parts
from streams.reports.sink import INSERT_SETTINGS, NAMES_OF_TOUCHPOINT, shaped
from streams.reports.tables import FEW_VALUES, PLACE_COLUMNS, TABLES, TOUCHPOINT_COLUMNS

DATABASE: Final = "relasi"
_TOUCHPOINTS: Final = "touchpoints_raw"
_STRUCTURE: Final = ", ".join(f"{name} {kind}" for name, kind in {**PLACE_COLUMNS, **TOUCHPOINT_COLUMNS}.items())
_PARQUET_MAGIC: Final = b"PAR1"
# Answers come as Parquet: in its Arrow format the engine writes a DateTime as a plain number and an Enum as its code.
_ANSWER: Final = "Parquet"
_ANSWER_SETTINGS: Final = {
    "output_format_parquet_compression_method": "none",
    "output_format_parquet_write_bloom_filter": 0,
    "output_format_parquet_write_page_index": 0,
}
_TABLES: Final = "SELECT name FROM system.tables WHERE database = currentDatabase()"
_BROKEN: Final = """
SELECT name FROM system.detached_parts
WHERE database = currentDatabase() AND startsWith(ifNull(reason, ''), 'broken')
"""
_ROOM_BYTES: Final = 64 * 2**20
# An answer over 7 parts took up to 1.4 times as long as over 2 (measured), so they are merged once nobody imports.
UNMERGED_PARTS: Final = 24
# What a connection string or the function file() would take for something else than a part of a name.
_NOT_IN_A_PATH: Final = frozenset("?*{}")


class _Connection:
    """One connection; safe to use from several threads, which take turns."""

    def __init__(self, directory: Path, settings: Mapping[str, object]) -> None:
        connect: Callable[[str], Any] = chdb.connect
        try:
            self._engine = connect(str(directory))
        except RuntimeError as error:
            raise ReportsError(
                f"{directory}: the reports can't be opened ({error}); only one process at a time may use them, and if "
                "none does, the line that the engine wrote above says more; where they are damaged, `relasi reports "
                "rebuild` makes them anew from the log"
            ) from error
        self._turn = threading.Lock()
        self.run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}", {})
        self.run(f"USE {DATABASE}", {})
        told = ", ".join(f"{name} = '{value}'" for name, value in {**_ANSWER_SETTINGS, **settings}.items())
        self.run(f"SET {told}", {})

    def run(self, sql: str, parameters: Mapping[str, str], *, rows: bool = False) -> pa.Table:
        """Execute one statement; its result, or a table without columns. Raises ReportsError.

        ``rows``: it stores some, so that UnfitRows may be raised as well.
        """
        with self._turn:
            if self._engine is None:
                raise ReportsError(f"the reports are closed\n  in: {first_line(sql)}")
            try:
                answer = self._engine.query(sql, _ANSWER, params=dict(parameters)).bytes()
            except Exception as error:
                # chDB raises its own ChdbError, and a bare RuntimeError from below it.
                message = f"{error}\n  in: {first_line(sql)}"
                raise (refusal(message, str(error)) if rows else ReportsError(message)) from error
        return _read(answer, sql)

    def close(self) -> None:
        with self._turn:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


def _read(answer: bytes, sql: str) -> pa.Table:
    if not answer:
        return pa.table({})
    if not answer.startswith(_PARQUET_MAGIC):
        raise ReportsError(f"the answer came in another format; leave FORMAT out\n  in: {first_line(sql)}")
    # Not read_table: it imports the data sets of pyarrow, and these pandas, which takes half a second.
    table = pq.ParquetFile(pa.BufferReader(answer)).read()
    for index, field in enumerate(table.schema):
        if field.type in (pa.string(), pa.binary()):
            table = table.set_column(index, field.name, _text_or_bytes(table.column(index)))
    return table


def _text_or_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A String of ClickHouse may hold any bytes; those that are no UTF-8 must not be called text."""
    raw = column.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return raw


def _coded(rows: pa.Table) -> pa.Table:
    """The rows with dictionaries for columns of few values: 433,584 judgements are 61 MB and not 104 (measured)."""
    for index, field in enumerate(rows.schema):
        if field.name in FEW_VALUES and field.type == pa.string():
            rows = rows.set_column(index, field.name, rows.column(index).dictionary_encode())
    return rows


def _digest() -> str:
    return hashlib.sha256("\0".join(statements()).encode()).hexdigest()


class ChdbSink:
    """Tables in a directory of this machine. See ``sink.Sink``."""

    def __init__(self, directory: Path) -> None:
        """Open the directory, which is created if need be. Raises ReportsError, also when another one is open."""
        directory = directory.resolve()
        if _NOT_IN_A_PATH & set(str(directory)):
            raise ReportsError(f"{directory}: the engine can't use a path with one of ? * {{ }}; choose another name")
        self._created = directory / "created"
        self._incoming = directory / "incoming"
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportsError(f"{directory}: the reports can't be created ({error})") from error
        self._writer = _Connection(directory, INSERT_SETTINGS)
        try:
            # readonly = 2 keeps questions from changing the tables, and still lets them choose settings.
            self._reader = _Connection(directory, {"readonly": 2})
            self._parts = Parts(self._writer.run)
            self._parts.trust([_TOUCHPOINTS, *TABLES])
        except ReportsError:
            self._writer.close()
            raise
        self._inserting = threading.Lock()
        self._held: set[str] = set()

    def is_current(self) -> bool:
        """Whether this very DDL has been run here. Raises OSError."""
        return self._created.is_file() and self._created.read_text() == _digest()

    def create(self) -> None:
        """Create the tables that are missing, and all views anew, unless this very DDL has been run here.

        The engine doesn't notice either when the definition of a view is cut short by a full disk, and can never open
        the directory again (measured). So definitions are written rarely, and only while there is room.
        """
        try:
            if self.is_current():
                return
            free = shutil.disk_usage(self._created.parent).free
            if free < _ROOM_BYTES:
                raise ReportsError(f"{self._created.parent}: only {free} bytes are free; make room for {_ROOM_BYTES}")
            for statement in statements():
                self._writer.run(statement, {})
            self._created.write_text(_digest())
        except OSError as error:
            raise ReportsError(f"{self._created.parent}: the tables could not be created ({error})") from error

    def torn(self) -> bool:
        """Whether tables are missing, or parts of them were set aside because they were not whole."""
        there = set(self._writer.run(_TABLES, {})["name"].to_pylist())
        return not {_TOUCHPOINTS, *TABLES} <= there or self._writer.run(_BROKEN, {}).num_rows > 0

    def insert(self, table: str, rows: pa.Table) -> None:
        """Store rows of a raw table: 1.5 µs per transition, 10 ms at the least (measured, synced and checked)."""
        fitting = _coded(shaped(table, rows))
        names = ", ".join(f"`{name}`" for name in fitting.column_names)

        def write(path: Path) -> None:
            with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, fitting.schema) as writer:
                writer.write_table(fitting)

        sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM file({{path:String}}, 'Arrow')"
        self._load(table, sql, write)

    def insert_touchpoints(self, container: bytes) -> None:
        """Store the touchpoints of an Avro object container, which the engine decodes: 1.8 µs per row (measured)."""
        sql = (
            f"INSERT INTO {_TOUCHPOINTS} ({NAMES_OF_TOUCHPOINT}) SELECT {NAMES_OF_TOUCHPOINT} "
            "FROM file({path:String}, 'Avro', {structure:String})"
        )
        self._load(_TOUCHPOINTS, sql, lambda path: path.write_bytes(container))

    def _load(self, table: str, sql: str, write: Callable[[Path], object]) -> None:
        with self._inserting:
            path = self._incoming / table
            try:
                write(path)
                self._writer.run(sql, fields({"path": str(path), "structure": _STRUCTURE}), rows=True)
            except OSError as error:
                raise ReportsError(
                    f"{table}: rows could not be written to {path} ({error}). Free some space and start again: what "
                    "was acknowledged is kept, and everything else is done again"
                ) from error
            finally:
                path.unlink(missing_ok=True)
            if self._parts.verify(table) > UNMERGED_PARTS and table in self._held:
                self._held.discard(table)
                self._writer.run(f"SYSTEM START MERGES {table}", {})

    @contextmanager
    def without_merges(self) -> Iterator[None]:
        """Leave parts as they are while much is stored, for as long as a table has no more than UNMERGED_PARTS.

        Meanwhile merges took a third of the processor that storing a million touchpoints takes (measured). Afterwards
        they go on, in whichever process has the tables open. Not to be nested.
        """
        with self._inserting:
            self._held = {_TOUCHPOINTS, *TABLES}
            self._writer.run("SYSTEM STOP MERGES", {})
        try:
            yield
        finally:
            with self._inserting:
                self._held = set()
                self._writer.run("SYSTEM START MERGES", {})

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one statement that reads."""
        asked = split_statements(sql)
        if len(asked) != 1:
            raise ReportsError(f"{len(asked)} statements were given; ask one at a time")
        return self._reader.run(asked[0], fields(values(parameters)))

    def close(self) -> None:
        """Let go of the directory."""
        self._reader.close()
        self._writer.close()
