# ruff: noqa: E501 (rows of files stand as they are)
"""Exports of shops and payments with all that real ones hold: refunds, failures, test payments, minor units, signs."""

import json
from pathlib import Path
from typing import Any

from support.vendors import money, read

from streams.imports.samples import map_of

STRIPE = """id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Fee,Mode,PaymentIntent ID,Refunded date (UTC),Status,Customer ID,Customer Email
ch_1,2026-01-05 10:00:00,20.00,0.00,usd,true,20.00,0.88,Live,pi_1,,Paid,cus_1,a@x.com
ch_2,2026-01-06 10:00:00,30.00,5.00,eur,true,33.00,0.88,Live,pi_2,2026-01-08 10:00:00,Partial Refund,cus_1,a@x.com
ch_3,2026-01-06 11:00:00,3000,0,jpy,true,20.00,0.88,Live,pi_3,,Paid,cus_2,b@x.com
ch_4,2026-01-06 11:00:00,30.00,0.00,usd,false,30.00,0.88,Live,pi_4,,Failed,cus_2,b@x.com
ch_5,2026-01-06 11:00:00,30.00,0.00,usd,true,30.00,0.88,Test,pi_5,,Paid,cus_2,b@x.com
ch_6,2026-01-06 11:00:00,40.00,40.00,usd,true,40.00,0.88,Live,pi_6,2026-01-09 11:00:00,Refunded,cus_3,c@x.com
ch_7,2026-01-06 11:00:00,40.00,0.00,usd,false,40.00,0.88,Live,pi_7,,Requires payment method,cus_3,c@x.com
"""


def test_payments_are_what_was_paid_whatever_became_of_them(tmp_path: Path) -> None:
    rows, prepared = read("stripe", STRIPE, tmp_path)
    assert money(rows) == {
        ("order_completed", "USD"): 6000,
        ("order_completed", "EUR"): 3000,
        ("order_completed", "JPY"): 3000,
        ("order_refunded", "EUR"): 500,
        ("order_refunded", "USD"): 4000,
    }
    assert prepared.skipped == 3


def charge(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"ch_{number}", "object": "charge", "amount": 2000, "amount_refunded": 0, "currency": "usd",
        "created": 1_767_600_000 + number, "customer": f"cus_{number}", "status": "succeeded", "paid": True,
        "livemode": True, "billing_details": {"email": None}, "refunds": {"data": []}, **more,
    }  # fmt: skip


def test_the_amounts_of_an_interface_are_in_minor_units(tmp_path: Path) -> None:
    charges = [
        charge(1),
        charge(2, amount_refunded=500),
        charge(3, status="failed", paid=False),
        charge(4, livemode=False),
        charge(5, currency="jpy", customer=None, billing_details={"email": "E@x.com"}),
    ]
    text = json.dumps({"object": "list", "data": charges, "has_more": False, "url": "/v1/charges"})
    rows, prepared = read("stripe", text, tmp_path)
    assert money(rows) == {
        ("order_completed", "USD"): 4000,
        ("order_refunded", "USD"): 500,
        ("order_completed", "JPY"): 2000,
    }
    assert {row["customer_id"] for row in rows} == {"cus_1", "cus_2", "e@x.com"}
    assert prepared.skipped == 2


WOO = """Order Number,Order Status,Order Date,Email (Billing),Cart Discount Amount,Order Refund Amount,Order Total Amount,SKU,Quantity,Item Cost
101,Completed,2026-01-05 10:00,a@x.com,0,0,25,S1,1,20
102,Refunded,2026-01-06 10:00,b@x.com,0,25,25,S1,1,20
103,Refunded,2026-01-06 10:00,b@x.com,0,0,25,S1,1,20
104,Processing,2026-01-07 10:00,c@x.com,2,5,23,S1,1,10
104,Processing,2026-01-07 10:00,c@x.com,2,5,23,S2,1,10
105,Cancelled,2026-01-07 10:00,c@x.com,2,0,23,S2,1,10
"""


def test_a_refunded_order_without_an_amount_gives_back_what_it_cost(tmp_path: Path) -> None:
    rows, prepared = read("woocommerce", WOO, tmp_path)
    assert money(rows) == {("order_completed", None): 9800, ("order_refunded", None): 5500}
    assert prepared.skipped == 1


def test_a_discount_of_the_order_that_each_row_repeats_counts_once(tmp_path: Path) -> None:
    rows, _ = read("woocommerce", WOO, tmp_path)
    told = {row["order_id"]: map_of(row["properties"])["discount"] for row in rows if row["kind"] == "order_completed"}
    assert told == {"101": "0", "102": "0", "103": "0", "104": "2"}


MAGENTO = """ID,Purchase Date,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Total Refunded
000000001,"Jan 5, 2026 10:12:13 AM","$1,034.00","€950.00",Complete,a@x.com,€0.00
000000002,"Jan 6, 2026 1:12:13 PM",$34.00,€31.00,Closed,a@x.com,€31.00
000000003,"Jan 6, 2026 1:12:13 PM",$34.00,€31.00,Canceled,a@x.com,€0.00
"""


def test_the_first_of_several_amounts_keeps_the_sign_beside_it(tmp_path: Path) -> None:
    rows, prepared = read("magento", MAGENTO, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 98100, ("order_refunded", "EUR"): 3100}
    assert prepared.without_currency == 0
    assert prepared.skipped == 1
