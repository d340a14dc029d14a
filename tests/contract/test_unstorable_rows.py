"""A row that the reports will never take becomes a reject; all others are stored, and an outage is no such answer."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from support.clickhouse_server import Server
from support.messages import START, touchpoint
from support.report_rows import judgement, meaning, policy, profile, reject, table, transition
from support.shell import apply_all, new_partition
from support.sink_tables import run

from streams.outputs.output import Batch, Rows
from streams.outputs.storing import Origin, store
from streams.outputs.touchpoints import history_of
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.errors import ReportsError, UnfitRows
from streams.reports.sink import Sink

ORIGIN = Origin("topic", 3, START)
MAKERS: dict[str, tuple[Callable[..., dict[str, Any]], str]] = {
    "transitions_raw": (transition, "customer_id"),
    "profiles_raw": (profile, "customer_id"),
    "policies_raw": (policy, "hash"),
    "judgements_raw": (judgement, "customer_id"),
    "meanings_raw": (meaning, "kind"),
}
PLACED = {"transitions_raw", "profiles_raw", "judgements_raw"}


def refuse(sink: Sink, name: str, condition: str) -> None:
    """Make a table refuse what some operator, or a later version, finds wrong with rows."""
    run(sink, f"ALTER TABLE {name} ADD CONSTRAINT sound CHECK NOT ({condition})")


def test_a_touchpoint_that_cannot_be_stored_is_a_reject_with_its_message(own_sink: Sink) -> None:
    refuse(own_sink, "touchpoints_raw", "startsWith(event_id, 'bad')")
    names = [f"bad{i}" if i in (0, 7, 8, 20) else f"good{i}" for i in range(21)]
    messages = [touchpoint(name, "ann", START + i) for i, name in enumerate(names)]
    came = apply_all(new_partition(), *messages)
    rejects = pa.concat_tables(store(own_sink, history_of([came]), ORIGIN))
    assert rejects.to_pylist() == sorted(rejects.to_pylist(), key=lambda row: row["position"])
    assert [row["payload"] for row in rejects.to_pylist()] == [messages[i] for i in (0, 7, 8, 20)]
    stored = own_sink.query(
        "SELECT reason, detail, source, position, `partition`, at, payload FROM rejects_raw ORDER BY position"
    )
    rows = stored.to_pylist()
    assert [(row["position"], row["partition"], row["source"]) for row in rows] == [
        (i, 3, "topic") for i in (0, 7, 8, 20)
    ]
    assert {row["reason"] for row in rows} == {"unstorable"}
    assert {row["detail"] for row in rows} == {"touchpoints_raw could not be written: VIOLATED_CONSTRAINT (code 469)"}
    assert {round(row["at"].timestamp() * 1000) for row in rows} == {START}
    found = own_sink.query("SELECT event_id FROM touchpoints")["event_id"].to_pylist()
    assert sorted(found) == sorted(name for name in names if name.startswith("good"))


@pytest.mark.parametrize("name", MAKERS)
def test_a_row_of_any_table_that_cannot_be_stored_is_a_reject(own_sink: Sink, name: str) -> None:
    make, key = MAKERS[name]
    refuse(own_sink, name, f"{key} = 'bad'")
    made = [
        make(**{key: "bad" if i == 3 else f"c{i}"}, **({"offset": 40 + i} if name in PLACED else {})) for i in range(5)
    ]
    (rejects,) = store(own_sink, [Rows(name, table(name, made))], ORIGIN)
    (row,) = rejects.to_pylist()
    told = json.loads(row["payload"])
    assert (told[key], set(told)) == ("bad", set(table(name, made).column_names))
    assert row["detail"] == f"{name} could not be written: VIOLATED_CONSTRAINT (code 469)"
    assert row["position"] == (43 if name in PLACED else made[3].get("offset", 0))
    stored = own_sink.query(f"SELECT {key} FROM {name} ORDER BY {key}")[key].to_pylist()
    assert stored == ["c0", "c1", "c2", "c4"]
    assert own_sink.query("SELECT count() AS n FROM rejects").to_pylist() == [{"n": 1}]


def test_a_reject_that_cannot_be_stored_is_stored_without_its_bytes(own_sink: Sink) -> None:
    refuse(own_sink, "rejects_raw", "payload LIKE '%bad%'")
    rows = [reject(), reject(position=8, payload=b"very bad"), reject(position=9)]
    assert store(own_sink, [Rows("rejects_raw", table("rejects_raw", rows))], ORIGIN) == []
    stored = own_sink.query("SELECT position, reason, payload FROM rejects ORDER BY position").to_pylist()
    assert [(row["position"], row["reason"], row["payload"]) for row in stored] == [
        (7, "bad_time", "ann,2026-02-31"),
        (8, "unstorable", ""),
        (9, "bad_time", "ann,2026-02-31"),
    ]


def test_a_table_that_takes_no_rows_at_all_makes_no_rejects(own_sink: Sink) -> None:
    run(own_sink, "DROP VIEW touchpoints")
    run(own_sink, "ALTER TABLE touchpoints_raw DROP COLUMN properties")
    run(own_sink, "ALTER TABLE touchpoints_raw ADD COLUMN properties Array(Int32)")
    came = apply_all(new_partition(), *(touchpoint(str(i), "ann", START + i) for i in range(4)))
    with pytest.raises(ReportsError):
        store(own_sink, history_of([came]), ORIGIN)
    assert own_sink.query("SELECT count() AS n FROM rejects").to_pylist() == [{"n": 0}]
    assert own_sink.query("SELECT count() AS n FROM touchpoints_raw").to_pylist() == [{"n": 0}]


def test_an_outage_is_not_taken_for_bad_rows(clickhouse: Server) -> None:
    away = ClickHouseSink("clickhouse://default@127.0.0.1:9/relasi?http_port=9")
    lost = ClickHouseSink(clickhouse.url("default"))  # where nobody created our tables
    came = apply_all(new_partition(), touchpoint("1", "ann", START))
    for sink in (away, lost):
        batches: list[Batch] = [*history_of([came]), Rows("rejects_raw", table("rejects_raw", [reject()]))]
        for batch in batches:
            with pytest.raises(ReportsError) as refused:
                store(sink, [batch], ORIGIN)
            assert not isinstance(refused.value, UnfitRows)
        sink.close()
