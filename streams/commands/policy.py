"""``relasi policy``: check a policy, show the one in force, put another in force."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="report every problem of a policy file, with its line")
    check.add_argument("file", type=Path, metavar="FILE")
    show = actions.add_parser("show", help="print the policy in force")
    apply = actions.add_parser("apply", help="put a policy in force: every relationship is judged by it from now on")
    apply.add_argument("policy", type=Path, metavar="FILE")
    for action in (show, apply):
        # --data may stand behind the action too; left out there, it keeps its value from before the action.
        action.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="data directory")


def needs_session(args: argparse.Namespace) -> bool:
    """A check looks at the file alone."""
    return bool(args.action != "check")


def run(args: argparse.Namespace, session: "Session | None", terminal: Terminal) -> int:
    """Do what was asked. With ``apply`` the session has put the policy in force by now."""
    from streams.commands.held import policy_from

    if session is None:
        policy = policy_from(args.file)
        if policy is not None:
            terminal.say(f"{args.file}: policy {policy.name!r} can be used ({policy.hash[:12]})")
        return 0
    if args.action == "apply":
        policy = policy_from(args.policy)
        runner = session.runner
        # A process that holds the directory opened its session before it was asked.
        if policy is not None and policy.hash != runner.partition.policy.hash:
            runner.change_policy(policy)
            runner.settle()
        terminal.say(f"policy {runner.partition.policy.name!r} is in force ({runner.partition.policy.hash[:12]})")
        return 0
    terminal.write_out(session.runner.partition.policy.text)
    return 0
