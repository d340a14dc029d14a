"""``relasi collect``: events over HTTP into a Kafka topic."""

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.settings import SettingsError, load

# Where a supervisor that holds the socket puts it (sd_listen_fds(3)).
_FIRST_HANDED: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--http", default="127.0.0.1:8080", metavar="ADDRESS", help="where to listen (default 127.0.0.1:8080)"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """Run until told to stop: 0 stopped, 1 something failed, 2 a setting is wrong."""
    from schemas.registry import RegistryError
    from streams.commands.collecting import sources_from
    from streams.commands.held import SettingsProblem
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer
    from streams.kafka.versions import WrongVersion, check_versions
    from streams.reports.errors import ReportsError

    try:
        settings = load(args.settings)
        sources = sources_from(args.settings)
        check_versions()
        offered_at = settings.data.absolute() / f"collect-{args.http.rpartition(':')[2]}.sock"
        listener = _listener(args.http, offered_at, os.environ)
        from streams.kafka.collect import run_collector

        return run_collector(settings, sources, listener, offered_at)
    except SettingsError as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    except SettingsProblem as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (WrongVersion, TopicsDiffer, BrokerUnreachable, RegistryError, ReportsError, OSError) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1


def _listener(address: str, offered_at: Path, environment: Mapping[str, str]) -> socket.socket:
    """The socket that a supervisor hands over, or the process that takes events there now, or a new one."""
    from streams.collector.handover import inherited
    from streams.commands.collecting import listener_at

    if environment.get("LISTEN_PID") == str(os.getpid()) and int(environment.get("LISTEN_FDS", "0")) > 0:
        handed = socket.socket(fileno=_FIRST_HANDED)
        handed.setblocking(False)
        return handed
    return inherited(offered_at) or listener_at(address, shared=True)
