"""Amounts as people write them: one by one, and as whole columns."""
# ruff: noqa: RUF001 (they write signs that look like others)

import io
import json
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.imports.amounts import Amounts
from streams.imports.canonical import CANONICAL
from streams.imports.evidence import EITHER, FIRST, NEUTRAL, SECOND
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem

NOW = 1_800_000_000_000
BASE = {"customer_id": "c", "kind": "order_completed", "occurred_at": "2024-01-05"}


def read(text: str, decimals: int = 2, told: str | None = None, assumed: int = FIRST) -> tuple[int | None, int]:
    """(minor units, the way that the text speaks for)."""
    values, bad, ways = Amounts(pa.array([text]), sure=False).read(np.array([decimals], np.int8), told, assumed)
    assert bool(bad[0]) == (values[0].as_py() is None)
    return values[0].as_py(), int(ways[0])


def currencies(text: str) -> frozenset[str]:
    amounts = Amounts(pa.array([text]), sure=False)
    dressing = amounts.dressings[amounts.which[0]]
    assert dressing is not None
    found: frozenset[str] = dressing.currencies
    return found


@pytest.mark.parametrize(
    ("text", "cents", "way"),
    [
        ("1.234,56", 123456, SECOND), ("12.345,6", 1234560, SECOND), ("1,23", 123, SECOND), ("0,5", 50, SECOND),
        ("1.234.567", 123456700, SECOND), ("12,-", 1200, SECOND), ("1.250,–", 125000, SECOND),
        ("1 250,00 €", 125000, SECOND), ("1\u00a0250,00\u00a0€", 125000, SECOND), ("1\u202f250,5", 125050, SECOND),
        ("R$ 1.234,56", 123456, SECOND), ("10,00 kr.", 1000, SECOND), ("−5,5", -550, SECOND),
        ("1,234.56", 123456, FIRST), ("$1,250.00", 125000, FIRST), ("(10.00)", -1000, FIRST), ("10.00-", -1000, FIRST),
        ("CHF 1'250.–", 125000, FIRST), ("1’250.50", 125050, FIRST), ("0.123", 12, FIRST), ("5.", 500, FIRST),
        ("1,234,567", 123456700, FIRST), ("Rs. 1,25,000.50", 12500050, FIRST), ("$.50", 50, FIRST), (".5", 50, FIRST),
        ("(€5.00)", -500, FIRST), ("€ -5.00", -500, FIRST), ("1234.567", 123457, FIRST), ("1.5E-1", 15, FIRST),
        ("0.30000000000000004", 30, FIRST), ("0.29999999999999999", 30, FIRST), ("1.005", 100, EITHER),
        ("10", 1000, NEUTRAL), ("-5", -500, NEUTRAL), ("+5", 500, NEUTRAL), ("-0", 0, NEUTRAL), ("-$5", -500, NEUTRAL),
        ("1e3", 100_000, NEUTRAL), ("12 345", 1234500, NEUTRAL), ("12'345", 1234500, NEUTRAL),
        ("500/-", 50000, NEUTRAL),
        ("Rs.500", 50000, NEUTRAL), ("5 US$", 500, NEUTRAL), ("- 5", -500, NEUTRAL),
        ("1.000", 100, EITHER), ("1,234", 123400, EITHER), ("Rp 10.000", 1000, EITHER), ("-999.999", -100000, EITHER),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, cents: int, way: int) -> None:
    assert read(text) == (cents, way)


@pytest.mark.parametrize(
    "text",
    ["NaN", "-", "€", "(-5)", "--5", "5 pcs", "20%", "1,2,3", "1 2 3", "1.2.3", "USD 5 EUR", "٣", "１２", "0x10", "1e",
     "12.34.56", "1,23,4", "1234,567,890", "01,234,567", "5 / 3", "10.00 and 20.00", "1e30", "1,234.5,6", "inf",
     "2024-01-05", "1'23"],
)  # fmt: skip
def test_what_is_no_amount(text: str) -> None:
    assert read(text) == (None, NEUTRAL)


def test_a_sign_that_was_told_is_the_only_one() -> None:
    assert [read(text, told=",")[0] for text in ("1.000", "1,5", "1.5", "1,234")] == [100000, 150, None, 123]
    assert [read(text, told=".")[0] for text in ("1.000", "1,5", "1.5", "1,234")] == [100, None, 150, 123400]
    assert read("1.000", assumed=SECOND) == (100000, EITHER)


def test_a_currency_can_decide() -> None:
    assert read("1.500", 0) == (1500, SECOND)
    assert read("1,500", 0) == (1500, FIRST)
    assert read("1.234", 3) == (1234, FIRST)
    assert read("1,234", 3) == (1234000, EITHER)


def test_signs_of_currencies() -> None:
    assert currencies("5 €") == currencies("EUR 5") == currencies("5eur") == currencies("€5 EUR") == {"EUR"}
    assert currencies("zł 5") == {"PLN"}
    assert currencies("£5") == {"GBP"}
    assert {"USD", "CAD", "MXN"} < currencies("$5")
    assert currencies("$5 CAD") == {"CAD"}


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from([(".", ","), (",", "."), (".", " "), (",", "\u00a0"), (".", "'"), (",", "\u202f"), (",", "")]),
    st.sampled_from(["{}", "{} €", "€{}", "EUR {}", "{}\u00a0EUR"]),
    st.sampled_from(["-{}", "({})", "{}-", "−{}"]),
)
def test_what_is_written_in_any_style_is_read_back(cents: int, signs: tuple[str, str], worn: str, minus: str) -> None:
    point, separator = signs
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", separator) + f"{point}{rest:02}"
    text = worn.format(text)
    text = minus.format(text) if cents < 0 else text
    assert read(text) == (cents, FIRST if point == "." else SECOND)
    assert read(text, told=point)[0] == cents


@given(st.decimals(-(10**9), 10**9, places=5), st.sampled_from([0, 2, 3]))
def test_further_digits_are_rounded_half_to_even(amount: Decimal, decimals: int) -> None:
    expected = int(amount.scaleb(decimals).to_integral_value(ROUND_HALF_EVEN))
    assert read(f"{amount:f}", decimals)[0] == expected


def rows_of(data: bytes, folder: Path, mapping: Mapping | None = None, **options: Any) -> list[dict[str, Any]]:
    with prepare(
        io.BytesIO(data), mapping or Mapping(), as_arrived=True, workdir=folder, **{"now": NOW} | options
    ) as prepared:
        assert list(prepared.rejects) == []
        rows: list[dict[str, Any]] = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
    return rows


def csv_of(amounts: list[str], currency: str = "EUR", delimiter: str = ";") -> bytes:
    head = delimiter.join([*BASE, "amount", "currency"])
    lines = [delimiter.join([*BASE.values(), f'"{amount}"', currency]) for amount in amounts]
    return "\n".join([head, *lines]).encode()


def minor(data: bytes, folder: Path, mapping: Mapping | None = None, **options: Any) -> list[int | None]:
    return [row["amount_minor"] for row in rows_of(data, folder, mapping, **options)]


def test_the_whole_column_decides(tmp_path: Path) -> None:
    assert minor(csv_of(["1.234,56", "12,50", "1.000", "-12,50", "12,50 €"]), tmp_path) == [
        123456, 1250, 100000, -1250, 1250,
    ]  # fmt: skip
    assert minor(csv_of(["1,000", "$9.99"], "USD"), tmp_path) == [100000, 999]
    # The last row of thousands decides what the first one means, blocks apart.
    many = csv_of(["1.000"] * 150_000 + ["0,5"])
    found = minor(many, tmp_path)
    assert (set(found[:-1]), found[-1]) == ({100000}, 50)


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("amounts", [["1.000"], ["1,234"], ["5", "10", "1.234", "-2.000"]])
def test_a_column_that_says_nothing_is_asked_about(amounts: list[str], delimiter: str, tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match=r"can be read in two ways.*--decimal \. .*--decimal ,|--decimal , .*--dec"):
        prepare(io.BytesIO(csv_of(amounts, delimiter=delimiter)), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW)
    for sign in (".", ","):
        assert None not in minor(csv_of(amounts, delimiter=delimiter), tmp_path, Mapping(decimal=sign))
    assert minor(csv_of(["1.000"]), tmp_path, Mapping(decimal=",")) == [100000]
    assert minor(csv_of(["1.000"]), tmp_path, Mapping(decimal=".")) == [100]


def test_a_column_written_in_two_ways_is_asked_about(tmp_path: Path) -> None:
    data = csv_of(["12.50", "7", "12,50"])
    with pytest.raises(
        InputProblem, match=r"two ways: with a decimal point \('12.50' in line 2; 1 rows\) and .*line 4"
    ):
        prepare(io.BytesIO(data), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW)
    with prepare(io.BytesIO(data), Mapping(decimal="."), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        rejects = [(reject.row, reject.reason, reject.detail) for reject in prepared.rejects]
    assert rejects == [(4, "bad_number", "amount '12,50' is not a number with a decimal point (--decimal)")]


def test_numbers_of_json_and_parquet_have_a_point(tmp_path: Path) -> None:
    row = BASE | {"currency": "EUR"}
    lines = [json.dumps(row | {"amount": amount}) for amount in (1.234, 0.1 + 0.2, 1e3, -0.0, 5)]
    assert minor("\n".join(lines).encode(), tmp_path) == [123, 30, 100000, 0, 500]
    with pytest.raises(InputProblem, match="--decimal"):
        prepare(
            io.BytesIO(json.dumps(row | {"amount": "1.234"}).encode()),
            Mapping(),
            as_arrived=True,
            workdir=tmp_path,
            now=NOW,
        )
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row | {"amount": 1.234}, row | {"amount": 1234.0}]), out)
    assert minor(out.getvalue(), tmp_path) == [123, 123400]
    assert minor(out.getvalue(), tmp_path, Mapping(decimal=",")) == [123, 123400]


def test_what_stands_beside_an_amount_is_its_currency(tmp_path: Path) -> None:
    rows = rows_of(csv_of(["12,50 €", "$3,50", "KWD 1,2345", "0", "7"], ""), tmp_path, own_currency="CAD")
    assert [(row["amount_minor"], row["currency"]) for row in rows] == [
        (1250, "EUR"), (350, "CAD"), (1234, "KWD"), (0, None), (700, "CAD"),
    ]  # fmt: skip
    with prepare(
        io.BytesIO(csv_of(["¥5", "5"], "")), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW, own_currency="CAD"
    ) as prepared:
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [(2, "no_currency")]


def test_another_currency_than_the_row_says_is_refused(tmp_path: Path) -> None:
    data = csv_of(["$5", "5 €", "5 USD"], "EUR")
    with prepare(io.BytesIO(data), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [
            (2, "currency_differs"),
            (4, "currency_differs"),
        ]


def test_a_currency_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    for amount in ("5", "$5"):
        with pytest.raises(InputProblem, match=r"no currency.*--set currency=EUR"):
            minor(csv_of([amount], ""), tmp_path, ask_currency=True)
    assert minor(csv_of(["5"], ""), tmp_path) == [500]
    said = Mapping(constants={"currency": "USD"})
    assert minor(csv_of(["$5"], ""), tmp_path, said, ask_currency=True) == [500]
    data = csv_of(["5", "5 €"], "")
    with prepare(
        io.BytesIO(data), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW, ask_currency=True
    ) as prepared:
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [(2, "no_currency")]


def test_currencies_may_be_signs(tmp_path: Path) -> None:
    assert [row["currency"] for row in rows_of(csv_of(["5"], "€"), tmp_path)] == ["EUR"]
    with prepare(io.BytesIO(csv_of(["0"], "$")), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert [reject.reason for reject in prepared.rejects] == ["bad_currency"]


def test_what_no_touchpoint_may_have(tmp_path: Path) -> None:
    data = csv_of(["10000000000000", "10000000000000.01", "-99999999999999"])
    with prepare(io.BytesIO(data), Mapping(decimal="."), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [
            (3, "impossible_amount"),
            (4, "impossible_amount"),
        ]
