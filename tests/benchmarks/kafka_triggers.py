"""How long it takes from when a touchpoint is sent until its trigger is in the topic, and until the first attempt."""

import asyncio
import io
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
from support.kafka_broker import until
from support.kafka_workers import Installation, Worker
from support.rules import text_with

from benchmarks.delivering import Receivers, receivers
from benchmarks.kafka_latency import KNOWN, SECONDS, SLICE_SECONDS, WARM_SECONDS, Load, arrivals
from benchmarks.kafka_load import fill
from benchmarks.kafka_systems import catch_up, settings_of
from benchmarks.report import Figure
from benchmarks.workload import customer_ids, table
from processors.policy.policy import read_policy
from schemas.registry import FileRegistry
from schemas.wire import HEADER_SIZE
from streams.clock import now_ms
from streams.kafka.topics import topics_of
from streams.outputs.triggers import TOPIC

# A touchpoint in a hundred makes it fire; of those a tenth goes out, as many as one process delivers beside the load.
RULE: Final = '[triggers.seen]\non = "touchpoint: account_created"\nchannel = "internal"\nhold_out = 0.9\n'
# Or what is measured by night would wait for the morning.
ANY_HOUR: Final = 'quiet_hours = ""\n'
_SEED: Final = 11


def touchpoints(rate: float) -> pa.Table:
    """Of customers who are known already, at instants from now on: what is older is stale."""
    count = int(rate * SECONDS)
    rows = table(count, KNOWN, _SEED, now_ms(), round(SECONDS * 1000))
    numbers = np.random.default_rng(_SEED).integers(0, KNOWN, count)
    return rows.set_column(rows.column_names.index("customer_id"), "customer_id", customer_ids(numbers))


def _deliverer(made: Installation, there: Receivers, folder: Path) -> Worker:
    file = folder / "delivering.toml"
    file.write_text(
        f'[endpoints.good]\nurl = "http://127.0.0.1:{there.ports[0]}/hook"\nallow = ["127.0.0.1"]\n'
        'secrets = { signing = "env:SIGNING" }\n'
    )
    made.environment["SIGNING"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    started = made.start_deliverer("--settings", str(file), data=folder / "outbox")
    for _ in until(60):
        if started.log.read_text().count("partition taken") == settings_of(made).partitions:
            break
    return started


def latency(made: Installation, rate: float, folder: Path) -> list[Figure]:
    """Percentiles at ``rate`` events a second; the customers exist before it begins."""
    settings = settings_of(made)
    fill(settings, table(KNOWN, KNOWN, 1), read_policy(text_with(RULE, ANY_HOUR)))
    worker = made.start()
    catch_up(settings, worker)
    with receivers() as there:
        deliverer = _deliverer(made, there, folder)
        load = Load(touchpoints(rate), int(SECONDS / SLICE_SECONDS), settings.partitions)
        arrived, sent = asyncio.run(arrivals(settings, load, topics_of(settings).of(TOPIC)))
        told = {f"trg_{fact['id']}" for fact in map(_fact, arrived) if fact["outcome"] == "sent"}
        came: dict[str, float] = {}
        for _ in until(60):
            came |= there.came()
            if told <= came.keys():
                break
        for process in (deliverer, worker):
            if process.stop(30) != 0:
                raise RuntimeError(f"it failed:\n{process.text()}")
    said, reached = _waits(load, arrived, came)
    return [
        Figure("sent", sent, "events/s"),
        Figure("triggers measured", len(said), ""),
        Figure("first attempts measured", len(reached), ""),
        *_percentiles("from append to trigger", said, 250),
        *_percentiles("from append to the first attempt", reached, 500),
    ]


@cache
def _schema() -> Any:
    return fastavro.parse_schema(FileRegistry().schema(FileRegistry().id_of("Trigger")))


def _fact(arrived: tuple[float, bytes]) -> dict[str, Any]:
    fact: Any = fastavro.schemaless_reader(io.BytesIO(arrived[1][HEADER_SIZE:]), _schema(), None)
    return dict(fact)


def _percentiles(name: str, seconds: list[float], bar: float) -> list[Figure]:
    p50, p99 = (float(np.percentile(seconds, share)) * 1000 for share in (50, 99))
    return [Figure(f"{name}, median", p50, "ms"), Figure(f"{name}, p99", p99, "ms", at_most=bar)]


def _waits(load: Load, arrived: list[tuple[float, bytes]], came: dict[str, float]) -> tuple[list[float], list[float]]:
    """Seconds of each trigger that the load caused once it was warm: to the topic, and to the receiver."""
    warm = int(WARM_SECONDS / SLICE_SECONDS)
    said, reached = [], []
    for at, value in arrived:
        fact = _fact((at, value))
        number = load.slice_of(fact["evidence_event_id"])
        if number < warm:
            continue
        said.append(at - load.sent_at[number])
        if fact["outcome"] == "sent":
            # One that never came makes the benchmark fail, and not better.
            reached.append(came[f"trg_{fact['id']}"] - load.sent_at[number])
    return said, reached
