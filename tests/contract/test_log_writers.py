"""What every writer of the log keeps: over SQLite, and over a real broker."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from support.kafka_broker import ROOT, obtainable
from support.log_writers import AT_ONCE, Place, kafka_place, sqlite_place

from schemas.bodies import bodies_of
from streams.log.partitioning import partitions_of
from streams.log.writer import MessageTooLarge, NotWritten, Writer

# Under CI the broker is always asked for: where it can't be had its tests are skipped, and a skip fails the run.
BROKER = obtainable() or os.environ.get("CI") == "true"
KINDS = ["sqlite", *([pytest.param("kafka", marks=pytest.mark.broker)] if BROKER else [])]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty log."""
    if request.param == "sqlite":
        return sqlite_place(tmp_path / "log")
    return kafka_place(request.getfixturevalue("broker").url, f"writers-{uuid4().hex}")


# What compression makes no smaller.
LARGE = Random(1).randbytes(300_000)


@pytest.fixture(params=KINDS)
def cramped(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty log that has no room for 300,000 bytes."""
    if request.param == "sqlite":
        return sqlite_place(tmp_path / "sqlite", room=200_000)
    return kafka_place(request.getfixturevalue("broker").url, f"kafka-{uuid4().hex}", largest=100_000)


def written(place: Place, work: Callable[[Writer], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with place.opened() as writer:
            await work(writer)

    asyncio.run(opened())


def home(place: Place, key: bytes) -> int:
    return int(partitions_of(bodies_of([key]), place.partitions)[0])


def test_messages_come_in_their_order_each_to_the_partition_of_its_key(place: Place) -> None:
    keys = [b"customer %d" % (number % 17) for number in range(500)]
    values = [b"%d" % number for number in range(500)]

    async def work(writer: Writer) -> None:
        for first in range(0, 500, 100):
            await writer.append(bodies_of(keys[first : first + 100]), bodies_of(values[first : first + 100]))

    written(place, work)
    found = place.stored()
    for partition in range(place.partitions):
        mine = [each for each in found if each.partition == partition]
        wanted = [(k, v) for k, v in zip(keys, values, strict=True) if home(place, k) == partition]
        assert [(each.key, each.value) for each in mine] == wanted
        assert [each.offset for each in mine] == list(range(len(mine)))
    assert len(found) == 500


def test_a_message_without_a_key_is_for_every_partition_at_its_place(place: Place) -> None:
    keys = [b"a", b"", b"b", b"c", b"", b"a"]
    values = [b"0", b"tick 1", b"2", b"3", b"tick 4", b"5"]

    async def work(writer: Writer) -> None:
        await writer.append(None, bodies_of([b"policy"]))
        await writer.append(bodies_of(keys), bodies_of(values))

    written(place, work)
    for partition in range(place.partitions):
        mine = [v for k, v in zip(keys, values, strict=True) if not k or home(place, k) == partition]
        assert place.values(partition) == [b"policy", *mine]
    assert {each.key for each in place.stored() if each.value in (b"policy", b"tick 1", b"tick 4")} == {None}


def test_nothing_is_a_valid_append(place: Place) -> None:
    async def work(writer: Writer) -> None:
        await writer.append(None, bodies_of([]))
        await writer.append(bodies_of([]), bodies_of([]))

    written(place, work)
    assert place.stored() == []


def test_what_was_appended_is_there_for_others_before_the_writer_ends(place: Place) -> None:
    async def work(writer: Writer) -> None:
        for number in range(3):
            await writer.append(bodies_of([b"a"]), bodies_of([b"%d" % number]))
            seen = await asyncio.to_thread(place.values)
            assert seen == [b"%d" % each for each in range(number + 1)]

    written(place, work)


def test_a_large_append_is_cut_and_nothing_of_it_lost(place: Place) -> None:
    """20,000 messages and 12 MB: more than a record batch holds of either."""
    chance = random.Random(7)
    values = [b"%d " % number + chance.randbytes(600) for number in range(20_000)]

    async def work(writer: Writer) -> None:
        await writer.append(bodies_of([b"a"] * len(values)), bodies_of(values))

    written(place, work)
    found = place.stored()
    assert [each.value for each in found] == values
    if place.kind == "sqlite":
        batches: dict[int, list[int]] = {}
        for each in found:
            batches.setdefault(each.batch, []).append(len(each.value))
        assert all(len(sizes) <= 8192 and sum(sizes) <= 4 << 20 for sizes in batches.values())


def test_appenders_at_once_keep_each_its_order_and_lose_nothing(place: Place) -> None:
    async def appender(writer: Writer, name: int) -> None:
        for number in range(20):
            values = [b"%d %d %d" % (name, number, part) for part in range(3)]
            await writer.append(bodies_of([b"customer %d" % name] * 3), bodies_of(values))

    async def work(writer: Writer) -> None:
        await asyncio.gather(*(appender(writer, name) for name in range(40)))

    written(place, work)
    found = place.values()
    assert len(found) == 40 * 20 * 3
    for name in range(40):
        mine = [value for value in found if value.startswith(b"%d " % name)]
        assert mine == [b"%d %d %d" % (name, number, part) for number in range(20) for part in range(3)]


def test_the_messages_of_one_append_stay_together(place: Place) -> None:
    async def work(writer: Writer) -> None:
        appends = [[b"%d %d" % (number, part) for part in range(9)] for number in range(200)]
        await asyncio.gather(*(writer.append(bodies_of([b"a"] * 9), bodies_of(values)) for values in appends))

    written(place, work)
    found = place.values()
    assert len(found) == 1800
    for first in range(0, 1800, 9):
        number = found[first].split()[0]
        assert found[first : first + 9] == [b"%s %d" % (number, part) for part in range(9)]


def test_a_message_that_no_log_takes_is_told_and_its_neighbours_are_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.embedded.writer.LOG_MESSAGE_BYTES", 1_000_000)
    large = b"x" * 1_000_001

    async def work(writer: Writer) -> None:
        outcomes = await asyncio.gather(
            writer.append(bodies_of([b"a"]), bodies_of([b"before"])),
            writer.append(bodies_of([b"a", b"a"]), bodies_of([b"with it", large])),
            writer.append(bodies_of([b"a"]), bodies_of([b"after"])),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), MessageTooLarge, type(None)]
        assert isinstance(outcomes[1], MessageTooLarge)
        assert outcomes[1].index == 1
        assert "1000002 bytes" in str(outcomes[1])
        await writer.append(bodies_of([b"a"]), bodies_of([b"x" * 999_999]))

    written(place, work)
    assert sorted(place.values())[:2] == [b"after", b"before"]
    assert len(place.values()) == 3


def test_columns_that_do_not_belong_together_are_refused(place: Place) -> None:
    async def work(writer: Writer) -> None:
        with pytest.raises(ValueError, match="2 messages with 1 keys"):
            await writer.append(bodies_of([b"a"]), bodies_of([b"1", b"2"]))

    written(place, work)
    assert place.stored() == []


def test_an_append_that_is_given_up_harms_no_other(place: Place) -> None:
    async def work(writer: Writer) -> None:
        first = asyncio.create_task(writer.append(bodies_of([b"a"]), bodies_of([b"first"])))
        given_up = asyncio.create_task(writer.append(bodies_of([b"a"]), bodies_of([b"given up"])))
        await asyncio.sleep(0)
        given_up.cancel()
        await writer.append(bodies_of([b"a"]), bodies_of([b"last"]))
        await first
        with pytest.raises(asyncio.CancelledError):
            await given_up

    written(place, work)
    # What was given up may have been on its way.
    assert [value for value in place.values() if value != b"given up"] == [b"first", b"last"]


def test_after_a_kill_all_that_was_acknowledged_is_there_and_the_next_appender_goes_on(place: Place) -> None:
    command = [sys.executable, "-m", "support.log_writers", place.kind, *place.address]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as appender:
        assert appender.stdout is not None
        for _ in range(20):
            assert appender.stdout.readline(), "it ended by itself"
        appender.kill()
        acknowledged = 20 + len(appender.stdout.read().splitlines())
    assert appender.returncode == -signal.SIGKILL

    async def work(writer: Writer) -> None:
        await writer.append(bodies_of([b"customer"]), bodies_of([b"next"]))

    written(place, work)
    *found, last = place.values(home(place, b"customer"))
    assert last == b"next"
    assert found == [b"%d" % number for number in range(len(found))]
    assert len(found) % AT_ONCE == 0
    assert len(found) >= acknowledged * AT_ONCE


def test_what_finds_no_room_says_so_and_what_does_is_written_after_it(cramped: Place) -> None:
    async def work(writer: Writer) -> None:
        await writer.append(bodies_of([b"a"]), bodies_of([b"small"]))
        with pytest.raises(NotWritten, match=cramped.kind):
            await writer.append(bodies_of([b"a"]), bodies_of([LARGE]))
        await writer.append(bodies_of([b"a"]), bodies_of([b"small too"]))

    written(cramped, work)
    assert cramped.values() == [b"small", b"small too"]


def test_those_that_went_with_what_found_no_room_are_written_or_told(cramped: Place) -> None:
    values = [LARGE if number == 7 else b"%d" % number for number in range(20)]

    async def work(writer: Writer) -> None:
        appends = (writer.append(bodies_of([b"a"]), bodies_of([value])) for value in values)
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert isinstance(outcomes[7], NotWritten)
        for number, outcome in enumerate(outcomes):
            if outcome is not None and number != 7:
                assert isinstance(outcome, NotWritten)
                await writer.append(bodies_of([b"a"]), bodies_of([values[number]]))

    written(cramped, work)
    assert sorted(cramped.values()) == sorted(values[:7] + values[8:])
