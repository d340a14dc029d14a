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


def run(args: argparse.Namespace, session: "Look | Session", terminal: Terminal) -> int:
    """Answer the statement."""
    from streams.reports.format import render

    session.bring_up_to_date()
    terminal.write_out(render(session.sink.query(args.sql), args.format))
    return 0
