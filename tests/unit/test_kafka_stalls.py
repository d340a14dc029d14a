"""Partitions that stand still: what is told of them, and what is done."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from support.kafka_fakes import turns, until
from support.kafka_release import some_days
from support.kafka_worker import WorkerShell

from streams.kafka.stalls import MENDED_SECONDS, RECOVERY_SECONDS, TOLD_SECONDS

Story = Callable[[WorkerShell], Awaitable[None]]


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await shell.own(1, 0, 1)
        shell.app.tables.on_actives_ready()
        shell.app.rebalancing = False
        await story(shell)
        return shell

    return asyncio.run(tell())


async def pass_time(shell: WorkerShell, seconds: float) -> None:
    """With a look at the log every two seconds."""
    for _ in range(round(seconds / 2)):
        shell.clock.move(2)
        await shell.worker.look()
        await turns()


async def unread(shell: WorkerShell) -> None:
    """The log of a partition has grown, and nothing of it is fetched, though that was so far."""
    for number in (0, 1):
        await shell.take(number, some_days(0, of=number), 0)
    shell.broker.ends[shell.tp(0)] = 8
    shell.broker.position[shell.tp(0)] = 8
    await shell.worker.look()


def test_a_partition_that_is_not_read_is_told_of_and_sought_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await unread(shell)
        assert shell.worker.not_ready() == ""
        await pass_time(shell, TOLD_SECONDS)
        assert shell.worker.not_ready() == "partition 0: nothing is fetched for 8 s"
        assert shell.broker.position[shell.tp(0)] == 8
        with capture_logs() as logs:
            await pass_time(shell, MENDED_SECONDS - TOLD_SECONDS)
        assert [entry["event"] for entry in logs] == ["partition is not read, seeking again"]
        assert shell.broker.position[shell.tp(0)] == 4
        await shell.take(0, some_days(2, of=0), 4)
        await shell.worker.look()
        assert shell.worker.not_ready() == ""

    assert told(tmp_path, story).failures == []


def test_one_that_is_not_read_however_often_it_is_sought_is_taken_over_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await unread(shell)
        await shell.worker.checkpoint_all()
        before = shell.tenures[0]
        with capture_logs() as logs:
            await pass_time(shell, 4 * MENDED_SECONDS)
            await until(lambda: bool(shell.clock.asleep))
        assert [entry["event"].partition(", ")[2] for entry in logs if entry["event"].startswith("partition is")] == [
            "seeking again",
            "seeking again",
            "taking it over again",
        ]
        assert before.ended
        shell.clock.move(60)
        await until(lambda: 0 in shell.tenures)
        await shell.idle()
        assert shell.tenures[0] is not before
        assert shell.tenures[0].partition.next_offset == shell.broker.position[shell.tp(0)] == 4

    assert told(tmp_path, story).failures == []


def test_one_whose_fetches_can_t_be_processed_is_told_of_and_left_alone(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await unread(shell)
        shell.broker.position = {}
        await shell.tenures[0].rows.acquire()
        await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(2, of=0), 4)))
        await pass_time(shell, 10 * MENDED_SECONDS)
        assert shell.worker.not_ready() == "partition 0: what was fetched is not processed for 100 s"
        assert shell.broker.position == {}
        shell.tenures[0].rows.release()
        await shell.idle()
        await shell.worker.look()
        assert shell.worker.not_ready() == ""

    assert told(tmp_path, story).failures == []


def test_what_stands_at_the_end_of_the_log_does_not_stand_still(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        for number in (0, 1):
            await shell.take(number, some_days(0, of=number), 0)
        with capture_logs() as logs:
            await pass_time(shell, 10 * MENDED_SECONDS)
        assert (logs, shell.worker.not_ready()) == ([], "")

    told(tmp_path, story)


def test_while_others_are_recovered_nothing_is_read_and_nothing_is_said(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await unread(shell)
        shell.app.rebalancing = True
        with capture_logs() as logs:
            await pass_time(shell, 4 * MENDED_SECONDS)
        assert logs == []
        shell.app.rebalancing = False
        assert shell.worker.not_ready() == ""
        await pass_time(shell, TOLD_SECONDS + 2)
        assert shell.worker.not_ready() == "partition 0: nothing is fetched for 8 s"

    told(tmp_path, story)


def test_a_recovery_that_does_not_get_on_is_begun_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        begun = shell.app.tables.recovery.signal_recovery_start
        shell.app.rebalancing = True
        await shell.assign(2, [0, 1, 2])
        await shell.worker.look()
        await pass_time(shell, RECOVERY_SECONDS - 3)
        assert not begun.is_set()
        # It gets on: some of a changelog was read.
        shell.producer.changelog[2] = [(b"key", b"value")]
        shell.read_changelog(2)
        await pass_time(shell, RECOVERY_SECONDS - 3)
        assert not begun.is_set()
        with capture_logs() as logs:
            await pass_time(shell, 6)
        assert [entry["event"] for entry in logs] == ["recovery does not get on, beginning it again"]
        assert begun.is_set()
        begun.clear()
        # A partition that is rebuilt takes as long as it takes.
        shell.store._rebuilding = 1
        await pass_time(shell, 10 * RECOVERY_SECONDS)
        assert not begun.is_set()

    told(tmp_path, story)


def test_who_recovers_nothing_begins_nothing_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await pass_time(shell, 10 * RECOVERY_SECONDS)
        assert not shell.app.tables.recovery.signal_recovery_start.is_set()

    told(tmp_path, story)
