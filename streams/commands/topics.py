"""``relasi topics``: create the topics as declared, or say how they differ."""

import argparse
import sys
from pathlib import Path

from streams.settings import SettingsError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=["apply", "check"], help="create and set what differs, or only say it")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """Apply, or check: 0 as declared, 1 different or not to be reached, 2 a setting is wrong."""
    from streams.kafka.editions import read_editions, settings_of
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer, apply, differences

    try:
        settings = load(args.settings)
        look = apply if args.action == "apply" else differences
        lines = look(settings)
        for number in read_editions(settings).at_work:
            lines += look(settings_of(settings, number))
    except SettingsError as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    except (TopicsDiffer, BrokerUnreachable) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines or ["every topic is as declared"])
    return 1 if lines and args.action == "check" else 0
