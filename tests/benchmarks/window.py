"""The window of event identities: what it costs an event, its memory, and its part of a restore."""

import time
from statistics import median
from typing import Final

import numpy as np

from benchmarks.engine import columns_of, counting_rate
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, fetches, table
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.engine.window import TOLD_COUNT, TOLD_TOTAL, WINDOW
from streams.engine.window_records import seeded
from streams.log.batches import Fetch
from streams.policies import preset

ROUNDS: Final = 9
CUSTOMERS: Final = 200_000
EVENTS: Final = 400_000
FILLS: Final = 3


def new_partition(window: int) -> Partition:
    """An empty partition, whose window is full of what others were delivered before the log began.

    Written over some times: in the index of one that was just filled less lies beside its own place.
    """
    partition = Partition(0, preset(), look_up_all(FileRegistry()), collect=False, window=window)
    random, full = np.random.default_rng(1), partition.table.window
    for fill in range(-FILLS, 0):
        keys, events = (random.integers(0, 2**64, window, np.uint64) for _ in range(2))
        full = seeded(full, keys, events, np.arange(fill * window, (fill + 1) * window, dtype=np.int64))
    partition.table = partition.table._replace(window=full)
    return partition


def _seconds(partition: Partition, fetch: Fetch) -> float:
    """Of processor time: a share of it that is asked for must not hang on who else is at work."""
    begin = time.process_time()
    if isinstance(partition.apply(fetch), Refused):
        raise RuntimeError("a fetch was refused")
    return time.process_time() - begin


def with_and_without() -> list[Figure]:
    """Events per second where each takes the place of the oldest in a full window, beside a partition without one.

    The same touchpoints of the same customers, who all exist already. Each fetch goes to both, one after the other, and
    counts with the best of its rounds: whatever else the machine does only ever adds to what a fetch takes, and does so
    for minutes.
    """
    warm = fetches(table(2 * CUSTOMERS, CUSTOMERS, 1))
    run = fetches(table(EVENTS, CUSTOMERS, 2, START + YEAR_MS), warm[-1].end, START + YEAR_MS)
    partitions = {window: new_partition(window) for window in (WINDOW, 0)}
    for partition in partitions.values():
        counting_rate(partition, warm)
    best = {window: np.full(len(run), np.inf) for window in partitions}
    for number in range(ROUNDS):
        copies = {window: partition.copy() for window, partition in partitions.items()}
        for at, fetch in enumerate(run):
            for window in sorted(copies, reverse=(number + at) % 2 == 0):
                best[window][at] = min(best[window][at], _seconds(copies[window], fetch))
    events = sum(int(fetch.spans[:, 4].sum()) for fetch in run)
    rates = {window: events / float(seconds.sum()) for window, seconds in best.items()}
    full = partitions[WINDOW]
    return [
        Figure(f"events of {CUSTOMERS:,} customers, {WINDOW:,} identities remembered", rates[WINDOW], "events/s"),
        Figure("  none remembered", rates[0], "events/s"),
        Figure("  with the window, of without", rates[WINDOW] / rates[0], "x", at_least=0.95),
        Figure("  bytes per remembered event", full.window_bytes() / WINDOW, "bytes", at_most=20),
    ]


def restoring() -> list[Figure]:
    """Seconds to make a checkpoint of a full window, and to restore it."""
    partition = new_partition(WINDOW)
    new_partition(1000).checkpoint()
    begin = time.perf_counter()
    checkpoint = partition.checkpoint()
    made = time.perf_counter() - begin
    stored = columns_of(checkpoint)
    spent = []
    for _ in range(3):
        other = Partition(0, preset(), look_up_all(FileRegistry()), collect=False)
        begin = time.perf_counter()
        other.restore(stored)
        spent.append(time.perf_counter() - begin)
        told = other.table.window.told
        if int(told[TOLD_COUNT]) != WINDOW or int(told[TOLD_TOTAL]) != FILLS * WINDOW:
            raise RuntimeError(f"{WINDOW} identities were stored, {told[TOLD_COUNT]} came back")
    return [
        Figure(f"checkpoint of {WINDOW:,} new identities, made", made, "s"),
        Figure("  bytes an identity, with its key", checkpoint.bytes / WINDOW, "bytes", at_most=16),
        Figure(f"restore of {WINDOW:,} identities", median(spent), "s", at_most=1),
    ]
