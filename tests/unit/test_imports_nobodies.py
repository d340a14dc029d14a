"""Ids that name nobody in a file: asked about where they are many, never the id of an order or an event."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.nobody import NOBODY, is_nobody
from streams.imports.canonical import CANONICAL
from streams.imports.mapping import Mapping
from streams.imports.nobodies import are_nobody
from streams.imports.prepare import prepare
from streams.imports.problems import NothingUsable

HEADER = "customer_id,anonymous_id,occurred_at,kind,amount,currency,order_id\n"


def read(text: str, folder: Path, mapping: Mapping | None = None) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """(touchpoints, (line, reason) of each reject)."""
    given, now = BytesIO(text.encode()), 1_800_000_000_000
    with prepare(given, mapping or Mapping(), as_arrived=True, workdir=folder, now=now) as prepared:
        rows: list[dict[str, Any]] = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
        return rows, [(reject.row, reject.reason) for reject in prepared.rejects]


def orders(customers: list[str], order: str = "", visitor: str = "") -> str:
    rows = [
        f"{who},{visitor},2026-01-{1 + i % 28:02d},order_completed,10,EUR,{order}" for i, who in enumerate(customers)
    ]
    return HEADER + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    "text", ["NULL", "undefined", "0", "anonymous", "Guest", "-", "(not set)", "N/A", "[object Object]"]
)
def test_most_rows_of_nobody_are_asked_about(tmp_path: Path, text: str) -> None:
    file = orders([text, text, "bob"])
    with pytest.raises(NothingUsable) as refused:
        read(file, tmp_path)
    said = str(refused.value)
    assert f"customer {text!r} in line 2 looks like no customer, and 2 of 3 rows are of such: {text!r} (2)" in said
    assert "--set no_id=nothing" in said
    assert "--set no_id=customer" in said
    rows, rejects = read(file, tmp_path, Mapping(constants={"no_id": "nothing"}))
    assert ([row["customer_id"] or row["anonymous_id"] for row in rows], rejects) == (
        ["bob"],
        [(2, "no_customer"), (3, "no_customer")],
    )
    rows, rejects = read(file, tmp_path, Mapping(constants={"no_id": "customer"}))
    assert ([row["customer_id"] or row["anonymous_id"] for row in rows], rejects) == ([text, text, "bob"], [])


@pytest.mark.parametrize(
    ("nobodies", "others", "asked"), [(1, 1, False), (99, 891, False), (100, 900, True), (100, 901, False)]
)
def test_how_many_are_many(tmp_path: Path, nobodies: int, others: int, asked: bool) -> None:
    file = orders(["NULL"] * nobodies + [f"c{i}" for i in range(others)])
    if asked:
        with pytest.raises(NothingUsable, match="100 of 1,000 rows"):
            read(file, tmp_path)
    else:
        assert len(read(file, tmp_path)[0]) == nobodies + others


def test_a_visitor_is_told_by_the_id_that_is_left(tmp_path: Path) -> None:
    file = orders(["NULL", "NULL"], visitor="v1")
    rows, rejects = read(file, tmp_path, Mapping(constants={"no_id": "nothing"}))
    assert ([row["customer_id"] or row["anonymous_id"] for row in rows], rejects) == (["v1", "v1"], [])
    with pytest.raises(NothingUsable, match="'undefined' in line 2"):
        read(orders([""], visitor="undefined"), tmp_path)


@pytest.mark.parametrize("text", ["NULL", "undefined", "n/a", "-", "None"])
def test_orders_without_an_id_are_not_one_order(tmp_path: Path, text: str) -> None:
    rows, _ = read(orders(["ann", "ann", "ann"], order=text), tmp_path)
    assert [row["amount_minor"] for row in rows] == [1000, 1000, 1000]


def test_events_without_an_id_are_not_one_event(tmp_path: Path) -> None:
    file = "event_id,customer_id,occurred_at,kind\nnull,a,2026-01-01,page_viewed\nnull,a,2026-01-02,page_viewed\n"
    ids = [row["event_id"] for row in read(file, tmp_path)[0]]
    assert len(set(ids)) == 2
    assert "null" not in ids


def test_the_compiled_marks_are_those_of_the_list() -> None:
    texts = [*sorted(NOBODY), *(text.upper() for text in sorted(NOBODY)), "ann", "00", "nobody", "é", "a" * 300]
    assert are_nobody(pa.array([*texts, None])).tolist() == [*map(is_nobody, texts), False]


@pytest.mark.parametrize("text", ["1.23457E+12", "9.87E+15", "1.234567890123457e+16"])
def test_ids_that_lost_their_digits_in_a_spreadsheet_are_rejects(tmp_path: Path, text: str) -> None:
    rows, rejects = read(orders([text, text, "ann"]), tmp_path)
    assert ([row["customer_id"] for row in rows], rejects) == (["ann"], [(2, "bad_id"), (3, "bad_id")])
    rows, rejects = read(orders(["ann"], order=text), tmp_path)
    assert (rows, rejects) == ([], [(2, "bad_id")])


@pytest.mark.parametrize("text", ["12E4", "1E5", "a1.5E+12", "1.5", "9007199254740993"])
def test_ids_that_only_look_like_numbers_are_ids(tmp_path: Path, text: str) -> None:
    rows, rejects = read(orders([text]), tmp_path)
    assert ([row["customer_id"] for row in rows], rejects) == ([text], [])


@pytest.mark.parametrize("text", ["Total", "Grand total:", "SUMME", "Total général", "Jumlah", "合計"])
def test_a_row_of_totals_is_no_customer(tmp_path: Path, text: str) -> None:
    file = orders(["ann", "bob", "Total Energies", text])
    for mapping in (Mapping(), Mapping(constants={"no_id": "nothing"})):
        rows, rejects = read(file, tmp_path, mapping)
        assert [row["customer_id"] for row in rows] == ["ann", "bob", "Total Energies"]
        assert rejects == [(5, "summary_row")]
    rows, rejects = read(file, tmp_path, Mapping(constants={"no_id": "customer"}))
    assert ([row["customer_id"] for row in rows][-1], rejects) == (text.rstrip(), [])
