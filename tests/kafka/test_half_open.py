"""A ClickHouse server that is half there: it takes connections, and answers nothing, or byte by byte."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.clickhouse_server import Server
from support.flaky_server import DRIPS, HANGS, WORKS, FlakyServer, flaky
from support.kafka_broker import until
from support.kafka_inputs import write_files
from support.kafka_restored import remembered
from support.kafka_workers import Install, Installation, embedded, same

from schemas.registry import FileRegistry
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.container import container
from streams.reports.errors import ReportsError

SLOW = (503, "ClickHouse does not answer (RELASI_CLICKHOUSE)\n")


@pytest.fixture
def proxy(clickhouse: Server) -> Iterator[FlakyServer]:
    with flaky([clickhouse.tcp_port, clickhouse.http_port]) as started:
        yield started


def through(proxy: FlakyServer, name: str) -> str:
    return f"clickhouse://default@127.0.0.1:{proxy.ports[0]}/{name}?http_port={proxy.ports[1]}"


def query(sink: ClickHouseSink) -> object:
    return sink.query("SELECT 1")


def rows(sink: ClickHouseSink) -> object:
    return sink._writer.run("SELECT 1")


def history(sink: ClickHouseSink) -> object:
    nothing = np.zeros(0, np.int64)
    sink.insert_touchpoints(container(FileRegistry().schema(1), np.zeros(0, np.uint8), nothing, nothing))
    return None


@pytest.mark.parametrize("mode", [HANGS, DRIPS])
@pytest.mark.parametrize("call", [query, rows, history])
def test_what_waits_for_an_answer_can_be_broken_off(
    clickhouse: Server, proxy: FlakyServer, call: Callable[[ClickHouseSink], object], mode: str
) -> None:
    sink = ClickHouseSink(through(proxy, "default"))
    proxy.mode(mode)
    told: list[BaseException] = []

    def ask() -> None:
        try:
            call(sink)
        except ReportsError as error:
            told.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    for _ in until():
        # It may not have a connection yet that could be cut.
        sink.break_off()
        if not asking.is_alive():
            break
    assert len(told) == 1
    proxy.mode(WORKS)
    assert sink.query("SELECT 1").num_rows == 1
    sink.close()


def backlog(install: Install, file: Path) -> Installation:
    made = install()
    made.must("reports", "apply")
    made.must("produce", str(file), "--as-arrived")
    return made


@pytest.mark.parametrize("mode", [HANGS, DRIPS])
def test_a_worker_says_so_and_stops_in_time_and_acknowledges_nothing_beyond_what_is_stored(
    install: Install, proxy: FlakyServer, tmp_path: Path, mode: str
) -> None:
    (file,) = write_files(tmp_path / "files", seed=8, files=1, count=15_000, customers=1_000)
    oracle = embedded(tmp_path / "embedded", [file])
    made = backlog(install, file)
    worker = made.start(clickhouse=through(proxy, made.name), fetch_bytes=8_192, waiting_bytes=65_536)
    for _ in until():
        if worker.counted('relasi_records_total{outcome="accepted"}') > 0:
            break
    proxy.mode(mode)
    for _ in until():
        if worker.page("/readyz") == SLOW:
            break
    # Much longer than it may take, and much less than any answer is waited for.
    assert worker.stop(45) == 1
    assert "stopped before everything was checkpointed" in worker.text()
    committed, ends = made.positions()
    assert committed == remembered(made)
    assert sum(committed.values()) < sum(ends.values())
    again = made.start()
    made.settle()
    assert again.stop() == 0, again.text()
    same(made.tables(), oracle)


def test_one_that_is_started_before_such_a_server_says_so_and_can_be_stopped(
    install: Install, proxy: FlakyServer
) -> None:
    made = install()
    proxy.mode(HANGS)
    worker = made.start(clickhouse=through(proxy, made.name))
    for _ in until():
        if worker.page("/readyz") == SLOW:
            break
    assert worker.stop(45) == 0
