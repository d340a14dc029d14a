"""Where a table begins: below titles, in whatever encoding, and in an array beside what is said of all of it."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import money, read

from streams.imports.canonical import CANONICAL
from streams.imports.encodings import likely_of, of_text
from streams.imports.headers import header_of
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem

NOW = 1_800_000_000_000
MAPPING = Mapping(
    columns={"customer_id": "wer", "occurred_at": "wann"}, constants={"kind": "order_completed", "currency": "EUR"}
)
TITLES = [
    "Umsatzliste;;;\n",
    "Umsatzliste\n\n",
    "Filiale Bonn\nZeitraum: 01.01.2026 - 31.01.2026\n\n",
    '"Bericht, Januar";;;\n;;;\n',
]


def rows_of(data: bytes, folder: Path, mapping: Mapping = MAPPING) -> list[dict[str, Any]]:
    with prepare(io.BytesIO(data), mapping, as_arrived=True, workdir=folder, now=NOW) as prepared:
        found: list[dict[str, Any]] = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
        return found


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_passed_over_where_no_column_is_known(title: str, tmp_path: Path) -> None:
    text = title + "wer;wann;was;wo\nann;05.01.2026;A;x\nbob;16.01.2026;B;y\n"
    assert [row["customer_id"] for row in rows_of(text.encode(), tmp_path)] == ["ann", "bob"]


@pytest.mark.parametrize(
    "text",
    [
        'wer;wann\nann;"05.01.2026"\n"bob; junior; a; b; c; d";16.01.2026\n',
        'wer,wann\nann,2026-01-05\n"bob, a, b,\nc, d, e, f, g",2026-01-16\n',
        "wer wann\nann 2026-01-05\nb,o,b,b,y 2026-01-16\n",
    ],
)
def test_a_first_line_that_fills_as_much_as_the_others_is_the_header(text: str, tmp_path: Path) -> None:
    assert [row["customer_id"][:3] for row in rows_of(text.encode(), tmp_path)] in (["ann", "bob"], ["ann", "b,o"])


@given(st.lists(st.lists(st.sampled_from(["", "a", "b c"]), max_size=6), max_size=8))
def test_the_header_is_a_row_and_the_first_one_unless_it_fills_less_than_half(rows: list[list[str]]) -> None:
    place = header_of(rows, frozenset())
    filled = [sum(map(bool, row)) for row in rows]
    assert place == 0 or filled[place] > 0
    first = next((i for i, count in enumerate(filled) if count), 0)
    if place > first:
        assert 2 * filled[first] <= max(filled)


def test_names_that_are_known_tell_the_header(tmp_path: Path) -> None:
    rows = [["wide", "wider", "widest", "title"], ["kunde", "datum", "betrag"]]
    assert header_of(rows, frozenset()) == 0
    assert header_of(rows, frozenset(("kunde", "datum", "betrag"))) == 1


@pytest.mark.parametrize(
    ("names", "encoding", "told"),
    [
        ("Номер заказа;Дата;Клиент", "windows-1251", "windows-1251"),
        ("Numer zamówienia;Wpłata", "windows-1250", "windows-1250"),
        ("注文番号,注文日時,顧客", "shift_jis", "shift_jis"),
    ],
)
def test_names_that_are_not_utf_8_are_asked_about(names: str, encoding: str, told: str, tmp_path: Path) -> None:
    text = f"{names}\n1;05.01.2026;x\n".encode(encoding)
    assert of_text([text]) is None
    assert any(each.startswith(told) for each in likely_of(names.encode(encoding)))
    with pytest.raises(InputProblem, match=f"--encoding.*{told}"):
        rows_of(text, tmp_path)


@pytest.mark.parametrize(
    "text", ["Straße;Größe;Müller\n", "déjà;vœu;N°\n".replace("œ", "oe"), "año;niño;ação\n", "läänemaa;jäär\n"]
)
def test_western_texts_still_are(text: str) -> None:
    assert of_text([text.encode("latin-1")]) == "latin-1"


@pytest.mark.parametrize(
    "beside",
    [
        {"averageRating": 3.3, "totalReviewCount": 2},
        {"type": "order.list", "total_count": 2, "pages": {"page": 1}},
        {"nextPageToken": "x"},
    ],
)
def test_what_is_said_of_all_elements_is_no_row(beside: dict[str, Any], tmp_path: Path) -> None:
    elements = [{"wer": "ann", "wann": "2026-01-05"}, {"wer": "bob", "wann": "2026-01-06"}]
    text = json.dumps({"elements": elements, **beside})
    assert [row["customer_id"] for row in rows_of(text.encode(), tmp_path)] == ["ann", "bob"]


def test_an_order_with_its_items_stays_one(tmp_path: Path) -> None:
    text = json.dumps({"wer": "ann", "wann": "2026-01-05", "total_price": "3.00", "items": [{"sku": "A"}]})
    assert [row["customer_id"] for row in rows_of(text.encode(), tmp_path)] == ["ann"]


PROPERTY = """Reservation Report - Grand Hotel
Business Date: 01-FEB-26

Confirmation No.,Guest Name,Profile ID,Arrival Date,Departure Date,Nights,Total Revenue,Currency,Reservation Status,Insert Date
556677,"LEE,ANN",88001,10-JAN-26,12-JAN-26,2,300.00,GBP,CHECKED OUT,01-DEC-25
556678,"RAY,BOB",88002,11-JAN-26,13-JAN-26,2,300.00,GBP,CANCELLED,02-DEC-25
556680,"LEE,ANN",88001,20-JAN-26,22-JAN-26,2,300.00,GBP,NO SHOW,04-DEC-25
,,,,,Grand Total,900.00,,,
"""  # noqa: E501 (as the program writes it)


def test_stays_of_a_property_management_system(tmp_path: Path) -> None:
    rows, prepared = read("hotel", PROPERTY, tmp_path)
    assert [(row["customer_id"], row["kind"]) for row in rows] == [
        ("88001", "reservation_made"), ("88001", "checked_in"), ("88001", "checked_out"),
        ("88002", "reservation_made"), ("88002", "reservation_cancelled"),
        ("88001", "reservation_made"), ("88001", "no_show_recorded"),
    ]  # fmt: skip
    assert sum(row["amount_minor"] or 0 for row in rows) == 30000
    assert len(prepared.rejects) == 1


def test_tickets_of_other_help_desks(tmp_path: Path) -> None:
    text = (
        "Ticket ID,Status,Source,Agent,Created time,Resolved time,Survey results,Contact ID\n"
        "1,Closed,Email,Joe,2026-01-05 10:00:00,2026-01-05 15:00:00,Extremely Happy,9001\n"
        "2,Open,Portal,Joe,2026-01-07 10:00:00,,,9002\n"
    )
    rows, _ = read("zendesk", text, tmp_path)
    assert [(row["customer_id"], row["kind"], row["satisfaction"]) for row in rows] == [
        ("9001", "support_ticket_opened", None), ("9001", "support_ticket_solved", 5.0),
        ("9002", "support_ticket_opened", None),
    ]  # fmt: skip


def test_a_statement_that_names_who_paid(tmp_path: Path) -> None:
    text = (
        '"TransferWise ID",Date,Amount,Currency,Description,"Payer Name","Payee Name"\n'
        "T-1,05-01-2026,100.00,GBP,Received,Ann Lee,\nT-2,16-01-2026,-30.00,GBP,Sent,,Bob Ray\n"
    )
    rows, _ = read("bank", text, tmp_path)
    assert money(rows) == {("order_completed", "GBP"): 10000, ("order_refunded", "GBP"): -3000}
    assert [row["customer_id"] for row in rows] == ["Ann Lee", "Bob Ray"]
