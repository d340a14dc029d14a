"""The past read again on Kafka, beside the workers that run: equal to the embedded shell, and to a log without it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from support.kafka_workers import Install, Installation, Worker, embedded, same, tables_of
from support.messages import START, touchpoint

from streams.embedded.building import rebuilt
from streams.embedded.editions import known_imports
from streams.embedded.log import Log
from streams.embedded.session import Session
from streams.policies import preset
from streams.reports.clickhouse import ClickHouseSink

HEAD: Final = "event_id,customer_id,occurred_at,kind,amount,currency\n"
KIND: Final = (
    'purchase_made = { initiative = "customer", engagement = 3.0, purchase = true, category = "self_service" }'
)
SETTINGS: Final = ("--settings", "/dev/null")
LIVE: Final = "live-"
SPENT: Final = (
    "SELECT customer_id, touchpoints, purchases, spend_minor, stage FROM profiles "
    "WHERE NOT startsWith(customer_id, 'live-') ORDER BY customer_id"
)


def lines(first: int, stop: int) -> str:
    """Rows of a file; the same number is the same event in every file."""
    rows = []
    for i in range(first, stop):
        kind = "purchase_made" if i % 7 == 0 else "order_completed"
        rows.append(f"e{i},c{i * 7919 % 40},2026-01-{1 + i // 12:02}T{i % 12:02}:00:00Z,{kind},{10 + i % 90},USD\n")
    return HEAD + "".join(rows)


def files(folder: Path) -> tuple[Path, Path]:
    """Two that overlap."""
    folder.mkdir()
    first, second = folder / "first.csv", folder / "second.csv"
    first.write_text(lines(0, 200))
    second.write_text(lines(100, 300))
    return first, second


def policy_file(folder: Path) -> Path:
    """The shipped policy, with a meaning for what it does not map."""
    text = preset().text
    at = text.index("\n", text.index("\n[kinds]") + 1) + 1
    path = folder / "policy.toml"
    path.write_text(f"{text[:at]}{KIND}\n{text[at:]}")
    return path


async def _send(made: Installation, names: Sequence[str]) -> None:
    topic = f"{made.name}.touchpoints.v1"
    async with AIOKafkaProducer(bootstrap_servers=made.broker.servers) as producer:
        for n, name in enumerate(names):
            value = touchpoint(name, LIVE + name[-1], START + n, "order_completed", amount_minor=100, currency="USD")
            await producer.send_and_wait(topic, value, (LIVE + name[-1]).encode())


def send(made: Installation, names: Sequence[str]) -> None:
    """Events of a producer that knows of no import and no edition; each twice."""
    asyncio.run(_send(made, [*names, *names]))


def live(sink: ClickHouseSink) -> tuple[int, int]:
    """(events of that producer in the history, in the profiles)."""
    (row,) = sink.query(
        "SELECT (SELECT count() FROM touchpoints WHERE startsWith(customer_id, 'live-')) AS stored, "
        "toInt64(sum(touchpoints)) AS counted FROM profiles WHERE startsWith(customer_id, 'live-')"
    ).to_pylist()
    return int(row["stored"]), int(row["counted"])


def without_live(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What the embedded shell can be compared with."""

    def is_live(row: dict[str, Any]) -> bool:
        return str(row.get("customer_id") or row.get("customer") or "").startswith(LIVE)

    return {name: [row for row in rows if not is_live(row)] for name, rows in tables.items()}


def whenever(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Tables without the instants at which the log learned something."""
    left = {name: [{**row, "known_at": None} for row in rows] for name, rows in tables.items()}
    return {name: sorted(rows, key=repr) for name, rows in left.items()}


def of_edition(made: Installation, number: int) -> dict[str, list[dict[str, Any]]]:
    sink = ClickHouseSink(made.environment["RELASI_CLICKHOUSE"], number)
    try:
        return without_live(tables_of(sink))
    finally:
        sink.close()


def first_import(made: Installation) -> str:
    (row,) = made.sink.query("SELECT id FROM imports ORDER BY at LIMIT 1").to_pylist()
    return str(row["id"])


def spent(made: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made.sink.query(SPENT).to_pylist()
    return found


def stopped(*workers: Worker) -> None:
    assert [worker.stop() for worker in workers] == [0] * len(workers), [worker.text() for worker in workers]


def forgotten_embedded(folder: Path, both: Sequence[Path], policy: Path | None = None) -> Path:
    """A data directory with both files, of which the first is forgotten; then rejudged."""
    from processors.policy.policy import read_policy

    embedded(folder, both)
    with Log(folder) as log:
        first = log.imports()[0].import_id
        assert len(known_imports(log)) == 2
    rebuilt(folder, "test", left_out=[first])
    if policy is not None:
        rebuilt(folder, "test", policy=read_policy(policy.read_text()))
    return folder


def tables_in(folder: Path) -> dict[str, list[dict[str, Any]]]:
    with Session(folder, "test") as session:
        return tables_of(session.sink)


def test_the_past_is_read_again_beside_the_workers_that_run(install: Install, tmp_path: Path) -> None:
    both = files(tmp_path / "files")
    made = install(partitions=2)
    running = made.start()
    running.wait_ready()
    for path in both:
        made.must("produce", str(path))
        made.settle()
    send(made, [f"before-{n}" for n in range(5)])
    forgotten = first_import(made)
    wrong = made.relasi("rebuild", *SETTINGS, "--forget", "nothing")
    assert (wrong.returncode, "there is no import nothing" in wrong.stderr) == (1, True)
    # Defined once, for every worker; as it is copied out of CSV.
    assert "edition 2 is defined" in made.must("rebuild", *SETTINGS, "--forget", forgotten + "\r")
    for words in (("rebuild", *SETTINGS, "--layout"), ("produce", str(both[0]))):
        refused = made.relasi(*words)
        assert (refused.returncode, "edition 2" in refused.stderr) == (1, True), refused.stderr
    assert made.relasi("worker", "--edition", "7").returncode == 1
    assert made.relasi("switch", "7", *SETTINGS).returncode == 1
    # A worker of it is killed on the way; events come meanwhile, and the workers that run go on.
    killed = made.start("--edition", "2")
    send(made, [f"meanwhile-{n}" for n in range(5)])
    killed.wait_ready()
    killed.kill()
    building = made.start("--edition", "2")
    send(made, [f"after-{n}" for n in range(5)])
    building.wait_ready()
    made.settle()
    assert live(made.sink) == (15, 15)
    assert any(row["customer_id"] == "c0" for row in spent(made))
    before = spent(made)
    made.must("switch", "2", *SETTINGS)
    # Again, as after a crash between its steps.
    made.must("switch", "2", *SETTINGS)
    assert made.relasi("switch", "1", *SETTINGS).returncode == 1
    assert "workers that run" in made.relasi("switch", "--drop", "1", *SETTINGS).stderr
    stopped(running)
    # Nobody told it a number.
    another = made.start()
    another.wait_ready()
    stopped(building)
    stopped(another)
    folder = forgotten_embedded(tmp_path / "embedded", both)
    wanted = tables_in(folder)
    same(of_edition(made, 2), wanted)
    # But for when it was known: the time of the log has passed through the file that is forgotten, too.
    same(whenever(wanted), whenever(embedded(tmp_path / "fresh", [both[1]])))
    assert live(made.sink) == (15, 15)
    assert spent(made) != before
    assert [row["n"] for row in made.sink.query("SELECT count() AS n FROM imports").to_pylist()] == [1]
    assert forgotten not in made.must("imports", *SETTINGS, "--format", "csv")
    _rejudged(made, both, folder, tmp_path)


def _rejudged(made: Installation, both: Sequence[Path], folder: Path, tmp_path: Path) -> None:
    """A second rebuild in a row; the first edition and the second are dropped; an empty machine makes the same."""
    from processors.policy.policy import read_policy

    policy = policy_file(tmp_path)
    made.must("rebuild", *SETTINGS, "--policy", str(policy))
    building = made.start("--edition", "3")
    building.wait_ready()
    made.must("switch", "3", *SETTINGS)
    for number in ("1", "2"):
        made.must("switch", "--drop", number, *SETTINGS)
    # What was forgotten may come again, and is new.
    again = made.must("produce", str(both[0]))
    assert "100 of them were known already" in again
    made.settle_edition(3)
    stopped(building)
    rebuilt(folder, "test", policy=read_policy(policy.read_text()))
    embedded(folder, [both[0]])
    wanted = tables_in(folder)
    assert sum(int(row["purchases"]) for row in wanted["profiles_raw"]) == 300
    same(of_edition(made, 3), wanted)
    shown = spent(made)
    assert sum(int(row["purchases"]) for row in shown) == 300
    empty = made.with_group(f"{made.name}e")
    empty.must("topics", "apply")
    worker = empty.start()
    worker.wait_ready()
    empty.settle_edition(3)
    stopped(worker)
    same(of_edition(empty, 3), wanted)
    assert spent(empty) == shown
    assert live(empty.sink) == live(made.sink) == (15, 15)
    empty.sink.close()
