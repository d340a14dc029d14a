"""Delivery as a whole: endpoints with their receivers, and for each partition of the topic an outbox with its lanes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from schemas.registry import Registry
from streams.delivery.endpoints import Endpoint
from streams.delivery.intake import taken_in
from streams.delivery.lane import Lane, Receiver, Time
from streams.delivery.outbox import DELIVERED, WAITING, Outbox, Outcome, Told
from streams.delivery.sender import HttpSender, Sender
from streams.delivery.trigger import TriggerReader

T = TypeVar("T")
FOLDER: Final = "deliveries"
KEPT_MS: Final = 14 * 24 * 3_600_000
"""What is settled stays this long: longer than the topic of triggers, so that what is said again is known."""


def files_in(folder: Path) -> list[Path]:
    """The outboxes in a folder."""
    return sorted(folder.glob("deliveries-*.sqlite"))


class PartitionLeft(Exception):
    """The partition was given up while something was still to be done with its outbox."""


class OutboxThread:
    """The one thread that has an outbox's connection. What several attempts enter at a time is one transaction."""

    def __init__(self, path: Path) -> None:
        self._thread: Final = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._box: Final = Outbox(path)
        self._gathered: list[Outcome] = []
        self._entering: asyncio.Future[None] | None = None
        self.left = False
        self.changes = 0

    async def ask(self, what: Callable[[Outbox], T]) -> T:
        """What a function of the outbox returns. Raises PartitionLeft."""
        if self.left:
            raise PartitionLeft
        return await asyncio.get_running_loop().run_in_executor(self._thread, what, self._box)

    def change(self, what: Callable[[Outbox], T]) -> Awaitable[T]:
        """The same of one that may end the waiting of deliveries. Raises PartitionLeft."""
        self.changes += 1
        return self.ask(what)

    def enter(self, outcomes: Sequence[Outcome]) -> Awaitable[None]:
        """Durable when it returns: a transaction for all that came while the one before was being written."""
        self._gathered += outcomes
        if self._entering is None:
            self._entering = asyncio.ensure_future(self._write())
        return asyncio.shield(self._entering)

    async def _write(self) -> None:
        # At the next turn of the loop, so that what comes at this one goes with it.
        await asyncio.sleep(0)
        gathered, self._gathered, self._entering = self._gathered, [], None
        await self.ask(lambda box: box.enter(gathered))

    def close(self) -> None:
        """Wait for what is being written, and let go of the file."""
        self._thread.submit(self._box.close)
        self._thread.shutdown()


class Partition:
    """One partition's outbox, and its lanes."""

    def __init__(self, deliverer: "Deliverer", number: int) -> None:
        self._deliverer: Final = deliverer
        self.number: Final = number
        self.store: Final = OutboxThread(deliverer.folder / f"deliveries-{number}.sqlite")
        self._lanes: Final = {
            name: Lane(receiver, self.store, deliverer.clock, deliverer.counted)
            for name, receiver in deliverer.receivers.items()
        }
        self._running: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Attempts may be made from here on; before that things are only taken in and learned."""
        if not self._running:
            self._running = [asyncio.ensure_future(lane.run()) for lane in self._lanes.values()]

    @property
    def begun(self) -> bool:
        """Whether attempts are made."""
        return bool(self._running)

    async def position(self, source: str) -> int:
        """Up to where the topic was taken in."""
        return await self.store.ask(lambda box: box.position(source))

    async def learn(self, told: Sequence[Told], source: str, next_offset: int) -> None:
        """What another process said became of deliveries while it had them."""
        await self.store.change(lambda box: box.learn(told, source, next_offset))

    async def take_in(self, messages: Sequence[tuple[int, bytes | None]], source: str, next_offset: int) -> None:
        """Durable when it returns: only then may the messages be acknowledged. Raises RegistryError."""
        deliverer = self._deliverer
        found = taken_in(messages, deliverer.reader, deliverer.endpoints)
        now = deliverer.clock.now_ms()
        ask = self.store.change if found.withdrawn else self.store.ask
        await ask(lambda box: box.take_in(found.new, found.withdrawn, source, next_offset, now))
        for offset, why in found.unreadable:
            deliverer.unreadable(self.number, offset, why)
        for endpoint in {each.endpoint for each in found.new}:
            self._lanes[endpoint].wake()

    @property
    def failed(self) -> BaseException | None:
        """What ended a lane; None: all run."""
        return next((task.exception() for task in self._running if task.done() and not task.cancelled()), None)

    async def close(self) -> None:
        """Cut off what is on its way; whoever has the partition next sends it again."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.store.left = True
        await asyncio.to_thread(self.store.close)


class Deliverer:
    """All endpoints, and the partitions that this process has. Used within one event loop.

    ``folder``: of the outboxes. ``counted`` and ``unreadable`` (partition, offset, why) are told, for metrics and logs.
    """

    def __init__(
        self,
        folder: Path,
        endpoints: Mapping[str, Endpoint],
        registry: Registry,
        clock: Time,
        *,
        sender: Callable[[Endpoint], Sender] = HttpSender,
        counted: Callable[[Outcome], None] = lambda _: None,
        unreadable: Callable[[int, int, str], None] = lambda _partition, _offset, _why: None,
    ) -> None:
        self.folder: Final = folder
        self.endpoints: Final = endpoints
        self.reader: Final = TriggerReader(registry)
        self.clock: Final = clock
        self.counted: Final = counted
        self.unreadable: Final = unreadable
        self.receivers: Final = {name: Receiver(each, sender(each), clock) for name, each in endpoints.items()}
        self.partitions: dict[int, Partition] = {}

    def open(self, number: int) -> Partition:
        """Take a partition; ``begin`` begins with attempts. Raises OutboxDamaged."""
        self.partitions[number] = Partition(self, number)
        return self.partitions[number]

    async def leave(self, number: int) -> None:
        """End with a partition; does nothing for one that is not open."""
        if (partition := self.partitions.pop(number, None)) is not None:
            await partition.close()

    async def told(self, store: Callable[[int, list[Told]], Awaitable[None]]) -> None:
        """Give ``store`` what the reports were not told yet, by partition; it is told when that returns."""
        for number, partition in list(self.partitions.items()):
            # Whoever has the partition next tells what became of it there.
            with suppress(PartitionLeft):
                while some := await partition.store.ask(lambda box: box.untold()):
                    await store(number, some)
                    await partition.store.ask(lambda box, told=some: box.tell(told))  # type: ignore[misc]

    async def waiting(self) -> dict[str, dict[str, int]]:
        """Of each endpoint: how many deliveries are in which state."""
        counts: dict[str, dict[str, int]] = {name: {WAITING: 0, DELIVERED: 0} for name in self.endpoints}
        for partition in list(self.partitions.values()):
            with suppress(PartitionLeft):
                for endpoint, state, count in await partition.store.ask(lambda box: box.counts()):
                    of = counts.setdefault(endpoint, {})
                    of[state] = of.get(state, 0) + count
        return counts

    async def forget(self) -> None:
        """Drop what was settled so long ago that nobody says it again."""
        before = self.clock.now_ms() - KEPT_MS
        for partition in list(self.partitions.values()):
            with suppress(PartitionLeft):
                await partition.store.ask(lambda box: box.forget(before))

    @property
    def failed(self) -> BaseException | None:
        """What ended a lane, of any partition: the process must not go on as if nothing were."""
        return next((each.failed for each in self.partitions.values() if each.failed is not None), None)

    async def close(self) -> None:
        """End with everything."""
        for number in list(self.partitions):
            await self.leave(number)
        for receiver in self.receivers.values():
            await receiver.sender.close()
