"""Events per second on a broker: Relasi's worker beside a plain Faust table agent and a Quix Streams application."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from support.kafka_broker import ROOT
from support.kafka_workers import Installation, Worker

from benchmarks.kafka_load import Group, fill, groups, slope
from benchmarks.report import Figure
from benchmarks.workload import table
from streams.kafka.topics import apply
from streams.settings import Settings, load

EVENTS: Final = 4_000_000
CUSTOMERS: Final = 400_000
OTHERS_SECONDS: Final = 25.0
PATIENCE_SECONDS: Final = 240.0
QUIX: Final = "3.28.1"
_RECORDS: Final = "relasi_records_total{"
_HERE: Final = Path(__file__).parent
_SCHEMA: Final = ROOT / "schemas" / "records" / "touchpoint.1.avsc"
_QUIX_HOME: Final = ROOT / "build" / "quix" / QUIX


def settings_of(made: Installation) -> Settings:
    """The settings of an installation's workers."""
    return load(environment=made.environment)


def total(page: str, name: str) -> float:
    """Sum over all labels of a metric."""
    lines = (line for line in page.splitlines() if line.startswith(name))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def catch_up(settings: Settings, worker: Worker) -> None:
    """Wait until a worker has committed all that is in the topic now."""
    with groups(settings) as new_group:
        group: Group = new_group(settings.group)
        samples = group.follow(PATIENCE_SECONDS)
    if not samples or samples[-1].committed < group.end:
        raise RuntimeError(f"the worker did not reach the end of the topic:\n{worker.text()}")


def relasi_rate(made: Installation, group: Group, name: str, **settings: object) -> tuple[float, float]:
    """(events per second from the first record to the last commit, seconds): everything is checkpointed in the end."""
    apply(replace(settings_of(made), group=name))
    worker = made.start(group=name, **settings)
    try:
        begun = _first_record(worker)
        samples = group.follow(PATIENCE_SECONDS)
    finally:
        worker.stop(30)
    if not samples or samples[-1].committed < group.end:
        raise RuntimeError(f"Relasi did not reach the end of the topic:\n{worker.text()}")
    seconds = samples[-1].at - begun
    return group.end / seconds, seconds


def _first_record(worker: Worker) -> float:
    """The last instant at which nothing had been processed yet."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        before = time.monotonic()
        if total(worker.page("/metrics")[1], _RECORDS):
            return before
        if worker.process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"the worker processed nothing:\n{worker.text()}")


@contextmanager
def process(python: Path, script: str, made: Installation, group: str) -> Iterator[Path]:
    """Another system as a process of its own; gives the path of its log."""
    folder = made.folder / group
    folder.mkdir()
    settings = settings_of(made)
    arguments = [settings.servers[0], f"{settings.prefix}.touchpoints.v1", group, str(folder), str(_SCHEMA)]
    log = made.folder / f"{group}.log"
    with log.open("wb") as out:
        running = subprocess.Popen([python, _HERE / script, *arguments], stdout=out, stderr=out, cwd=folder)
    try:
        yield log
    finally:
        running.kill()
        running.wait()


def other_rate(python: Path, script: str, made: Installation, group: Group, name: str) -> float:
    """Events per second of another system, between commits."""
    with process(python, script, made, name) as log:
        first = group.follow(0)
        end = time.monotonic() + PATIENCE_SECONDS
        while not first and time.monotonic() < end:
            first = group.follow(1.0)[:1]
        samples = first + group.follow(OTHERS_SECONDS)
        if len(samples) < 2:
            raise RuntimeError(f"{script} committed nothing:\n{log.read_text(errors='replace')[-3000:]}")
    return slope(samples)


def faust_rate(made: Installation, new_group: Any) -> float:
    """A plain Faust table agent."""
    settings = settings_of(made)
    admin = KafkaAdminClient(bootstrap_servers=settings.servers)
    changelog = {"num_partitions": settings.partitions, "replication_factor": 1}
    admin.create_topics({"bench-faust-customers-changelog": {**changelog, "configs": {"cleanup.policy": "compact"}}})
    admin.close()
    return other_rate(Path(sys.executable), "kafka_faust.py", made, new_group("bench-faust"), "bench-faust")


def quix_python() -> Path:
    """The interpreter of an environment that holds Quix Streams, made where it isn't there yet."""
    python = _QUIX_HOME / "bin" / "python"
    if not (_QUIX_HOME / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_QUIX_HOME)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, f"quixstreams=={QUIX}", "fastavro"], check=True)
        (_QUIX_HOME / "installed").touch()
    return python


def rates(made: Installation, clickhouse: str, events: int = EVENTS) -> list[Figure]:
    """All systems over one topic, one after another."""
    settings = settings_of(made)
    begun = time.monotonic()
    fill(settings, table(events, events * CUSTOMERS // EVENTS, 1))
    filled = time.monotonic() - begun
    quix_home = quix_python()
    with groups(settings) as new_group:
        faust = faust_rate(made, new_group)
        quix = other_rate(quix_home, "kafka_quix.py", made, new_group("bench-quix"), "bench-quix")
        off, off_seconds = relasi_rate(made, new_group("bench-off"), "bench-off")
        on, on_seconds = relasi_rate(made, new_group("bench-on"), "bench-on", clickhouse=clickhouse)
    return [
        Figure(f"sent {events:,} events with ticks", events / filled, "events/s"),
        Figure("plain Faust table agent", faust, "events/s"),
        Figure("Quix Streams with state", quix, "events/s"),
        Figure(f"Relasi, reports off ({off_seconds:.0f} s, last commit included)", off, "events/s"),
        Figure("  over Faust", off / faust, "x", at_least=100),
        Figure("  over Quix Streams", off / quix, "x", at_least=8),
        Figure(f"Relasi, reports on ({on_seconds:.0f} s, last commit included)", on, "events/s"),
        Figure("  over Faust", on / faust, "x", at_least=30),
    ]
