"""Reports that are stored beside the engine: in order, and none is forgotten."""

import threading
from collections.abc import Iterator
from typing import Any, Final, cast

import pyarrow as pa
import pytest

from streams.embedded.beside import Beside, Making
from streams.outputs.output import Rows
from streams.outputs.storing import Origin
from streams.reports.errors import ReportsError, UnfitRows
from streams.reports.sink import Sink

ORIGIN: Final = Origin("touchpoints", 0, 0)
UNFIT: Final = 13


class Tables:
    """Takes rows once it is let; ``fails``: what the next inserts raise."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, list[Any]]] = []
        self.fails: list[BaseException] = []
        self.let = threading.Event()
        self.let.set()
        self.failed = threading.Event()

    def insert(self, table: str, rows: pa.Table) -> None:
        self.let.wait(60)
        if self.fails:
            failure = self.fails.pop(0)
            self.failed.set()
            raise failure
        told = rows.column(0).to_pylist()
        if UNFIT in told:
            raise UnfitRows("no", "NO (code 1)")
        self.stored.append((table, told))


def rows(*numbers: int) -> Making:
    return lambda: [Rows("transitions_raw", pa.table({"n": list(numbers)}))]


@pytest.fixture
def tables() -> Tables:
    return Tables()


def sink_of(tables: Tables) -> Sink:
    return cast(Sink, tables)


def test_who_begins_does_not_wait_and_who_finishes_does(tables: Tables) -> None:
    beside = Beside()
    tables.let.clear()
    beside.begin(sink_of(tables), rows(1, 2), ORIGIN)
    assert tables.stored == []
    with pytest.raises(RuntimeError, match="not finished"):
        beside.begin(sink_of(tables), rows(3), ORIGIN)
    tables.let.set()
    assert beside.finish() == []
    assert tables.stored == [("transitions_raw", [1, 2])]
    beside.begin(sink_of(tables), rows(3), ORIGIN)
    beside.finish()
    assert beside.finish() == []
    assert tables.stored == [("transitions_raw", [1, 2]), ("transitions_raw", [3])]


def test_what_could_not_be_stored_is_stored_when_it_is_asked_for_again(tables: Tables) -> None:
    beside = Beside()
    tables.fails = [ReportsError("no room"), ReportsError("no room yet")]
    beside.begin(sink_of(tables), rows(1), ORIGIN)
    for told in ("no room", "no room yet"):
        with pytest.raises(ReportsError, match=told):
            beside.finish()
        with pytest.raises(RuntimeError, match="not finished"):
            beside.begin(sink_of(tables), rows(2), ORIGIN)
    assert beside.finish() == []
    assert tables.stored == [("transitions_raw", [1])]


def test_a_row_that_the_tables_never_take_comes_back_as_a_reject(tables: Tables) -> None:
    beside = Beside()
    beside.begin(sink_of(tables), rows(1, UNFIT, 2), ORIGIN)
    (rejects,) = beside.finish()
    assert rejects.column("reason").to_pylist() == ["unstorable"]
    kept = [numbers for table, numbers in tables.stored if table == "transitions_raw" and numbers]
    assert sorted(number for numbers in kept for number in numbers) == [1, 2]


def test_nothing_is_left_of_what_is_forgotten(tables: Tables) -> None:
    beside = Beside()
    tables.fails = [ReportsError("closed")]
    beside.begin(sink_of(tables), rows(1), ORIGIN)
    # It is ended by whoever closes its tables, and goes on until then.
    assert tables.failed.wait(60)
    beside.forget()
    assert beside.finish() == []
    beside.begin(sink_of(tables), rows(2), ORIGIN)
    assert beside.finish() == []
    assert tables.stored == [("transitions_raw", [2])]


def test_what_is_to_be_done_first_is_awaited_by_itself_and_done_again_where_it_failed(tables: Tables) -> None:
    beside, done = Beside(), list[int]()

    def work() -> None:
        done.append(1)
        if len(done) == 1:
            raise ReportsError("not yet")

    tables.let.clear()
    beside.begin(sink_of(tables), rows(1), ORIGIN, work)
    with pytest.raises(ReportsError, match="not yet"):
        beside.first_done()
    beside.first_done()
    beside.first_done()
    assert (len(done), tables.stored) == (2, [])
    tables.let.set()
    assert beside.finish() == []
    assert tables.stored == [("transitions_raw", [1])]


def test_each_batch_is_made_when_the_one_before_is_stored(tables: Tables) -> None:
    made: list[int] = []

    def batches() -> Iterator[Rows]:
        for number in (1, 2):
            made.append(len(tables.stored))
            yield Rows("transitions_raw", pa.table({"n": [number]}))

    beside = Beside()
    beside.begin(sink_of(tables), batches, ORIGIN)
    beside.finish()
    assert made == [0, 1]
