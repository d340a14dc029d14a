"""What the reports say of themselves: from which log they were made, and up to where they are complete.

It lies in their directory and goes with it, wherever that is copied to or brought back from. It is written after the
rows are in the reports and before the checkpoint, so what a checkpoint calls complete the reports hold.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "made-from"


@dataclass(frozen=True)
class MadeFrom:
    """``log``: its identity. ``offset``: that of the first record whose facts may be missing.

    ``whole``: False while they are made anew.
    """

    log: str
    offset: int
    whole: bool = True


def read_made_from(reports: Path) -> MadeFrom | None:
    """What reports in a directory say; None where they say nothing, or nothing that can be read."""
    try:
        return MadeFrom(**json.loads((reports / FILE_NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_made_from(reports: Path, made: MadeFrom) -> None:
    """Say it; durable when it returns, and after a crash what was said before or this. Raises OSError."""
    beside = reports / f"{FILE_NAME}.new"
    with beside.open("wb") as file:
        file.write(json.dumps(asdict(made)).encode())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(reports / FILE_NAME)
    folder = os.open(reports, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
