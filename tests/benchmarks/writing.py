"""The writer of the embedded log: what group commits gain over one for every append, and what a checkpoint costs it."""

import asyncio
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.report import Figure
from schemas.bodies import Bodies, bodies_of
from streams.embedded.layout import ROWS_TABLES, open_log
from streams.embedded.log import FILE_NAME as LOG_NAME
from streams.embedded.rows_file import RowsFile
from streams.embedded.rows_in_order import in_order
from streams.embedded.turns import Turn
from streams.embedded.writer import LogWriter
from streams.engine.checkpoint import Checkpoint

APPENDS: Final = 2_000
AT_ONCE: Final = 200
KEY: Final = bodies_of([b"customer 4711"])
BODY: Final = bodies_of([b"." * 250])


async def _seconds(writer: LogWriter, appenders: int, appends: int) -> float:
    async def appender() -> None:
        for _ in range(appends // appenders):
            await writer.append(KEY, BODY)

    begin = time.perf_counter()
    await asyncio.gather(*(appender() for _ in range(appenders)))
    return time.perf_counter() - begin


def group_commits() -> list[Figure]:
    """Appends of one message, one after another and 200 at once, the rounds of both interleaved; each durable."""
    alone = together = 0.0
    with tempfile.TemporaryDirectory() as folder, LogWriter(Path(folder), 0, lambda: 0) as writer:
        asyncio.run(_seconds(writer, AT_ONCE, AT_ONCE))
        for _ in range(5):
            alone += asyncio.run(_seconds(writer, 1, APPENDS // AT_ONCE))
            together += asyncio.run(_seconds(writer, AT_ONCE, APPENDS))
    one, many = APPENDS / AT_ONCE * 5 / alone, APPENDS * 5 / together
    return [
        Figure("durable appends, one after another", one, "appends/s"),
        Figure(f"  {AT_ONCE} at once, which share commits", many, "appends/s"),
        Figure("  gain", many / one, "times", at_least=5),
    ]


CUSTOMERS: Final = 1_000_000
ROWS: Final = 100_000
CHECKPOINTS: Final = 6
BETWEEN_SECONDS: Final = 0.004
LEAST_APPENDS: Final = 300


def beside_checkpoints() -> list[Figure]:
    """How long an append takes while 100,000 rows of a million are checkpointed, and while nothing is.

    The same rows into the file of the log itself, for which both take turns, say what a file of their own is good for.
    """
    quiet, apart, together = (_beside(each) for each in (None, RowsFile, _InTheLog))
    return [
        Figure("append, 99 of 100, while nothing is checkpointed", _p99(quiet), "ms"),
        Figure(f"  while {ROWS:,} rows are checkpointed", _p99(apart), "ms"),
        Figure("  the longest of them", max(apart) * 1000, "ms"),
        Figure("  while they are in the file of the log", _p99(together), "ms"),
        Figure("  gain", _p99(together) / _p99(apart), "times", at_least=3),
    ]


class _InTheLog(RowsFile):
    def __init__(self, directory: Path, turn: Turn | None = None) -> None:
        super().__init__(directory, turn, lambda path: open_log(path.with_name(LOG_NAME)))
        with self.transaction():
            self._connection.execute(next(table for table in ROWS_TABLES if "TABLE checkpoint" in table))


def _p99(seconds: list[float]) -> float:
    return float(np.quantile(seconds, 0.99)) * 1000


def _beside(kind: type[RowsFile] | None) -> list[float]:
    """Seconds of each append, one after another, while checkpoints are written in a thread."""
    done = threading.Event()
    turn = Turn()
    with tempfile.TemporaryDirectory() as folder, LogWriter(Path(folder), 0, lambda: 0, turn) as writer:
        thread = threading.Thread(target=_checkpoints, args=(kind, Path(folder), turn, done))
        thread.start()
        try:
            return asyncio.run(_appends(writer, done))
        finally:
            thread.join()


async def _appends(writer: LogWriter, done: threading.Event) -> list[float]:
    """One every few milliseconds, whatever becomes of those before: who waits for a long one is counted too."""
    taken: list[float] = []

    async def one() -> None:
        begin = time.perf_counter()
        await writer.append(KEY, BODY)
        taken.append(time.perf_counter() - begin)

    async with asyncio.TaskGroup() as group:
        while not done.is_set() or len(taken) < LEAST_APPENDS:
            group.create_task(one())
            await asyncio.sleep(BETWEEN_SECONDS)
    return taken


def _checkpoints(kind: type[RowsFile] | None, directory: Path, turn: Turn, done: threading.Event) -> None:
    try:
        if kind is not None:
            # A file of its own has a turn of its own, as in the shell.
            with kind(directory, turn if kind is _InTheLog else None) as rows:
                for number in range(CHECKPOINTS):
                    checkpoint = _checkpoint(np.random.default_rng(number))
                    with rows.transaction():
                        rows.put_checkpoint(0, in_order(checkpoint))
    finally:
        done.set()


def _checkpoint(random: np.random.Generator) -> Checkpoint:
    names = [b"\x00customer-%07d" % number for number in random.integers(0, CUSTOMERS, ROWS).tolist()]
    values = Bodies(random.integers(0, 256, 235 * ROWS, np.uint8), np.arange(ROWS + 1, dtype=np.int64) * 235)
    return Checkpoint(0, [], bodies_of(names), values, (b"\xffheader", b""), np.zeros(ROWS, np.int32))
