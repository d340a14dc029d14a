"""The editions of a log: which is in force, and how the next one takes the place of the one before.

The list stands in the log. An edition has rows and reports of its own, which are built in a folder beside those in
force. When it has all that the log holds, one transaction puts it in force; then its files take their places, which
any later start finishes where a crash came between.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from streams.embedded.layout import ROWS_NAME
from streams.embedded.log import Log
from streams.engine.edition import FIRST, Edition

NEXT: Final = "edition.next"
"""The folder in which an edition is built."""
_REPORTS: Final = "reports"
_EDITIONS: Final = "editions"
_SWITCHING: Final = "switching"
_BESIDE: Final = ("-wal", "-shm")


def editions(log: Log) -> list[Edition]:
    """All that were ever in force, the last being the one that is."""
    kept = json.loads(log.setting(_EDITIONS) or "[]")
    return [FIRST, *(Edition(**{name: _told(value) for name, value in each.items()}) for each in kept)]


def _told(value: Any) -> Any:
    """JSON has lists for tuples."""
    return tuple(value) if isinstance(value, list) else value


def edition_in_force(log: Log) -> Edition:
    """Under which rules the log is read."""
    return editions(log)[-1]


def put_in_force(directory: Path, log: Log, edition: Edition) -> None:
    """Have the edition that was built take the place of the one before, whose rows and reports go."""
    after = [each._asdict() for each in [*editions(log)[1:], edition]]
    with log.transaction():
        log.put_setting(_EDITIONS, json.dumps(after))
        log.put_setting(_SWITCHING, "1")
    finish_switch(directory, log)


def is_switching(log: Log) -> bool:
    """Whether an edition is in force whose files are not yet in their places."""
    return log.setting(_SWITCHING) == "1"


def finish_switch(directory: Path, log: Log) -> None:
    """Put the files of the edition in force where they belong. What was built and never put in force goes."""
    built = directory / NEXT
    if is_switching(log):
        if (built / ROWS_NAME).exists():
            # First what belongs to the old file: beside the new one it would be taken for its own.
            for end in _BESIDE:
                (directory / (ROWS_NAME + end)).unlink(missing_ok=True)
            (built / ROWS_NAME).replace(directory / ROWS_NAME)
        if (built / _REPORTS).exists():
            shutil.rmtree(directory / _REPORTS, ignore_errors=True)
            (built / _REPORTS).rename(directory / _REPORTS)
        with log.transaction():
            log.put_setting(_SWITCHING, "0")
    if built.exists():
        shutil.rmtree(built)
