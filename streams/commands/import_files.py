"""``relasi import``: files into the log."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from streams.commands.progress import Report, progress
from streams.commands.rebuild import an_id, build
from streams.commands.telling import (
    tell_currency,
    tell_first,
    tell_reading,
    tell_rejects,
    tell_understood,
    tell_unusable,
)
from streams.commands.terminal import Terminal
from streams.embedded.lock import check_not_building
from streams.imports.mapping import Mapping, add_mapping_arguments, mapping_from

if TYPE_CHECKING:
    from processors.policy.policy import Policy
    from streams.embedded.importing import Outcome
    from streams.embedded.session import Session
    from streams.imports.prepare import Prepared
    from streams.imports.survey import Survey

WITHOUT_AMOUNT: Final = "purchase_without_amount"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="CSV, JSONL, Parquet or Avro, also gzipped; - for standard input"
    )
    add_mapping_arguments(parser)
    parser.add_argument(
        "--as-arrived", action="store_true", help="keep the file's order instead of sorting it by occurred_at"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would come in, with the first ten touchpoints; write nothing"
    )
    parser.add_argument("--again", action="store_true", help="also what was imported before under another mapping")
    parser.add_argument("--forget", type=an_id, metavar="ID", help="take an import back, as if it had never come")
    parser.add_argument("--replace", type=an_id, metavar="ID", help="import the file in the place of this import")
    parser.add_argument("--guess", action="store_true", help="write a first mapping for the file, with its doubts")
    parser.add_argument(
        "--schema-registry", metavar="URL", help="take schema ids from there; only for a new data directory"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="put this policy in force first")
    parser.add_argument(
        "--accept-rejects", action="store_true", help="go on even where 10,000 consecutive records are rejected"
    )
    # What - stands for, where the process that is asked can't read the standard input of the one that asks.
    parser.add_argument("--standard-input", type=Path, help=argparse.SUPPRESS)


def lists_formats(args: argparse.Namespace, terminal: Terminal) -> bool:
    """Answer ``--as`` alone with the ready mappings. Raises MappingProblem where there is no file otherwise."""
    from streams.imports.problems import MappingProblem

    if args.files:
        return False
    if args.as_name != "":
        raise MappingProblem(["no file: say which, or - for the standard input"])
    from streams.imports.known_formats import ready_list

    terminal.say("Ready mappings, as in `relasi import --as shopify orders_export.csv`:")
    for line in ready_list():
        terminal.say(f"  {line}")
    return True


def needs_session(args: argparse.Namespace) -> bool:
    """A dry run, a guess and a list make no data directory."""
    from streams.embedded.log import FILE_NAME

    if not args.files or args.forget:
        return False
    return not (args.dry_run or args.guess) or (args.data / FILE_NAME).exists()


def before_session(args: argparse.Namespace, _terminal: Terminal) -> bool:
    """What can't be used is told before anything is opened. Raises MappingProblem and EditionUnderWay."""
    mapping_from(args)
    _check_taking_back(args)
    if not args.dry_run:
        check_not_building(args.data)
    return True


def run(args: argparse.Namespace, session: "Session | None", terminal: Terminal) -> int:
    """Import every file, in the order given: 0, or 3 where nothing of one of them could be used."""
    from streams.commands.held import NOTHING_USABLE
    from streams.embedded.giving_back import keep_little

    keep_little()
    _check_taking_back(args)
    if args.forget:
        return build(args.data, terminal, left_out=[args.forget])
    if lists_formats(args, terminal):
        return 0
    mapping = mapping_from(args)
    if args.guess:
        return _guess(args, session, mapping, terminal)
    if session is not None and not args.dry_run:
        check_not_building(session.directory)
        if args.replace is not None:
            check_import(session, args.replace)
        _count_without_amount(session, mapping)
    usable = True
    for name in args.files:
        with ExitStack() as opened:
            spooled = name == "-" and args.standard_input is not None
            source = opened.enter_context(args.standard_input.open("rb")) if spooled else name
            if args.dry_run:
                usable &= _try_file(args, session, source, mapping, terminal)
            elif session is not None:
                again = args.again or args.replace is not None
                outcome = import_file(session, source, mapping, terminal, as_arrived=args.as_arrived, again=again)
                usable &= outcome.rows > outcome.refused
    return 0 if usable else NOTHING_USABLE


def _check_taking_back(args: argparse.Namespace) -> None:
    """Raise MappingProblem where it is not said as it should be which import is taken back."""
    if args.forget is None and args.replace is None:
        return
    if bool(args.files) != bool(args.replace) or (args.forget and args.replace) or args.dry_run or args.guess:
        from streams.imports.problems import MappingProblem

        raise MappingProblem(["write --forget ID alone, or --replace ID and the file that takes its place"])


def afterwards(args: argparse.Namespace, terminal: Terminal, code: int) -> int:
    """Have an import never have come, now that what takes its place is in the log."""
    return build(args.data, terminal, left_out=[args.replace]) if code == 0 and args.replace else code


def check_import(session: "Session", import_id: str) -> None:
    """Raise NoSuchImport unless there is an import that can be taken back."""
    from streams.embedded.editions import next_edition

    next_edition(session.log, None, [import_id])


def _guess(args: argparse.Namespace, session: "Session | None", mapping: Mapping, terminal: Terminal) -> int:
    """Write a first mapping for each file."""
    import tempfile

    from streams.imports.guess import guessed

    known = frozenset(_policy(args, session, mapping).kinds)
    for name in args.files:
        with tempfile.TemporaryDirectory(prefix="relasi-guess-") as workdir:
            terminal.write_out(guessed(name, mapping, Path(workdir), known))
    return 0


def _count_without_amount(session: "Session", mapping: Mapping) -> None:
    """Where it was asked for, put the policy in force anew, with purchases that need no amount."""
    policy = counting(session.runner.partition.policy, mapping)
    if policy.hash != session.runner.partition.policy.hash:
        session.runner.change_policy(policy)
        session.runner.settle()


def counting(policy: "Policy", mapping: Mapping) -> "Policy":
    """The policy, with ``minimum_amount = 0`` where the mapping says so."""
    from processors.policy.policy import read_policy
    from streams.policies import counting_without_amount

    if mapping.choices.get(WITHOUT_AMOUNT) != "count" or policy.rules.minimum_minor <= 0:
        return policy
    return read_policy(counting_without_amount(policy.text))


def _policy(args: argparse.Namespace, session: "Session | None", mapping: Mapping) -> "Policy":
    """The policy by which a dry run judges: the one given, the one in force, or that of a new directory."""
    from streams.commands.held import policy_from
    from streams.policies import preset

    in_force = session.runner.partition.policy if session is not None else preset(mapping.policy or "commerce")
    return counting(policy_from(args.policy) or in_force, mapping)


def title_of(source: str | BinaryIO) -> str:
    """What a file is called in messages."""
    return Path(source).name if isinstance(source, str) and source != "-" else "standard input"


def _try_file(
    args: argparse.Namespace,
    session: "Session | None",
    source: str | BinaryIO,
    mapping: Mapping,
    terminal: Terminal,
) -> bool:
    """Say what would come of a file; False: nothing of it can be used."""
    import tempfile

    from streams.clock import now_ms
    from streams.imports.prepare import prepare
    from streams.imports.recorded import refuse_other_mapping
    from streams.imports.survey import Survey
    from streams.policies import chosen_currency

    policy = _policy(args, session, mapping)
    title, survey = title_of(source), Survey(policy)
    with (
        tempfile.TemporaryDirectory(prefix="relasi-dry-run-") as workdir,
        progress(terminal, title) as report,
        prepare(
            source,
            mapping,
            as_arrived=args.as_arrived,
            workdir=Path(workdir),
            now=now_ms(),
            progress=report,
            own_currency=chosen_currency(policy),
        ) as prepared,
    ):
        if session is not None and not args.again:
            refuse_other_mapping(session.sink, prepared)
        _look_over(prepared, session, survey)
        new = prepared.rows - survey.known
        terminal.say(f"{title}: {new:,} touchpoints would be imported (dry run: nothing was written)")
        if survey.known:
            terminal.say(f"  {survey.known:,} are known already and would be left out")
        tell_reading(terminal, prepared)
        tell_rejects(terminal, prepared, len(prepared.rejects))
        tell_understood(terminal, survey)
        tell_currency(terminal, prepared, f"{policy.currency}, which is the policy's")
        tell_first(terminal, prepared.batches())
        usable = prepared.rows > sum(survey.refused.values())
        if not usable:
            tell_unusable(terminal, title, prepared)
        return usable


def _look_over(prepared: "Prepared", session: "Session | None", survey: "Survey") -> None:
    """Let the survey see every row; those that the reports of a session hold are known."""
    from streams.known import KnownEvents, noticed

    known = KnownEvents()
    for batch in prepared.batches():
        known.expect(batch)
    if session is not None:
        known.load(session.sink)
    for batch in prepared.batches():
        noticed(known, batch, survey)


def import_file(
    session: "Session",
    source: str | BinaryIO,
    mapping: Mapping,
    terminal: Terminal,
    *,
    as_arrived: bool,
    again: bool = False,
) -> "Outcome":
    """Import one file (a path, "-" for standard input, or what was read of one) and say what came of it."""
    from streams.embedded.importing import import_prepared
    from streams.imports.prepare import prepare
    from streams.imports.survey import Survey
    from streams.policies import chosen_currency

    policy = session.runner.partition.policy
    title, survey = title_of(source), Survey(policy)
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
            own_currency=chosen_currency(policy),
        ) as prepared,
    ):
        with session.sink.without_merges():
            outcome = import_prepared(session.runner, prepared, report, survey=survey, again=again)
        _tell(terminal, title, prepared, outcome)
        tell_understood(terminal, survey)
        tell_currency(terminal, prepared, f"{policy.currency}, which is the policy's")
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
    tell_reading(terminal, prepared)
    if outcome.late:
        terminal.note(
            f"  warning: {title} has touchpoints from before the time of the log: what they change counts as late, "
            "and corrects what was published"
        )
    if outcome.refused:
        terminal.say(f"  {outcome.refused:,} of them were refused by the policy; the view rejects says why")
    tell_rejects(terminal, prepared, outcome.rejects)
    if not outcome.rows or outcome.rows == outcome.refused:
        tell_unusable(terminal, title, prepared)
