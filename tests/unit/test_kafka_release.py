"""Checkpoints in process: what goes out in which order, what a failure leaves behind, and whose turn it is."""

import asyncio
import threading
from typing import Any, Final

import pytest
from support.changelogs import restored
from support.kafka_fakes import FOR_GOOD, PATIENCE_SECONDS, turns, until
from support.kafka_release import CONFIRMED, JUDGED, MOVED, REJECTED, TOPICS, ReleaseShell

from streams.kafka.producer import SendFailed
from streams.kafka.release import MUCH, PARTS
from streams.kafka.tenure import Copied, Snapshot
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.output import Rows

MESSAGES: Final = (MOVED, JUDGED)
ROWS: Final = ("touchpoints_raw", "transitions_raw", "judgements_raw", "profiles_raw")
LAST: Final = (TOPICS.changelog, CONFIRMED)


async def _held(held: str) -> tuple[list[str], list[str]]:
    """What became durable while one acknowledgement was missing, and what in the end."""
    shell = ReleaseShell(reports=True)
    shell.feed(0)
    if held in ROWS:
        shell.sink.shut[held] = threading.Event()
    else:
        shell.producer.shut[held] = asyncio.Event()
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    before = {MOVED: set[str](), JUDGED: {MOVED}, TOPICS.changelog: {*MESSAGES, *ROWS}}
    await until(lambda: before.get(held, set(MESSAGES)) <= set(shell.journal))
    await turns()
    meanwhile = list(shell.journal)
    (shell.sink.shut | shell.producer.shut)[held].set()
    await checkpoint
    return meanwhile, shell.journal


@pytest.mark.parametrize("held", [*MESSAGES, *ROWS, TOPICS.changelog])
def test_nothing_is_remembered_or_confirmed_before_what_belongs_before_it(held: str) -> None:
    meanwhile, journal = asyncio.run(_held(held))
    assert held not in meanwhile
    assert not {*LAST} & {*meanwhile}
    if held in MESSAGES:
        assert not {*ROWS} & {*meanwhile}
    assert journal[:2] == list(MESSAGES)
    assert sorted(journal[2:-2]) == sorted(ROWS)
    assert journal[-2:] == list(LAST)


async def _torn(shell: ReleaseShell, failing: str, error: type[BaseException]) -> None:
    shell.producer.failing[failing] = 1
    shell.feed(0)
    with pytest.raises(error):
        await shell.release.checkpoint(shell.tenure)
    shell.feed(2)
    await shell.release.checkpoint(shell.tenure)
    await shell.release.checkpoint_all([shell.tenure])


@pytest.mark.parametrize("failing", [*MESSAGES, TOPICS.changelog])
def test_a_snapshot_that_did_not_go_out_lets_no_later_one_be_remembered(failing: str) -> None:
    shell = ReleaseShell(reports=True)
    asyncio.run(_torn(shell, failing, SendFailed))
    assert shell.tenure.torn
    assert shell.confirmed == []
    assert shell.producer.changelog == {}
    assert shell.remembered == []
    assert shell.tenure.remembered_offset == 0


async def _given_up() -> ReleaseShell:
    shell = ReleaseShell(reports=True)
    shell.feed(0)
    shell.sink.failing["transitions_raw"] = FOR_GOOD
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: bool(shell.clock.asleep))
    checkpoint.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checkpoint
    await shell.release.checkpoint(shell.tenure, final=True)
    return shell


def test_a_checkpoint_that_was_given_up_is_torn_too() -> None:
    shell = asyncio.run(_given_up())
    assert shell.tenure.torn
    assert not {*LAST} & {*shell.journal}


async def _given_up_before_it_was_taken() -> ReleaseShell:
    shell = ReleaseShell()
    shell.feed(0)
    begun, go = threading.Event(), threading.Event()
    snapshot = shell.tenure.snapshot

    def slow(copied: list[Copied], standing: list[Rows], now: float, final: bool) -> Snapshot | None:
        begun.set()
        assert go.wait(PATIENCE_SECONDS)
        return snapshot(copied, standing, now, final)

    shell.tenure.snapshot = slow  # type: ignore[method-assign]
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(begun.is_set)
    # Whoever waits is cancelled, and the thread takes the snapshot nevertheless.
    checkpoint.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checkpoint
    go.set()
    await until(lambda: not shell.tenure.rows.locked())
    shell.feed(2)
    await shell.release.checkpoint(shell.tenure)
    return shell


def test_a_snapshot_that_a_thread_takes_for_nobody_tears_too() -> None:
    shell = asyncio.run(_given_up_before_it_was_taken())
    assert shell.journal == []
    assert shell.tenure.torn


async def _message_failed_beside(shell: ReleaseShell) -> None:
    shell.producer.shut[JUDGED] = asyncio.Event()
    shell.producer.failing[JUDGED] = 1
    shell.feed(0)
    await shell.release.digest(shell.tenure)
    saying = asyncio.create_task(shell.release.say(shell.tenure, JUDGEMENTS))
    await until(lambda: JUDGED in shell.producer.asked)
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: MOVED in shell.journal)
    shell.producer.shut[JUDGED].set()
    with pytest.raises(SendFailed):
        await saying
    await checkpoint


def test_a_checkpoint_is_not_remembered_without_what_failed_beside_it() -> None:
    shell = ReleaseShell(reports=True)
    asyncio.run(_message_failed_beside(shell))
    assert JUDGED not in shell.journal
    assert not {*LAST} & {*shell.journal}


async def _rows_failed(shell: ReleaseShell) -> None:
    shell.sink.failing["transitions_raw"] = FOR_GOOD
    shell.feed(0)
    relieving = asyncio.create_task(shell.release.relieve(shell.tenure, 1))
    await until(lambda: bool(shell.clock.asleep))
    relieving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await relieving
    shell.sink.failing.clear()
    shell.feed(2)
    await shell.release.checkpoint(shell.tenure)


def test_a_checkpoint_is_not_remembered_without_rows_that_went_out_before_it() -> None:
    shell = ReleaseShell(reports=True)
    asyncio.run(_rows_failed(shell))
    assert not {*LAST} & {*shell.journal}


async def _outage() -> ReleaseShell:
    shell = ReleaseShell(reports=True)
    shell.feed(0)
    shell.sink.failing["transitions_raw"] = 2
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    for _ in range(2):
        await until(lambda: bool(shell.clock.asleep))
        assert shell.reporting.failing
        assert not {*LAST} & {*shell.journal}
        shell.clock.move(1)
    await checkpoint
    return shell


def test_an_outage_of_the_reports_only_delays_a_checkpoint() -> None:
    shell = asyncio.run(_outage())
    assert shell.journal[-2:] == list(LAST)
    assert shell.sink.tables.count("transitions_raw") == 1
    assert shell.tenure.remembering_took == 2
    assert not shell.reporting.failing


async def _unfit(shell: ReleaseShell, failing: int) -> None:
    shell.sink.unfit.add("transitions_raw")
    shell.producer.failing[REJECTED] = failing
    shell.feed(0)
    await shell.release.checkpoint(shell.tenure)


def test_rows_that_the_reports_never_take_are_said_before_the_checkpoint_is_remembered() -> None:
    shell = ReleaseShell(reports=True)
    asyncio.run(_unfit(shell, 0))
    assert shell.journal.index("rejects_raw") < shell.journal.index(REJECTED) < shell.journal.index(TOPICS.changelog)
    assert shell.journal[-2:] == list(LAST)


def test_rows_that_became_rejects_of_which_nobody_could_be_told_tear() -> None:
    shell = ReleaseShell(reports=True)
    with pytest.raises(SendFailed):
        asyncio.run(_unfit(shell, 1))
    assert shell.tenure.torn
    assert not {*LAST} & {*shell.journal}


async def _twice() -> ReleaseShell:
    shell = ReleaseShell()
    for first in (0, 2):
        shell.feed(first)
        await shell.release.checkpoint(shell.tenure)
    await shell.release.checkpoint(shell.tenure)
    return shell


def test_what_is_confirmed_is_what_a_successor_restores() -> None:
    shell = asyncio.run(_twice())
    assert shell.confirmed == [(3, 4), (3, 8)]
    assert shell.tenure.held_offset == len(shell.producer.changelog[3]) - 1
    heir = restored({key: value for key, value in shell.producer.changelog[3] if value is not None})
    assert heir.next_offset == shell.tenure.remembered_offset == 8
    assert heir.customers == shell.tenure.partition.customers == 2


def test_where_nothing_came_nothing_is_remembered() -> None:
    shell = asyncio.run(_twice())
    # The third checkpoint found nothing.
    assert len(shell.remembered) == 2
    assert shell.tenure.begun_at == shell.clock.monotonic()


async def _ended() -> ReleaseShell:
    shell = ReleaseShell()
    shell.feed(0)
    shell.producer.shut[TOPICS.changelog] = asyncio.Event()
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: TOPICS.changelog in shell.producer.asked)
    shell.tenure.ended = True
    shell.producer.shut[TOPICS.changelog].set()
    await checkpoint
    return shell


def test_nothing_is_confirmed_for_a_partition_that_has_gone_meanwhile() -> None:
    shell = asyncio.run(_ended())
    assert shell.remembered
    assert shell.confirmed == []


async def _profiles() -> list[list[str]]:
    shell = ReleaseShell(reports=True, profile_seconds=30)
    told = []
    for number, pause in enumerate([0, 29, 1, 0]):
        shell.clock.move(pause)
        if number < 3:
            shell.feed(2 * number)
        await shell.release.checkpoint(shell.tenure, final=number == 3)
        told.append(list(shell.journal))
        shell.journal.clear()
    return told


def test_profiles_are_reported_every_so_many_seconds() -> None:
    told = asyncio.run(_profiles())
    assert ["profiles_raw" in each for each in told] == [True, False, True, False]


async def _last_profiles() -> ReleaseShell:
    shell = ReleaseShell(reports=True, profile_seconds=30)
    shell.feed(0)
    await shell.release.checkpoint(shell.tenure)
    shell.feed(2)
    await shell.release.checkpoint(shell.tenure)
    shell.journal.clear()
    await shell.release.checkpoint(shell.tenure)
    assert shell.journal == []
    await shell.release.checkpoint_all([shell.tenure])
    assert shell.journal == []
    await shell.release.report_all([shell.tenure])
    return shell


def test_behind_the_last_checkpoints_profiles_are_reported_and_that_is_remembered() -> None:
    assert asyncio.run(_last_profiles()).journal == ["profiles_raw", *LAST]


async def _relieved(most: int, **changed: Any) -> ReleaseShell:
    shell = ReleaseShell(reports=True)
    for name, value in changed.items():
        setattr(shell.tenure, name, value)
    shell.feed(0)
    await shell.release.relieve(shell.tenure, most)
    return shell


def test_little_that_waits_is_left_to_wait() -> None:
    assert asyncio.run(_relieved(1 << 20)).journal == []


def test_much_that_waits_goes_out_before_its_checkpoint_and_is_not_confirmed() -> None:
    shell = asyncio.run(_relieved(1))
    assert shell.journal[:2] == list(MESSAGES)
    assert sorted(shell.journal[2:]) == sorted({*ROWS} - {"profiles_raw"})
    assert shell.tenure.outgoing.waiting == 0
    assert shell.tenure.remembered_offset == 0


def test_of_a_partition_that_has_gone_no_rows_are_stored() -> None:
    assert asyncio.run(_relieved(1, ended=True)).journal == list(MESSAGES)


def test_messages_alone_may_be_what_waits() -> None:
    async def relieve() -> ReleaseShell:
        shell = ReleaseShell(reports=True)
        shell.feed(0)
        await shell.release.digest(shell.tenure)
        rows = shell.tenure.outgoing.waiting - shell.tenure.outgoing.message_bytes
        await shell.release.relieve(shell.tenure, rows + 1)
        return shell

    assert asyncio.run(relieve()).journal == list(MESSAGES)


async def _relieved_then_checkpointed() -> ReleaseShell:
    shell = await _relieved(1)
    shell.journal.clear()
    await shell.release.checkpoint(shell.tenure)
    return shell


def test_what_went_out_before_its_checkpoint_does_not_go_out_with_it() -> None:
    shell = asyncio.run(_relieved_then_checkpointed())
    assert shell.journal == ["profiles_raw", *LAST]
    assert shell.confirmed == [(3, 4)]


async def _publish_meanwhile() -> list[str]:
    shell = ReleaseShell()
    shell.feed(0)
    shell.producer.shut[TOPICS.changelog] = asyncio.Event()
    checkpoint = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: TOPICS.changelog in shell.producer.asked)
    shell.feed(2)
    await shell.release.publish(shell.tenure)
    assert not checkpoint.done()
    meanwhile = list(shell.journal)
    shell.producer.shut[TOPICS.changelog].set()
    await checkpoint
    assert shell.confirmed == [(3, 4)]
    return meanwhile


def test_what_comes_while_a_checkpoint_is_in_work_is_said_at_once() -> None:
    assert asyncio.run(_publish_meanwhile()) == [*MESSAGES, *MESSAGES]


async def _in_order() -> ReleaseShell:
    shell = ReleaseShell()
    shell.feed(0)
    shell.producer.shut[TOPICS.changelog] = asyncio.Event()
    first = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await until(lambda: TOPICS.changelog in shell.producer.asked)
    shell.feed(2)
    second = asyncio.create_task(shell.release.checkpoint(shell.tenure))
    await turns()
    assert shell.producer.asked.count(TOPICS.changelog) == 1
    shell.producer.shut[TOPICS.changelog].set()
    await asyncio.gather(first, second)
    return shell


def test_checkpoints_of_a_partition_reach_the_changelog_one_after_the_other() -> None:
    assert asyncio.run(_in_order()).confirmed == [(3, 4), (3, 8)]


SECONDS: Final = 2.0
# By tenure: seconds since its last checkpoint was begun, its lag, since it was remembered, how long that took, locked.
DUE: Final[dict[str, tuple[list[tuple[Any, int, Any, float, bool]], list[int]]]] = {
    "none": ([], []),
    "one that was never": ([(None, 0, None, 0.0, False)], [0]),
    "not yet": ([(1.9, 0, 1.9, 0.0, False)], []),
    "just now": ([(2.0, 0, 2.0, 0.0, False)], [0]),
    "in work": ([(9.0, 0, 9.0, 0.0, True)], []),
    "catches up, rests": ([(9.0, MUCH, 3.9, 1.0, False)], []),
    "catches up, has rested": ([(9.0, MUCH, 4.0, 1.0, False)], [0]),
    "lags a little, does not rest": ([(9.0, MUCH - 1, 3.9, 1.0, False)], [0]),
    "a part of them, who waited longest first": ([(float(i), 0, 0.0, 0.0, False) for i in (3, 9, 5, 4, 8)], [1, 4]),
    "no more than are due": ([(9.0, 0, 0.0, 0.0, False), *[(1.0, 0, 0.0, 0.0, False)] * 7], [0]),
}


@pytest.mark.parametrize("case", DUE)
def test_whose_turn_it_is(case: str) -> None:
    given, expected = DUE[case]

    async def due() -> tuple[list[int], list[bool]]:
        shell = ReleaseShell()
        now = shell.clock.monotonic()
        tenures = [shell.new_tenure() for _ in given]
        for tenure, (begun, _, remembered, took, locked) in zip(tenures, given, strict=True):
            tenure.begun_at = float("-inf") if begun is None else now - begun
            tenure.remembered_at = float("-inf") if remembered is None else now - remembered
            tenure.remembering_took = took
            if locked:
                await tenure.lock.acquire()
        lags = {id(tenure): each[1] for tenure, each in zip(tenures, given, strict=True)}
        chosen = shell.release.due(tenures, lambda tenure: lags[id(tenure)], SECONDS)
        return [tenures.index(each) for each in chosen], [each.behind for each in tenures]

    chosen, behind = asyncio.run(due())
    assert chosen == expected
    assert behind == [each[1] >= MUCH for each in given]


def test_within_the_seconds_everybody_has_a_turn() -> None:
    async def rounds() -> list[int]:
        shell = ReleaseShell()
        tenures = [shell.new_tenure() for _ in range(10)]
        turn = []
        for _ in range(PARTS):
            chosen = shell.release.due(tenures, lambda _: 0, SECONDS)
            turn += [tenures.index(each) for each in chosen]
            for each in chosen:
                each.begun_at = shell.clock.monotonic()
            shell.clock.move(SECONDS / PARTS)
        return turn

    assert sorted(asyncio.run(rounds())) == list(range(10))
