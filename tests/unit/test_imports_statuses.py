"""What a column says of rows that come in as orders, and what is guessed of lines and of files without a header."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.presets import policy_of

from processors.policy.policy import Policy
from streams.imports.guess import guessed
from streams.imports.mapping import Mapping
from streams.imports.mapping_file import read_mapping
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem
from streams.imports.statuses import no_purchases, says_status

NOW = 1_800_000_000_000
ORDERS = (
    "order-id;customer_id;occurred_at;amount;currency;order-status\n"
    "1;ann;2026-01-05T10:00:00Z;10.00;EUR;Shipped\n"
    "2;ann;2026-01-06T10:00:00Z;20.00;EUR;Cancelled\n"
    "3;bob;2026-01-07T10:00:00Z;30.00;EUR;Shipped - Returned to Seller\n"
    "4;bob;2026-01-08T10:00:00Z;40.00;EUR;Cancelled\n"
)


@pytest.fixture
def policy() -> Policy:
    return policy_of()


def warnings(text: str, mapping: Mapping, folder: Path) -> tuple[str, ...]:
    with prepare(io.BytesIO(text.encode()), mapping, as_arrived=False, workdir=folder, now=NOW) as prepared:
        return prepared.statuses


def test_cancelled_rows_that_come_in_as_orders_are_told_with_the_argument_that_leaves_them_out(tmp_path: Path) -> None:
    (told,) = warnings(ORDERS, Mapping(constants={"kind": "order_completed"}), tmp_path)
    assert told.startswith(
        "order-status, which nobody asked for, says 'Cancelled' (2), 'Shipped - Returned to Seller' (1)"
    )
    assert """--skip '`order-status` in ["Cancelled", "Shipped - Returned to Seller"]'""" in told
    skipping = Mapping(constants={"kind": "order_completed"}, skip='`order-status` in ["Cancelled"]')
    # Who reads it knows what it says.
    assert warnings(ORDERS, skipping, tmp_path) == ()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_also_where_the_columns_are_only_known_from_the_rows(tmp_path: Path, form: str) -> None:
    rows = '{"customer_id":"a","occurred_at":"2026-01-05","amount":1,"currency":"EUR","status":"voided"}\n'
    text = rows if form == "jsonl" else "customer_id,occurred_at,amount,currency,status\na,2026-01-05,1,EUR,voided\n"
    (told,) = warnings(text, Mapping(constants={"kind": "order_completed"}), tmp_path)
    assert "'voided' (1)" in told


def test_nothing_is_told_where_rows_are_no_orders_or_the_words_say_nothing(tmp_path: Path) -> None:
    assert warnings(ORDERS, Mapping(constants={"kind": "order_cancelled"}), tmp_path) == ()
    kinds = Mapping(columns={"kind": "order-status"})
    assert warnings(ORDERS, kinds, tmp_path) == ()
    shipped = ORDERS.replace("Cancelled", "Delivered").replace("Shipped - Returned to Seller", "Shipped")
    assert warnings(shipped, Mapping(constants={"kind": "order_completed"}), tmp_path) == ()


def test_the_words_of_several_languages() -> None:
    none = [
        "canceled", "CANCELLED", "Voided", "declined", "Refunded", "failed", "expired", "storniert",
        "Zahlung abgelehnt", "annulée", "remboursé", "geannuleerd", "cancelado", "rechazada", "devuelto", "annullato",
        "anulowane", "dibatalkan",
    ]  # fmt: skip
    assert no_purchases(none) == none
    assert no_purchases(["paid", "Shipped", "completed", "bezahlt", "livrée", "pagado", "selesai", "processing"]) == []
    waiting = ["Pending payment", "on-hold", "draft", "ausstehend"]
    assert no_purchases(waiting) == waiting


def test_which_columns_say_a_status() -> None:
    assert [name for name in ("Order Status", "order_state", "Statut", "Bestellstatus") if not says_status(name)] == []
    assert [name for name in ("city", "estimated", "amount", "statement") if says_status(name)] == []


FLAGS = (
    "id,customer,at,amount,Voided,Type,Refunded amount\n1,a,2026-01-05,10.00,no,Sale,0.00\n"
    "2,a,2026-01-06,20.00,yes,Sale,5.00\n3,b,2026-01-07,-5.00,no,Credit Memo,0.00\n"
)


def test_flags_types_and_what_was_given_back_are_told_too(tmp_path: Path) -> None:
    columns = {"customer_id": "customer", "occurred_at": "at", "amount": "amount"}
    told = warnings(FLAGS, Mapping(columns=columns, constants={"kind": "order_completed"}), tmp_path)
    assert len(told) == 3
    assert "Refunded amount, which nobody asked for, has amounts in 1 rows" in told[0]
    assert "Voided, which nobody asked for, says 'yes' (1)" in told[1]
    assert "--map kind=Type tells them apart" in told[2]
    known = Mapping(columns={**columns, "kind": "Type"})
    assert warnings(FLAGS, known, tmp_path) == ()


def test_a_flag_says_yes_and_no_and_nothing_else() -> None:
    assert no_purchases(["true", "false"], "is_test") == ["true"]
    assert no_purchases(["0.00", "12.00"], "Refunded") == []
    assert no_purchases(["Rechnung", "Gutschrift", "Angebot"], "Belegart") == ["Gutschrift", "Angebot"]


def lines(text: str, folder: Path, policy: Policy) -> Iterator[str]:
    yield from guessed(io.BytesIO(text.encode()), Mapping(), folder, frozenset(policy.kinds)).splitlines()


def read(text: str, folder: Path, policy: Policy) -> Mapping:
    """The mapping that is guessed."""
    path = folder / "mapping.toml"
    path.write_text("\n".join(lines(text, folder, policy)))
    return read_mapping(path)


def test_a_guess_leaves_cancelled_rows_out(tmp_path: Path, policy: Policy) -> None:
    mapping = read(ORDERS, tmp_path, policy)
    assert mapping.skip == '`order-status` in ["Cancelled", "Shipped - Returned to Seller"]'
    with prepare(io.BytesIO(ORDERS.encode()), mapping, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert (prepared.rows, prepared.skipped) == (1, 3)


def test_a_guess_multiplies_the_price_of_one(tmp_path: Path, policy: Policy) -> None:
    text = "buyer,sale date,quantity,price,order id\nann,2026-02-28,2,15.00,1\nann,2026-02-28,1,20.00,1\n"
    mapping = read(text, tmp_path, policy)
    with prepare(io.BytesIO(text.encode()), mapping, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert [row["amount_minor"] for batch in prepared.batches() for row in batch.to_pylist()] == [5000]
    with_sku = text.replace("buyer", "sku,buyer").replace("\nann", "\nmug,ann")
    assert read(with_sku, tmp_path, policy).columns["price"] == "price"
    total = text.replace("price", "price,item total").replace(".00,1", ".00,27.00,1")
    assert read(total, tmp_path, policy).columns["amount"] == "item total"


def test_a_guess_makes_orders_of_what_has_the_status_of_an_order(tmp_path: Path, policy: Policy) -> None:
    text = (
        '"Order ID","Order Date","Customer","Email","Total incl. tax","Status"\n'
        '"1001","2024-03-01","Ann A","ann@example.com","49.95","shipped"\n'
        '"1002","2024-03-02","Bob B","bob@example.com","19.95","cancelled"\n'
    )
    mapping = read(text, tmp_path, policy)
    assert (mapping.constants["kind"], mapping.skip) == ("order_completed", 'Status in ["cancelled"]')
    assert (mapping.columns["customer_id"], mapping.columns["amount"]) == ("Email", "Total incl. tax")
    deals = text.replace("shipped", "Won").replace("cancelled", "Lost")
    assert read(deals, tmp_path, policy).values["kind"]["Won"] == "order_completed"


def test_a_guess_makes_no_orders_of_a_list_of_addresses(tmp_path: Path, policy: Policy) -> None:
    text = "Email Address,First Name,OPTIN_TIME\nann@example.com,Ann,2023-05-01 10:00:00\n"
    assert "kind" not in read(text, tmp_path, policy).constants


def test_a_guess_takes_the_time_of_the_order(tmp_path: Path, policy: Policy) -> None:
    text = (
        "order_id,customer_id,delivered_at,order_purchase_timestamp\n"
        "1,ann,2017-10-10 21:25:13,2017-10-02 10:56:33\n2,bob,2017-10-11 21:25:13,2017-10-03 10:56:33\n"
    )
    assert read(text, tmp_path, policy).columns["occurred_at"] == "order_purchase_timestamp"


def test_a_file_without_a_header_is_told_so(tmp_path: Path, policy: Policy) -> None:
    text = "00001 19970101  1   11.77\n00002 19970112  1   12.00\n"
    with (
        pytest.raises(InputProblem, match="looks like a row and not like a header"),
        prepare(io.BytesIO(text.encode()), Mapping(), as_arrived=False, workdir=tmp_path, now=NOW),
    ):
        pass
    assert any(line.startswith("# header = false") for line in lines(text, tmp_path, policy))
    mapping = Mapping(
        header=False, names=("customer_id", "occurred_at", "n", "amount"), constants={"kind": "order_completed"}
    )
    with prepare(io.BytesIO(text.encode()), mapping, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert prepared.rows == 2


def test_a_guess_joins_a_date_with_its_time_and_zone(tmp_path: Path, policy: Policy) -> None:
    text = (
        "Date,Time,Time Zone,Customer ID,Gross Sales,Transaction ID\n"
        "2024-07-05,14:05:33,Europe/Berlin,c1,12.50,T1\n"
        "2024-07-05,23:59:00,Europe/Berlin,c2,8.00,T2\n"
    )
    mapping = read(text, tmp_path, policy)
    assert mapping.columns["occurred_at"] == "Date+Time+Time Zone"
    assert mapping.columns["amount"] == "Gross Sales"
    assert not any("timezone" in line for line in lines(text, tmp_path, policy))


def test_a_zone_that_nobody_knows_and_a_time_that_is_none_are_not_joined(tmp_path: Path, policy: Policy) -> None:
    text = "Date,Time,Zone,Customer,Total\n2024-07-05,14:05,Hall 4,c1,12.50\n2024-07-06,15:10,Hall 5,c2,8.00\n"
    assert read(text, tmp_path, policy).columns["occurred_at"] == "Date+Time"
    text = "Date,Time,Customer,Total\n2024-07-05,noon,c1,12.50\n2024-07-06,evening,c2,8.00\n"
    assert read(text, tmp_path, policy).columns["occurred_at"] == "Date"


def test_a_guess_reads_what_stands_in_brackets_behind_a_name(tmp_path: Path, policy: Policy) -> None:
    text = "Customer,Created (UTC),Total (EUR)\nc1,2024-03-25 14:05,12.50\nc2,2024-03-26 23:59,8.00\n"
    mapping = read(text, tmp_path, policy)
    assert mapping.columns["occurred_at"] == "Created (UTC)"
    assert mapping.columns["amount"] == "Total (EUR)"
    assert mapping.constants["currency"] == "EUR"
    assert not any("timezone" in line for line in lines(text, tmp_path, policy))
    assert "currency" not in read(text.replace("Total (EUR)", "Total Net"), tmp_path, policy).constants


def test_ids_are_no_channel(tmp_path: Path, policy: Policy) -> None:
    rows = "".join(f"c{n},2024-03-25,5.00,EUR,ch_{n}\n" for n in range(40))
    assert "channel" not in read("Customer,Date,Total,Currency,Source\n" + rows, tmp_path, policy).columns
    rows = "".join(f"c{n},2024-03-25,5.00,EUR,{('web', 'shop')[n % 2]}\n" for n in range(40))
    assert read("Customer,Date,Total,Currency,Source\n" + rows, tmp_path, policy).columns["channel"] == "Source"


def test_a_guess_knows_stays(tmp_path: Path, policy: Policy) -> None:
    text = (
        "Confirmation code,Guest name,Booked,Start date,End date,Nights,Earnings\n"
        "HM1,Ann Lee,2024-01-05,2024-03-01,2024-03-04,3,$450.00\n"
        "HM2,Bo Ray,2024-01-06,2024-03-05,2024-03-06,1,$120.00\n"
    )
    columns = read(text, tmp_path, policy).columns
    assert columns["order_id"] == "Confirmation code"
    assert (columns["occurred_at"], columns["amount"]) == ("Booked", "Earnings")
    text = "Booking Reference,Guest,Check-in,Total\nB1,a@x.de,2024-03-01,450.00\nB2,b@x.de,2024-03-05,120.00\n"
    columns = read(text, tmp_path, policy).columns
    assert (columns["order_id"], columns["occurred_at"]) == ("Booking Reference", "Check-in")
