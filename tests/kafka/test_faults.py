"""Workers that are killed and paused, and a broker and a server too, while data flows: nothing is lost or double."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.chaos import STORM, Chaos
from support.clickhouse_supervised import supervised
from support.kafka_broker import PATIENCE, running
from support.kafka_inputs import write_files
from support.kafka_workers import Install, Installation, Supervised, embedded, installation, same

from streams.outputs import judgements, transitions

pytestmark = pytest.mark.long  # `make test-faults`

SEEDS: Final = (1, 2)
KILLS: Final = 10
PAUSES: Final = 5


def produce(made: Installation, files: list[Path]) -> None:
    """Send files. Where the broker was not there when one began, nothing was sent of it, and it begins again."""
    left = list(files)
    while left:
        done = made.relasi("produce", str(left[0]), "--as-arrived")
        if done.returncode == 0:
            left.pop(0)
        else:
            assert "RELASI_BROKER=" in done.stderr, done.stderr
            threading.Event().wait(0.5)


@contextmanager
def producing(made: Installation, files: list[Path]) -> Iterator[None]:
    """Files are sent, one after another, while the context lasts; it ends when all are."""
    thread = threading.Thread(target=produce, args=(made, files), daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive()


def holds_the_same(made: Installation, oracle: dict[str, list[dict[str, Any]]]) -> None:
    """Every table, and the topics of facts: the same ids, and one body for each."""
    same(made.tables(), oracle)
    for topic in (transitions.TOPIC, judgements.TOPIC):
        bodies = made.published(topic)
        assert bodies.keys() == {row["id"].encode() for row in oracle[f"{topic.suffix.removesuffix('.v1')}_raw"]}
        assert [name for name, versions in bodies.items() if len(versions) > 1] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_and_pauses_lose_and_double_nothing(install: Install, tmp_path: Path, seed: int) -> None:
    files = write_files(tmp_path / "files", seed=seed, files=16, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    made = install(**STORM)
    chaos = Chaos(made, seed, workers=2)
    with producing(made, files):
        chaos.run([chaos.kill] * KILLS + [chaos.pause] * PAUSES)
    chaos.settle()
    made.stop_all()
    holds_the_same(made, oracle)


def test_everything_at_once_loses_and_doubles_nothing(tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=41, files=12, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    (tmp_path / "made").mkdir()
    with (
        running(tmp_path / "broker") as broker,
        supervised(tmp_path / "clickhouse") as server,
        installation(broker, server.server, "everything", tmp_path / "made", **STORM) as made,
    ):
        chaos = Chaos(made, 41, workers=2)
        outages = [chaos.lose_broker] * 3 + [lambda: chaos.lose_server(server)] * 3
        with producing(made, files):
            chaos.run([chaos.kill] * 4 + [chaos.pause] * 2 + outages)
        chaos.settle()
        made.stop_all()
        holds_the_same(made, oracle)


def test_a_rebalance_storm_loses_and_doubles_nothing(install: Install, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=21, files=8, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    made = install(**STORM)
    storm = Supervised(made, 3)
    with producing(made, files):
        for turn in range(20):
            threading.Event().wait(1)
            if turn % 2:
                storm.workers.append(made.start())
            else:
                storm.workers.pop(0).signal(signal.SIGTERM)
    storm.settle()
    made.stop_all()
    holds_the_same(made, oracle)


def test_recovery_of_many_customers_is_timed(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    with capsys.disabled():
        print(f"\n{customers:,} customers: ready {seconds:.1f} s after the process was started")
    assert again.stop() == 0
