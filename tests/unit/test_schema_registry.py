"""Schema ids from files and from a Schema Registry, and the wire format."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

import fastavro
import pytest
from support.schema_registry import registry as running

from schemas.known import TYPE_TICK, TYPE_TOUCHPOINT
from schemas.plans import build_plans
from schemas.registry import FileRegistry, RegistryError, SchemaRegistry, establish
from schemas.wire import NotFramedError, frame, unframe

NAMES: Final = ["Touchpoint", "Tick", "Policy", "Link", "Merge", "Transition", "Trigger", "Reject", "Judgement"]
NEWER: Final = {"Transition": 10, "Touchpoint": 18, "Reject": 12, "Judgement": 13, "Trigger": 14, "Link": 16}
LATER: Final = {"Delivery": 15, "Forward": 17}
BETWEEN: Final = {"Touchpoint": 11}


def test_the_packaged_schemas() -> None:
    registry = FileRegistry()
    assert registry.ids() == list(range(1, len(NAMES) + len(NEWER) + len(LATER) + len(BETWEEN) + 1))
    for schema_id, name in enumerate(NAMES, 1):
        schema = registry.schema(schema_id)
        assert (schema["name"], schema["namespace"]) == (name, "relasi")
        assert registry.named(schema_id) == name
        assert registry.id_of(name) == NEWER.get(name, schema_id)
        fastavro.parse_schema(schema)
    assert {name: registry.id_of(name) for name in LATER} == LATER


def test_the_newest_version_of_a_name_counts(tmp_path: Path) -> None:
    entries = [
        {"id": 7, "name": "Tick", "version": 2, "file": "b"},
        {"id": 9, "name": "Tick", "version": 1, "file": "a"},
    ]
    (tmp_path / "registry.json").write_text(json.dumps(entries))
    assert FileRegistry(tmp_path).id_of("Tick") == 7


def test_what_a_file_registry_lacks_is_said(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"schema id 99 is not in registry.json \(known: 1, 2"):
        FileRegistry().schema(99)
    with pytest.raises(RegistryError, match="no schema is named 'Ghost'; there are Delivery, Forward, Judgement, Link"):
        FileRegistry().id_of("Ghost")
    with pytest.raises(RegistryError, match=r"registry\.json"):
        FileRegistry(tmp_path).ids()
    (tmp_path / "registry.json").write_text('[{"id": 1, "name": "Tick", "version": 1, "file": "gone.avsc"}]')
    with pytest.raises(RegistryError, match=r"gone\.avsc"):
        FileRegistry(tmp_path).schema(1)


class Server(BaseHTTPRequestHandler):
    """The part of a Schema Registry that is used, with two ids for Touchpoint."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    posted: ClassVar[list[Any]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        touchpoint, tick = (json.dumps(FileRegistry().schema(i)) for i in (1, 2))
        answers: dict[str, Any] = {
            "/subjects/relasi.Touchpoint/versions": [1, 2],
            "/subjects/relasi.Touchpoint/versions/1": {"id": 4100, "schema": touchpoint},
            "/subjects/relasi.Touchpoint/versions/2": {"id": 70_000, "schema": touchpoint},
            "/subjects/relasi.Touchpoint/versions/latest": {"id": 70_000, "schema": touchpoint},
            "/subjects/relasi.Tick/versions": [1],
            "/subjects/relasi.Tick/versions/1": {"id": 5, "schema": tick},
            "/schemas/ids/5": {"schema": tick},
            "/schemas/ids/6": {"schema": '"string"'},
        }
        self.answer(answers.get(self.path))

    def do_POST(self) -> None:
        self.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.answer({"id": 10 + len(self.posted)})

    def answer(self, found: Any) -> None:
        body = json.dumps(found or {"error_code": 40401, "message": "Subject not found."}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
        """Tests print nothing."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def address() -> Iterator[str]:
    Server.asked.clear()
    Server.posted.clear()
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_ids_of_a_schema_registry(address: str) -> None:
    registry = SchemaRegistry(f"http://{address}/")
    assert registry.ids() == [5, 4100, 70_000]
    assert registry.id_of("Touchpoint") == 11
    assert registry.named(5) == "Tick"
    assert registry.named(6) == ""
    plans = build_plans(registry)
    assert plans.ids.tolist() == [5, 4100, 70_000]
    assert plans.types.tolist() == [TYPE_TICK, TYPE_TOUCHPOINT, TYPE_TOUCHPOINT]


def test_answers_are_kept(address: str) -> None:
    registry = SchemaRegistry(f"http://{address}")
    for _ in range(3):
        registry.schema(5)
        registry.id_of("Touchpoint")
    assert len(Server.asked) == len(Server.posted) == 1


def test_user_and_password_of_the_url_are_sent_and_not_shown(address: str) -> None:
    registry = SchemaRegistry(f"http://relasi:se%20cret@{address}")
    registry.schema(5)
    assert Server.asked == [("/schemas/ids/5", "Basic " + base64.b64encode(b"relasi:se cret").decode())]
    with pytest.raises(RegistryError, match="404") as refused:
        registry.schema(404)
    assert "cret" not in str(refused.value)


def test_a_schema_can_be_registered(address: str) -> None:
    registry = SchemaRegistry(f"http://{address}")
    schema = FileRegistry().schema(1)
    assert registry.register(schema) == 11
    assert registry.id_of("Touchpoint") == 11
    assert Server.posted == [("/subjects/relasi.Touchpoint/versions", {"schema": json.dumps(schema)})]


def test_our_own_schemas_are_given_to_a_registry_only_where_it_lacks_them() -> None:
    with running() as kept:
        for _ in range(2):
            registry = SchemaRegistry(kept.url)
            establish(registry)
            assert [registry.id_of(name) for name in NAMES] == [kept.id_of(name) for name in NAMES]
            assert len(kept.schemas) == len(NAMES) + len(NEWER) + len(LATER) + len(BETWEEN)


def test_our_own_messages_are_written_in_our_own_schemas_whatever_was_registered_since() -> None:
    with running() as kept:
        first = SchemaRegistry(kept.url).id_of("Tick")
        kept.register("relasi.Tick", {"type": "record", "name": "relasi.Tick", "fields": []})
        assert SchemaRegistry(kept.url).id_of("Tick") == first


def test_what_a_schema_registry_lacks_is_said(address: str) -> None:
    with pytest.raises(RegistryError, match=r"relasi\.Ghost/versions/latest answered 404: .*Subject not found"):
        SchemaRegistry(f"http://{address}").id_of("Ghost")


def test_nobody_there() -> None:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        port = server.server_port
    with pytest.raises(RegistryError, match=f"http://127.0.0.1:{port}/schemas/ids/1 gave no usable answer"):
        SchemaRegistry(f"http://127.0.0.1:{port}").schema(1)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "registry:8081", "http://", ""])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(RegistryError, match="not the URL of a Schema Registry"):
        SchemaRegistry(url)


def test_the_wire_format() -> None:
    message = frame(0x01020304, b"body")
    assert message == b"\0\x01\x02\x03\x04body"
    assert unframe(message) == (0x01020304, b"body")
    assert unframe(frame(4_294_967_295, b"")) == (4_294_967_295, b"")


@pytest.mark.parametrize("message", [b"", b"\0\0\0\0", b"\x01\0\0\0\x01body", b'{"a":1}'])
def test_what_is_not_framed_is_refused(message: bytes) -> None:
    with pytest.raises(NotFramedError, match="expected a zero byte"):
        unframe(message)


GOLDEN: Final = Path(__file__).resolve().parents[1] / "golden" / "records.json"


@pytest.mark.parametrize("entry", json.loads(GOLDEN.read_text()), ids=lambda entry: str(entry["name"]))
def test_golden_messages_stay_readable(entry: Any) -> None:
    """Bytes that were once written must be read for ever, and be written again just so by the same version."""
    registry = FileRegistry()
    schema_id, body = unframe(bytes.fromhex(entry["message"]))
    schema = fastavro.parse_schema(registry.schema(schema_id))
    assert registry.named(schema_id) == entry["name"]
    value: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
    newest = fastavro.parse_schema(registry.schema(registry.id_of(entry["name"])))
    as_read_today: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, newest)
    assert as_read_today.items() >= value.items()
    assert json.loads(json.dumps(value, default=told)) == entry["value"]
    again = io.BytesIO()
    fastavro.schemaless_writer(again, schema, value)
    assert again.getvalue() == body


def told(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat(timespec="milliseconds")


def test_every_record_has_a_golden_message() -> None:
    assert {entry["name"] for entry in json.loads(GOLDEN.read_text())} == set(NAMES)
