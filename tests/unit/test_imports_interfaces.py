# ruff: noqa: E501 (rows of files stand as they are)
"""Orders as web interfaces of shops give them, and statements of banks of several countries."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.vendors import money, read

from streams.imports.problems import InputProblem
from streams.imports.samples import lines_of


def woo(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "parent_id": 0, "number": str(number), "status": "completed", "currency": "EUR",
        "date_created": "2024-03-22T16:28:02", "date_created_gmt": "2024-03-22T15:28:02", "total": "29.35",
        "discount_total": "0.00", "total_tax": "1.35", "customer_id": 0, "billing": {"email": "Ann@x.com"},
        "line_items": [
            {"id": 1, "name": "Mug", "product_id": 93, "sku": "", "quantity": 2, "total": "6.00", "price": 3},
            {"id": 2, "name": "Tee", "product_id": 22, "sku": "T3", "quantity": 1, "total": "12.00", "price": 12},
        ],
        "refunds": [], **more,
    }  # fmt: skip


def test_orders_of_woocommerces_interface_are_one_each_and_guests_are_their_emails(tmp_path: Path) -> None:
    refunds = [{"id": 9, "reason": "", "total": "-10.00"}, {"id": 10, "reason": "", "total": "-10.00"}]
    orders = [
        woo(1), woo(2, customer_id=7, billing={"email": "b@x.com"}), woo(3, status="failed"), woo(4, refunds=refunds),
        woo(5, status="refunded"), woo(6, status="refunded", refunds=[{"id": 11, "total": "-29.35"}]),
        woo(7, billing={"email": ""}), woo(8, customer_id=12, billing={"email": ""}, currency="JPY", total="3000"),
    ]  # fmt: skip
    rows, prepared = read("woocommerce", json.dumps(orders), tmp_path)
    assert money(rows) == {
        ("order_completed", "EUR"): 5 * 2935,
        ("order_refunded", "EUR"): 2000 + 2 * 2935,
        ("order_completed", "JPY"): 3000,
    }
    assert {row["customer_id"] for row in rows} == {"ann@x.com", "b@x.com", "12"}
    # Nobody is known of the seventh.
    assert len(prepared.rejects) == 1
    assert prepared.skipped == 1
    # The time that is called gmt is UTC, whatever zone local times are in.
    assert {row["occurred_at"] for row in rows} == {1_711_121_282_000}
    assert len([row for row in rows if row["kind"] == "order_refunded"]) == 4


def test_orders_of_shopifys_interface_tell_each_refund_at_its_time(tmp_path: Path) -> None:
    order: dict[str, Any] = {
        "id": 450789469, "name": "#1001", "email": "Bob@x.com", "created_at": "2024-01-10T11:00:00-05:00",
        "currency": "USD", "total_price": "597.00", "total_discounts": "10.00", "financial_status": "partially_refunded",
        "cancelled_at": None, "test": False, "customer": {"id": 207119551, "email": "bob@x.com"},
        "line_items": [{"id": 1, "sku": "POD", "quantity": 1, "price": "199.00"}, {"id": 2, "sku": "TAB", "quantity": 2, "price": "199.00"}],
        "refunds": [{"id": 5, "created_at": "2024-02-10T11:00:00-05:00", "transactions": [
            {"id": 77, "amount": "40.00", "kind": "refund", "status": "success", "created_at": "2024-02-10T11:00:00-05:00"},
            {"id": 78, "amount": "4.00", "kind": "refund", "status": "success", "created_at": "2024-02-11T11:00:00-05:00"},
            {"id": 79, "amount": "4.00", "kind": "refund", "status": "failure", "created_at": "2024-02-11T11:00:00-05:00"},
        ]}],
    }  # fmt: skip
    plain: dict[str, Any] = {**order, "refunds": [], "financial_status": "paid"}
    guest = {**plain, "id": 3, "name": "#1003", "email": "", "customer": {"id": 207119551, "email": None}}
    trial = {**plain, "id": 4, "name": "#1004", "test": True}
    rows, prepared = read("shopify", json.dumps({"orders": [order, guest, trial]}), tmp_path)
    assert money(rows) == {("order_completed", "USD"): 119400, ("order_refunded", "USD"): 4400}
    assert [(row["event_id"], row["occurred_at"]) for row in rows if row["kind"] == "order_refunded"] == [
        ("77:order_refunded", 1_707_580_800_000),
        ("78:order_refunded", 1_707_667_200_000),
    ]
    assert {row["customer_id"] for row in rows} == {"bob@x.com", "207119551"}
    assert prepared.skipped == 1


def test_the_id_of_an_order_is_no_customers(tmp_path: Path) -> None:
    text = (
        "Name,Email,Financial Status,Currency,Total,Created at,Lineitem name,Lineitem price,Lineitem quantity,Id\n"
        "#1,a@x.com,paid,EUR,5.00,2024-01-05 10:00:00 +0100,Cap,5.00,1,77\n"
        "#2,,paid,EUR,5.00,2024-01-05 10:00:00 +0100,Cap,5.00,1,78\n"
    )
    rows, prepared = read("shopify", text, tmp_path)
    assert [row["customer_id"] for row in rows] == ["a@x.com"]
    assert len(prepared.rejects) == 1


def test_orders_of_magentos_interface_stand_beside_what_was_searched(tmp_path: Path) -> None:
    order = {
        "entity_id": 1, "increment_id": "0001", "customer_email": "a@x.com", "grand_total": 90, "base_grand_total": 100,
        "order_currency_code": "EUR", "base_currency_code": "USD", "created_at": "2024-01-05 10:00:00",
        "status": "processing", "discount_amount": -10, "total_refunded": 5,
        "items": [{"sku": "A", "qty_ordered": 2, "row_total": 40}, {"sku": "B", "qty_ordered": 1, "row_total": 50}],
    }  # fmt: skip
    text = json.dumps({"items": [order], "search_criteria": {"filter_groups": []}, "total_count": 1})
    rows, _ = read("magento", text, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 9000, ("order_refunded", "EUR"): 500}


def test_a_dispute_that_was_lost_took_the_money_back(tmp_path: Path) -> None:
    text = (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Disputed Amount,Dispute Status,Customer ID\n"
        "ch_1,2024-01-06 10:00,20.00,0.00,eur,Paid,20.00,lost,cus_1\n"
        "ch_2,2024-01-06 10:00,20.00,0.00,eur,Paid,20.00,won,cus_1\n"
    )
    rows, _ = read("stripe", text, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 4000, ("order_refunded", "EUR"): 2000}


def test_invoices_of_an_interface_are_what_was_paid(tmp_path: Path) -> None:
    invoice = {
        "id": "in_1", "object": "invoice", "amount_due": 2500, "amount_paid": 2000, "currency": "eur", "livemode": True,
        "created": 1_704_067_200, "customer": "cus_1", "status": "paid",
    }  # fmt: skip
    rows, _ = read("stripe", json.dumps({"object": "list", "data": [invoice], "has_more": False}), tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 2000}


def test_what_is_not_booked_yet_comes_when_it_is(tmp_path: Path) -> None:
    text = (
        '"Girokonto";"DE89"\n"Kontostand vom 31.12.2025:";"1.234,56 €"\n""\n'
        '"Buchungsdatum";"Wertstellung";"Status";"Zahlungspflichtige*r";"IBAN";"Betrag (€)"\n'
        '"01.12.25";"01.12.25";"Gebucht";"Ann GmbH";"DE11";"1.250,00 €"\n'
        '"02.12.25";"02.12.25";"Gebucht";"Wir";"DE12";"-50 €"\n"04.12.25";"";"Vorgemerkt";"Ann";"DE11";"17,00 €"\n'
    )
    rows, prepared = read("bank", text, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 125000, ("order_refunded", "EUR"): -5000}
    assert prepared.skipped == 1


DUTCH = """"Datum";"Naam / Omschrijving";"Rekening";"Tegenrekening";"Code";"Af Bij";"Bedrag (EUR)";"Mededelingen"
"20251201";"Ann";"NL01INGB";"NL11RABO";"OV";"Bij";"12,50";"x"
"20251202";"Shop";"NL01INGB";"";"BA";"Af";"1.112,50";"x"
"""
ENGLISH = """"Date";"Name / Description";"Account";"Counterparty";"Code";"Debit/credit";"Amount (EUR)"
"20251201";"Ann";"NL01INGB";"NL11RABO";"OV";"Credit";"12,50"
"20251202";"Shop";"NL01INGB";"";"BA";"Debit";"1.112,50"
"""
RABOBANK = """"IBAN/BBAN","Munt","Datum","Bedrag","Saldo na trn","Tegenrekening IBAN/BBAN","Naam tegenpartij","Omschrijving-1"
"NL01RABO","EUR","2025-12-01","+12,50","+112,50","NL11RABO","Ann","x"
"NL01RABO","EUR","2025-12-02","-1112,50","+100,00","","Shop","x"
"""


def test_a_word_beside_the_amount_says_which_way_the_money_went(tmp_path: Path) -> None:
    for text in (DUTCH, ENGLISH, RABOBANK):
        rows, _ = read("bank", text, tmp_path)
        assert [(row["customer_id"], row["kind"], abs(row["amount_minor"]), row["currency"]) for row in rows] == [
            ("NL11RABO", "order_completed", 1250, "EUR"),
            ("Shop", "order_refunded", 111250, "EUR"),
        ]


def test_of_a_column_for_each_way_the_other_may_be_nought(tmp_path: Path) -> None:
    text = "Date,Payee,Debit,Credit,Currency\n2025-12-01,Ann,0.00,250.00,GBP\n2025-12-02,Bob,25.00,0.00,GBP\n2025-12-03,Bob,,,GBP\n"
    rows, prepared = read("bank", text, tmp_path)
    assert money(rows) == {("order_completed", "GBP"): 25000, ("order_refunded", "GBP"): 2500}
    assert prepared.skipped == 1


def test_the_account_of_a_statement_is_nobody_who_pays(tmp_path: Path) -> None:
    text = "Transaction Date,Account Number,Transaction Description,Debit Amount,Credit Amount\n31/12/2025,123,ANN,,250.00\n"
    with pytest.raises(InputProblem, match="no customer"):
        read("bank", text, tmp_path)


def test_a_payment_that_was_given_back_later_was_paid(tmp_path: Path) -> None:
    head = '"Date","Time","TimeZone","Type","Status","Currency","Gross","From Email Address","To Email Address","Transaction ID"\n'
    text = head + (
        '"01/25/2026","10:00:00","PST","Website Payment","Refunded","USD","30.00","ann@x.com","shop@x.com","T1"\n'
        '"01/26/2026","10:00:00","PST","Payment Refund","Completed","USD","-30.00","shop@x.com","ann@x.com","T2"\n'
        '"01/26/2026","10:00:00","PST","Website Payment","Denied","USD","7.00","ann@x.com","shop@x.com","T3"\n'
    )
    rows, prepared = read("paypal", text, tmp_path)
    assert money(rows) == {("order_completed", "USD"): 3000, ("order_refunded", "USD"): -3000}
    assert prepared.skipped == 1


def test_whoever_is_known_on_a_device_is_no_visitor(tmp_path: Path) -> None:
    events = [
        {
            "event": "Purchase",
            "properties": {"time": 1704448800, "distinct_id": who, "$device_id": "d1", "$insert_id": who},
        }
        for who in ("u1", "d1", "$device:d1")
    ]
    rows, _ = read("mixpanel", "\n".join(map(json.dumps, events)), tmp_path)
    assert [(row["customer_id"], row["anonymous_id"]) for row in rows] == [("u1", "d1"), (None, "d1"), (None, "d1")]


def test_what_was_bought_in_a_visit_has_its_items(tmp_path: Path) -> None:
    order = {
        "type": "ecommerceOrder", "orderId": "77", "revenue": "42.5", "timestamp": 1704448850,
        "itemDetails": [{"itemSKU": "S", "itemName": "N", "itemCategory": "C", "price": 21.25, "quantity": 2}],
    }  # fmt: skip
    visit = {
        "idVisit": "1",
        "visitorId": "v1",
        "siteCurrency": "EUR",
        "firstActionTimestamp": 1704448800,
        "actionDetails": [order],
    }
    rows, _ = read("matomo", json.dumps([visit]), tmp_path)
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("page_viewed", None), ("order_completed", 4250)]
    assert lines_of(rows[1]["lines"]) == [{"sku": "S", "category": "C", "quantity": 2, "amount_minor": 4250}]


def test_tickets_of_an_interface_stand_beside_the_pages_before_and_after(tmp_path: Path) -> None:
    ticket = {"id": 1, "requester_id": 501, "created_at": "2024-01-05T10:00:00Z", "status": "new"}
    text = json.dumps({"tickets": [ticket], "count": 1, "next_page": None, "previous_page": "x"})
    rows, _ = read("zendesk", text, tmp_path)
    assert [(row["customer_id"], row["kind"]) for row in rows] == [("501", "support_ticket_opened")]


def test_purchases_in_the_shops_of_apps_are_counted_in_millionths(tmp_path: Path) -> None:
    def bought(value: object, currency: str, dollars: float) -> dict[str, Any]:
        told = {"int_value": value} if isinstance(value, int) else {"double_value": value}
        return {
            "event_timestamp": "1704448800123456", "event_name": "in_app_purchase", "user_pseudo_id": "1.2",
            "event_value_in_usd": dollars,
            "event_params": [{"key": "currency", "value": {"string_value": currency}}, {"key": "value", "value": told}],
        }  # fmt: skip

    events = [bought(990_000, "USD", 0.99), bought(15_000_000_000, "IDR", 0.95), bought(15_000, "IDR", 0.95)]
    events.append(bought(4.99, "EUR", 5.4))
    rows, _ = read("ga4", "\n".join(map(json.dumps, events)), tmp_path)
    assert money(rows) == {
        ("order_completed", "USD"): 99,
        ("order_completed", "IDR"): 3_000_000,
        ("order_completed", "EUR"): 499,
    }


@pytest.mark.parametrize(
    ("done", "unpaid", "back"),
    [
        ("Abgeschlossen", "Storniert", "Rückerstattet"), ("Voltooid", "Mislukt", "Terugbetaald"),
        ("Terminée", "Annulée", "Remboursée"), ("Completado", "Pendiente de pago", "Reembolsado"),
        ("Selesai", "Dibatalkan", "Dikembalikan"), ("wc-completed", "wc-cancelled", "wc-refunded"),
    ],
)  # fmt: skip
def test_the_status_of_an_order_may_be_in_the_language_of_the_shop(
    done: str, unpaid: str, back: str, tmp_path: Path
) -> None:
    text = "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,Order Currency\n" + "".join(
        f"{i},{status},2026-01-0{i},a@x.com,{10 * i}.00,EUR\n" for i, status in enumerate((done, unpaid, back), 1)
    )
    rows, prepared = read("woocommerce", text, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 4000, ("order_refunded", "EUR"): 3000}
    assert prepared.skipped == 1


STAYS = """Guest Name,Guest Email,Arrival Date,Departure Date,Total Amount,Currency,Status,Booking Date
Ann,ann@x.com,2024-03-01,2024-03-03,250.50,EUR,Checked Out,2024-01-10
Bob,bob@x.com,2024-03-01,2024-03-03,250.50,EUR,Cancelled,2024-01-10
Cid,cid@x.com,2024-03-01,2024-03-03,250.50,EUR,No Show,2024-01-10
Dan,dan@x.com,2024-03-01,2024-03-03,250.50,EUR,In House,2024-01-10
Eve,eve@x.com,2024-03-01,2024-03-03,250.50,EUR,Tentative,2024-01-10
"""


def test_whoever_cancelled_or_never_came_did_not_stay(tmp_path: Path) -> None:
    rows, _ = read("hotel", STAYS, tmp_path)
    told = [
        (row["customer_id"][:3], row["kind"], row["amount_minor"]) for row in rows if row["kind"] != "reservation_made"
    ]
    assert told == [
        ("ann", "checked_in", None), ("ann", "checked_out", 25050), ("bob", "reservation_cancelled", None),
        ("cid", "no_show_recorded", None), ("dan", "checked_in", None),
    ]  # fmt: skip


def test_a_price_keeps_the_currency_beside_it(tmp_path: Path) -> None:
    text = (
        "Book number,Booked by,Guest name(s),Check-in,Check-out,Booked on,Status,Price,Commission amount\n"
        "1,Ann,Ann Smith,2024-03-01,2024-03-03,2024-01-10 10:00:00,ok,250.5 EUR,37.58 EUR\n"
        "2,Bob,Bob Lee,2024-03-01,2024-03-03,2024-01-10 10:00:00,cancelled_by_guest,250.5 EUR,0 EUR\n"
        "3,Cid,Cid X,2024-03-01,2024-03-03,2024-01-10 10:00:00,no_show,250.5 EUR,0 EUR\n"
    )
    rows, _ = read("hotel", text, tmp_path)
    stays = [row for row in rows if row["kind"] == "checked_out"]
    assert [(row["customer_id"], row["amount_minor"], row["currency"]) for row in stays] == [
        ("ann smith", 25050, "EUR")
    ]


def test_capital_letters_of_a_status_make_no_difference(tmp_path: Path) -> None:
    text = "Name,Email,Financial Status,Currency,Total,Created at,Refunded Amount\n" + "".join(
        f"#{i},a@x.com,{status},EUR,5.00,2024-01-05 10:00:00 +0100,{back}\n"
        for i, (status, back) in enumerate(
            [("PAID", "0.00"), ("Pending", "0.00"), ("VOIDED", "0.00"), ("Refunded", "")]
        )
    )
    rows, prepared = read("shopify", text, tmp_path)
    assert money(rows) == {("order_completed", "EUR"): 1000, ("order_refunded", "EUR"): 500}
    assert prepared.skipped == 2


def test_an_order_has_its_amount_however_its_event_is_written(tmp_path: Path) -> None:
    names = [
        ("track", "Order Completed"),
        ("TRACK", "ORDER COMPLETED"),
        ("track", "order_completed"),
        ("track", "orderCompleted"),
    ]
    calls = [
        {"type": kind, "event": name, "userId": "u", "messageId": f"m{i}", "timestamp": "2024-01-05T10:00:00Z",
         "properties": {"order_id": f"O{i}", "total": 5, "currency": "EUR"}}
        for i, (kind, name) in enumerate(names)
    ]  # fmt: skip
    for mapping in ("segment", "rudderstack"):
        rows, _ = read(mapping, "\n".join(map(json.dumps, calls)), tmp_path)
        assert [(row["kind"], row["amount_minor"]) for row in rows] == [("order_completed", 500)] * 4


def test_a_negative_price_gives_back(tmp_path: Path) -> None:
    text = (
        "Invoice,StockCode,Quantity,InvoiceDate,Price,Customer ID\nc1,A,1,2024-01-05 10:00,5,7\n"
        "2,B,1,2024-01-05 10:00,-4,7\n3,A,-1,2024-01-05 10:00,3,7\n4,A,2,2024-01-05 10:00,10,7\n"
    )
    rows, _ = read("retail", text, tmp_path)
    assert money(rows) == {("order_refunded", "GBP"): 1200, ("order_completed", "GBP"): 2000}
