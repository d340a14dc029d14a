"""What a guess makes of a column by what stands beside it, and in which words: the right values of exports."""

import io
from pathlib import Path

import pytest
from support.guesses import KNOWN, NOW, read
from support.vendors import money

from streams.imports.guess import guessed
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.statuses import no_purchases, says_sign

MONEY = {
    "a till whose user is the cashier": (
        "Date,Receipt Number,Customer Code,User,Total,Currency\n2026-01-05 10:00:00,R1,ann-1,joe,48.00,EUR\n",
        {("order_completed", "EUR"): 4800},
        {"ann-1"},
    ),
    "an amount beside the total that holds the tax": (
        "Order Id,Opened,Amount,Tax,Tip,Total,Currency,Email\n1,2026-01-05 10:00,50.00,4.00,10.00,64.00,USD,a@x.com\n",
        {("order_completed", "USD"): 6400},
        {"a@x.com"},
    ),
    "a net amount beside the gross one": (
        "Account,Date,Net Amount,Tax Amount,Gross Amount,Currency\nA1,2026-01-05,100.00,20.00,120.00,GBP\n",
        {("order_completed", "GBP"): 12000},
        {"A1"},
    ),
    "payments whose result says that they failed": (
        "Payment ID,Order ID,Order Date,Amount,Result,Customer ID,Currency\nP1,O1,2026-01-05,40.00,SUCCESS,C1,USD\n"
        "P2,O2,2026-01-06,20.00,FAIL,C2,USD\n",
        {("order_completed", "USD"): 4000},
        {"C1"},
    ),
    "captures that were charged back, denied or not completed": (
        "id,created_at,amount,currency,status,customer_email\n1,2026-01-05,25.00,GBP,paid_out,a@x.com\n"
        "2,2026-01-05,25.00,GBP,charged_back,b@x.com\n3,2026-01-05,25.00,GBP,customer_approval_denied,c@x.com\n"
        "4,2026-01-05,25.00,GBP,Incomplete,d@x.com\n",
        {("order_completed", "GBP"): 2500},
        {"a@x.com"},
    ),
    "returns with amounts": (
        "type,sale_date,order_id,amount,currency,email\nSALE,2026-01-04,1,40.00,EUR,a@x.com\n"
        "RETURN,2026-01-08,1,10.00,EUR,a@x.com\n",
        {("order_completed", "EUR"): 4000, ("order_refunded", "EUR"): 1000},
        {"a@x.com"},
    ),
    "what the customer was given back": (
        "Order ID,Order date,Customer ID,Total,Currency,Customer refund amount\n1,2026-01-05,c1,24.60,USD,0\n"
        "2,2026-01-06,c2,24.60,USD,5.00\n",
        {("order_completed", "USD"): 4920, ("order_refunded", "USD"): 500},
        {"c1", "c2"},
    ),
    "what was paid beside what the seller earned": (
        "purchased_at,final_price,currency,earnings_usd,user_email\n2026-01-05T10:00:00Z,99.0,USD,90.0,a@x.com\n",
        {("order_completed", "USD"): 9900},
        {"a@x.com"},
    ),
    "dashes for nothing": (
        "Order ID,Date,Email,Refund,Total,Currency\n1,2026-01-05,a@x.com,\u2014,50.00,USD\n"
        "2,2026-01-06,b@x.com,10.00,60.00,USD\n3,2026-01-07,c@x.com,\u2014,5.00,USD\n",
        {("order_completed", "USD"): 11500, ("order_refunded", "USD"): 1000},
        {"a@x.com", "b@x.com", "c@x.com"},
    ),
    "holds of rooms that nobody has booked yet": (
        "Status,Created,Email,Total amount,Currency\nChecked out,2026-01-05 10:00,a@x.com,200.00,EUR\n"
        "Optional,2026-01-06 10:00,b@x.com,150.00,EUR\nCanceled,2026-01-06 10:00,c@x.com,150.00,EUR\n",
        {("order_completed", "EUR"): 20000},
        {"a@x.com"},
    ),
    "Turkish": (
        "Sipariş Numaras\u0131;Sipariş Tarihi;Müşteri;Tutar;Para Birimi;Durum\n1;05.01.2026 10:00;Ayşe;1.250,50;TRY;"
        "Teslim edildi\n2;06.01.2026 10:00;Bora;250,50;TRY;İptal edildi\n",
        {("order_completed", "TRY"): 125050},
        {"Ayşe"},
    ),
}


@pytest.mark.parametrize(("text", "expected", "customers"), MONEY.values(), ids=MONEY)
def test_money_and_customers(
    text: str, expected: dict[tuple[str, str], int], customers: set[str], tmp_path: Path
) -> None:
    rows, rejects, _, _ = read(text, tmp_path)
    assert (money(rows), {row["customer_id"] for row in rows}, rejects) == (expected, customers, {})


@pytest.mark.parametrize("column", ["Stage", "status_type", "Deal Stage"])
def test_of_deals_those_that_were_won_are_purchases(column: str, tmp_path: Path) -> None:
    text = (
        f"Deal Name,Amount,Currency,Account Name,{column},Type,Created Time\n"
        "A,1000,USD,Acme,Closed Won,New,2026-01-05\n"
        "B,500,USD,Beta,Closed Lost,New,2026-01-05\nC,500,USD,Gamma,Qualification,New,2026-01-05\n"
    )
    rows, _, _, _ = read(text, tmp_path)
    assert [row["customer_id"] for row in rows if row["kind"] == "order_completed"] == ["Acme"]


KINDS = {
    "mails": (
        "email,timestamp,event\na@x.com,1767607201,delivered\na@x.com,1767607300,open\na@x.com,1767607400,click\n"
        "b@x.com,1767607201,bounce\nb@x.com,1767607202,spamreport\n",
        ["email_delivered", "email_opened", "email_link_clicked", "email_bounced", "email_marked_as_spam"],
    ),
    "views of articles": (
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,1,view,35,\n1433224214164,2,transaction,24,40\n",
        ["product_viewed", "order_completed"],
    ),
    "reviews of orders": (
        "Review ID,Review Score,Review Date,Product ID,Reviewer Email,Order ID\n1,5,2026-01-05,P1,a@x.com,O1\n",
        ["product_reviewed"],
    ),
    "returns of orders": (
        "RMA ID,Order ID,Created at,Customer Email,Return Reason\n1,O1,2026-01-05,a@x.com,too small\n",
        ["return_requested"],
    ),
    "tickets, whatever became of them": (
        "Conversation ID,Assignee,Contact handle,Status,Created at\nc1,joe,a@x.com,archived,2026-01-05 10:00:00\n"
        "c2,joe,b@x.com,open,2026-01-06 10:00:00\n",
        ["support_ticket_opened"] * 2,
    ),
}


@pytest.mark.parametrize(("text", "kinds"), KINDS.values(), ids=KINDS)
def test_kinds(text: str, kinds: list[str], tmp_path: Path) -> None:
    rows, _, _, _ = read(text, tmp_path)
    assert sorted(row["kind"] for row in rows) == sorted(kinds)


@pytest.mark.parametrize(
    ("name", "answers", "scores"),
    [
        ("NPS", ["0", "5", "4"], [1.0, 3.0, 2.6]),
        ("Rating", ["10", "0", "5"], [5.0, 1.0, 3.0]),
        ("Satisfaction score", ["100", "50", "0"], [5.0, 3.0, 1.0]),
        ("Rating", ["5", "1", "3"], [5.0, 1.0, 3.0]),
    ],
)
def test_answers_of_ten_and_of_a_hundred_are_told_as_one_to_five(
    name: str, answers: list[str], scores: list[float], tmp_path: Path
) -> None:
    lines = [f"r{i},2026-01-0{i + 1},u{i}@x.com,{answer}" for i, answer in enumerate(answers)]
    rows, _, _, _ = read(f"Response ID,Submitted at,Email,{name}\n" + "\n".join(lines) + "\n", tmp_path)
    assert [row["satisfaction"] for row in rows] == pytest.approx(scores)


LEDGER = 'Txn Date,Customer Name,Amount (INR),CR/DR\n2026-01-05,Ravi,"1,25,000.00",CR\n2026-01-16,Ravi,"25,000.00",DR\n'


def test_credits_and_debits_are_asked_about_and_no_purchase(tmp_path: Path) -> None:
    rows, _, _, told = read(LEDGER, tmp_path)
    assert {row["kind"] for row in rows} == {"cr", "dr"}
    assert '# "DR" = ""' in told


def test_every_row_as_an_order_warns_of_credits_and_debits(tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(LEDGER)
    mapping = Mapping(
        columns={"customer_id": "Customer Name", "occurred_at": "Txn Date", "amount": "Amount (INR)"},
        constants={"kind": "order_completed", "currency": "INR"},
    )
    with prepare(file, mapping, as_arrived=False, workdir=tmp_path, now=NOW) as found:
        assert "'CR' (1) and 'DR' (1)" in " ".join(found.statuses)


def test_types_that_nobody_knows_are_a_doubt(tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text("No,Type,Account,Date,Total\n1,SI,A1,2026-01-05,120.00\n2,SC,A1,2026-01-06,12.00\n")
    assert "# Type says 'SI', 'SC': is each" in guessed(file, Mapping(), tmp_path, KNOWN)


def test_customers_with_sums_of_a_lifetime_are_no_orders(tmp_path: Path) -> None:
    file = tmp_path / "patrons.csv"
    file.write_text("Email,Lifetime Amount,Pledge Amount,Patron Since\na@x.com,120.00,10.00,2025-01-05\n")
    assert "import the orders" in guessed(file, Mapping(), tmp_path, KNOWN)


@pytest.mark.parametrize("word", ["charged_back", "Incomplete", "authorization denied", "Reversed", "Timed out"])
def test_words_of_what_was_no_purchase(word: str) -> None:
    assert no_purchases([word, "paid_out", "Complete"]) == [word]


@pytest.mark.parametrize(
    ("column", "expected"),
    [("CR/DR", True), ("Debit/Credit", True), ("Credit_Debit_Indicator", True), ("Soll/Haben-Kennzeichen", True),
     ("Debit", False), ("Credit", False), ("Credit note", False)],
)  # fmt: skip
def test_names_of_columns_of_signs(column: str, expected: bool) -> None:
    assert says_sign(column) is expected


def test_the_only_column_of_dates_is_when_it_happened(tmp_path: Path) -> None:
    answers = (
        "respondent,answered,score,nps_comment\na@x.example,2024-03-01 10:00,9,great\nb@x.example,2024-03-02,2,late\n"
    )
    rows, rejects, _, told = read(answers, tmp_path)
    assert 'occurred_at = "answered"   # the only column of dates: is it when it happened?' in told
    assert [row["occurred_at"] for row in rows] == [1_709_287_200_000, 1_709_337_600_000]
    assert rejects == {}


@pytest.mark.parametrize("columns", ["answered,forwarded", "expires,rank"])
def test_of_two_columns_of_dates_and_of_a_day_ahead_nobody_knows(columns: str, tmp_path: Path) -> None:
    others = "2024-03-05" if columns.startswith("answered") else "7"
    told = guessed(
        io.BytesIO(f"respondent,{columns},score\na@x.example,2024-03-01,{others},9\n".encode()),
        Mapping(),
        tmp_path,
        KNOWN,
    )
    assert '# occurred_at = ""' in told
