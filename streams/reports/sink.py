"""Where reports go: one protocol, spoken by the engine in this process and by a server."""

from collections.abc import Mapping
from typing import Final, Protocol

import pyarrow as pa

from streams.reports.errors import ReportsError
from streams.reports.tables import PLACE_COLUMNS, TABLES, TOUCHPOINT_COLUMNS

NAMES_OF_TOUCHPOINT: Final = ", ".join([*PLACE_COLUMNS, *TOUCHPOINT_COLUMNS])

# Settings of every insert. The batches are large already, so the server need not collect them (async_insert is on by
# default since 26.x). Rows of one batch may share a key; FINAL in the views sorts that out, and leaving it to them
# makes a touchpoint's insert 1.5 times as fast. A container written before a field was added leaves it at its default.
INSERT_SETTINGS: Final = {"async_insert": 0, "optimize_on_insert": 0, "input_format_avro_allow_missing_fields": 1}


class Sink(Protocol):
    """Tables that take rows and answer SQL. Everything inserted may be inserted again: it collapses."""

    def create(self) -> None:
        """Create what is missing of the tables, and the views anew. Raises ReportsError."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """Store rows of one of ``tables.TABLES``; when it returns, they are on disk.

        Raises ReportsError, and UnfitRows where no other answer is to be expected for these rows.
        """

    def insert_touchpoints(self, container: bytes) -> None:
        """Store the touchpoints of an Avro object container; when it returns, they are on disk.

        Raises ReportsError, and UnfitRows where no other answer is to be expected for these bytes.
        """

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one statement that reads; ``{name:Type}`` in it stands for a parameter. Raises ReportsError."""

    def close(self) -> None:
        """Let go of the engine or the connection. More than once does no harm."""


class RemoteSink(Sink, Protocol):
    """One that is asked over connections, of which a server that is half there keeps the other end open."""

    def break_off(self) -> None:
        """Have what is under way in other threads end with a ReportsError; whether it was done nobody knows."""


def shaped(table: str, rows: pa.Table) -> pa.Table:
    """Rows with the columns, order and types of their table. Raises ReportsError when they can't have them."""
    schema = TABLES.get(table)
    if schema is None:
        raise ReportsError(f"{table}: there is no such table; rows go into {', '.join(sorted(TABLES))}")
    missing = [name for name in schema.names if name not in rows.column_names]
    unknown = [name for name in rows.column_names if name not in schema.names]
    if missing or unknown:
        raise ReportsError(f"{table}: columns missing: {missing or 'none'}, unknown: {unknown or 'none'}")
    holes = [field.name for field in schema if not field.nullable and rows.column(field.name).null_count]
    if holes:
        # ClickHouse would quietly store a zero or an empty text for each of them.
        raise ReportsError(f"{table}: nulls in {', '.join(holes)}, which must have a value")
    try:
        return rows.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise ReportsError(f"{table}: the rows don't fit its columns ({error})") from error
