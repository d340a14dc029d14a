"""Many customers of whom few are active: what a process that holds them takes, in a process of its own.

``make bench-many`` holds ten million; it takes some minutes and 14 GB.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.engine import checkpoint_seconds, columns_of, new_partition
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, customer_ids, fetches, table
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.log.batches import Fetch

CUSTOMERS: Final = 1_000_000
ACTIVE: Final = 50_000
EVENTS: Final = 4_000_000  # three of each customer, and twenty more of each active one
MANY: Final = 10_000_000
MANY_EVENTS: Final = 20_000_000
_AT_ONCE: Final = 500_000


def resident_mb() -> float:
    """Megabytes of memory that this process has (Linux), without what its allocators only keep for later."""
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def stream(customers: int, active: int, events: int) -> Iterator[list[Fetch]]:
    """Touchpoints over a year, a few hundred thousand at a time: every customer's first, then more of the active ones.

    ``events``: a multiple of what comes at a time. Of those that are not of the active ones each customer has as many.
    """
    random = np.random.default_rng(3)
    everybody = events // 2 if active == customers else events - 20 * active
    offset, time_before, chunks = 0, 0, events // _AT_ONCE
    order = random.permutation(customers)
    for chunk in range(chunks):
        first, span = chunk * _AT_ONCE, YEAR_MS // chunks
        places = np.arange(first, first + _AT_ONCE)
        numbers = order[places % customers] if first < everybody else random.integers(0, active, _AT_ONCE)
        start = START + chunk * span
        rows = table(_AT_ONCE, customers, chunk, start, span)
        rows = rows.set_column(rows.column_names.index("customer_id"), "customer_id", customer_ids(numbers))
        some = fetches(rows, offset, time_before)
        offset, time_before = some[-1].end, start + span
        yield some


def held(customers: int, active: int, events: int, *, restored: bool) -> dict[str, float]:
    """Figures of a partition that has taken in a stream: its memory, CPU per event, and what a restore takes."""
    partition, spent, done = new_partition(collect=False), 0.0, 0
    for some in stream(_AT_ONCE, _AT_ONCE, 2 * _AT_ONCE):
        new_partition(collect=False).apply(some[0])
    before = resident_mb()
    for some in stream(customers, active, events):
        begin = time.process_time()
        for fetch in some:
            if isinstance(partition.apply(fetch), Refused):
                raise RuntimeError("a fetch was refused")
        spent, done = spent + time.process_time() - begin, done + _AT_ONCE
    told = {
        "customers": partition.customers,
        "events_a_second": done / spent,
        "engine_mb": partition.memory_bytes() / 1e6,
        "process_mb": resident_mb() - before,
    }
    return {**told, **_restored(partition)} if restored else told


def _restored(partition: Partition) -> dict[str, float]:
    seconds, checkpoint = checkpoint_seconds(partition, rounds=1)
    stored = columns_of(checkpoint)
    other = new_partition(collect=False)
    begin = time.perf_counter()
    other.restore(stored)
    passed = time.perf_counter() - begin
    if other.customers != partition.customers:
        raise RuntimeError(f"{partition.customers} customers were stored, {other.customers} came back")
    return {"checkpoint_s": seconds, "checkpoint_mb": checkpoint.bytes / 1e6, "restore_s": passed}


def _in_a_process(*words: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.many", *map(str, words)]
    told: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


def few_active() -> list[Figure]:
    """By how much a process grows with a million customers of whom 50,000 are active."""
    told = _in_a_process(CUSTOMERS, ACTIVE, EVENTS, 0)
    return [
        Figure(f"memory, {CUSTOMERS:,} customers, {ACTIVE:,} active", told["process_mb"], "MB", at_most=650),
        Figure("  as the engine counts it", told["engine_mb"], "MB"),
    ]


def many() -> list[Figure]:
    """What ten million customers take, all of them active."""
    told = _in_a_process(MANY, MANY, MANY_EVENTS, 1)
    return [
        Figure(f"{told['customers']:,.0f} customers, {MANY_EVENTS:,} events", told["events_a_second"], "a CPU s"),
        Figure("  memory", told["process_mb"], "MB"),
        Figure("  as the engine counts it", told["engine_mb"], "MB"),
        Figure("  a customer", 1e6 * told["engine_mb"] / told["customers"], "bytes", at_most=500),
        Figure("  a checkpoint of all, made", told["checkpoint_s"], "s"),
        Figure("  its rows", told["checkpoint_mb"], "MB"),
        Figure("  restored", told["restore_s"], "s"),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        size, busy, count, whole = map(int, sys.argv[1:])
        print(json.dumps(held(size, busy, count, restored=bool(whole))))
    else:
        for figure in many():
            print(figure.line())
