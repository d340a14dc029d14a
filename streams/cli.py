"""The command ``relasi``. Only this entry point chooses a shell; what a command needs is imported when it runs."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streams.commands.terminal import Terminal

DATA: Final = "relasi-data"
# name: (module, what it does). Those of a data directory can be answered by the process that holds it.
COMMANDS: Final = {
    "import": ("import_files", "import touchpoints from files"),
    "run": ("run", "let time pass by the clock, and answer the other commands"),
    "query": ("query", "ask the reports in SQL"),
    "customer": ("customer", "show one relationship: how it stands, its history and the evidence"),
    "advance": ("advance", "let time pass up to an instant: show, or commit, what would change"),
    "policy": ("policy", "check, test, show or apply a policy, or compute its tiers"),
    "fit": ("fit", "estimate a model of purchases or spend from a purchase log or the reports"),
    "truth": ("truth", "hold forecasts against what came, on the later part of a purchase log"),
    "demo": ("demo", "replay the CDNOW purchases and show what became of the relationships"),
    "worker": ("worker", "process a share of the partitions of a Kafka topic"),
    "topics": ("topics", "create the topics in Kafka as declared, or check them"),
    "produce": ("produce", "send files to Kafka"),
    "reports": ("reports", "create the tables and views on a ClickHouse server"),
    "warm": ("warm", "fill the cache of compiled code"),
}
WITHOUT_DATA: Final = {"fit", "truth", "warm", "worker", "topics", "produce", "reports"}


def _parser(only: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relasi", description="Turns touchpoint events into living customer relationships."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        if name == only:
            if name not in WITHOUT_DATA:
                data = "relasi-demo" if name == "demo" else DATA
                command.add_argument(
                    "--data", type=Path, default=Path(data), metavar="DIR", help=f"data directory (default {data})"
                )
            importlib.import_module(f"streams.commands.{module}").add_arguments(command)
    return parser


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line. Raises SystemExit, with a message on standard error, where it is wrong."""
    only = next((word for word in argv if word in COMMANDS), None)
    return _parser(only).parse_args(argv)


def _here() -> Terminal:
    return Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 not done, 2 the command or a setting is wrong,
    3 nothing of a file could be used."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = arguments(words)
    module = importlib.import_module(f"streams.commands.{COMMANDS[args.command][0]}")
    try:
        if args.command in WITHOUT_DATA:
            code: int = module.run(args)
            return code
        from streams.commands.held import run_with_data

        code = run_with_data(module, args, words, _here())
        # Otherwise a reader that has gone away shows when the interpreter closes, as a traceback.
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output has seen enough, as `head` does; the interpreter would complain while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was acknowledged is kept, and the next start goes on from there\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
