"""Fenced producers against a real broker: what counts, what is refused, and what becomes of what was left open."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.checkpoints_on_kafka import HEADER, Rows, committed, create, end, rows
from support.kafka_broker import Broker, running

from streams.clock import Clock
from streams.kafka.fencing import Fenced, FencedProducer
from streams.kafka.producer import SendFailed
from streams.settings import Settings

FORGETFUL = {
    "transactional.id.expiration.ms": "500",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "200",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
}


class Place:
    """A changelog of one partition, and producers that want it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.topic = f"t{uuid4().hex[:12]}"
        self.settings = Settings(broker=broker.url, group=self.topic)
        create(broker.servers, self.topic)

    def producer(self, timeout_ms: int = 60_000) -> FencedProducer:
        return FencedProducer(self.settings, self.topic, 0, Clock(), timeout_ms)

    async def names(self) -> list[bytes | None]:
        """The headers that stand, in their order; and nothing stands without its header."""
        found = await committed(self.broker.servers, self.topic)
        headers = [value for key, value in found if key == HEADER]
        for _, value in found:
            assert value is None or value.rstrip(b".") in headers
        return headers


async def opened(producer: FencedProducer, checkpoint: Rows) -> None:
    """Everything of a checkpoint is with the broker, and not committed."""
    sent: list[Any] = []
    await producer._begin()
    await producer._send(checkpoint, sent)
    await asyncio.gather(*sent)


@pytest.fixture
def place(broker: Broker) -> Place:
    return Place(broker)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that soon forgets ids, and aborts what takes long."""
    with running(tmp_path_factory.mktemp("forgetful") / "broker", **FORGETFUL) as broker:
        yield broker


async def _written(place: Place) -> None:
    producer = place.producer()
    await producer.initialise()
    large = rows("large", 6_000)
    deleting = Rows(large.keys, large.values, large.header, [(b"gone", None), (b"policy", b"large")])
    marker = await producer.write(deleting)
    assert marker == 2 + 6_000 + 1
    assert await producer.write(rows("bare", 0)) == marker + 2
    await producer.close()
    found = await committed(place.broker.servers, place.topic)
    wanted = [(large.keys.message(i), large.values.message(i)) for i in range(6_000)]
    same = found == [(b"gone", None), (b"policy", b"large"), *wanted, (HEADER, b"large"), (HEADER, b"bare")]
    assert same
    assert await end(place.broker.servers, place.topic) == marker + 3


def test_a_checkpoint_comes_out_as_it_was_written(place: Place) -> None:
    asyncio.run(_written(place))


async def _zombie(place: Place) -> None:
    before, after = place.producer(), place.producer()
    await before.initialise()
    await before.write(rows("before", 10))
    await after.initialise()
    for _ in range(2):
        with pytest.raises(Fenced):
            await before.write(rows("zombie", 3_000))
    await after.write(rows("after", 10))
    with pytest.raises(Fenced):
        await before.write(rows("zombie", 0))
    assert await place.names() == [b"before", b"after"]
    await asyncio.gather(before.close(), after.close())


def test_whoever_was_taken_over_writes_nothing_more(place: Place) -> None:
    asyncio.run(_zombie(place))


async def _open(place: Place) -> None:
    before, after = place.producer(), place.producer()
    await before.initialise()
    await before.write(rows("before", 10))
    await opened(before, rows("torn", 5_000))
    begun = await end(place.broker.servers, place.topic)
    await after.initialise()
    # All that was aborted counts for the end, and its marker.
    assert await end(place.broker.servers, place.topic, "read_committed") == begun + 1
    with pytest.raises(Fenced):
        await before._finish()
    assert await place.names() == [b"before"]
    await after.write(rows("after", 5))
    assert await place.names() == [b"before", b"after"]
    await asyncio.gather(before.close(), after.close())


def test_what_an_owner_left_open_is_aborted_by_the_next(place: Place) -> None:
    asyncio.run(_open(place))


async def _meanwhile(place: Place) -> None:
    producer, names = place.producer(), []
    await producer.initialise()
    for turn in range(12):
        writing = asyncio.create_task(producer.write(rows(f"turn {turn}", 2_000)))
        # From before the first batch to behind the commit.
        await asyncio.sleep(turn * 0.005)
        after = place.producer()
        await after.initialise()
        stood = await place.names()
        with suppress(Fenced):
            await writing
            names.append(f"turn {turn}".encode())
        assert stood == names
        await producer.close()
        producer = after
    assert await place.names() == names
    await producer.close()


def test_a_takeover_in_the_middle_of_a_commit_finds_all_of_it_or_nothing(place: Place) -> None:
    asyncio.run(_meanwhile(place))


async def _let_go(place: Place) -> None:
    producer = place.producer()
    await producer.initialise()
    writing = asyncio.create_task(producer.write(rows("last", 6_000)))
    await asyncio.sleep(0)
    await producer.close()
    await writing
    with pytest.raises(Fenced, match="let go"):
        await producer.write(rows("never", 1))
    assert await place.names() == [b"last"]


def test_who_is_let_go_brings_to_an_end_what_is_on_its_way_and_begins_nothing(place: Place) -> None:
    asyncio.run(_let_go(place))


async def _forgotten(place: Place) -> None:
    producer = place.producer()
    await producer.initialise()
    await producer.write(rows("before", 1))
    for _ in range(100):
        await asyncio.sleep(0.2)
        try:
            await producer.write(rows("again", 1))
        except Fenced:
            break
        await asyncio.sleep(1)
    else:
        raise AssertionError("the broker never forgot the id")
    names = await place.names()
    assert set(names) <= {b"before", b"again"}
    await producer.close()
    anew = place.producer()
    await anew.initialise()
    await anew.write(rows("anew", 1))
    assert await place.names() == [*names, b"anew"]
    await anew.close()


def test_an_id_that_the_broker_has_forgotten_is_initialised_anew(forgetful: Broker) -> None:
    asyncio.run(_forgotten(Place(forgetful)))


async def _late(place: Place) -> None:
    producer = place.producer(timeout_ms=600)
    await producer.initialise()
    await producer.write(rows("before", 1))
    await opened(producer, rows("paused", 100))
    begun = await end(place.broker.servers, place.topic)
    while await end(place.broker.servers, place.topic) == begun:
        await asyncio.sleep(0.1)
    with pytest.raises((Fenced, SendFailed)) as refused:
        await producer._finish()
    assert isinstance(refused.value, Fenced)
    assert await place.names() == [b"before"]
    await producer.close()


def test_a_transaction_that_takes_too_long_is_aborted_and_its_owner_hears_of_it(forgetful: Broker) -> None:
    asyncio.run(_late(Place(forgetful)))


async def _restarted(place: Place, pause: float) -> None:
    producer = place.producer()
    await producer.initialise()
    await producer.write(rows("before", 10))
    writing = asyncio.create_task(producer.write(rows("through", 4_000)))
    await asyncio.sleep(pause)
    place.broker.kill()
    # Not in another thread: it would end with that.
    place.broker.start()
    async with asyncio.timeout(60):
        await writing
    await producer.write(rows("after", 10))
    assert await place.names() == [b"before", b"through", b"after"]
    await producer.close()


@pytest.mark.broker  # of its own
@pytest.mark.parametrize(
    "pause", [0.03, pytest.param(0.005, marks=pytest.mark.long), pytest.param(0.06, marks=pytest.mark.long)]
)
def test_a_broker_that_dies_between_any_two_steps_of_a_commit(tmp_path: Path, pause: float) -> None:
    with running(tmp_path / "broker") as broker:
        asyncio.run(_restarted(Place(broker), pause))
