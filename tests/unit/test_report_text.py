"""Answers as text, scripts as statements, and ClickHouse's types as Arrow's: what needs no engine."""

import csv
import datetime as dt
import decimal
import io
import json
import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reports.ddl import split_statements, statements
from streams.reports.errors import ReportsError
from streams.reports.format import render
from streams.reports.types import arrow_column, arrow_type

AT = dt.datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=dt.UTC)
ANSWER = pa.table(
    {
        "customer_id": ["ann", 'b,o"b\n', None],
        "n": [1, -20, None],
        "p": pa.array([0.123456789, float("nan"), None]),
        "at": pa.array([AT, AT, None], pa.timestamp("ms", "UTC")),
        "on": pa.array([AT.date(), AT.date(), None]),
        "yes": [True, False, None],
        "names": [["x", "ü"], [], None],
    }
)


def test_a_table_is_aligned_and_numbers_stand_to_the_right() -> None:
    assert render(ANSWER, "table").splitlines() == [
        "customer_id    n         p  at                        on          yes    names",
        "───────────  ───  ────────  ────────────────────────  ──────────  ─────  ──────────",
        'ann            1  0.123457  2026-01-05T12:00:00.250Z  2026-01-05  true   ["x", "ü"]',
        'b,o"b\\n      -20            2026-01-05T12:00:00.250Z  2026-01-05  false  []',
        "",
    ]


def test_what_could_move_the_cursor_of_a_terminal_is_escaped() -> None:
    shown = render(pa.table({"payload": ["\x1b[2J\tx\u202e", "日本", "e\u0301é"], "n": [1, 22, 3]}), "table")
    assert shown.splitlines()[2:] == [
        "\\x1b[2J\\tx\\u202e   1",
        "日本              22",
        "e\u0301é                 3",
    ]


def test_json_is_an_array_of_objects() -> None:
    first, second, third = json.loads(render(ANSWER, "json"))
    assert first == {
        "customer_id": "ann",
        "n": 1,
        "p": 0.123456789,
        "at": "2026-01-05T12:00:00.250Z",
        "on": "2026-01-05",
        "yes": True,
        "names": ["x", "ü"],
    }
    assert (second["p"], second["customer_id"], second["names"]) == (None, 'b,o"b\n', [])
    assert set(third.values()) == {None}
    assert json.loads(render(ANSWER.slice(0, 0), "json")) == []


def test_json_takes_every_type_that_an_engine_answers_with() -> None:
    struct = pa.struct([("at", pa.timestamp("ms", "UTC")), ("b", pa.binary())])
    odd = pa.table(
        {
            "pairs": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
            "thing": pa.array([{"at": AT, "b": b"\xff"}, None], struct),
            "price": pa.array([decimal.Decimal("1.25"), None]),
            "id": pa.array([uuid.UUID(int=1).bytes, None], pa.uuid()),
            "naive": pa.array([AT.replace(tzinfo=None), None], pa.timestamp("us")),
        }
    )
    first, second = json.loads(render(odd, "json"))
    assert first == {
        "pairs": {"a": 1},
        "thing": {"at": "2026-01-05T12:00:00.250Z", "b": "/w=="},
        "price": "1.25",
        "id": "00000000-0000-0000-0000-000000000001",
        "naive": "2026-01-05T12:00:00.250Z",
    }
    assert second == {"pairs": {}, "thing": None, "price": None, "id": None, "naive": None}


def test_an_empty_map_is_an_object_also_inside_of_a_list() -> None:
    nested = pa.table({"all": pa.array([[[], [("a", 1)]]], pa.list_(pa.map_(pa.string(), pa.int64())))})
    assert json.loads(render(nested, "json")) == [{"all": [{}, {"a": 1}]}]


def test_csv_follows_rfc_4180() -> None:
    text = render(ANSWER, "csv")
    assert text.endswith("\r\n")
    assert text.splitlines()[0] == "customer_id,n,p,at,on,yes,names"
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1] == ["ann", "1", "0.123456789", "2026-01-05T12:00:00.250Z", "2026-01-05", "true", '["x", "ü"]']
    assert rows[2][:3] == ['b,o"b\n', "-20", ""]
    assert rows[3] == [""] * 7


@given(st.lists(st.tuples(st.text(), st.none() | st.floats(allow_nan=False)), max_size=5))
def test_programs_get_back_every_value(rows: list[tuple[str, float | None]]) -> None:
    answer = pa.table(
        {"t": pa.array([t for t, _ in rows], pa.string()), "f": pa.array([f for _, f in rows], pa.float64())}
    )
    finite = [(t, None if f is None or abs(f) == float("inf") else f) for t, f in rows]
    assert [(row["t"], row["f"]) for row in json.loads(render(answer, "json"))] == finite
    _, *cells = csv.reader(io.StringIO(render(answer, "csv"), newline=""))
    assert [(t, float(f) if f else None) for t, f in cells] == finite


def test_two_columns_of_one_name_are_refused_as_json() -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["n", "n"])
    with pytest.raises(ReportsError, match="two columns are named n"):
        render(twice, "json")
    assert render(twice, "csv") == "n,n\r\n1,2\r\n"


def test_an_answer_without_columns_is_empty() -> None:
    assert render(pa.table({}), "table") == ""
    assert render(pa.table({}), "json") == "[]\n"


def test_a_layout_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="'xml' is no layout"):
        render(ANSWER, "xml")


def test_scripts_are_cut_at_their_semicolons_only() -> None:
    script = "-- a; b\nSELECT ';', `a;b`, 'it''s;', 'a\\';' /* ; */;\n\n;SELECT \"x;\" -- end"
    assert split_statements(script) == ["SELECT ';', `a;b`, 'it''s;', 'a\\';'", 'SELECT "x;"']


def test_a_folder_without_ddl_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReportsError, match="no SQL files here"):
        statements(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("String", pa.string()),
        ("LowCardinality(Nullable(String))", pa.string()),
        ("DateTime64(3, 'UTC')", pa.timestamp("ms", "UTC")),
        ("DateTime64(6, 'Europe/Berlin')", pa.timestamp("us", "Europe/Berlin")),
        ("DateTime", pa.timestamp("ms", "UTC")),
        ("Array(Array(Nullable(UInt8)))", pa.list_(pa.list_(pa.uint8()))),
        ("Map(String, Array(Int64))", pa.map_(pa.string(), pa.list_(pa.int64()))),
        ("Decimal(18, 2)", pa.decimal128(18, 2)),
        ("Enum8('a' = 1, 'b, c(' = 2)", pa.string()),
        (
            "Tuple(sku String, `odd name` Nullable(String), nested Tuple(Int8, Map(String, Float64)))",
            pa.struct(
                [
                    ("sku", pa.string()),
                    ("odd name", pa.string()),
                    ("nested", pa.struct([("1", pa.int8()), ("2", pa.map_(pa.string(), pa.float64()))])),
                ]
            ),
        ),
        ("Point", pa.string()),
    ],
)
def test_types_by_name(name: str, kind: pa.DataType) -> None:
    assert arrow_type(name) == kind


def test_a_column_that_holds_bytes_is_bytes_throughout() -> None:
    assert arrow_column("String", ["é", b"\xff", None]) == pa.array(["é".encode(), b"\xff", None], pa.binary())


def test_booleans_that_the_driver_gives_as_numbers_are_booleans() -> None:
    # What a server leaves out of a column of almost nothing but defaults, the driver fills with 0.
    assert arrow_column("Bool", [True, 0, False]) == pa.array([True, False, False])
    assert arrow_column("Nullable(Bool)", [None, 1]) == pa.array([None, True])
