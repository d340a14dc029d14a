"""``relasi triggers``: the rules of a policy, what each asks, and whom they would have contacted."""

import argparse
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.commands.progress import progress
from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    import pyarrow as pa

    from processors.policy.policy import Policy
    from processors.triggers.definitions import Rule
    from streams.embedded.session import Session

_COUNTED: Final = ("sent", "no_consent", "cooling", "capped", "outranked", "stale", "withdrawn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the rules of the policy in force, or of a file")
    listing.add_argument("file", nargs="?", type=Path, metavar="POLICY")
    explaining = actions.add_parser("explain", help="what a rule asks, its condition in SQL, and whom that fits now")
    explaining.add_argument("rule", metavar="RULE")
    explaining.add_argument("file", nargs="?", type=Path, metavar="POLICY")
    test = actions.add_parser("test", help="whom rules would have contacted in the history; nothing is sent")
    test.add_argument("file", type=Path, metavar="POLICY")
    test.add_argument("--since", type=_instant, default=0, metavar="DATE", help="count what came from then on")
    test.add_argument("--days", action="store_true", help="count by day too")
    test.add_argument("--format", choices=("table", "json", "csv"), default="", help="every outcome, with its reason")
    for action in (listing, explaining, test):
        # --data may stand behind the action too; left out there, it keeps its value from before the action.
        action.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="data directory")


def _instant(text: str) -> int:
    """An ISO 8601 date or instant, ms; UTC where it has no zone."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-01-31") from error
    return round((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def needs_session(args: argparse.Namespace) -> bool:
    """The rules of a file are listed without any data."""
    return bool(args.action != "list" or args.file is None)


def before_session(args: argparse.Namespace, terminal: Terminal) -> bool:
    """Whether there is something to ask; a directory is not made for the question. Raises SettingsProblem."""
    from streams.commands.held import policy_from
    from streams.embedded.log import FILE_NAME

    args.tried = policy_from(args.file)
    if (args.data / FILE_NAME).exists():
        return True
    terminal.note(f"relasi: {args.data} holds nothing yet; begin with `relasi import FILE`, or see --data")
    return False


def run(args: argparse.Namespace, session: "Session | None", terminal: Terminal) -> int:
    """Do what was asked."""
    from streams.commands.held import policy_from

    policy = policy_from(args.file)
    if policy is None:
        assert session is not None
        policy = session.runner.partition.policy
    if args.action == "list":
        return _list(policy, terminal)
    assert session is not None
    if args.action == "explain":
        return _explain(policy, args.rule, session, terminal)
    return _test(args, policy, session, terminal)


def _list(policy: "Policy", terminal: Terminal) -> int:
    if not policy.triggers:
        terminal.note(f"relasi: the policy {policy.name!r} has no [triggers.NAME]; see docs/triggers.md")
        return 0
    width = max(len(rule.name) for rule in policy.triggers)
    for rule in policy.triggers:
        kind = "transactional" if rule.transactional else f"priority {rule.priority}"
        terminal.write_out(f"{rule.name:<{width}}  {rule.channel:<8}  {kind:<13}  {rule.on}\n")
        if rule.when:
            terminal.write_out(f"{'':<{width}}  {'':<8}  {'':<13}  when {rule.when}\n")
    return 0


def _explain(policy: "Policy", name: str, session: "Session", terminal: Terminal) -> int:
    rule = next((rule for rule in policy.triggers if rule.name == name), None)
    if rule is None:
        names = ", ".join(rule.name for rule in policy.triggers) or "none"
        terminal.note(f"relasi: the policy {policy.name!r} has no rule {name!r}; it has {names}")
        return 2
    for line in _told(policy, rule):
        terminal.write_out(line + "\n")
    if not rule.condition.sql:
        terminal.write_out("its condition asks what only the moment knows, so nobody can be counted now\n")
        return 0
    session.runner.report()
    (row,) = session.sink.query(
        f"SELECT count() AS everybody, countIf({rule.condition.sql}) AS fits FROM profiles", {}
    ).to_pylist()
    terminal.write_out(f"in SQL over profiles: {rule.condition.sql}\n")
    terminal.write_out(f"fits {row['fits']:,} of {row['everybody']:,} customers as they stood when last reported\n")
    return 0


def _told(policy: "Policy", rule: "Rule") -> list[str]:
    pressure = policy.pressure
    held = f"{rule.hold_out:.0%} held back for control, {pressure['hold_out']:.0%} from everything"
    lines = [f"{rule.name}: {rule.on}", f"when {rule.when or 'always'}"]
    if rule.unless:
        lines.append(f"taken back by {', '.join(rule.unless)}")
    if rule.channel == "internal":
        lines.append("for people of the firm: consent, cap and priority do not concern it")
    elif rule.transactional:
        lines.append(f"by {rule.channel}, and it must go out: consent, cap, priority and hold-out do not concern it")
    else:
        lines.append(
            f"by {rule.channel}, with consent to it; of one moment the greatest priority goes out ({rule.priority})"
        )
        lines.append(f"at most {pressure['most']} messages in {pressure['days']:g} days; {held}")
    lines.append(
        f"again after {rule.cooldown_days:g} days; sent until {rule.valid_hours:g} hours later; stale when known more "
        f"than {pressure['fresh_hours']:g} hours late; measured over {rule.window_days:g} days"
    )
    return lines


def _test(args: argparse.Namespace, policy: "Policy", session: "Session", terminal: Terminal) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    from streams.embedded.trying import tried

    if not policy.triggers:
        return _list(policy, terminal)
    with progress(terminal, str(args.data)) as report:
        rows = pa.concat_tables(tried(session.log, session.runner.registry, policy, report))
    rows = rows.filter(pc.greater_equal(rows.column("at").cast(pa.int64()), args.since))
    if args.format:
        from streams.reports.format import render

        told = rows.select(["at", "namespace", "customer_id", "rule", "outcome", "arm", "subject", "before", "after"])
        terminal.write_out(render(told, args.format))
        return 0
    _summarise(policy, rows, terminal, by_day=args.days)
    return 0


def _summarise(policy: "Policy", rows: "pa.Table", terminal: Terminal, *, by_day: bool) -> None:
    outcomes = ["sent" if each == "held" else each for each in rows.column("outcome").to_pylist()]
    rules, days = rows.column("rule").to_pylist(), [str(at.date()) for at in rows.column("at").to_pylist()]
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for rule, day, outcome in zip(rules, days, outcomes, strict=True):
        for key in ((rule, ""), (rule, day)) if by_day else ((rule, ""),):
            of = counts.setdefault(key, dict.fromkeys(_COUNTED, 0))
            of[outcome] += 1
    width = max(len(rule.name) for rule in policy.triggers) + (12 if by_day else 0)
    terminal.write_out(f"{'':<{width}}" + "".join(f"{name:>12}" for name in _COUNTED) + "\n")
    nothing = dict.fromkeys(_COUNTED, 0)
    for rule in policy.triggers:
        keys = [(rule.name, ""), *sorted(key for key in counts if key[0] == rule.name and key[1])]
        for key in keys:
            of = counts.get(key, nothing)
            name = f"  {key[1]}" if key[1] else rule.name
            terminal.write_out(f"{name:<{width}}" + "".join(f"{of[each]:>12,}" for each in _COUNTED) + "\n")
    _tell_pressure(policy, rows, outcomes, terminal)


def _tell_pressure(policy: "Policy", rows: "pa.Table", outcomes: list[str], terminal: Terminal) -> None:
    """How many messages customers would have got; who is held back for control is among them."""
    quiet = {rule.name for rule in policy.triggers if rule.channel == "internal"}
    whose: dict[tuple[str, str], int] = {}
    named = zip(*(rows.column(name).to_pylist() for name in ("namespace", "customer_id", "rule")), strict=True)
    for (namespace, customer, rule), outcome in zip(named, outcomes, strict=True):
        if outcome == "sent" and rule not in quiet:
            whose[namespace, customer] = whose.get((namespace, customer), 0) + 1
    some = sorted(whose.values())
    if not some:
        terminal.write_out("nobody would have been contacted\n")
        return
    terminal.write_out(
        f"{len(some):,} customers would have been contacted: {sum(some) / len(some):.1f} messages each on average, "
        f"{some[len(some) // 2]} in the middle, {some[-1]} at most; those held back for control are among them\n"
    )
