"""The engine alone, on one core: events per second beside the naive loop, growth, restore, memory."""

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import numpy as np
from support.presets import policy_of

from benchmarks.naive_loop import NaiveLoop
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, fetches, table
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.embedded.session import preset
from streams.engine.checkpoint import Checkpoint, Stored, stored_in_columns
from streams.engine.cursor import TAKEN_LENGTH, TAKEN_OFFSET, TAKEN_START
from streams.engine.partition import HOT_ROWS, Partition
from streams.engine.results import Refused
from streams.log.batches import Fetch
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.records import HEAD_CELLS, HEAD_NEXT, HEAD_VALUE, HEAD_VALUE_SIZE, next_record
from streams.outputs.profiles import profiles_table
from streams.outputs.transitions import transitions_table
from streams.reports.container import Places, container

ROUNDS: Final = 5
NAIVE_EVENTS: Final = 40_000
EVENTS: Final = 1_000_000
SMALL: Final = 10_000
LARGE: Final = 1_000_000
COPIES: Final = 20


def new_partition(*, collect: bool, hot_rows: int = HOT_ROWS) -> Partition:
    """An empty partition under the packaged policy."""
    return Partition(0, preset(), look_up_all(FileRegistry()), collect=collect, hot_rows=hot_rows)


def values(some: Sequence[Fetch]) -> Iterator[bytes]:
    """The records' values, one by one, as a consumer would hand them to the naive loop."""
    head = np.zeros(HEAD_CELLS, np.int64)
    for fetch in some:
        for span in fetch.spans:
            place = int(span[0])
            for _ in range(int(span[4])):
                next_record(fetch.buffer, place, int(span[1]), head)
                start, size = int(head[HEAD_VALUE]), int(head[HEAD_VALUE_SIZE])
                yield fetch.buffer[start : start + size].tobytes()
                place = int(head[HEAD_NEXT])


def naive_rate(some: Sequence[Fetch]) -> tuple[float, int]:
    """(events per second, transitions) of the naive loop."""
    loop = NaiveLoop(policy_of())
    records = list(values(some))
    begin = time.perf_counter()
    for value in records:
        loop.apply(value)
    return len(records) / (time.perf_counter() - begin), loop.transitions


def counting_rate(partition: Partition, some: Sequence[Fetch]) -> float:
    """Events per second of decode, state and due timers."""
    begin = time.perf_counter()
    for fetch in some:
        if isinstance(partition.apply(fetch), Refused):
            raise RuntimeError("a fetch was refused")
    events = sum(int(fetch.spans[:, 4].sum()) for fetch in some)
    return events / (time.perf_counter() - begin)


def cpu_per_event(partition: Partition, some: Sequence[Fetch]) -> float:
    """Nanoseconds of CPU an event of the same, which others on the machine change less than the time that passes."""
    begin = time.process_time()
    counting_rate(partition, some)
    return 1e9 * (time.process_time() - begin) / sum(int(fetch.spans[:, 4].sum()) for fetch in some)


def building_rate(partition: Partition, some: Sequence[Fetch]) -> float:
    """The same with transitions, profiles and the container of the raw history built."""
    schema = FileRegistry().schema(FileRegistry().id_of("Touchpoint"))
    begin = time.perf_counter()
    for fetch in some:
        applied = partition.apply(fetch)
        if isinstance(applied, Refused):
            raise RuntimeError("a fetch was refused")
        transitions_table([applied], partition)
        taken = applied.taken
        places = Places(partition.number, taken[:, TAKEN_OFFSET])
        container(schema, applied.buffer, taken[:, TAKEN_START], taken[:, TAKEN_START] + taken[:, TAKEN_LENGTH], places)
    profiles_table(partition, partition.take_unreported(partition.customers))
    events = sum(int(fetch.spans[:, 4].sum()) for fetch in some)
    return events / (time.perf_counter() - begin)


def throughput() -> list[Figure]:
    """Relasi beside the naive loop, the rounds of both interleaved."""
    some = fetches(table(EVENTS // 2, SMALL, 1))
    few = fetches(table(NAIVE_EVENTS, SMALL // 12, 1))
    for collect in (False, True):
        counting_rate(new_partition(collect=collect), some[:1])
    counted, built, naive, ratios = [], [], [], []
    for _ in range(ROUNDS):
        rate, _ = naive_rate(few)
        naive.append(rate)
        counted.append(counting_rate(new_partition(collect=False), some))
        ratios.append(counted[-1] / rate)
        built.append(building_rate(new_partition(collect=True), some))
    return [
        Figure("naive loop (fastavro, dataclasses)", median(naive), "events/s"),
        Figure("decode + state + due timers", median(counted), "events/s"),
        Figure("  over the naive loop", median(ratios), "x", at_least=9),
        Figure("with facts and report rows built", median(built), "events/s"),
    ]


def growth() -> list[Figure]:
    """CPU per event with few and with many customers, who all exist already; memory; checkpoint and restore.

    Like for like: as many touchpoints a customer in either case, before and while it is measured, or the work an event
    would differ, because more of them return. With few customers the same is done on many copies.
    """
    costs: dict[int, list[float]] = {SMALL: [], LARGE: []}
    partitions, runs = {}, {}
    for customers in costs:
        warm = fetches(table(3 * customers, customers, 1))
        partitions[customers] = new_partition(collect=False)
        counting_rate(partitions[customers], warm)
        runs[customers] = fetches(table(customers, customers, 2, START + YEAR_MS), warm[-1].end, START + YEAR_MS)
    for _ in range(ROUNDS):
        for customers, spent in costs.items():
            copies = min(LARGE // customers, COPIES)
            spent.append(median(cpu_per_event(partitions[customers].copy(), runs[customers]) for _ in range(copies)))
    ratio = median(many / few for few, many in zip(costs[SMALL], costs[LARGE], strict=True))
    large = partitions[LARGE]
    seconds, checkpoint = checkpoint_seconds(large)
    return [
        Figure(f"CPU per event, {SMALL:,} customers", median(costs[SMALL]), "ns"),
        Figure(f"CPU per event, {LARGE:,} customers", median(costs[LARGE]), "ns"),
        Figure("  growth", ratio, "x", at_most=1.5),
        Figure("memory per customer, ids of 16 bytes", large.memory_bytes() / large.customers, "bytes", at_most=500),
        Figure(f"checkpoint of {checkpoint.rows:,} rows, made", seconds, "s"),
        Figure("  bytes a row, with its key", checkpoint.bytes / checkpoint.rows, "bytes", at_most=300),
        Figure(f"restore of {large.customers:,} customers", restore_seconds(large, checkpoint), "s", at_most=0.5),
    ]


def checkpoint_seconds(partition: Partition, rounds: int = 3) -> tuple[float, Checkpoint]:
    """Seconds to make a checkpoint of all rows of a partition, and the checkpoint."""
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        checkpoint = partition.checkpoint()
        spent.append(time.perf_counter() - begin)
        partition.take_back(checkpoint)
    return median(spent), partition.checkpoint()


def columns_of(checkpoint: Checkpoint) -> list[Stored]:
    """All that it stores."""
    others = [(key, value) for key, value in (*checkpoint.records, checkpoint.header) if value is not None]
    return [*stored_in_columns(others), (checkpoint.keys, checkpoint.values)]


def restore_seconds(partition: Partition, checkpoint: Checkpoint) -> float:
    """Seconds to restore a partition from a checkpoint of all its rows."""
    spent = []
    for _ in range(3):
        other = new_partition(collect=False)
        begin = time.perf_counter()
        other.restore(columns_of(checkpoint))
        spent.append(time.perf_counter() - begin)
        if other.customers != partition.customers:
            raise RuntimeError(
                f"{partition.customers} customers were stored in {TOUCHPOINTS_TOPIC}, {other.customers} came back"
            )
    return median(spent)
