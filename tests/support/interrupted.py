"""An import that ends at a chosen moment: what is stored until then is all that the next start finds."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, cast

from processors.lifecycle.facts import FACTS_PER_EVENT, new_out
from streams.clock import now_ms
from streams.commands.import_files import import_file
from streams.commands.terminal import Terminal
from streams.embedded.beside import Beside
from streams.embedded.database import Database
from streams.embedded.importing import import_prepared
from streams.embedded.log import FILE_NAME, Log
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.reports.sink import Sink
from support.command import PATIENCE_SECONDS, Content, digests

ROWS_AT_ONCE: Final = 90
EMIT_RECORDS: Final = 140
CHECKPOINT_RECORDS: Final = 350
FACT_BYTES: Final = 1_000
WAITING_BYTES: Final = 15_000

Moment = Callable[[str], None]


class Cut(BaseException):
    """Ends an import in the middle of a test's process."""


class _Sink:
    """Reports, with a moment after everything that is written."""

    def __init__(self, sink: Sink, moment: Moment) -> None:
        self._sink = sink
        self._moment = moment

    def insert(self, table: str, rows: Any) -> None:
        self._sink.insert(table, rows)
        self._moment(f"after {table}")

    def insert_touchpoints(self, container: bytes) -> None:
        self._sink.insert_touchpoints(container)
        self._moment("after touchpoints")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


class _File:
    """A file, with a moment before the commit of each transaction and after it."""

    def __init__(self, file: Database, moment: Moment, what: str) -> None:
        self._file = file
        self._moment = moment
        self._what = what

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._file.transaction():
            yield
            self._moment(f"before {self._what}")
        self._moment(f"after {self._what}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _InTurn(Beside):
    """Stores when it is waited for: so the moments of an import are the same each time."""

    def _submitted(self, work: Callable[[], Any]) -> None:
        """Done where it is waited for."""


def moment_number(number: int, act: Callable[[], None], seen: list[str]) -> Moment:
    """Does ``act`` at the moment of that number, counted from 0; ``seen`` gets the names of all."""

    def moment(name: str) -> None:
        seen.append(name)
        if len(seen) == number + 1:
            act()

    return moment


def import_by_moments(data: Path, file: Path, moment: Moment) -> None:
    """Import a file in small steps."""
    with Session(data, "a test") as session:
        runner = session.runner
        runner.emit_records, runner.checkpoint_records = EMIT_RECORDS, CHECKPOINT_RECORDS
        # Some ticks are done in parts, and remembered by half.
        runner.partition.fact_bytes, runner.partition._out = FACT_BYTES, new_out(8 * FACTS_PER_EVENT)
        runner.waiting_bytes = WAITING_BYTES
        runner.partition.rows_at_once = 7
        runner.sink = cast(Sink, _Sink(runner.sink, moment))
        runner._beside = _InTurn()
        runner.log = cast(Log, _File(runner.log, moment, "a commit"))
        runner._rows = cast(RowsFile, _File(runner.rows, moment, "a checkpoint"))
        with prepare(str(file), Mapping(), as_arrived=False, workdir=data, now=now_ms()) as prepared:
            import_prepared(runner, prepared, lambda *_: None, ROWS_AT_ONCE)


def cut(data: Path, file: Path, number: int) -> None:
    """Import a file until a moment, in this process."""

    def act() -> None:
        raise Cut

    try:
        import_by_moments(data, file, moment_number(number, act, []))
    except Cut:
        return
    raise AssertionError(f"the import has no moment {number}")


def moments(data: Path, file: Path) -> list[str]:
    """Import a file; returns the names of its moments."""
    seen: list[str] = []
    import_by_moments(data, file, moment_number(-2, lambda: None, seen))
    return seen


def wait_for_rows(data: Path) -> int:
    """Until a part of an import by another process is in the log; how many rows."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (data / FILE_NAME).exists():
            with closing(sqlite3.connect(f"file:{data / FILE_NAME}?mode=ro", uri=True)) as log:
                try:
                    found = log.execute("SELECT rows_done FROM imports").fetchone()
                except sqlite3.OperationalError:
                    continue
                if found:
                    return int(found[0])
    raise AssertionError("no part of the import came into the log")


def resume(data: Path, file: Path) -> Content:
    """Import a file, the rest of it where it was cut off; returns digests of what the directory holds then."""
    silent = Terminal(lambda _: None, lambda _: None, rich=False)
    with Session(data, "a test") as session:
        import_file(session, str(file), Mapping(), silent, as_arrived=False)
        return digests(session.sink)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(data: Path, file: Path, number: int) -> None:
    """Import a file until a moment, and kill this process."""
    import_by_moments(data, file, moment_number(number, _die, []))


# Of a process of its own, which is given the directory, the file and the moment.
PROGRAM: Final = """
import sys
from pathlib import Path
from support.interrupted import killed
killed(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
"""
