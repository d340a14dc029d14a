"""The writer of the Kafka shell: messages into the partitions of a topic, those that wait for a partition together."""

import asyncio
from collections import deque
from typing import Final

from schemas.bodies import Bodies
from streams.kafka.producer import REQUEST_BYTES, Producer, SendFailed
from streams.log.arranging import RECORD_OVERHEAD, joined, sizes_of
from streams.log.partitioning import split
from streams.log.writer import checked

TOUCHPOINT_MESSAGE_BYTES: Final = 1_000_000
"""With its key and what frames it, under what a broker takes by default (``max.message.bytes`` of 1,048,588)."""

_Waiting = tuple[Bodies | None, Bodies, "asyncio.Future[None]"]


class _Lane:
    """One partition. While a send is under way, what comes waits, and goes out together as the next one.

    A producer that is idempotent has one batch of a partition on its way at a time here, so appends that each went
    out by themselves would each wait for the answers of all before.
    """

    def __init__(self, producer: Producer, topic: str, number: int) -> None:
        self._producer = producer
        self._topic = topic
        self._number = number
        self._waiting: deque[_Waiting] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, bodies, done))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        await done

    async def _send(self) -> None:
        try:
            while group := self._take():
                await self._send_group(group)
        finally:
            self._sending = None

    def _take(self) -> list[_Waiting]:
        """What waits and fits into one batch; what was cancelled by now is left out."""
        group: list[_Waiting] = []
        size = 0
        while self._waiting:
            keys, bodies, done = self._waiting[0]
            size += int(sizes_of(keys, bodies).sum()) + RECORD_OVERHEAD * len(bodies.offsets)
            if group and size > REQUEST_BYTES:
                break
            self._waiting.popleft()
            if not done.done():
                group.append((keys, bodies, done))
        return group

    async def _send_group(self, group: list[_Waiting]) -> None:
        failure: BaseException | None = None
        try:
            keys, bodies = joined([(keys, bodies) for keys, bodies, _ in group])
            await self._producer.send(self._topic, self._number, keys, bodies)
        except asyncio.CancelledError:
            for *_, done in group:
                done.cancel()
            raise
        except SendFailed as error:
            if error.too_large and len(group) > 1:
                # The broker takes less than we had thought, and one batch as a whole or not at all: nothing of it is
                # in the log, and only those are to fail that are too large by themselves.
                for each in group:
                    await self._send_group([each])
                return
            failure = error
        except Exception as error:
            failure = error
        for *_, done in group:
            if done.done():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)


class TopicWriter:
    """A ``Writer`` of a topic of ``partitions`` partitions, over a producer that is open. Belongs to one event loop.

    An append over several partitions that fails may stand in some of them.
    """

    def __init__(self, producer: Producer, topic: str, partitions: int) -> None:
        self._lanes = [_Lane(producer, topic, number) for number in range(partitions)]

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """See ``Writer``."""
        checked(keys, bodies, TOUCHPOINT_MESSAGE_BYTES)
        shares = zip(self._lanes, split(keys, bodies, len(self._lanes)), strict=True)
        sending = [lane.append(*share) for lane, share in shares if len(share[1].offsets) > 1]
        # Each is waited for also where another has failed: a send that nobody hears of must not be under way.
        for outcome in await asyncio.gather(*sending, return_exceptions=True):
            if outcome is not None:
                raise outcome
