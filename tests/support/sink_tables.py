"""The tables behind a sink, as nobody but a test touches them: statements that change them, and none of their rows."""

from typing import Final

from streams.reports.chdb import ChdbSink
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.sink import Sink

_WITH_ROWS: Final = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"


def run(sink: Sink, sql: str) -> None:
    """Execute a statement that changes the tables."""
    if isinstance(sink, ChdbSink):
        sink._writer.run(sql, {})
    else:
        assert isinstance(sink, ClickHouseSink)
        sink._writer.run(sql)


def empty(sink: Sink) -> None:
    """Remove the rows of all tables: a hundredth of the time that making them takes."""
    for name in sink.query(_WITH_ROWS)["name"].to_pylist():
        run(sink, f"TRUNCATE TABLE {name}")
    assert sink.query(_WITH_ROWS).num_rows == 0
