"""Reports on their way to a server that may be away: in which order, tried how often, and what the log says of it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pytest
from structlog.testing import capture_logs
from support.hand_clock import HandClock
from support.kafka_fakes import FOR_GOOD, FakeSink, turns, until
from support.kafka_release import some_days
from support.messages import START, batch
from support.shell import applied, new_partition

from schemas.registry import FileRegistry
from streams.kafka.reporting import ANSWER_SECONDS, SLOW_SECONDS, Reporting
from streams.kafka.retry import Backoff
from streams.log.batches import read_batches
from streams.metrics import Metrics
from streams.outputs.outgoing import Outgoing
from streams.outputs.output import Batch
from streams.outputs.storing import Origin

REJECT: Final = pa.table({"reason": ["bad"]})
ORIGIN: Final = Origin("relasi.touchpoints.v1", 3, START)


def some_rows() -> list[Batch]:
    """Of each table of what comes out of a partition: touchpoints, transitions, judgements, profiles."""
    partition = new_partition()
    outgoing = Outgoing(partition, FileRegistry(), ORIGIN.source)
    outgoing.add(applied(partition, read_batches(batch(some_days(0)), 0)))
    return [*outgoing.rows(), *outgoing.standing()]


OTHERS: Final = ["transitions_raw", "judgements_raw", "profiles_raw"]


class Reports:
    """A reporting over a fake server."""

    def __init__(self, *, wanted: bool = True) -> None:
        self.clock = HandClock()
        self.sink = FakeSink()
        self.metrics = Metrics()
        self.reporting = Reporting(self.sink if wanted else None, self.metrics, self.clock)

    def retries(self, table: str) -> float:
        return self.metrics.registry.get_sample_value("relasi_clickhouse_retries_total", {"table": table}) or 0


def told(story: Callable[[Reports], Awaitable[None]], *, wanted: bool = True) -> Reports:
    async def tell() -> Reports:
        reports = Reports(wanted=wanted)
        await story(reports)
        return reports

    return asyncio.run(tell())


def test_rows_are_stored_in_their_order_and_the_raw_history_beside_them() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.shut["touchpoints_raw"] = threading.Event()
        storing = asyncio.create_task(reports.reporting.store([*some_rows(), some_rows()[0]], ORIGIN))
        await until(lambda: len(reports.sink.stored) == 3)
        assert reports.sink.tables == OTHERS
        assert not storing.done()
        reports.sink.shut["touchpoints_raw"].set()
        assert await storing == []
        assert reports.sink.tables[3:] == ["touchpoints_raw", "touchpoints_raw"]

    reports = told(story)
    inserts = reports.metrics.registry.get_sample_value(
        "relasi_clickhouse_insert_seconds_count", {"table": "touchpoints_raw"}
    )
    assert inserts == 2
    assert not reports.reporting.failing


def test_without_a_server_nothing_is_wanted_and_nothing_stored() -> None:
    async def story(reports: Reports) -> None:
        assert not reports.reporting.wanted
        await reports.reporting.create()
        await reports.reporting.store(some_rows(), ORIGIN)
        await reports.reporting.insert("rejects_raw", REJECT)
        reports.reporting.close()

    assert told(story, wanted=False).sink.stored == []


def test_an_insert_is_tried_until_it_works_and_meanwhile_the_reports_count_as_failing() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.failing["transitions_raw"] = 3
        with capture_logs() as logs:
            storing = asyncio.create_task(reports.reporting.store(some_rows(), ORIGIN))
            for attempt in range(1, 4):
                await until(lambda: bool(reports.clock.asleep))
                assert reports.reporting.failing
                assert reports.retries("transitions_raw") == attempt
                assert "profiles_raw" not in reports.sink.tables
                reports.clock.move(reports.clock.asleep[0])
            await storing
        assert not reports.reporting.failing
        # What the server quotes of the rows stays out of the log.
        assert [entry["why"] for entry in logs] == ["transitions_raw: no answer"] * 3

    assert told(story).sink.tables.count("transitions_raw") == 1


def test_as_long_as_one_table_fails_the_reports_fail() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.failing = {"touchpoints_raw": FOR_GOOD, "transitions_raw": 1}
        storing = asyncio.create_task(reports.reporting.store(some_rows(), ORIGIN))
        await until(lambda: len(reports.clock.asleep) == 2)
        reports.clock.move(1)
        await until(lambda: "profiles_raw" in reports.sink.tables and bool(reports.clock.asleep))
        assert reports.reporting.failing
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing

    told(story)


def test_tables_are_created_until_that_works() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.failing["schema"] = 1
        creating = asyncio.create_task(reports.reporting.create())
        await until(lambda: bool(reports.clock.asleep))
        reports.clock.move(1)
        await creating

    assert told(story).sink.tables == ["schema"]


@pytest.mark.parametrize("table", ["touchpoints_raw", "transitions_raw"])
def test_rows_that_the_server_will_never_take_become_rejects_and_all_others_are_stored(table: str) -> None:
    async def story(reports: Reports) -> None:
        reports.sink.unfit.add(table)
        rejects = await reports.reporting.store(some_rows(), ORIGIN)
        given = next(len(rows) for rows in some_rows() if rows.table == table)
        assert [each for rejected in rejects for each in rejected["reason"].to_pylist()] == ["unstorable"] * given
        stored = reports.sink.tables.count("rejects_raw")
        assert stored == given
        assert {*OTHERS, "touchpoints_raw"} - {table} <= {*reports.sink.tables}
        assert reports.metrics.registry.get_sample_value("relasi_rejects_total", {"reason": "unstorable"}) == given
        assert not reports.reporting.failing

    told(story)


def test_what_is_not_an_answer_of_the_server_is_raised() -> None:
    class Broken(FakeSink):
        def insert(self, table: str, rows: pa.Table) -> None:
            raise MemoryError(table)

    async def store() -> None:
        reporting = Reporting(Broken(), Metrics(), HandClock())
        await reporting.insert("transitions_raw", REJECT)

    with pytest.raises(MemoryError):
        asyncio.run(store())


def test_it_lets_go_of_the_server() -> None:
    async def story(reports: Reports) -> None:
        reports.reporting.close()

    assert told(story).sink.closed


async def _delays(count: int) -> list[float]:
    clock = HandClock()
    backoff = Backoff(clock)
    delays = []
    for attempt in range(1, count + 1):
        waiting = asyncio.create_task(backoff.wait())
        await turns(2)
        assert backoff.attempts == attempt
        (seconds,) = clock.asleep
        delays.append(seconds)
        clock.move(seconds * 0.99)
        await turns(2)
        assert not waiting.done()
        clock.move(seconds * 0.02)
        await waiting
    return delays


def test_between_attempts_it_waits_twice_as_long_up_to_ten_seconds_but_for_jitter() -> None:
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]
    delays = asyncio.run(_delays(len(longest)))
    assert all(most / 2 <= delay <= most for most, delay in zip(longest, delays, strict=True))
    # Each at random: workers that failed together do not come back in step.
    assert any(second != 2 * first for first, second in pairwise(delays[:6]))


def states(reports: Reports) -> set[str]:
    return {name for name in ("slow", "failing") if getattr(reports.reporting, name)}


def test_a_server_that_does_not_answer_is_told_of_and_broken_off() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.shut["transitions_raw"] = threading.Event()
        storing = asyncio.create_task(reports.reporting.store(some_rows(), ORIGIN))
        await until(lambda: reports.sink.tables == ["touchpoints_raw"])
        assert not states(reports)
        reports.clock.move(SLOW_SECONDS)
        assert states(reports) == {"slow"}
        await reports.reporting.look()
        assert reports.sink.broken_off == 0
        reports.clock.move(ANSWER_SECONDS)
        with capture_logs() as logs:
            await reports.reporting.look()
            await until(lambda: bool(reports.clock.asleep))
        assert [entry["event"] for entry in logs] == ["reports don't answer", "reports unreachable"]
        assert reports.sink.broken_off == 1
        assert states(reports) == {"failing"}
        reports.clock.move(reports.clock.asleep[0])
        await storing
        assert not states(reports)

    assert sorted(told(story).sink.tables) == sorted(["touchpoints_raw", *OTHERS])


def test_what_waits_for_its_turn_is_not_what_the_server_is_slow_with() -> None:
    async def story(reports: Reports) -> None:
        for table in ("transitions_raw", "judgements_raw"):
            reports.sink.shut[table] = threading.Event()
        storing = asyncio.create_task(reports.reporting.store(some_rows(), ORIGIN))
        other = asyncio.create_task(reports.reporting.insert("rejects_raw", REJECT))
        await until(lambda: reports.reporting._under_way != {})
        reports.clock.move(SLOW_SECONDS - 1)
        reports.sink.shut["transitions_raw"].set()
        await until(lambda: "transitions_raw" in reports.sink.tables)
        reports.clock.move(1)
        assert not reports.reporting.slow
        reports.sink.shut["judgements_raw"].set()
        await asyncio.gather(storing, other)

    told(story)


def test_who_lets_go_while_something_hangs_does_not_wait_for_it() -> None:
    async def story(reports: Reports) -> None:
        reports.sink.shut["transitions_raw"] = threading.Event()
        storing = asyncio.create_task(reports.reporting.store(some_rows(), ORIGIN))
        await until(lambda: reports.sink.tables == ["touchpoints_raw"])
        reports.reporting.close()
        assert (reports.sink.broken_off, reports.sink.closed) == (1, False)
        storing.cancel()

    told(story)


class KnowsLogs(FakeSink):
    """A server that knows some logs by their epochs."""

    def __init__(self, **epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        assert "logs_raw" in sql
        return pa.table({"id": list(self._epochs), "epoch": list(self._epochs.values())})


def test_rows_are_of_the_epoch_of_the_topic() -> None:
    async def begun(log: str) -> tuple[int, list[tuple[str, int]]]:
        sink = KnowsLogs(former=START + 5, this=7)
        reporting = Reporting(sink, Metrics(), HandClock())
        await reporting.begin(log)
        written = [(row["id"], row["epoch"]) for _, rows in sink.stored for row in rows.to_pylist()]
        return reporting.epoch, written

    assert asyncio.run(begun("this")) == (7, [])
    # One that was made anew counts as later than all that are known, whatever the clock says.
    assert asyncio.run(begun("new")) == (START + 6, [("new", START + 6)])


def test_where_no_reports_are_wanted_nothing_is_asked() -> None:
    async def begin(reports: Reports) -> None:
        await reports.reporting.begin("this")

    assert told(begin, wanted=False).reporting.epoch == 0
