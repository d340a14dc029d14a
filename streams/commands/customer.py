"""``relasi customer``: one relationship, now and then, with the evidence."""

import argparse
import json
from typing import TYPE_CHECKING, Final

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.looking import Look
    from streams.embedded.session import Session


_CALLED: Final = ("a known customer", "an anonymous one", "an account")
"""By namespace."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", metavar="ID", help="customer id, account, or anonymous id")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--known", action="store_true", help="the customer who is known by that id")
    which.add_argument("--account", action="store_true", help="the account with that id")
    which.add_argument("--anonymous", action="store_true", help="the device or visitor with that anonymous id")
    parser.add_argument("--json", action="store_true", help="the same as one JSON document, amounts in minor units")


def run(args: argparse.Namespace, session: "Look | Session", terminal: Terminal) -> int:
    """Show the customer; 1: there is none, 2: there are several by that id, and it was not said which."""
    from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, NAMESPACES
    from streams.commands.customer_document import document, row_number
    from streams.commands.customer_text import as_text

    session.bring_up_to_date()
    partition = session.partition_with(args.id)
    # A row from before rows said their namespace is found in all, and is one.
    numbers: dict[int, int] = {}
    asked = {NAMESPACE_KNOWN: args.known, NAMESPACE_ACCOUNT: args.account, NAMESPACE_ANONYMOUS: args.anonymous}
    for namespace, wanted in asked.items():
        number = row_number(partition.table, args.id, namespace)
        if number >= 0 and (wanted or not any(asked.values())):
            # Whoever became one with another customer is shown as that one.
            numbers.setdefault(partition.holder_of(number), namespace)
    if len(numbers) > 1:
        called = [_CALLED[namespace] for namespace in numbers.values()]
        says = [f"--{NAMESPACES[namespace]}" for namespace in numbers.values()]
        terminal.note(f"relasi: {args.id!r} is {' and '.join(called)}; say {' or '.join(says)}")
        return 2
    found = document(partition, session.sink, next(iter(numbers))) if numbers else None
    if found is None:
        terminal.note(f"relasi: no customer {args.id!r} in {session.directory}")
        return 1
    terminal.say(json.dumps(found, ensure_ascii=False, indent=2) if args.json else as_text(found))
    return 0
