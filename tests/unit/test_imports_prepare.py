"""From a file to canonical batches: formats, rejects, order, ids, resumption."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.sampled import examples

from streams.imports.canonical import CANONICAL
from streams.imports.mapping import Mapping, read_mapping
from streams.imports.nested import lines_bytes, map_bytes
from streams.imports.prepare import Prepared, prepare
from streams.imports.problems import ImportReject, InputProblem

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z
Row = dict[str, Any]


def table_of(source: Path | io.BytesIO, folder: Path, mapping: Mapping | None = None, **options: Any) -> pa.Table:
    with prepare(
        source, mapping or Mapping(), workdir=folder / "work", now=NOW, **{"as_arrived": False} | options
    ) as prepared:
        assert list(prepared.rejects) == []
        return pa.Table.from_batches(prepared.batches(), CANONICAL)


def rows_of(text: str, folder: Path, mapping: Mapping | None = None, **options: Any) -> list[Row]:
    rows: list[Row] = table_of(io.BytesIO(text.encode()), folder, mapping, **options).to_pylist()
    return rows


def rejects_of(text: bytes, folder: Path, mapping: Mapping | None = None) -> list[ImportReject]:
    with prepare(io.BytesIO(text), mapping or Mapping(), as_arrived=False, workdir=folder, now=NOW) as prepared:
        assert len(prepared.rejects) == len(list(prepared.rejects))
        return list(prepared.rejects)


def without_row(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "row"} for row in rows]


RECORDS: list[Row] = [
    {
        "customer_id": f"c{i % 5}", "occurred_at": f"2024-03-0{1 + i % 7}T10:00:00.250Z", "kind": "Order Completed",
        "channel": "web" if i % 2 else None, "amount": f"{i}.{i % 10}7", "currency": "usd", "cost_minor": i,
        "satisfaction": i / 8, "lines": [{"sku": f"s{i}", "quantity": i, "amount_minor": None}] if i % 3 else None,
        "properties": {"n": f"{i}", "a": "b"} if i % 2 else None,
    }
    for i in range(40)
]  # fmt: skip


def as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    nested = ("lines", "properties")
    writer.writerows(row | {name: row[name] and json.dumps(row[name]) for name in nested} for row in rows)
    return text.getvalue().encode()


def as_jsonl(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_parquet(rows: list[Row]) -> bytes:
    line = pa.struct([("sku", pa.string()), ("quantity", pa.int64()), ("amount_minor", pa.int64())])
    types = dict.fromkeys(rows[0], pa.string()) | {
        "occurred_at": pa.timestamp("ms", "UTC"),
        "amount": pa.float64(),
        "cost_minor": pa.int32(),
        "satisfaction": pa.float64(),
        "lines": pa.list_(line),
        "properties": pa.map_(pa.string(), pa.string()),
    }
    typed = [
        row
        | {
            "occurred_at": datetime.fromisoformat(row["occurred_at"]),
            "amount": float(row["amount"]),
            "properties": row["properties"] and [*row["properties"].items()],
        }
        for row in rows
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(typed, pa.schema(types.items())), out, row_group_size=16)
    return out.getvalue()


def as_avro(rows: list[Row]) -> bytes:
    line = {"type": "record", "name": "Line", "fields": [
        {"name": "sku", "type": "string"}, {"name": "quantity", "type": "int"},
        {"name": "amount_minor", "type": ["null", "long"]},
    ]}  # fmt: skip
    types: Row = {name: ["null", "string"] for name in rows[0]}
    types |= {"cost_minor": "long", "satisfaction": "double", "lines": ["null", {"type": "array", "items": line}],
              "properties": ["null", {"type": "map", "values": "string"}]}  # fmt: skip
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "Row", "fields": fields}, rows)
    return out.getvalue()


def test_a_row_becomes_canonical(tmp_path: Path) -> None:
    row = rows_of(as_jsonl([RECORDS[13]]).decode(), tmp_path)[0]
    assert len(row.pop("event_id")) == 32
    assert row == {
        "customer_id": "c3", "anonymous_id": None, "occurred_at": 1709805600250, "received_at": 1709805600250,
        "kind": "order_completed", "channel": "web", "amount_minor": 1337, "currency": "USD", "cost_minor": 13,
        "margin_minor": None, "campaign": None, "order_id": None, "agent_id": None, "satisfaction": 1.625, "row": 1,
        "lines": lines_bytes([{"sku": "s13", "quantity": 13}], 2), "properties": map_bytes({"a": "b", "n": "13"}),
        "import_id": None, "known": None, "is_account": None,
    }  # fmt: skip


@pytest.mark.parametrize("write", [as_csv, as_jsonl, as_parquet, as_avro])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_format_says_the_same(write: Callable[[list[Row]], bytes], zipped: bool, tmp_path: Path) -> None:
    data = write(RECORDS)
    found = table_of(io.BytesIO(gzip.compress(data) if zipped else data), tmp_path)
    expected = table_of(io.BytesIO(as_jsonl(RECORDS)), tmp_path)
    assert found.drop_columns("row") == expected.drop_columns("row")
    first = 2 if write is as_csv else 1
    assert sorted(found["row"].to_pylist()) == list(range(first, first + len(RECORDS)))


IN_MS = {"occurred_at": "milliseconds"}
LEAST = Mapping(constants={"customer_id": "c", "kind": "k"}, time_formats=IN_MS)
IN_EUROS = Mapping(constants=LEAST.constants | {"currency": "EUR"}, time_formats=IN_MS)
COUNTED = Mapping(time_formats=IN_MS)


def test_what_lies_after_now_is_in_the_future(tmp_path: Path) -> None:
    rows = [{"occurred_at": at} for at in (NOW - 1, NOW, NOW + 1)]
    with prepare(io.BytesIO(as_jsonl(rows)), LEAST, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert (prepared.rows, prepared.last_at) == (2, NOW)
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [(3, "impossible_time")]


def test_every_bad_row_is_a_reject_and_nothing_else_is(tmp_path: Path) -> None:
    head = b"customer_id,anonymous_id,occurred_at,received_at,kind,amount,currency,cost_minor,satisfaction"
    head += b",lines,properties\n"
    lines = {
        b"c,,2024-01-01,,k,1.5,USD,7,0.5,,": None,
        b"c,,,,k,,,,,,": ("no_time", "occurred_at is empty"),
        b"c,,soon,,k,,,,,,": (
            "bad_time", "occurred_at 'soon' is no time that is understood; say how it is written with --time-format"),
        b"c,,202401,,k,,,,,,": (
            "bad_time", "occurred_at '202401' may mean several things; say which with --time-format, such as %y%m%d, "
            "%d/%m/%y, %d.%m.%y, seconds, milliseconds or excel"),
        b"c,,1969-12-31,,k,,,,,,": ("impossible_time", "occurred_at is before 1970"),
        b"c,,9999-12-31,,k,,,,,,": ("impossible_time", "occurred_at is in the future"),
        b"c,,2024-01-03,2024-01-01,k,,,,,,": (
            "impossible_time", "occurred_at '2024-01-03T00:00:00' is more than a day after received_at"),
        b",,2024-01-01,,k,,,,,,": ("no_customer", "neither customer_id nor anonymous_id"),
        b",a,2024-01-01,,k,,,,,,": None,
        b"x" * 256 + b",,2024-01-01,,k,,,,,,": ("long_customer_id", "customer_id is longer than 255 bytes"),
        b"c\xff,,2024-01-01,,k,,,,,,": ("bad_text", "customer_id is not UTF-8"),
        b"c,,2024-01-01,,?!,,,,,,": ("no_kind", "kind is empty"),
        b"c,,2024-01-01,,k,ten,,,,,": ("bad_number", "amount 'ten' is not a number"),
        b"c,,2024-01-01,,k,,dollars,,,,": (
            "bad_currency", "currency 'dollars' is no code of three letters, such as EUR"),
        b"c,,2024-01-01,,k,,,1.5,,,": ("bad_number", "cost_minor '1.5' is not a whole number"),
        b"c,,2024-01-01,,k,,,,good,,": ("bad_number", "satisfaction 'good' is not a number"),
        b"c,,2024-01-01,,k,,,,,7,": ("bad_lines", "lines: expected a list of lines"),
        b"c,,2024-01-01,,k,,,,,,[]": ("bad_properties", "properties: expected an object of names and values"),
        b"c,,2024-01-01": ("broken_line", "3 fields, where the file has 11 columns"),
        b"c,,2024-01-02,,k,,,,,,": None,
    }  # fmt: skip
    source = io.BytesIO(head + b"\n".join(lines))
    with prepare(source, Mapping(), as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert list(prepared.rejects) == [
            ImportReject(number, *why, line) for number, (line, why) in enumerate(lines.items(), 2) if why is not None
        ]
        assert [row for batch in prepared.batches() for row in batch.column("row").to_pylist()] == [2, 10, 21]


def test_broken_json_is_a_reject(tmp_path: Path) -> None:
    good = b'{"occurred_at": 1, "x": "%s"}'
    lines = [
        good % b"a", b"{", b"", b"[1]", b'{"occurred_at": NaN}', b'{"x": "\\ud800"}', b'{"x": "\xff"}', b"[" * 5000,
        good % b"\\ud83d\\ude00",
    ]  # fmt: skip
    rejects = rejects_of(b"\n".join(lines), tmp_path, LEAST)
    assert [(reject.row, reject.reason, reject.payload) for reject in rejects] == [
        (number, "broken_json", line) for number, line in enumerate(lines, 1) if number not in (1, 3, 9)
    ]


def test_a_bad_row_of_parquet_comes_as_json(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"occurred_at": [1, -1], "amount": [1.5, 2.5], "other": [1, 2]}), out)
    rejects = rejects_of(out.getvalue(), tmp_path, IN_EUROS)
    assert rejects == [
        ImportReject(2, "impossible_time", "occurred_at is before 1970", b'{"amount":2.5,"occurred_at":-1}')
    ]


def test_amounts_follow_the_currency_of_their_row(tmp_path: Path) -> None:
    text = "occurred_at,amount,currency,amount_minor\n1,5,JPY,\n2,5.5,BHD,\n3,5.5,,\n4,5.5,eur,777\n"
    for own, third in (("USD", 550), ("JPY", 6), ("KWD", 5500)):
        rows = rows_of(text, tmp_path, LEAST, own_currency=own)
        assert [row["amount_minor"] for row in rows] == [5, 5500, third, 777]
        assert [row["currency"] for row in rows] == ["JPY", "BHD", own, "EUR"]


def test_columns_that_nobody_asked_for(tmp_path: Path) -> None:
    text = b"occurred_at,colour,size,properties.x\n1,red,,y\n"
    as_json = b'{"occurred_at": 1, "colour": "red", "size": null, "properties.x": "y"}\n'
    for data in (text, as_json):
        with prepare(io.BytesIO(data), LEAST, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
            assert prepared.ignored == ("colour", "size")
            assert next(prepared.batches()).column("properties").to_pylist() == [map_bytes({"x": "y"})]
    keep = Mapping(constants=LEAST.constants | {"properties.z": "7"}, keep_extra=True, time_formats=IN_MS)
    for data in (text, as_json):
        with prepare(io.BytesIO(data), keep, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
            assert prepared.ignored == ()
            expected = map_bytes({"x": "y", "colour": "red", "z": "7"})
            assert next(prepared.batches()).column("properties").to_pylist() == [expected]


def test_a_property_column_wins_over_the_object(tmp_path: Path) -> None:
    text = 'occurred_at;properties;properties.a\n1;{"a": 1, "b": 2};\n2;{"a": 1, "b": 2};3\n'
    found = [row["properties"] for row in rows_of(text, tmp_path, LEAST)]
    assert found == [map_bytes({"a": "1", "b": "2"}), map_bytes({"a": "3", "b": "2"})]


def test_structs_are_properties(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"occurred_at": [1, 2], "properties": [{"a": 1, "b": "x"}, None]}), out)
    table = table_of(io.BytesIO(out.getvalue()), tmp_path, LEAST)
    assert table["properties"].to_pylist() == [map_bytes({"a": "1", "b": "x"}), b"\x00"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty; expected CSV"),
        (b" \n\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"occurred_at\n", "has no rows"),
        (b"PK\x03\x04abc", "ZIP archive or a spreadsheet"),
        (b"a\0b\0", "neither text nor in a known format"),
        (b'[{"occurred_at": 1}', "the array does not end"),
        (b'[{"occurred_at": 1}]x', "something follows the end of the array"),
        (b'[{"occurred_at": 1}, {"a": ]', "begins in line 1 is broken"),
        (b"PAR1 is not enough", "not a whole Parquet file"),
        (b"Obj\x01 is not enough", "not a whole Avro file"),
        (as_parquet(RECORDS)[:-300], "not a whole Parquet file"),
        (as_avro(RECORDS)[:-300], "not a whole Avro file"),
        (b"a,b\n1,2\n", "no time: name the column with --map occurred_at=COLUMN"),
        (b'{"a": 1}\n', "no time: name the column with --map occurred_at=COLUMN"),
    ],
)
def test_what_cannot_be_imported_at_all(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match=message):
        prepare(io.BytesIO(data), LEAST, as_arrived=False, workdir=tmp_path, now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputProblem) as caught:
        prepare(
            io.BytesIO(b"a,b\n1,2\n"), Mapping(columns={"amount": "sum"}), as_arrived=False, workdir=tmp_path, now=NOW
        )
    lines = str(caught.value).splitlines()
    wanted = ("from a column 'sum'", "no customer", "no time", "no kind", "its columns are: a, b", "--guess FILE")
    assert len(lines) == len(wanted)
    assert all(want in line for want, line in zip(wanted, lines, strict=True))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match=r"none\.csv: cannot be read \(No such file"):
        prepare(tmp_path / "none.csv", LEAST, as_arrived=False, workdir=tmp_path / "work", now=NOW)


def shuffled(count: int, instants: int, seed: int) -> list[Row]:
    chance = random.Random(seed)
    return [
        # Not on the first day of 1970: programs write that for no time.
        {"customer_id": f"c{chance.randrange(4)}", "occurred_at": 100_000_000 + chance.randrange(instants), "kind": "k"}
        for _ in range(count)
    ]


@pytest.mark.slow
@settings(max_examples=examples(15), deadline=None)
@given(
    count=st.integers(1, 4000),
    instants=st.integers(1, 5000),
    memory_rows=st.integers(1, 700),
    seed=st.integers(0, 9),
    as_arrived=st.booleans(),
)
@example(count=2472, instants=2477, memory_rows=1, seed=0, as_arrived=False)  # parts of parts are cut again
def test_order_on_disk_is_order_in_memory(
    count: int, instants: int, memory_rows: int, seed: int, as_arrived: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("order")
    rows = shuffled(count, instants, seed)
    data = as_jsonl(rows)
    found = table_of(io.BytesIO(data), folder, COUNTED, as_arrived=as_arrived, memory_rows=memory_rows)
    at = list(range(count)) if as_arrived else sorted(range(count), key=lambda i: rows[i]["occurred_at"])
    assert found["row"].to_pylist() == [i + 1 for i in at]
    assert found == table_of(io.BytesIO(data), folder, COUNTED, as_arrived=as_arrived)
    assert len(set(found["event_id"].to_pylist())) == count


@pytest.mark.parametrize("memory_rows", [10, 10_000])
@pytest.mark.parametrize("as_arrived", [False, True])
def test_an_import_goes_on_where_it_was_cut_off(memory_rows: int, as_arrived: bool, tmp_path: Path) -> None:
    data = as_jsonl(shuffled(300, 20, 1))

    def prepared() -> Prepared:
        return prepare(
            io.BytesIO(data), COUNTED, as_arrived=as_arrived, workdir=tmp_path, now=NOW, memory_rows=memory_rows
        )

    with prepared() as first, prepared() as second:
        assert first.content_key == second.content_key
        assert (first.rows, first.was_sorted) == (300, not as_arrived)
        whole = pa.Table.from_batches(first.batches(), CANONICAL)
        assert (first.first_at, first.last_at) == (
            min(whole["occurred_at"].to_pylist()),
            max(whole["occurred_at"].to_pylist()),
        )
        for skip in (0, 1, 7, 150, 299, 300, 400):
            rest = pa.Table.from_batches(second.batches(skip, 7), CANONICAL)
            assert rest == whole.slice(skip)
        assert pa.Table.from_batches(second.batches(13, 7, last=True), CANONICAL) == whole.slice(13)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_order_is_left_alone(tmp_path: Path) -> None:
    rows = sorted(shuffled(300, 20, 1), key=lambda row: int(row["occurred_at"]))
    for memory_rows in (10, 10_000):
        with prepare(io.BytesIO(as_jsonl(rows)), COUNTED, as_arrived=False, workdir=tmp_path, now=NOW,
                     memory_rows=memory_rows) as prepared:  # fmt: skip
            assert not prepared.was_sorted
            found = [row for batch in prepared.batches() for row in batch.column("row").to_pylist()]
            assert found == list(range(1, 301))
            last = [row for batch in prepared.batches(5, 64, last=True) for row in batch.column("row").to_pylist()]
            assert last == list(range(6, 301))


def test_ids_come_from_content_and_count_alone(tmp_path: Path) -> None:
    rows = shuffled(500, 20, 2)
    ids = {row["event_id"] for row in rows_of(as_jsonl(rows).decode(), tmp_path, COUNTED)}
    assert len(ids) == 500
    random.Random(3).shuffle(rows)
    assert {
        row["event_id"] for row in rows_of(as_jsonl(rows).decode(), tmp_path, COUNTED, as_arrived=True, memory_rows=50)
    } == ids
    fewer = {row["event_id"] for row in rows_of(as_jsonl(rows[:200]).decode(), tmp_path, COUNTED)}
    assert len(fewer) == 200
    assert fewer < ids


def test_ids_never_change(tmp_path: Path) -> None:
    text = (
        'customer_id,occurred_at,kind,amount,properties\nc,2024-01-01,k,1.5,"{""a"": 1}"\n' + 2 * "c,2024-01-01,k,,\n"
    )
    assert [row["event_id"] for row in rows_of(text, tmp_path, own_currency="EUR")] == [
        "3dc6e273bcd3fdbdc9a0e1321f2b40f0",
        "00ac506cdccd4d6d5d66854ef78d5584",
        "b97f54835456b567e81f01cc056df8c1",
    ]


def test_given_ids_are_kept_and_count_for_nobody(tmp_path: Path) -> None:
    rows = rows_of("event_id,occurred_at\n,1\ne7,1\n,1\n", tmp_path, LEAST)
    plain = rows_of("occurred_at\n1\n1\n", tmp_path, LEAST)
    assert [row["event_id"] for row in rows] == [plain[0]["event_id"], "e7", plain[1]["event_id"]]


def test_the_key_of_an_import(tmp_path: Path) -> None:
    def key(data: bytes, mapping: Mapping = LEAST, *, as_arrived: bool = False) -> str:
        with prepare(io.BytesIO(data), mapping, as_arrived=as_arrived, workdir=tmp_path, now=NOW) as prepared:
            return prepared.content_key

    data = b"occurred_at\n1\n"
    path = tmp_path / "named.csv"
    path.write_bytes(data)
    with prepare(path, LEAST, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert prepared.content_key == key(data)
    another = Mapping(constants={"customer_id": "d", "kind": "k"}, time_formats=IN_MS)
    others = {key(data), key(data + b"2\n"), key(data, another), key(data, as_arrived=True)}
    assert len(others) == 4


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    data = b"occurred_at\n2\n1\n"
    table_of(io.BytesIO(data), tmp_path, LEAST, progress=lambda *step: told.append(step))
    size = len(data)
    assert told == [("receiving", size, 0), ("reading", size, size), ("sorting", 0, 2), ("sorting", 2, 2)]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(b"occurred_at\n1\n")

    monkeypatch.setattr("sys.stdin", Input)
    with prepare("-", LEAST, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        assert (prepared.name, prepared.rows) == ("standard input", 1)


def test_cdnow_as_it_was_published(tmp_path: Path) -> None:
    master = (
        " customer_id  date number_of_cds  dollar_value\r\n"
        " 00001 19970101  1   11.77\r\n 00002 19970112  1   12.00\r\n 00002 19970112  5   77.00\r\n\r\n\x1a"
    )
    rows = rows_of(master, tmp_path, read_mapping(ROOT / "docs/mappings/cdnow.toml"))
    assert [
        (row["customer_id"], row["occurred_at"], row["amount_minor"], row["kind"], row["currency"]) for row in rows
    ] == [
        ("00001", 852076800000, 1177, "order_completed", "USD"),
        ("00002", 853027200000, 1200, "order_completed", "USD"),
        ("00002", 853027200000, 7700, "order_completed", "USD"),
    ]
    sample = " 00001 0001 19970101  1   11.77\r\n 00002 0002 19970112  1   12.00\r\n 00002 0002 19970112  5   77.00\r\n"
    again = rows_of(sample, tmp_path, read_mapping(ROOT / "docs/mappings/cdnow-sample.toml"))
    assert without_row(again) == without_row(rows)
