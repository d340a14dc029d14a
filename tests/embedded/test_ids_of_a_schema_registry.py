"""A data directory whose schema ids come from a Schema Registry, which knows more of them every day."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.messages import START
from support.schema_registry import Registry, registry
from support.writers import OWN, VALUE, WRITERS, Writer

from schemas.answers import UNKNOWN_MS
from schemas.bodies import bodies_of
from schemas.registry import RegistryError
from schemas.wire import frame
from streams.cli import main
from streams.embedded.readers import Reader
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.embedded.session import Session
from streams.outputs import transitions

ROWS = (
    "customer_id,occurred_at,kind,amount,currency\n"
    "a,2024-01-01,order_completed,10.00,USD\na,2024-01-09,order_completed,11.00,USD\n"
)
NEWER = {**OWN, "fields": [*OWN["fields"], {"name": "mood", "type": ["null", "string"], "default": None}]}
NEWEST = {**OWN, "fields": [*NEWER["fields"], {"name": "weather", "type": ["null", "string"], "default": None}]}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with registry() as started:
        yield started


def written(schema_id: int, schema: dict[str, Any], event_id: str, **changed: Any) -> bytes:
    value = {**dict.fromkeys(field["name"] for field in schema["fields"]), **VALUE, **changed}
    return frame(schema_id, Writer("", schema, value).body(event_id=event_id))


def append(runner: Runner, *messages: bytes) -> None:
    with runner.log.transaction():
        runner.append(None, bodies_of(list(messages)))


def stored(session: Session) -> list[str]:
    answer = session.runner.sink.query("SELECT event_id FROM touchpoints ORDER BY event_id")
    return list(answer["event_id"].to_pylist())


def refused(session: Session) -> list[tuple[str, str]]:
    answer = session.runner.sink.query("SELECT reason, detail FROM rejects ORDER BY position")
    return [(row["reason"], row["detail"]) for row in answer.to_pylist()]


def test_ids_come_from_it_and_stay(known: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, rows = tmp_path / "data", tmp_path / "rows.csv"
    rows.write_text(ROWS)
    assert main(["import", str(rows), "--data", str(data), "--schema-registry", known.url]) == 0
    with RowsFile(data) as rows_file:
        batch = Reader(rows_file, "test", transitions.TOPIC.named()).read()
    assert batch is not None
    head = b"\x00" + known.id_of("Transition").to_bytes(4, "big")
    assert {record.value[:5] for record in batch.records if record.value} == {head}
    capsys.readouterr()
    assert main(["query", "SELECT count() AS n FROM touchpoints", "--format", "json", "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 2}]
    assert main(["import", str(rows), "--data", str(data), "--schema-registry", "http://127.0.0.1:9"]) == 1
    assert "its schema ids come from" in capsys.readouterr().err


def test_what_is_registered_while_a_process_runs_is_read_whatever_subject_it_belongs_to(
    known: Registry, tmp_path: Path
) -> None:
    with Session(tmp_path, "test", registry_url=known.url) as session:
        runner = session.runner
        own = known.register("relasi.Touchpoint", OWN)
        append(runner, written(own, OWN, "1"))
        runner.settle()
        newer = known.register("relasi.Touchpoint", NEWER)
        by_topic = known.register("relasi.touchpoints.v1-relasi.Touchpoint", NEWEST)
        lines = next(writer for writer in WRITERS if writer.name == "lines: one more field")
        by_value = known.register("shop-value", lines.schema)
        append(
            runner,
            written(newer, NEWER, "2"),
            written(by_topic, NEWEST, "3"),
            frame(by_value, lines.body(event_id="4")),
            written(newer, NEWER, "5"),
        )
        runner.settle()
        assert stored(session) == ["1", "2", "3", "4", "5"]
        assert refused(session) == []
        assert len(known.asked) == len(set(known.asked))


def test_a_registry_that_is_down_costs_no_record(known: Registry, tmp_path: Path) -> None:
    newer = known.register("anything", NEWER)
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, written(known.id_of("Touchpoint"), OWN, "1"), written(newer, NEWER, "2"))
        known.down = True
        with pytest.raises(RegistryError, match=rf"sqlite: the record at offset \d of .* schema id {newer}, and"):
            session.runner.settle()
        known.down = False
        session.runner.settle()
        assert stored(session) == ["1", "2"]
        assert refused(session) == []


def test_a_command_says_which_registry_it_waits_for_and_the_next_one_goes_on(
    known: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = known.register("anything", NEWER)
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, written(newer, NEWER, "2"))
        known.down = True
        session.close()
    ask = ["query", "SELECT event_id FROM touchpoints", "--format", "json", "--data", str(tmp_path)]
    assert main(ask) == 1
    said = capsys.readouterr().err
    assert f"{known.url}/schemas/ids/{newer} answered 503" in said
    assert "Nothing is lost" in said
    known.down = False
    assert main(ask) == 0
    assert json.loads(capsys.readouterr().out) == [{"event_id": "2"}]


def test_an_id_that_the_registry_does_not_have_is_asked_for_again(known: Registry, tmp_path: Path) -> None:
    with Session(tmp_path, "test", registry_url=known.url) as session:
        runner, now = session.runner, [START]
        runner.now = lambda: now[0]
        append(runner, *(written(9000, NEWER, str(i)) for i in range(3)))
        runner.settle()
        append(runner, written(9000, NEWER, "3"))
        runner.settle()
        assert known.asked.count("/schemas/ids/9000") == 1
        assert [reason for reason, _ in refused(session)] == ["unknown_schema"] * 4
        known.register("anything", NEWER, 9000)
        now[0] += UNKNOWN_MS + 1
        append(runner, written(9000, NEWER, "4"))
        runner.settle()
        assert stored(session) == ["4"]


def test_another_process_asks_at_once(known: Registry, tmp_path: Path) -> None:
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, written(9000, NEWER, "1"))
        session.runner.settle()
    known.register("anything", NEWER, 9000)
    with Session(tmp_path, "test") as session:
        append(session.runner, written(9000, NEWER, "2"))
        session.runner.settle()
        assert stored(session) == ["2"]


def test_a_schema_that_does_not_fit_is_a_reject_that_names_the_field(known: Registry, tmp_path: Path) -> None:
    renamed = [{**field, "name": "happened_at"} if field["name"] == "occurred_at" else field for field in OWN["fields"]]
    wrong = known.register("relasi.Touchpoint", {**OWN, "fields": renamed})
    known.answers[77] = {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3";'}
    known.answers[78] = {"schema": "{"}
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, frame(wrong, b"\0"), frame(77, b"\0"), frame(78, b"\0"))
        session.runner.settle()
        assert refused(session) == [
            (
                "unreadable_schema",
                f"schema id {wrong}: field 'occurred_at' is missing; it has to be an instant (long, timestamp-millis)",
            ),
            ("unreadable_schema", "schema id 77: it is of type 'PROTOBUF', and has to be a record"),
            ("unreadable_schema", "schema id 78: it is of type 'no JSON', and has to be a record"),
        ]


def test_types_of_other_subjects_are_fetched_too(known: Registry, tmp_path: Path) -> None:
    item = OWN["fields"][13]["type"]["items"]
    known.register("shop.Line", {**item, "namespace": "shop"})
    fields = [
        {**f, "type": {"type": "array", "items": "shop.Line"}} if f["name"] == "lines" else f for f in OWN["fields"]
    ]
    schema = {**OWN, "fields": fields}
    known.answers[80] = {
        "schema": json.dumps(schema),
        "references": [{"name": "shop.Line", "subject": "shop.Line", "version": 1}],
    }
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, written(80, OWN, "1"))
        session.runner.settle()
        assert (stored(session), refused(session)) == (["1"], [])


def test_a_404_of_somebody_else_is_no_answer(known: Registry, tmp_path: Path) -> None:
    with Session(tmp_path, "test", registry_url=known.url) as session:
        append(session.runner, frame(9000, b"\0"))
        known.answer = lambda path: (404, {"message": "no route matched"})  # type: ignore[method-assign]
        with pytest.raises(RegistryError, match=r"answered 404: .*no route"):
            session.runner.settle()
        del known.answer
        session.runner.settle()
        assert [reason for reason, _ in refused(session)] == ["unknown_schema"]
