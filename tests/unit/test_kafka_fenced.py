"""A worker whose fence is another's, in process: what ends, what goes on, and what Faust is told of the changelog."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from support.kafka_fakes import MARKER, turns, until
from support.kafka_release import some_days
from support.kafka_worker import WorkerShell
from support.shell import rows_of

Story = Callable[[WorkerShell], Awaitable[None]]


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await story(shell)
        return shell

    return asyncio.run(tell())


async def fenced(shell: WorkerShell) -> None:
    """Two partitions are ours, some of each is remembered, and then one of them is fenced in a checkpoint."""
    if not shell.tenures:
        await shell.own(1, 0, 1)
    for number in (0, 1):
        await shell.take(number, some_days(0, of=number), 0)
    await shell.worker.checkpoint_all()
    await shell.take(0, some_days(2, of=0), 4)
    shell.fences.fences[0].lost = True
    shell.clock.move(60)
    # One is due after the other, in the order in which they were taken over.
    for _ in range(2):
        await shell.worker.checkpoint_due()
        await turns()
    await until(lambda: bool(shell.clock.asleep))


def test_who_is_fenced_and_still_has_the_partition_takes_it_over_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await fenced(shell)
        assert sorted(shell.tenures) == [1]
        committed = shell.consumer._new_offset(shell.tp(0))
        shell.clock.move(60)
        await until(lambda: 0 in shell.tenures)
        await shell.idle()
        # It stands where its last checkpoint does, and reads on from there; nothing else was confirmed.
        assert shell.tenures[0].partition.next_offset == committed == 4
        assert shell.broker.position[shell.tp(0)] == 4
        await shell.take(0, some_days(2, of=0), 4)
        await shell.worker.checkpoint_all()
        assert shell.consumer._new_offset(shell.tp(0)) == 8

    shell = told(tmp_path, story)
    assert shell.failures == []

    async def undisturbed(other: WorkerShell) -> None:
        await other.own(1, 0)
        await other.take(0, some_days(0, of=0), 0)
        await other.take(0, some_days(2, of=0), 4)

    wanted = told(tmp_path, undisturbed)
    assert rows_of(shell.tenures[0].partition) == rows_of(wanted.tenures[0].partition)


def test_who_is_fenced_and_has_lost_the_partition_leaves_it(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await fenced(shell)
        await shell.assign(2, [1])
        fences = dict(shell.fences.fences)
        shell.clock.move(60)
        await shell.idle()
        assert sorted(shell.tenures) == [1]
        # Nor did it fence whoever has it now.
        assert shell.fences.fences == fences

    assert told(tmp_path, story).failures == []


def test_a_rebalance_that_is_going_on_is_left_to_decide(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await fenced(shell)
        shell.app.rebalancing = True
        shell.clock.move(60)
        await turns()
        await shell.assign(2, [1])
        shell.clock.move(60)
        await shell.idle()
        assert sorted(shell.tenures) == [1]

    assert told(tmp_path, story).failures == []


def test_who_is_fenced_while_others_are_recovered_takes_over_when_that_is_done(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await fenced(shell)
        shell.app.rebalancing = True
        for _ in range(3):
            shell.clock.move(60)
            await turns()
        assert sorted(shell.tenures) == [1]
        # The recovery read nothing of a partition that was kept when it began.
        await shell.recovered([0, 1])
        assert sorted(shell.tenures) == [1]
        shell.app.rebalancing = False
        shell.clock.move(60)
        await until(lambda: 0 in shell.tenures)
        await shell.idle()
        assert shell.broker.position[shell.tp(0)] == shell.tenures[0].partition.next_offset == 4

    assert told(tmp_path, kept(story)).failures == []


def kept(story: Story) -> Story:
    """In a generation that kept both partitions from the one before."""

    async def tell(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        await shell.assign(2, [0, 1])
        await story(shell)

    return tell


def test_a_fence_lasts_as_long_as_its_tenure(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        await shell.assign(2, [0, 1, 2])
        # A generation was missed: whoever had the partitions meanwhile may have fenced us.
        await shell.assign(4, [0, 1])

    assert told(tmp_path, story).fences.renewed == [{0, 1}, {2}, {0, 1}]


def test_the_end_of_a_changelog_is_asked_for_behind_the_fence(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.assign(1, [0])
        shell.fences.shut = asyncio.Event()
        asking = asyncio.create_task(shell.consumer.highwaters(shell.logged(0)))
        await turns()
        assert shell.broker.asked == 0
        shell.broker.ends[shell.logged(0)] = 9
        shell.fences.shut.set()
        assert await asking == {shell.logged(0): 9}
        # Whoever asks for the end of the log waits for nothing.
        shell.fences.shut.clear()
        assert await shell.consumer.highwaters(shell.tp(0)) == {shell.tp(0): 0}

    told(tmp_path, story)


def test_the_end_of_a_changelog_lies_behind_what_was_committed_there(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        await shell.worker.checkpoint_all()
        written = len(shell.producer.changelog[0])
        # Committed, and its marker not yet written.
        shell.broker.ends[shell.logged(0)] = 0
        asking = asyncio.create_task(shell.consumer.highwaters(shell.logged(0)))
        await until(lambda: shell.broker.asked > 2)
        assert not asking.done()
        shell.broker.ends[shell.logged(0)] = written
        assert await asking == {shell.logged(0): written}
        assert shell.store.persisted_offset(shell.logged(0)) == written - 1

    told(tmp_path, story)


def test_markers_and_what_was_aborted_count_as_read(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.assign(1, [0])
        shell.read_changelog(0)
        assert shell.store.persisted_offset(shell.logged(0)) == 2
        await shell.recovered([0])
        assert shell.tenures[0].partition.customers == 0

    assert told(tmp_path, story, changelog={0: [MARKER, MARKER, MARKER]}).failures == []
