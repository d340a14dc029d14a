"""Money in files, through the command: what is understood, what is asked, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest
from support.command import done, relasi, rows

GERMAN = (
    "\ufeffKunde;Datum;Betrag;Waehrung\n"
    "Müller;31.12.2023;1.234,56;EUR\nMeier;31.12.2023;12,50;EUR\nSchulz;31.12.2023;1.000;EUR\n"
    "Huber;01.01.2024;-12,50;EUR\nX;01.01.2024;12,50 €;EUR\n"
)
MAPPED = (
    "--map", "customer_id=Kunde", "--map", "occurred_at=Datum", "--map", "amount=Betrag", "--set",
    "kind=order_completed",
)  # fmt: skip


def touchpoints(data: Path) -> list[dict[str, Any]]:
    return rows(data, "SELECT customer_id, amount_minor, currency FROM touchpoints ORDER BY amount_minor, customer_id")


def written(data: Path, name: str, text: str) -> Path:
    file = data.with_name(name)
    file.write_text(text, "utf-8")
    return file


def test_a_german_export(data: Path) -> None:
    file = written(data, "bom_semi.csv", GERMAN)
    said = done("import", file, *MAPPED, "--map", "currency=Waehrung", "--time-format", "%d.%m.%Y", "--data", data)
    assert "5 touchpoints imported" in said
    assert [row["amount_minor"] for row in touchpoints(data)] == [-1250, 1250, 1250, 100000, 123456]


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "minor"), [(",", 100000), (".", 100)])
def test_thousands_alone_are_asked_about(sign: str, minor: int, data: Path) -> None:
    file = written(data, "thousand.csv", "Kunde;Datum;Betrag\nSchulz;2024-01-05;1.000\n")
    asked = relasi("import", file, *MAPPED, "--set", "currency=EUR", "--data", data)
    assert asked.code == 3
    assert "amount '1.000' in line 2 can be read in two ways" in asked.err
    assert "--decimal" in asked.err
    assert rows(data, "SELECT * FROM touchpoints") == []
    done("import", file, *MAPPED, "--set", "currency=EUR", "--decimal", sign, "--data", data)
    assert touchpoints(data) == [{"customer_id": "Schulz", "amount_minor": minor, "currency": "EUR"}]


@pytest.mark.slow
def test_no_currency_is_ever_taken_in_silence(data: Path) -> None:
    file = written(data, "plain.csv", "Kunde;Datum;Betrag\nSchulz;2024-01-05;10\n")
    warned = relasi("import", file, *MAPPED, "--data", data)
    assert warned.code == 0
    assert "1 rows have amounts without a currency, and count as USD" in warned.err
    assert "--set currency=EUR" in warned.err
    said = relasi("import", file, *MAPPED, "--set", "currency=EUR", "--data", data / "said")
    assert (said.code, said.err) == (0, "")
    assert touchpoints(data / "said") == [{"customer_id": "Schulz", "amount_minor": 1000, "currency": "EUR"}]


def test_the_currency_of_ones_own_policy_is_known(data: Path) -> None:
    policy = written(data, "yen.toml", done("policy", "show", "--data", data).replace('"USD"', '"JPY"', 1))
    file = written(data, "yen.csv", "Kunde;Datum;Betrag\nSato;2024-01-05;1,500\nIto;2024-01-06;¥980\n")
    done("import", file, *MAPPED, "--policy", policy, "--data", data)
    assert touchpoints(data) == [
        {"customer_id": "Ito", "amount_minor": 980, "currency": "JPY"},
        {"customer_id": "Sato", "amount_minor": 1500, "currency": "JPY"},
    ]


NEGATIVE = """customer_id,occurred_at,kind,order_id,amount,currency
ann,2026-01-01,order_completed,O1,100.00,USD
ann,2026-01-10,{kind},C-O1,{amount},USD
bob,2026-01-01,order_completed,O2,100.00,USD
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "amount"), [("order_completed", "-100.00"), ("order_refunded", "100.00"), ("order_refunded", "-100.00")]
)
def test_what_comes_back_is_taken_back_whatever_its_sign(kind: str, amount: str, data: Path) -> None:
    done("import", written(data, "neg.csv", NEGATIVE.format(kind=kind, amount=amount)), "--data", data)
    found = rows(
        data,
        "SELECT customer_id, purchases, spend_minor, refunded_minor, margin_minor, value_tier, clv_minor > 0 AS worth "
        "FROM profiles ORDER BY customer_id",
    )
    assert [tuple(row.values())[:5] for row in found] == [("ann", 1, 10000, 10000, 0), ("bob", 1, 10000, 0, 3000)]
    assert found[0]["value_tier"] == "low"
    told = rows(data, "SELECT sum(refunded_minor) AS back FROM touchpoint_meanings WHERE customer_id = 'ann'")
    assert told == [{"back": 10000}]
