"""Messages on their way to their topics, in process: what waits for what, and what a failure must not let happen."""

import asyncio
import io
from typing import Any, Final

import fastavro
import pytest
from support.kafka_fakes import FOR_GOOD, turns, until
from support.kafka_release import JUDGED, MOVED, TOPICS, ReleaseShell

from schemas.registry import FileRegistry
from schemas.wire import unframe
from streams.kafka.producer import SendFailed
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.transitions import TRANSITIONS

FORWARD: Final[Any] = FileRegistry().schema(FileRegistry().id_of("Forward"))


async def _slow_judgements() -> ReleaseShell:
    shell = ReleaseShell()
    shell.producer.shut[JUDGED] = asyncio.Event()
    shell.feed(0)
    await shell.release.digest(shell.tenure)
    judgements = asyncio.create_task(shell.release.say(shell.tenure, JUDGEMENTS))
    while not shell.tenure.publishing[JUDGEMENTS.name].locked():
        await asyncio.sleep(0)
    await shell.release.say(shell.tenure, TRANSITIONS)
    shell.feed(2)
    await shell.release.digest(shell.tenure)
    await shell.release.say(shell.tenure, TRANSITIONS)
    assert shell.producer.topics == [MOVED, MOVED]
    assert not judgements.done()
    shell.producer.shut[JUDGED].set()
    await judgements
    await shell.release.say(shell.tenure, JUDGEMENTS)
    return shell


def test_transitions_don_t_wait_for_judgements_that_are_on_their_way() -> None:
    shell = asyncio.run(_slow_judgements())
    assert shell.producer.topics == [MOVED, MOVED, JUDGED, JUDGED]
    assert shell.tenure.outgoing.silent


async def _checkpoint_behind_judgements() -> ReleaseShell:
    shell = ReleaseShell()
    shell.producer.shut[JUDGED] = asyncio.Event()
    shell.feed(0)
    await shell.release.digest(shell.tenure)
    judgements = asyncio.create_task(shell.release.say(shell.tenure, JUDGEMENTS))
    while not shell.tenure.publishing[JUDGEMENTS.name].locked():
        await asyncio.sleep(0)
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: bool(shell.producer.sent))
    # Nothing else than the judgements keeps the checkpoint from going on.
    await turns()
    assert shell.producer.topics == [MOVED]
    assert shell.confirmed == []
    shell.producer.shut[JUDGED].set()
    await asyncio.gather(judgements, checkpoint)
    return shell


def test_a_checkpoint_waits_until_the_broker_has_what_came_before_it() -> None:
    shell = asyncio.run(_checkpoint_behind_judgements())
    assert shell.producer.topics == [MOVED, JUDGED, TOPICS.changelog]
    assert shell.confirmed == [(3, 4)]


async def _failing(shell: ReleaseShell) -> None:
    shell.producer.failing[JUDGED] = FOR_GOOD
    shell.feed(0)
    await shell.release.checkpoint(shell.tenure)


def test_where_a_message_can_t_be_sent_nothing_is_remembered() -> None:
    shell = ReleaseShell()
    with pytest.raises(SendFailed):
        asyncio.run(_failing(shell))
    assert shell.producer.topics == [MOVED]
    assert shell.confirmed == []
    assert shell.tenure.torn


async def _publishing_again() -> list[str]:
    shell = ReleaseShell()
    shell.feed(0)
    await shell.release.publish(shell.tenure)
    await shell.release.publish(shell.tenure)
    await shell.release.checkpoint(shell.tenure)
    return shell.producer.topics


def test_what_was_said_is_not_said_again_by_the_checkpoint() -> None:
    assert asyncio.run(_publishing_again()) == [MOVED, JUDGED, TOPICS.changelog]


async def _for_another(shell: ReleaseShell) -> int:
    number = shell.feed_of_another(2)
    assert not shell.tenure.outgoing.silent or shell.tenure.outgoing.undigested
    await shell.release.checkpoint(shell.tenure)
    return number


def test_what_is_for_another_partition_is_there_in_order_before_it_is_remembered() -> None:
    shell = ReleaseShell(partitions=4)
    number = asyncio.run(_for_another(shell))
    assert shell.producer.topics == [TOPICS.touchpoints, TOPICS.changelog]
    ((topic, partition, messages),) = shell.producer.bodies
    assert (topic, partition) == (TOPICS.touchpoints, number)
    told: list[Any] = [fastavro.schemaless_reader(io.BytesIO(unframe(each)[1]), FORWARD, None) for each in messages]
    assert [(each["offset"], each["ordinal"], each["what"]) for each in told] == [(0, 0, 0), (1, 0, 0)]
    assert shell.confirmed == [(3, 2)]
    assert shell.tenure.outgoing.silent


async def _lost(shell: ReleaseShell) -> None:
    shell.producer.failing[TOPICS.touchpoints] = FOR_GOOD
    await _for_another(shell)


def test_where_another_partition_can_t_be_told_nothing_is_remembered() -> None:
    shell = ReleaseShell(partitions=4)
    with pytest.raises(SendFailed):
        asyncio.run(_lost(shell))
    assert shell.remembered == []
    assert shell.confirmed == []
    assert shell.tenure.torn
