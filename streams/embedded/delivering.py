"""Delivery in the running process: a thread with an event loop of its own, which takes in triggers as they are said.

The engine says triggers with its checkpoint, in one transaction; what the outbox has taken in is durable in a file of
its own. So a kill at any moment loses nothing, and ids stay what they are.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas.registry import Registry
from streams.clock import Clock
from streams.delivery.deliverer import FOLDER, Deliverer, Partition
from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import Outbox, Told
from streams.delivery.sender import HttpSender, Sender
from streams.delivery.telling import rows_of
from streams.embedded.handing_on import outbox_of, source_of
from streams.embedded.loop_thread import LoopThread
from streams.embedded.readers import read_records
from streams.embedded.rows_file import FILE_NAME, RowsFile
from streams.outputs.triggers import TOPIC
from streams.reports.sink import Sink
from streams.reports.tables import DELIVERIES

T = TypeVar("T")
_PARTITION: Final = 0
_POLL_SECONDS: Final = 0.1
_FORGET_SECONDS: Final = 3600.0
_MOST_BYTES: Final = 1 << 20


class DeliveryThread(LoopThread):
    """Delivers the triggers that the embedded shell says in ``directory``; a context manager.

    ``unreadable`` (partition, offset, why) is told of messages that are no triggers. ``sender``: how an endpoint is
    reached.
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
        super().__init__("delivery")
        self._directory: Final = directory
        self._endpoints: Final = endpoints
        self._registry: Final = registry
        self._sender: Final = sender
        self._unreadable: Final = unreadable
        self._partition: Partition | None = None
        self._file = 0  # the inode of the rows' file that was read last; 0: none was

    async def work(self, stop: asyncio.Event) -> None:
        """Take in and deliver."""
        clock = Clock()
        deliverer = Deliverer(
            self._directory / FOLDER,
            self._endpoints,
            self._registry,
            clock,
            sender=self._sender,
            unreadable=self._unreadable,
        )
        try:
            partition = self._partition = deliverer.open(_PARTITION)
            at = await self._take_in(partition, 0)
            partition.begin()
            self.started.set()
            await self._go_on(deliverer, partition, at, clock, stop)
        finally:
            await deliverer.close()

    async def _go_on(
        self, deliverer: Deliverer, partition: Partition, at: int, clock: Clock, stop: asyncio.Event
    ) -> None:
        forgotten = clock.monotonic()
        while not stop.is_set():
            at = await self._take_in(partition, at)
            if deliverer.failed is not None:
                raise deliverer.failed
            if clock.monotonic() - forgotten > _FORGET_SECONDS:
                await deliverer.forget()
                forgotten = clock.monotonic()
            try:
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    async def _take_in(self, partition: Partition, at: int) -> int:
        """Take in all that the topic holds from an offset on; returns the offset after it.

        The file is opened for the moment: another edition's may take its place at any time, and is said from its
        beginning then. What is said again is known by its id.
        """
        path = self._directory / FILE_NAME
        if not path.exists():
            return at
        found = path.stat().st_ino
        with RowsFile(self._directory) as file:
            source, begins = source_of(file)
            if self._file == 0:
                at = await partition.position(source)
            elif self._file != found:
                at = 0
            self._file = found
            # An outbox that is ahead is of rows that were made anew while nobody ran.
            at = at if at <= file.end_offset(TOPIC.named(), _PARTITION) else 0
            # What an edition says of the past before it was in force is for nobody.
            at = max(at, begins)
            while (batch := read_records(file, TOPIC.named(), _PARTITION, at, _MOST_BYTES)) is not None:
                messages = [(record.offset, record.value) for record in batch.records]
                await partition.take_in(messages, source, batch.next_offset)
                at = batch.next_offset
        return at

    def report(self, sink: Sink) -> None:
        """Tell the reports what became of deliveries since this was last called. From the engine's thread."""
        partition, loop = self._partition, self._loop
        if partition is None or loop is None:
            return
        if not self.is_alive:
            # It has ended and let go of its file; what it did last is still to be told.
            with Outbox(outbox_of(self._directory)) as box:
                _tell(sink, box.untold, box.tell)
            return

        def ask(what: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(what, loop).result()

        _tell(
            sink,
            lambda: ask(partition.store.ask(lambda box: box.untold())),
            lambda told: ask(partition.store.ask(lambda box: box.tell(told))),
        )


def _tell(sink: Sink, untold: Callable[[], list[Told]], tell: Callable[[list[Told]], None]) -> None:
    while told := untold():
        sink.insert("deliveries_raw", rows_of(told, DELIVERIES))
        tell(told)
