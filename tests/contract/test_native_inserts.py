"""Inserts over the native port of a server: columns declared otherwise than ours, many blocks, and errors."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from clickhouse_driver import Client
from support.clickhouse_server import Server
from support.flaky_server import LOSES_ANSWERS, REFUSES, WORKS, FlakyServer, flaky
from support.report_rows import day, judgement, meaning, profile, reject, table, transition

from streams.reports.clickhouse import ClickHouseSink
from streams.reports.errors import ReportsError

MANY = 300_000
ROWS = {
    "transitions_raw": [transition(), transition(id="b", supersedes=["a", "c"], win_back=True)],
    "profiles_raw": [profile(), profile(customer_id="bob", p_alive=None, end_at=day(3), let_go=["deal_seeker"])],
    "judgements_raw": [judgement(), judgement(customer_id="bob", evidence_at=None, evidence_value=float("-inf"))],
}


class Database:
    """Our tables in a database of their own, to be declared anew and inserted into."""

    def __init__(self, clickhouse: Server) -> None:
        name = f"relasi_{uuid4().hex}"
        self.sink = ClickHouseSink(clickhouse.url(name))
        self.sink.create()
        self._client = Client("127.0.0.1", clickhouse.tcp_port, database=name)

    def alter(self, name: str, *changes: str) -> None:
        for change in changes:
            self._client.execute(f"ALTER TABLE {name} {change}")

    def parts(self, name: str) -> int:
        """How many parts a table has, also those that were merged since."""
        found = (
            f"SELECT count() FROM system.parts WHERE database = currentDatabase() AND level = 0 AND table = '{name}'"
        )
        return int(self._client.execute(found)[0][0])

    def close(self) -> None:
        self._client.disconnect()
        self.sink.close()


@pytest.fixture
def database(clickhouse: Server) -> Iterator[Database]:
    made = Database(clickhouse)
    yield made
    made.close()


@pytest.fixture
def proxy(clickhouse: Server) -> Iterator[FlakyServer]:
    with flaky([clickhouse.tcp_port, clickhouse.http_port]) as made:
        yield made


def told(name: str) -> list[dict[str, Any]]:
    """Our rows as their table holds them."""
    return [{name: _told(value) for name, value in {**row, "epoch": 0}.items()} for row in ROWS[name]]


def _told(value: Any) -> Any:
    """Arrow tells a map as its entries."""
    return list(value.items()) if isinstance(value, dict) else value


def many_judgements() -> pa.Table:
    """Some blocks' worth, each with its own id and value."""
    rows = table("judgements_raw", [judgement(), judgement(evidence_at=None, after="")]).take(np.arange(MANY) % 2)
    ids = pa.array(np.arange(MANY).astype("U6"))
    numbers = pa.array(np.arange(MANY, dtype=np.float64))
    return rows.set_column(0, rows.schema.field("id"), ids).set_column(
        rows.schema.get_field_index("evidence_value"), rows.schema.field("evidence_value"), numbers
    )


@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows_come_back_as_they_were_written(database: Database, name: str) -> None:
    database.sink.insert(name, table(name, ROWS[name]))
    assert database.sink.query(f"SELECT * FROM {name}").to_pylist() == told(name)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_texts_may_be_declared_as_of_low_cardinality(database: Database, name: str) -> None:
    columns = {
        "transitions_raw": ["from_stage", "cause"],
        "profiles_raw": ["stage", "segment", "currency"],
        "judgements_raw": ["judgement", "before", "policy_hash"],
    }[name]
    database.alter(name, *(f"MODIFY COLUMN {column} LowCardinality(String)" for column in columns))
    lists = {"transitions_raw": "supersedes", "profiles_raw": "trust_signs"}.get(name)
    if lists:
        database.alter(name, f"MODIFY COLUMN {lists} Array(LowCardinality(String))")
    database.sink.insert(name, table(name, ROWS[name]))
    assert database.sink.query(f"SELECT * FROM {name}").to_pylist() == told(name)


def test_types_that_only_the_driver_knows_are_left_to_it(database: Database) -> None:
    database.alter(
        "meanings_raw",
        "MODIFY COLUMN initiative Enum8('customer' = 1, 'firm' = 2, 'both' = 3, 'none' = 4)",
        "MODIFY COLUMN engagement Float32",
        "MODIFY COLUMN trust FixedString(5)",
    )
    rows = [meaning(initiative="firm", engagement=0.5, trust="brand"), meaning(kind="b", trust="other", cost_minor=-1)]
    database.sink.insert("meanings_raw", table("meanings_raw", rows))
    assert database.sink.query("SELECT * FROM meanings_raw ORDER BY kind DESC").to_pylist() == rows


@pytest.mark.parametrize("kind", ["DateTime64(6, 'UTC')", "DateTime64(9)", "DateTime64(4, 'UTC')", "DateTime('UTC')"])
def test_instants_stay_the_same_in_columns_of_another_precision(database: Database, kind: str) -> None:
    database.alter("judgements_raw", f"MODIFY COLUMN at {kind}", f"MODIFY COLUMN evidence_at Nullable({kind})")
    at = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    rows = [judgement(at=at, evidence_at=at), judgement(customer_id="bob", at=at, evidence_at=None)]
    database.sink.insert("judgements_raw", table("judgements_raw", rows))
    stored = database.sink.query("SELECT toUnixTimestamp(at) AS at, evidence_at = at AS same FROM judgements_raw")
    assert stored.to_pylist() == [{"at": at.timestamp(), "same": True}, {"at": at.timestamp(), "same": None}]


def test_an_insert_of_many_blocks_makes_one_part(database: Database) -> None:
    rows = many_judgements()
    assert rows.nbytes > 2 * 2**24
    database.sink.insert("judgements_raw", rows)
    assert database.parts("judgements_raw") == 1
    (stored,) = database.sink.query(
        "SELECT count() AS n, uniqExact(id) AS ids, countIf(id = toString(evidence_value)) AS same, "
        "countIf(evidence_at IS NULL AND after = '') AS odd FROM judgements_raw"
    ).to_pylist()
    assert stored == {"n": MANY, "ids": MANY, "same": MANY, "odd": MANY // 2}


def test_a_few_long_payloads_among_short_ones(database: Database) -> None:
    payloads = [
        bytes([number]) * length for number, length in enumerate([0, 5, 127, 128, 20_000, 20_000_000, 3, 2**21])
    ]
    rows = [reject(position=number, payload=payload) for number, payload in enumerate(payloads)]
    database.sink.insert("rejects_raw", table("rejects_raw", rows))
    stored = database.sink.query("SELECT lower(hex(MD5(payload))) AS digest FROM rejects_raw ORDER BY position")
    assert stored["digest"].to_pylist() == [hashlib.md5(payload).hexdigest() for payload in payloads]


def test_a_value_that_does_not_fit_is_told_and_the_next_insert_works(database: Database) -> None:
    rows: list[dict[str, Any]] = [judgement(), judgement(customer_id="bob", offset=300)]
    database.alter("judgements_raw", "MODIFY COLUMN `offset` Int8")
    with pytest.raises(ReportsError, match=r"(?s)column offset, Int8: .*300.*\n  in: INSERT INTO judgements_raw"):
        database.sink.insert("judgements_raw", table("judgements_raw", rows))
    database.alter("judgements_raw", "MODIFY COLUMN `offset` Int64")
    database.sink.insert("judgements_raw", table("judgements_raw", rows))
    assert database.sink.query("SELECT * FROM judgements_raw").to_pylist() == [{**row, "epoch": 0} for row in rows]


def test_a_null_where_the_server_takes_none_is_told(database: Database) -> None:
    database.alter("judgements_raw", "MODIFY COLUMN evidence_at DateTime64(3, 'UTC') DEFAULT 0")
    with pytest.raises(ReportsError, match=r"column evidence_at, DateTime64.*: null"):
        database.sink.insert("judgements_raw", table("judgements_raw", [judgement(evidence_at=None)]))


@pytest.mark.parametrize("bad", [0, MANY // 2, MANY - 1])
def test_what_the_server_refuses_is_told_and_the_next_insert_works(database: Database, bad: int) -> None:
    database.alter("judgements_raw", f"ADD CONSTRAINT possible CHECK evidence_value != {bad}")
    with pytest.raises(ReportsError, match=r"(?s)Constraint `possible`.*\n  in: INSERT INTO judgements_raw") as caught:
        database.sink.insert("judgements_raw", many_judgements())
    assert "Stack trace" not in str(caught.value)
    assert database.parts("judgements_raw") == 0
    database.sink.insert("judgements_raw", table("judgements_raw", [judgement()]))
    assert database.sink.query("SELECT count() AS n FROM judgements_raw").to_pylist() == [{"n": 1}]


def test_a_server_that_was_gone_takes_rows_again(proxy: FlakyServer) -> None:
    sink = ClickHouseSink(Server(*proxy.ports).url(f"relasi_{uuid4().hex}"))
    sink.create()
    sink.insert("judgements_raw", table("judgements_raw", [judgement(customer_id="ann")]))
    for broken, who in ((REFUSES, "bob"), (LOSES_ANSWERS, "cem")):
        proxy.mode(broken)
        with pytest.raises(ReportsError, match=f"ClickHouse at 127.0.0.1:{proxy.ports[0]}"):
            sink.insert("judgements_raw", table("judgements_raw", [judgement(customer_id=who)]))
        proxy.mode(WORKS)
        sink.insert("judgements_raw", table("judgements_raw", [judgement(customer_id=who)]))
    stored = sink.query("SELECT customer_id FROM judgements ORDER BY customer_id")
    assert stored["customer_id"].to_pylist() == ["ann", "bob", "cem"]
    sink.close()
