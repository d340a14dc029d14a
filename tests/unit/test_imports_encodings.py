# ruff: noqa: E501, RUF001 (parts of a workbook stand as they are, and letters are the point)
"""Texts that are not UTF-8, and workbooks."""

import base64
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streams.imports.canonical import CANONICAL
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem

NOW = 1_800_000_000_000
MAPPING = Mapping(columns={"customer_id": "Kunde", "occurred_at": "Datum", "amount": "Betrag"},
                  constants={"kind": "x", "currency": "EUR"})  # fmt: skip
TEXT = "Kunde;Datum;Betrag\n" + "A;2026-01-05;1,50\n" * 3000 + "Müller & Söhne – “Café”;2026-01-05;12,50 €\n"


def read(data: bytes, folder: Path, mapping: Mapping = MAPPING) -> tuple[list[dict[str, Any]], str | None, list[str]]:
    with prepare(io.BytesIO(data), mapping, as_arrived=True, workdir=folder, now=NOW) as prepared:
        rows = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
        return rows, prepared.encoding, [reject.reason for reject in prepared.rejects]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("cp1252", "cp1252"),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-16-be", None),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_an_encoding_is_seen(encoding: str, found: str | None, zipped: bool, tmp_path: Path) -> None:
    data = TEXT.encode(encoding)
    rows, told, rejects = read(gzip.compress(data) if zipped else data, tmp_path)
    assert (rows[-1]["customer_id"], rows[-1]["amount_minor"], told, rejects) == (
        "Müller & Söhne – “Café”",
        1250,
        found,
        [],
    )


def test_latin_1_is_told_from_windows_1252(tmp_path: Path) -> None:
    rows, told, _ = read("Kunde;Datum;Betrag\nMüller;2026-01-05;1,50\n".encode("latin-1"), tmp_path)
    assert (rows[0]["customer_id"], told) == ("Müller", "latin-1")


@pytest.mark.parametrize("tail", [b"\xff", b"\x81", b"\xc3\xbc;\xe4"], ids=["no letter", "undefined", "beside UTF-8"])
def test_damaged_utf_8_stays_damaged(tail: bytes, tmp_path: Path) -> None:
    data = b"Kunde;Datum;Betrag\nA;2026-01-05;1,50\n" + b"B" + tail + b";2026-01-05;1,50\n"
    if tail.count(b";"):
        data = b"Kunde;Datum;Betrag\nM\xc3\xbcller;2026-01-05;1,50\nM\xfcller;2026-01-05;1,50\n"
    rows, told, rejects = read(data, tmp_path)
    assert (len(rows), told, rejects) == (1, None, ["bad_text"])


def test_what_was_said_is_what_holds(tmp_path: Path) -> None:
    data = "Kunde;Datum;Betrag\nИван;2026-01-05;1,50\n".encode("cp1251")
    mapping = Mapping(**{**MAPPING.__dict__, "encoding": "cp1251"})
    assert read(data, tmp_path, mapping)[0][0]["customer_id"] == "Иван"


SHEET = """<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
{rows}</sheetData></worksheet>"""
STYLES = """<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs
count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>"""
BOOK = """<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="Orders" sheetId="1" r:id="rId1"/><sheet name="Other" sheetId="2" r:id="rId2"/></sheets></workbook>"""
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook() -> bytes:
    """A workbook of two sheets, written by hand: its parts are those of ECMA-376."""

    def text(value: str) -> str:
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    head = "<row>" + "".join(map(text, ("Kunde", "Datum", "Betrag"))) + "</row>"
    body = ["<row>" + text("Ann") + '<c s="1"><v>45293</v></c><c><v>10.5</v></c></row>', "<row></row>",
            f"<row><c><v>42</v></c>{text('2026-01-05')}<c><v>7</v></c></row>"]  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        parts = "".join(
            f'<Override PartName="{name}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"/>'
            for name, kind in (("/xl/workbook.xml", "sheet.main"), ("/xl/worksheets/sheet1.xml", "worksheet"),
                               ("/xl/worksheets/sheet2.xml", "worksheet"), ("/xl/styles.xml", "styles"))
        )  # fmt: skip
        archive.writestr("[Content_Types].xml", f'<?xml version="1.0"?><Types xmlns="{_TYPES}"><Default Extension="rels" '
                         f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{parts}</Types>')  # fmt: skip
        archive.writestr("_rels/.rels", f'<?xml version="1.0"?><Relationships xmlns="{_RELS}"><Relationship Id="rId1" '
                         f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>')  # fmt: skip
        rels = "".join(
            f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
            for i, kind, target in ((1, "worksheet", "worksheets/sheet1.xml"), (2, "worksheet", "worksheets/sheet2.xml"),
                                    (3, "styles", "styles.xml"))
        )  # fmt: skip
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<?xml version="1.0"?><Relationships xmlns="{_RELS}">{rels}</Relationships>'
        )
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/styles.xml", STYLES)
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows=head + "".join(body)))
        archive.writestr("xl/worksheets/sheet2.xml", SHEET.format(rows=head + body[2]))
    return out.getvalue()


def test_a_sheet_of_a_workbook(tmp_path: Path) -> None:
    rows, _, rejects = read(workbook(), tmp_path)
    assert rejects == []
    assert [(row["customer_id"], row["occurred_at"], row["amount_minor"], row["row"]) for row in rows] == [
        ("Ann", 1704153600000, 1050, 2), ("42", 1767571200000, 700, 4),
    ]  # fmt: skip
    other = Mapping(**{**MAPPING.__dict__, "sheet": "Other"})
    assert [row["customer_id"] for row in read(workbook(), tmp_path, other)[0]] == ["42"]
    missing = Mapping(**{**MAPPING.__dict__, "sheet": "None"})
    with pytest.raises(InputProblem, match="has no sheet 'None'; its sheets are Orders, Other"):
        read(workbook(), tmp_path, missing)


def test_what_is_no_whole_workbook_is_refused(tmp_path: Path) -> None:
    data = workbook()
    with pytest.raises(InputProblem, match="ZIP archive or a spreadsheet"):
        read(data[: len(data) // 2], tmp_path)
    with pytest.raises(InputProblem, match="not a whole workbook"):
        read(base64.b64decode("0M8R4KGxGuE=") + b"x" * 5000, tmp_path)


def test_a_workbook_that_unpacks_hugely_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (80 << 20))
    with pytest.raises(InputProblem, match="as no workbook of its size does"):
        read(out.getvalue(), tmp_path)
