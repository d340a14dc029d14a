"""Which events are stored already: the compiled set against Python's, and our hashes against ClickHouse's."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import Directory
from support.histories import HISTORY

from streams.embedded.known import KnownEvents
from streams.embedded.session import REPORTS
from streams.reports.chdb import ChdbSink


def seen(known: KnownEvents, ids: Sequence[str]) -> list[bool]:
    found: list[bool] = known.notice(pa.array(ids, pa.string())).tolist()
    return found


# Few different ids, so that they repeat; texts that end in zero bytes are ids like any other.
IDS = st.lists(st.text(max_size=3) | st.sampled_from(["", "\0", "a", "a\0", "é", "x" * 300]), max_size=30)


@given(st.lists(IDS, max_size=5))
def test_it_is_a_set(batches: list[list[str]]) -> None:
    known, expected = KnownEvents(), set()
    for batch in batches:
        flags = []
        for identity in batch:
            flags.append(identity in expected)
            expected.add(identity)
        assert seen(known, batch) == flags


def test_it_grows() -> None:
    known = KnownEvents()
    ids = [f"event-{number}" for number in range(100_000)]
    for first in range(0, len(ids), 7_000):
        assert not any(seen(known, ids[first : first + 7_000]))
    assert all(seen(known, ids))
    assert not any(seen(known, [f"{identity}x" for identity in ids]))


def test_a_slice_of_a_column_is_its_own_ids() -> None:
    known = KnownEvents()
    column = pa.array(["a", "b", "c", "d"])
    assert known.notice(column.slice(1, 2)).tolist() == [False, False]
    assert known.notice(column).tolist() == [False, True, True, False]


def ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


@pytest.mark.parametrize(("first", "last"), [(0, 239), (0, 0), (100, 150), (239, 239)])
def test_it_takes_in_what_the_reports_hold_of_an_interval(first: int, last: int, imported: Directory) -> None:
    known = KnownEvents()
    with closing(ChdbSink(imported.path / REPORTS)) as sink:
        known.load(sink, ms(HISTORY[first]["occurred_at"]), ms(HISTORY[last]["occurred_at"]))
    flags = seen(known, [row["event_id"] for row in HISTORY])
    assert flags == [first <= number <= last for number in range(len(HISTORY))]


def test_empty_reports_hold_nothing(tmp_path: Path) -> None:
    known = KnownEvents()
    with closing(ChdbSink(tmp_path / REPORTS)) as sink:
        sink.create()
        known.load(sink, 0, 2**62)
    assert not any(seen(known, ["a", "b"]))
