"""What a mapping can say: paths, values, words for nothing, rows to skip, expressions, several touchpoints a row."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.imports.blocks import Block
from streams.imports.canonical import CANONICAL
from streams.imports.expressions import Expression, ExpressionProblem
from streams.imports.guess import guessed
from streams.imports.mapping import Mapping, Rule, read_mapping
from streams.imports.mapping_file import mapping_of
from streams.imports.paths import root_of, steps_of, value_at
from streams.imports.prepare import prepare
from streams.imports.problems import ImportReject, InputProblem, MappingProblem, NothingUsable
from streams.imports.reached import Reached
from streams.imports.samples import lines_of
from streams.policies import preset

NOW = 1_800_000_000_000
Row = dict[str, Any]


def read(data: str | bytes, folder: Path, mapping: str | Mapping) -> tuple[list[Row], list[ImportReject]]:
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    found = mapping_of(mapping, "m.toml") if isinstance(mapping, str) else mapping
    with prepare(source, found, as_arrived=True, workdir=folder, now=NOW) as prepared:
        return pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist(), list(prepared.rejects)


TICKETS = """Id;Requester id;Created at;Solved at;Status;Satisfaction Score;Channel
1;77;2026-01-05 10:00;2026-01-06 11:00;Solved;Good;email
2;78;2026-01-05 10:00;;Open;Not Offered;chat
3;79;;;Open;;chat
"""
BOTH = """
[columns]
{id}
customer_id = "Requester id"
channel = "Channel"
satisfaction = "Satisfaction Score"
[satisfaction]
"good" = 5
"Not Offered" = ""
[[touchpoints]]
kind = "support_ticket_opened"
occurred_at = "Created at"
[[touchpoints]]
kind = "support_ticket_solved"
occurred_at = "Solved at"
"""


@pytest.mark.parametrize("given", ['event_id = "Id"', ""], ids=["own ids", "made ids"])
def test_one_row_makes_several_touchpoints_and_none_is_lost(given: str, tmp_path: Path) -> None:
    rows, rejects = read(TICKETS, tmp_path, BOTH.format(id=given))
    assert [(row["customer_id"], row["kind"], row["satisfaction"], row["row"]) for row in rows] == [
        ("77", "support_ticket_opened", 5.0, 2), ("77", "support_ticket_solved", 5.0, 2),
        ("78", "support_ticket_opened", None, 3),
    ]  # fmt: skip
    assert len({row["event_id"] for row in rows}) == 3
    if given:
        assert rows[1]["event_id"] == "1:support_ticket_solved"
    assert [(reject.row, reject.reason) for reject in rejects] == [(4, "no_time")]


def test_values_words_for_nothing_and_rows_to_skip(tmp_path: Path) -> None:
    text = (
        "who,when,stage,status,amount,currency\nA@X.com ,2026-01-05,Won,paid,10,EUR\nb,2026-01-05,Lost,paid,1,EUR\n"
        "c,2026-01-05,Won,failed,10,EUR\nd,2026-01-05,Won,paid,N/A,EUR\nnull,2026-01-05,Won,paid,4,EUR\n"
    )
    mapping = """
    nothing = ["NULL", "n/a"]
    skip = 'status in ["failed", "voided"]'
    [columns]
    customer_id = "=lower(trim(who))"
    occurred_at = "when"
    kind = "stage"
    [kinds]
    "Won" = "order_completed"
    "lost" = ""
    """
    rows, rejects = read(text, tmp_path, mapping)
    assert [(row["customer_id"], row["kind"], row["amount_minor"]) for row in rows] == [
        ("a@x.com", "order_completed", 1000), ("d", "order_completed", None),
    ]  # fmt: skip
    assert [reject.reason for reject in rejects] == ["no_customer"]
    with pytest.raises(NothingUsable, match="leaves out all of its 5 rows"):
        read(text, tmp_path, mapping.replace('status in ["failed", "voided"]', 'status != "x"'))


NESTED: list[Row] = [
    {"user": {"id": 42.0}, "at": "2026-01-05T10:00:00Z",
     "event_params": [{"key": "value", "value": {"double_value": 41.5}}],
     "items": [{"item_id": "A", "price": 20.75, "quantity": 2}]},
    {"user": {"id": "42"}, "at": "2026-01-06T10:00:00Z", "event_params": [], "items": []},
]  # fmt: skip
PATHS = """
[columns]
customer_id = "user.id"
occurred_at = "at"
amount = "event_params[key=value].double_value"
[lines]
from = "items[]"
sku = ["sku", "item_id"]
quantity = "quantity"
price = "price"
[constants]
kind = "order_completed"
currency = "EUR"
"""


def _parquet() -> bytes:
    out = io.BytesIO()
    same = [row | {"user": {"id": str(row["user"]["id"])}} for row in NESTED]
    pq.write_table(pa.Table.from_pylist(same), out)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(map(json.dumps, NESTED)), json.dumps(NESTED), json.dumps(NESTED, indent=2),
        json.dumps({"data": NESTED}),
        "\n".join(json.dumps(row, indent=1) for row in NESTED), _parquet(),
    ],
    ids=["lines", "array", "array over lines", "wrapped", "objects over lines", "parquet"],
)  # fmt: skip
def test_paths_lead_into_nested_values_in_every_format(data: str | bytes, tmp_path: Path) -> None:
    rows, rejects = read(data, tmp_path, PATHS)
    assert rejects == []
    assert [(row["customer_id"], row["amount_minor"]) for row in rows] == [("42", 4150), ("42", None)]
    assert lines_of(rows[0]["lines"]) == [{"sku": "A", "category": None, "quantity": 2, "amount_minor": 4150}]


def test_lines_of_an_array_are_where_its_objects_begin(tmp_path: Path) -> None:
    text = '[\n{"c": "a", "t": "2026-01-05"},\n\n{"c": "b",\n "t": "soon"},\n{"c": "d", "t": "2026-01-05"}]\n'
    mapping = Mapping(columns={"customer_id": "c", "occurred_at": "t"}, constants={"kind": "x"})
    rows, rejects = read(text, tmp_path, mapping)
    assert [row["row"] for row in rows] == [2, 6]
    assert [(reject.row, reject.payload) for reject in rejects] == [(4, b'{"c": "b",\n "t": "soon"}')]


@pytest.mark.parametrize("text", ["42", "42.0", '"42"', '"42.00"'])
def test_numbers_are_one_id_however_they_are_written(text: str, tmp_path: Path) -> None:
    mapping = Mapping(columns={"customer_id": "c", "occurred_at": "t"}, constants={"kind": "x"})
    assert read(f'{{"c": {text}, "t": "2026-01-05"}}', tmp_path, mapping)[0][0]["customer_id"] == "42"
    assert read(f"c,t\n{text},2026-01-05\n", tmp_path, mapping)[0][0]["customer_id"] == "42"
    table = pa.table({"c": [float(text.strip('"'))], "t": ["2026-01-05"]})
    out = io.BytesIO()
    pq.write_table(table, out)
    assert read(out.getvalue(), tmp_path, mapping)[0][0]["customer_id"] == "42"


COLUMNS = {"a": ["1", "2.5", None], "b": ["3", "x", "4"], "c d": ["x", "y", None], "n": ["1.234,50", "2,00", "3,25"]}


def reached(**options: Any) -> Reached:
    columns = {name: pa.array(values) for name, values in COLUMNS.items()}
    return Reached(Block(columns, np.arange(3), lambda _: b"", 0, 0), Mapping(**options), {}, {})


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a * b", [3.0, None, None]), ("a + b - 1", [3.0, None, None]), ("coalesce(a, 0) / 2", [0.5, 1.25, 0.0]),
        ("n * 2", [2469.0, 4.0, 6.5]), ("33.33 * 3", [99.99] * 3), ("-a", [-1.0, -2.5, None]),
        ("round(a, 0)", [1.0, 2.0, None]),
        ('a if `c d` == "x" else b', [1.0, None, 4.0]), ("abs(-a)", [1.0, 2.5, None]), ("a / 0", [None] * 3),
    ],
)  # fmt: skip
def test_numbers_are_computed(text: str, numbers: list[float | None]) -> None:
    sign = "," if text.startswith("n") else "."
    assert Expression(text).number(reached(decimal=sign)).to_pylist() == numbers


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a + `c d`", ["1 x", "2.5 y", None]), ("join(a, `c d`)", ["1x", "2.5y", None]),
        ('replace(b, "x", "")', ["3", None, "4"]),
        ("upper(`c d`)", ["X", "Y", None]), ('split(n, ",", 1)', ["50", "00", "25"]), ('split(n, ",", 2)', [None] * 3),
        ("coalesce(`c d`, b)", ["x", "y", "4"]), ('"k"', ["k"] * 3), ("a * 2", ["2", "5", None]),
    ],
)  # fmt: skip
def test_texts_are_computed(text: str, texts: list[str | None]) -> None:
    assert Expression(text).text(reached()).to_pylist() == texts


@pytest.mark.parametrize(
    ("text", "truths"),
    [
        ('`c d` in ["x"]', [True, False, False]), ('`c d` not in ["x"]', [False, True, True]),
        ("a > 1", [False, True, False]),
        ('`c d` != "x"', [False, True, True]), ("given(a) and b >= 3", [True, False, False]),
        ("not given(a)", [False, False, True]),
        ('starts_with(n, "1") or contains(b, "x")', [True, True, False]),
    ],
)  # fmt: skip
def test_conditions(text: str, truths: list[bool]) -> None:
    assert Expression(text).truth(reached()).tolist() == truths


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.__class__()", "a[0:2]", "lambda: 1", "a if", "lower()", "f(a)", "a in b", "1 < a < 2",
     "[a]", "a ** 2", "replace(a, b, a)", "", "x" * 10 + "(" * 500],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionProblem):
        Expression(text)


def test_paths() -> None:
    value = {"a": {"b": [1, {"c": 2}]}, "p": [{"key": "k", "value": {"int_value": None, "string_value": "s"}}]}
    found = {
        path: value_at(value, steps_of(path) or ())
        for path in ("a.b[1].c", "a.b[-2]", "p[key=k]", "p[key=k].value", "a.x.y")
    }
    assert list(found.values()) == [2, 1, "s", "s", None]
    assert [root_of(name) for name in ("a.b", "items[]", "Created at", "a[", "[0]")] == ["a", "items", None, None, None]


def test_every_problem_of_a_mapping_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(
        'skip = "a in"\nnothing = "NULL"\n[columns]\ncustomer = "c"\n[computed]\namount = "f(x)"\n'
        '[lines]\nfrom = "i[]"\nsize = "s"\n'
        '[[touchpoints]]\nkind = "x"\nwhen = "1 +"\nfoo = "c"\n'
    )
    with pytest.raises(MappingProblem) as raised:
        read_mapping(path)
    text = str(raised.value)
    told = {
        "skip: ": 1, "nothing: expected a list": 2, "columns.customer: not a field": 4, "computed.amount: ": 6,
        "lines.size: not a part of lines": 9, "lines: expected from": 7,
    }  # fmt: skip
    for part, line in told.items():
        assert any(one.startswith(f"{path}: {part}") and one.endswith(f"(line {line})") for one in text.splitlines())
    assert "touchpoints.0.when: " in text
    assert "touchpoints.0.foo: not a field" in text


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    mapping = Mapping(
        columns={"customer_id": "c"}, computed={"amount": "p * q"}, constants={"kind": "x"},
        touchpoints=(Rule({"occurred_at": "t"}), Rule({"occurred_at": "u"})),
    )  # fmt: skip
    with pytest.raises(InputProblem, match="reads a column 'q' that is not there"):
        read("c,t,p\na,2026-01-05,1\n", tmp_path, mapping)


def test_a_guess_is_a_mapping_that_can_be_tried(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("Kunde;Datum;Betrag;Status;Foo\nA;05.01.2026;10,50;Order Completed;1\nB;06.01.2026;NULL;refund;2\n")
    text = guessed(file, Mapping(), tmp_path, frozenset(("order_completed", "order_refunded")))
    assert 'customer_id = "Kunde"' in text
    assert 'nothing = ["NULL"]' in text
    assert "# nothing is made of: Foo" in text
    assert '"refund" = "order_refunded"   # a guess' in text
    assert '# currency = "EUR"' in text
    rows, rejects = read(file.read_text(), tmp_path, text)
    assert rejects == []
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("order_completed", 1050), ("order_refunded", None)]


GUESSED = {
    "event_time,event_type,product_id,price,user_id\n2019-10-01 00:00:00 UTC,view,1,2.50,7\n"
    "2019-10-01 00:00:20 UTC,purchase,1,2.50,7\n2019-10-01 00:01:20 UTC,remove_from_cart,1,2.50,7\n": [
        'customer_id = "user_id"', 'occurred_at = "event_time"', 'kind = "event_type"', 'amount = "price"',
        '"view" = "product_viewed"', '"purchase" = "order_completed"', '"remove_from_cart" = "product_removed"',
    ],
    "timestamp,visitorid,event,itemid,transactionid\n"
    "1433221332117,25,addtocart,35,\n1433222276276,5,transaction,3,4\n": [
        'anonymous_id = "visitorid"', 'occurred_at = "timestamp"', 'order_id = "transactionid"', 'sku = "itemid"',
        '"addtocart" = "product_added"',
    ],
    "household_key,BASKET_ID,TRANSACTION_DT,SALES_VALUE\n2375,26,11/13/2000,1.39\n2375,26,11/13/2000,0.82\n": [
        'customer_id = "household_key"', 'order_id = "BASKET_ID"', 'occurred_at = "TRANSACTION_DT"',
        'amount = "SALES_VALUE"', 'kind = "order_completed"',
    ],
    "review_id,user,rating,review_date\nr1,ann,5,\"March 3, 2023\"\nr2,bob,2,12 April 2023\n": [
        'event_id = "review_id"', 'customer_id = "user"', 'satisfaction = "rating"', 'occurred_at = "review_date"',
        'kind = "product_reviewed"',
    ],
    "Rechnung;Kunde;Datum;Betrag\nR-1;K7;05.01.2026;12,00 €\n": [
        'order_id = "Rechnung"', 'customer_id = "Kunde"', 'occurred_at = "Datum"', 'amount = "Betrag"',
    ],
    "Card Member No,Posting Date,Net Amount\n7,2024-05-06,12.00\n": [
        'customer_id = "Card Member No"', 'occurred_at = "Posting Date"', 'amount = "Net Amount"',
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", GUESSED, ids=[text.partition("\n")[0] for text in GUESSED])
def test_columns_are_known_by_many_names(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text(text)
    found = guessed(file, Mapping(), tmp_path, frozenset(preset().kinds))
    assert [line for line in GUESSED[text] if line not in found] == []
    rows, rejects = read(text, tmp_path, found)
    assert (len(rows) > 0, rejects) == (True, [])


def test_a_file_that_says_too_little_is_told_what_can_be_done(tmp_path: Path) -> None:
    columns = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    with pytest.raises(InputProblem, match="it has columns of the format retail: relasi import --as retail"):
        read(columns + "489434,85048,BALL,12,12/1/2009 7:45,6.95,13085.0,United Kingdom\n", tmp_path, Mapping())
    with pytest.raises(InputProblem, match="--guess") as caught:
        read("a,b,c,d\n1,2,3,4\n", tmp_path, Mapping())
    assert "of the format" not in str(caught.value)


def test_a_guess_opens_objects_up_and_what_it_says_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pages.json"
    rows = [
        {"uid": f"u{i}", "when": 1_735_689_600 + 86_400 * i, "event": "order_completed",
         "price": {"amount": "9.99", "currency": "GBP", "of": {"tax": 1.5, "lines": [1]}}, "note": "{", "more": None}
        for i in range(1, 4)
    ]  # fmt: skip
    file.write_text(json.dumps({"data": rows, "meta": {"page": 1}}))
    text = guessed(file, Mapping(), tmp_path, frozenset(preset().kinds))
    assert "amount = \"price.amount\"   # by the last part of its path, such as '9.99': is it?" in text
    assert 'currency = "price.currency"' in text
    assert 'customer_id = "uid"' in text
    assert "# nothing is made of: price.of.tax, note, more" in text
    found, rejects = read(file.read_text(), tmp_path, text)
    assert rejects == []
    assert [(row["customer_id"], row["amount_minor"], row["currency"]) for row in found] == [
        (f"u{i}", 999, "GBP") for i in range(1, 4)
    ]
