"""`relasi collect` while Kafka is away for a minute: no answer tells of success, memory stays flat, it goes on."""

import http.client
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from support.browser_events import batch
from support.clickhouse_server import Server
from support.collect_processes import Collecting
from support.kafka_broker import free_ports, running, until
from support.kafka_workers import installation
from support.listening import BROWSER_KEY, SETTINGS, connection_to

_AWAY_SECONDS: Final = 60
_CLIENTS: Final = 20
_GROWTH: Final = 400 << 20
"""Bytes: the 64 MiB of bodies that may wait, their messages, and what an allocator keeps."""


def resident(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def post(connection: http.client.HTTPConnection, body: bytes) -> tuple[int, str | None, float]:
    """(status, Retry-After, seconds)."""
    began = time.monotonic()
    connection.request("POST", f"/v1/batch?writeKey={BROWSER_KEY}", body)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Retry-After"), time.monotonic() - began


def once(url: str, body: bytes) -> int:
    with closing(connection_to(url)) as connection:
        return post(connection, body)[0]


@pytest.mark.long
def test_a_minute_without_kafka(clickhouse: Server, tmp_path: Path) -> None:
    with (
        running(tmp_path / "broker") as broker,
        installation(broker, clickhouse, "outage", tmp_path, clickhouse="", partitions=2) as install,
    ):
        install.must("topics", "apply")
        file = tmp_path / "relasi.toml"
        file.write_text(SETTINGS)
        collecting = Collecting(install, free_ports(1)[0], file)
        process = collecting.start()
        try:
            body = batch(500)
            assert once(collecting.url, body) == 200
            before = resident(process.pid)
            broker.kill()
            answers, most = outage(collecting.url, body, process.pid)
            assert {status for status, *_ in answers} == {503}
            assert None not in {again for _, again, _ in answers}
            assert max(seconds for *_, seconds in answers) < 10
            assert len(answers) > _CLIENTS
            assert most - before < _GROWTH
            broker.start()
            for _ in until(90):
                if once(collecting.url, body) == 200:
                    break
        finally:
            process.kill()
            process.wait()


def outage(url: str, body: bytes, process_id: int) -> tuple[list[tuple[int, str | None, float]], int]:
    """Send for a minute; the answers, and the most memory that the process had."""
    answers: list[tuple[int, str | None, float]] = []
    ends = time.monotonic() + _AWAY_SECONDS

    def client() -> None:
        connection = connection_to(url)
        while time.monotonic() < ends:
            answers.append(post(connection, body))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    most = 0
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
            most = max(most, resident(process_id))
    return answers, most
