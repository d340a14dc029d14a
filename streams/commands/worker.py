"""``relasi worker``: process a share of the partitions."""

import argparse
import sys
from pathlib import Path

from streams.settings import SettingsError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")
    parser.add_argument(
        "--accept-rejects", action="store_true", help="go on even where 10,000 consecutive records are rejected"
    )
    parser.add_argument(
        "--edition",
        type=int,
        metavar="N",
        help="run under this edition, beside the workers of others; by default under the one in force when it starts",
    )


def run(args: argparse.Namespace) -> int:
    """Run until told to stop: 0 stopped, 1 something failed, 2 a setting is wrong."""
    try:
        settings = load(args.settings)
    except SettingsError as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    from streams.kafka.versions import WrongVersion, check_versions

    try:
        check_versions()
    except WrongVersion as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1
    from streams.kafka.editions import NoSuchEdition
    from streams.kafka.run import run_worker
    from streams.kafka.topics import TopicsDiffer
    from streams.reports.errors import ReportsError

    try:
        return run_worker(settings, accept_rejects=args.accept_rejects, edition=args.edition)
    except SettingsError as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    except (NoSuchEdition, TopicsDiffer, ReportsError) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1
