"""Which events are known already: the compiled set against Python's, and our hashes against ClickHouse's."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import Directory
from support.histories import HISTORY

from streams import known as module
from streams.embedded.session import REPORTS
from streams.imports.canonical import CANONICAL
from streams.known import KnownEvents, import_id_of, marked
from streams.reports.chdb import ChdbSink

Identity = tuple[str | None, str | None, str]  # customer, visitor, event


def rows(identities: Sequence[Identity]) -> pa.RecordBatch:
    """Canonical rows of these identities."""
    told: dict[str, Any] = {
        "customer_id": [customer for customer, _, _ in identities],
        "anonymous_id": [visitor for _, visitor, _ in identities],
        "event_id": [event for _, _, event in identities],
    }
    arrays = [
        pa.array(told[field.name], field.type) if field.name in told else pa.nulls(len(identities), field.type)
        for field in CANONICAL
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([field.with_nullable(True) for field in CANONICAL]))


def named(identity: Identity) -> tuple[bool, str, str]:
    """What makes two of them the same."""
    customer, visitor, event = identity
    return bool(customer), customer or visitor or "", event


def flags(known: KnownEvents, batches: Sequence[Sequence[Identity]]) -> list[list[bool]]:
    return [known.notice(rows(batch)).tolist() for batch in batches]


def expecting(*batches: Sequence[Identity]) -> KnownEvents:
    known = KnownEvents()
    for batch in batches:
        known.expect(rows(batch))
    return known


# Few different ids, so that they repeat; texts that end in zero bytes are ids like any other, and the parts of an
# identity could be cut at another place: "a" and "b1" against "ab" and "1".
TEXTS = st.text(max_size=2) | st.sampled_from(["\0", "a", "a\0", "ab", "1", "b1", "1:", "é", "x" * 255])
IDENTITIES = st.tuples(st.none() | TEXTS, st.none() | TEXTS, TEXTS)


@given(st.lists(st.lists(IDENTITIES, max_size=30), max_size=5))
def test_it_is_a_set(batches: list[list[Identity]]) -> None:
    expected: set[tuple[bool, str, str]] = set()
    told: list[list[bool]] = []
    for batch in batches:
        told.append([])
        for identity in batch:
            told[-1].append(named(identity) in expected)
            expected.add(named(identity))
    assert flags(expecting(*batches), batches) == told


def test_the_id_of_an_account_is_another_than_a_persons() -> None:
    batch = rows([("x", None, "e")] * 4 + [("", "x", "e")] * 2)
    told = pa.array([None, True, False, True, None, True])
    place = batch.schema.get_field_index("is_account")
    batch = batch.set_column(place, batch.schema.field(place), told)
    known = KnownEvents()
    known.expect(batch)
    assert known.notice(batch).tolist() == [False, False, True, True, False, True]


def test_it_grows() -> None:
    ids: list[Identity] = [(f"c{number % 7_919}", None, f"event-{number}") for number in range(100_000)]
    parts = [ids[first : first + 7_000] for first in range(0, len(ids), 7_000)]
    known = expecting(*parts)
    assert not any(map(any, flags(known, parts)))
    assert all(map(all, flags(known, parts)))


def test_a_slice_of_a_batch_is_its_own_rows() -> None:
    batch = rows([("x", None, event) for event in "abcd"])
    known = KnownEvents()
    known.expect(batch)
    assert known.notice(batch.slice(1, 2)).tolist() == [False, False]
    assert known.notice(batch).tolist() == [False, True, True, False]


def of_history(some: Sequence[dict[str, Any]] = HISTORY) -> list[Identity]:
    return [(row["customer_id"], None, row["event_id"]) for row in some]


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, 1, 10_000])
@pytest.mark.parametrize("at_once", [1, 100, 10_000])
def test_it_takes_in_what_the_reports_hold(
    few: int, at_once: int, imported: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW_CUSTOMERS", few)
    monkeypatch.setattr(module, "KNOWN_ROWS", at_once)
    stored, strange = of_history(), [(who, None, f"{event}x") for who, _, event in of_history()]
    others: list[Identity] = [*((f"{who}x", None, event) for who, _, event in stored)]
    hidden: list[Identity] = [(None, who, event) for who, _, event in stored]
    mixed = [identity for four in zip(stored, strange, others, hidden, strict=True) for identity in four]
    known = expecting(mixed)
    with closing(ChdbSink(imported.path / REPORTS)) as sink:
        known.load(sink)
    assert known.notice(rows(mixed)).tolist() == [True, False, False, False] * len(HISTORY)


def test_empty_reports_hold_nothing(tmp_path: Path) -> None:
    known = expecting(of_history())
    with closing(ChdbSink(tmp_path / REPORTS)) as sink:
        sink.create()
        known.load(sink)
        KnownEvents().load(sink)
    assert not any(known.notice(rows(of_history())))


def test_rows_name_their_import_and_whether_they_are_known() -> None:
    batch = rows(of_history(HISTORY[:3]))
    told = marked(batch, expecting(of_history(HISTORY[:3])).notice(batch), "i")
    assert (told.column("import_id").to_pylist(), told.column("known").to_pylist()) == (["i"] * 3, [None] * 3)
    known = expecting(of_history(HISTORY[:3]))
    known.notice(batch.slice(1, 1))
    assert marked(batch, known.notice(batch), "i").column("known").to_pylist() == [None, True, None]
    assert told.drop_columns(["import_id", "known"]) == batch.drop_columns(["import_id", "known"])


def test_imports_of_the_same_content_have_ids_of_their_own() -> None:
    assert import_id_of("ab" * 32, 1_700_000_000_000) == "abababababab-18bcfe56800"
    assert import_id_of("ab" * 32, 1) != import_id_of("ab" * 32, 2) != import_id_of("cd" * 32, 2)
