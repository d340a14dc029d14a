"""The whole import, and the first answer of the command line."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

import pyarrow.parquet as pq

from benchmarks.report import Figure
from benchmarks.workload import table

ROWS: Final = 1_000_000
CUSTOMERS: Final = 100_000


def _relasi(*words: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "streams.cli", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def importing() -> list[Figure]:
    """``relasi import`` of a Parquet file: everything stored in the log, applied, and in the reports."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "touchpoints.parquet"
        pq.write_table(table(ROWS, CUSTOMERS, 1), path)
        _relasi("warm")
        seconds = _relasi("import", str(path), "--data", str(Path(folder) / "data"))
    return [
        Figure(f"import of {ROWS:,} events from Parquet", seconds, "s"),
        Figure("  per second, stored and reported", ROWS / seconds, "events/s", at_least=100_000),
    ]


def first_answer() -> list[Figure]:
    """Seconds until ``relasi --help`` has answered."""
    return [Figure("relasi --help", median(_relasi("--help") for _ in range(5)), "s", at_most=0.5)]
