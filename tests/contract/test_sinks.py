"""What every sink does with rows and questions."""

import datetime as dt
import decimal
import hashlib
import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.report_rows import AHEAD, day, judgement, meaning, policy, profile, reject, table, transition
from support.report_views import SCHEMA, event_hash, packed
from support.sampled import some

from streams.reports.container import Places
from streams.reports.ddl import statements
from streams.reports.errors import ReportsError
from streams.reports.sink import Sink

CREATED = re.findall(r"^CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w+)", "\n".join(statements()), re.MULTILINE)

FULL: dict[str, Any] = {
    "event_id": "e1",
    "customer_id": "ann",
    "anonymous_id": "browser-1",
    "occurred_at": day(0),
    "received_at": day(1),
    "kind": "order_completed",
    "channel": "shop",
    "amount_minor": -4990,
    "currency": "EUR",
    "cost_minor": 10,
    "margin_minor": 2**62,
    "campaign": "spring",
    "order_id": "o1",
    "lines": [
        {"sku": "a'1", "category": None, "quantity": 2, "amount_minor": 4990},
        {"sku": "ß", "category": "socks", "quantity": -1, "amount_minor": None},
    ],
    "agent_id": "bob",
    "satisfaction": 0.75,
    "properties": {"wrapped": "yes", "ключ": "значение"},
}
BARE: dict[str, Any] = {
    **dict.fromkeys(FULL),
    "event_id": "e2",
    "anonymous_id": "browser-2",
    "occurred_at": day(2),
    "received_at": day(2),
    "kind": "page_viewed",
    "lines": [],
    "properties": {},
}


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows, with Arrow's lists of pairs as the maps that they are."""
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    return [row | {name: dict(row[name]) for name in maps} for row in table.to_pylist()]


def test_the_tables_can_be_created_again_without_losing_a_row(sink: Sink) -> None:
    sink.insert("rejects_raw", table("rejects_raw", [reject()]))
    sink.create()
    assert sink.query("SELECT count() AS n FROM rejects").to_pylist() == [{"n": 1}]


def test_every_column_of_every_table_and_view_is_documented(sink: Sink) -> None:
    documented = sink.query(
        "SELECT table, countIf(comment = '') AS silent, count() AS columns FROM system.columns "
        "WHERE database = currentDatabase() GROUP BY table ORDER BY table"
    ).to_pylist()
    assert {row["table"]: row["silent"] for row in documented} == {name: 0 for name in CREATED if name != "profiles_at"}
    assert all(row["columns"] >= 3 for row in documented if row["table"] != "known_until")
    silent = "SELECT name FROM system.tables WHERE database = currentDatabase() AND comment = ''"
    assert sink.query(silent).num_rows == 0


def test_touchpoints_come_back_as_they_were_written(sink: Sink) -> None:
    sink.insert_touchpoints(packed([FULL, BARE]))
    stored = plain(sink.query("SELECT * FROM touchpoints ORDER BY event_id"))
    beside: dict[str, Any] = {"import_id": None, "is_account": None}
    assert stored == [
        FULL | beside | {"namespace": "known", "event_hash": event_hash("e1")},
        BARE | beside | {"customer_id": "browser-2", "namespace": "anonymous", "event_hash": event_hash("e2")},
    ]


def test_a_replayed_container_changes_nothing(sink: Sink) -> None:
    sink.insert_touchpoints(packed([FULL, FULL, BARE]))
    sink.insert_touchpoints(packed([BARE, FULL | {"event_id": "e3"}]))
    counted = sink.query("SELECT event_id, count() AS n FROM touchpoints GROUP BY event_id ORDER BY event_id")
    assert counted.to_pylist() == [{"event_id": name, "n": 1} for name in ("e1", "e2", "e3")]


def test_an_event_counts_once_for_each_place_in_the_log_at_which_it_counted(sink: Sink) -> None:
    account = FULL | {"is_account": True}
    told = [FULL, FULL | {"amount_minor": 1}, BARE, FULL | {"customer_id": None, "anonymous_id": "ann"}, account]
    for offsets in ([3, 40, 5, 6, 8], [3, 40, 5, 6, 8], [3, 40, 7, 6, 8]):
        sink.insert_touchpoints(packed(told, places=Places(2, np.array(offsets))))
    counted = sink.query(
        "SELECT namespace, customer_id, event_id, count() AS n FROM touchpoints GROUP BY ALL ORDER BY ALL"
    ).to_pylist()
    assert [tuple(row.values()) for row in counted] == [
        ("account", "ann", "e1", 1),
        ("anonymous", "ann", "e1", 1),
        ("anonymous", "browser-2", "e2", 2),
        ("known", "ann", "e1", 2),
    ]


def test_the_same_event_id_of_two_customers_is_two_events(sink: Sink) -> None:
    sink.insert_touchpoints(packed([FULL, FULL | {"customer_id": "bob"}]))
    assert sink.query("SELECT customer_id FROM touchpoints ORDER BY customer_id")["customer_id"].to_pylist() == [
        "ann",
        "bob",
    ]


def test_containers_of_older_and_newer_writers_are_read_by_name(sink: Sink) -> None:
    fields = [field for field in SCHEMA["fields"] if field["name"] not in ("satisfaction", "properties", "lines")]
    newer = {"name": "weather", "type": "string"}
    sink.insert_touchpoints(packed([FULL | {"weather": "rain"}], SCHEMA | {"fields": [newer, *reversed(fields)]}))
    stored = plain(sink.query("SELECT * FROM touchpoints"))
    bare: dict[str, Any] = {"import_id": None, "is_account": None, "satisfaction": None, "properties": {}, "lines": []}
    assert stored == [FULL | bare | {"namespace": "known", "event_hash": event_hash("e1")}]


def test_an_empty_container_stores_nothing(sink: Sink) -> None:
    sink.insert_touchpoints(packed([]))
    assert sink.query("SELECT * FROM touchpoints").num_rows == 0


def test_a_container_that_is_cut_off_is_an_error_and_stores_nothing(sink: Sink) -> None:
    with pytest.raises(ReportsError, match="touchpoints_raw"):
        sink.insert_touchpoints(packed([FULL, BARE])[:-25])
    assert sink.query("SELECT * FROM touchpoints").num_rows == 0


def test_a_transition_says_what_it_was_decided_on(sink: Sink) -> None:
    sink.insert("transitions_raw", table("transitions_raw", [transition()] * 2))
    sink.insert("transitions_raw", table("transitions_raw", [transition()]))
    (stored,) = sink.query("SELECT * FROM transitions").to_pylist()
    assert json.loads(stored.pop("evidence")) == {
        "event_id": "e1",
        "purchases": 1,
        "weeks": 1,
        "first_purchase_at": "2026-01-05T12:00:00.250Z",
        "last_purchase_at": "2026-01-05T12:00:00.250Z",
        "last_sign_at": None,
    }
    expected = {name: value for name, value in transition().items() if not name.startswith("evidence")}
    assert stored == expected | {"superseded_by": ""}


def test_the_same_fact_with_an_instant_a_millisecond_off_collapses(sink: Sink) -> None:
    later = transition(at=day(0) + dt.timedelta(milliseconds=1))
    sink.insert("transitions_raw", table("transitions_raw", [transition()]))
    sink.insert("transitions_raw", table("transitions_raw", [later]))
    assert sink.query("SELECT count() AS n FROM transitions").to_pylist() == [{"n": 1}]


def test_a_superseded_transition_names_the_one_that_took_its_place(sink: Sink) -> None:
    facts = [
        transition(id="a"),
        transition(id="b", supersedes=["a"], known_at=day(1), offset=8),
        transition(id="c", supersedes=["b", "a"], known_at=day(2), offset=9),
        transition(id="d", customer_id="bob"),
    ]
    sink.insert("transitions_raw", table("transitions_raw", facts))
    stored = sink.query("SELECT id, supersedes, superseded_by FROM transitions ORDER BY id").to_pylist()
    assert [row["superseded_by"] for row in stored] == ["c", "c", "", ""]
    assert [row["supersedes"] for row in stored] == [[], ["a"], ["b", "a"], []]


def test_the_profile_with_the_greatest_offset_counts_whatever_the_order(sink: Sink) -> None:
    sink.insert("profiles_raw", table("profiles_raw", [profile(offset=9, touchpoints=9), profile(offset=8)]))
    sink.insert("profiles_raw", table("profiles_raw", [profile(offset=7)]))
    assert sink.query("SELECT * FROM profiles_published").to_pylist() == [profile(offset=9, touchpoints=9)]


def test_nulls_of_a_profile_stay_nulls(sink: Sink) -> None:
    empty = dict.fromkeys(
        ("stage_since", "p_alive", "churn_risk", "p_return", "expected_purchases", "expected_value_minor")
    )
    unbought = profile(**empty, first_purchase_at=None, last_purchase_at=None, purchase_days=0, purchases=0)
    sink.insert("profiles_raw", table("profiles_raw", [unbought]))
    assert sink.query("SELECT * FROM profiles_published").to_pylist() == [unbought]


def test_a_policy_that_came_into_force_twice_is_one(sink: Sink) -> None:
    again, other = policy(offset=4, known_at=day(4)), policy(hash="p2", model="bgnbd", rate_currencies=[], rates=[])
    sink.insert("policies_raw", table("policies_raw", [again, policy(), other]))
    stored = plain(sink.query("SELECT * FROM policies ORDER BY hash"))
    for row in (again, other):
        for key in AHEAD.keys() - {"margin_share"}:
            del row[key]
        row["rates"] = dict(zip(row.pop("rate_currencies"), row["rates"], strict=True))
    assert stored == [again | {"epoch": 0}, other | {"epoch": 0}]


def test_a_judgement_that_is_stored_again_is_one(sink: Sink) -> None:
    first = judgement(evidence_at=None, evidence_event="")
    sink.insert("judgements_raw", table("judgements_raw", [first, first, judgement(customer_id="bob")]))
    sink.insert("judgements_raw", table("judgements_raw", [first]))
    stored = sink.query("SELECT * FROM judgements ORDER BY customer_id").to_pylist()
    assert stored == [first, judgement(customer_id="bob")]


def test_the_meanings_in_force_are_those_of_the_policy_that_came_last(sink: Sink) -> None:
    ordered = meaning(kind="order_completed", purchase=True, cost_minor=5, trust="brand")
    rows = [ordered, ordered, meaning(policy_hash="p2")]
    sink.insert("meanings_raw", table("meanings_raw", rows))
    answer = "SELECT * FROM meanings ORDER BY policy_hash, kind"
    assert sink.query(answer).to_pylist() == [row | {"in_force": False} for row in (rows[0], rows[2])]
    sink.insert("policies_raw", table("policies_raw", [policy(offset=9), policy(hash="p2", known_at=day(1), offset=3)]))
    assert sink.query(answer).to_pylist() == [rows[0] | {"in_force": False}, rows[2] | {"in_force": True}]


def test_rejects_keep_their_bytes(sink: Sink) -> None:
    bad = [reject(), reject(), reject(position=8, payload=b"\xff\x00'\n"), reject(payload=b"the other orders.csv")]
    sink.insert("rejects_raw", table("rejects_raw", bad))
    stored = sink.query("SELECT * FROM rejects ORDER BY position, payload").to_pylist()
    assert [row["payload"] for row in stored] == ["ann,2026-02-31", "the other orders.csv", "FF00270A"]
    assert [row["payload_base64"] for row in stored] == [
        "YW5uLDIwMjYtMDItMzE=",
        "dGhlIG90aGVyIG9yZGVycy5jc3Y=",
        "/wAnCg==",
    ]
    assert {key: value for key, value in stored[0].items() if not key.startswith("payload")} == {
        key: value for key, value in reject().items() if not key.startswith("payload")
    }
    told = [(row["payload_bytes"], row["payload_sha256"]) for row in stored]
    payloads = [each["payload"] for each in (bad[0], bad[3], bad[2])]
    assert told == [(len(payload), hashlib.sha256(payload).hexdigest()) for payload in payloads]
    raw = sink.query("SELECT payload FROM rejects_raw WHERE position = 8")
    assert raw["payload"].to_pylist() == [b"\xff\x00'\n"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "it's",
        'say "x"',
        "a\\b",
        "a\tb\nc\rd\x00e\x08f\x0bg",
        "{x:String}",
        "日本語 🎈",
        "' OR 1=1 --",
        "\\N",
    ],
)
def test_text_parameters_arrive_unchanged(sink: Sink, text: str) -> None:
    assert sink.query("SELECT {it:String} AS it", {"it": text}).to_pylist() == [{"it": text}]


def test_parameters_of_other_types_arrive_unchanged(sink: Sink) -> None:
    offset = dt.timezone(dt.timedelta(hours=2))
    parameters = {
        "number": -(2**60),
        "share": 0.1,
        "yes": True,
        "on": dt.date(2026, 2, 28),
        "at": dt.datetime(2026, 1, 5, 14, 0, 0, 250_000, tzinfo=offset),
        "names": ["it's", "a\\b", "c\td"],
        "numbers": [1, 2],
    }
    answer = sink.query(
        "SELECT {number:Int64} AS number, {share:Float64} AS share, {yes:Bool} AS yes, {on:Date} AS on, "
        "{at:DateTime64(3, 'UTC')} AS at, {names:Array(String)} AS names, {numbers:Array(Int64)} AS numbers",
        parameters,
    )
    assert answer.to_pylist() == [parameters]


def test_a_parameter_without_a_text_is_refused(sink: Sink) -> None:
    with pytest.raises(ReportsError, match="parameter 'it' is a NoneType"):
        sink.query("SELECT {it:String}", {"it": None})


def test_answers_have_the_same_types_everywhere(sink: Sink) -> None:
    answer = sink.query("""
        SELECT
            toUInt8(1) AS small, toInt64(-1) AS big, 1.5 AS share, 'x' AS word, true AS yes, toDate('2026-01-05') AS on,
            toDateTime('2026-01-05 12:00:00', 'UTC') AS second, CAST(NULL, 'Nullable(Int32)') AS nothing,
            toDateTime64('2026-01-05 12:00:00.250', 3, 'UTC') AS instant, toLowCardinality('z') AS low,
            CAST('a', 'Enum8(\\'a\\' = 1)') AS choice, toDecimal64(1.25, 2) AS price
    """)
    assert dict(zip(answer.column_names, answer.schema.types, strict=True)) == {
        "small": pa.uint8(),
        "big": pa.int64(),
        "share": pa.float64(),
        "word": pa.string(),
        "yes": pa.bool_(),
        "on": pa.date32(),
        "second": pa.timestamp("ms", "UTC"),
        "nothing": pa.int32(),
        "instant": pa.timestamp("ms", "UTC"),
        "low": pa.string(),
        "choice": pa.string(),
        "price": pa.decimal128(18, 2),
    }
    (row,) = answer.to_pylist()
    assert row["second"] == dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    assert row["instant"] == dt.datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=dt.UTC)
    assert (row["choice"], row["price"]) == ("a", decimal.Decimal("1.25"))


def test_nested_answers_look_the_same_everywhere(sink: Sink) -> None:
    answer = sink.query("""
        SELECT
            [[1], []] AS lists, ['x', NULL] AS gaps, map('a', 1) AS pairs, [map('b', [2])] AS deep,
            CAST((1, 'x'), 'Tuple(number Int64, word String)') AS named, (toInt8(1), 'y') AS unnamed
    """)
    assert answer.to_pylist() == [
        {
            "lists": [[1], []],
            "gaps": ["x", None],
            "pairs": [("a", 1)],
            "deep": [[("b", [2])]],
            "named": {"number": 1, "word": "x"},
            "unnamed": {"1": 1, "2": "y"},
        }
    ]


def test_an_answer_without_rows_still_has_its_columns(sink: Sink) -> None:
    answer = sink.query("SELECT customer_id, p_alive FROM profiles")
    assert answer.column_names == ["customer_id", "p_alive"]
    assert answer.num_rows == 0


def test_an_error_of_the_engine_shows_what_was_asked(sink: Sink) -> None:
    with pytest.raises(ReportsError, match=r"(?s)nowhere.*in: SELECT \*$"):
        sink.query("-- who is where?\n\nSELECT *\nFROM nowhere")
    assert sink.query("SELECT 1 AS n").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "", "-- nothing"])
def test_a_question_is_one_statement(sink: Sink, sql: str) -> None:
    with pytest.raises(ReportsError, match="ask one at a time"):
        sink.query(sql)


@pytest.mark.parametrize(
    "sql", ["TRUNCATE TABLE rejects_raw", "DROP VIEW rejects", "INSERT INTO rejects_raw SELECT * FROM rejects_raw"]
)
def test_a_question_changes_nothing(sink: Sink, sql: str) -> None:
    sink.insert("rejects_raw", table("rejects_raw", [reject()]))
    with pytest.raises(ReportsError, match=r"(?i)readonly"):
        sink.query(sql)
    assert sink.query("SELECT count() AS n FROM rejects").to_pylist() == [{"n": 1}]


def test_rows_that_do_not_fit_are_refused(sink: Sink) -> None:
    good = table("rejects_raw", [reject()])
    with pytest.raises(ReportsError, match="rejects: there is no such table"):
        sink.insert("rejects", good)
    with pytest.raises(ReportsError, match=r"missing: \['payload'\]"):
        sink.insert("rejects_raw", good.drop_columns(["payload"]))
    with pytest.raises(ReportsError, match=r"unknown: \['mood'\]"):
        sink.insert("rejects_raw", good.append_column("mood", pa.array(["fine"])))
    with pytest.raises(ReportsError, match="nulls in detail"):
        sink.insert("rejects_raw", table("rejects_raw", [reject(detail=None)]))
    with pytest.raises(ReportsError, match="don't fit its columns"):
        sink.insert("rejects_raw", good.set_column(3, "position", pa.array(["seven"])))
    assert sink.query("SELECT * FROM rejects").num_rows == 0


def test_columns_may_come_in_any_order_and_none_is_fine(sink: Sink) -> None:
    rows = table("rejects_raw", [reject()])
    sink.insert("rejects_raw", rows.select(list(reversed(rows.column_names))))
    sink.insert("rejects_raw", rows.slice(0, 0))
    assert sink.query("SELECT position FROM rejects").to_pylist() == [{"position": 7}]


def test_columns_of_hardly_anything_but_defaults_come_back_as_they_were(sink: Sink) -> None:
    """A server keeps and sends of such a column only what is no default."""
    given = [transition(id=f"{i:032x}", win_back=i % 1000 == 7, evidence_weeks=int(i % 1000 == 9)) for i in range(5000)]
    sink.insert("transitions_raw", table("transitions_raw", given))
    found = sink.query("SELECT id, win_back, evidence_weeks FROM transitions_raw ORDER BY id")
    assert found.to_pylist() == table("transitions_raw", given).select(found.column_names).to_pylist()


@pytest.mark.parametrize("view", ["touchpoints", "transitions", "profiles"])
def test_one_customer_is_found_by_the_primary_key(sink: Sink, view: str) -> None:
    sink.insert_touchpoints(packed([FULL]))
    sink.insert("transitions_raw", table("transitions_raw", [transition()]))
    sink.insert("profiles_raw", table("profiles_raw", [profile()]))
    plan = sink.query(f"EXPLAIN indexes = 1 SELECT * FROM {view} WHERE customer_id = 'ann'")
    text = "\n".join(plan.column(0).to_pylist())
    assert "PrimaryKey" in text
    assert "in ['ann', 'ann']" in text


def test_the_ddl_is_numbered_and_can_be_run_again() -> None:
    for statement in statements():
        again = ("CREATE TABLE IF NOT EXISTS ", "CREATE OR REPLACE VIEW ")
        assert statement.startswith(again) or all(
            line.startswith(("ALTER TABLE", "    ADD COLUMN IF NOT EXISTS", "    MODIFY ", "        "))
            for line in statement.splitlines()
        )


BASE = ("touchpoints", "profiles", "transitions", "judgements")


@pytest.mark.slow
@pytest.mark.parametrize("left", BASE)
def test_views_of_customers_can_be_joined_within_a_question(sink: Sink, left: str) -> None:
    columns = (
        "SELECT table FROM system.columns WHERE database = currentDatabase() AND name IN ('customer_id', 'namespace')"
    )
    having = f"{columns} AND NOT endsWith(table, '_raw') AND table != 'profiles_at' GROUP BY table HAVING count() = 2"
    found = [row["table"] for row in sink.query(having).to_pylist()]
    assert set(BASE) <= set(found)
    # Each with one of them, and these with one another: what a view can't be joined for is its own names.
    others = sorted(set(found) - set(BASE))[BASE.index(left) :: len(BASE)]
    for right in [*BASE, *some(others, 4)]:
        joined = f"{left} AS a LEFT JOIN {right} AS b ON a.customer_id = b.customer_id AND a.namespace = b.namespace"
        assert sink.query(f"SELECT * FROM (SELECT count() AS n FROM {joined})").to_pylist() == [{"n": 0}], right
