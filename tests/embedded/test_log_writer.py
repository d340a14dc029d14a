"""The writer of the embedded log beside the engine's connection: whose turn it is, and what shares a commit."""

import asyncio
import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from support.log_writers import stored_in_sqlite

from schemas.bodies import bodies_of
from streams.embedded.appending import append_messages
from streams.embedded.failures import ForeignFile, StorageError
from streams.embedded.layout import BUSY_SECONDS
from streams.embedded.log import FILE_NAME, Log
from streams.embedded.turns import Turn
from streams.embedded.writer import LogWriter
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.log.writer import NotWritten

ROOT: Final = Path(__file__).resolve().parents[2]
KEY: Final = bodies_of([b"a"])


def clock() -> Iterator[int]:
    return itertools.count(1_700_000_000_000)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Log]:
    """The connection of the engine."""
    with Log(tmp_path) as log:
        yield log


@pytest.fixture
def writer(engine: Log, tmp_path: Path) -> Iterator[LogWriter]:
    instants = clock()
    with LogWriter(tmp_path, 0, lambda: next(instants), engine.turn) as opened:
        yield opened


def append(writer: LogWriter, value: bytes) -> None:
    asyncio.run(writer.append(KEY, bodies_of([value])))


def engine_appends(engine: Log, value: bytes) -> None:
    with engine.transaction():
        append_messages(engine, TOUCHPOINTS_TOPIC, 0, None, bodies_of([value]), 0)


def values(directory: Path) -> list[bytes]:
    return [each.value for each in stored_in_sqlite(directory)]


def test_appends_beside_the_engines_own_never_share_an_offset(engine: Log, writer: LogWriter, tmp_path: Path) -> None:
    async def appender(name: int) -> None:
        for number in range(15):
            await writer.append(KEY, bodies_of([b"%d %d" % (name, number)]))

    async def appenders() -> None:
        await asyncio.gather(*(appender(name) for name in range(20)))

    with ThreadPoolExecutor(1) as other:
        working = other.submit(asyncio.run, appenders())
        ticks = 0
        while not working.done() or ticks < 10:
            engine_appends(engine, b"tick %d" % ticks)
            ticks += 1
        working.result()
    found = stored_in_sqlite(tmp_path)
    assert [each.offset for each in found] == list(range(300 + ticks))
    assert [each.value for each in found if each.value.startswith(b"tick")] == [b"tick %d" % i for i in range(ticks)]
    for name in range(20):
        mine = [each.value for each in found if each.value.startswith(b"%d " % name)]
        assert mine == [b"%d %d" % (name, number) for number in range(15)]


def test_an_append_does_not_wait_for_a_long_read_of_the_engine(engine: Log, writer: LogWriter, tmp_path: Path) -> None:
    with engine.transaction():
        for number in range(50):
            engine.put_setting(f"{number:02}", "value" * 1000)
    reading = engine._connection.execute("SELECT value FROM settings WHERE length(value) = 5000")
    next(reading)
    for number in range(3):
        append(writer, b"%d" % number)
    assert values(tmp_path) == [b"0", b"1", b"2"]
    # The read is of the moment at which it began, and the engine writes again once it is over.
    assert len(list(reading)) == 49
    engine_appends(engine, b"tick")
    assert values(tmp_path) == [b"0", b"1", b"2", b"tick"]
    assert len(engine.read(TOUCHPOINTS_TOPIC, 0, 0)) > 0


@contextmanager
def busy(writer: LogWriter) -> Iterator[None]:
    """The writer's thread, as if a commit of it took so long."""
    done = threading.Event()
    working = writer._thread.submit(done.wait)
    yield
    done.set()
    working.result()


def test_appends_that_come_during_a_commit_share_the_next(writer: LogWriter, tmp_path: Path) -> None:
    """What shares a commit stands in one record batch."""

    async def work() -> None:
        with busy(writer):
            tasks = [asyncio.create_task(writer.append(KEY, bodies_of([b"%d" % number]))) for number in range(300)]
            await asyncio.sleep(0)
            assert len(writer._waiting) == 300
        await asyncio.gather(*tasks)

    asyncio.run(work())
    found = stored_in_sqlite(tmp_path)
    assert [each.value for each in found] == [b"%d" % number for number in range(300)]
    assert {each.batch for each in found} == {0}


def test_a_group_has_bounds(writer: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.embedded.writer.GROUP_BYTES", 1000)
    large = b"x" * 5000

    async def work() -> None:
        with busy(writer):
            bodies = [large, *(b"%d" % number * 200 for number in range(8))]
            tasks = [asyncio.create_task(writer.append(KEY, bodies_of([body]))) for body in bodies]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(work())
    found = stored_in_sqlite(tmp_path)
    assert [sum(each.batch == number for each in found) for number in range(4)] == [1, 4, 4, 0]


def test_an_append_that_is_cancelled_while_it_waits_is_not_written(writer: LogWriter, tmp_path: Path) -> None:
    async def work() -> None:
        with busy(writer):
            values = (b"first", b"given up", b"last")
            tasks = [asyncio.create_task(writer.append(KEY, bodies_of([value]))) for value in values]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.wait([tasks[1]])
        await asyncio.gather(tasks[0], tasks[2])

    asyncio.run(work())
    assert values(tmp_path) == [b"first", b"last"]


def test_closing_commits_what_waits(engine: Log, tmp_path: Path) -> None:
    async def work() -> None:
        with LogWriter(tmp_path, 0, lambda: 0, engine.turn) as writer:
            appends = [asyncio.create_task(writer.append(KEY, bodies_of([b"%d" % i]))) for i in range(50)]
            await asyncio.sleep(0)
        await asyncio.gather(*appends)

    asyncio.run(work())
    assert values(tmp_path) == [b"%d" % number for number in range(50)]


def test_an_engine_that_waits_for_its_own_turn_is_told(engine: Log, tmp_path: Path) -> None:
    with Log(tmp_path, engine.turn) as second:
        with pytest.raises(RuntimeError, match="wait for itself"), engine.transaction(), second.transaction():
            pass
        engine_appends(engine, b"it goes on")


def test_turns_are_taken_in_the_order_of_asking() -> None:
    turn, order = Turn(), list[int]()

    def take(number: int) -> None:
        with turn:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    with turn:
        for number, thread in enumerate(threads):
            thread.start()
            while len(turn._queue) < number + 2:
                pass
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_a_turn_that_was_not_waited_for_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()

    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(turn._changed, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), turn:
            pass
    with turn:
        assert len(turn._queue) == 1


def test_a_writer_of_a_strange_file_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    before = threading.active_count()
    with pytest.raises(ForeignFile):
        LogWriter(tmp_path, 0, lambda: 0)
    assert threading.active_count() == before


def test_a_lock_of_another_program_is_told_as_not_written(writer: LogWriter, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer._thread.submit(writer._log._connection.execute, "PRAGMA busy_timeout = 1").result()
    with pytest.raises(NotWritten, match="another program keeps it locked") as told:
        append(writer, b"lost")
    assert isinstance(told.value.__cause__, StorageError)
    other.execute("ROLLBACK")
    other.close()
    append(writer, b"kept")
    assert values(tmp_path) == [b"kept"]


def test_connections_wait_for_other_programs(engine: Log) -> None:
    assert engine._connection.execute("PRAGMA busy_timeout").fetchone() == (BUSY_SECONDS * 1000,)


PROCESS: Final = """
import asyncio, sys
from pathlib import Path
from streams.embedded.writer import LogWriter
from schemas.bodies import bodies_of

async def work():
    with LogWriter(Path(sys.argv[1]), 0, lambda: 0) as writer:
        for number in range(60):
            await writer.append(None, bodies_of([b"%s %d" % (sys.argv[2].encode(), number)]))

asyncio.run(work())
"""


@pytest.mark.slow
def test_a_writer_of_another_process_takes_its_offsets_within_the_transaction(tmp_path: Path) -> None:
    Log(tmp_path).close()
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    processes = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("x", "y")]
    assert [process.wait(120) for process in processes] == [0, 0]
    found = stored_in_sqlite(tmp_path)
    assert [each.offset for each in found] == list(range(120))
    for name in (b"x", b"y"):
        mine = [each.value for each in found if each.value.startswith(name)]
        assert mine == [b"%s %d" % (name, number) for number in range(60)]
