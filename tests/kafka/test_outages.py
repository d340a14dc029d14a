"""The broker or ClickHouse goes away while data flows, and comes back."""

import threading
import time
from pathlib import Path

import pytest
from support.clickhouse_server import Server
from support.clickhouse_supervised import supervised
from support.flaky_server import LOSES_ANSWERS, REFUSES, WORKS, flaky
from support.kafka_broker import PATIENCE, Broker, running, until
from support.kafka_inputs import write_files
from support.kafka_workers import Install, Supervised, embedded, installation, same

pytestmark = pytest.mark.long  # `make test-faults`

BYTES_OF_A_RECORD = 80  # in the log, and less than it is


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
        for _ in until():
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


def test_clickhouse_that_is_gone_for_half_a_minute_holds_the_worker_and_not_its_memory(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed between an insert and its acknowledgement, and gone for 30 s while much more arrives than may wait."""
    waiting, allowed = 1 << 20, 16 << 20
    files = write_files(tmp_path / "files", seed=13, files=2, count=450_000, customers=200)
    oracle = embedded(tmp_path / "embedded", files)
    (tmp_path / "made").mkdir()
    with (
        supervised(tmp_path / "clickhouse") as server,
        flaky([server.server.tcp_port, server.server.http_port]) as proxy,
        installation(
            broker, server.server, "held", tmp_path / "made", waiting_bytes=waiting, fetch_bytes=65_536
        ) as made,
    ):
        url = f"clickhouse://default@127.0.0.1:{proxy.ports[0]}/{made.name}?http_port={proxy.ports[1]}"
        worker = made.start(clickhouse=url)
        worker.wait_ready()
        made.must("produce", str(files[0]), "--as-arrived")
        made.settle()
        before, most = worker.resident_bytes(), 0
        _, first = made.positions()
        producing = threading.Thread(target=lambda: made.must("produce", str(files[1]), "--as-arrived"), daemon=True)
        producing.start()
        # It asks ClickHouse for what is known before it sends anything.
        for _ in until():
            if sum(made.positions()[1].values()) > sum(first.values()):
                break
        proxy.mode(LOSES_ANSWERS)
        for _ in until():
            if worker.counted("relasi_clickhouse_retries_total{"):
                break
        server.kill(stay_down=True)
        proxy.mode(WORKS)
        end = time.monotonic() + 30
        for _ in until():
            most = max(most, worker.resident_bytes())
            if time.monotonic() > end:
                break
        # All of it is in the log; that it was imported produce tells ClickHouse when it is back.
        for _ in until():
            committed, ends = made.positions()
            if sum(ends.values()) >= sum(first.values()) + 450_000:
                break
        held = sum(end - committed.get(number, 0) for number, end in ends.items())
        for _ in until():
            if worker.counted("relasi_lag_records{") > held / 2:
                break
        with capsys.disabled():
            print(f"\n{held:,} records waited in the log; memory grew by {(most - before) / 2**20:.1f} MiB")
        assert worker.page("/readyz") == (503, "ClickHouse is unreachable (RELASI_CLICKHOUSE)\n")
        assert held * BYTES_OF_A_RECORD > 2 * allowed
        assert most - before < allowed
        server.start()
        producing.join(PATIENCE)
        assert not producing.is_alive()
        made.settle()
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
                for worker in alive.workers:
                    for _ in until():
                        if worker.page("/readyz") == (503, "Kafka is unreachable (RELASI_BROKER)\n"):
                            break
                used = [worker.processor_seconds() for worker in alive.workers]
                begun = time.monotonic()
                threading.Event().wait(5)
                spent = [worker.processor_seconds() - begun for worker, begun in zip(alive.workers, used, strict=True)]
                assert max(spent) < (time.monotonic() - begun) / 2, "a worker does not wait but tries again at once"
                broker.start()
        alive.settle()
        made.stop_all()
        same(made.tables(), oracle)
