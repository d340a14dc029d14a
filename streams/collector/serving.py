"""The server under the application: uvicorn with uvloop and httptools, and what it lets slow clients do."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Final, NamedTuple

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams.collector.answers import JSON
from streams.collector.app import App


class Guards(NamedTuple):
    """What a client may do that says nothing, or not enough.

    ``head_seconds``: from the opening of a connection, or the first byte of a request, to the end of its head, of at
    most ``head_bytes``. ``idle_seconds``: between two requests. ``connections``: open ones at a time; ``of_address``:
    those of one address (a proxy on this machine is no address). ``unread_seconds``: an answer may lie unread.
    """

    head_seconds: float = 10.0
    head_bytes: int = 64 << 10
    idle_seconds: int = 15
    connections: int = 8192
    of_address: int = 1024
    unread_seconds: float = 60.0


GUARDS: Final = Guards()
_BACKLOG: Final = 2048
_FAREWELL_SECONDS: Final = 1.0
"""For so long a connection that is kept open is waited for: its next answer ends it."""
_DRAIN_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.02


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits that it has not: a head that does not end, a connection that says nothing.

    uvicorn limits only how long a connection may be idle between two requests.
    """

    guards: ClassVar[Guards] = GUARDS
    of_address: ClassVar["Counter[str]"] = Counter()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or not."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._late: asyncio.TimerHandle | None = None
        self._counted = self.client[0] if self.client and not self.client[0].startswith(("127.", "::1")) else ""
        if self._counted:
            self.of_address[self._counted] += 1
        if len(self.connections) > self.guards.connections or self.of_address[self._counted] > self.guards.of_address:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._head_came()
        if self._counted:
            self.of_address[self._counted] -= 1
            if not self.of_address[self._counted]:
                del self.of_address[self._counted]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is longer than any that is meant well."""
        if self._late is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._late is not None and self._head_bytes > self.guards.head_bytes:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered that is wrong."""
        body = orjson.dumps({"success": False, "code": "bad_http", "message": msg})
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _await_head(self) -> None:
        if self._late is None:
            self._head_bytes = 0
            self._late = self.loop.call_later(self.guards.head_seconds, self._too_late)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        self.transport.abort()


def config_of(app: App, guards: Guards) -> uvicorn.Config:
    """How uvicorn serves the application. What a proxy on this machine says of its client is believed."""
    return uvicorn.Config(
        app,
        http=type("Guarded", (GuardedProtocol,), {"guards": guards, "of_address": Counter()}),
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=guards.idle_seconds,
        backlog=_BACKLOG,
    )


async def serve(
    app: App,
    listener: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[], object] = lambda: None,
    guards: Guards = GUARDS,
) -> None:
    """Serve until told to stop; then take no connection more, answer what is under way, and return.

    ``ready`` is called when requests are taken. While it drains, answers end their connections, so a client that keeps
    one open does not lose the request that it sends at that moment.
    """
    _limit_unread(listener, guards.unread_seconds)
    server = uvicorn.Server(config_of(app, guards))
    serving = asyncio.create_task(server._serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(_LOOK_SECONDS)
    if not serving.done():
        ready()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        await _drain(app, server)
        server.should_exit = True
    await serving


def _limit_unread(listener: socket.socket, seconds: float) -> None:
    """Have the kernel end connections whose client takes nothing, or is gone, and so keeps an answer in memory.

    Those that are accepted inherit it (tcp(7), Linux). A transport that is closed waits for its buffer for ever.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))


async def _drain(app: App, server: uvicorn.Server) -> None:
    app.draining = True
    for listening in server.servers:
        listening.close()
    await _until(lambda: not server.server_state.connections, _FAREWELL_SECONDS)
    await _until(lambda: not app.under_way, _DRAIN_SECONDS)
    await app.collector.drained()


async def _until(quiet: Callable[[], bool], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not quiet():
                await asyncio.sleep(_LOOK_SECONDS)


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens there; ``shared``: others of the same user may listen there too. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def address_in(text: str) -> tuple[str, int]:
    """(host, port) of ``127.0.0.1:8080``, ``[::1]:8080`` or ``:8080``. Raises ValueError."""
    host, mark, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not mark or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write one such as 127.0.0.1:8080")
    return host or "127.0.0.1", int(port)


def url_of(listener: socket.socket) -> str:
    """Where a socket that listens is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
