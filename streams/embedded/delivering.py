"""Delivery in the running process: a thread with an event loop of its own, which takes in triggers as they are said.

The engine says triggers with its checkpoint, in one transaction; what the outbox has taken in is durable in a file of
its own. So a kill at any moment loses nothing, and ids stay what they are.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from schemas.registry import Registry
from streams.clock import Clock
from streams.delivery.deliverer import FOLDER, Deliverer, Partition
from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import Outbox, Told
from streams.delivery.sender import HttpSender, Sender
from streams.delivery.telling import rows_of
from streams.embedded.readers import read_records
from streams.embedded.rows_file import RowsFile
from streams.outputs.triggers import TOPIC
from streams.reports.sink import Sink
from streams.reports.tables import DELIVERIES

T = TypeVar("T")
_PARTITION: Final = 0
_POLL_SECONDS: Final = 0.1
_FORGET_SECONDS: Final = 3600.0
_MOST_BYTES: Final = 1 << 20


class DeliveryThread:
    """Delivers the triggers that the embedded shell says in ``directory``; a context manager.

    ``check`` raises what has ended it before its time. ``unreadable`` (partition, offset, why) is told of messages that
    are no triggers. ``sender``: how an endpoint is reached.
    """

    def __init__(
        self,
        directory: Path,
        endpoints: Mapping[str, Endpoint],
        registry: Registry,
        *,
        sender: Callable[[Endpoint], Sender] = HttpSender,
        unreadable: Callable[[int, int, str], None] = lambda _partition, _offset, _why: None,
    ) -> None:
        self._directory: Final = directory
        self._endpoints: Final = endpoints
        self._registry: Final = registry
        self._sender: Final = sender
        self._unreadable: Final = unreadable
        self._failure: BaseException | None = None
        self._started: Final = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._partition: Partition | None = None
        self._thread: Final = threading.Thread(target=self._run, name="delivery", daemon=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._deliver())
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _deliver(self) -> None:
        clock = Clock()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        deliverer = Deliverer(
            self._directory / FOLDER,
            self._endpoints,
            self._registry,
            clock,
            sender=self._sender,
            unreadable=self._unreadable,
        )
        try:
            # A connection belongs to its thread; it only reads, so it needs no turn.
            with RowsFile(self._directory) as file:
                partition = self._partition = deliverer.open(_PARTITION)
                at = await partition.position(TOPIC.named())
                # A file of the outbox that is ahead is of rows that were made anew, which say everything again.
                at = at if at <= file.end_offset(TOPIC.named(), _PARTITION) else 0
                at = await self._take_in(file, partition, at)
                partition.begin()
                self._started.set()
                await self._go_on(file, deliverer, partition, at, clock)
        finally:
            await deliverer.close()

    async def _go_on(self, file: RowsFile, deliverer: Deliverer, partition: Partition, at: int, clock: Clock) -> None:
        assert self._stop is not None
        forgotten = clock.monotonic()
        while not self._stop.is_set():
            at = await self._take_in(file, partition, at)
            if deliverer.failed is not None:
                raise deliverer.failed
            if clock.monotonic() - forgotten > _FORGET_SECONDS:
                await deliverer.forget()
                forgotten = clock.monotonic()
            try:
                await asyncio.wait_for(self._stop.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    async def _take_in(self, file: RowsFile, partition: Partition, at: int) -> int:
        """Take in all that the topic holds from an offset on; returns the offset after it."""
        while (batch := read_records(file, TOPIC.named(), _PARTITION, at, _MOST_BYTES)) is not None:
            messages = [(record.offset, record.value) for record in batch.records]
            await partition.take_in(messages, TOPIC.named(), batch.next_offset)
            at = batch.next_offset
        return at

    def report(self, sink: Sink) -> None:
        """Tell the reports what became of deliveries since this was last called. From the engine's thread."""
        partition, loop = self._partition, self._loop
        if partition is None or loop is None:
            return
        if not self._thread.is_alive():
            # It has ended and let go of its file; what it did last is still to be told.
            with Outbox(self._directory / FOLDER / f"deliveries-{_PARTITION}.sqlite") as box:
                _tell(sink, box.untold, box.tell)
            return

        def ask(what: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(what, loop).result()

        _tell(
            sink,
            lambda: ask(partition.store.ask(lambda box: box.untold())),
            lambda told: ask(partition.store.ask(lambda box: box.tell(told))),
        )

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


def _tell(sink: Sink, untold: Callable[[], list[Told]], tell: Callable[[list[Told]], None]) -> None:
    while told := untold():
        sink.insert("deliveries_raw", rows_of(told, DELIVERIES))
        tell(told)
