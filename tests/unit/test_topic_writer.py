"""The writer of the Kafka shell in process: what waits for a partition goes out together, and fails together."""

import asyncio
from typing import Any, cast

import pytest

from schemas.bodies import Bodies, bodies_of
from streams.kafka.producer import Producer as RealProducer
from streams.kafka.producer import SendFailed
from streams.kafka.writer import TOUCHPOINT_MESSAGE_BYTES, TopicWriter
from streams.log.partitioning import partitions_of
from streams.log.writer import MessageTooLarge, NotWritten

COUNT = 3


class Producer:
    """In the place of the producer: a send lasts until it is let go, and fails where a message says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, list[bytes]]] = []
        self.written: list[bytes] = []
        self.open = asyncio.Event()

    async def send(self, topic: str, partition: int, keys: Bodies | None, bodies: Bodies) -> None:
        messages = [bodies.message(i) for i in range(len(bodies.offsets) - 1)]
        self.sent.append((partition, messages))
        assert keys is None or len(keys.offsets) == len(bodies.offsets)
        await self.open.wait()
        if b"refused" in messages:
            raise SendFailed(f"{topic}: refused")
        if b"too large" in messages:
            failure = SendFailed(f"{topic}: too large")
            failure.too_large = True
            raise failure
        self.written += messages


def writer_over(producer: Producer) -> TopicWriter:
    return TopicWriter(cast(RealProducer, cast(Any, producer)), "t", COUNT)


def key_of(partition: int) -> bytes:
    keys = [b"%d" % number for number in range(50)]
    return next(key for key, home in zip(keys, partitions_of(bodies_of(keys), COUNT), strict=True) if home == partition)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def one(value: bytes, partition: int = 1) -> tuple[Bodies, Bodies]:
    return bodies_of([key_of(partition)]), bodies_of([value])


def test_what_comes_during_a_send_goes_out_as_one() -> None:
    async def work() -> None:
        producer = Producer()
        writer = writer_over(producer)
        appends = [asyncio.create_task(writer.append(*one(b"0")))]
        await settled()
        appends += [asyncio.create_task(writer.append(*one(b"%d" % number))) for number in range(1, 5)]
        await settled()
        appends += [asyncio.create_task(writer.append(*one(b"other", 2)))]
        await settled()
        appends += [asyncio.create_task(writer.append(None, bodies_of([b"policy"])))]
        await settled()
        assert not any(append.done() for append in appends)
        producer.open.set()
        await asyncio.gather(*appends)
        mine = [messages for partition, messages in producer.sent if partition == 1]
        assert mine == [[b"0"], [b"1", b"2", b"3", b"4", b"policy"]]
        assert [messages for partition, messages in producer.sent if partition == 2] == [[b"other"], [b"policy"]]
        assert [messages for partition, messages in producer.sent if partition == 0] == [[b"policy"]]
        assert writer._lanes[1]._sending is None

    asyncio.run(work())


def test_a_refusal_is_told_to_those_it_concerns_and_the_lane_goes_on() -> None:
    async def work() -> None:
        producer = Producer()
        producer.open.set()
        writer = writer_over(producer)
        outcomes = await asyncio.gather(
            writer.append(*one(b"refused")),
            writer.append(*one(b"with it")),
            writer.append(*one(b"elsewhere", 2)),
            return_exceptions=True,
        )
        assert [isinstance(outcome, NotWritten) for outcome in outcomes] == [True, True, False]
        await writer.append(*one(b"next"))
        assert producer.sent[-1] == (1, [b"next"])

    asyncio.run(work())


def test_what_is_too_large_for_the_broker_harms_none_that_went_with_it() -> None:
    async def work() -> None:
        producer = Producer()
        producer.open.set()
        writer = writer_over(producer)
        appends = [writer.append(*one(value)) for value in (b"before", b"too large", b"after")]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert [isinstance(outcome, NotWritten) for outcome in outcomes] == [False, True, False]
        assert producer.written == [b"before", b"after"]

    asyncio.run(work())


def test_what_goes_out_together_fits_into_one_batch() -> None:
    async def work() -> None:
        producer = Producer()
        producer.open.set()
        writer = writer_over(producer)
        await asyncio.gather(*(writer.append(*one(b"%d" % number * 300_000)) for number in range(5)))
        assert [len(messages) for _, messages in producer.sent] == [2, 2, 1]

    asyncio.run(work())


def test_an_append_over_several_partitions_ends_when_all_have_answered() -> None:
    async def work() -> None:
        producer = Producer()
        writer = writer_over(producer)
        append = asyncio.create_task(writer.append(None, bodies_of([b"refused"])))
        await settled()
        assert sorted(partition for partition, _ in producer.sent) == list(range(COUNT))
        producer.open.set()
        with pytest.raises(NotWritten):
            await append
        assert all(lane._sending is None for lane in writer._lanes)

    asyncio.run(work())


def test_what_is_cancelled_before_it_went_out_is_not_sent() -> None:
    async def work() -> None:
        producer = Producer()
        writer = writer_over(producer)
        first = asyncio.create_task(writer.append(*one(b"first")))
        await settled()
        given_up = asyncio.create_task(writer.append(*one(b"given up")))
        last = asyncio.create_task(writer.append(*one(b"last")))
        await settled()
        given_up.cancel()
        await settled()
        producer.open.set()
        await asyncio.gather(first, last)
        assert given_up.cancelled()
        assert producer.sent == [(1, [b"first"]), (1, [b"last"])]

    asyncio.run(work())


def test_what_is_too_large_is_told_before_anything_is_sent() -> None:
    async def work() -> None:
        producer = Producer()
        with pytest.raises(MessageTooLarge):
            await writer_over(producer).append(*one(b"x" * TOUCHPOINT_MESSAGE_BYTES))
        assert producer.sent == []

    asyncio.run(work())
