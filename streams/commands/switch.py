"""``relasi switch``: put an edition in force on Kafka, or drop one."""

import argparse
import sys
from pathlib import Path

from streams.commands.progress import progress
from streams.commands.terminal import Terminal
from streams.settings import Settings, SettingsError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("edition", type=int, nargs="?", metavar="N", help="the edition that is to be in force")
    parser.add_argument(
        "--drop", type=int, metavar="N", help="delete topics, group and reports of an edition that is not in force"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not done, 2 an argument or a setting is wrong."""
    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    if (args.edition is None) == (args.drop is None):
        terminal.note("relasi: say which edition is to be in force, or --drop and which one is to go")
        return 2
    try:
        settings = load(args.settings)
    except SettingsError as error:
        terminal.note(f"relasi: {error}")
        return 2
    from streams.kafka.editions import NoSuchEdition
    from streams.kafka.switching import NotCaughtUp
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer
    from streams.logs import configure
    from streams.reports.errors import ReportsError

    configure("text")
    try:
        return _switch(settings, args.edition, terminal) if args.drop is None else _drop(settings, args.drop, terminal)
    except (NoSuchEdition, NotCaughtUp, BrokerUnreachable, TopicsDiffer, ReportsError) as error:
        terminal.note(f"relasi: {error}")
        return 1


def _switch(settings: Settings, number: int, terminal: Terminal) -> int:
    from streams.kafka.switching import switch

    with progress(terminal, settings.prefix) as report:
        switch(settings, number, report)
    terminal.say(
        f"edition {number} is in force: the views show it. Have `relasi worker` and `relasi deliver` start again; once "
        "no worker of an edition before runs, `relasi switch --drop` deletes what that made"
    )
    return 0


def _drop(settings: Settings, number: int, terminal: Terminal) -> int:
    from streams.kafka.switching import drop

    drop(settings, number)
    terminal.say(f"edition {number} is gone")
    return 0
