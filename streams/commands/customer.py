"""``relasi customer``: one relationship, now and then, with the evidence."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", metavar="ID", help="customer id, or anonymous id")


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Show the customer, or say that there is none."""
    session.runner.report()
    profile = session.sink.query(
        "SELECT * FROM profiles_at(at = {at:DateTime64(3)}) WHERE customer_id = {id:String}",
        {"id": args.id, "at": max(session.runner.partition.time, 0) / 1000},
    ).to_pylist()
    if not profile:
        terminal.note(f"relasi: no customer {args.id!r} in {session.directory}")
        return 1
    terminal.say(_standing(profile[0]))
    history = session.sink.query(
        "SELECT at, from_stage, to_stage, cause, known_at, evidence, superseded_by, id, supersedes FROM transitions "
        "WHERE customer_id = {id:String} ORDER BY at, known_at, offset",
        {"id": args.id},
    ).to_pylist()
    terminal.say("\nHistory")
    for fact in history:
        terminal.say(_step(fact))
    return 0


def _day(at: Any) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _percent(share: float | None) -> str:
    return "unknown before a first purchase" if share is None else f"{share:.1%}"


def _standing(profile: dict[str, Any]) -> str:
    from processors.policy import exponent

    episode = f"episode {profile['episode']}" + (", won back" if profile["win_back"] else "")
    decimals = exponent(profile["currency"])
    spend = f"{profile['spend_minor'] / 10**decimals:,.{decimals}f} {profile['currency']}"
    lines = [
        f"Customer {profile['customer_id']}: {profile['stage']} since {_day(profile['stage_since'])} ({episode})",
        f"  time is         {_day(profile['at'])}",
        f"  alive           {_percent(profile['p_alive'])}",
        f"  churn risk      {_percent(profile['churn_risk'])}",
        f"  purchases       {profile['purchases']} on {profile['purchase_days']} days, {spend}",
        f"  last purchase   {_day(profile['last_purchase_at'])}",
        f"  touchpoints     {profile['touchpoints']}, from {_day(profile['first_at'])} to {_day(profile['last_at'])}",
        f"  silence ends it {_day(profile['next_due_at'])}",
    ]
    return "\n".join(lines)


def _step(fact: dict[str, Any]) -> str:
    evidence = json.loads(fact["evidence"])
    shown = ", ".join(f"{key} {value}" for key, value in evidence.items() if value not in (None, "", 0))
    line = f"  {_day(fact['at'])}  {fact['from_stage']} → {fact['to_stage']}  ({fact['cause']})\n      {shown}"
    if fact["supersedes"]:
        line += f"\n      {fact['id'][16:]} corrects {', '.join(identity[16:] for identity in fact['supersedes'])}"
    if fact["superseded_by"]:
        line += f"\n      no longer true: {fact['id'][16:]} was corrected by {fact['superseded_by'][16:]}"
    return line
