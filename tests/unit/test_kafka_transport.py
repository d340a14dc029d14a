"""What the consumer commits and where it reads from: what was confirmed, and where our rows are complete."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from faust.types import TP
from support.kafka_fakes import FakeBroker, broker_of, tps, unstarted_app
from support.messages import Message, batch, tick

from streams.kafka.app import consumer_of
from streams.kafka.fetch import Fetched, read
from streams.kafka.transport import FETCH_WAIT_MS, Consumer, ConsumerThread, Transport
from streams.settings import Settings

TOPIC: Final = "relasi.touchpoints.v1"
FIRST, SECOND = TP(TOPIC, 0), TP(TOPIC, 1)

Story = Callable[[Any, FakeBroker], Awaitable[None]]


def tell(folder: Path, story: Story) -> None:
    async def told() -> None:
        app = unstarted_app(Settings(data=folder))
        broker = broker_of(app)
        broker.assigned = tps(TOPIC, [0, 1])
        await story(consumer_of(app), broker)

    asyncio.run(told())


def fetched(count: int, base: int = 0, wanted: int | None = None) -> Fetched:
    messages = [Message(tick(number)) for number in range(count)]
    return read(TOPIC, 0, batch(messages, base) if count else b"", base if wanted is None else wanted, [])


def test_what_was_confirmed_is_committed_and_nothing_else(tmp_path: Path) -> None:
    async def story(consumer: Any, broker: FakeBroker) -> None:
        consumer.confirm(FIRST, 7)
        await consumer.commit()
        assert broker.committed == {FIRST: 7}
        consumer.confirm(FIRST, 9)
        consumer.confirm(SECOND, 3)
        await consumer.commit()
        assert broker.committed == {FIRST: 9, SECOND: 3}

    tell(tmp_path, story)


def test_what_faust_acknowledges_is_not_committed(tmp_path: Path) -> None:
    async def story(consumer: Any, broker: FakeBroker) -> None:
        message = consumer._to_message(FIRST, fetched(5))
        consumer.track_message(message)
        assert consumer.ack(message) is False
        assert message.acked
        assert not consumer.unacked
        await consumer._add_gap(FIRST, 0, 1 << 40)
        await consumer.commit()
        assert broker.committed == {}

    tell(tmp_path, story)


def test_nothing_is_committed_of_what_is_not_ours_any_more_nor_backwards(tmp_path: Path) -> None:
    async def story(consumer: Any, broker: FakeBroker) -> None:
        consumer.confirm(FIRST, 7)
        consumer.confirm(SECOND, 7)
        broker.assigned = {SECOND}
        await consumer.commit()
        consumer.confirm(SECOND, 5)
        await consumer.commit()
        assert broker.committed == {SECOND: 7}

    tell(tmp_path, story)


# Committed by the group, complete in our rows, remembered in a checkpoint; where it reads on, and what it commits then.
SEEKS: Final[dict[str, tuple[int | None, int | None, int, int | None, int | None]]] = {
    "nothing yet": (None, 0, 0, 0, None),
    "committed is all that is complete": (7, 7, 7, 7, 7),
    "complete beyond what was committed": (7, 9, 7, 9, 7),
    "remembered beyond what was committed": (7, 9, 9, 9, 9),
    "remembered, and nothing was committed": (None, 9, 9, 9, 9),
    "complete up to less than was committed": (9, 7, 7, 7, 9),
    "not ours to say": (7, None, 0, 7, 7),
}


@pytest.mark.parametrize("case", SEEKS)
def test_it_reads_on_where_our_rows_are_complete(case: str, tmp_path: Path) -> None:
    committed, wanted, remembered, position, after = SEEKS[case]

    async def story(consumer: Any, broker: FakeBroker) -> None:
        if committed is not None:
            broker.committed[FIRST] = committed
        # It has fetched on, and dropped what it fetched.
        broker.position[FIRST] = 99
        consumer.read_from(
            lambda: {} if wanted is None else {FIRST: wanted}, lambda: {} if wanted is None else {FIRST: remembered}
        )
        await consumer.perform_seek()
        assert broker.position[FIRST] == position
        await consumer.commit()
        assert broker.committed.get(FIRST) == after

    tell(tmp_path, story)


def test_partitions_that_are_not_assigned_are_neither_sought_nor_confirmed(tmp_path: Path) -> None:
    async def story(consumer: Any, broker: FakeBroker) -> None:
        broker.assigned = {SECOND}
        consumer.read_from(lambda: {FIRST: 7, SECOND: 8}, lambda: {FIRST: 7, SECOND: 8})
        await consumer.perform_seek()
        broker.assigned = {FIRST, SECOND}
        await consumer.commit()
        assert broker.position == {SECOND: 8}
        assert broker.committed == {SECOND: 8}

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("given", "last"), [(fetched(5), 4), (fetched(5, base=10), 14), (fetched(0, base=7), 7), (fetched(5, wanted=3), 4)]
)
def test_a_fetch_stands_for_its_last_record(given: Fetched, last: int, tmp_path: Path) -> None:
    async def story(consumer: Any, _: FakeBroker) -> None:
        consumer.app.consumer_generation_id = 6
        message = consumer._to_message(FIRST, given)
        assert (message.offset, message.generation_id, message.value) == (last, 6, given)
        assert message.tp == FIRST

    tell(tmp_path, story)


def test_records_of_other_topics_are_what_faust_makes_of_them(tmp_path: Path) -> None:
    sizes = {"serialized_key_size": 1, "serialized_value_size": 2}
    place = {"topic": "t", "partition": 1, "offset": 5, "timestamp": 1500, "timestamp_type": 0}
    record = SimpleNamespace(key=b"k", value=b"v", headers=[], checksum=None, **place, **sizes)

    async def story(consumer: Any, _: FakeBroker) -> None:
        message = consumer._to_message(TP("t", 1), record)
        assert (message.offset, message.key, message.value, message.timestamp) == (5, b"k", b"v", 1.5)

    tell(tmp_path, story)


def test_the_transport_is_ours_with_our_consumer() -> None:
    assert Transport.Consumer is Consumer


def test_aiokafka_reads_what_was_committed_and_does_not_wait_long(tmp_path: Path) -> None:
    async def ask() -> None:
        app = unstarted_app(Settings(data=tmp_path))
        consumer = consumer_of(app)
        thread: Any = Consumer._new_consumer_thread(consumer)
        try:
            assert isinstance(thread, ConsumerThread)
            made = thread._create_worker_consumer(app.transport)
            assert (made._isolation_level, made._fetch_max_wait_ms) == ("read_committed", FETCH_WAIT_MS)
            await made.stop()
        finally:
            thread.thread_loop.close()

    asyncio.run(ask())
