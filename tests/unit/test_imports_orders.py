"""Rows of one order: lines, a confirmation that fires again, an order that grows."""

import io
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streams.imports.canonical import CANONICAL
from streams.imports.mapping import Mapping
from streams.imports.orders import Grouping
from streams.imports.prepare import prepare
from streams.imports.problems import NothingUsable
from streams.imports.samples import lines_of, map_of

NOW = 1_800_000_000_000
Row = dict[str, Any]


def read(text: str, folder: Path, mapping: Mapping | None = None, **options: Any) -> tuple[list[Row], Grouping]:
    with prepare(
        io.BytesIO(text.encode()), mapping or Mapping(), workdir=folder, now=NOW, **{"as_arrived": False} | options
    ) as prepared:
        assert list(prepared.rejects) == []
        table = pa.Table.from_batches(prepared.batches(), CANONICAL)
        assert table.num_rows == prepared.rows
        return table.to_pylist(), prepared.grouping


HEAD = "customer_id,occurred_at,kind,order_id,amount,currency,discount\n"
DAYS = ("2026-01-05", "2026-02-09", "2026-03-16", "2026-04-20")


def lines_file(order: random.Random | None = None) -> str:
    rows = [f"ann,{day},order_completed,{day},{amount},USD,2\n" for day in DAYS for amount in (10, 10, 10, 10, 60)]
    if order:
        order.shuffle(rows)
    return HEAD + "".join(rows)


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("memory_rows", [2_000_000, 7], ids=["in memory", "on disk"])
def test_rows_of_an_order_are_one_whatever_their_order(seed: int | None, memory_rows: int, tmp_path: Path) -> None:
    text = lines_file(random.Random(seed) if seed else None)
    rows, grouping = read(text, tmp_path, memory_rows=memory_rows)
    assert [(row["order_id"], row["amount_minor"], row["currency"]) for row in rows] == [
        (day, 10_000, "USD") for day in DAYS
    ]
    assert [map_of(row["properties"]) for row in rows] == [{"discount": "10"}] * 4
    assert (grouping.lines, grouping.again, grouping.updates) == (16, 0, 0)
    plain, _ = read(lines_file(), tmp_path)
    assert [row["event_id"] for row in rows] == [row["event_id"] for row in plain]


def test_orders_of_two_customers_and_other_kinds_stay_apart(tmp_path: Path) -> None:
    text = HEAD + (
        "ann,2026-01-05,order_completed,1,10,USD,\nbob,2026-01-05,order_completed,1,20,USD,\n"
        "ann,2026-01-05,order_shipped,1,,,\nann,2026-01-05,order_shipped,1,,,\nann,2026-01-05,order_refunded,1,5,USD,\n"
        "ann,2026-01-05,order_completed,,7,USD,\nann,2026-01-05,order_completed,,7,USD,\n"
    )
    rows, _ = read(text, tmp_path)
    assert sorted((row["customer_id"], row["kind"], row["amount_minor"] or 0) for row in rows) == [
        ("ann", "order_completed", 700), ("ann", "order_completed", 700), ("ann", "order_completed", 1000),
        ("ann", "order_refunded", 500), ("ann", "order_shipped", 0), ("ann", "order_shipped", 0),
        ("bob", "order_completed", 2000),
    ]  # fmt: skip


def test_a_confirmation_page_that_fires_again_is_the_same_order(tmp_path: Path) -> None:
    text = (
        "event_id,"
        + HEAD
        + (
            "e1,ann,2026-01-05T10:00:00Z,order_completed,1,50,USD,\ne2,ann,2026-01-06T09:00:00Z,order_completed,1,50,USD,\n"
        )
    )
    rows, grouping = read(text, tmp_path)
    assert [(row["event_id"], row["amount_minor"]) for row in rows] == [("e1", 5000)]
    assert (grouping.lines, grouping.again, grouping.updates) == (0, 1, 0)


def test_an_order_that_grows_is_updated(tmp_path: Path) -> None:
    text = HEAD + "ann,2026-01-05,order_completed,1,50,USD,\nann,2026-01-06,order_completed,1,80,USD,\n"
    rows, grouping = read(text, tmp_path)
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("order_completed", 8000), ("order_updated", None)]
    assert grouping.updates == 1


def test_a_renewal_that_names_its_contract_is_another_purchase(tmp_path: Path) -> None:
    text = HEAD + "".join(f"ann,{day},subscription_renewed,S1,9.99,USD,\n" for day in DAYS)
    assert len(read(text, tmp_path)[0]) == 4


def test_an_event_that_stands_twice_is_no_line(tmp_path: Path) -> None:
    line = "e1,ann,2026-01-05,order_completed,1,50,USD,\n"
    rows, _ = read("event_id," + HEAD + line * 2, tmp_path)
    assert [row["event_id"] for row in rows] == ["e1", "e1"]
    rows, grouping = read("event_id," + HEAD + line * 2 + line.replace("e1", "e2"), tmp_path)
    assert [row["amount_minor"] for row in rows] == [10_000]
    assert (grouping.lines, grouping.again) == (1, 1)


def test_rows_that_have_all_lines_of_their_order_are_told_twice_and_not_added(tmp_path: Path) -> None:
    line = '{"customer_id":"a","occurred_at":"2026-01-0%d","kind":"order_completed","order_id":"1","amount":5,'
    line += '"currency":"EUR","lines":[{"sku":"S"}]}\n'
    assert [row["amount_minor"] for row in read(line % 1 + line % 1, tmp_path)[0]] == [500, 500]
    rows, grouping = read(line % 1 + line % 2, tmp_path)
    assert ([row["amount_minor"] for row in rows], grouping.again) == ([500], 1)


ARTICLES = """customer_id,occurred_at,kind,order_id,currency,sku,category,quantity,price{head}
ann,2026-01-05,order_completed,1,USD,S1,Shoes,3,33.33{a}
ann,2026-01-05,order_completed,1,USD,S2,,1,20.00{b}
"""


def test_articles_become_lines_and_make_the_amount(tmp_path: Path) -> None:
    rows, _ = read(ARTICLES.format(head="", a="", b=""), tmp_path)
    assert [row["amount_minor"] for row in rows] == [11_999]
    assert sorted(lines_of(rows[0]["lines"]), key=lambda line: line["sku"]) == [
        {"sku": "S1", "category": "Shoes", "quantity": 3, "amount_minor": 9999},
        {"sku": "S2", "category": None, "quantity": 1, "amount_minor": 2000},
    ]


def test_an_amount_that_every_line_repeats_is_that_of_the_order_where_the_lines_say_so(tmp_path: Path) -> None:
    rows, grouping = read(ARTICLES.format(head=",amount", a=",119.99", b=",119.99"), tmp_path)
    assert [row["amount_minor"] for row in rows] == [11_999]
    assert grouping.totals
    mapping = Mapping(constants={"order_amount": "lines"})
    rows, _ = read(ARTICLES.format(head=",amount", a=",119.99", b=",119.99"), tmp_path, mapping)
    assert [row["amount_minor"] for row in rows] == [23_998]


def test_amounts_that_are_all_alike_are_added_and_said(tmp_path: Path) -> None:
    text = HEAD + "ann,2026-01-05,order_completed,1,50,USD,\n" * 2
    rows, grouping = read(text, tmp_path)
    assert ([row["amount_minor"] for row in rows], grouping.alike) == ([10_000], True)
    rows, _ = read(text, tmp_path, Mapping(constants={"order_amount": "total"}))
    assert [row["amount_minor"] for row in rows] == [5_000]


RATES = HEAD + "".join(f"ann,{day},order_completed,{day},80,USD,0.2\n" for day in DAYS)


def test_a_discount_that_may_be_a_rate_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(NothingUsable, match=r"discount '0.2' in line 2 may be money or a share.*discount_is=rate"):
        read(RATES, tmp_path)


@pytest.mark.parametrize(("told", "discount"), [("rate", "20"), ("money", "0.2"), ("percent", "0.16")])
def test_a_discount_is_what_it_was_said_to_be(told: str, discount: str, tmp_path: Path) -> None:
    rows, _ = read(RATES, tmp_path, Mapping(constants={"discount_is": told}))
    assert [map_of(row["properties"]) for row in rows] == [{"discount": discount}] * 4


def test_discounts_written_as_money_are_read_as_amounts_are(tmp_path: Path) -> None:
    text = (
        HEAD.replace(",", ";")
        + "ann;2026-01-05;order_completed;1;1.080,50;EUR;1.000,50\nbob;2026-01-05;order_completed;2;7,00;EUR;-2,50\n"
    )
    rows, _ = read(text, tmp_path, Mapping(decimal=","))
    assert [map_of(row["properties"])["discount"] for row in rows] == ["1000.5", "2.5"]


def test_a_later_negative_amount_of_an_order_takes_back_at_its_time(tmp_path: Path) -> None:
    text = HEAD + (
        "ann,2026-01-05,order_completed,1,100,USD,\nann,2026-02-06,order_completed,1,-100,USD,\n"
        "bob,2026-01-05,order_completed,2,50,USD,\nbob,2026-01-05,order_completed,2,-5,USD,\n"
    )
    rows, grouping = read(text, tmp_path)
    # Of the same instant it is a line: a voucher.
    assert [(row["customer_id"], row["amount_minor"]) for row in rows] == [
        ("ann", 10000),
        ("bob", 4500),
        ("ann", -10000),
    ]
    assert (grouping.lines, grouping.again, grouping.updates) == (1, 0, 0)
