"""Which partitions a worker holds from one generation of its group to the next, and how it takes one over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from support.kafka_fakes import turns, until
from support.kafka_release import some_days
from support.kafka_worker import WorkerShell
from support.messages import Message
from support.shell import rows_of

from processors.row.namespaces import NAMESPACES
from streams.engine.checkpoint import UnreadableCheckpoint
from streams.engine.results import ForeignLog
from streams.kafka.store import CurrentEvents, IncompleteRecovery

Records = Sequence[tuple[bytes, bytes | None]]
Story = Callable[[WorkerShell], Awaitable[None]]


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await story(shell)
        return shell

    return asyncio.run(tell())


def left_behind(folder: Path, numbers: Sequence[int] = (0,), days: int = 2) -> dict[int, Records]:
    """What a worker remembers of some days of each of these partitions, in two checkpoints."""

    async def work(shell: WorkerShell) -> None:
        await shell.own(1, *numbers)
        for number in numbers:
            await shell.take(number, some_days(0, days, of=number), 0)
            await shell.worker.checkpoint_all()
            await shell.take(number, some_days(days, days, of=number), 2 * days)
        await shell.worker.checkpoint_all()
        assert shell.failures == []

    return dict(told(folder, work).producer.changelog)


def with_ends(shell: WorkerShell, *numbers: int, end: int = 8) -> None:
    for number in numbers:
        shell.broker.ends[shell.tp(number)] = end


def test_a_partition_comes_back_from_the_changelog_as_it_was_remembered(tmp_path: Path) -> None:
    async def work(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        await shell.worker.checkpoint_all()

    first = told(tmp_path, work)

    async def take_over(shell: WorkerShell) -> None:
        with_ends(shell, 0, end=4)
        await shell.own(2, 0)

    second = told(tmp_path, take_over, changelog=first.producer.changelog)
    assert second.failures == []
    ours, theirs = second.tenures[0], first.tenures[0]
    assert rows_of(ours.partition) == rows_of(theirs.partition)
    assert ours.partition.next_offset == ours.remembered_offset == 4
    assert ours.held_offset == len(first.producer.changelog[0]) - 1
    assert second.broker.position[second.tp(0)] == 4
    assert second.metrics.registry.get_sample_value("relasi_recovery_seconds_count") == 1


# What a member has in the generation after the first, and what it keeps of partitions 0 and 1.
KEPT: Final = {
    "the next generation, everything": (2, (0, 1), {0, 1}),
    "the next generation, less": (2, (1,), {1}),
    "the next generation, something else": (2, (1, 2), {1}),
    "the next generation, nothing": (2, (), set()),
    "one generation was missed": (3, (0, 1), set()),
    "two generations were missed": (4, (0, 1), set()),
    "the group began anew": (1, (0, 1), set()),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_a_rebalance_keeps(case: str, tmp_path: Path) -> None:
    generation, numbers, kept = KEPT[case]
    before = {}

    async def rebalance(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        before.update(shell.tenures)
        await shell.take(0, some_days(0, of=0), 0)
        await shell.assign(generation, numbers)

    shell = told(tmp_path, rebalance)
    assert shell.tenures == {number: before[number] for number in kept}
    assert {number for number, tenure in before.items() if tenure.ended} == {0, 1} - kept
    # Of what was dropped nothing counts as held: Faust reads it again from its beginning.
    assert [shell.store.persisted_offset(shell.logged(number)) for number in {0, 1} - kept] == [-1] * (2 - len(kept))


def test_what_is_kept_is_not_taken_over_again(tmp_path: Path) -> None:
    async def rebalance(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        tenure = shell.tenures[0]
        await shell.take(0, some_days(0, of=0), 0)
        await shell.assign(2, [0, 1])
        await shell.recovered([0, 1])
        assert shell.tenures[0] is tenure
        assert tenure.partition.next_offset == 4
        # Its checkpoint is still to come, and no seek goes behind what it has processed.
        assert shell.broker.position[shell.tp(0)] == 4

    shell = told(tmp_path, rebalance)
    assert sorted(shell.tenures) == [0, 1]


def test_a_partition_that_went_and_came_back_begins_from_the_changelog(tmp_path: Path) -> None:
    async def rebalance(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        first = shell.tenures[0]
        await shell.take(0, some_days(0, of=0), 0)
        await shell.assign(2, [])
        await shell.own(3, 0)
        assert shell.tenures[0] is not first
        assert shell.tenures[0].partition.next_offset == 0

    told(tmp_path, rebalance)


def test_a_recovery_that_ended_too_early_ends_the_worker(tmp_path: Path) -> None:
    changelog = left_behind(tmp_path)

    async def recover(shell: WorkerShell) -> None:
        with_ends(shell, 0)
        await shell.assign(1, [0])
        shell.read_changelog(0, most=len(changelog[0]) - 1)
        end = len(changelog[0]) - 1
        with pytest.raises(IncompleteRecovery, match=f"the changelog ends at {end}, read was up to {end - 1}"):
            await shell.recovered([0])

    shell = told(tmp_path, recover, changelog=changelog)
    assert [type(error) for error in shell.failures] == [IncompleteRecovery]
    assert shell.tenures == {}


def test_records_of_an_earlier_generation_do_not_count_as_read(tmp_path: Path) -> None:
    changelog = left_behind(tmp_path)

    async def recover(shell: WorkerShell) -> None:
        await shell.assign(1, [0])
        shell.read_changelog(0, most=1)
        await shell.assign(3, [0])
        shell.read_changelog(0, generation=1)
        assert shell.store.persisted_offset(shell.logged(0)) == -1
        with pytest.raises(IncompleteRecovery):
            await shell.recovered([0])

    told(tmp_path, recover, changelog=changelog)


def test_records_of_a_partition_that_is_ours_are_passed_over(tmp_path: Path) -> None:
    async def work(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        await shell.worker.checkpoint_all()
        held = shell.tenures[0].held_offset
        shell.producer.changelog[0].append((b"of a zombie", b"what it could not know to be too late"))
        shell.read_changelog(0)
        assert shell.store.persisted_offset(shell.logged(0)) == held == len(shell.producer.changelog[0]) - 2

    told(tmp_path, work)


def test_a_deleted_record_is_no_more(tmp_path: Path) -> None:
    changelog = left_behind(tmp_path)
    customers = sorted({key for key, _ in changelog[0] if key and key[0] < len(NAMESPACES)})
    records = [*changelog[0], (customers[0], None)]

    async def recover(shell: WorkerShell) -> None:
        with_ends(shell, 0)
        await shell.own(1, 0)
        # It stands where its header says, without the customer whose row is gone.
        partition = shell.tenures[0].partition
        assert (partition.next_offset, partition.customers) == (8, len(customers) - 1)

    told(tmp_path, recover, changelog={0: records})


def test_a_standby_takes_over_without_reading_again(tmp_path: Path) -> None:
    changelog = left_behind(tmp_path, (0, 1))

    async def stand_by(shell: WorkerShell) -> None:
        with_ends(shell, 0, 1)
        await shell.assign(1, [0], standby=[1])
        for number in (0, 1):
            shell.read_changelog(number)
        await shell.recovered([0], standby=[1])
        assert sorted(shell.tenures) == [0]
        end = len(changelog[1]) - 1
        assert shell.store.persisted_offset(shell.logged(1)) == end
        await shell.assign(2, [0, 1])
        assert shell.store.persisted_offset(shell.logged(1)) == end
        await shell.recovered([0, 1])
        assert shell.tenures[1].partition.next_offset == 8

    told(tmp_path, stand_by, changelog=changelog)


@pytest.mark.parametrize(("generation", "standby"), [(3, [1]), (2, [])])
def test_a_standby_forgets_what_it_may_have_missed(generation: int, standby: list[int], tmp_path: Path) -> None:
    async def stand_by(shell: WorkerShell) -> None:
        await shell.assign(1, [], standby=[1])
        shell.read_changelog(1)
        await shell.recovered([], standby=[1])
        await shell.assign(generation, [], standby=standby)
        assert shell.store.persisted_offset(shell.logged(1)) == -1

    told(tmp_path, stand_by, changelog=left_behind(tmp_path, [1]))


def test_a_rebalance_during_a_takeover_leaves_nobody_with_the_partition(tmp_path: Path) -> None:
    async def rebalance(shell: WorkerShell) -> None:
        with_ends(shell, 0)
        await shell.assign(1, [0])
        shell.read_changelog(0)
        shell.broker.shut = asyncio.Event()
        recovering = asyncio.create_task(shell.recovered([0]))
        await until(lambda: shell.broker.asked > 0)
        await shell.assign(2, [])
        shell.broker.shut.set()
        await recovering
        assert shell.tenures == {}
        assert shell.failures == []

    told(tmp_path, rebalance, changelog=left_behind(tmp_path))


def test_a_recovery_of_an_earlier_generation_begins_nothing(tmp_path: Path) -> None:
    async def rebalance(shell: WorkerShell) -> None:
        await shell.assign(1, [0])
        # The broker has named the next generation, and Faust has not come to say so.
        shell.app.consumer_generation_id = 2
        await shell.recovered([0])
        assert shell.tenures == {}

    told(tmp_path, rebalance)


def test_a_recovery_that_ends_while_a_rebalance_is_told_begins_nothing(tmp_path: Path) -> None:
    async def rebalance(shell: WorkerShell) -> None:
        with_ends(shell, 0)
        await shell.assign(1, [0])
        shell.read_changelog(0)
        # What was read is dropped with the next generation, whose recovery has not begun.
        await shell.assign(2, [0], recovers=False)
        await shell.recovered([0])
        assert shell.tenures == {}
        assert shell.failures == []
        recovery = shell.app.tables.recovery
        recovery._generation_id = 2
        recovery.signal_recovery_start.set()
        await shell.recovered([0])
        assert shell.tenures == {}
        recovery.signal_recovery_start.clear()
        shell.read_changelog(0)
        await shell.recovered([0])

    shell = told(tmp_path, rebalance, changelog=left_behind(tmp_path))
    assert sorted(shell.tenures) == [0]
    assert shell.failures == []


def test_a_log_that_ends_before_what_was_made_of_it_ends_the_worker(tmp_path: Path) -> None:
    async def recover(shell: WorkerShell) -> None:
        with_ends(shell, 0, end=7)
        with pytest.raises(ForeignLog, match="the log ends at 7"):
            await shell.own(1, 0)

    shell = told(tmp_path, recover, changelog=left_behind(tmp_path))
    assert [type(error) for error in shell.failures] == [ForeignLog]


def test_a_log_of_the_same_name_that_is_another_one_ends_the_worker(tmp_path: Path) -> None:
    async def recover(shell: WorkerShell) -> None:
        with_ends(shell, 0)
        with pytest.raises(ForeignLog, match="made from log log-1, and this is log-2"):
            await shell.own(1, 0)

    shell = told(tmp_path, recover, changelog=left_behind(tmp_path), identity="log-2")
    assert [type(error) for error in shell.failures] == [ForeignLog]


def test_a_record_that_can_t_be_read_ends_the_worker(tmp_path: Path) -> None:
    async def recover(shell: WorkerShell) -> None:
        with pytest.raises(UnreadableCheckpoint):
            await shell.own(1, 0)

    shell = told(tmp_path, recover, changelog={0: [(b"key", b"nothing that we wrote")]})
    assert [type(error) for error in shell.failures] == [UnreadableCheckpoint]


@pytest.mark.parametrize(("ticks", "taken"), [("clock", 0), ("log", 1)])
def test_a_tick_ahead_of_its_record_is_taken_only_where_the_log_alone_lets_time_pass(
    ticks: str, taken: int, tmp_path: Path
) -> None:
    late, early = some_days(10, 1)[0], some_days(0, 1)[0]

    async def work(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, [Message(late.value, early.written_at)], 0)

    shell = told(tmp_path, work, ticks=ticks)
    assert (shell.tenures[0].partition.time == late.written_at) == bool(taken)


def test_customers_are_not_reached_through_the_table(tmp_path: Path) -> None:
    async def ask(shell: WorkerShell) -> None:
        assert b"c0" not in shell.store
        with pytest.raises(NotImplementedError):
            shell.store[b"c0"]
        shell.store.reset_state()

    told(tmp_path, ask)


def test_the_recovery_sees_no_event_of_an_earlier_generation(tmp_path: Path) -> None:
    def event(name: str, generation: int) -> Any:
        return SimpleNamespace(name=name, message=SimpleNamespace(generation_id=generation))

    async def wait(shell: WorkerShell) -> None:
        shell.app.consumer_generation_id = 2
        shell.app.flow_control.resume()
        queue = CurrentEvents(shell.app, 10)
        for each in (event("old", 1), event("new", 2), event("older", 0)):
            await queue.put(each)
        assert (await queue.get()).name == "new"
        getting = asyncio.create_task(queue.get())
        await turns()
        assert not getting.done()
        await queue.put(event("newer", 2))
        assert (await getting).name == "newer"

    told(tmp_path, wait)
