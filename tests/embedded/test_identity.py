"""One identity of an event, (namespace and id of its customer, event id): the first that is delivered counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command import done, relasi
from support.identities import Counted, counted, expected, purchase, write
from support.sampled import examples

from streams.commands.import_files import import_file
from streams.commands.terminal import Terminal
from streams.embedded.session import Session
from streams.imports.mapping import Mapping

SILENT = Terminal(lambda _: None, lambda _: None, rich=False)
Rows = Sequence[dict[str, Any]]


def day(number: float) -> str:
    return (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()


def imported(directory: Path, files: Sequence[Rows], *, as_arrived: bool = True) -> tuple[Counted, list[Any]]:
    """What the reports count once these were imported, and what each import said that it did."""
    outcomes = []
    with Session(directory / "data", "test") as session:
        for number, rows in enumerate(files):
            path = write(directory / f"{number}.csv", rows)
            outcomes.append(import_file(session, str(path), Mapping(), SILENT, as_arrived=as_arrived))
        session.runner.report()
        return counted(session.sink), outcomes


def test_the_same_event_id_of_two_customers_is_two_events(tmp_path: Path) -> None:
    rows = [purchase("1", "ann", day(0), 10), purchase("1", "bob", day(0.1), 20)]
    found, _ = imported(tmp_path, [rows, [purchase("1", None, day(0.2), 30, visitor="ann")]])
    assert found == {("known", "ann"): (1, 1000), ("known", "bob"): (1, 2000), ("anonymous", "ann"): (1, 3000)}


@pytest.mark.slow
@pytest.mark.parametrize("again", [-0.3, 0, 400], ids=["earlier", "same", "later"])
@pytest.mark.parametrize("swapped", [False, True])
def test_an_event_that_is_sent_again_with_another_time_counts_once(swapped: bool, again: float, tmp_path: Path) -> None:
    first, second = [purchase(f"e{n}", "ann", day(n), 10) for n in range(18)], [purchase("e0", "ann", day(again), 10)]
    found, outcomes = imported(tmp_path, [second, first] if swapped else [first, second])
    assert found == {("known", "ann"): (18, 18_000)}
    assert [outcome.known for outcome in outcomes] == [0, 1]


def test_neither_kind_nor_content_makes_another_event_of_it(tmp_path: Path) -> None:
    later = purchase("1", "ann", day(3), 99) | {"kind": "page_viewed", "anonymous_id": "browser"}
    found, outcomes = imported(tmp_path, [[purchase("1", "ann", day(0), 10)], [later]])
    assert (found, outcomes[1].known) == ({("known", "ann"): (1, 1000)}, 1)


EVENTS = st.tuples(
    st.sampled_from(["ann", "bob", "e1"]), st.booleans(), st.sampled_from([f"e{n}" for n in range(25)]),
    st.integers(0, 900), st.integers(1, 5),
)  # fmt: skip


@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(EVENTS, min_size=1, max_size=60), min_size=1, max_size=4), st.booleans())
def test_profile_and_view_agree_however_it_comes(files: list[list[tuple[Any, ...]]], as_arrived: bool) -> None:
    told = [
        [
            purchase(event, None if hidden else who, day(at), amount, visitor=who if hidden else None)
            for who, hidden, event, at, amount in rows
        ]
        for rows in files
    ]
    # Two files of the same content are one import.
    told = [rows for number, rows in enumerate(told) if rows not in told[:number]]
    with TemporaryDirectory() as directory:
        found, outcomes = imported(Path(directory), told, as_arrived=as_arrived)
    in_order = told if as_arrived else [sorted(rows, key=lambda row: str(row["occurred_at"])) for rows in told]
    assert found == expected(in_order)
    assert sum(outcome.rows - outcome.known for outcome in outcomes) == sum(count for count, _ in found.values())


@pytest.mark.slow
def test_each_touchpoint_names_its_import_and_every_row_is_in_the_log(tmp_path: Path) -> None:
    files = [[purchase("1", "ann", day(0), 10), purchase("2", "ann", day(1), 10)], [purchase("2", "ann", day(2), 10)]]
    files.append([purchase("3", "ann", day(3), 10)])
    imported(tmp_path, files)
    with Session(tmp_path / "data", "test") as session:
        rows = session.sink.query("SELECT event_id, import_id FROM touchpoints ORDER BY event_id").to_pylist()
        ids = [progress.import_id for progress in session.log.imports()]
    assert len(set(ids)) == 3
    assert all(ids)
    assert rows[0]["import_id"] == rows[1]["import_id"] != rows[2]["import_id"]
    assert {row["import_id"] for row in rows} < set(ids)


@pytest.mark.slow
def test_a_customer_is_asked_for_by_namespace_where_two_have_the_id(data: Path) -> None:
    rows = [purchase("1", "x", day(0), 10), purchase("1", None, day(1), 20, visitor="x")]
    done(
        "import",
        write(data.with_name("both.csv"), [*rows, purchase("2", None, day(1), 5, visitor="y")]),
        "--data",
        data,
    )
    ran = relasi("customer", "x", "--data", data)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "relasi: 'x' is a known customer and an anonymous one; say --known or --anonymous\n"
    for option, who, spent in (("--known", "Customer", "10.00"), ("--anonymous", "Visitor", "20.00")):
        text = done("customer", "x", option, "--data", data)
        assert text.startswith(f"{who} x: ")
        assert f"1 on 1 days, {spent}" in text
    assert done("customer", "y", "--data", data).startswith("Visitor y: ")
    assert relasi("customer", "y", "--known", "--data", data).code == 1
