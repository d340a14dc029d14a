"""The past read again while a process holds the directory: it goes on, and what comes meanwhile counts in both."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.command import content, done, finish, relasi, rows, start
from support.forked import Process
from support.listening import Listening, Sender, listening
from support.running import running, socket_of, stop, until

from streams.embedded.building import rebuilt
from streams.embedded.client import ask
from streams.embedded.editions import NEXT, edition_in_force
from streams.embedded.lock import BuildLock, DirectoryLock, EditionUnderWay
from streams.embedded.log import Log
from streams.policies import preset

HEAD = "event_id,customer_id,occurred_at,kind,amount,currency\n"
FIRST = HEAD + "e1,ann,2026-01-05,order_completed,80,USD\ne2,bob,2026-01-06,order_completed,10,USD\n"
SECOND = HEAD + "e2,bob,2026-01-06,order_completed,10,USD\ne3,bob,2026-02-06,order_completed,30,USD\n"
SPENT = "SELECT customer_id, spend_minor FROM profiles ORDER BY customer_id"
IDS = "SELECT id FROM imports ORDER BY at"
NO_TICKS = ("--tick-seconds", "86400")


def imported(data: Path, name: str, text: str) -> str:
    file = data.with_name(name)
    file.write_text(text, "utf-8")
    done("import", file, "--data", data)
    return str(rows(data, "SELECT id FROM imports ORDER BY at DESC LIMIT 1")[0]["id"])


def alive(process: Process) -> bool:
    """Whether a process has not ended yet."""
    try:
        process.wait(0)
    except subprocess.TimeoutExpired:
        return True
    return False


def in_force(data: Path) -> int:
    with Log(data) as log:
        return edition_in_force(log).number


def spent(data: Path) -> dict[str, int]:
    return {row["customer_id"]: int(row["spend_minor"]) for row in rows(data, SPENT)}


@pytest.mark.slow
def test_an_import_is_forgotten_and_replaced_while_it_runs(data: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    second = imported(data, "second.csv", SECOND)
    with running(data, *NO_TICKS) as process:
        assert spent(data) == {"ann": 8000, "bob": 4000}
        # Ids that were copied out of CSV end with a carriage return.
        done("import", "--forget", first + "\r", "--data", data)
        assert spent(data) == {"bob": 4000}
        fixed = data.with_name("fixed.csv")
        fixed.write_text(SECOND.replace("30", "50"))
        done("import", "--replace", f" {second}\r\n", fixed, "--data", data)
        assert spent(data) == {"bob": 6000}
        assert len(rows(data, IDS)) == 1
        ran = relasi("import", "--replace", "nothing", fixed, "--data", data)
        assert (ran.code, "there is no import nothing" in ran.err) == (1, True)
        assert alive(process)
        # Time passes, and what comes in counts, under the edition in force.
        imported(data, "first.csv", FIRST)
        assert spent(data) == {"ann": 8000, "bob": 6000}
        assert (stop(process).code, in_force(data)) == (0, 3)
    assert spent(data) == {"ann": 8000, "bob": 6000}
    before = content(data, "touchpoints", "profiles")
    done("reports", "rebuild", "--data", data)
    assert content(data, "touchpoints", "profiles") == before


@pytest.mark.slow
def test_a_policy_is_rejudged_while_it_runs(data: Path) -> None:
    imported(data, "pk.csv", HEAD + "e1,ann,2026-01-05,purchase_made,80,USD\n")
    policy = data.with_name("policy.toml")
    text = preset().text
    at = text.index("\n", text.index("\n[kinds]") + 1) + 1
    kind = 'purchase_made = { initiative = "customer", engagement = 3.0, purchase = true, category = "self_service" }'
    policy.write_text(f"{text[:at]}{kind}\n{text[at:]}")
    with running(data, *NO_TICKS) as process:
        assert spent(data) == {"ann": 0}
        done("policy", "apply", policy, "--rejudge", "--data", data)
        assert spent(data) == {"ann": 8000}
        assert kind in done("policy", "show", "--data", data)
        imported(data, "more.csv", HEAD + "e2,ann,2026-01-06,purchase_made,20,USD\n")
        assert spent(data) == {"ann": 10_000}
        assert stop(process).code == 0


@contextmanager
def sending(it: Listening) -> Iterator[list[Sender]]:
    """Some who send all the time."""
    senders = [Sender(it.url, number) for number in range(3)]
    threads: list[threading.Thread] = []
    try:
        threads += [sender.start() for sender in senders]
        yield senders
    finally:
        it.process.send_signal(signal.SIGTERM)
        it.process.wait()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_live_events_count_in_both_and_once(data: Path) -> None:
    """Events come in all the time: before, during and after two builds, of which the first is cut off."""
    first = imported(data, "first.csv", FIRST)
    with listening(data) as it, sending(it) as senders:

        def answered() -> int:
            return sum(len(sender.confirmed) for sender in senders)

        def come(more: int) -> None:
            so_far = answered()
            until(lambda: answered() > so_far + more)

        come(50)
        status, _ = it.post("/v1/batch", {"batch": [{"type": "track", "userId": "x", "messageId": "refused-1"}]})
        assert status == 200
        with begun(data, first) as killed:
            killed.kill()
            killed.wait()
        come(50)
        assert in_force(data) == 1
        done("rebuild", "--forget", first, "--keep", "--data", data)
        assert in_force(data) == 2
        it.post("/v1/batch", {"batch": [{"type": "track", "userId": "x", "messageId": "refused-2"}]})
        come(50)
        done("rebuild", "--layout", "--data", data)
        come(50)
        assert alive(it.process)
    found = rows(data, "SELECT event_id FROM touchpoints")
    confirmed = {each for sender in senders for each in sender.confirmed}
    ids = [row["event_id"] for row in found]
    assert len(ids) == len(set(ids)), "nothing is there twice"
    assert confirmed <= set(ids)
    assert not {"e1", "e2"} & set(ids)
    (counted,) = rows(data, "SELECT sum(touchpoints) AS n FROM profiles")
    assert int(counted["n"]) == len(ids)
    assert len(rows(data, "SELECT 1 FROM rejects WHERE source = 'http:shop'")) == 2
    # What was in force first is kept, as it stood when it was replaced.
    kept = done("query", "SELECT count() AS n FROM touchpoints WHERE event_id IN ('e1', 'e2')", "--edition", "1",
                "--format", "csv", "--data", data)  # fmt: skip
    assert kept.split() == ['"n"', "2"] or kept.split() == ["n", "2"]
    assert relasi("query", "SELECT 1", "--edition", "2", "--data", data).code == 1
    done("rebuild", "--drop", "1", "--data", data)
    assert relasi("rebuild", "--drop", "1", "--data", data).code == 1
    before = content(data, "touchpoints", "profiles", "transitions")
    done("reports", "rebuild", "--data", data)
    assert content(data, "touchpoints", "profiles", "transitions") == before


def begun(data: Path, left_out: str) -> Process:
    """A build that is under way."""
    process = start("rebuild", "--forget", left_out, "--data", data)
    until(lambda: (data / NEXT).exists() or not alive(process))
    return process


def test_nothing_is_imported_while_an_edition_is_built(data: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    file = data.with_name("second.csv")
    file.write_text(SECOND)
    with running(data, *NO_TICKS) as process:
        with BuildLock(data, "relasi rebuild"):
            for words in (("import", file), ("import", "--replace", first, file), ("rebuild", "--layout")):
                ran = relasi(*words, "--data", data)
                assert (ran.code, "builds its next edition" in ran.err) == (1, True), ran
            # Whoever asks is answered.
            assert spent(data) == {"ann": 8000, "bob": 1000}
            assert alive(process)
        # Nobody puts in force what was not built.
        assert ask(socket_of(data), ["rebuild", "--switch"], Path("/"), lambda _: None, lambda _: None) == 1
        done("import", file, "--data", data)
        assert stop(process).code == 0
    with BuildLock(data, "relasi rebuild"):
        assert relasi("import", file, "--data", data).code == 1
        with pytest.raises(EditionUnderWay):
            rebuilt(data, "test")
    assert in_force(data) == 1


@pytest.mark.slow
def test_whoever_ran_is_gone_or_new_when_the_edition_is_built(data: Path) -> None:
    """The process that holds the directory is killed while the next edition is built, and started again."""
    first = imported(data, "first.csv", FIRST)
    second = imported(data, "second.csv", SECOND)
    with running(data, *NO_TICKS) as process:

        def kill(*_: Any) -> None:
            if alive(process):
                process.kill()
                process.wait()

        rebuilt(data, "test", left_out=[first], progress=kill)
    assert (in_force(data), spent(data)) == (2, {"bob": 4000})
    # A command that answers nobody has the directory when it is built: it is waited for.
    held: list[DirectoryLock] = []

    def hold(*_: Any) -> None:
        if not held:
            held.append(DirectoryLock(data, "relasi advance"))
            threading.Timer(0.5, held[0].release).start()

    rebuilt(data, "test", progress=hold)
    assert (in_force(data), spent(data)) == (3, {"bob": 4000})
    with running(data, *NO_TICKS) as process:
        again: list[Process] = []

        def anew(*_: Any) -> None:
            if not again:
                process.kill()
                process.wait()
                again.append(start("run", "--data", data, *NO_TICKS))
                assert again[0].stderr is not None
                assert "running on" in again[0].stderr.readline()

        rebuilt(data, "test", left_out=[second], progress=anew)
        assert spent(data) == {}
        again[0].send_signal(signal.SIGTERM)
        assert finish(again[0]).code == 0
    assert (in_force(data), spent(data)) == (4, {})
