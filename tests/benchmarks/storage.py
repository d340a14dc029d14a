"""The whole import, and the first answer of the command line."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.reading import written
from benchmarks.report import Figure
from benchmarks.workload import table

ROWS: Final = 1_000_000
CUSTOMERS: Final = 100_000
_BARS: Final = {"csv": 140_000, "parquet": 140_000, "jsonl": 110_000, "avro": 110_000}
_MEGABYTES: Final = 1_000


class _Cost(NamedTuple):
    """Of a process: seconds on the clock, seconds of CPU, and the megabytes that it had at most, its libraries too."""

    seconds: float
    cpu: float
    megabytes: float


def _relasi(*words: str) -> _Cost:
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "streams.cli", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"relasi {' '.join(words)} ended with {process.returncode}")
    return _Cost(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def importing() -> list[Figure]:
    """``relasi import`` of a file of each format: all stored in the log, applied, in the reports, with a verdict."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = written(folder, table(ROWS, CUSTOMERS, 1))
        _relasi("warm")
        for kind, path in paths.items():
            cost = _relasi("import", str(path), "--data", str(folder / kind))
            figures += [
                Figure(f"import of {ROWS:,} events from {kind}", ROWS / cost.seconds, "events/s", at_least=_BARS[kind]),
                Figure("  CPU of each", cost.cpu / ROWS * 1e6, "µs"),
                Figure("  memory at the most", cost.megabytes, "MB", at_most=_MEGABYTES),
            ]
    return figures


def first_answer() -> list[Figure]:
    """Seconds until ``relasi --help`` has answered."""
    return [Figure("relasi --help", median(_relasi("--help").seconds for _ in range(5)), "s", at_most=0.5)]
