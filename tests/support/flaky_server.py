"""A proxy before a server's two ports that can refuse, hang, or lose the answers: what a dying server looks like."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

WORKS: Final = "works"
REFUSES: Final = "refuses"
LOSES_ANSWERS: Final = "loses answers"
"""What is asked reaches the server and is done; whoever asked never hears of it."""
HANGS: Final = "hangs"
"""Connections are taken and stay open, and no byte comes back."""
DRIPS: Final = "drips"
"""Answers come byte by byte, so that whoever waits for each of them waits for ever."""
_DRIP_SECONDS: Final = 0.2


class FlakyServer:
    """Forwards connections to ``targets``; ``mode`` may be changed at any time, and breaks what is open."""

    def __init__(self, targets: list[int]) -> None:
        self._mode = WORKS
        self._changed = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in targets]
        self.ports = [listener.getsockname()[1] for listener in self._listeners]
        for listener, target in zip(self._listeners, targets, strict=True):
            self._run(self._accept, listener, target)

    def mode(self, mode: str) -> None:
        """Behave like this from here on."""
        self._mode = mode
        self._changed.set()
        self._changed = threading.Event()
        if mode == REFUSES:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket, target: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self._mode == REFUSES:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            self._run(self._copy, client, server, False)
            self._run(self._copy, server, client, True)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _copy(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self._mode == LOSES_ANSWERS:
                    break
                while answers and self._mode in (HANGS, DRIPS):
                    if self._mode == DRIPS and len(data) > 1:
                        sink.sendall(data[:1])
                        data = data[1:]
                    # In drips, or not before something changes.
                    self._changed.wait(_DRIP_SECONDS if self._mode == DRIPS else None)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of everything."""
        self.mode(REFUSES)
        for each in self._listeners:
            # A thread that waits in accept would take one connection more.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in [*self._listeners, *self._open]:
            each.close()


@contextmanager
def flaky(targets: list[int]) -> Iterator[FlakyServer]:
    """A proxy as long as the context lasts."""
    server = FlakyServer(targets)
    try:
        yield server
    finally:
        server.close()
