"""``relasi query``: SQL over the views."""

import argparse
from typing import TYPE_CHECKING

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.looking import Look
    from streams.embedded.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("sql", metavar="SQL", help="one statement that reads, in ClickHouse's SQL")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="by default table")
    parser.add_argument("--edition", type=int, metavar="N", help="ask one that was in force before, and is kept")


def needs_session(args: argparse.Namespace) -> bool:
    """What is kept of an edition is nobody's."""
    return args.edition is None


def run(args: argparse.Namespace, session: "Look | Session | None", terminal: Terminal) -> int:
    """Answer the statement."""
    from streams.reports.format import render

    if session is None:
        return _ask_kept(args, terminal)
    session.bring_up_to_date()
    terminal.write_out(render(session.sink.query(args.sql), args.format))
    return 0


def _ask_kept(args: argparse.Namespace, terminal: Terminal) -> int:
    """Answer the statement from what is kept of an edition. Raises NotBuilt."""
    from contextlib import closing

    from streams.embedded.editions import kept_reports
    from streams.reports.chdb import ChdbSink
    from streams.reports.format import render
    from streams.reports.mirror import mirrored

    with mirrored(kept_reports(args.data, args.edition)) as reports, closing(ChdbSink(reports)) as sink:
        terminal.write_out(render(sink.query(args.sql), args.format))
    return 0
