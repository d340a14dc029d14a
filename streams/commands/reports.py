"""``relasi reports``: create the tables and views on the ClickHouse server of the settings."""

import argparse
import sys
from pathlib import Path

from streams.settings import SettingsError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=["apply"], help="create the tables that are missing, and all views anew")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """Create what deploy/clickhouse declares, in order: 0 done, 1 the server refused or is away, 2 a wrong setting."""
    from streams.logs import configure
    from streams.reports.clickhouse import Address, ClickHouseSink
    from streams.reports.errors import ReportsError

    configure("text")
    try:
        settings = load(args.settings)
        if not settings.clickhouse:
            raise SettingsError(
                "RELASI_CLICKHOUSE is empty, so there is no server to create tables on; write "
                "clickhouse://user:password@host:port/database?http_port=8123"
            )
        where = Address.parse(settings.clickhouse)
    except (SettingsError, ReportsError) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    sink = ClickHouseSink(settings.clickhouse)
    try:
        sink.create()
        views = sink.query("SELECT name, engine = 'View' AS view FROM system.tables WHERE database = currentDatabase()")
    except ReportsError as error:
        sys.stderr.write(f"relasi: RELASI_CLICKHOUSE: {error}\n")
        return 1
    finally:
        sink.close()
    kinds = views.column("view").to_pylist()
    sys.stdout.write(
        f"{where.database} on {where.host}:{where.port}: {kinds.count(0)} tables and {kinds.count(1)} views are there\n"
    )
    return 0
