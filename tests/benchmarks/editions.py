"""The next edition of a data directory: how fast it is built, what that costs the one in force, and memory."""

import asyncio
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, canonical, table
from schemas.registry import FileRegistry
from streams.clock import now_ms
from streams.embedded.database import ENGINE
from streams.embedded.log import Log
from streams.embedded.rows_file import RowsFile
from streams.embedded.writer import LogWriter
from streams.log.topics import TOUCHPOINTS_TOPIC
from streams.log.touchpoints import touchpoints_with_ticks

ROWS: Final = 4_000_000
CUSTOMERS: Final = 400_000
LIVE: Final = 1_000_000
_AT_ONCE: Final = 65_536
_AGAIN_SECONDS: Final = 0.05
_PROGRAM: Final = (sys.executable, "-m", "streams.cli")
_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")


def _timed(*words: str) -> float:
    begin = time.perf_counter()
    subprocess.run([*_PROGRAM, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


@contextmanager
def _running(data: Path) -> Iterator["subprocess.Popen[str]"]:
    words = ["run", "--data", str(data), "--tick-seconds", "86400"]
    process = subprocess.Popen([*_PROGRAM, *words], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "running on" in process.stderr.readline()
        yield process
    finally:
        process.terminate()
        process.communicate()


async def _appended(writer: LogWriter, rows: pa.Table) -> None:
    registry, at = FileRegistry(), START + YEAR_MS
    for batch in rows.to_batches(max_chunksize=_AT_ONCE):
        keys, bodies, at = touchpoints_with_ticks(batch, registry, at)
        await writer.append(keys, bodies)


def _rate(data: Path, rows: pa.Table) -> float:
    """Touchpoints per second from their append until the process that runs has made them lasting."""
    begin = time.perf_counter()
    with LogWriter(data, 0, now_ms) as writer:
        asyncio.run(_appended(writer, rows))
    with Log(data) as log, RowsFile(data) as made:
        end = log.end_offset(TOUCHPOINTS_TOPIC, 0)
        while made.position(ENGINE, TOUCHPOINTS_TOPIC, 0) < end:
            time.sleep(_AGAIN_SECONDS)
    return int(rows.num_rows) / (time.perf_counter() - begin)


def _live(seed: int) -> pa.Table:
    return canonical(table(LIVE, CUSTOMERS, seed, START + YEAR_MS))


def _peak(process: "subprocess.Popen[str]") -> float:
    """The most memory that a process has had, GB."""
    found = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e9


@contextmanager
def _imported(rows: int) -> Iterator[tuple[Path, float]]:
    """A data directory with so many touchpoints, and at how many a second they came in."""
    with tempfile.TemporaryDirectory() as folder:
        path, data = Path(folder) / "touchpoints.parquet", Path(folder) / "data"
        pq.write_table(table(rows, CUSTOMERS, 1), path)
        yield data, rows / _timed("import", str(path), "--data", str(data))


def rebuilding() -> Iterator[Figure]:
    """``relasi rebuild`` beside ``relasi import`` of the same."""
    _timed("warm")
    with _imported(ROWS) as (data, imported):
        yield Figure(f"import of {ROWS:,} touchpoints", imported, "events/s")
        rebuilt = ROWS / _timed("rebuild", "--layout", "--data", str(data))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
        yield Figure("relasi rebuild of the same", rebuilt, "events/s")
        yield Figure("  of the import's speed", rebuilt / imported, "x", at_least=0.7)
        yield Figure("memory of either, peak", peak, "GB")


def running() -> Iterator[Figure]:
    """A process that runs, with and without a build beside it, from appends until what they say is lasting."""
    with _imported(2 * LIVE) as (data, _), _running(data) as process:
        alone = _rate(data, _live(2))
        yield Figure("relasi run, alone", alone, "events/s")
        rows = _live(3)
        beside = subprocess.Popen([*_PROGRAM, "rebuild", "--layout", "--data", str(data)], stdout=subprocess.DEVNULL)
        while not (data / "edition.next").exists():
            time.sleep(_AGAIN_SECONDS)
        meanwhile = _rate(data, rows)
        under_way = beside.poll() is None
        if beside.wait() != 0 or not under_way:
            raise RuntimeError("the rebuild was over before what it is measured beside")
        yield Figure("  while an edition is built", meanwhile, "events/s")
        yield Figure("  of its speed alone", meanwhile / alone, "x", at_least=0.7)
        yield Figure("memory of the process that runs, peak", _peak(process), "GB")


if __name__ == "__main__":
    for part in (rebuilding, running):
        for figure in part():
            print(figure.line(), flush=True)
