"""The engine alone, on one core: events per second beside the naive loop, growth, restore, memory."""

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import numpy as np

from benchmarks.naive_loop import NaiveLoop
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, fetches, table
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.embedded.session import preset
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.log.batches import Fetch
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.records import HEAD_CELLS, HEAD_NEXT, HEAD_VALUE, HEAD_VALUE_SIZE, next_record
from streams.outputs.profiles import profiles_table
from streams.outputs.transitions import transitions_table
from streams.reports.container import container

ROUNDS: Final = 5
NAIVE_EVENTS: Final = 40_000
EVENTS: Final = 1_000_000
SMALL: Final = 10_000
LARGE: Final = 1_000_000


def new_partition(*, collect: bool, owner: str = "first") -> Partition:
    """An empty partition under the packaged policy."""
    return Partition(0, preset(), look_up_all(FileRegistry()), collect=collect, owner=owner)


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
    loop = NaiveLoop(preset())
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
        container(schema, applied.buffer, taken[:, 0], taken[:, 0] + taken[:, 1])
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
    """Cost per event with few and with many customers, who all exist already; memory; restore."""
    costs: dict[int, list[float]] = {SMALL: [], LARGE: []}
    partitions, runs = {}, {}
    for customers in costs:
        # As many touchpoints per customer in either case, or the work per event would differ: more of them return.
        first = table(3 * customers, customers, 1)
        warm = fetches(first)
        partitions[customers] = new_partition(collect=False)
        counting_rate(partitions[customers], warm)
        rows = min(3 * customers, EVENTS)
        runs[customers] = fetches(table(rows, customers, 2, START + YEAR_MS), warm[-1].end, START + YEAR_MS)
    for _ in range(ROUNDS):
        for customers, spent in costs.items():
            spent.append(1e9 / counting_rate(partitions[customers].copy(), runs[customers]))
    ratio = median(many / few for few, many in zip(costs[SMALL], costs[LARGE], strict=True))
    large = partitions[LARGE]
    return [
        Figure(f"cost per event, {SMALL:,} customers", median(costs[SMALL]), "ns"),
        Figure(f"cost per event, {LARGE:,} customers", median(costs[LARGE]), "ns"),
        Figure("  growth", ratio, "x", at_most=2),
        Figure("memory per customer, ids of 16 bytes", large.memory_bytes() / large.customers, "bytes", at_most=2500),
        Figure(f"restore of {large.customers:,} customers", restore_seconds(large), "s", at_most=2),
    ]


def restore_seconds(partition: Partition) -> float:
    """Seconds to restore a partition from the records of a checkpoint of all its rows."""
    partition.table.dirty[: partition.customers] = 1
    records = [(key, value) for key, value in partition.checkpoint().records if value is not None]
    spent = []
    for _ in range(3):
        other = new_partition(collect=False, owner="second")
        begin = time.perf_counter()
        other.restore(records)
        spent.append(time.perf_counter() - begin)
        if other.customers != partition.customers:
            raise RuntimeError(
                f"{partition.customers} customers were stored in {TOUCHPOINTS_TOPIC}, {other.customers} came back"
            )
    return median(spent)
