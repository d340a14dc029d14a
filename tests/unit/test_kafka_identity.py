"""Whether the log is the one that the worker began with, and still holds what its customers are made of."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from kafka.errors import KafkaConnectionError
from support.hand_clock import HandClock
from support.kafka_fakes import turns, until
from support.kafka_release import some_days
from support.kafka_worker import WorkerShell

from streams.engine.results import ForeignLog
from streams.kafka.history import LostHistory, check_head
from streams.kafka.identity import GONE_SECONDS, Identity

Story = Callable[[WorkerShell], Awaitable[None]]
CHANGELOG = "relasi-profiles-changelog"


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await story(shell)
        return shell

    return asyncio.run(tell())


class Broker:
    """Says what it was told to say."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def ask(self) -> str | None:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def identity(broker: Broker, clock: HandClock, topic_id: str = "a") -> Identity:
    return Identity("relasi.touchpoints.v1", topic_id, broker.ask, clock)


@pytest.mark.parametrize("answer", ["a", "", KafkaConnectionError("no answer")])
def test_the_same_topic_no_answer_and_a_broker_that_gives_no_ids_are_fine(answer: str | Exception) -> None:
    async def go() -> str:
        this = identity(Broker(answer), HandClock())
        await this.look()
        return this.reason

    assert asyncio.run(go()) == ""


def test_a_topic_with_another_id_is_another_log() -> None:
    with pytest.raises(ForeignLog, match=r"is b now, and was a: it is another log .* begin with another RELASI_GROUP"):
        asyncio.run(identity(Broker("b"), HandClock()).look())


def test_a_topic_that_is_missing_is_told_of_at_once_and_ends_the_worker_when_it_stays_away() -> None:
    async def go() -> None:
        clock = HandClock()
        this = identity(Broker("a", None, "a", None), clock)
        for reason in ("", "relasi.touchpoints.v1 is missing", "", "relasi.touchpoints.v1 is missing"):
            await this.look()
            assert this.reason == reason
        clock.move(GONE_SECONDS)
        with pytest.raises(ForeignLog, match="is gone from the broker"):
            await this.look()

    asyncio.run(go())


def test_who_has_to_be_sure_asks_until_somebody_answers_and_many_ask_once() -> None:
    async def go() -> None:
        clock, broker = HandClock(), Broker(KafkaConnectionError("no answer"), None, "a")
        this = identity(broker, clock)
        sure = [asyncio.create_task(this.verify()) for _ in range(5)]
        for asked in (1, 2):
            await until(lambda: len(clock.asleep) == 5)
            assert broker.asked == asked
            clock.move(1)
            await turns()
        await asyncio.gather(*sure)
        assert broker.asked == 3

    asyncio.run(go())


def test_a_worker_under_which_the_topic_was_made_anew_says_so(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        shell.app.tables.on_actives_ready()
        shell.app.rebalancing = False
        await shell.worker.look()
        shell.identity = None
        await shell.worker.look()
        assert shell.worker.not_ready() == "relasi.touchpoints.v1 is missing"
        shell.identity = "log-2"
        with pytest.raises(ForeignLog):
            await shell.worker.look()

    told(tmp_path, story)


def test_who_is_fenced_by_a_broker_that_was_wiped_writes_nothing_into_the_new_changelog(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        await shell.own(1, 0)
        await shell.take(0, some_days(0, of=0), 0)
        # The broker has no id of ours any more, no changelog, and another topic.
        shell.fences.fences[0].lost = True
        shell.producer.changelog.clear()
        shell.broker.ends.clear()
        shell.identity = "log-2"
        await shell.worker.checkpoint_due()
        await until(lambda: bool(shell.clock.asleep))
        shell.clock.move(60)
        await shell.idle()
        assert shell.tenures == {}
        assert shell.producer.changelog == {}

    (failure,) = told(tmp_path, story).failures
    assert isinstance(failure, ForeignLog)


@pytest.mark.parametrize(
    ("first", "expected", "committed", "lost"),
    [
        (0, 0, 0, ""),
        (0, 0, 9, ""),
        (5, 0, 0, ""),
        (5, 5, 5, ""),
        (5, 7, 7, ""),
        (5, 4, 4, "offset 4 is next, but the log begins at 5"),
        (5, 0, 9, "processed it up to offset 9, but no checkpoint .* begins at 5: .* another RELASI_GROUP"),
    ],
)
def test_what_is_missing_at_the_head_of_a_log(first: int, expected: int, committed: int, lost: str) -> None:
    place = TP("relasi.touchpoints.v1", 3)
    if not lost:
        check_head(place, first, expected, committed)
        return
    with pytest.raises(LostHistory, match=f"touchpoints.v1 partition 3: .*{lost}"):
        check_head(place, first, expected, committed)


@pytest.mark.parametrize(("committed", "failures"), [({}, []), ({0: 9}, [LostHistory])])
def test_offsets_without_a_checkpoint_on_a_log_without_its_head_are_refused(
    committed: dict[int, int], failures: list[type[Exception]], tmp_path: Path
) -> None:
    async def story(shell: WorkerShell) -> None:
        shell.broker.committed = {shell.tp(number): offset for number, offset in committed.items()}
        shell.broker.first[shell.tp(0)] = 5
        shell.broker.ends[shell.tp(0)] = 12
        await shell.assign(1, [0])
        try:
            await shell.recovered([0])
        except LostHistory:
            assert failures
        assert (0 in shell.tenures) is not bool(failures)

    shell = told(tmp_path, story)
    assert [type(failure) for failure in shell.failures] == failures
