"""``relasi import``: files into the log."""

import argparse
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from streams.commands.progress import Report, progress
from streams.commands.terminal import Terminal
from streams.imports.mapping import Mapping, add_mapping_arguments, mapping_from

if TYPE_CHECKING:
    from streams.embedded.importing import Outcome
    from streams.embedded.session import Session
    from streams.imports.prepare import Prepared

_EXAMPLES: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="CSV, JSONL, Parquet or Avro, also gzipped; - for standard input"
    )
    add_mapping_arguments(parser)
    parser.add_argument(
        "--as-arrived", action="store_true", help="keep the file's order instead of sorting it by occurred_at"
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="take schema ids from there; only for a new data directory"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="put this policy in force first")
    parser.add_argument(
        "--accept-rejects", action="store_true", help="go on even where 10,000 consecutive records are rejected"
    )
    # What - stands for, where the process that is asked can't read the standard input of the one that asks.
    parser.add_argument("--standard-input", type=Path, help=argparse.SUPPRESS)


def before_session(args: argparse.Namespace, _terminal: Terminal) -> bool:
    """A mapping that can't be used is told before anything is opened. Raises MappingProblem."""
    mapping_from(args)
    return True


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Import every file, in the order given: 0, or 3 where nothing of one of them could be used."""
    from streams.commands.held import NOTHING_USABLE

    mapping = mapping_from(args)
    usable = True
    for name in args.files:
        with ExitStack() as opened:
            spooled = name == "-" and args.standard_input is not None
            source = opened.enter_context(args.standard_input.open("rb")) if spooled else name
            outcome = import_file(session, source, mapping, terminal, as_arrived=args.as_arrived)
            usable = usable and outcome.rows > outcome.refused
    return 0 if usable else NOTHING_USABLE


def import_file(
    session: "Session", source: str | BinaryIO, mapping: Mapping, terminal: Terminal, *, as_arrived: bool
) -> "Outcome":
    """Import one file (a path, "-" for standard input, or what was read of one) and say what came of it."""
    from streams.embedded.importing import import_prepared
    from streams.imports.prepare import prepare
    from streams.policies import chosen_currency

    own = chosen_currency(session.runner.partition.policy)
    title = Path(source).name if isinstance(source, str) and source != "-" else "standard input"
    now, workdir = session.runner.now(), session.directory
    with (
        progress(terminal, title) as told,
        prepare(
            source,
            mapping,
            as_arrived=as_arrived,
            workdir=workdir,
            now=now,
            progress=(report := _interruptible(told, session)),
            own_currency=own,
        ) as prepared,
    ):
        outcome = import_prepared(session.runner, prepared, report)
        _tell(terminal, title, prepared, outcome)
        tell_currency(terminal, prepared, f"{session.runner.partition.policy.currency}, which is the policy's")
    return outcome


def _interruptible(told: Report, session: "Session") -> Report:
    """Between its steps an import can be ended; it goes on from there when it is asked for again."""

    def report(stage: str, done: int, total: int) -> None:
        session.interrupt()
        told(stage, done, total)

    return report


def _tell(terminal: Terminal, title: str, prepared: "Prepared", outcome: "Outcome") -> None:
    if outcome.already:
        terminal.say(f"{title}: imported before ({outcome.rows:,} touchpoints); nothing was changed")
        return
    imported = outcome.rows - outcome.known
    again = f", resumed after {outcome.resumed_at:,}" if outcome.resumed_at else ""
    terminal.say(f"{title}: {imported:,} touchpoints imported{again}")
    if outcome.known:
        terminal.say(f"  {outcome.known:,} were known already and left out")
    if prepared.was_sorted:
        terminal.say("  sorted by occurred_at first (--as-arrived keeps the file's order)")
    if prepared.ignored:
        terminal.say(f"  columns that nobody asked for: {', '.join(prepared.ignored)} (--keep-extra keeps them)")
    if outcome.late:
        terminal.note(
            f"  warning: {title} has touchpoints from before the time of the log: what they change counts as late, "
            "and corrects what was published"
        )
    if outcome.refused:
        terminal.say(f"  {outcome.refused:,} of them were refused by the policy; the view rejects says why")
    if outcome.rejects:
        terminal.say(f"  {outcome.rejects:,} bad rows became rejects; the first of them:")
        for reject in islice(iter(prepared.rejects), _EXAMPLES):
            terminal.say(f"    line {reject.row}: {reject.reason}: {reject.detail}")
    if not outcome.rows or outcome.rows == outcome.refused:
        tell_unusable(terminal, title, prepared)


def tell_currency(terminal: Terminal, prepared: "Prepared", currency: str) -> None:
    """Warn of amounts that are in the currency of a policy which nobody chose."""
    if prepared.without_currency:
        terminal.note(
            f"  warning: {prepared.without_currency:,} rows have amounts without a currency, and count as {currency}: "
            "name the column with --map currency=COLUMN, or say it for all rows, as in "
            "--set currency=EUR"
        )


def tell_unusable(terminal: Terminal, title: str, prepared: "Prepared") -> None:
    """Say why nothing of a file could be used, as far as its rejects tell."""
    from streams.imports.causes import causes_of

    for cause in causes_of(prepared.rejects) or ["the policy refuses every row: see the view rejects, and its rates"]:
        terminal.note(f"relasi: nothing of {title} could be used: {cause}")
