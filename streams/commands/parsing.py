"""The commands by name, and what a command line says. Nothing of a command is imported but the one that is named."""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

DATA: Final = "relasi-data"
# name: (module, what it does). Those of a data directory can be answered by the process that holds it.
COMMANDS: Final = {
    "import": ("import_files", "import touchpoints from files"),
    "imports": ("imports_list", "list what was imported, how it was read, and what came of it"),
    "run": ("run", "let time pass by the clock, and answer the other commands"),
    "query": ("query", "ask the reports in SQL"),
    "customer": ("customer", "show one relationship: how it stands, its history and the evidence"),
    "advance": ("advance", "let time pass up to an instant: show, or commit, what would change"),
    "policy": ("policy", "check, test, show or apply a policy, or compute its tiers"),
    "fit": ("fit", "estimate a model of purchases or spend from a purchase log or the reports"),
    "truth": ("truth", "hold forecasts against what came, on the later part of a purchase log"),
    "demo": ("demo", "replay the CDNOW purchases and show what became of the relationships"),
    "worker": ("worker", "process a share of the partitions of a Kafka topic"),
    "collect": ("collect", "take events over HTTP into a Kafka topic"),
    "topics": ("topics", "create the topics in Kafka as declared, or check them"),
    "produce": ("produce", "send files to Kafka"),
    "rebuild": ("rebuild", "read the past again: under another policy, or without an import"),
    "triggers": ("triggers", "list, explain or test the rules of a policy"),
    "switch": ("switch", "put an edition in force on Kafka, or drop one"),
    "unlink": ("unlink", "take back that two ids are one customer"),
    "deliver": ("deliver", "send triggers to webhooks, and dead letters again"),
    "reports": ("reports", "create the tables on a ClickHouse server, or make a data directory's reports anew"),
    "sources": ("sources", "make keys for those who send events over HTTP, or list them"),
    "warm": ("warm", "fill the cache of compiled code"),
}
WITHOUT_DATA: Final = {
    "fit",
    "truth",
    "warm",
    "worker",
    "topics",
    "produce",
    "reports",
    "sources",
    "collect",
    "rebuild",
    "switch",
    "unlink",
    "deliver",
}


def module_of(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"streams.commands.{COMMANDS[name][0]}")


def _parser(only: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relasi", description="Turns touchpoint events into living customer relationships."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        if name == only:
            if name not in WITHOUT_DATA:
                data = "relasi-demo" if name == "demo" else DATA
                command.add_argument(
                    "--data", type=Path, default=Path(data), metavar="DIR", help=f"data directory (default {data})"
                )
            module_of(name).add_arguments(command)
    return parser


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line. Raises SystemExit, with a message on standard error, where it is wrong."""
    only = next((word for word in argv if word in COMMANDS), None)
    return _parser(only).parse_args(argv)
