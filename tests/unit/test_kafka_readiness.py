"""What a worker says of itself: whether it is ready, its gauges, where the log ends, and the rounds that it makes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs
from support.hand_clock import HandClock
from support.kafka_fakes import FakeProducer, turns, until
from support.kafka_release import some_days
from support.kafka_worker import WorkerShell
from support.messages import DAY

from streams.engine.results import ForeignLog
from streams.kafka.ends import Ends
from streams.kafka.gauges import Gauges
from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.readiness import NO_BROKER, NO_REGISTRY, NO_REPORTS, Readiness
from streams.kafka.reporting import Reporting
from streams.kafka.rounds import every
from streams.kafka.tenure import Tenure
from streams.kafka.worker import Worker
from streams.metrics import Metrics
from streams.settings import Settings

Story = Callable[[WorkerShell], Awaitable[None]]


def told(folder: Path, story: Story, **options: Any) -> WorkerShell:
    async def tell() -> WorkerShell:
        shell = WorkerShell(folder, **options)
        await story(shell)
        return shell

    return asyncio.run(tell())


def learning_of(failing: bool) -> Learning:
    return cast(Learning, SimpleNamespace(failing=failing))


# Whether the broker is away, the reports fail, the registry is silent, and what the worker says (None: there is none).
STATES: Final[dict[str, tuple[bool, bool, bool, str | None, str]]] = {
    "no worker yet": (False, False, False, None, "starting"),
    "no broker, no worker": (True, False, False, None, NO_BROKER),
    "no reports, no worker": (False, True, False, None, NO_REPORTS),
    "no registry, no worker": (False, False, True, None, NO_REGISTRY),
    "nothing of all": (True, True, True, "recovering", NO_BROKER),
    "reports fail": (False, True, False, "", NO_REPORTS),
    "registry silent": (False, False, True, "", NO_REGISTRY),
    "recovering": (False, False, False, "recovering", "recovering"),
    "stopping": (False, False, False, "stopping", "stopping"),
    "ready": (False, False, False, "", ""),
}


@pytest.mark.parametrize("case", STATES)
def test_why_no_work_can_be_done(case: str) -> None:
    away, failing, silent, says, expected = STATES[case]
    ready = Readiness(Settings(), cast(Reporting, SimpleNamespace(failing=failing, slow=False)), learning_of(silent))
    if away:
        ready.broker_unreachable("no route")
    if says is not None:
        ready.worker = cast(Worker, SimpleNamespace(not_ready=lambda: says))
    assert ready.not_ready() == expected


def test_a_broker_that_goes_and_comes_is_said_once_each_time() -> None:
    async def look() -> list[str]:
        producer = FakeProducer()
        ready = Readiness(Settings(), Reporting(None, Metrics(), HandClock()), learning_of(False))
        with capture_logs() as logs:
            for answers in (True, False, False, True, True, False):
                producer.answers = answers
                await ready.look_for_broker(cast(Producer, producer))
                assert (ready.not_ready() == NO_BROKER) is not answers
        return [entry["event"] for entry in logs]

    away, back = "broker unreachable", "broker reachable again"
    assert asyncio.run(look()) == [away, back, away]


def test_where_the_broker_answers_the_worker_looks_where_the_log_ends(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ready = Readiness(shell.settings, shell.reporting, shell.learning)
        ready.refresh()
        ready.worker = shell.worker
        await shell.own(1, 0)
        asked = shell.broker.asked
        for answers in (False, True):
            shell.producer.answers = answers
            await ready.look_for_broker(cast(Producer, shell.producer))
            assert (shell.broker.asked > asked) is answers
        shell.broker.ends[shell.tp(0)] = 5
        await ready.look_for_broker(cast(Producer, shell.producer))
        ready.refresh()

    shell = told(tmp_path, story)
    assert gauge(shell.metrics, "lag_records", 0) == 5


def gauge(metrics: Metrics, name: str, number: int) -> float | None:
    return metrics.registry.get_sample_value(f"relasi_{name}", {"partition": str(number)})


def test_gauges_show_what_is_ours_and_nothing_of_what_has_gone(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        gauges = Gauges(shell.metrics, shell.clock)
        await shell.own(1, 0, 1)
        await shell.take(0, some_days(0, of=0), 0)
        shell.clock.move(DAY / 1000 + 7)
        gauges.set(shell.tenures, lambda tenure: 10 + tenure.number)
        partition = shell.tenures[0].partition
        shown = [gauge(shell.metrics, name, 0) for name in NAMES]
        assert shown == [10, 1, 7, partition.memory_bytes()]
        # No time has passed yet in the other one.
        assert [gauge(shell.metrics, name, 1) for name in NAMES[:3]] == [11, 0, None]
        await shell.assign(2, [1])
        gauges.set(shell.tenures, lambda _: 0)
        assert [gauge(shell.metrics, name, 0) for name in NAMES] == [None] * 4
        assert gauge(shell.metrics, "lag_records", 1) == 0

    told(tmp_path, story)


NAMES: Final = ("lag_records", "customers_rows", "tick_age_seconds", "partition_memory_bytes")


async def _owning(shell: WorkerShell) -> tuple[Ends, Tenure]:
    await shell.own(1, 0)
    await shell.take(0, some_days(0, of=0), 0)
    return Ends(shell.app, shell.topics.touchpoints), shell.tenures[0]


def test_the_lag_is_what_was_last_heard_of_the_end(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ends, tenure = await _owning(shell)
        assert ends.lag(tenure) == 0
        shell.broker.ends[shell.tp(0)] = 10
        await ends.look([tenure])
        assert ends.lag(tenure) == 6
        # A fetch may have told more.
        shell.app.monitor.tp_end_offsets[shell.tp(0)] = 12
        assert ends.lag(tenure) == 8
        shell.app.monitor.tp_end_offsets[shell.tp(0)] = 3
        assert ends.lag(tenure) == 6

    told(tmp_path, story)


@pytest.mark.parametrize("error", [KafkaConnectionError("no answer"), TimeoutError()])
def test_where_nobody_answers_the_end_stays_what_it_was(error: Exception, tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ends, tenure = await _owning(shell)
        shell.broker.ends[shell.tp(0)] = 10
        await ends.look([tenure])
        shell.broker.away = error
        await ends.look([tenure])
        assert ends.lag(tenure) == 6

    told(tmp_path, story)


def test_who_owns_nothing_asks_nothing(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ends, tenure = await _owning(shell)
        asked = shell.broker.asked
        await ends.look([])
        assert shell.broker.asked == asked
        assert ends.lag(tenure) == 0

    told(tmp_path, story)


@pytest.mark.parametrize(("end", "foreign"), [(4, False), (3, True)])
def test_a_log_that_ends_before_what_was_processed_is_another_one(end: int, foreign: bool, tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ends, tenure = await _owning(shell)
        shell.broker.ends[shell.tp(0)] = end
        if foreign:
            with pytest.raises(ForeignLog, match="begin with another RELASI_GROUP"):
                await ends.look([tenure])
        else:
            await ends.look([tenure])

    told(tmp_path, story)


def test_what_is_processed_while_the_end_is_asked_for_does_not_make_the_log_foreign(tmp_path: Path) -> None:
    async def story(shell: WorkerShell) -> None:
        ends, tenure = await _owning(shell)
        shell.broker.shut = asyncio.Event()
        asked = shell.broker.asked
        looking = asyncio.create_task(ends.look([tenure]))
        await until(lambda: shell.broker.asked > asked)
        await shell.take(0, some_days(2, of=0), 4)
        shell.broker.ends[shell.tp(0)] = 4
        shell.broker.shut.set()
        await looking
        assert ends.lag(tenure) == 0

    told(tmp_path, story)


class Rounds:
    """Rounds of ten seconds, each of which takes as long as a test says."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.begun: list[float] = []
        self.done = 0
        self.stopping = False
        self.task = asyncio.create_task(every(10, self._round, lambda: self.stopping, self.clock))
        self._first = self.clock.monotonic()

    async def _round(self) -> None:
        self.begun.append(self.clock.monotonic() - self._first)
        await self.clock.sleep(self.takes)
        self.done += 1

    takes = 0.0

    async def move(self, seconds: float) -> None:
        await turns(10)
        self.clock.move(seconds)
        await turns(10)


# How long a round takes, and when the first four begin: never before half of the pause has passed since the last one.
ROUNDS: Final = [(0.0, [10, 20, 30, 40]), (4.0, [10, 20, 30, 40]), (7.0, [10, 22, 34, 46]), (30.0, [10, 45, 80, 115])]


@pytest.mark.parametrize(("takes", "expected"), ROUNDS)
def test_rounds_begin_every_so_many_seconds_with_a_pause_between(takes: float, expected: list[float]) -> None:
    async def go() -> list[float]:
        rounds = Rounds()
        rounds.takes = takes
        while len(rounds.begun) < 4:
            await rounds.move(1)
        rounds.stopping = True
        while not rounds.task.done():
            await rounds.move(1)
        return rounds.begun

    assert asyncio.run(go()) == expected


def test_who_is_told_to_stop_begins_no_round() -> None:
    async def go() -> int:
        rounds = Rounds()
        await rounds.move(9)
        rounds.stopping = True
        await rounds.move(2)
        await rounds.task
        return len(rounds.begun)

    assert asyncio.run(go()) == 0


def test_a_round_that_has_begun_is_finished_by_who_is_cancelled_meanwhile() -> None:
    async def go() -> int:
        rounds = Rounds()
        rounds.takes = 5
        await rounds.move(10)
        rounds.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rounds.task
        assert (len(rounds.begun), rounds.done) == (1, 0)
        await rounds.move(5)
        return rounds.done

    assert asyncio.run(go()) == 1


def test_a_round_that_fails_is_the_last_one() -> None:
    async def fail() -> None:
        raise ForeignLog("another log")

    async def go() -> None:
        clock = HandClock()
        rounds = asyncio.create_task(every(10, fail, lambda: False, clock))
        await turns(5)
        clock.move(10)
        await rounds

    with pytest.raises(ForeignLog):
        asyncio.run(go())
