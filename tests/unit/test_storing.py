"""How a batch is halved down to the rows that can't be stored, over a sink that knows which these are."""

from dataclasses import dataclass, field
from math import ceil, log2
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_rows import table, transition

from streams.outputs.output import Rows
from streams.outputs.storing import Origin, store
from streams.reports.errors import ReportsError, UnfitRows, refusal

ORIGIN = Origin("topic", 1, -(2**62))


@dataclass
class Picky:
    """A sink that refuses batches with one of these rows; ``deaf``: every batch, even one without rows."""

    bad: set[str]
    deaf: bool = False
    attempts: int = 0
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def insert(self, name: str, rows: pa.Table) -> None:
        self.attempts += 1
        found = rows.to_pylist()
        if self.deaf or any(row.get("id") in self.bad for row in found):
            raise UnfitRows("no", "NO (code 1)")
        self.stored.setdefault(name, []).extend(found)


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_every_row_is_stored_or_a_reject_and_never_both(sound: list[bool]) -> None:
    rows = [transition(id=str(i), offset=i) for i in range(len(sound))]
    sink = Picky({str(i) for i, good in enumerate(sound) if not good})
    rejects = store(sink, [Rows("transitions_raw", table("transitions_raw", rows))], ORIGIN)  # type: ignore[arg-type]
    stored = [row["id"] for row in sink.stored.get("transitions_raw", [])]
    positions = [row["position"] for reject in rejects for row in reject.to_pylist()]
    assert stored == [str(i) for i, good in enumerate(sound) if good]
    assert positions == [i for i, good in enumerate(sound) if not good]
    assert [row["position"] for row in sink.stored.get("rejects_raw", [])] == positions
    bad = len(positions)
    assert sink.attempts <= 2 + (bad > 0) + bad * (2 * ceil(log2(len(sound) + 1)) + 2)


def test_a_table_that_takes_nothing_makes_no_rejects() -> None:
    sink = Picky(set(), deaf=True)
    with pytest.raises(UnfitRows):
        store(sink, [Rows("transitions_raw", table("transitions_raw", [transition()] * 9))], ORIGIN)  # type: ignore[arg-type]
    assert (sink.stored, sink.attempts) == ({}, 2)


def test_no_rows_are_no_insert() -> None:
    sink = Picky(set(), deaf=True)
    assert store(sink, [Rows("transitions_raw", table("transitions_raw", []))], ORIGIN) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ("Code: 117. DB::Exception: secret (INCORRECT_DATA)", None, "INCORRECT_DATA (code 117)"),
        ("whatever", 469, "VIOLATED_CONSTRAINT (code 469)"),
        ("std::exception. Code: 1001, type: avro::Exception, e.what() = secret", None, "AVRO_EXCEPTION (code 1001)"),
        ("std::exception. Code: 1001, type: avro::Exception, e.what() = secret", 1001, "AVRO_EXCEPTION (code 1001)"),
    ],
)
def test_what_is_said_of_rows_is_told_without_what_it_quotes(answer: str, code: int | None, told: str) -> None:
    error = refusal("message", answer, code)
    assert isinstance(error, UnfitRows)
    assert error.told == told


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Code: 241. DB::Exception: MEMORY_LIMIT_EXCEEDED", None),
        ("Code: 252. DB::Exception: Too many parts", None),
        ("Code: 243. DB::Exception: Cannot reserve", 243),
        ("Code: 1001. DB::Exception: std::exception", None),
        ("Code: 60. DB::Exception: Table does not exist", None),
        ("Code: 516. DB::Exception: Authentication failed", 516),
        ("<html>502 Bad Gateway Code: 117</html>", 0),
        ("Connection refused", None),
    ],
)
def test_what_may_pass_is_not(answer: str, code: int | None) -> None:
    error = refusal("message", answer, code)
    assert type(error) is ReportsError
