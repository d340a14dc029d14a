"""What a worker does with fetches, and what it begins by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.kafka_fakes import FOR_GOOD, turns, until
from support.kafka_release import JUDGED, MOVED, REJECTED, some_days
from support.kafka_worker import WorkerShell
from support.messages import START, Message, framed, tick

from streams.engine.cursor import POISON_RUN
from streams.engine.results import ForeignLog, PoisonedLog
from streams.kafka.history import LostHistory
from streams.kafka.inbox import Inbox
from streams.kafka.producer import SendFailed
from streams.kafka.release import MUCH
from streams.log.batches import CorruptBatch

Story = Callable[[WorkerShell], Awaitable[None]]
CHANGELOG = "relasi-profiles-changelog"


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await story(shell)
        return shell

    return asyncio.run(tell())


def kinds(errors: list[BaseException]) -> list[type[BaseException]]:
    return [type(error) for error in errors]


def test_fetches_of_a_partition_are_processed_in_their_order(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        for base, first in ((0, 0), (4, 2), (8, 4)):
            for number in (0, 1):
                await shell.worker.fetching.take(
                    shell.event(number, shell.fetched(number, some_days(first, of=number), base))
                )
        await shell.idle()

    shell = told(tmp_path, story)
    assert shell.failures == []
    assert [shell.tenures[number].partition.next_offset for number in (0, 1)] == [12, 12]
    assert (shell.fetches("applied"), shell.fetches("dropped")) == (6, 0)
    records = shell.metrics.registry.get_sample_value("relasi_records_total", {"outcome": "accepted"})
    assert records == 12
    # Nothing is said, remembered or committed by itself.
    assert shell.journal == []
    assert asyncio.run(shell.consumer.commit()) is False


def test_a_partition_that_waits_holds_up_no_other_and_is_fetched_no_further(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        for tenure in shell.tenures.values():
            tenure.inbox = Inbox(most_bytes=600)
        active = shell.consumer._get_active_partitions()
        active |= {shell.tp(0), shell.tp(1)}
        await shell.tenures[0].rows.acquire()
        for base, first in ((0, 0), (4, 2), (8, 4), (12, 6)):
            for number in (0, 1):
                await shell.worker.fetching.take(
                    shell.event(number, shell.fetched(number, some_days(first, of=number), base))
                )
        await until(lambda: shell.tenures[1].partition.next_offset == 16)
        await turns()
        assert shell.tenures[0].partition.next_offset == 0
        # What was on its way is kept; nothing more is asked for.
        assert active == {shell.tp(1)}
        assert shell.tenures[0].inbox.held
        shell.tenures[0].rows.release()
        await shell.idle()
        assert shell.tenures[0].partition.next_offset == 16
        assert active == {shell.tp(0), shell.tp(1)}
        assert shell.tenures[0].inbox.idle

    assert told(tmp_path, story).failures == []


def test_many_small_fetches_are_as_much_as_a_large_one(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.tenures[0].rows.acquire()
        for base in range(18):
            assert shell.tenures[0].inbox.held == (base > 16)
            await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(base, of=0)[:1], base)))
            await turns(3)
        shell.tenures[0].rows.release()
        await shell.idle()

    assert told(tmp_path, story).failures == []


def test_what_is_sought_again_waits_no_longer(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.tenures[0].inbox = Inbox(most_bytes=400)
        await shell.tenures[0].rows.acquire()
        for base in (12, 16, 20):
            await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(base, of=0), base)))
        shell.tenures[0].rows.release()
        await shell.idle()
        assert shell.broker.position[shell.tp(0)] == 0
        assert not shell.tenures[0].inbox.held

    shell = told(tmp_path, story)
    # Once, and not by each of them.
    assert shell.fetches("refused") == 1


def test_what_is_fetched_while_a_recovery_ends_is_not_lost(tmp_path: Path) -> None:
    """Faust seeks, then lets the flow go on, and clears its queues with that."""

    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        queue = shell.app.FlowControlQueue(4, clear_on_resume=True)
        shell.app.flow_control.resume()
        await shell.consumer.perform_seek()
        await queue.put(shell.event(0, shell.fetched(0, some_days(0, of=0), 0)))
        shell.app.flow_control.resume()
        assert queue.qsize() == 1

    told(tmp_path, story)


def test_nothing_is_dropped_for_having_been_handed_over_once(tmp_path: Path) -> None:
    """Faust notes the offset behind what it hands over, also when a seek to before it came meanwhile."""

    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.consumer._read_offset[shell.tp(0)] = 1_000
        assert shell.consumer._read_offset[shell.tp(0)] is None

    told(tmp_path, story)


async def _other_generation(shell: WorkerShell) -> None:
    await shell.take(0, some_days(0, of=0), 0, generation=0)


async def _other_partition(shell: WorkerShell) -> None:
    await shell.take(2, some_days(0, of=2), 0)


async def _rebalanced_before_its_turn(shell: WorkerShell) -> None:
    tenure = shell.tenures[0]
    await tenure.working.acquire()
    await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(0, of=0), 0)))
    await shell.assign(3, [0])
    await shell.recovered([0])
    tenure.working.release()
    await shell.idle()


async def _rebalanced_and_kept(shell: WorkerShell) -> None:
    tenure = shell.tenures[0]
    await tenure.working.acquire()
    await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(0, of=0), 0)))
    await shell.assign(2, [0])
    tenure.working.release()
    await shell.idle()


async def _stopping(shell: WorkerShell) -> None:
    shell.worker.stop()
    await shell.take(0, some_days(0, of=0), 0)


@pytest.mark.parametrize(
    "story",
    [_other_generation, _other_partition, _rebalanced_before_its_turn, _rebalanced_and_kept, _stopping],
)
def test_fetches_that_are_not_of_here_and_now_are_dropped(story: Story, tmp_path: Path) -> None:
    async def tell(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await story(shell)

    shell = told(tmp_path, tell)
    assert shell.tenures[0].partition.next_offset == 0
    assert (shell.fetches("applied"), shell.fetches("dropped")) == (0, 1)
    assert shell.failures == []
    assert shell.tenures[0].inbox.idle


def test_what_can_t_be_read_ends_the_worker(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        fetched = replace(shell.fetched(0, some_days(0, of=0), 0), fetch=None, error=CorruptBatch("checksum"))
        await shell.worker.fetching.take(shell.event(0, fetched))
        await shell.idle()

    assert kinds(told(tmp_path, story).failures) == [CorruptBatch]


def test_a_fetch_beyond_what_comes_next_is_read_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        await shell.take(0, some_days(6, of=0), 12)
        assert shell.broker.position[shell.tp(0)] == 4
        await shell.take(0, some_days(2, of=0), 4)
        assert shell.tenures[0].partition.next_offset == 8

    shell = told(tmp_path, story)
    assert shell.failures == []
    assert (shell.fetches("applied"), shell.fetches("refused")) == (2, 1)


def test_what_retention_removed_before_it_was_processed_ends_the_worker(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        shell.broker.first[shell.tp(0)] = 5
        await shell.take(0, some_days(6, of=0), 12)

    shell = told(tmp_path, story)
    assert kinds(shell.failures) == [LostHistory]
    assert "offset 4 is next, but the log begins at 5" in str(shell.failures[0])


def test_a_log_whose_head_is_gone_is_read_from_where_it_begins(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.broker.first[shell.tp(0)] = 12
        await shell.take(0, some_days(0, of=0), 12)
        assert shell.tenures[0].log_start == shell.broker.position[shell.tp(0)] == 12
        # A rebalance before anything came of it does not seek before the log's beginning.
        await shell.assign(2, [0])
        await shell.recovered([0])
        assert shell.broker.position[shell.tp(0)] == 12
        await shell.take(0, some_days(0, of=0), 12)
        assert shell.tenures[0].partition.next_offset == 16
        await shell.take(0, some_days(2, of=0), 16)
        assert shell.tenures[0].partition.next_offset == 20

    shell = told(tmp_path, story)
    assert shell.failures == []
    assert (shell.fetches("applied"), shell.fetches("refused")) == (2, 1)


def test_a_log_that_lost_more_of_its_head_before_its_first_fetch_is_sought_again(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        for first in (12, 20):
            shell.broker.first[shell.tp(0)] = first
            await shell.take(0, some_days(0, of=0), first)
        assert shell.broker.position[shell.tp(0)] == 20
        await shell.take(0, some_days(0, of=0), 20)
        assert shell.tenures[0].partition.next_offset == 24

    assert told(tmp_path, story).failures == []


def test_what_is_refused_and_not_ours_any_more_is_not_sought(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.broker.assigned = set()
        await shell.take(0, some_days(0, of=0), 12)
        assert shell.tp(0) not in shell.broker.position or shell.broker.position[shell.tp(0)] == 0

    assert told(tmp_path, story).failures == []


def test_a_tenure_that_ends_while_the_log_is_asked_seeks_nothing(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        tenure = shell.tenures[0]
        shell.broker.first[shell.tp(0)] = 5
        await tenure.rows.acquire()
        await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(6, of=0), 12)))
        await turns()
        tenure.ended = True
        tenure.rows.release()
        await shell.idle()
        assert tenure.log_start == 0

    assert told(tmp_path, story).failures == []


def garbage(count: int) -> list[Message]:
    return [Message(b"nothing that anybody framed")] * count


def test_rejects_are_let_out_before_a_poisoned_log_ends_the_worker(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, garbage(POISON_RUN + 5), 0)

    shell = told(tmp_path, story, reports=True)
    assert kinds(shell.failures) == [PoisonedLog]
    assert shell.journal == [REJECTED, "rejects_raw", CHANGELOG]
    assert shell.producer.sent[0].entries == POISON_RUN
    assert shell.sink.stored[0][1].num_rows == POISON_RUN
    rejects = shell.metrics.registry.get_sample_value("relasi_rejects_total", {"reason": "not_framed"})
    assert rejects == POISON_RUN
    # Also a successor stops at the same place.
    successor = told(tmp_path, _take_garbage, changelog=shell.producer.changelog)
    assert kinds(successor.failures) == [PoisonedLog]


async def _take_garbage(shell: WorkerShell) -> None:
    shell.broker.ends[shell.tp(0)] = POISON_RUN + 5
    await shell.own(1, 0)
    assert shell.tenures[0].partition.next_offset == POISON_RUN
    await shell.take(0, garbage(5), POISON_RUN)


def test_who_says_so_goes_on_behind_rejects(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, garbage(POISON_RUN + 5), 0)
        assert shell.tenures[0].partition.next_offset == POISON_RUN + 5

    assert told(tmp_path, story, accept_rejects=True).failures == []


def test_what_waits_is_let_out_before_the_next_fetch_is_processed(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.producer.shut[MOVED] = asyncio.Event()
        for base, first in ((0, 0), (4, 2)):
            await shell.worker.fetching.take(shell.event(0, shell.fetched(0, some_days(first, of=0), base)))
        await until(lambda: MOVED in shell.producer.asked)
        await turns()
        assert shell.tenures[0].partition.next_offset == 4
        shell.producer.shut[MOVED].set()
        await shell.idle()
        assert shell.tenures[0].partition.next_offset == 8

    shell = told(tmp_path, story, waiting_bytes=1)
    assert shell.failures == []
    assert shell.tenures[0].outgoing.waiting == 0


def test_a_partition_that_has_caught_up_is_checkpointed_at_once(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.broker.ends[shell.tp(0)] = MUCH + 8
        await shell.worker.look()
        await shell.worker.checkpoint_due()
        await shell.idle()
        assert shell.tenures[0].behind
        await shell.take(0, some_days(0, of=0), 0)
        assert CHANGELOG not in shell.journal
        shell.broker.ends[shell.tp(0)] = 8
        await shell.worker.look()
        await shell.take(0, some_days(2, of=0), 4)

    shell = told(tmp_path, story)
    assert not shell.tenures[0].behind
    assert shell.journal[-1] == CHANGELOG
    assert asyncio.run(shell.consumer.commit())
    assert shell.broker.committed == {shell.tp(0): 8}


def test_a_failure_in_what_was_begun_ends_the_worker(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        shell.producer.failing[CHANGELOG] = FOR_GOOD
        await shell.worker.checkpoint_due()
        await shell.idle()

    assert kinds(told(tmp_path, story).failures) == [SendFailed]


@pytest.mark.parametrize(("stopping", "ended", "failures"), [(True, True, 0), (True, False, 1), (False, True, 1)])
def test_a_failure_counts_unless_somebody_else_does_it_again(
    stopping: bool, ended: bool, failures: int, tmp_path: Path
) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        shell.producer.failing[CHANGELOG] = FOR_GOOD
        shell.worker._tasks.stopping, shell.tenures[0].ended = stopping, ended
        await shell.worker.checkpoint_due()
        await shell.idle()

    assert len(told(tmp_path, story).failures) == failures


def test_messages_go_out_without_waiting_for_each_other(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        for number in (0, 1):
            await shell.take(number, some_days(0, of=number), 0)
        shell.producer.shut[JUDGED] = asyncio.Event()
        await shell.worker.publish_due()
        await until(lambda: shell.producer.asked.count(JUDGED) == 2)
        assert shell.journal == [MOVED, MOVED]
        # What is under way is not begun twice.
        await shell.worker.publish_due()
        await turns()
        assert shell.producer.asked.count(JUDGED) == 2
        shell.producer.shut[JUDGED].set()
        await shell.idle()

    shell = told(tmp_path, story)
    assert shell.journal == [MOVED, MOVED, JUDGED, JUDGED]
    assert CHANGELOG not in shell.producer.asked


def test_a_partition_without_anything_to_say_says_nothing(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.worker.publish_due()
        assert not shell.worker._tasks

    told(tmp_path, story)


def test_the_last_checkpoints_are_committed(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 1)
        for number in (0, 1):
            await shell.take(number, some_days(0, of=number), 0)
        shell.worker.stop()
        await shell.worker.checkpoint_all()
        await shell.consumer.commit()
        assert shell.broker.committed == {shell.tp(0): 4, shell.tp(1): 4}

    told(tmp_path, story)


def test_each_partition_that_is_ours_gets_the_time(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0, 2)
        shell.clock.move(1.5)
        await shell.worker.tick_all()

    shell = told(tmp_path, story)
    now = framed("Tick", {"at": START + 1500})
    assert sorted(shell.producer.bodies) == [(shell.topics.touchpoints, number, [now]) for number in (0, 2)]
    assert tick(START + 1500) == now


def test_a_log_that_was_made_anew_is_noticed(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        shell.broker.ends[shell.tp(0)] = 3
        with pytest.raises(ForeignLog, match="was processed up to offset 4, and ends at 3"):
            await shell.worker.look()

    told(tmp_path, story)


def test_what_a_worker_says_of_itself(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        worker, tables = shell.worker, shell.app.tables
        assert worker.not_ready() == "recovering"
        tables.on_actives_ready()
        shell.app.rebalancing = False
        assert worker.not_ready() == ""
        shell.app.rebalancing = True
        assert worker.not_ready() == "recovering"
        worker.stop()
        assert worker.not_ready() == "stopping"

    told(tmp_path, story)


def test_the_agent_takes_events_and_ends_the_worker_where_that_fails(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        (agent,) = shell.app.agents.values()
        broken: Any = shell.event(0, shell.fetched(0, some_days(0, of=0), 0))
        broken.value = None
        with pytest.raises(AttributeError):
            await agent.fun(_Stream([shell.event(0, shell.fetched(0, some_days(0, of=0), 0)), broken]))
        await shell.idle()
        assert shell.tenures[0].partition.next_offset == 4

    assert kinds(told(tmp_path, story).failures) == [AttributeError]


class _Stream:
    """What Faust hands an agent."""

    def __init__(self, given: list[Any]) -> None:
        self._given = given

    def noack(self) -> "_Stream":
        return self

    async def events(self) -> Any:
        for each in self._given:
            yield each
