"""``relasi rebuild``: read the past again under other rules, as the next edition."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from streams.commands.parsing import DATA
from streams.commands.progress import progress
from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from processors.policy.policy import Policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="as if this policy had been in force from the start"
    )
    parser.add_argument(
        "--forget", action="append", default=[], metavar="ID", help="as if this import had never come; more than once"
    )
    parser.add_argument("--layout", action="store_true", help="under the same rules: rows and reports are made anew")
    parser.add_argument("--data", type=Path, default=Path(DATA), metavar="DIR", help=f"data directory (default {DATA})")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not done, 2 an argument or a policy is wrong."""
    from streams.commands.held import WRONG, explained, policy_from

    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    if args.policy is None and not args.forget and not args.layout:
        terminal.note("relasi: say what is to change: --policy FILE, --forget ID or --layout")
        return WRONG
    return explained(
        terminal, lambda: build(args.data, terminal, policy=policy_from(args.policy), left_out=args.forget)
    )


def build(data: Path, terminal: Terminal, *, policy: "Policy | None" = None, left_out: Sequence[str] = ()) -> int:
    """Build the next edition of a data directory, put it in force and say so."""
    from streams.embedded.belonging import refuse_lost
    from streams.embedded.log import FILE_NAME

    if not (data / FILE_NAME).exists():
        refuse_lost(data)
        terminal.note(f"relasi: {data} holds nothing yet; begin with `relasi import FILE`, or see --data")
        return 1
    from streams.embedded.building import rebuilt

    with progress(terminal, str(data)) as report:
        edition = rebuilt(data, "relasi rebuild", policy=policy, left_out=left_out, progress=report)
    parts = [] if policy is None else [f"policy {policy.name!r} from the start ({policy.hash[:12]})"]
    parts += [f"without import {each}" for each in left_out]
    terminal.say(
        f"{data}: edition {edition.number} is in force: {', '.join(parts) or 'made anew under the same rules'}"
    )
    return 0
