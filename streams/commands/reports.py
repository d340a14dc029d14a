"""``relasi reports``: tables and views on the ClickHouse server of the settings; a data directory's reports anew."""

import argparse
import sys
from pathlib import Path

from streams.commands.parsing import DATA
from streams.commands.progress import progress
from streams.commands.terminal import Terminal
from streams.settings import SettingsError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        choices=["apply", "rebuild"],
        help="apply: create the tables that are missing on a ClickHouse server, and all views anew; rebuild: make the "
        "reports of a data directory anew from its log",
    )
    parser.add_argument("--data", type=Path, default=Path(DATA), metavar="DIR", help=f"for rebuild (default {DATA})")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not done, 2 a wrong setting."""
    if args.action == "rebuild":
        from streams.commands.held import explained

        terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
        return explained(terminal, lambda: _rebuild(args.data, terminal))
    return _apply(args)


def _rebuild(data: Path, terminal: Terminal) -> int:
    from streams.embedded.belonging import refuse_lost
    from streams.embedded.log import FILE_NAME
    from streams.embedded.session import remade

    if not (data / FILE_NAME).exists():
        refuse_lost(data)
        terminal.note(f"relasi: {data} holds nothing yet; begin with `relasi import FILE`, or see --data")
        return 1
    with progress(terminal, str(data)) as report:
        records = remade(data, "relasi reports rebuild", report)
    terminal.say(f"{data}: the reports are made anew from {records:,} records of the log")
    return 0


def _apply(args: argparse.Namespace) -> int:
    """Create what deploy/clickhouse declares, in order."""
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
