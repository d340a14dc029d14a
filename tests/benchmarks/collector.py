"""The collector: CPU of its process for each event, by its own accounting, against what one would write in an hour.

    make bench-collector

The server has one processor, the client another. Bars: 3.5 µs an event with SQLite and 5 µs with Kafka in batches of
100 browser events, 100 µs for a request of one event, five times the naive handler, and for the slowest hundredth of
requests at a tenth of the load 25 ms.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from support.browser_events import batch, event
from support.kafka_broker import ROOT, obtainable
from support.kafka_broker import running as broker_running

from benchmarks.collector_server import KEY, PARTITIONS
from benchmarks.report import Figure

_AUTHORIZATION: Final = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
_CLIENTS: Final = 16
_BATCH: Final = 100
_BATCHES: Final = 2000
_SINGLES: Final = 6000
_WARM: Final = 60


class Server:
    """A server in a process of its own, on the first processor."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def processor_seconds(self) -> float:
        """Of the processor that it has used so far."""
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(where: str, kind: str) -> Iterator[Server]:
    """Start one, and stop it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.collector_server", where, kind],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        yield Server(process, url)
    finally:
        process.terminate()
        process.wait()


def request(body: bytes, path: str) -> bytes:
    """The bytes of a request as a browser sends it."""
    lines = (
        f"POST {path} HTTP/1.1", "Host: collect.example", f"Authorization: {_AUTHORIZATION}", "User-Agent: Mozilla/5.0",
        "Content-Type: text/plain", "Origin: https://shop.example", f"Content-Length: {len(body)}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + body


async def send(url: str, requests: list[bytes], pause: float = 0.0) -> list[float]:
    """Send all of them over some connections, each as fast as its answers come; returns the seconds of each.

    ``pause``: seconds from one request to the next of all connections together, 0 for as fast as can be.
    """
    at = urlsplit(url)
    queue = list(reversed(requests))
    seconds: list[float] = []
    began = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        while queue:
            number = len(requests) - len(queue)
            sent = queue.pop()
            if pause:
                await asyncio.sleep(max(0.0, began + number * pause - time.perf_counter()))
            start = time.perf_counter()
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = await reader.readexactly(length)
            assert answer == b'{"success":true}', answer
            seconds.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return seconds


def batches(count: int, seed: int) -> list[bytes]:
    """Requests of a hundred events. Some bodies come twice, under other numbers, to be made in little time."""
    return [request(batch(_BATCH, seed * 1000 + number % 50, number * _BATCH), "/v1/batch") for number in range(count)]


def singles(count: int, seed: int) -> list[bytes]:
    """Requests of one event."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        each = event(chance, number)
        body = json.dumps(each | {"writeKey": KEY}, separators=(",", ":"), ensure_ascii=False).encode()
        made.append(request(body, f"/v1/{each['type']}"))
    return made


def cost(server: Server, warm: list[bytes], requests: list[bytes]) -> tuple[float, float]:
    """(µs of CPU for each request, requests a second)."""
    asyncio.run(send(server.url, warm))
    before, began = server.processor_seconds(), time.perf_counter()
    asyncio.run(send(server.url, requests))
    wall = time.perf_counter() - began
    return (server.processor_seconds() - before) / len(requests) * 1e6, len(requests) / wall


def figures(with_kafka: bool) -> Iterator[Figure]:
    """Measure everything."""
    warm, many, few = batches(_WARM, 1), batches(_BATCHES, 2), singles(_SINGLES, 3)
    with tempfile.TemporaryDirectory() as folder, serving(folder, "sqlite") as server:
        fast, rate = cost(server, warm, many)
        yield Figure("SQLite, batches of 100: CPU", fast / _BATCH, "µs/event", at_most=3.5)
        yield Figure("SQLite, batches of 100: events", rate * _BATCH, "1/s")
        slowest = asyncio.run(send(server.url, many[:600], 10 / rate))
        p99 = statistics.quantiles(slowest, n=100)[98]
        yield Figure("p99 of a request at a tenth of that", p99 * 1000, "ms", at_most=25)
        single, _ = cost(server, singles(200, 4), few)
        yield Figure("SQLite, single events: CPU", single, "µs/event", at_most=100)
    with tempfile.TemporaryDirectory() as folder, serving(folder, "naive") as server:
        naive, _ = cost(server, warm[:10], many[:300])
        yield Figure("orjson, fastavro, a commit each: CPU", naive / _BATCH, "µs/event")
        yield Figure("so many times as much", naive / fast, "times", at_least=5)
    if with_kafka:
        with tempfile.TemporaryDirectory() as folder, broker_running(Path(folder) / "broker") as broker:
            topic = f"bench-{uuid4().hex[:6]}"
            _create(broker.servers, topic)
            with serving(broker.url, topic) as server:
                over, _ = cost(server, warm, many)
                yield Figure("Kafka, batches of 100: CPU", over / _BATCH, "µs/event", at_most=5)


def _create(servers: str, topic: str) -> None:
    from kafka.admin import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=[servers])
    try:
        admin.create_topics({topic: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True)
    finally:
        admin.close()


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-kafka", action="store_true")
    args = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        os.sched_setaffinity(0, set(processors[1:]))
    missed = False
    for figure in figures(with_kafka=not args.no_kafka and obtainable()):
        sys.stdout.write(figure.line() + "\n")
        sys.stdout.flush()
        missed = missed or not figure.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
