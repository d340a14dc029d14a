"""A Schema Registry in memory: what of Confluent's REST API a client uses, with an outage to be switched on and off."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

FIRST_ID: Final = 501
_NO_SUBJECT: Final = {"error_code": 40401, "message": "Subject not found."}
_NO_SCHEMA: Final = {"error_code": 40403, "message": "Schema not found"}


class Registry:
    """``schemas``: (id, subject, text) in order of registration. ``asked``: paths of the questions for ids."""

    def __init__(self) -> None:
        self.url = ""
        self.down = False
        self.asked: list[str] = []
        self.schemas: list[tuple[int, str, str]] = []
        self.answers: dict[int, dict[str, Any]] = {}

    def register(self, subject: str, schema: Any, schema_id: int | None = None) -> int:
        """Keep a schema, which has the same id under every subject."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        known = next((key for key, _, other in self.schemas if other == text), None)
        key = schema_id or known or FIRST_ID + len(self.schemas)
        if (key, subject, text) not in self.schemas:
            self.schemas.append((key, subject, text))
        return key

    def subject_of(self, name: str) -> str:
        """The one under which a record of ours was registered by its full name."""
        return f"relasi.{name}"

    def id_of(self, name: str) -> int:
        """Id of the newest version of a record of ours."""
        return max(key for key, subject, _ in self.schemas if subject == self.subject_of(name))

    def answer(self, path: str) -> tuple[int, Any]:
        """(status, what is answered to a GET)."""
        parts = path.strip("/").split("/")
        if parts[0] == "schemas":
            self.asked.append(path)
            key = int(parts[2])
            found = next((text for number, _, text in self.schemas if number == key), None)
            if key in self.answers:
                return 200, self.answers[key]
            return (404, _NO_SCHEMA) if found is None else (200, {"schema": found})
        versions = [(key, text) for key, subject, text in self.schemas if subject == parts[1]]
        if not versions:
            return 404, _NO_SUBJECT
        if len(parts) == 3:
            return 200, list(range(1, len(versions) + 1))
        place = len(versions) if parts[3] == "latest" else int(parts[3])
        key, text = versions[place - 1]
        return 200, {"id": key, "schema": text}


@contextmanager
def registry() -> Iterator[Registry]:
    """One that listens on this machine. The environment has to keep proxies away from 127.0.0.1."""
    kept = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
            subject, register = self.path.split("/")[2], self.path.endswith("/versions")
            known = any(each[1:] == (subject, schema) for each in kept.schemas)
            if kept.down:
                self._send(503, {"error_code": 50301, "message": "down"})
            elif known or register:
                self._send(200, {"id": kept.register(subject, schema)})
            else:
                self._send(404, _NO_SUBJECT)

        def do_GET(self) -> None:
            self._send(*((503, {"error_code": 50301, "message": "down"}) if kept.down else kept.answer(self.path)))

        def _send(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that the library gave it
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
