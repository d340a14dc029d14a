"""The fenced producers of a worker's partitions: initialised on taking over, before anything is read."""

import asyncio
from collections.abc import Iterable
from typing import Final

from streams.clock import Clock
from streams.kafka.changelog import read_changelog
from streams.kafka.fencing import FencedProducer, Records
from streams.kafka.held import Held
from streams.kafka.own_loop import OwnLoop
from streams.kafka.topics import topics_of
from streams.settings import Settings

_END_SECONDS: Final = 1.0


class Fence:
    """That of one partition, for whoever is in the worker's loop."""

    def __init__(self, producer: FencedProducer, loop: OwnLoop) -> None:
        self._producer = producer
        self._loop = loop
        self._initialising: asyncio.Task[None] = asyncio.create_task(loop.there(producer.initialise()))

    async def initialised(self) -> None:
        """Wait until no former owner can write, or until it is let go. Raises KafkaError."""
        await asyncio.wait([self._initialising])
        if not self._initialising.cancelled():
            self._initialising.result()

    async def write(self, checkpoint: Records) -> int:
        """As FencedProducer.write."""
        return await self._loop.there(self._producer.write(checkpoint))

    async def close(self) -> None:
        """Write nothing more."""
        self._initialising.cancel()
        await asyncio.wait([self._initialising])
        await self._loop.there(self._producer.close())


class Fences:
    """By the number of the partition. An asynchronous context manager: it ends with the worker."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._settings = settings
        self._topic = topics_of(settings).changelog
        self._loop = OwnLoop("relasi-checkpoints")
        self._fences: dict[int, Fence] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Fences":
        self._loop.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for number in list(self._fences):
            self._drop(number)
        if self._closing:
            # Not for a broker that is gone: a worker has to end in time.
            await asyncio.wait(self._closing, timeout=_END_SECONDS)
        self._loop.stop()

    def renew(self, owned: Iterable[int], kept: Iterable[int]) -> None:
        """Begin to take over ``owned`` without ``kept``; those of any other partition are let go.

        What was initialised for a generation before counts for nothing where its tenure did not last: another worker
        may have had the partition in between.
        """
        kept = set(kept)
        for number in self._fences.keys() - kept:
            self._drop(number)
        for number in set(owned) - kept:
            self._fences[number] = Fence(FencedProducer(self._settings, self._topic, number, self._clock), self._loop)

    def again(self, number: int) -> Fence:
        """Begin to take over one partition anew."""
        self._drop(number)
        self._fences[number] = Fence(FencedProducer(self._settings, self._topic, number, self._clock), self._loop)
        return self._fences[number]

    def of(self, number: int) -> Fence:
        """That of a partition that is ours."""
        return self._fences[number]

    async def committed(self, number: int) -> Held:
        """What stands in the changelog of a partition; everything, once its fence is initialised."""
        return await read_changelog(self._settings, number, self._clock)

    async def initialised(self) -> None:
        """Wait until no former owner of any of our partitions can write. Raises KafkaError."""
        waited: list[Fence] = []
        while waited != (waited := list(self._fences.values())):
            for fence in waited:
                await fence.initialised()

    def _drop(self, number: int) -> None:
        fence = self._fences.pop(number, None)
        if fence is not None:
            closing = asyncio.create_task(fence.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
