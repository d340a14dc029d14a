"""A ClickHouse server that is started again, over the same data and ports, whenever it ends.

The server of ``clickhouse_server`` aborts when a client is killed in the middle of a query (measured: at the third such
client). Where workers are killed, it needs what a real installation has: somebody who starts it again.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.clickhouse_server import Server, library
from support.kafka_broker import answers, free_ports, until


class SupervisedServer:
    """Ports and data stay; ``starts`` counts how often it was started."""

    def __init__(self, directory: Path) -> None:
        self.server = Server(*free_ports(2))
        self.starts = 0
        program = Path(__file__).with_name("clickhouse_process.py")
        ports = [str(self.server.tcp_port), str(self.server.http_port)]
        self._command = [sys.executable, str(program), str(library()), str(directory), *ports]
        self._log = directory.with_suffix(".log")
        self._ended = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> "subprocess.Popen[bytes]":
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log)

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._process.wait()
            if not self._ended.wait(0.2):
                self._process = self._start()

    def wait(self) -> None:
        """Until it answers."""
        for _ in until(60):
            if answers(self.server.tcp_port) and answers(self.server.http_port):
                return

    def close(self) -> None:
        """End it for good."""
        self._ended.set()
        self._process.kill()
        self._thread.join(10)


@contextmanager
def supervised(directory: Path) -> Iterator[Server]:
    """A server over an empty directory, as long as the context lasts. Raises UnavailableError."""
    made = SupervisedServer(directory)
    try:
        made.wait()
        yield made.server
    finally:
        made.close()
