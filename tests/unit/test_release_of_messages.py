"""Messages on their way to their topics, in process: what waits for what, and what a failure must not let happen."""

import asyncio
from typing import cast

import pytest
from support.messages import Message, batch, tick, touchpoint
from support.shell import new_partition

from schemas.bodies import Bodies
from schemas.registry import FileRegistry
from streams.engine.checkpoint import Checkpoint
from streams.kafka.fences import Fence
from streams.kafka.fencing import Fenced
from streams.kafka.outbox import Outbox, SendFailed
from streams.kafka.release import Release
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.log.batches import read_batches
from streams.metrics import Metrics
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.transitions import TRANSITIONS
from streams.settings import Settings

DAY = 86_400_000
START = 1_700_000_000_000
TOPICS = topics_of(Settings())
JUDGED, MOVED = "relasi.judgements.v1", "relasi.transitions.v1"


class Broker:
    """Takes what is sent, as soon as its topic is open; ``sent`` lists it in the order of confirmation."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.shut: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.arrived = asyncio.Event()

    async def send(self, topic: str, _: int, keys: Bodies | None, bodies: Bodies) -> None:
        if topic in self.shut:
            await self.shut[topic].wait()
        if topic in self.broken:
            raise SendFailed(topic)
        assert keys is None or len(keys.offsets) == len(bodies.offsets)
        self.sent.append((topic, len(bodies.offsets) - 1))
        self.arrived.set()

    async def write(self, checkpoint: Checkpoint) -> int:
        if TOPICS.changelog in self.broken:
            raise Fenced(TOPICS.changelog)
        self.sent.append((TOPICS.changelog, checkpoint.rows))
        return 7

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self.sent]


class Shell:
    """A tenure and its release over a broker that never leaves this process."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.confirmed: list[tuple[int, int]] = []
        self.tenure = Tenure(new_partition(), TOPICS, FileRegistry(), -1, cast(Fence, self.broker), reports=False)
        outbox = cast(Outbox, self.broker)
        metrics = Metrics()
        self.release = Release(Settings(), outbox, Reporting(None, metrics), metrics, Threads(), self._confirm)

    def _confirm(self, number: int, offset: int) -> None:
        self.confirmed.append((number, offset))

    def feed(self, first: int, days: int = 2) -> None:
        """Some days of a customer, who gets a transition and judgements."""
        base = self.tenure.partition.next_offset
        told = []
        for day in range(first, first + days):
            at = START + day * DAY
            told += [tick(at), touchpoint(f"e{day}", f"c{first}", at, "order_completed", amount_minor=1000)]
        self.tenure.apply(read_batches(batch([Message(value) for value in told], base), base))


async def _slow_judgements() -> Shell:
    shell = Shell()
    shell.broker.shut[JUDGED] = asyncio.Event()
    shell.feed(0)
    await shell.release.digest(shell.tenure)
    judgements = asyncio.create_task(shell.release.say(shell.tenure, JUDGEMENTS))
    while not shell.tenure.publishing[JUDGEMENTS.name].locked():
        await asyncio.sleep(0)
    await shell.release.say(shell.tenure, TRANSITIONS)
    shell.feed(2)
    await shell.release.digest(shell.tenure)
    await shell.release.say(shell.tenure, TRANSITIONS)
    assert shell.broker.topics == [MOVED, MOVED]
    assert not judgements.done()
    shell.broker.shut[JUDGED].set()
    await judgements
    await shell.release.say(shell.tenure, JUDGEMENTS)
    return shell


def test_transitions_don_t_wait_for_judgements_that_are_on_their_way() -> None:
    shell = asyncio.run(_slow_judgements())
    assert shell.broker.topics == [MOVED, MOVED, JUDGED, JUDGED]
    assert shell.tenure.outgoing.silent


async def _checkpoint_behind_judgements() -> Shell:
    shell = Shell()
    shell.broker.shut[JUDGED] = asyncio.Event()
    shell.feed(0)
    await shell.release.digest(shell.tenure)
    judgements = asyncio.create_task(shell.release.say(shell.tenure, JUDGEMENTS))
    while not shell.tenure.publishing[JUDGEMENTS.name].locked():
        await asyncio.sleep(0)
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await shell.broker.arrived.wait()
    for _ in range(50):
        # A turn of the loop: nothing else than the judgements keeps the checkpoint from going on.
        await asyncio.sleep(0)
    assert shell.broker.topics == [MOVED]
    assert shell.confirmed == []
    shell.broker.shut[JUDGED].set()
    await asyncio.gather(judgements, checkpoint)
    return shell


def test_a_checkpoint_waits_until_the_broker_has_what_came_before_it() -> None:
    shell = asyncio.run(_checkpoint_behind_judgements())
    assert shell.broker.topics == [MOVED, JUDGED, TOPICS.changelog]
    assert shell.confirmed == [(3, 4)]


async def _fenced(shell: Shell) -> None:
    shell.broker.broken.add(TOPICS.changelog)
    shell.feed(0)
    with pytest.raises(Fenced):
        await shell.release.checkpoint(shell.tenure)
    shell.broker.broken.clear()
    # What was taken out with it is nowhere: no later one may stand without it.
    shell.feed(2)
    await shell.release.checkpoint(shell.tenure)
    await shell.release.checkpoint_all([shell.tenure])


def test_who_was_fenced_confirms_nothing_and_remembers_nothing_more() -> None:
    shell = Shell()
    asyncio.run(_fenced(shell))
    assert shell.confirmed == []
    assert TOPICS.changelog not in shell.broker.topics


def test_the_last_checkpoint_of_one_who_was_fenced_is_left_to_the_next_owner() -> None:
    shell = Shell()
    shell.broker.broken.add(TOPICS.changelog)
    shell.feed(0)
    asyncio.run(shell.release.checkpoint_all([shell.tenure]))
    assert shell.confirmed == []


def test_the_marker_of_a_checkpoint_counts_as_held() -> None:
    shell = Shell()
    shell.feed(0)
    asyncio.run(shell.release.checkpoint(shell.tenure))
    assert shell.tenure.held_offset == 7


async def _failing(shell: Shell) -> None:
    shell.broker.broken.add(JUDGED)
    shell.feed(0)
    await shell.release.checkpoint(shell.tenure)


def test_where_a_message_can_t_be_sent_nothing_is_remembered() -> None:
    shell = Shell()
    with pytest.raises(SendFailed):
        asyncio.run(_failing(shell))
    assert shell.broker.topics == [MOVED]
    assert shell.confirmed == []
    assert shell.tenure.torn


async def _publishing_again() -> list[str]:
    shell = Shell()
    shell.feed(0)
    await shell.release.publish(shell.tenure)
    await shell.release.publish(shell.tenure)
    await shell.release.checkpoint(shell.tenure)
    return shell.broker.topics


def test_what_was_said_is_not_said_again_by_the_checkpoint() -> None:
    assert asyncio.run(_publishing_again()) == [MOVED, JUDGED, TOPICS.changelog]
