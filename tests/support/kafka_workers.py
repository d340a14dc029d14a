"""Workers as processes, over a real broker and ClickHouse server, and the embedded shell to compare them with."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from kafka.admin import KafkaAdminClient
from kafka.consumer.group import KafkaConsumer
from kafka.structs import TopicPartition

from streams.commands.terminal import Terminal
from streams.embedded.readers import Reader
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.imports.mapping import Mapping
from streams.kafka.committed import committed
from streams.outputs.output import Topic
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.errors import ReportsError
from streams.reports.sink import Sink
from support.bound_process import bound
from support.clickhouse_server import Server
from support.command import finish
from support.forked import origin
from support.kafka_broker import PATIENCE, ROOT, Broker, until

COMPARED: Final = {
    "touchpoints_raw": "EXCEPT (import_id, log_partition, log_offset, log_epoch)",
    "transitions_raw": "EXCEPT (epoch, `partition`, `offset`)",
    "judgements_raw": "EXCEPT (epoch, `partition`, `offset`)",
    "profiles_raw": "EXCEPT (epoch, `partition`, `offset`)",
    "rejects_raw": "EXCEPT (`partition`, position, source)",
    "policies_raw": "EXCEPT (epoch, `offset`, known_at)",
    "meanings_raw": "",
}
_PORT: Final = re.compile(r'web_port"?[:=] ?(\d+)')
PROGRAM: Final = ("-m", "streams.cli")
# What commands of this shell load, which takes most of their time. They are to heed warnings as Python does by itself.
IMPORTS: Final = """
import warnings
warnings.resetwarnings()
warnings.simplefilter("ignore")
import pandas, schemas.registry
import streams.kafka.producing, streams.kafka.run, streams.kafka.switching
import streams.imports.prepare, streams.reports.clickhouse
from support.shell import apply_all, new_partition
from support.messages import touchpoint, tick
partition = new_partition()
apply_all(partition, touchpoint("e", "c", 1_700_000_000_000), tick(1_710_000_000_000))
"""
# Its first word is the environment.
COMMAND: Final = """
import json, os, sys
os.environ.clear()
os.environ.update(json.loads(sys.argv.pop(1)))
from streams import cli
sys.exit(cli.main(sys.argv[1:]))
"""
Published = dict[bytes, set[tuple[bytes, bytes]]]
"""Of each fact by its id: the keys and bodies of the messages that tell of it."""
Install = Callable[..., "Installation"]


def columns_of(sink: Sink) -> dict[str, pa.Table]:
    """All rows of all tables, positions and ingestion times aside, in the order of their columns."""
    found = {}
    for name, leaving in COMPARED.items():
        # Workers that begin at once on empty reports may know the log by two epochs: a policy has a row of each.
        once = "LIMIT 1 BY hash" if name == "policies_raw" else ""
        found[name] = sink.query(f"SELECT * FROM (SELECT * {leaving} FROM {name} FINAL {once}) ORDER BY ALL")
    return found


def rows_of(tables: dict[str, pa.Table]) -> dict[str, list[dict[str, Any]]]:
    """The same as dicts, in an order of their own."""
    return {name: sorted(table.to_pylist(), key=repr) for name, table in tables.items()}


def tables_of(sink: Sink) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables as dicts."""
    return rows_of(columns_of(sink))


def embedded(directory: Path, files: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """What the embedded shell makes of the same files."""
    from streams.commands.import_files import import_file

    silent = Terminal(lambda _: None, lambda _: None, rich=False)
    with Session(directory, "test") as session:
        for path in files:
            import_file(session, str(path), Mapping(), silent, as_arrived=True)
        return tables_of(session.runner.sink)


def _published(messages: Iterator[tuple[bytes, bytes]]) -> Published:
    found: Published = {}
    for key, body in messages:
        # The id is the first field: five bytes of header and one of length, then 32 digits.
        found.setdefault(body[6:38], set()).add((key, body))
    return found


def embedded_published(directory: Path, topic: Topic) -> Published:
    """What the embedded shell has said of facts in a topic."""
    with RowsFile(directory) as rows:
        reader = Reader(rows, "test", topic.named())
        records = [record for batch in iter(reader.read, None) for record in batch.records]
    return _published((record.key or b"", record.value or b"") for record in records)


class Worker:
    """One process of ``relasi worker``, or of another command that serves pages."""

    def __init__(
        self,
        environment: dict[str, str],
        log: Path,
        arguments: Sequence[str] = (),
        program: Sequence[str] = PROGRAM,
        command: str = "worker",
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                bound([sys.executable, *program, command, *arguments]),
                cwd=ROOT,
                env={**environment, "RELASI_WEB_PORT": "0"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def port(self) -> int:
        """Of its pages, any that was free when it began to serve them; 0 before that."""
        found = _PORT.search(self.log.read_text(errors="replace"))
        return int(found[1]) if found else 0

    def page(self, path: str) -> tuple[int, str]:
        """(status, text) of one of its pages; status 0 while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_ready(self, seconds: float = PATIENCE) -> None:
        """Until it owns what it is to own."""
        for _ in until(seconds):
            assert self.process.poll() is None, self.text()
            if self.page("/readyz")[0] == 200:
                return

    def resident_bytes(self) -> int:
        """Memory that it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def processor_seconds(self) -> float:
        """Time of the processor that it has used."""
        # After the name in parentheses: user and system time are the 12th and 13th field.
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")

    def counted(self, name: str) -> float:
        """Sum of the metrics whose lines begin like this."""
        lines = (line for line in self.page("/metrics")[1].splitlines() if line.startswith(name))
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def wait_caught_up(self, partitions: int = 4, seconds: float = PATIENCE) -> None:
        """Until it has so many partitions, and has read each to its end."""
        for _ in until(seconds):
            assert self.process.poll() is None, self.text()
            lines = [line for line in self.page("/metrics")[1].splitlines() if line.startswith("relasi_lag_records{")]
            if len(lines) == partitions and all(float(line.rpartition(" ")[2]) == 0 for line in lines):
                return

    def text(self) -> str:
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-6000:]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self, seconds: float = PATIENCE) -> int:
        """SIGTERM, and the exit code: not 0 where it could not store everything within its own limit."""
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


class Installation:
    """Topics, a group and a database of their own, and whatever workers a test starts."""

    def __init__(self, broker: Broker, server: Server, name: str, folder: Path, **settings: object) -> None:
        self.broker = broker
        self.server = server
        self.name = name
        self.group = name
        self.folder = folder
        self.workers: list[Worker] = []
        self.program: Sequence[str] = PROGRAM
        self.sink = ClickHouseSink(server.url(name))
        given = {
            "broker": broker.url,
            "clickhouse": server.url(name),
            "prefix": name,
            "group": name,
            "data": folder / "data",
            "ticks": "log",
            "session_seconds": 6,
            "checkpoint_seconds": 0.5,
            "idle_seconds": 1,
            "profile_seconds": 2,
            **settings,
        }
        plain = {
            key: value for key, value in os.environ.items() if key == "RELASI_COMPILED" or not key.startswith("RELASI_")
        }
        self.environment = plain | {f"RELASI_{key.upper()}": str(value) for key, value in given.items()}

    def relasi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end, in a process of its own."""
        ran = finish(origin(IMPORTS).start(COMMAND, [json.dumps(self.environment), *arguments], ROOT))
        return subprocess.CompletedProcess(arguments, ran.code, ran.out, ran.err)

    def must(self, *arguments: str) -> str:
        """Run one command that has to succeed."""
        done = self.relasi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *arguments: str, **settings: object) -> Worker:
        """Start a worker."""
        changed = {f"RELASI_{key.upper()}": str(value) for key, value in settings.items()}
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(self.environment | changed, log, arguments, self.program)
        self.workers.append(worker)
        return worker

    def start_deliverer(self, *arguments: str, **settings: object) -> Worker:
        """Start a process of ``relasi deliver``."""
        changed = {f"RELASI_{key.upper()}": str(value) for key, value in settings.items()}
        log = self.folder / f"deliverer-{len(self.workers)}.log"
        worker = Worker(self.environment | changed, log, arguments, self.program, "deliver")
        self.workers.append(worker)
        return worker

    def with_group(self, group: str) -> "Installation":
        """Another machine with nothing but the log: its group and its database are others."""
        other = Installation(self.broker, self.server, self.name, self.folder)
        other.group = group
        other.sink = ClickHouseSink(self.server.url(group))
        other.environment = self.environment | {"RELASI_GROUP": group, "RELASI_CLICKHOUSE": self.server.url(group)}
        other.workers = self.workers
        return other

    def positions(self, edition: int = 1) -> tuple[dict[int, int], dict[int, int]]:
        """(committed offset, end offset) of each partition of the touchpoints.

        The broker may just be on its way back.
        """
        group = self.group if edition == 1 else f"{self.group}-edition-{edition}"
        topic = f"{self.name}.touchpoints.v1"
        admin = KafkaAdminClient(bootstrap_servers=[self.broker.servers])
        consumer = KafkaConsumer(bootstrap_servers=[self.broker.servers])
        try:
            for _ in until():
                reached = committed(admin, group, topic)
                if reached is not None:
                    break
            numbers = consumer.partitions_for_topic(topic) or set()
            ends = consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        finally:
            admin.close()
            consumer.close()
        return reached or {}, {tp.partition: int(end) for tp, end in ends.items()}

    def published(self, topic: Topic) -> Published:
        """What workers have said of facts in a topic."""
        name = topic.named(self.name)
        consumer = KafkaConsumer(bootstrap_servers=[self.broker.servers], auto_offset_reset="earliest", group_id=None)
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: list[tuple[bytes, bytes]] = []
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            for records in consumer.poll(timeout_ms=1000).values():
                found += [(record.key, record.value) for record in records]
        consumer.close()
        return _published(iter(found))

    def settle(self, seconds: float = PATIENCE) -> None:
        """Until everything is processed and committed."""
        for _ in until(seconds):
            committed, ends = self.positions()
            if all(committed.get(number, 0) >= end for number, end in ends.items()):
                return

    def settle_edition(self, edition: int, seconds: float = PATIENCE) -> None:
        """Until the workers of an edition have processed and committed everything."""
        for _ in until(seconds):
            committed, ends = self.positions(edition)
            if all(committed.get(number, 0) >= end for number, end in ends.items()):
                return

    def stop_all(self) -> list[int]:
        """Stop every worker gracefully; their exit codes."""
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        return [worker.process.wait(PATIENCE) for worker in self.workers]

    def columns(self) -> dict[str, pa.Table]:
        """What the workers have reported. The server may just be on its way back."""
        for _ in until():
            try:
                return columns_of(self.sink)
            except ReportsError:
                continue
        raise AssertionError

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The same as dicts."""
        return rows_of(self.columns())

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers:
            worker.kill()
        self.sink.close()


@contextmanager
def installation(broker: Broker, server: Server, name: str, folder: Path, **settings: object) -> Iterator[Installation]:
    """An installation with its topics, whose processes end with the context."""
    made = Installation(broker, server, name, folder, **settings)
    try:
        made.must("topics", "apply")
        yield made
    finally:
        made.close()


def same(found: dict[str, list[dict[str, Any]]], wanted: dict[str, list[dict[str, Any]]]) -> None:
    """Assert that every table is equal, row for row; says of each how they differ."""
    problems = []
    for name, rows in wanted.items():
        mine, theirs = [repr(row) for row in found[name]], [repr(row) for row in rows]
        if mine == theirs:
            continue
        extra, lacking = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
        problems.append(
            f"{name}: {len(mine)} rows instead of {len(theirs)}; {len(extra)} extra, {len(lacking)} lacking\n"
            + "\n".join([f"  + {row}" for row in extra[:2]] + [f"  - {row}" for row in lacking[:2]])
        )
    assert not problems, "\n".join(problems)


class Supervised:
    """Workers of which each that ended is started again, as a supervisor would."""

    def __init__(self, made: Installation, workers: int) -> None:
        self._made = made
        self.broker = made.broker
        self.workers: list[Worker] = [made.start() for _ in range(workers)]

    def revive(self) -> None:
        """Start those again that have ended."""
        for worker in [worker for worker in self.workers if worker.process.poll() is not None]:
            self.workers.remove(worker)
            self.workers.append(self._made.start())

    def settle(self, seconds: float = PATIENCE) -> None:
        """Until everything is processed and committed, and all that run are ready."""
        for _ in until(seconds):
            self.revive()
            committed, ends = self._made.positions()
            if all(committed.get(number, 0) >= end for number, end in ends.items()):
                break
        for worker in self.workers:
            worker.wait_ready()
        self._made.settle()
