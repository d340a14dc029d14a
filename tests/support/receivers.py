"""Receivers of webhooks on this machine, each in a thread of its own."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple


class Received(NamedTuple):
    """A request: its headers by lower-case name, and its body."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """``answer``: the status for a request, of (how many came before it, what came)."""

    def __init__(self, answer: Callable[[int, Received], int] = lambda *_: 200) -> None:
        self.received: Final[list[Received]] = []
        self._answer: Final = answer
        self._server: Final = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread: Final = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                one = Received({name.lower(): value for name, value in self.headers.items()}, body)
                number = len(receiver.received)
                receiver.received.append(one)
                self.send_response(receiver._answer(number, one))
                self.send_header("content-length", "0")
                self.end_headers()

            def handle(self) -> None:
                # Who is killed leaves connections behind.
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def ids(self) -> dict[str, set[bytes]]:
        """Of each id the bodies that came under it."""
        found: dict[str, set[bytes]] = {}
        for one in self.received:
            found.setdefault(one.headers["webhook-id"], set()).add(one.body)
        return found

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def receiving(answer: Callable[[int, Received], int] = lambda *_: 200) -> Iterator[Receiver]:
    """A receiver that answers within the context."""
    receiver = Receiver(answer)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.close()
