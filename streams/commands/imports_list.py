"""``relasi imports``: what was imported, how it was read, and what came of it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.looking import Look
    from streams.embedded.session import Session
    from streams.reports.sink import Sink

_ALL: Final = """
SELECT id, file, at, rows, known, rejects, customers, purchases,
    arrayStringConcat(arrayMap((code, minor) -> concat(toString(minor), ' ', code), currencies, money_in_minor), ', ')
        AS money_in_minor,
    arrayStringConcat(
        arrayMap((code, minor) -> concat(toString(minor), ' ', code), currencies, money_back_minor), ', '
    ) AS money_back_minor,
    mapping
FROM imports ORDER BY at, id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="by default table")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="ask the ClickHouse of these settings instead (the Kafka shell)"
    )


def needs_session(args: argparse.Namespace) -> bool:
    """A server is asked without a data directory."""
    return args.settings is None


def run(args: argparse.Namespace, session: "Look | Session | None", terminal: Terminal) -> int:
    """Write the list."""
    if session is not None:
        session.bring_up_to_date()
        return _write(session.sink, args.format, terminal)
    from contextlib import closing

    from streams.reports.clickhouse import ClickHouseSink
    from streams.settings import SettingsError, load

    try:
        settings = load(args.settings)
    except SettingsError as error:
        terminal.note(f"relasi: {error}")
        return 2
    if not settings.clickhouse:
        terminal.note(f"relasi: {args.settings} names no ClickHouse, and so there is no list of imports")
        return 2
    with closing(ClickHouseSink(settings.clickhouse)) as sink:
        return _write(sink, args.format, terminal)


def _write(sink: "Sink", form: str, terminal: Terminal) -> int:
    from streams.reports.format import render

    terminal.write_out(render(sink.query(_ALL), form))
    return 0
