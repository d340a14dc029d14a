"""``relasi customer``: one relationship, now and then, with the evidence."""

import argparse
import json
from typing import TYPE_CHECKING

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", metavar="ID", help="customer id, or anonymous id")
    parser.add_argument("--json", action="store_true", help="the same as one JSON document, amounts in minor units")


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Show the customer, or say that there is none."""
    from streams.commands.customer_document import document
    from streams.commands.customer_text import as_text

    session.runner.report()
    found = document(session.runner.partition, session.sink, args.id)
    if found is None:
        terminal.note(f"relasi: no customer {args.id!r} in {session.directory}")
        return 1
    terminal.say(json.dumps(found, ensure_ascii=False, indent=2) if args.json else as_text(found))
    return 0
