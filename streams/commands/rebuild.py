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
    from streams.embedded.session import Session


def an_id(text: str) -> str:
    """An id as it was copied, perhaps with what stood around it: lines of CSV end with a carriage return."""
    return text.strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="as if this policy had been in force from the start"
    )
    parser.add_argument(
        "--forget",
        action="append",
        default=[],
        type=an_id,
        metavar="ID",
        help="as if this import had never come; more than once",
    )
    parser.add_argument("--layout", action="store_true", help="under the same rules: rows and reports are made anew")
    parser.add_argument(
        "--keep", action="store_true", help="keep what was in force until then, for `relasi query --edition`"
    )
    parser.add_argument("--drop", type=int, metavar="N", help="delete what is kept of an edition, and nothing else")
    parser.add_argument("--data", type=Path, default=Path(DATA), metavar="DIR", help=f"data directory (default {DATA})")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="define the next edition of the Kafka topics of these settings"
    )
    # What whoever builds says to the process that runs.
    parser.add_argument("--begin", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--switch", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not done, 2 an argument or a policy is wrong."""
    from streams.commands.held import WRONG, explained, policy_from

    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    changes = args.policy is not None or bool(args.forget) or args.layout
    if changes == (args.drop is not None) or args.begin or args.switch:
        terminal.note("relasi: say what is to change: --policy FILE, --forget ID or --layout; or --drop N alone")
        return WRONG
    if args.settings is not None:
        if args.drop is not None or args.keep:
            terminal.note("relasi: on Kafka every edition is kept until `relasi switch --drop N`")
            return WRONG
        return explained(
            terminal, lambda: define(args.settings, terminal, policy=policy_from(args.policy), left_out=args.forget)
        )
    if args.drop is not None:
        return explained(terminal, lambda: _drop(args.data, args.drop, terminal))
    return explained(
        terminal,
        lambda: build(args.data, terminal, policy=policy_from(args.policy), left_out=args.forget, keep=args.keep),
    )


def answer(args: argparse.Namespace, session: "Session") -> int:
    """The part that the process does which holds the directory. Raises NotBuilt."""
    if args.switch:
        from streams.embedded.editions import built_edition

        session.go_on_with_edition(built_edition(session.directory), keep=args.keep)
    return 0


def build(
    data: Path,
    terminal: Terminal,
    *,
    policy: "Policy | None" = None,
    left_out: Sequence[str] = (),
    keep: bool = False,
) -> int:
    """Build the next edition of a data directory, put it in force and say so."""
    if not _holds_something(data, terminal):
        return 1
    from streams.embedded.building import rebuilt

    with progress(terminal, str(data)) as report:
        edition = rebuilt(data, "relasi rebuild", policy=policy, left_out=left_out, keep=keep, progress=report)
    parts = [] if policy is None else [f"policy {policy.name!r} from the start ({policy.hash[:12]})"]
    parts += [f"without import {each}" for each in left_out]
    terminal.say(
        f"{data}: edition {edition.number} is in force: {', '.join(parts) or 'made anew under the same rules'}"
    )
    if keep:
        before = edition.number - 1
        terminal.say(
            f"  edition {before} is kept: `relasi query --edition {before}` asks it, `relasi rebuild --drop {before}` "
            "deletes it"
        )
    return 0


def _holds_something(data: Path, terminal: Terminal) -> bool:
    from streams.embedded.belonging import refuse_lost
    from streams.embedded.log import FILE_NAME

    if (data / FILE_NAME).exists():
        return True
    refuse_lost(data)
    terminal.note(f"relasi: {data} holds nothing yet; begin with `relasi import FILE`, or see --data")
    return False


def _drop(data: Path, number: int, terminal: Terminal) -> int:
    from streams.embedded.editions import drop

    drop(data, number)
    terminal.say(f"{data}: edition {number} is gone")
    return 0


def define(
    file: Path,
    terminal: Terminal,
    *,
    policy: "Policy | None" = None,
    left_out: Sequence[str] = (),
    unlinked: Sequence[str] = (),
) -> int:
    """Define the next edition of the topics of a file of settings and say so; its workers build it."""
    from streams.commands.held import WRONG
    from streams.kafka.editions import NoSuchEdition
    from streams.kafka.switching import define_next
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer
    from streams.logs import configure
    from streams.settings import SettingsError, load

    configure("text")
    try:
        number = define_next(load(file), policy, left_out, unlinked).number
    except SettingsError as error:
        terminal.note(f"relasi: {error}")
        return WRONG
    except (NoSuchEdition, BrokerUnreachable, TopicsDiffer) as error:
        terminal.note(f"relasi: {error}")
        return 1
    terminal.say(
        f"edition {number} is defined: run `relasi worker --edition {number}` beside the workers that run, then "
        f"`relasi switch {number}`. No file is taken until then"
    )
    return 0
