"""The sink for a ClickHouse server: clickhouse-driver for statements and rows, HTTP for Avro containers."""

import contextlib
import http.client
import socket
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from clickhouse_driver import Client
from clickhouse_driver.errors import Error as DriverError

from streams.reports.blocks import insert
from streams.reports.ddl import split_statements, statements
from streams.reports.editions import (
    FIRST_EDITION,
    IN_FORCE,
    OF_AN_EDITION,
    database_of,
    edition_row,
    quoted,
    shown_from,
    view_of,
)
from streams.reports.editions import TABLE as EDITIONS_TABLE
from streams.reports.errors import ReportsError, first_line, refusal
from streams.reports.parameters import values
from streams.reports.sink import INSERT_SETTINGS, NAMES_OF_TOUCHPOINT, shaped
from streams.reports.types import arrow_column

_FORM: Final = "clickhouse://user:password@host:port/database?http_port=8123"
_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 300
# An insert arrives in several blocks, of which the server makes one part; by default it starts another at 256 MiB.
_INSERT_SETTINGS: Final = {**INSERT_SETTINGS, "min_insert_block_size_bytes": 0}


@dataclass(frozen=True)
class Address:
    """Where a server is, and as whom to speak to it."""

    host: str
    port: int
    http_port: int
    user: str
    password: str
    database: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read ``clickhouse://user:password@host:port/database?http_port=8123``. Raises ReportsError."""
        try:
            parts = urllib.parse.urlsplit(url)
            options = dict(urllib.parse.parse_qsl(parts.query, strict_parsing=bool(parts.query)))
            http_port = int(options.pop("http_port", "8123"))
            port = parts.port or 9000
        except ValueError as error:
            raise ReportsError(f"the URL of ClickHouse has a mistake ({error}); write {_FORM}") from error
        if parts.scheme != "clickhouse" or not parts.hostname or options:
            raise ReportsError(f"the URL of ClickHouse must look like {_FORM}")
        return cls(
            host=parts.hostname,
            port=port,
            http_port=http_port,
            user=urllib.parse.unquote(parts.username or "default"),
            password=urllib.parse.unquote(parts.password or ""),
            database=urllib.parse.unquote(parts.path.strip("/")) or "relasi",
        )


class _Connection:
    """One native connection; safe to use from several threads, which take turns. Connects when it is first used."""

    def __init__(self, address: Address, database: str) -> None:
        self._where = f"ClickHouse at {address.host}:{address.port}"
        self._turn = threading.Lock()
        self._client = Client(
            address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=database,
            client_name="relasi",
            compression="lz4",
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=_ANSWER_SECONDS,
            settings={"server_side_params": True},
        )

    def run(self, sql: str, parameters: object = None, **options: Any) -> Any:
        """Execute one statement. Raises ReportsError."""
        return self._do(sql, lambda client: client.execute(sql, parameters, **options))

    def insert(self, sql: str, rows: pa.Table) -> None:
        """Execute an INSERT of these rows. Raises ReportsError, UnfitRows."""
        self._do(sql, lambda client: insert(client, sql, rows, _INSERT_SETTINGS), rows=True)

    def _do(self, sql: str, work: Callable[[Client], Any], *, rows: bool = False) -> Any:
        with self._turn:
            try:
                return work(self._client)
            except (DriverError, OSError, EOFError) as error:
                # A server's message ends in its stack trace, which helps nobody here.
                reason = str(error).partition("Stack trace:")[0].strip()
                message = f"{self._where}: {reason}\n  in: {first_line(sql)}"
                code = error.code if isinstance(error, DriverError) else 0
                raise (refusal(message, reason, code) if rows else ReportsError(message)) from error

    def break_off(self) -> None:
        """Without a turn: whoever has it waits for an answer that does not come."""
        _cut(self._client.connection.socket)

    def close(self) -> None:
        with self._turn:
            self._client.disconnect()


def _cut(connected: socket.socket | None) -> None:
    if connected is not None:
        # It may just have been closed.
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


class ClickHouseSink:
    """Tables in a database of a server. See ``sink.Sink``.

    The first edition has the database of the address, and every later one a database of its own beside it. The views
    of the former show the edition in force.
    """

    def __init__(self, url: str, edition: int = FIRST_EDITION) -> None:
        """Take the address of a server; nothing is sent yet. Raises ReportsError for a URL with a mistake."""
        self._address = Address.parse(url)
        self._http: set[http.client.HTTPConnection] = set()
        self.report_edition(edition)

    def report_edition(self, number: int) -> None:
        """Read and write the tables of this edition from here on; nobody uses the sink now."""
        self._database = database_of(self._address.database, number)
        self._writer = _Connection(self._address, self._database)
        self._reader = _Connection(self._address, self._database)

    def create(self) -> None:
        """Create the databases and the tables that are missing, and all views anew."""
        self._create_database(self._address.database)
        base = _Connection(self._address, self._address.database)
        try:
            number = self._create_shown(base)
            for database in {self._database, database_of(self._address.database, number)} - {self._address.database}:
                self._create_of_edition(database)
            if number != FIRST_EDITION:
                self._show(base, number)
        finally:
            base.close()

    def _create_shown(self, base: _Connection) -> int:
        """The tables of the address's database; its views too, where they show the first edition. Which they show."""
        views = []
        for statement in statements():
            if view_of(statement) is None:
                base.run(statement)
            else:
                views.append(statement)
        number = int(base.run(IN_FORCE)[0][0]) or FIRST_EDITION
        for statement in views if number == FIRST_EDITION else ():
            base.run(statement)
        return number

    def _create_database(self, name: str) -> None:
        outside = _Connection(self._address, "default")
        outside.run(f"CREATE DATABASE IF NOT EXISTS {quoted(name)}")
        outside.close()

    def _create_of_edition(self, database: str) -> None:
        self._create_database(database)
        inside = _Connection(self._address, database)
        try:
            for statement in statements():
                inside.run(statement)
            # So its rows have the epochs of the logs that those of the editions before have.
            inside.run(f"INSERT INTO logs_raw SELECT * FROM {quoted(self._address.database)}.logs_raw")
        finally:
            inside.close()

    def _show(self, base: _Connection, number: int) -> None:
        """Have the views of the address's database show an edition."""
        inside = _Connection(self._address, database_of(self._address.database, number))
        try:
            for statement in statements():
                shown = shown_from(statement, self._address.database)
                if shown is not None:
                    (base if shown.common else inside).run(shown.text)
        finally:
            inside.close()

    def put_in_force(self, number: int, left_out: Sequence[str], now: int) -> None:
        """Have the views show an edition from ``now`` (ms) on, and the list of imports leave out what it leaves out."""
        self.create()
        base = _Connection(self._address, self._address.database)
        try:
            self._insert(base, EDITIONS_TABLE, edition_row(number, left_out, now))
        finally:
            base.close()
        self.create()

    def drop_edition(self, number: int) -> None:
        """Delete the reports of an edition that is not in force; what all editions share stays."""
        outside = _Connection(self._address, self._address.database)
        try:
            if number != FIRST_EDITION:
                outside.run(f"DROP DATABASE IF EXISTS {quoted(database_of(self._address.database, number))} SYNC")
            for table in OF_AN_EDITION if number == FIRST_EDITION else ():
                outside.run(f"TRUNCATE TABLE IF EXISTS {table}")
        finally:
            outside.close()

    def insert(self, table: str, rows: pa.Table) -> None:
        """Store rows of a raw table, in columns."""
        self._insert(self._writer, table, rows)

    def _insert(self, connection: _Connection, table: str, rows: pa.Table) -> None:
        fitting = shaped(table, rows)
        names = ", ".join(f"`{name}`" for name in fitting.column_names)
        connection.insert(f"INSERT INTO {table} ({names}) VALUES", fitting)

    def insert_touchpoints(self, container: bytes) -> None:
        """Send an Avro object container over HTTP; the server decodes it."""
        sql = f"INSERT INTO touchpoints_raw ({NAMES_OF_TOUCHPOINT}) FORMAT Avro"
        query = urllib.parse.urlencode(
            {"database": self._database, "query": sql, "wait_end_of_query": 1, **INSERT_SETTINGS}
        )
        headers = {"X-ClickHouse-User": self._address.user, "X-ClickHouse-Key": self._address.password}
        where = f"ClickHouse at {self._address.host}:{self._address.http_port} (HTTP)"
        connection = http.client.HTTPConnection(self._address.host, self._address.http_port, timeout=_CONNECT_SECONDS)
        self._http.add(connection)
        try:
            connection.connect()
            connection.sock.settimeout(_ANSWER_SECONDS)
            connection.request("POST", f"/?{query}", container, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
        except (http.client.HTTPException, OSError) as error:
            raise ReportsError(f"{where}: {error!r}\n  in: {sql}") from error
        finally:
            self._http.discard(connection)
            connection.close()
        code = answer.headers.get("X-ClickHouse-Exception-Code")
        if answer.status != http.client.OK or code:
            # Without a code it was somebody before the server who answered.
            raise refusal(f"{where}: {text or answer.reason}\n  in: {sql}", text, int(code) if code else 0)

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one statement that reads."""
        asked = split_statements(sql)
        if len(asked) != 1:
            raise ReportsError(f"{len(asked)} statements were given; ask one at a time")
        columns, heads = self._reader.run(
            asked[0], values(parameters), with_column_types=True, columnar=True, settings={"readonly": 2}
        )
        filled = columns or [()] * len(heads)
        arrays = [arrow_column(kind, column) for (_, kind), column in zip(heads, filled, strict=True)]
        return pa.Table.from_arrays(arrays, names=[name for name, _ in heads])

    def break_off(self) -> None:
        """Cut every connection over which an answer is waited for."""
        for connection in list(self._http):
            _cut(connection.sock)
        self._writer.break_off()
        self._reader.break_off()

    def close(self) -> None:
        """Close both connections."""
        self._reader.close()
        self._writer.close()
