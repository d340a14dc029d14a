"""What checkpoints cost with few and with many customers, at the same rate of events."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from support.kafka_workers import Installation, Worker

from benchmarks.kafka_latency import SLICE_SECONDS, Load
from benchmarks.kafka_load import fill
from benchmarks.kafka_systems import catch_up, settings_of, total
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, customer_ids, table
from streams.clock import Clock
from streams.kafka.producer import Producer
from streams.kafka.topics import topics_of
from streams.settings import Settings

FEW: Final = 10_000
MANY: Final = 1_000_000
RATE: Final = 1_000
MOST_SECONDS: Final = 120
ROUNDS: Final = 6
_TICKS_PER_SECOND: Final = 100

Install = Callable[[str], AbstractContextManager[Installation]]


@dataclass(frozen=True)
class Reading:
    """Counters of a worker at an instant."""

    at: float
    rows: float
    count: float
    seconds: float
    processor: float

    @classmethod
    def of(cls, worker: Worker) -> "Reading":
        page = worker.page("/metrics")[1]
        # After the name in parentheses: user and system time are the 12th and 13th field.
        used = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return cls(
            at=time.monotonic(),
            rows=total(page, "relasi_checkpoint_rows_total"),
            count=total(page, "relasi_checkpoint_seconds_count"),
            seconds=total(page, "relasi_checkpoint_seconds_sum"),
            processor=sum(map(int, used)) / _TICKS_PER_SECOND,
        )

    @classmethod
    def after(cls, worker: Worker, checkpoints: float) -> "Reading":
        """As soon as so many checkpoints are done: between two of them, counters and time belong together."""
        end = time.monotonic() + MOST_SECONDS
        while time.monotonic() < end:
            reading = cls.of(worker)
            if reading.count >= checkpoints:
                return reading
            time.sleep(0.05)
        raise RuntimeError(f"no more checkpoints are made:\n{worker.text()}")


@dataclass(frozen=True)
class Cost:
    """What checkpoints cost per second of time. ``rows``: that were written, because they had changed."""

    rows: float
    busy: float
    processor: float


def cost(before: Reading, after: Reading) -> Cost:
    """From the counters of a worker at two instants."""
    seconds = after.at - before.at
    rows = after.rows - before.rows
    return Cost(
        rows=rows / seconds,
        busy=(after.seconds - before.seconds) / seconds,
        processor=(after.processor - before.processor) / seconds,
    )


def everybody(customers: int) -> pa.Table:
    """One touchpoint of each customer."""
    rows = table(customers, customers, 1)
    ids = customer_ids(np.random.default_rng(1).permutation(customers))
    return rows.set_column(rows.column_names.index("customer_id"), "customer_id", ids)


def measure(made: Installation, customers: int) -> Cost:
    """Load so many customers, then send touchpoints of theirs at a fixed rate."""
    settings = settings_of(made)
    fill(settings, everybody(customers))
    worker = made.start()
    catch_up(settings, worker)
    some = table(RATE * MOST_SECONDS, customers, 2, START + YEAR_MS)
    load = Load(some, int(MOST_SECONDS / SLICE_SECONDS), settings.partitions)
    before, after = asyncio.run(_send(settings, load, worker))
    worker.stop(30)
    return cost(before, after)


async def _send(settings: Settings, load: Load, worker: Worker) -> tuple[Reading, Reading]:
    topic = topics_of(settings).touchpoints
    measuring = asyncio.create_task(asyncio.to_thread(_readings, worker, settings.partitions))
    async with Producer(settings, "checkpoints", Clock()) as producer:
        begun = time.monotonic()
        for number in range(len(load.sent_at)):
            await asyncio.sleep(max(0.0, begun + number * SLICE_SECONDS - time.monotonic()))
            if measuring.done():
                break
            await load.send(producer, topic, number)
    return await measuring


def _readings(worker: Worker, partitions: int) -> tuple[Reading, Reading]:
    """Before and after some rounds of checkpoints; what the first one writes is older than the load."""
    before = Reading.after(worker, Reading.of(worker).count + 2 * partitions)
    return before, Reading.after(worker, before.count + ROUNDS * partitions)


def growth(install: Install) -> list[Figure]:
    """Few customers beside many."""
    found = []
    for name, customers in (("few", FEW), ("many", MANY)):
        with install(name) as made:
            found.append(measure(made, customers))
    few, many = found
    figures = []
    for customers, each in ((FEW, few), (MANY, many)):
        title = f"{customers:,} customers"
        figures += [
            Figure(f"rows written, {title}", each.rows, "rows/s"),
            Figure("  time of checkpoints", each.busy * 1000, "ms/s"),
            Figure("  processor time of the worker, all told", each.processor * 1000, "ms/s"),
        ]
    return [*figures, Figure("growth of what is written", many.rows / few.rows, "x", at_most=2)]
