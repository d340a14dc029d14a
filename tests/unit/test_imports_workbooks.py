"""Workbooks as people keep them: several sheets, hidden ones, titles above the header, rows of totals."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from streams.imports.canonical import CANONICAL
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HIDDEN: Final = 'state="hidden"'
HEADER: Final = ("customer_id", "occurred_at", "kind", "amount", "currency")
Rows = Sequence[Sequence[str | float]]


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value else "<c/>"
    return f"<c><v>{value}</v></c>"


def workbook(sheets: dict[str, Rows], hidden: Sequence[str] = ()) -> bytes:
    """A workbook of these sheets, written by hand (ECMA-376)."""
    names = list(sheets)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        parts = [("/xl/workbook.xml", "sheet.main")]
        parts += [(f"/xl/worksheets/sheet{i}.xml", "worksheet") for i in range(1, len(names) + 1)]
        listed = "".join(f'<Override PartName="{name}" ContentType="{_KIND}.{kind}+xml"/>' for name, kind in parts)
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_TYPES}"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{listed}</Types>',
        )
        book = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_RELS}">{book}</Relationships>')
        rels = "".join(
            f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_RELS}">{rels}</Relationships>')
        entries = "".join(
            f'<sheet name="{name}" sheetId="{i}" {_HIDDEN if name in hidden else ""} r:id="rId{i}"/>'
            for i, name in enumerate(names, 1)
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
            )
    return out.getvalue()


def order(who: str | float, day: str, amount: str | float = 12.5) -> tuple[str | float, ...]:
    return (who, day, "order_completed", amount, "EUR")


def read(
    data: bytes, folder: Path, **said: Any
) -> tuple[list[tuple[Any, ...]], tuple[str, ...], list[tuple[int, str]]]:
    """((customer, amount, row) of each touchpoint, sheets that were not read, (row, reason) of each reject)."""
    given, now = io.BytesIO(data), 1_800_000_000_000
    with prepare(given, Mapping(**said), as_arrived=True, workdir=folder, now=now) as prepared:
        rows = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
        rejects = [(reject.row, reject.reason) for reject in prepared.rejects]
        return [(row["customer_id"], row["amount_minor"], row["row"]) for row in rows], prepared.unread, rejects


MONTHS: Final[dict[str, Rows]] = {
    "Read me": [("How to use this workbook",)],
    "Jan": [HEADER, order("ann", "2026-01-02")],
    "Feb": [HEADER, order("bob", "2026-02-02"), order("", "2026-02-03")],
    "Empty": [HEADER],
    "Customers": [("customer_id", "name"), ("ann", "Ann")],
}


def test_sheets_that_are_not_read_are_said(tmp_path: Path) -> None:
    assert read(workbook(MONTHS), tmp_path) == ([("ann", 1250, 2)], ("Feb",), [])


def test_all_sheets_with_the_same_columns(tmp_path: Path) -> None:
    rows, unread, rejects = read(workbook(MONTHS), tmp_path, sheet="*")
    assert (rows, unread) == ([("ann", 1250, 2), ("bob", 1250, 4)], ())
    assert rejects == [(5, "no_customer")]


def test_a_sheet_by_its_name_even_a_hidden_one(tmp_path: Path) -> None:
    assert read(workbook(MONTHS, hidden=["Feb"]), tmp_path, sheet="Feb")[:2] == ([("bob", 1250, 2)], ())
    with pytest.raises(InputProblem, match="has no sheet 'March'; its sheets are Read me, Jan"):
        read(workbook(MONTHS), tmp_path, sheet="March")


def test_hidden_sheets_are_passed_over(tmp_path: Path) -> None:
    assert read(workbook(MONTHS, hidden=["Jan"]), tmp_path)[:2] == ([("bob", 1250, 2)], ())


def test_what_stands_above_the_header_is_passed_over(tmp_path: Path) -> None:
    sheet: Rows = [
        ("Orders of 2026",), (), ("Customer", "", "Order"), HEADER, order("ann", "2026-01-02"),
        order(42, "2026-01-03", 7), (), ("Total", "", "", 19.5),
    ]  # fmt: skip
    rows, _, rejects = read(workbook({"Orders": sheet}), tmp_path)
    assert rows == [("ann", 1250, 5), ("42", 700, 6)]
    assert rejects == [(8, "summary_row")]


def test_what_stands_above_the_header_of_a_text_too(tmp_path: Path) -> None:
    text = b"Report of orders\nPeriod,2026\n\nKunde,Datum,Betrag\nann,2026-01-02,5.50\n"
    said = {"customer_id": "Kunde", "occurred_at": "Datum", "amount": "Betrag"}
    rows, _, rejects = read(text, tmp_path, columns=said, constants={"kind": "order_completed", "currency": "EUR"})
    assert (rows, rejects) == ([("ann", 550, 5)], [])


@pytest.mark.parametrize("text", [b'<?xml version="1.0"?><orders/>', b"\n<html><table><tr>", b"<!DOCTYPE html>"])
def test_documents_of_tags_are_called_so(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(InputProblem, match=r"HTML, XML.*save it as CSV or \.xlsx"):
        read(text, tmp_path)


def test_a_number_beside_texts_is_itself_however_the_texts_are_written(tmp_path: Path) -> None:
    amounts: tuple[str | float, ...] = (1.234, "5,50", 1250.5, "1.250,00", 7, -0.125)
    sheet: Rows = [HEADER, *(order("ann", f"2026-01-0{i}", amount) for i, amount in enumerate(amounts, 1))]
    rows, _, rejects = read(workbook({"Orders": sheet}), tmp_path)
    assert ([amount for _, amount, _ in rows], rejects) == ([123, 550, 125050, 125000, 700, -12], [])


def test_a_word_beside_numbers_raises_no_question_of_points(tmp_path: Path) -> None:
    sheet: Rows = [HEADER, order("ann", "2026-01-01", 1.234), order("ann", "2026-01-02", "n/a")]
    rows, _, rejects = read(workbook({"Orders": sheet}), tmp_path)
    assert ([amount for _, amount, _ in rows], rejects) == ([123], [(3, "bad_number")])


def test_long_numbers_that_a_sheet_has_cut_are_no_ids(tmp_path: Path) -> None:
    sheet: Rows = [
        HEADER,
        order(1e17, "2026-01-01"),
        order(1234567890123456789.0, "2026-01-02"),
        order(42, "2026-01-02"),
    ]
    rows, _, rejects = read(workbook({"Orders": sheet}), tmp_path)
    assert ([who for who, _, _ in rows], rejects) == (["42"], [(2, "bad_id"), (3, "bad_id")])


def test_dates_and_days_of_a_spreadsheet_stand_in_one_column(tmp_path: Path) -> None:
    text = b"customer_id,occurred_at,kind\na,45293,k\na,2024-01-02T12:00:00,k\na,5.1.2024,k\na,45293.5,k\n"
    given, now = io.BytesIO(text), 1_800_000_000_000
    mapping = Mapping(time_formats={"occurred_at": "excel"}, timezone="Europe/Berlin")
    with prepare(given, mapping, as_arrived=True, workdir=tmp_path, now=now) as prepared:
        rows = pa.Table.from_batches(prepared.batches(), CANONICAL).column("occurred_at").to_pylist()
        assert [reject.row for reject in prepared.rejects] == [4]
    assert rows == [1_704_150_000_000, 1_704_193_200_000, 1_704_193_200_000]
