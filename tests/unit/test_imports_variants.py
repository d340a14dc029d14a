# ruff: noqa: E501 (rows of files stand as they are)
"""Exports as they come: other letter case, other languages, lines before the header, years of two digits."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from streams.imports.canonical import CANONICAL
from streams.imports.known_formats import ready_mapping
from streams.imports.mapping import Mapping
from streams.imports.mapping_file import mapping_of
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem, NothingUsable

NOW: Final = 1_800_000_000_000
Row = tuple[str, str, str, int | None, str | None]


def read(text: str, folder: Path, mapping: Mapping | None = None) -> tuple[list[Row], list[tuple[int, str]]]:
    """((customer, kind, instant, amount, currency) of each touchpoint, (line, reason) of each reject)."""
    with prepare(io.BytesIO(text.encode()), mapping or Mapping(), as_arrived=True, workdir=folder, now=NOW) as prepared:
        table: list[dict[str, Any]] = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
        rejects = [(reject.row, reject.reason) for reject in prepared.rejects]
    return [
        (row["customer_id"] or row["anonymous_id"], row["kind"],
         datetime.fromtimestamp(row["occurred_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M"), row["amount_minor"], row["currency"])
        for row in table
    ], rejects  # fmt: skip


def said(name: str, **more: Any) -> Mapping:
    mapping = ready_mapping(name)
    constants = mapping.constants | more.pop("constants", {})
    return Mapping(**{**mapping.__dict__, "constants": constants, **more})


SHOPIFY_SEMICOLONS = (
    "\ufeffname;email;financial status;created at;currency;total;lineitem quantity;lineitem name;lineitem price;refunded amount\r\n"
    '#1;A@X.com;paid;2026-01-05 10:00:00 +0100;EUR;100,00;1;"Big\nposter";50,00;0,00\r\n'
    "#1;A@X.com;;;;;2;Frame;25,00;\r\n"
    "#2;b@x.com;partially_refunded;2026-01-06 10:00:00 +0100;EUR;1.020,50;1;Frame;1.020,50;20,50\r\n"
)


def test_names_in_other_letters_and_amounts_with_a_comma(tmp_path: Path) -> None:
    rows, rejects = read(SHOPIFY_SEMICOLONS, tmp_path, said("shopify"))
    assert rejects == []
    assert rows == [
        ("a@x.com", "order_completed", "2026-01-05 09:00", 10000, "EUR"),
        ("b@x.com", "order_completed", "2026-01-06 09:00", 102050, "EUR"),
        ("b@x.com", "order_refunded", "2026-01-06 09:00", 2050, "EUR"),
    ]


def test_a_refunded_order_gives_its_total_back_where_no_column_tells_how_much(tmp_path: Path) -> None:
    text = (
        "Name,Email,Financial Status,Created at,Currency,Total\n"
        "#1,a@x.com,refunded,2026-01-05 10:00:00 +0100,EUR,10.00\n#2,b@x.com,paid,2026-01-05 10:00:00 +0100,EUR,7.00\n"
    )
    rows, _ = read(text, tmp_path, said("shopify"))
    assert [(who, kind, amount) for who, kind, _, amount, _ in rows] == [
        ("a@x.com", "order_completed", 1000), ("a@x.com", "order_refunded", 1000), ("b@x.com", "order_completed", 700),
    ]  # fmt: skip


SPARKASSE = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"Betrag";"Waehrung"\n'
    '"DE1";"05.01.26";"05.01.26";"R 1";"Ann";"DE02";"1.250,00";"EUR"\n"DE1";"13.02.26";"13.02.26";"Strom";"Werke";"DE03";"-50,00";"EUR"\n'
)
DKB = (
    '"Girokonto";"DE12"\n""\n"Kontostand vom 01.03.26:";"1.000,00 €"\n""\n'
    '"Buchungsdatum";"Wertstellung";"Status";"Zahlungspflichtige*r";"Verwendungszweck";"IBAN";"Betrag (€)"\n'
    '"05.01.26";"05.01.26";"Gebucht";"Ann";"R1";"DE02";"1.250,00"\n"13.02.26";"13.02.26";"Gebucht";"Me";"R2";"DE03";"-50,00"\n'
)
ING = (
    "Umsatzanzeige;Datei erstellt am: 05.03.2026 10:00\n\nIBAN;DE1\nZeitraum;01.01.2026 - 05.03.2026\n\n"
    "Buchung;Wertstellungsdatum;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung\n"
    "05.01.2026;05.01.2026;DE02;Gutschrift;R1;1.000,00;EUR;1.250,00;EUR\n13.02.2026;13.02.2026;DE03;Lastschrift;R1;0;EUR;-50,00;EUR\n"
)


TWO_COLUMNS = (
    "Buchungstag;Name;IBAN;Soll;Haben;Währung\n05.01.2026;Ann;DE02;;1.250,00;EUR\n13.02.2026;Werke;DE03;-50,00;;EUR\n"
)


@pytest.mark.parametrize("text", [SPARKASSE, DKB, ING, TWO_COLUMNS])
def test_statements_of_german_banks(text: str, tmp_path: Path) -> None:
    rows, rejects = read(text, tmp_path, said("bank"))
    assert rejects == []
    assert rows == [
        ("DE02", "order_completed", "2026-01-05 00:00", 125000, "EUR"),
        ("DE03", "order_refunded", "2026-02-13 00:00", -5000, "EUR"),
    ]


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
def test_a_first_line_that_tells_the_delimiter(first: str, tmp_path: Path) -> None:
    rows, rejects = read(first + "customer_id;occurred_at;kind\na,b;2026-01-05;x\nc;soon;x\n", tmp_path)
    assert rows == [("a,b", "x", "2026-01-05 00:00", None, None)]
    assert rejects == [(4, "bad_time")]


def test_lines_before_the_header_count(tmp_path: Path) -> None:
    _, rejects = read(DKB.replace("05.01.26", "soon", 1), tmp_path, said("bank"))
    assert rejects == [(6, "bad_time")]


def test_a_report_of_paypal_in_german(tmp_path: Path) -> None:
    text = (
        '\ufeff"Datum","Uhrzeit","Zeitzone","Name","Typ","Status","Währung","Brutto","Absender E-Mail-Adresse","Empfänger E-Mail-Adresse","Transaktionscode"\n'
        '"13.01.2026","10:00:00","CET","Ann","PayPal Express-Zahlung","Abgeschlossen","EUR","1.250,50","ann@x.com","shop@x.com","T1"\n'
        '"14.01.2026","10:00:00","CET","Ann","Rückzahlung","Abgeschlossen","EUR","-50,00","shop@x.com","ann@x.com","T2"\n'
        '"14.01.2026","10:00:00","CET","Ann","Abbuchung","Abgeschlossen","EUR","-500,00","shop@x.com","","T3"\n'
    )
    rows, rejects = read(text, tmp_path, said("paypal"))
    assert rejects == []
    assert rows == [
        ("ann@x.com", "order_completed", "2026-01-13 09:00", 125050, "EUR"),
        ("ann@x.com", "order_refunded", "2026-01-14 09:00", -5000, "EUR"),
    ]


HEAD = "customer_id,occurred_at,kind\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["05.01.26", "13.02.26"], ["2026-01-05 00:00", "2026-02-13 00:00"]),
        (["05.01.26"], ["2026-01-05 00:00"]),
        (["05/02/26", "13/02/26"], ["2026-02-05 00:00", "2026-02-13 00:00"]),
        (
            ["12/1/10 8:26", "12/13/10 8:26", "1/5/11 8:00"],
            ["2010-12-01 08:26", "2010-12-13 08:26", "2011-01-05 08:00"],
        ),
        (["2/5/26 10:00 PM", "2/13/26 9:00 AM"], ["2026-02-05 22:00", "2026-02-13 09:00"]),
        (["26-01-05", "26-01-13", "25-12-31"], ["2026-01-05 00:00", "2026-01-13 00:00", "2025-12-31 00:00"]),
        (["26.01.05", "26.01.13"], ["2026-01-05 00:00", "2026-01-13 00:00"]),
        (["99/12/31", "01/01/01"], ["1999-12-31 00:00", "2001-01-01 00:00"]),
        (["31.12.98"], ["1998-12-31 00:00"]),
        (["05-Jan-26", "Jan 5, 98"], ["2026-01-05 00:00", "1998-01-05 00:00"]),
    ],
)
def test_years_of_two_digits_stand_where_the_column_says(texts: list[str], expected: list[str], tmp_path: Path) -> None:
    rows, rejects = read(HEAD + "".join(f'a,"{text}",x\n' for text in texts), tmp_path)
    assert rejects == []
    assert [at for _, _, at, _, _ in rows] == expected


@pytest.mark.parametrize(
    ("texts", "flag"),
    [
        (["05/02/26"], '--time-format "%d/%m/%y"'),
        (["05/02/26", "06/02/25"], "does not say where it stands"),
        (["05/02/26", "06/02/26"], "may begin with the day or with the month"),
    ],
)
def test_years_of_two_digits_are_asked_about_where_it_does_not(texts: list[str], flag: str, tmp_path: Path) -> None:
    with pytest.raises(NothingUsable, match=flag):
        read(HEAD + "".join(f"a,{text},x\n" for text in texts), tmp_path)


BANK_CHURN = "RowNumber,CustomerId,Surname,Tenure,Balance,EstimatedSalary,Exited\n1,15634602,Hill,2,0,101348.88,1\n2,15647311,Ho,1,83807.86,112542.58,0\n"
DAY = {"snapshot_at": "2026-01-31"}


def test_a_snapshot_whose_time_may_be_months_or_years_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match="--map years=tenure"):
        read(BANK_CHURN, tmp_path, said("telco", constants=DAY))
    snapshot = {name: column for name, column in said("telco").snapshot.items() if name not in ("months", "since")}
    rows, _ = read(BANK_CHURN, tmp_path, said("telco", constants=DAY, snapshot=snapshot | {"years": ("Tenure",)}))
    assert rows == [
        ("15634602", "contract_signed", "2024-02-01 00:00", None, None),
        ("15634602", "contract_terminated", "2026-01-31 00:00", None, None),
        ("15647311", "contract_signed", "2025-01-31 00:00", None, None),
    ]


def test_a_snapshot_with_dates(tmp_path: Path) -> None:
    text = "Account ID,Signup Date,Churn Date,MRR\nA,1/5/2023,2/13/2024,99.00\nB,3/15/2023,,49.00\nC,,,1.00\n"
    rows, rejects = read(text, tmp_path, said("telco", constants=DAY))
    assert rows == [
        ("A", "contract_signed", "2023-01-05 00:00", None, None),
        ("A", "bill_paid", "2024-02-13 00:00", 9900, None),
        ("A", "contract_terminated", "2024-02-13 00:00", None, None),
        ("B", "contract_signed", "2023-03-15 00:00", None, None),
        ("B", "bill_paid", "2026-01-31 00:00", 4900, None),
    ]
    assert rejects == [(4, "no_time")]


@pytest.mark.parametrize(("constants", "day"), [(DAY, "2026-01-31"), ({}, "2027-01-15")])
def test_an_import_says_that_it_was_a_snapshot(constants: dict[str, str], day: str, tmp_path: Path) -> None:
    text = io.BytesIO(b"customerID,tenure,MonthlyCharges,Churn\nA,5,1.00,No\n")
    mapping = said("telco", constants=constants)
    with prepare(text, mapping, as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert prepared.snapshot_day == day
    with prepare(
        io.BytesIO(b"customer_id,occurred_at,kind\na,2026-01-05,x\n"),
        Mapping(),
        as_arrived=True,
        workdir=tmp_path,
        now=NOW,
    ) as prepared:
        assert prepared.snapshot_day is None


def test_a_table_of_customers_that_does_not_say_since_when_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match="--map months=COLUMN"):
        read("customerID,Churn\nA,Yes\n", tmp_path, said("telco"))


def test_what_ga4_calls_not_set_is_nothing(tmp_path: Path) -> None:
    event = {"event_timestamp": "1612069510766593", "event_name": "purchase", "user_pseudo_id": "1.2",
             "ecommerce": {"purchase_revenue": 44.0, "transaction_id": "(not set)"}}  # fmt: skip
    other = event | {"event_timestamp": "1612069520766593"}
    rows, _ = read("".join(json.dumps(one) + "\n" for one in (event, other)), tmp_path, said("ga4"))
    assert [(kind, amount) for _, kind, _, amount, _ in rows] == [("order_completed", 4400)] * 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mixpanel", "event,distinct_id,time,$insert_id,amount,currency\nPurchase,u1,1704067200,i1,19.99,EUR\n"),
        ("posthog", 'uuid,event,properties,timestamp,distinct_id\na,purchase,"{""revenue"": 19.99, ""currency"": ""EUR""}",2024-01-01 00:00:00,u1\n'),
        ("ga4", "event_timestamp,event_name,user_id,ecommerce.purchase_revenue,ecommerce.currency\n1704067200000000,purchase,u1,19.99,EUR\n"),
        ("segment", "message_id,event,user_id,properties_total,properties_currency,timestamp\nm1,Order Completed,u1,19.99,EUR,2024-01-01 00:00:00\n"),
    ],
)  # fmt: skip
def test_events_as_a_table(name: str, text: str, tmp_path: Path) -> None:
    rows, rejects = read(text, tmp_path, said(name))
    assert rejects == []
    assert rows == [("u1", "order_completed", "2024-01-01 00:00", 1999, "EUR")]


def test_what_a_path_leads_into_is_no_value_by_another_name(tmp_path: Path) -> None:
    ticket = {"id": 1, "requester_id": 77, "created_at": "2026-01-05T10:00:00Z", "via": {"channel": "email"}}
    with prepare(
        io.BytesIO(json.dumps({"tickets": [ticket]}).encode()),
        said("zendesk"),
        as_arrived=True,
        workdir=tmp_path,
        now=NOW,
    ) as prepared:
        (row,) = pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist()
    assert (row["customer_id"], row["channel"]) == ("77", "email")


def test_each_order_of_a_visit(tmp_path: Path) -> None:
    order = {"type": "ecommerceOrder", "orderId": "O1", "revenue": "10.50", "timestamp": 1704067300}
    visit = {"idVisit": 1, "visitorId": "v1", "firstActionTimestamp": 1704067200, "siteCurrency": "EUR",
             "actionDetails": [{"type": "action"}, order, order | {"orderId": "O2", "revenue": 5}]}  # fmt: skip
    rows, rejects = read(json.dumps([visit, visit | {"idVisit": 2, "actionDetails": []}]), tmp_path, said("matomo"))
    assert rejects == []
    assert sorted((kind, amount or 0) for _, kind, _, amount, _ in rows) == [
        ("order_completed", 500), ("order_completed", 1050), ("page_viewed", 0), ("page_viewed", 0),
    ]  # fmt: skip


TWO_RULES = """
[columns]
customer_id = "who"
[constants]
currency = "EUR"
[[touchpoints]]
kind = "order_completed"
occurred_at = "paid"
amount = "total"
when = 'state == "paid"'
[[touchpoints]]
kind = "order_refunded"
occurred_at = "back"
amount = '=total * 1'
when = 'state == "back"'
"""


def test_a_row_whose_touchpoint_has_no_time_is_told(tmp_path: Path) -> None:
    text = "who,paid,back,state,total\na,2026-01-05,,paid,5\nb,,,paid,5\nc,,2026-01-06,back,5\nd,,,open,5\n"
    rows, rejects = read(text, tmp_path, mapping_of(TWO_RULES, "two"))
    assert [who for who, *_ in rows] == ["a", "c"]
    assert rejects == [(3, "no_time")]


def test_amounts_of_one_touchpoint_are_read_as_its_column_is_written_whatever_another_computes(tmp_path: Path) -> None:
    text = "who;paid;back;state;total\na;2026-01-05;;paid;1.005,50\nc;;2026-01-06;back;7,25\n"
    rows, rejects = read(text, tmp_path, mapping_of(TWO_RULES, "two"))
    assert rejects == []
    assert [amount for *_, amount, _ in rows] == [100550, 725]


def test_a_row_that_would_make_several_touchpoints_is_one_reject_where_they_have_one_fault(tmp_path: Path) -> None:
    text = "Name,Email,Financial Status,Created at,Currency,Total,Refunded Amount\n#1,,paid,2026-01-05 10:00:00 +0100,EUR,10.00,10.00\n"
    rows, rejects = read(text, tmp_path, said("shopify"))
    assert (rows, rejects) == ([], [(2, "no_customer")])


def test_a_row_of_which_no_touchpoint_is_made_is_said_to_be_left_out(tmp_path: Path) -> None:
    text = (
        "Name,Email,Financial Status,Created at,Currency,Total\n"
        "#1,a@x.com,paid,2026-01-05 10:00:00 +0000,EUR,10.00\n"
        "#2,b@x.com,voided,2026-01-05 10:00:00 +0000,EUR,20.00\n"
        "#3,c@x.com,pending,2026-01-05 10:00:00 +0000,EUR,30.00\n"
    )
    given = io.BytesIO(text.encode())
    with prepare(given, said("shopify"), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert (prepared.rows, prepared.skipped, prepared.first_skipped, len(prepared.rejects)) == (1, 2, 3, 0)


STRIPE_DASHBOARD = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Mode,Status,Customer ID,Captured\n"
    'ch_1,2026-01-02 03:04:05,"1,200.50",0.00,usd,Live,Paid,cus_1,true\n'
    "ch_2,2026-01-02 03:04,5000,5000,jpy,Live,Refunded,cus_2,true\n"
    "ch_3,2026-01-02 03:04,10.00,4.00,usd,Test,Paid,cus_3,true\n"
    "ch_4,2026-01-02 03:04,10.00,0.00,usd,Live,Paid,cus_4,false\n"
    "ch_5,2026-01-02 03:04,10.00,0.00,usd,Live,Failed,cus_5,false\n"
)
STRIPE_TABLE = (
    "id,amount,amount_refunded,currency,created,customer_id,status,captured,livemode\n"
    "ch_1,120050,0,usd,2026-01-02 03:04:05.000,cus_1,succeeded,true,true\n"
    "ch_2,5000,5000,jpy,2026-01-02 03:04:00.000,cus_2,succeeded,true,true\n"
    "ch_3,1000,400,usd,2026-01-02 03:04:00.000,cus_3,succeeded,true,false\n"
    "ch_4,1000,0,usd,2026-01-02 03:04:00.000,cus_4,succeeded,false,true\n"
    "ch_5,1000,0,usd,2026-01-02 03:04:00.000,cus_5,failed,false,true\n"
)


def stripe_objects() -> str:
    names, *lines = STRIPE_TABLE.strip().split("\n")
    rows = [dict(zip(names.split(","), line.split(","), strict=True)) for line in lines]
    charges = [
        {
            "id": row["id"], "object": "charge", "amount": int(row["amount"]), "customer": row["customer_id"],
            "amount_refunded": int(row["amount_refunded"]), "currency": row["currency"], "status": row["status"],
            "created": int(datetime.fromisoformat(row["created"]).replace(tzinfo=UTC).timestamp()),
            "captured": row["captured"] == "true", "livemode": row["livemode"] == "true",
            "billing_details": {"email": None}, "metadata": {},
        }
        for row in rows
    ]  # fmt: skip
    return json.dumps({"object": "list", "data": charges, "has_more": False, "url": "/v1/charges"})


@pytest.mark.parametrize("text", [STRIPE_DASHBOARD, STRIPE_TABLE, stripe_objects()])
def test_stripe_counts_in_dollars_or_in_cents_as_the_export_does(tmp_path: Path, text: str) -> None:
    rows, rejects = read(text, tmp_path, said("stripe"))
    assert rejects == []
    assert sorted((who, kind, amount, currency) for who, kind, _, amount, currency in rows) == [
        ("cus_1", "order_completed", 120050, "USD"),
        ("cus_2", "order_completed", 5000, "JPY"),
        ("cus_2", "order_refunded", 5000, "JPY"),
    ]


def test_amounts_of_several_columns_keep_their_currency(tmp_path: Path) -> None:
    text = (
        '"ID","Purchase Date","Grand Total (Base)","Grand Total (Purchased)","Status","Customer Email","Total Refunded"\n'
        '"1","2026-01-02 10:00:00","$1,220.00","€1,110.00","Complete","a@x.com","€0.00"\n'
        '"2","2026-01-03 10:00:00","$120.00","","Closed","b@x.com","CHF -110.50"\n'
    )
    rows, rejects = read(text, tmp_path, said("magento"))
    assert rejects == [(3, "no_currency")]
    assert [(row[1], row[3], row[4]) for row in rows] == [
        ("order_completed", 111000, "EUR"),
        ("order_refunded", -11050, "CHF"),
    ]


def test_deals_are_won_in_every_pipeline_and_of_one_company(tmp_path: Path) -> None:
    text = (
        "Record ID,Deal Stage,Close Date,Create Date,Amount,Currency,Associated Company IDs\n"
        "1,Closed Won (Sales Pipeline),2026-03-01 10:00,2026-01-02 10:00,12000,EUR,99\n"
        "2,Closed won,2026-03-01 10:00,2026-01-02 10:00,500,EUR,99;100\n"
        "3,Closed Won (Renewals),2026-03-01 10:00,2026-01-02 10:00,700,EUR,99\n"
        "4,Closed Lost (Renewals),2026-03-01 10:00,2026-01-02 10:00,900,EUR,99\n"
        "5,Contract sent,2027-01-01 10:00,2026-01-02 10:00,900,EUR,99\n"
    )
    rows, rejects = read(text, tmp_path, said("hubspot"))
    assert rejects == []
    assert {row[0] for row in rows} == {"99"}
    assert [row[3] for row in rows if row[1] == "order_completed"] == [1200000, 50000, 70000]
    assert [row[1] for row in rows].count("quote_declined") == 1


def test_opportunities_that_are_closed_and_not_won_are_lost_and_deleted_ones_none(tmp_path: Path) -> None:
    text = (
        "Id,AccountId,StageName,Amount,CurrencyIsoCode,CreatedDate,CloseDate,IsWon,IsClosed,IsDeleted\n"
        "A,1,Signed,10.00,EUR,2026-01-02T10:00:00.000+0000,2026-02-02,true,true,false\n"
        "B,1,Closed - No decision,10.00,EUR,2026-01-02T10:00:00.000+0000,2026-02-02,false,true,false\n"
        "C,1,Closed Won,10.00,EUR,2026-01-02T10:00:00.000+0000,2026-02-02,true,true,true\n"
        "D,1,Prospecting,10.00,EUR,2026-01-02T10:00:00.000+0000,2027-02-02,false,false,false\n"
    )
    rows, rejects = read(text, tmp_path, said("salesforce"))
    assert rejects == []
    kinds = [row[1] for row in rows]
    assert (kinds.count("quote_requested"), kinds.count("order_completed"), kinds.count("quote_declined")) == (3, 1, 1)


def test_amplitude_revenue_is_price_times_quantity_where_no_revenue_is_told(tmp_path: Path) -> None:
    events = [
        {
            "event_type": "revenue_amount",
            "user_id": "u",
            "event_time": f"2026-01-02 10:00:0{i}",
            "event_properties": told,
        }
        for i, told in enumerate([{"$price": 5.5, "$quantity": 2}, {"$price": 3}, {"$price": 3, "$revenue": 7.25}])
    ]
    rows, rejects = read("\n".join(map(json.dumps, events)), tmp_path, said("amplitude"))
    assert (rejects, [row[3] for row in rows]) == ([], [1100, 300, 725])


def test_a_chargeback_of_paypal_goes_back(tmp_path: Path) -> None:
    text = (
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID\n"
        '01/15/2026,13:04:05,PST,Ann,Express Checkout Payment,Completed,USD,"1,250.00",ann@x.com,me@shop.com,T1\n'
        "01/18/2026,13:04:05,PST,Ann,Chargeback,Completed,USD,-250.00,me@shop.com,ann@x.com,T2\n"
    )
    rows, rejects = read(text, tmp_path, said("paypal"))
    assert rejects == []
    assert [row[:2] for row in rows] == [("ann@x.com", "order_completed"), ("ann@x.com", "order_refunded")]
    assert [abs(row[3] or 0) for row in rows] == [125000, 25000]


ONE: Final = {
    "customer_id": "a",
    "occurred_at": "2026-01-02",
    "kind": "order_completed",
    "amount": 10,
    "currency": "EUR",
}
TWO: Final = ONE | {"customer_id": "b"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ONE) + json.dumps(TWO),
        json.dumps(ONE) + " " + json.dumps(TWO) + "\n",
        json.dumps(ONE) + ",\n" + json.dumps(TWO) + ",\n",
        json.dumps(ONE) + "\n" + json.dumps(TWO) + "\n",
        json.dumps([ONE, TWO]),
        json.dumps({"meta": {"page": 1}, "data": [ONE, TWO], "next": None, "errors": []}),
        json.dumps({"data": [ONE, TWO], "pagination": {"next_cursor": "x"}}, indent=2),
    ],
)
def test_objects_in_whatever_way_they_stand_in_a_file(tmp_path: Path, text: str) -> None:
    rows, rejects = read(text, tmp_path)
    assert rejects == []
    assert [(row[0], row[3]) for row in rows] == [("a", 1000), ("b", 1000)]


def test_an_object_of_its_own_is_not_taken_apart(tmp_path: Path) -> None:
    event = ONE | {"context": {"page": "x"}, "lines": [{"sku": "S", "quantity": 1, "amount": "10"}]}
    rows, rejects = read(json.dumps(event), tmp_path)
    assert ([(row[0], row[3]) for row in rows], rejects) == ([("a", 1000)], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02 12:30 a.m.", "2026-01-02 00:30"),
        ("2026-01-02 1:30 p.m.", "2026-01-02 13:30"),
        ("2026-01-02 1:30 P.M", "2026-01-02 13:30"),
        ("2026-01-02 12:30 pm", "2026-01-02 12:30"),
        ("2026-01-02 1:30 PM CET", "2026-01-02 12:30"),
        ("2026-01-02 1:30 p.m. +01:00", "2026-01-02 12:30"),
        ("2026-01-31 23:59:60", "2026-02-01 00:00"),
    ],
)
def test_clocks_as_people_write_them(tmp_path: Path, text: str, expected: str) -> None:
    rows, rejects = read(f"customer_id,occurred_at,kind\na,{text},page_viewed\n", tmp_path)
    assert ([row[2] for row in rows], rejects) == ([expected], [])


@pytest.mark.parametrize(
    "text",
    ["2026-01-02 24:00", "2026-01-02 13:30 p.m.", "2026-01-02 0:30 PM", "2026-01-02 25:00"],
)
def test_clocks_that_show_no_time(tmp_path: Path, text: str) -> None:
    rows, rejects = read(f"customer_id,occurred_at,kind\na,{text},page_viewed\n", tmp_path)
    assert (rows, rejects) == ([], [(2, "bad_time")])
