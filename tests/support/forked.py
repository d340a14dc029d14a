"""Processes of their own that are forked from one that has imported what they need, and has done nothing else.

Starting Python with Numba, Arrow and chDB takes more processor time than most of what is tested in such a process. Each
has its own memory, signals, limits and end. What is imported must have no threads of its own, which are not there after
a fork: chDB is left to whoever needs it. Run as a program this is the process that they are forked from:
``python -m support.forked SOCKET IMPORTS``.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType, TracebackType
from typing import IO, Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"}
_MESSAGE_BYTES: Final = 1 << 16
_DESCRIPTORS: Final = 4  # standard input, output and error, and where the status goes


class Process:
    """One of them: what is used of ``subprocess.Popen``."""

    def __init__(self, words: str, pid: int, pipes: tuple[IO[str], IO[str], IO[str]], status: int) -> None:
        self.args: Final = words
        self.pid: Final = pid
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None
        self._status: Final = status

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or the signal that ended it, negative. Raises TimeoutExpired."""
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            told = os.read(self._status, 20)
            os.close(self._status)
            assert told, "the process that it was forked from has ended"
            self.returncode = int(told)
        return self.returncode

    def _has_ended(self, timeout: float | None) -> bool:
        # Not select, which takes no descriptor beyond 1,023.
        asked = select.poll()
        asked.register(self._status, select.POLLIN)
        return bool(asked.poll(None if timeout is None else 1000 * timeout))

    def send_signal(self, number: int) -> None:
        # Reaped by the process that it was forked from, so its number may be another's once it has ended.
        if self.returncode is None and not self._has_ended(0.0):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: str = "", timeout: float | None = None) -> tuple[str, str]:
        """All that it writes while it is given this. Raises TimeoutExpired."""
        said: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda name=name, pipe=pipe: said.update({name: pipe.read()}), daemon=True)
            for name, pipe in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        try:
            self.stdin.write(given)
            self.stdin.close()
        except BrokenPipeError:
            pass  # it reads no more
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return said["out"], said["err"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self.stdout, self.stderr, self.stdin):
            with suppress(BrokenPipeError):
                pipe.close()
        self.wait()


class Origin:
    """A process that has imported something, and forks."""

    def __init__(self, imports: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket: Final = ours
        command = [sys.executable, "-W", "error", "-m", "support.forked", str(theirs.fileno()), imports]
        # Its threads would not be there after a fork.
        shared = {name: value for name, value in os.environ.items() if name == "RELASI_COMPILED"}
        told = {**ENVIRONMENT, **shared, "OPENBLAS_NUM_THREADS": "1"}
        self._process: Final = subprocess.Popen(command, env=told, pass_fds=[theirs.fileno()])
        theirs.close()
        self._turn: Final = threading.Lock()

    def start(self, code: str, words: Sequence[str], cwd: Path | None) -> Process:
        """Run this code, as a program that is given these words. Raises ChildProcessError where imports failed."""
        message = json.dumps({"code": code, "argv": list(words), "cwd": str(cwd or Path.cwd())}).encode()
        assert len(message) < _MESSAGE_BYTES
        pairs = [os.pipe() for _ in range(_DESCRIPTORS)]
        ours = [pairs[0][1], *(pair[0] for pair in pairs[1:])]
        theirs = [pairs[0][0], *(pair[1] for pair in pairs[1:])]
        pid = 0
        with self._turn, suppress(ConnectionError):
            socket.send_fds(self._socket, [message], theirs)
            pid = int(self._socket.recv(20) or 0)
        for descriptor in (*theirs, *(() if pid else ours)):
            os.close(descriptor)
        if not pid:
            raise ChildProcessError("the process to fork from has ended: what it wrote on standard error says why")
        pipes = (os.fdopen(ours[0], "w"), os.fdopen(ours[1]), os.fdopen(ours[2]))
        return Process(" ".join(words), pid, pipes, ours[3])


@cache
def origin(imports: str) -> Origin:
    """One for all tests of a process that need the same; it ends with them."""
    return Origin(imports)


def _reap(waiting: dict[int, int]) -> None:
    """Tell how those have ended that have."""
    while waiting:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        to = waiting.pop(pid)
        os.write(to, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(to)


def _become(message: bytes, descriptors: Sequence[int], others: Sequence[int]) -> CodeType:
    """In the child: be the program that was asked for; returns it."""
    job = json.loads(message)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # A shell has what it runs in the background ignore it, and all that this starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in (*descriptors, *others):
        os.close(descriptor)
    os.chdir(job["cwd"])
    sys.argv[1:] = job["argv"]
    return compile(job["code"], "<a test>", "exec")


def _serve(asked: socket.socket) -> CodeType:
    """Fork for whoever asks; returns in each child, with what it is to do. Ends with those who ask."""
    waiting: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    polled = select.poll()
    polled.register(asked.fileno(), select.POLLIN)
    polled.register(woken, select.POLLIN)
    while True:
        # Not select, which takes no descriptor beyond 1,023: the one that this was given may have any number.
        ready = {descriptor for descriptor, _ in polled.poll()}
        if woken in ready:
            os.read(woken, 1000)
            _reap(waiting)
        if asked.fileno() not in ready:
            continue
        message, descriptors, *_ = socket.recv_fds(asked, _MESSAGE_BYTES, _DESCRIPTORS)
        if not message:
            os._exit(0)
        with warnings.catch_warnings():
            # Python from 3.12 on warns of threads, also of those that libraries have and that wait for work.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            return _become(message, descriptors, [*waiting.values(), asked.detach(), woken, wake])
        waiting[pid] = descriptors[3]
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        asked.send(str(pid).encode())


if __name__ == "__main__":
    scope = {"__name__": "__main__"}
    exec(sys.argv[2], scope)
    exec(_serve(socket.socket(fileno=int(sys.argv[1]))), scope)
