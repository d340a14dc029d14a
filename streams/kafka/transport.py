"""Faust's transport over aiokafka, changed where it would lose or misplace an acknowledgement.

Offsets are committed only up to what a checkpoint has confirmed: ``Consumer.confirm``. Whatever Faust itself
acknowledges, as it does with every event that a stream skips around a rebalance, counts for nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.kafka.fetch import Fetched

FETCH_WAIT_MS: Final = 100
MARKER_SECONDS: Final = 30
_AGAIN_SECONDS: Final = 0.02

Offsets = Callable[[], Mapping[TP, int]]
Ready = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    """Nothing is waited for."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that speaks to the broker."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for committed records only when it writes transactions itself. We don't, but producers may.
        consumer._isolation_level = "read_committed"
        # A fetch that waits for records keeps every other request on its connection waiting, such as for the end of
        # the log. Faust says 1.5 seconds, and each takeover of a partition took as long (measured).
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def committed_offset(self, tp: TP) -> int:
        """What the group has committed of a partition; 0: nothing."""
        return int(await self.call_thread(self._ensure_consumer().committed, tp) or 0)


class _NothingRead(dict[TP, int | None]):
    """Up to where each partition was handed over, for whoever asks for one: nowhere.

    Faust drops what lies before the offset that it handed over last, and notes that when it has handed over: also after
    a seek to before it, if that came meanwhile. Then nothing is read until the log has grown beyond. Our partitions and
    changelogs tell by themselves what they have.
    """

    def __getitem__(self, tp: TP) -> int | None:
        return None


class Consumer(driver.Consumer):
    """Commits what was confirmed, and nothing else; reads from where our rows are complete."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._read_offset = _NothingRead()

    _wanted: Offsets = staticmethod(dict)
    _remembered: Offsets = staticmethod(dict)
    _held: Offsets = staticmethod(dict)
    _initialised: Ready = staticmethod(_at_once)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Fetched):
            message: ConsumerMessage = super()._to_message(tp, record)
            return message
        # A recovery counts the offsets of what it was given, so a fetch stands for its last record.
        last = max(record.end - 1, record.wanted)
        generation = self.app.consumer_generation_id
        value: Any = record
        return ConsumerMessage(
            record.topic, record.partition, last, 0.0, 0, [], None, value, None, 0, record.size, tp,
            generation_id=generation,
        )  # fmt: skip

    def read_from(self, wanted: Offsets, remembered: Offsets) -> None:
        """``wanted`` says where each of our partitions has to be read from, whenever Faust seeks.

        ``remembered``: up to where a checkpoint holds what came of it.
        """
        self._wanted = wanted
        self._remembered = remembered

    def ends_after(self, initialised: Ready, held: Offsets) -> None:
        """``initialised`` is waited for before the end of a changelog is asked for.

        ``held``: what of each changelog our rows contain.
        """
        self._initialised = initialised
        self._held = held

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Where partitions end, for readers of committed records; those of changelogs when nobody else writes there.

        A commit is confirmed before its marker is written, and until then the end lies before the transaction. Faust
        would find that our rows contain what is not there.
        """
        held = self._held()
        if any(tp in held or tp.topic in self.app.tables.changelog_topics for tp in partitions):
            await self._initialised()
        async with asyncio.timeout(MARKER_SECONDS):
            while True:
                ends: Mapping[TP, int] = await super().highwaters(*partitions)
                if all((ends.get(tp) or 0) > held.get(tp, -1) for tp in partitions):
                    return ends
                await asyncio.sleep(_AGAIN_SECONDS)

    async def perform_seek(self) -> None:
        """Seek to where our rows are complete.

        Faust seeks to the committed offset, and where nothing was committed yet leaves the position as it is: beyond
        what it fetched and dropped around a rebalance.
        """
        await super().perform_seek()
        assigned = self.assignment()
        places = {tp: offset for tp, offset in self._wanted().items() if tp in assigned}
        if places:
            await self.seek_wait(places)
        for tp, offset in self._remembered().items():
            # The owner before us may have remembered more than it came to commit. Nothing may be left to fetch then,
            # and without this the group would seem to lag for good (measured: a rebalance at the end of a log).
            if tp in assigned and offset > (self._committed_offset.get(tp) or 0):
                self.confirm(tp, offset)

    async def committed_offset(self, tp: TP) -> int:
        """What the group has committed of a partition; 0: nothing."""
        thread: Any = self._thread
        return int(await thread.committed_offset(tp))

    def confirm(self, tp: TP, offset: int) -> None:
        """All before ``offset`` is emitted and remembered: it may be committed."""
        self._acked[tp] = [offset]

    def ack(self, message: Any) -> bool:
        """Faust is done with a message; says nothing about ours."""
        message.acked = True
        self._unacked_messages.discard(message)
        return False

    def _new_offset(self, tp: TP) -> int | None:
        confirmed = self._acked.get(tp)
        return confirmed[-1] if confirmed else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust would expand every gap into a list of offsets; what is confirmed is complete by itself."""


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = Consumer
