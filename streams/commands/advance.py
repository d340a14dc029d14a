"""``relasi advance``: let time pass, as a question or for good."""

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Final

from streams.clock import parse_instant, show_instant
from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.session import Session

_EXAMPLES: Final = 10


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--to", type=_instant, required=True, metavar="INSTANT", help="such as 1998-12-31")
    parser.add_argument("--commit", action="store_true", help="write it to the log; otherwise nothing is changed")


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Show what silence would end by then; with --commit, let it."""
    from streams.outputs.transitions import transitions_table

    runner = session.runner
    partition = runner.partition
    if args.to <= partition.time:
        terminal.note(f"relasi: time stands at {show_instant(partition.time)} already, and only moves forward")
        return 2
    ahead, applied = runner.ahead(args.to)
    moved = transitions_table([applied], ahead).sort_by([("at", "ascending"), ("customer_id", "ascending")])
    changes = Counter(zip(moved["from_stage"].to_pylist(), moved["to_stage"].to_pylist(), strict=True))
    verb = "changes" if args.commit else "would change"
    terminal.say(f"Up to {show_instant(args.to)}, silence {verb} {moved.num_rows:,} relationships")
    for (before, after), count in changes.most_common():
        terminal.say(f"  {count:>9,}  {before} → {after}")
    for row in moved.slice(0, _EXAMPLES).to_pylist():
        terminal.say(f"  {row['at']:%Y-%m-%d %H:%M}  {row['customer_id']}: {row['from_stage']} → {row['to_stage']}")
    if args.commit:
        runner.tick(args.to)
        runner.settle()
        terminal.say("Committed to the log.")
    return 0
