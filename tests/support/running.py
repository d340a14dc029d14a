"""`relasi run` in a process of its own."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.embedded.lock import FILE_NAME
from support.command import PATIENCE_SECONDS, Ran, finish, start
from support.forked import Process


@contextmanager
def running(data: Path, *words: str, cwd: Path | None = None) -> Iterator[Process]:
    """The process, once it answers; killed at the end unless it has ended before."""
    with start("run", "--data", data, *words, cwd=cwd) as process:
        try:
            line = process.stderr.readline()
            assert "running on" in line, line + process.stderr.read()
            yield process
        finally:
            process.kill()


def stop(process: Process) -> Ran:
    """Ask it to stop, and wait until it has."""
    process.send_signal(signal.SIGTERM)
    return finish(process)


def socket_of(data: Path) -> str:
    """Where the process that holds the directory answers."""
    return str(json.loads((data / FILE_NAME).read_text())["socket"])


def until(happened: Callable[[], bool]) -> None:
    """Ask again and again until it has happened."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
