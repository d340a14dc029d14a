"""``relasi deliver``: triggers to webhooks, and dead letters again."""

import argparse
import asyncio
import sys
from pathlib import Path

from streams.clock import now_ms
from streams.settings import FILE, Settings, SettingsError, document, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=("run", "status", "replay"),
        default="run",
        help="run: until told to stop; status: how many deliveries are in which state; replay: try dead letters again",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="status, replay: of this data directory, where relasi run delivers"
    )
    parser.add_argument("--endpoint", metavar="NAME", help="replay: only what was for this endpoint")
    parser.add_argument("--id", type=str.strip, metavar="ID", help="replay: only this trigger")


def run(args: argparse.Namespace) -> int:
    """0 done or told to stop, 1 something failed, 2 a setting is wrong."""
    from streams.delivery.endpoints import BadEndpoint, endpoints_of
    from streams.delivery.outbox import OutboxDamaged
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer

    try:
        settings = load(args.settings)
        if args.what != "run":
            return _outboxes(args, settings)
        endpoints = endpoints_of(document(args.settings), str(args.settings or FILE))
        if not endpoints:
            raise SettingsError(
                f"{args.settings or 'relasi.toml'}: there are no [endpoints.NAME]; see docs/delivery.md"
            )
        from streams.kafka.delivering import deliver
        from streams.logs import configure

        configure(settings.log_format)
        return asyncio.run(deliver(settings, endpoints))
    except (SettingsError, BadEndpoint) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    except (BrokerUnreachable, TopicsDiffer, OutboxDamaged) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1


def _outboxes(args: argparse.Namespace, settings: Settings) -> int:
    """Of the files that are here; whoever delivers sees within a second what was put back."""
    from streams.delivery.deliverer import FOLDER, files_in
    from streams.delivery.outbox import Outbox

    folder = (args.data or settings.data) / FOLDER
    files = files_in(folder)
    if not files:
        sys.stderr.write(f"relasi: {folder} holds no deliveries; name the data directory of whoever delivers\n")
        return 1
    if args.what == "replay":
        count = 0
        for path in files:
            with Outbox(path) as outbox:
                count += outbox.replay(now_ms(), args.endpoint, args.id)
        sys.stdout.write(f"{count} dead letters are tried again\n")
        return 0
    counts: dict[tuple[str, str], int] = {}
    for path in files:
        with Outbox(path) as outbox:
            for endpoint, state, number in outbox.counts():
                counts[endpoint, state] = counts.get((endpoint, state), 0) + number
    for (endpoint, state), number in sorted(counts.items()):
        sys.stdout.write(f"{endpoint}\t{state}\t{number}\n")
    return 0
