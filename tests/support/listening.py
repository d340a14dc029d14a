"""`relasi run --http` in a process of its own, and clients of it."""

import base64
import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from support.receivers import Receiver
from support.running import running

BROWSER_KEY: Final = "pk_for_the_tests"
SERVER_KEY: Final = "sk_for_the_tests"
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""What webhooks are signed with."""
SETTINGS: Final = f"""
[sources.web]
key = "{BROWSER_KEY}"
kind = "browser"

[sources.shop]
key = "{SERVER_KEY}"
"""


@dataclass(frozen=True)
class Listening:
    """A data directory, the process that holds it, and where that listens."""

    data: Path
    process: Any
    url: str

    def post(self, path: str, body: object, key: str = SERVER_KEY) -> tuple[int, Any]:
        """(status, answer) of one request on a connection of its own."""
        connection = connection_to(self.url)
        try:
            return posted(connection, path, body, key)
        finally:
            connection.close()


def connection_to(url: str) -> http.client.HTTPConnection:
    at = urlsplit(url)
    assert at.hostname is not None
    return http.client.HTTPConnection(at.hostname, at.port, timeout=30)


def posted(connection: http.client.HTTPConnection, path: str, body: object, key: str = SERVER_KEY) -> tuple[int, Any]:
    headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
    connection.request("POST", path, json.dumps(body), {**headers, "Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@contextmanager
def listening(data: Path, *words: str, settings: str = SETTINGS) -> Iterator[Listening]:
    """The process, once it takes events on some free port."""
    data.parent.mkdir(parents=True, exist_ok=True)
    file = data.with_name(data.name + ".toml")
    file.write_text(settings)
    with running(data, "--http", "127.0.0.1:0", "--settings", str(file), *words) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"taking events at (http://\S+?)(/demo)?$", line.strip())
        assert found is not None, line
        yield Listening(data, process, found[1])


def settings_for(receiver: Receiver, folder: Path) -> str:
    """Settings of a process that also delivers to a receiver; its secret lies in the folder."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    return (
        f'{SETTINGS}\n[endpoints.crm]\nurl = "{receiver.url}"\nallow = ["127.0.0.1"]\n'
        f'secrets = {{ signing = "file:{secret}" }}\n'
    )


@dataclass
class Sender:
    """A client in a thread that sends batches until its connection breaks; ``confirmed``: ids answered by 200."""

    url: str
    number: int
    size: int = 5
    confirmed: list[str] = field(default_factory=list)
    sent: int = 0

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._send)
        thread.start()
        return thread

    def _send(self) -> None:
        connection = connection_to(self.url)
        try:
            while True:
                ids = [f"{self.number}-{self.sent}-{n}" for n in range(self.size)]
                events = [
                    {"type": "page", "userId": f"u{self.number}", "messageId": each, "timestamp": "2026-01-01"}
                    for each in ids
                ]
                self.sent += 1
                status, answer = posted(connection, "/v1/batch", {"batch": events})
                assert (status, answer) == (200, {"success": True})
                self.confirmed += ids
        except (http.client.HTTPException, OSError):
            return
        finally:
            connection.close()
