"""``relasi unlink``: two ids were made one customer, and never were; the log is read again without their link."""

import argparse
import sys
from pathlib import Path

from streams.commands.parsing import DATA
from streams.commands.progress import progress
from streams.commands.terminal import Terminal

_REFUSED = "SELECT count() AS n FROM links WHERE why = 'unlinked' AND customer_id IN ({}, {})"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", metavar="ID", help="the known id that is not the customer's; see --anonymous")
    parser.add_argument(
        "customer", metavar="CUSTOMER", help="the known id that the touchpoints or the alias named with it"
    )
    parser.add_argument("--anonymous", action="store_true", help="ID is that of a device or visitor")
    parser.add_argument("--account", action="store_true", help="CUSTOMER is an account")
    parser.add_argument("--data", type=Path, default=Path(DATA), metavar="DIR", help=f"data directory (default {DATA})")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="define the next edition of the Kafka topics of these settings"
    )


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not done, or nothing had linked the two."""
    from streams.commands.held import explained

    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    if args.settings is not None:
        return explained(terminal, lambda: _define(args, terminal))
    return explained(terminal, lambda: _unlink(args, terminal))


def _apart(args: argparse.Namespace) -> str:
    """The two ids as an edition keeps them."""
    from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
    from streams.engine.edition import pair

    space = NAMESPACE_ANONYMOUS if args.anonymous else NAMESPACE_KNOWN
    return pair((space, args.id), (NAMESPACE_ACCOUNT if args.account else NAMESPACE_KNOWN, args.customer))


def _define(args: argparse.Namespace, terminal: Terminal) -> int:
    """On Kafka the workers of the next edition read the log again."""
    from streams.commands.rebuild import define

    return define(args.settings, terminal, unlinked=[_apart(args)])


def _unlink(args: argparse.Namespace, terminal: Terminal) -> int:
    from streams.commands.asking import Reports
    from streams.embedded.belonging import refuse_lost
    from streams.embedded.building import rebuilt
    from streams.embedded.log import FILE_NAME

    if not (args.data / FILE_NAME).exists():
        refuse_lost(args.data)
        terminal.note(f"relasi: {args.data} holds nothing yet; begin with `relasi import FILE`, or see --data")
        return 1
    with progress(terminal, str(args.data)) as report:
        edition = rebuilt(args.data, "relasi unlink", unlinked=[_apart(args)], progress=report)
    # Of the process that took the edition, where one holds the directory.
    with Reports(args.data, "relasi unlink") as reports:
        answer = reports.ask(_REFUSED.format(_literal(args.id), _literal(args.customer)))
    terminal.say(f"{args.data}: edition {edition.number} is in force: nothing links {args.id!r} with {args.customer!r}")
    if int(answer.column("n")[0].as_py()) == 0:
        terminal.note(
            "relasi: nothing in the log had linked these two; name the ids that the touchpoints or the alias named"
        )
        return 1
    return 0


def _literal(text: str) -> str:
    """A text in SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
