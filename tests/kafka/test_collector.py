"""`relasi collect`: acknowledged by the broker before the answer, one port for many, no request lost at a restart."""

import http.client
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from support.collect_processes import Collecting
from support.kafka_broker import free_ports, until
from support.kafka_workers import Install
from support.listening import SETTINGS, Sender, connection_to, posted

ORDER: Final[dict[str, Any]] = {
    "type": "track", "event": "Order Completed", "userId": "u1", "anonymousId": "a1", "messageId": "m1",
    "timestamp": "2026-03-01T12:00:00Z", "properties": {"revenue": 19.99, "currency": "EUR", "order_id": "o1"},
}  # fmt: skip


@pytest.fixture
def collecting(install: Install) -> Iterator[Collecting]:
    installation = install(partitions=2)
    installation.must("topics", "apply")
    file = installation.folder / "relasi.toml"
    file.write_text(SETTINGS)
    it = Collecting(installation, free_ports(1)[0], file)
    try:
        yield it
    finally:
        for process in it.processes:
            process.kill()
            process.wait()


def test_events_reach_the_reports_and_what_is_refused_the_rejects(collecting: Collecting) -> None:
    process = collecting.start()
    bad = {**ORDER, "messageId": "m2", "properties": {"revenue": "much"}}
    status, answer = collecting.post("/v1/batch", {"batch": [ORDER, bad, {**ORDER, "messageId": "m3"}]})
    assert (status, answer["rejected"][0]["code"]) == (200, "bad_number")
    assert collecting.post("/v1/batch", {"batch": [ORDER]}) == (200, {"success": True})
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    collecting.install.start().wait_ready()
    collecting.install.settle()
    collecting.install.stop_all()
    tables = collecting.install.tables()
    assert [row["event_id"] for row in tables["touchpoints_raw"]] == ["m1", "m3"]
    assert {row["amount_minor"] for row in tables["touchpoints_raw"]} == {1999}
    assert [row["reason"] for row in tables["rejects_raw"]] == ["bad_number"]


@dataclass
class Steady(Sender):
    """A client that opens a new connection where an answer ends one, as SDKs do; ``failures``: of any other kind."""

    failures: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def _send(self) -> None:
        with ExitStack() as stack:
            connection: http.client.HTTPConnection | None = None
            while not self.enough.is_set():
                ids = [f"{self.number}-{self.sent}-{n}" for n in range(self.size)]
                events = [{"type": "page", "userId": f"u{each}", "messageId": each} for each in ids]
                self.sent += 1
                try:
                    if connection is None:
                        connection = connection_to(self.url)
                        stack.callback(connection.close)
                    status, answer = posted(connection, "/v1/batch", {"batch": events})
                    if connection.sock is None:
                        connection = None
                except (http.client.HTTPException, OSError) as error:
                    self.failures.append(repr(error))
                    connection = None
                    continue
                if (status, answer) == (200, {"success": True}):
                    self.confirmed += ids
                else:
                    self.failures.append(f"{status} {answer}")


@contextmanager
def sending(url: str, clients: int = 6) -> Iterator[list[Steady]]:
    senders = [Steady(url, number) for number in range(clients)]
    threads = [sender.start() for sender in senders]
    try:
        yield senders
    finally:
        for sender in senders:
            sender.enough.set()
        for thread in threads:
            thread.join()


def stored(collecting: Collecting) -> list[str]:
    install = collecting.install
    install.start().wait_ready()
    install.settle()
    install.stop_all()
    return [row["event_id"] for row in install.tables()["touchpoints_raw"]]


def test_a_restart_refuses_no_request(collecting: Collecting) -> None:
    """The next process takes the socket over, then the one before ends; twice, under load."""
    running = collecting.start()
    with sending(collecting.url) as senders:
        for _ in range(2):
            before = sum(len(sender.confirmed) for sender in senders)
            following = collecting.start()
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
            running = following
            for _ in until(30):
                if sum(len(sender.confirmed) for sender in senders) > before + 50:
                    break
    assert [failure for sender in senders for failure in sender.failures] == []
    confirmed = [each for sender in senders for each in sender.confirmed]
    assert sorted(stored(collecting)) == sorted(confirmed)


def test_nothing_that_was_answered_is_lost_by_a_kill(collecting: Collecting) -> None:
    first, second = collecting.start(), collecting.start()
    with sending(collecting.url) as senders:
        for process in (first, second):
            before = sum(len(sender.confirmed) for sender in senders)
            for _ in until(30):
                if sum(len(sender.confirmed) for sender in senders) > before + 100:
                    break
            if process is second:
                collecting.start()
            process.kill()
            process.wait()
    confirmed = {each for sender in senders for each in sender.confirmed}
    found = stored(collecting)
    assert confirmed <= set(found)
    assert len(found) == len(set(found))
