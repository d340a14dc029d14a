"""A ClickHouse server that is started again, over the same data and ports, whenever it ends.

The server of ``clickhouse_server`` aborts when a client is killed in the middle of a query (measured: at the third such
client). Where workers end, killed or told to stop, it needs what a real installation has: somebody who starts it again.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.bound_process import bound
from support.clickhouse_server import Server, library
from support.kafka_broker import answers, free_ports, until


class SupervisedServer:
    """Ports and data stay; ``starts`` counts how often it was started."""

    def __init__(self, directory: Path) -> None:
        self.server = Server(*free_ports(2))
        self.starts = 0
        program = Path(__file__).with_name("clickhouse_process.py")
        ports = [str(self.server.tcp_port), str(self.server.http_port)]
        self._command = bound([sys.executable, str(program), str(library()), str(directory), *ports])
        self._log = directory.with_suffix(".log")
        self._ended = threading.Event()
        self._may_run = threading.Event()
        self._may_run.set()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> "subprocess.Popen[bytes]":
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log)

    def _watch(self) -> None:
        # The server is started in this thread, and ends with it.
        while not self._ended.is_set():
            self._process = self._start()
            self._process.wait()
            self._ended.wait(0.2)
            self._may_run.wait()

    def kill(self, *, stay_down: bool = False) -> None:
        """End it at once, as a power cut would. ``stay_down``: until ``start``."""
        if stay_down:
            self._may_run.clear()
        if self._process is not None:
            self._process.kill()

    def start(self) -> None:
        """Let it come back."""
        self._may_run.set()
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        for _ in until():
            if answers(self.server.tcp_port) and answers(self.server.http_port):
                return

    def close(self) -> None:
        """End it for good."""
        self._ended.set()
        self._may_run.set()
        while self._thread.is_alive():
            self.kill()
            self._thread.join(0.2)


@contextmanager
def supervised(directory: Path) -> Iterator[SupervisedServer]:
    """A server over an empty directory, as long as the context lasts. Raises UnavailableError."""
    made = SupervisedServer(directory)
    try:
        made.wait()
        yield made
    finally:
        made.close()
