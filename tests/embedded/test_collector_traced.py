"""No 200 leaves before the fsync that covers it has returned, as the kernel saw it."""

import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Final

import pytest
from support.listening import Listening, connection_to, listening, posted
from support.running import stop

CLIENTS: Final = 4
REQUESTS: Final = 12
_LOG: Final = "relasi.sqlite-wal>"
_CALLS: Final = "trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg"


def send(it: Listening, number: int, ports: dict[int, int]) -> None:
    connection = connection_to(it.url)
    for request in range(REQUESTS):
        event = {"type": "page", "userId": "u", "messageId": f"sent-{number}-{request}-"}
        assert posted(connection, "/v1/batch", {"batch": [event]}) == (200, {"success": True})
        ports[connection.sock.getsockname()[1]] = number
    connection.close()


def traced(it: Listening, trace: Path) -> dict[int, int]:
    """Send under the eyes of strace; returns the clients by their ports."""
    # Whole pages of the file are in the trace: the ids of events stand plainly in those of small commits.
    words = ["strace", "-f", "-yy", "-s", "70000", "-e", _CALLS, "-o", str(trace), "-p", str(it.process.pid)]
    tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    first = tracer.stderr.readline()
    assert "attached" in first, first
    ports: dict[int, int] = {}
    clients = [threading.Thread(target=send, args=(it, number, ports)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    tracer.send_signal(signal.SIGINT)
    tracer.communicate()
    return ports


def order_of(trace: Path, ports: dict[int, int]) -> tuple[list[tuple[str, bool]], int]:
    """Of each answer in turn, whether its event was synced when it was sent; and how many syncs there were."""
    written: dict[str, set[str]] = {}
    syncing: dict[str, set[str]] = {}
    synced: set[str] = set()
    answered = dict.fromkeys(range(CLIENTS), 0)
    found, syncs = [], 0
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.startswith("pwrite64(") and _LOG in call:
            written.setdefault(thread, set()).update(re.findall(r"sent-\d+-\d+-", call))
        if call.startswith(("fdatasync(", "fsync(")) and _LOG in call:
            syncing[thread] = written.pop(thread, set())
        if call.startswith(("fdatasync(", "fsync(", "<... f")) and call.endswith("= 0") and thread in syncing:
            synced |= syncing.pop(thread)
            syncs += 1
        port = re.search(r"->127\.0\.0\.1:(\d+)\]", call)
        if "HTTP/1.1 200" in call and port is not None and int(port[1]) in ports:
            client = ports[int(port[1])]
            event = f"sent-{client}-{answered[client]}-"
            found.append((event, event in synced))
            answered[client] += 1
    return found, syncs


def test_no_answer_leaves_before_its_fsync_has_returned(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace: install it")
    with listening(tmp_path / "data") as it:
        ports = traced(it, tmp_path / "trace")
        stop(it.process)
    found, syncs = order_of(tmp_path / "trace", ports)
    assert sorted(event for event, _ in found) == sorted(
        f"sent-{client}-{request}-" for client in range(CLIENTS) for request in range(REQUESTS)
    )
    assert [event for event, covered in found if not covered] == []
    assert syncs >= REQUESTS
