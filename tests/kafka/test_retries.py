"""A producer sends a batch twice because an answer was lost: over broker and server, too, it counts once."""

import asyncio
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from support.identities import counted
from support.kafka_workers import Install, Installation
from support.messages import START, touchpoint
from support.repeated import plain_and_repeated, same_profiles

PEOPLE: Final = {"ann": 17, "bob": 100, "cem": 2_500}


async def _send_repeated(made: Installation) -> None:
    async with AIOKafkaProducer(bootstrap_servers=made.broker.servers, linger_ms=20) as producer:
        for some in plain_and_repeated(3):
            sent = [await producer.send(f"{made.name}.touchpoints.v1", value, key.encode()) for key, value in some]
            await asyncio.gather(*sent)


async def _send(made: Installation, first: float, stop: float) -> None:
    topic = f"{made.name}.touchpoints.v1"
    async with AIOKafkaProducer(bootstrap_servers=made.broker.servers, linger_ms=20) as producer:
        sent = []
        for who, many in PEOPLE.items():
            for n in range(int(first * many), int(stop * many)):
                value = touchpoint(f"e{n}", who, START + n, "order_completed", amount_minor=100, currency="USD")
                sent.append(await producer.send(topic, value, who.encode()))
        await asyncio.gather(*sent)


def send(made: Installation, first: float, stop: float) -> None:
    """A part of everybody's batch, from a program that knows of no import."""
    asyncio.run(_send(made, first, stop))


def once() -> dict[tuple[str, str], tuple[int, int]]:
    return {("known", who): (many, 100 * many) for who, many in PEOPLE.items()}


def test_a_batch_that_is_sent_twice_counts_once(install: Install) -> None:
    """Half of it is remembered, the other half not, by a worker that is killed; and again after a rebalance."""
    made = install()
    first = made.start()
    first.wait_ready()
    send(made, 0, 0.5)
    made.settle()
    # From here on it remembers nothing.
    send(made, 0.5, 1)
    first.kill()
    second = made.start()
    send(made, 0, 1)
    second.wait_ready()
    made.settle()
    # So does what is shuffled, repeated up to 200 times and moved by up to a year.
    asyncio.run(_send_repeated(made))
    # Two take partitions from the one.
    others = [made.start(), made.start()]
    for worker in others:
        worker.wait_ready()
    send(made, 0.25, 0.75)
    made.settle()
    second.kill()
    send(made, 0, 1)
    made.settle()
    assert [worker.stop() for worker in others] == [0, 0], [worker.text() for worker in others]
    same_profiles(made.sink)
    found = counted(made.sink, "customer_id IN ('ann', 'bob', 'cem')")
    assert found == once()


@pytest.mark.parametrize("window", [60])
def test_beyond_the_window_a_retry_counts_in_both(install: Install, window: int) -> None:
    made = install(window=window)
    made.start().wait_ready()
    send(made, 0, 1)
    made.settle()
    assert made.stop_all() == [0]
    # The partition of whoever has most remembers the last of them; what a checkpoint says counts.
    worker = made.start(window=4_000_000)
    worker.wait_ready()
    send(made, 0, 1)
    made.settle()
    assert worker.stop() == 0
    found = counted(made.sink)
    assert found["known", "cem"] == (5_000, 500_000)
