"""The broker or ClickHouse goes away while data flows, and comes back."""

import threading
from pathlib import Path

import pytest
from support.clickhouse_server import Server
from support.flaky_server import LOSES_ANSWERS, REFUSES, WORKS, flaky
from support.kafka_broker import running, until
from support.kafka_inputs import write_files
from support.kafka_workers import Install, Supervised, embedded, installation, same

pytestmark = pytest.mark.long  # `make test-faults`


def test_clickhouse_that_loses_answers_and_goes_away(install: Install, clickhouse: Server, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=11, files=3, count=4_000, customers=800)
    oracle = embedded(tmp_path / "embedded", files)
    with flaky([clickhouse.tcp_port, clickhouse.http_port]) as proxy:
        made = install(checkpoint_seconds=0.25)
        url = f"clickhouse://default@127.0.0.1:{proxy.ports[0]}/{made.name}?http_port={proxy.ports[1]}"
        worker = made.start(clickhouse=url)
        worker.wait_ready()
        made.must("produce", str(files[0]), "--as-arrived")
        made.settle()
        proxy.mode(LOSES_ANSWERS)
        made.must("produce", str(files[1]), "--as-arrived")
        for _ in until(60):
            if worker.page("/readyz") == (503, "ClickHouse is unreachable (RELASI_CLICKHOUSE)\n"):
                break
        proxy.mode(REFUSES)
        made.must("produce", str(files[2]), "--as-arrived")
        before, ends = made.positions()
        assert any(before[number] < end for number, end in ends.items())
        proxy.mode(WORKS)
        made.settle()
        assert "relasi_clickhouse_retries_total{" in worker.page("/metrics")[1]
        assert worker.stop() == 0, worker.text()
        same(made.tables(), oracle)


def test_a_broker_that_is_stopped_and_killed_while_data_flows(clickhouse: Server, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=12, files=4, count=4_000, customers=800)
    oracle = embedded(tmp_path / "embedded", files)
    (tmp_path / "made").mkdir()
    with (
        running(tmp_path / "broker") as broker,
        installation(broker, clickhouse, "outage", tmp_path / "made", checkpoint_seconds=0.25) as made,
    ):
        alive = Supervised(made, 2)
        for worker in alive.workers:
            worker.wait_ready()
        for number, path in enumerate(files):
            made.must("produce", str(path), "--as-arrived")
            if number in (0, 2):
                broker.stop() if number else broker.kill()
                threading.Event().wait(5)
                broker.start()
        alive.settle()
        made.stop_all()
        same(made.tables(), oracle)
