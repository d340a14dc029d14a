"""``relasi deliver`` over a real broker and server, killed and moved about."""

import hashlib
import random
from contextlib import suppress
from pathlib import Path

from kafka.producer import KafkaProducer
from support.kafka_broker import until
from support.kafka_workers import Install, Installation
from support.receivers import Received, receiving
from support.triggers import trigger_message
from test_delivery_shapes import SECRET

from streams.clock import now_ms
from streams.reports.errors import ReportsError


def say(made: Installation, numbers: range, **fields: object) -> None:
    """Triggers of as many customers as there are numbers, each customer's in one partition, durably."""
    producer = KafkaProducer(bootstrap_servers=[made.broker.servers])
    for number in numbers:
        body = trigger_message(number, at=now_ms(), customer_id=f"c{number}", **fields)
        producer.send(f"{made.name}.triggers.v1", body, f"c{number}".encode())
    producer.flush()
    producer.close()


def ids(numbers: range) -> set[str]:
    return {f"trg_{hashlib.md5(str(number).encode()).hexdigest()}" for number in numbers}


def settings(folder: Path, url: str) -> str:
    path = folder / "relasi.toml"
    path.write_text(
        f'[endpoints.crm]\nurl = "{url}"\nallow = ["127.0.0.1"]\nsecrets = {{ signing = "env:SIGNING" }}\n', "utf-8"
    )
    return str(path)


def test_nothing_is_lost_by_kills_and_every_repetition_is_the_same(install: Install, tmp_path: Path) -> None:
    choice = random.Random(4)
    seen: set[str] = set()

    def answer(number: int, one: Received) -> int:
        # A second failure would be waited for for five minutes.
        first = one.headers["webhook-id"] not in seen
        seen.add(one.headers["webhook-id"])
        return 500 if first and number % 5 == 0 else 200

    made = install()
    made.environment["SIGNING"] = SECRET
    with receiving(answer) as receiver:
        file = settings(tmp_path, receiver.url)
        say(made, range(300))
        # Each with a folder of its own: as if each ran on another machine.
        others = [made.start_deliverer("--settings", file, data=tmp_path / str(n)) for n in range(2)]
        for round_ in range(6):
            wanted = len(receiver.received) + 40
            for _ in until(60):
                if len(receiver.received) >= wanted or len(receiver.ids()) == 300 + 50 * round_:
                    break
            others[victim := choice.randrange(2)].kill()
            say(made, range(300 + 50 * round_, 350 + 50 * round_))
            folder = tmp_path / (str(victim) if round_ % 2 else f"new-{round_}")
            others[victim] = made.start_deliverer("--settings", file, data=folder)
        for _ in until(120):
            # Between two looks the server closes connections that nobody used.
            with suppress(ReportsError):
                rows = made.sink.query("SELECT count() AS n FROM deliveries WHERE state = 'delivered'").to_pylist()
                if rows == [{"n": 600}]:
                    break
        assert set(receiver.ids()) == ids(range(600))
        assert [bodies for bodies in receiver.ids().values() if len(bodies) != 1] == []
        for other in others:
            assert other.stop() == 0, other.text()
        # Who comes with an empty folder learns what was delivered, and sends nothing again.
        before = len(receiver.received)
        last = made.start_deliverer("--settings", file, data=tmp_path / "last")
        for _ in until(60):
            if last.log.read_text().count("partition taken") == 4:
                break
        say(made, range(600, 601))
        for _ in until(60):
            if ids(range(600, 601)) <= set(receiver.ids()):
                break
        assert len(receiver.received) == before + 1
        assert last.counted("relasi_delivery_attempts_total") == 1
        assert last.stop() == 0, last.text()


def test_settings_that_are_wrong_are_told(install: Install, tmp_path: Path) -> None:
    made = install()
    path = tmp_path / "relasi.toml"
    path.write_text('[endpoints.crm]\nurl = "http://127.0.0.1/"\n')
    done = made.relasi("deliver", "--settings", str(path))
    assert (done.returncode, "127.0.0.1, which is not public" in done.stderr) == (2, True)
    path.write_text("")
    done = made.relasi("deliver", "--settings", str(path))
    assert (done.returncode, "[endpoints.NAME]" in done.stderr) == (2, True)
    assert made.relasi("deliver", "status").returncode == 1
