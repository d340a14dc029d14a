"""What is asked of a broker that is not there is asked again, and nothing is begun with half an answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
)
from support.hand_clock import HandClock

from schemas.registry import FileRegistry
from streams.delivery.deliverer import Deliverer
from streams.delivery.outbox import OutboxDamaged, Told
from streams.kafka.delivering import Delivering
from streams.kafka.retry import until_answered

TRIGGERS = "relasi.triggers.v1"
PLACE = TopicPartition(TRIGGERS, 0)


async def moving(clock: HandClock, work: Any) -> Any:
    """What work comes to, on a clock that goes on whenever somebody sleeps."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        if clock.asleep:
            clock.move(max(clock.asleep))
    return task.result()


class _Asked:
    """Fails with each of these, then answers."""

    def __init__(self, *failures: KafkaError) -> None:
        self.failures = list(failures)

    async def __call__(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "answered"


def test_an_outage_is_waited_out() -> None:
    clock, asked = HandClock(), _Asked(KafkaConnectionError(), NotLeaderForPartitionError(), KafkaTimeoutError())
    assert asyncio.run(moving(clock, until_answered(asked, "kafka://b", clock))) == "answered"
    assert asked.failures == []
    assert clock.monotonic() > HandClock().monotonic()


def test_what_stays_so_is_raised() -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        asyncio.run(until_answered(_Asked(GroupAuthorizationFailedError()), "kafka://b", HandClock()))


class _Consumer:
    """A group of one; ``failures`` come first."""

    def __init__(self, begin: int, end: int, *failures: KafkaError) -> None:
        self._begin, self._end, self.failures = begin, end, list(failures)
        self.sought: list[int] = []

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self.failures:
            raise self.failures.pop(0)
        return dict.fromkeys(places, self._end)

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._begin)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought.append(offset)

    async def getmany(self, **_: object) -> dict[TopicPartition, list[Any]]:
        return {}


class _History:
    """Of deliveries: nothing was told; ``failures`` come first."""

    def __init__(self, *failures: KafkaError) -> None:
        self.failures = list(failures)

    def source(self, number: int) -> str:
        return f"relasi.deliveries.v1/{number}"

    async def since(self, number: int, offset: int) -> tuple[list[Told], int]:
        if self.failures:
            raise self.failures.pop(0)
        return [], 0


async def _taking(folder: Path, consumer: _Consumer, history: _History) -> bool:
    """Whether attempts have begun once the partition is assigned."""
    clock = HandClock()
    deliverer = Deliverer(folder, {}, FileRegistry(), clock)

    async def again(ask: Any) -> None:
        await until_answered(ask, "kafka://b", clock)

    delivering = Delivering(consumer, deliverer, history, TRIGGERS, (), again)  # type: ignore[arg-type]
    try:
        await moving(clock, delivering.on_partitions_assigned({PLACE}))
        await delivering.turn()
        return PLACE.partition in deliverer.partitions
    finally:
        await delivering.on_partitions_revoked({PLACE})


def test_a_partition_is_taken_from_its_beginning_though_the_broker_was_lost_in_between(tmp_path: Path) -> None:
    """aiokafka swallows what a listener raises, and goes on from what the group has committed."""
    consumer, history = _Consumer(3, 9, KafkaConnectionError(), NotLeaderForPartitionError()), _History()
    assert asyncio.run(_taking(tmp_path, consumer, history))
    assert (consumer.failures, consumer.sought) == ([], [3])


def test_what_others_told_is_learned_though_the_broker_was_lost_in_between(tmp_path: Path) -> None:
    consumer, history = _Consumer(9, 9), _History(KafkaConnectionError())
    assert asyncio.run(_taking(tmp_path, consumer, history))
    assert history.failures == []


def test_what_ends_the_taking_of_a_partition_ends_the_deliverer(tmp_path: Path) -> None:
    (tmp_path / "deliveries-0.sqlite").write_bytes(b"no database at all, but a text that is long enough to be one" * 9)
    with pytest.raises(OutboxDamaged):
        asyncio.run(_taking(tmp_path, _Consumer(0, 9), _History()))


def test_a_right_that_is_missing_ends_it(tmp_path: Path) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        asyncio.run(_taking(tmp_path, _Consumer(0, 9, GroupAuthorizationFailedError()), _History()))
