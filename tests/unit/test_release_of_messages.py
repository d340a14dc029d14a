"""Messages on their way to their topics, in process: what waits for what, and what a failure must not let happen."""

import asyncio

import pytest
from support.kafka_fakes import FOR_GOOD, turns, until
from support.kafka_release import JUDGED, MOVED, TOPICS, ReleaseShell

from streams.kafka.producer import SendFailed
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.transitions import TRANSITIONS


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
