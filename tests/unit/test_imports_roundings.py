"""Amounts with more decimals than their currency: what rounding changes is asked about where it is considerable."""

from decimal import ROUND_HALF_EVEN, Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.imports.mapping import Mapping
from streams.imports.prepare import Prepared, prepare
from streams.imports.problems import NothingUsable
from streams.imports.roundings import times


def opened(text: str, folder: Path, **said: Any) -> Prepared:
    given, now = BytesIO(text.encode()), 1_800_000_000_000
    return prepare(given, Mapping(**said), as_arrived=True, workdir=folder, now=now)


def minor(text: str, folder: Path, **said: Any) -> list[int | None]:
    """The amounts of a file, in minor units."""
    with opened(text, folder, **said) as prepared:
        assert len(prepared.rejects) == 0
        found: list[int | None] = pa.Table.from_batches(prepared.batches()).column("amount_minor").to_pylist()
        return found


def column(*amounts: str, currency: str = "EUR") -> str:
    rows = [f'c{i},2026-01-02,order_completed,"{amount}",{currency}' for i, amount in enumerate(amounts)]
    return "customer_id,occurred_at,kind,amount,currency\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("amounts", "currency", "share"),
    [
        (["0.0508", "0.0339", "0.0169"], "EUR", "8%"),
        (["0,0508", "0,0339", "0,0169"], "EUR", "8%"),
        (["€0.0508", "€0.0339", "€0.0169"], "EUR", "8%"),
        (["1.4", "2.4"], "JPY", "21%"),
        (["0.0005", "0.0012"], "BTC", "100%"),
        (["0.004", "0.003"], "EUR", "100%"),
    ],
)
def test_a_considerable_share_is_asked_about(tmp_path: Path, amounts: list[str], currency: str, share: str) -> None:
    text = column(*amounts, currency=currency)
    with pytest.raises(NothingUsable) as refused:
        opened(text, tmp_path)
    said = str(refused.value)
    assert f"amount {amounts[0]!r} in line 2 has more decimals than its currency" in said
    assert f"changes {share} of the column's money" in said
    assert "--set rounding=accept" in said
    assert "--map 'amount==COLUMN * 1000'" in said
    assert len(minor(text, tmp_path, constants={"rounding": "accept"})) == len(amounts)


def test_scaled_amounts_come_in_as_they_were(tmp_path: Path) -> None:
    assert minor(column("0.0508", "0.0339"), tmp_path, computed={"amount": "amount * 1000"}) == [5080, 3390]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["12.3456", "99.99"], [1235, 9999]),
        (["10.1250", "10.1350"], [1012, 1014]),
        (["1.0000", "2.50000"], [100, 250]),
        (["1,234.00", "1,234,567.00"], [123400, 123456700]),
        (["0.0508", "100.00"], [5, 10000]),
    ],
)
def test_what_loses_nothing_that_anybody_would_miss_comes_in(
    tmp_path: Path, amounts: list[str], expected: list[int]
) -> None:
    assert minor(column(*amounts), tmp_path) == expected


def test_thousands_are_no_decimals(tmp_path: Path) -> None:
    assert minor(column("1.500", "2.000", "3,25"), tmp_path) == [150000, 200000, 325]


def test_a_price_is_multiplied_before_it_is_rounded(tmp_path: Path) -> None:
    text = (
        "customer_id,occurred_at,kind,order_id,sku,quantity,price,currency\n"
        "a,2026-01-02,order_completed,1,S,1000,0.0049,EUR\n"
        "b,2026-01-02,order_completed,2,S,3,1.005,EUR\n"
        "c,2026-01-02,order_completed,3,S,-7,0.335,EUR\n"
        "d,2026-01-02,order_completed,4,S,2,10.00,EUR\n"
    )
    assert minor(text, tmp_path, decimal=".") == [490, 302, -234, 2000]


@given(st.integers(-(10**9), 10**9), st.integers(-(10**5), 10**5))
def test_lines_are_rounded_half_to_even(fine: int, quantity: int) -> None:
    expected = int((Decimal(fine) * quantity / 10**4).to_integral_value(ROUND_HALF_EVEN))
    prices = pa.array([fine // 10**4], pa.int64())
    assert times(prices, pa.array([fine], pa.int64()), pa.array([quantity], pa.int64())).to_pylist() == [expected]


def test_a_line_of_totals_that_is_rejected_asks_for_no_currency(tmp_path: Path) -> None:
    text = column("10.00") + "Total,,,10.00,\n"
    with opened(text, tmp_path) as prepared:
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [(3, "summary_row")]
        assert prepared.without_currency == 0
