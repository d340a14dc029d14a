# ruff: noqa: E501 (rows of files stand as they are)
"""Each ready mapping, on a small file of the shape that it is for."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from processors.policy.policy import read_policy
from streams.imports.canonical import CANONICAL
from streams.imports.known_formats import ready_list, ready_mapping, ready_names
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem, MappingProblem
from streams.imports.samples import lines_of, map_of
from streams.policies import preset, preset_text

NOW: Final = 1_800_000_000_000
Row = dict[str, Any]


def read(text: str, folder: Path, mapping: Mapping) -> list[Row]:
    with prepare(io.BytesIO(text.encode()), mapping, as_arrived=True, workdir=folder, now=NOW) as prepared:
        assert list(prepared.rejects) == []
        rows: list[Row] = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
    return rows


def lines(*objects: Row) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


SHOPIFY = """Name,Email,Financial Status,Paid at,Currency,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Id
#1,Jane@x.com,paid,2026-01-05 10:00:00 +0100,EUR,100.00,,0.00,2026-01-05 10:00:00 +0100,1,Poster,50.00,P1,,0.00,1
#1,Jane@x.com,,,,,,,2026-01-05 10:00:00 +0100,3,Frame,15.00,F1,,,
#2,bob@x.com,partially_refunded,2026-01-06 10:00:00 +0100,JPY,8000,SUMMER,20,2026-01-06 10:00:00 +0100,2,Frame,4000,F1,,3000,2
#3,eve@x.com,voided,,EUR,60.00,,0.00,2026-01-07 10:00:00 +0100,1,Poster,60.00,P1,2026-01-07 12:00:00 +0100,0.00,3
#3,eve@x.com,,,,,,,2026-01-07 10:00:00 +0100,1,Frame,1.00,F1,,,
#4,tom@x.com,paid,2026-01-08 10:00:00 +0100,EUR,60.00,,0.00,2026-01-08 10:00:00 +0100,1,Poster,60.00,P1,2026-01-09 10:00:00 +0100,0.00,4
"""
CALL: Final[Row] = {"type": "track", "messageId": "m", "timestamp": "2026-01-05T10:00:00Z", "anonymousId": "a1"}
ORDER: Final[Row] = {
    "order_id": "O1", "revenue": 99.99, "total": 119.98, "currency": "EUR", "discount": 5,
    "products": [{"sku": "S1", "price": 33.33, "quantity": 3, "category": "Shoes"}],
}  # fmt: skip
SEGMENT = lines(
    CALL | {"event": "Order Completed", "userId": "u1", "messageId": "m1", "properties": ORDER},
    CALL | {"type": "page", "name": "Home", "messageId": "m2", "properties": {}},
    CALL | {"type": "identify", "userId": "u1", "messageId": "m3", "traits": {}},
    CALL | {"event": "Order Refunded", "userId": "u1", "messageId": "m4", "properties": {"order_id": "O1", "total": 1}},
    CALL | {"event": "Product Added", "userId": "u1", "messageId": "m5", "properties": {"value": 7, "price": 7}},
)
GA4 = lines(
    {"event_timestamp": "1696470452486466", "event_name": "purchase", "user_id": None, "user_pseudo_id": "1.2",
     "event_params": [{"key": "currency", "value": {"string_value": "USD"}}, {"key": "value", "value": {"int_value": 7}}],
     "ecommerce": {"transaction_id": "T1", "purchase_revenue": 41.5},
     "items": [{"item_id": "A", "price": 20.75, "quantity": 2}]},
    {"event_timestamp": "1696470418877027", "event_name": "add_to_cart", "user_pseudo_id": "1.2",
     "event_params": [{"key": "value", "value": {"double_value": 20.75}}]},
    {"event_timestamp": "1696470418877027", "event_name": "session_start", "event_params": [], "user_pseudo_id": "1.2"},
)  # fmt: skip
FILES: Final[dict[str, tuple[str, list[tuple[str, str, int | None]]]]] = {
    "shopify": (SHOPIFY, [
        ("jane@x.com", "order_completed", 10000), ("bob@x.com", "order_completed", 8000),
        ("bob@x.com", "order_refunded", 3000), ("tom@x.com", "order_completed", 6000),
        ("tom@x.com", "order_cancelled", None),
    ]),
    "woocommerce": (
        "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,Order Currency,SKU,Quantity,Item Cost\n"
        "7,Completed,2026-01-05 10:00:00,A@x.com,30.00,EUR,S1,1,10.00\n"
        "7,Completed,2026-01-05 10:00:00,A@x.com,30.00,EUR,S2,2,10.00\n"
        "8,Failed,2026-01-05 10:00:00,b@x.com,9.00,EUR,S1,1,9.00\n9,Refunded,2026-01-06,c@x.com,5.00,EUR,S1,1,5.00\n",
        [("a@x.com", "order_completed", 3000), ("c@x.com", "order_completed", 500), ("c@x.com", "order_refunded", 500)],
    ),
    "magento": (
        'ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email\n'
        '000000001,Main,"Jan 5, 2026 10:00:00 AM",Ann,$10.00,€9.00,Complete,ann@x.com\n'
        '000000002,Main,"Jan 6, 2026 10:00:00 AM",Bob,$10.00,€9.00,Canceled,bob@x.com\n'
        '000000003,Main,"Jan 7, 2026 10:00:00 AM",Eve,$10.00,€9.00,Closed,eve@x.com\n',
        [("ann@x.com", "order_completed", 900), ("eve@x.com", "order_completed", 900), ("eve@x.com", "order_refunded", 900)],
    ),
    "stripe": (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Customer Email,Refunded date (UTC)\n"
        "ch_1,2026-01-05 10:00:00,20.00,5.00,eur,Paid,cus_1,a@x.com,2026-01-07 09:00:00\n"
        "ch_2,2026-01-06 10:00:00,30.00,0.00,eur,Failed,cus_2,b@x.com,\n",
        [("cus_1", "order_completed", 2000), ("cus_1", "order_refunded", 500)],
    ),
    "paypal": (
        '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address",'
        '"To Email Address","Transaction ID"\n'
        '"25/01/2026","10:00:00","Europe/Berlin","Ann","Express Checkout Payment","Completed","EUR","1.020,00","-1,00",'
        '"19,00","ann@x.com","shop@x.com","T1"\n'
        '"26/01/2026","10:00:00","Europe/Berlin","Ann","Payment Refund","Completed","EUR","-5,00","0,00","-5,00",'
        '"shop@x.com","ann@x.com","T2"\n'
        '"27/01/2026","10:00:00","Europe/Berlin","","General Withdrawal","Completed","EUR","-90,00","0,00","-90,00",'
        '"shop@x.com","","T3"\n',
        [("ann@x.com", "order_completed", 102000), ("ann@x.com", "order_refunded", -500)],
    ),
    "ga4": (GA4, [("1.2", "order_completed", 4150), ("1.2", "product_added", None)]),
    "segment": (SEGMENT, [
        ("u1", "order_completed", 11998), ("a1", "page_viewed", None), ("u1", "identified", None),
        ("u1", "order_refunded", 100), ("u1", "product_added", None),
    ]),
    "rudderstack": (SEGMENT.replace("timestamp", "originalTimestamp"), [
        ("u1", "order_completed", 11998), ("a1", "page_viewed", None), ("u1", "identified", None),
        ("u1", "order_refunded", 100), ("u1", "product_added", None),
    ]),
    "mixpanel": (
        lines(
            {"event": "Purchase", "properties": {"time": 1704067200, "distinct_id": "u1", "$insert_id": "i1", "revenue": 5,
                                                 "currency": "EUR"}},
            {"event": "$mp_web_page_view", "properties": {"time": 1704067201, "distinct_id": "$device:d1", "$device_id": "d1",
                                                          "$insert_id": "i2"}},
            {"event": "$identify", "properties": {"time": 1704067202, "distinct_id": "u1", "$insert_id": "i3"}},
        ),
        [("u1", "order_completed", 500), ("d1", "page_viewed", None)],
    ),
    "amplitude": (
        lines(
            {"event_type": "Purchase", "user_id": "u1", "device_id": "d", "event_time": "2026-01-05 10:00:00.123000",
             "$insert_id": "i1", "event_properties": {"revenue": "5.50", "currency": "EUR"}, "platform": "Web"},
            {"event_type": "session_start", "user_id": None, "device_id": "d", "event_time": "2026-01-05 09:00:00.000000",
             "$insert_id": "i2", "event_properties": {}},
        ),
        [("u1", "order_completed", 550)],
    ),
    "posthog": (
        lines(
            {"uuid": "1", "event": "purchase", "distinct_id": "u1", "timestamp": "2026-01-05T10:00:00Z",
             "properties": {"revenue": 5, "currency": "EUR", "$device_id": "d"}},
            {"uuid": "2", "event": "$pageview", "distinct_id": "d", "timestamp": "2026-01-05T09:00:00Z",
             "properties": {"$device_id": "d"}},
            {"uuid": "3", "event": "$autocapture", "distinct_id": "d", "timestamp": "2026-01-05T09:00:00Z", "properties": {}},
        ),
        [("u1", "order_completed", 500), ("d", "page_viewed", None)],
    ),
    "snowplow": (
        "event_id\tcollector_tstamp\tderived_tstamp\tevent\tevent_name\tuser_id\tdomain_userid\ttr_orderid\ttr_total\ttr_currency\tse_action\n"
        "1\t2026-01-05 10:00:00.000\t2026-01-05 10:00:00.000\ttransaction\ttransaction\tu1\td1\tO1\t5.00\tEUR\t\n"
        "2\t2026-01-05 09:00:00.000\t2026-01-05 09:00:00.000\tpage_view\tpage_view\t\td1\t\t\t\t\n"
        "3\t2026-01-05 09:00:00.000\t2026-01-05 09:00:00.000\tstruct\tevent\t\td1\t\t\t\tadd_to_cart\n"
        "4\t2026-01-05 09:00:10.000\t2026-01-05 09:00:10.000\tpage_ping\tpage_ping\t\td1\t\t\t\t\n",
        [("u1", "order_completed", 500), ("d1", "page_viewed", None), ("d1", "product_added", None)],
    ),
    "matomo": (
        json.dumps([
            {"idVisit": "9", "visitorId": "v1", "userId": "u1", "serverTimestamp": 1704067200, "siteCurrency": "EUR",
             "referrerTypeName": "Campaigns", "actionDetails": [
                 {"type": "action", "timestamp": 1704067200},
                 {"type": "ecommerceOrder", "orderId": "O1", "revenue": 5.5, "timestamp": 1704067260}]},
            {"idVisit": "10", "visitorId": "v2", "userId": None, "serverTimestamp": 1704067300, "actionDetails": []},
        ]),
        [("u1", "page_viewed", None), ("u1", "order_completed", 550), ("v2", "page_viewed", None)],
    ),
    "zendesk": (
        "Id;Requester id;Created at;Solved at;Status;Satisfaction Score;Channel\n"
        "1;77;2026-01-05 10:00;2026-01-06 11:00;Solved;Good;email\n2;78;2026-01-05 10:00;;Open;Not Offered;chat\n",
        [("77", "support_ticket_opened", None), ("77", "support_ticket_solved", None), ("78", "support_ticket_opened", None)],
    ),
    "hubspot": (
        "Record ID,Deal Name,Deal Stage,Amount,Currency,Create Date,Close Date,Associated Company\n"
        "1,Big,Closed won,1000,EUR,2026-01-05 10:00,2026-02-05 10:00,Acme\n2,Small,Closed lost,10,EUR,2026-01-05,2026-01-15,Beta\n"
        "3,Open,Qualified,10,EUR,2026-01-05,2026-01-25,Beta\n",
        [("Acme", "quote_requested", None), ("Acme", "order_completed", 100000), ("Beta", "quote_requested", None),
         ("Beta", "quote_declined", None), ("Beta", "quote_requested", None)],
    ),
    "salesforce": (
        "Id,AccountId,StageName,Amount,CurrencyIsoCode,CreatedDate,CloseDate\n"
        "006A,001A,Closed Won,1000.0,EUR,2026-01-05T10:00:00.000Z,2026-02-05\n006B,001B,Prospecting,5.0,EUR,2026-01-06,2026-03-01\n",
        [("001A", "quote_requested", None), ("001A", "order_completed", 100000), ("001B", "quote_requested", None)],
    ),
    "bank": (
        '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";'
        '"Kontonummer/IBAN";"Betrag";"Waehrung"\n'
        '"DE1";"25.01.26";"25.01.26";"GUTSCHRIFT";"Rechnung 1";"Ann";"DE77";"1.020,00";"EUR"\n'
        '"DE1";"26.01.26";"26.01.26";"UEBERWEISUNG";"Erstattung";"Ann";"DE77";"-20,00";"EUR"\n',
        [("DE77", "order_completed", 102000), ("DE77", "order_refunded", -2000)],
    ),
    "hotel": (
        "hotel,is_canceled,arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,"
        "stays_in_week_nights,adr,reservation_status,reservation_status_date,email,currency\n"
        "City,0,2016,July,1,1,2,100.50,Check-Out,2016-07-04,Ann@x.com,EUR\n"
        "City,1,2016,July,2,1,2,80,Canceled,2016-05-04,bob@x.com,EUR\nCity,1,2016,July,3,1,2,80,No-Show,2016-07-03,eve@x.com,EUR\n",
        [("ann@x.com", "checked_in", None), ("ann@x.com", "checked_out", 30150), ("bob@x.com", "reservation_cancelled", None),
         ("eve@x.com", "no_show_recorded", None)],
    ),
    "retail": (
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
        "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n"
        "489434,79323P,CHERRY,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom\n"
        "C489449,22087,PAPER,-12,2009-12-01 10:33:00,2.95,16321,Australia\n",
        [("13085", "order_completed", 16440), ("16321", "order_refunded", 3540)],
    ),
    "telco": (
        "customerID,gender,tenure,Contract,MonthlyCharges,TotalCharges,Churn\n7590-VHVEG,Female,1,Month-to-month,29.85,29.85,No\n"
        "3668-QPYBK,Male,2,Month-to-month,53.85,108.15,Yes\n",
        [("7590-VHVEG", "contract_signed", None), ("7590-VHVEG", "bill_paid", 2985), ("3668-QPYBK", "contract_signed", None),
         ("3668-QPYBK", "bill_paid", 5385), ("3668-QPYBK", "contract_terminated", None)],
    ),
}  # fmt: skip


def _mapping(name: str) -> Mapping:
    return ready_mapping(name)


@pytest.mark.parametrize("name", ready_names())
def test_a_ready_mapping_makes_touchpoints_of_its_format(name: str, tmp_path: Path) -> None:
    text, expected = FILES[name]
    rows = read(text, tmp_path, _mapping(name))
    found = [(row["customer_id"] or row["anonymous_id"], row["kind"], row["amount_minor"]) for row in rows]
    assert sorted(found, key=str) == sorted(expected, key=str)
    policy = preset(ready_mapping(name).policy or "commerce")
    unnamed = {kind for _, kind, _ in expected} - set(policy.kinds)
    assert unnamed <= {"identified", "screen_viewed"}


def test_lines_of_shopify_have_the_currency_of_their_order(tmp_path: Path) -> None:
    rows = read(FILES["shopify"][0], tmp_path, ready_mapping("shopify"))
    jane, bob = rows[0], rows[1]
    assert {(line["sku"], line["quantity"], line["amount_minor"]) for line in lines_of(jane["lines"])} == {
        ("P1", 1, 5000), ("F1", 3, 4500),
    }  # fmt: skip
    assert [(line["sku"], line["amount_minor"]) for line in lines_of(bob["lines"])] == [("F1", 8000)]
    assert (bob["currency"], bob["campaign"], map_of(bob["properties"])["discount"]) == ("JPY", "SUMMER", "20")


def test_a_snapshot_is_of_the_day_that_was_said(tmp_path: Path) -> None:
    mapping = ready_mapping("telco")
    mapping = Mapping(**{**mapping.__dict__, "constants": {"snapshot_at": "2026-01-31", "currency": "USD"}})
    rows = read(FILES["telco"][0], tmp_path, mapping)
    days = [datetime.fromtimestamp(row["occurred_at"] / 1000, UTC).strftime("%Y-%m-%d") for row in rows]
    assert days == ["2026-01-01", "2026-01-31", "2025-12-01", "2026-01-31", "2026-01-31"]


def test_the_list_says_what_each_expects() -> None:
    assert set(FILES) == set(ready_names())
    assert all(len(line.split("  ", 1)[1].strip()) > 20 for line in ready_list())
    assert ready_mapping("GA4") == ready_mapping("google-analytics")


def test_another_name_is_told_the_nearest() -> None:
    with pytest.raises(MappingProblem, match="did you mean shopify"):
        ready_mapping("shoppify")


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match="no customer: the mapping says none that is in this file"):
        read("a,b\n1,2\n", tmp_path, ready_mapping("shopify"))


def test_the_policies_of_ready_mappings_are_policies() -> None:
    for name in ready_names():
        assert read_policy(preset_text(ready_mapping(name).policy or "commerce"))
