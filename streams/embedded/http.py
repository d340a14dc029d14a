"""The collector in the running process: a thread with an event loop of its own, which never waits for the engine."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from schemas.registry import Registry
from streams.clock import Clock
from streams.collector.app import App
from streams.collector.collector import Collector, Outlets
from streams.collector.serving import loop_factory, serve, url_of
from streams.collector.sources import Sources
from streams.collector.warming import warm
from streams.embedded.log import REFUSED
from streams.embedded.turns import Turn
from streams.embedded.writer import LogWriter
from streams.log.messages import reject_messages

_PARTITION: Final = 0

Customer = Callable[[str], Awaitable[str]]


class HttpThread:
    """Serves a collector that writes to the log in ``directory``; a context manager.

    Requests are taken when it is entered. ``check`` raises what has ended it before its time. ``turn``: of the other
    connections to the log; ``listener``: a socket that listens, closed in the end.
    """

    def __init__(
        self,
        directory: Path,
        turn: Turn,
        registry: Registry,
        sources: Sources,
        listener: socket.socket,
        customer: Customer | None = None,
    ) -> None:
        self._directory: Final = directory
        self._turn: Final = turn
        self._registry: Final = registry
        self._sources: Final = sources
        self._listener: Final = listener
        self._customer: Final = customer
        self.url: Final = url_of(listener)
        self._failure: BaseException | None = None
        self._started: Final = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: Final = threading.Thread(target=self._run, name="collector", daemon=True)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        clock = Clock()
        warm(self._registry)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with ExitStack() as stack:
            stack.enter_context(self._listener)
            place = (self._directory, _PARTITION, clock.now_ms, self._turn)
            writer = stack.enter_context(LogWriter(*place, compress=True))
            rejects = stack.enter_context(LogWriter(*place, REFUSED))

            async def refuse(rows: pa.Table) -> None:
                await rejects.append(None, reject_messages(rows, self._registry))

            outlets = Outlets(writer, refuse, self._registry)
            app = App(Collector(self._sources, outlets, clock, customer=self._customer))
            await serve(app, self._listener, self._stop, self._started.set)

    def check(self) -> None:
        """Raises what has ended it."""
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        self.check()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
