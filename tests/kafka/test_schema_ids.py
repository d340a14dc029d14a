"""A worker meets schema ids that it has never seen, of a registry that is not always there."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka.producer.kafka import KafkaProducer
from support.kafka_broker import until
from support.kafka_workers import Install, Installation, Worker
from support.schema_registry import Registry, registry
from support.writers import OWN, VALUE, WRITERS, Writer

from schemas.registry import FileRegistry
from schemas.wire import frame

OWN_ID = FileRegistry().id_of("Touchpoint")
NEWER = {**OWN, "fields": [*OWN["fields"], {"name": "mood", "type": ["null", "string"], "default": None}]}
LINES = next(writer for writer in WRITERS if writer.name == "lines: one more field")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with registry() as started:
        yield started


def written(schema_id: int, schema: dict[str, Any], event_id: str) -> bytes:
    value = {**dict.fromkeys(field["name"] for field in schema["fields"]), **VALUE, "customer_id": f"c{event_id}"}
    return frame(schema_id, Writer("", schema, value).body(event_id=event_id))


def send(made: Installation, messages: Sequence[bytes]) -> None:
    """Append them to the log as a producer of somebody else would."""
    producer = KafkaProducer(bootstrap_servers=[made.broker.servers])
    for number, message in enumerate(messages):
        producer.send(f"{made.name}.touchpoints.v1", message, key=str(number).encode())
    producer.flush()
    producer.close()


def events(made: Installation) -> list[str]:
    return sorted(made.sink.query("SELECT event_id FROM touchpoints")["event_id"].to_pylist())


def reasons(made: Installation) -> list[str]:
    return sorted(made.sink.query("SELECT reason FROM rejects")["reason"].to_pylist())


def started(install: Install, known: Registry, **settings: object) -> tuple[Installation, Worker]:
    made = install(registry=known.url, **settings)
    worker = made.start()
    worker.wait_ready()
    return made, worker


def test_a_version_that_is_registered_while_a_worker_runs_loses_no_record(install: Install, known: Registry) -> None:
    made, worker = started(install, known)
    own = known.id_of("Touchpoint")
    send(made, [written(own, OWN, f"a{i}") for i in range(8)])
    made.settle()
    newer = known.register("relasi.Touchpoint", NEWER)
    other = known.register(f"{made.name}.touchpoints.v1-relasi.Touchpoint", LINES.schema)
    send(made, [written(newer, NEWER, f"b{i}") for i in range(8)])
    send(made, [frame(other, LINES.body(event_id=f"c{i}", customer_id=f"c{i}")) for i in range(8)])
    made.settle()
    assert worker.stop() == 0, worker.text()
    assert events(made) == sorted(f"{kind}{i}" for kind in "abc" for i in range(8))
    assert reasons(made) == []
    lines = made.sink.query("SELECT lines FROM touchpoints WHERE event_id = 'c0'").to_pylist()
    assert lines == [{"lines": LINES.means["lines"]}]


def test_a_registry_that_is_down_holds_the_partition_and_costs_no_record(install: Install, known: Registry) -> None:
    made, worker = started(install, known)
    newer = known.register("somewhere-value", NEWER)
    known.down = True
    send(made, [written(newer, NEWER, f"a{i}") for i in range(8)])
    for _ in until():
        if worker.page("/readyz") == (503, "the schema registry is unreachable (RELASI_REGISTRY)\n"):
            break
    assert events(made) == []
    known.down = False
    made.settle()
    for _ in until():
        if worker.page("/readyz")[0] == 200:
            break
    assert worker.stop() == 0, worker.text()
    assert (events(made), reasons(made)) == ([f"a{i}" for i in range(8)], [])
    assert f"{known.url}/schemas/ids/{newer} answered 503" in worker.log.read_text()


def test_a_worker_waits_for_a_registry_that_is_not_there_yet(install: Install, known: Registry) -> None:
    known.down = True
    made = install(registry=known.url)
    worker = made.start()
    for _ in until():
        if worker.page("/readyz") == (503, "the schema registry is unreachable (RELASI_REGISTRY)\n"):
            break
    known.down = False
    worker.wait_ready()
    assert worker.stop() == 0, worker.text()


def test_an_id_that_is_registered_late_is_asked_for_again(install: Install, known: Registry) -> None:
    made, worker = started(install, known)
    send(made, [written(9000, NEWER, f"a{i}") for i in range(4)])
    made.settle()
    for _ in until():
        if len(reasons(made)) == 4:
            break
    known.register("anything", NEWER, 9000)
    sent = 0
    for _ in until():
        send(made, [written(9000, NEWER, f"b{sent}")])
        sent += 1
        made.settle()
        if events(made):
            break
    assert worker.stop() == 0, worker.text()
    assert set(reasons(made)) == {"unknown_schema"}
    assert len(events(made)) + len(reasons(made)) == 4 + sent


def test_what_the_reports_never_take_is_a_reject_and_stops_nothing(install: Install, tmp_path: Path) -> None:
    made = install()
    made.must("reports", "apply")
    bad = "ADD CONSTRAINT sound CHECK NOT endsWith(customer_id, '3')"
    for name in ("touchpoints_raw", "transitions_raw", "profiles_raw"):
        made.sink._writer.run(f"ALTER TABLE {name} {bad}")
    worker = made.start()
    worker.wait_ready()
    send(made, [written(OWN_ID, OWN, f"a{i}") for i in range(8)])
    made.settle()
    assert worker.stop() == 0, worker.text()
    assert events(made) == [f"a{i}" for i in range(8) if i != 3]
    found = made.sink.query("SELECT detail, payload FROM rejects_raw FINAL WHERE reason = 'unstorable'").to_pylist()
    told = {row["detail"] for row in found}
    assert told == {
        f"{name} could not be written: VIOLATED_CONSTRAINT (code 469)"
        for name in ("touchpoints_raw", "transitions_raw", "profiles_raw")
    }
    assert written(OWN_ID, OWN, "a3") in [
        row["payload"].encode() if isinstance(row["payload"], str) else row["payload"] for row in found
    ]
    assert worker.page("/livez")[0] == 0
