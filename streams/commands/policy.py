"""``relasi policy``: check a policy, test it with stories, show one, put one in force, limits of value tiers."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from streams.commands.terminal import Terminal
from streams.policies import PRESETS

if TYPE_CHECKING:
    from streams.embedded.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="report every problem of a policy file, with its line")
    check.add_argument("file", type=Path, metavar="FILE")
    test = actions.add_parser("test", help="compare what policies make of stories with what their authors expect")
    test.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a story in TOML, or a folder of stories")
    show = actions.add_parser("show", help="print the policy in force, or one that comes with Relasi")
    show.add_argument("--preset", choices=PRESETS, metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    apply = actions.add_parser("apply", help="put a policy in force: every relationship is judged by it from now on")
    apply.add_argument("policy", type=Path, metavar="FILE")
    apply.add_argument(
        "--rejudge", action="store_true", help="as if it had been in force from the start: the history is read again"
    )
    tiers = actions.add_parser("tiers", help="limits of the value tiers, as quantiles of the customers' values")
    tiers.add_argument(
        "--quantiles",
        type=float,
        nargs=2,
        default=(0.5, 0.9),
        metavar="Q",
        help="shares of the buyers under the middle and under the high tier; by default 0.5 0.9",
    )
    tiers.add_argument("--write", type=Path, metavar="POLICY", help="store the limits in this policy's [value] table")
    for action in (show, apply, tiers):
        # --data may stand behind the action too; left out there, it keeps its value from before the action.
        action.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="data directory")


def needs_session(args: argparse.Namespace) -> bool:
    """A check and a test look at the files alone, and what comes with Relasi lies in no data directory."""
    if getattr(args, "rejudge", False):
        return False
    return bool(args.action not in {"check", "test"} and getattr(args, "preset", None) is None)


def before_session(args: argparse.Namespace, terminal: Terminal) -> bool:
    """Whether there is something to compute tiers from; a directory is not made for the question."""
    from streams.embedded.log import FILE_NAME

    if args.action != "tiers" or (args.data / FILE_NAME).exists():
        return True
    terminal.note(f"relasi: {args.data} holds nothing yet; begin with `relasi import FILE`, or see --data")
    return False


def run(args: argparse.Namespace, session: "Session | None", terminal: Terminal) -> int:
    """Do what was asked. With ``apply`` the session has put the policy in force by now."""
    if args.action == "test":
        from streams.commands.stories import run_stories

        return run_stories(args.files, terminal)
    if getattr(args, "rejudge", False):
        from streams.commands.held import policy_from
        from streams.commands.rebuild import build

        return build(args.data, terminal, policy=policy_from(args.policy))
    if session is None:
        return _check(args, terminal) if args.action == "check" else _show_preset(args.preset, terminal)
    if args.action == "apply":
        return _apply(args, session, terminal)
    if args.action == "tiers":
        from streams.commands.policy_tiers import tiers

        session.runner.report()
        return tiers(session.sink, session.runner.partition.policy, args.quantiles, args.write, terminal)
    terminal.write_out(session.runner.partition.policy.text)
    return 0


def _check(args: argparse.Namespace, terminal: Terminal) -> int:
    from processors import toml
    from processors.policy.plausible import doubtful
    from streams.commands.held import policy_from

    policy = policy_from(args.file)
    if policy is not None:
        terminal.say(f"{args.file}: policy {policy.name!r} can be used ({policy.hash[:12]})")
        for doubt in doubtful(policy.text, toml.loads(policy.text)):
            terminal.note(f"{args.file}:{doubt.at}: {doubt.message}")
    return 0


def _show_preset(name: str, terminal: Terminal) -> int:
    from streams.policies import preset

    terminal.write_out(preset(name).text)
    return 0


def _apply(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    from streams.commands.held import policy_from

    policy = policy_from(args.policy)
    runner = session.runner
    earlier = session.sink.query("SELECT count() AS n FROM touchpoints").column("n")[0].as_py()
    # A process that holds the directory opened its session before it was asked.
    if policy is not None and policy.hash != runner.partition.policy.hash:
        runner.change_policy(policy)
        runner.settle()
    terminal.say(f"policy {runner.partition.policy.name!r} is in force ({runner.partition.policy.hash[:12]})")
    if earlier:
        terminal.say(
            f"{earlier:,} earlier touchpoints keep what they meant when they came; --rejudge reads them again under it"
        )
    return 0
