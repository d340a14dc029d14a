"""The collector in the running process: a thread with an event loop of its own, which never waits for the engine."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.registry import Registry
from streams.clock import Clock
from streams.collector.app import App
from streams.collector.collector import Collector, Outlets
from streams.collector.serving import loop_factory, serve, url_of
from streams.collector.sources import Sources
from streams.collector.warming import warm
from streams.embedded.log import REFUSED
from streams.embedded.loop_thread import LoopThread
from streams.embedded.turns import Turn
from streams.embedded.writer import LogWriter
from streams.log.messages import reject_messages

_PARTITION: Final = 0

Customer = Callable[[str], Awaitable[str]]


class HttpThread(LoopThread):
    """Serves a collector that writes to the log in ``directory``; a context manager.

    Requests are taken when it is entered. ``turn``: of the other connections to the log; ``listener``: a socket that
    listens, closed in the end.
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
        super().__init__("collector", loop_factory())
        self._directory: Final = directory
        self._turn: Final = turn
        self._registry: Final = registry
        self._sources: Final = sources
        self._listener: Final = listener
        self._customer: Final = customer
        self.url: Final = url_of(listener)

    async def work(self, stop: asyncio.Event) -> None:
        """Serve."""
        clock = Clock()
        warm(self._registry)
        with ExitStack() as stack:
            stack.enter_context(self._listener)
            place = (self._directory, _PARTITION, clock.now_ms, self._turn)
            writer = stack.enter_context(LogWriter(*place, compress=True))
            rejects = stack.enter_context(LogWriter(*place, REFUSED))

            async def refuse(rows: pa.Table) -> None:
                await rejects.append(None, reject_messages(rows, self._registry))

            outlets = Outlets(writer, refuse, self._registry)
            app = App(Collector(self._sources, outlets, clock, customer=self._customer))
            await serve(app, self._listener, stop, self.started.set)
