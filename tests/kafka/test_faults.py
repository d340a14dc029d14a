"""Workers that are killed and paused while data flows: nothing lost or double, the same rows as without faults."""

import io
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kafka.consumer.group import KafkaConsumer
from kafka.structs import TopicPartition
from support.kafka_inputs import write_files
from support.kafka_workers import Install, Installation, Supervised, Worker, embedded, same

from schemas.registry import FileRegistry
from schemas.wire import unframe

pytestmark = pytest.mark.long  # `make test-faults`

SESSION: Final = 6
SEEDS: Final = (1, 2, 3)
KILLS: Final = 10
PAUSES: Final = 5


def published(made: Installation) -> dict[str, set[bytes]]:
    """Bodies in the transitions topic by id of the transition."""
    topic = f"{made.name}.transitions.v1"
    schema = fastavro.parse_schema(FileRegistry().schema(FileRegistry().id_of("Transition")))
    consumer = KafkaConsumer(bootstrap_servers=[made.broker.servers], auto_offset_reset="earliest", group_id=None)
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    found: dict[str, set[bytes]] = {}
    while any(consumer.position(tp) < end for tp, end in ends.items()):
        for records in consumer.poll(timeout_ms=1000).values():
            for record in records:
                body = unframe(record.value)[1]
                value: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
                found.setdefault(value["id"], set()).add(record.value)
    consumer.close()
    return found


class Chaos(Supervised):
    """Kills and pauses in an order drawn by seed."""

    def __init__(self, made: Installation, seed: int, workers: int) -> None:
        super().__init__(made, workers)
        self._draw = random.Random(seed)
        self._wait = threading.Event()

    def run(self, kills: int, pauses: int) -> None:
        deeds = [self._kill] * kills + [self._pause] * pauses
        self._draw.shuffle(deeds)
        for deed in deeds:
            self._wait.wait(self._draw.uniform(0.3, 4))
            self.revive()
            deed(self._draw.choice(self.workers))
        self.revive()

    @staticmethod
    def _kill(worker: Worker) -> None:
        worker.kill()

    def _pause(self, worker: Worker) -> None:
        worker.signal(signal.SIGSTOP)
        self._wait.wait(SESSION + self._draw.uniform(1, 4))
        worker.signal(signal.SIGCONT)


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_and_pauses_lose_and_double_nothing(install: Install, tmp_path: Path, seed: int) -> None:
    files = write_files(tmp_path / "files", seed=seed, files=16, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    made = install(session_seconds=SESSION, checkpoint_seconds=0.25, fetch_bytes=65_536)
    chaos = Chaos(made, seed, workers=2)
    producing = threading.Thread(
        target=lambda: [made.must("produce", str(path), "--as-arrived") for path in files], daemon=True
    )
    producing.start()
    chaos.run(KILLS, PAUSES)
    producing.join(120)
    assert not producing.is_alive()
    chaos.settle()
    made.stop_all()
    same(made.tables(), oracle)
    bodies = published(made)
    assert bodies.keys() == {row["id"] for row in oracle["transitions_raw"]}
    assert [name for name, versions in bodies.items() if len(versions) > 1] == []


def test_a_rebalance_storm_loses_and_doubles_nothing(install: Install, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=21, files=8, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    made = install(session_seconds=SESSION, checkpoint_seconds=0.25, fetch_bytes=65_536)
    storm = Supervised(made, 3)
    producing = threading.Thread(
        target=lambda: [made.must("produce", str(path), "--as-arrived") for path in files], daemon=True
    )
    producing.start()
    for turn in range(20):
        threading.Event().wait(1)
        if turn % 2:
            storm.workers.append(made.start())
        else:
            storm.workers.pop(0).signal(signal.SIGTERM)
    producing.join(120)
    assert not producing.is_alive()
    storm.settle()
    made.stop_all()
    same(made.tables(), oracle)
    assert published(made).keys() == {row["id"] for row in oracle["transitions_raw"]}


def test_recovery_of_many_customers_is_timed(install: Install, tmp_path: Path) -> None:
    customers = 400_000
    table = pa.table(
        {
            "event_id": [f"e{number}" for number in range(customers)],
            "customer_id": [f"customer {number}" for number in range(customers)],
            "occurred_at": pa.array(np.arange(customers) * 1000 + 10**12, pa.timestamp("ms", "UTC")),
            "kind": ["order_completed"] * customers,
            "amount": ["10.00"] * customers,
            "currency": ["USD"] * customers,
        }
    )
    pq.write_table(table, tmp_path / "customers.parquet")
    made = install(clickhouse="", profile_seconds=0)
    made.must("produce", str(tmp_path / "customers.parquet"))
    first = made.start()
    first.wait_ready()
    made.settle()
    assert first.stop() == 0, first.text()
    begun = time.monotonic()
    again = made.start()
    again.wait_ready()
    seconds = time.monotonic() - begun
    rows = [line for line in again.page("/metrics")[1].splitlines() if line.startswith("relasi_customers_rows{")]
    assert sum(float(line.split()[-1]) for line in rows) == customers
    print(f"{customers:,} customers: ready {seconds:.1f} s after the process was started")
    assert again.stop() == 0
