"""A data directory whose schema ids come from a Schema Registry."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from streams.cli import main
from streams.embedded.log import Log
from streams.embedded.readers import Reader
from streams.outputs import transitions

FIRST_ID = 501
ROWS = (
    "customer_id,occurred_at,kind,amount,currency\n"
    "a,2024-01-01,order_completed,10.00,USD\na,2024-01-09,order_completed,11.00,USD\n"
)


class Registry(BaseHTTPRequestHandler):
    """Keeps what is registered, in memory, and gives ids that are not those of the packaged schemas."""

    schemas: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
        entry = (self.path.split("/")[2], schema)
        if entry not in self.schemas:
            self.schemas.append(entry)
        self._answer({"id": FIRST_ID + self.schemas.index(entry)})

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts[0] == "schemas":
            self._answer({"schema": self.schemas[int(parts[2]) - FIRST_ID][1]})
            return
        place = next((i for i, (subject, _) in enumerate(self.schemas) if subject == parts[1]), None)
        if place is None:
            self.send_error(404)
        elif len(parts) == 3:
            self._answer([1])
        else:
            self._answer({"id": FIRST_ID + place, "schema": self.schemas[place][1]})

    def _answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that the library gave it
        """Nobody reads it."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Registry.schemas.clear()
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_ids_come_from_it_and_stay(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, rows = tmp_path / "data", tmp_path / "rows.csv"
    rows.write_text(ROWS)
    assert main(["import", str(rows), "--data", str(data), "--schema-registry", address]) == 0
    with Log(data) as log:
        batch = Reader(log, "test", transitions.TOPIC.named()).read()
    transition = FIRST_ID + [subject for subject, _ in Registry.schemas].index("relasi.Transition")
    assert batch is not None
    assert {record.value[:5] for record in batch.records if record.value} == {b"\x00" + transition.to_bytes(4, "big")}
    capsys.readouterr()
    assert main(["query", "SELECT count() AS n FROM touchpoints", "--format", "json", "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 2}]
    assert main(["import", str(rows), "--data", str(data), "--schema-registry", "http://127.0.0.1:9"]) == 1
    assert "its schema ids come from" in capsys.readouterr().err
