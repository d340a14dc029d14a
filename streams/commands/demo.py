"""``relasi demo``: real purchases in, an insight out."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.session import Session

_ROOT: Final = Path(__file__).resolve().parents[2]
PURCHASES: Final = _ROOT / "tests" / "data" / "cdnow" / "CDNOW_master.txt.gz"
MAPPING: Final = _ROOT / "docs" / "mappings" / "cdnow.toml"
_MARK: Final = "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--clean", action="store_true", help="delete what an earlier demo left and start anew; otherwise it is resumed"
    )


def before_session(args: argparse.Namespace, terminal: Terminal) -> bool:
    """Start clean where that was asked for; only ever deletes what a demo made."""
    if absent := [path for path in (PURCHASES, MAPPING) if not path.is_file()]:
        terminal.note(
            f"relasi: the demo needs {' and '.join(map(str, absent))}, which a checkout of Relasi has and "
            "the installed package has not; run `make demo` in a checkout, or try `relasi import FILE` with your own"
        )
        return False
    mark = args.data / _MARK
    if args.data.exists() and any(args.data.iterdir()) and not mark.exists():
        terminal.note(f"relasi: {args.data} holds something else than a demo; choose another directory with --data")
        return False
    if args.clean and args.data.exists():
        from streams.embedded.lock import DirectoryLock

        with DirectoryLock(args.data, "relasi demo --clean"):
            shutil.rmtree(args.data)
    args.data.mkdir(parents=True, exist_ok=True)
    mark.write_text("made by `relasi demo`; `relasi demo --clean` deletes this directory\n")
    return True


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Replay the purchases, or what is left of them, and show the insight."""
    from streams.commands.import_files import import_file
    from streams.commands.insight import insight
    from streams.imports.mapping import read_mapping

    before = session.log.imports()
    if before:
        finished = before[0].state == "finished"
        what = "is finished: nothing is replayed" if finished else "was cut off: it goes on where it stopped"
        terminal.say(f"The replay in {args.data} {what} (`make demo CLEAN=1` starts anew).")
    import_file(session, str(PURCHASES), read_mapping(MAPPING), terminal, as_arrived=False)
    partition = session.runner.partition
    terminal.say("\n" + insight(session.sink, partition.time, partition.policy.rules.horizon_ms))
    terminal.say(f"\nTry next\n{_next(args.data)}")
    return 0


def _next(data: Path) -> str:
    commands = (
        f"relasi customer 00003 --data {data}",
        f"relasi advance --to 1998-12-31 --data {data}",
        f"relasi query --data {data} \"SELECT * FROM stage_daily WHERE day >= '1998-06-28' ORDER BY day, stage\"",
    )
    return "\n".join(f"  .venv/bin/{command}" for command in commands)
