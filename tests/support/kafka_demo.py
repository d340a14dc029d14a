"""``make kafka-demo``: the demo over a real broker, a real ClickHouse server and two workers, beside the embedded one.

Everything listens on free ports of the loopback, lives in a directory that is deleted, and ends with this process. Exit
code 0 where both shells say the same of every customer, row for row; 1 where they don't.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from streams.commands.demo import MAPPING, PURCHASES
from streams.commands.import_files import import_file
from streams.commands.insight import insight
from streams.commands.terminal import Terminal
from streams.embedded.session import Session
from streams.imports.mapping import read_mapping
from streams.policies import preset
from streams.reports.sink import Sink
from support import kafka_broker
from support.clickhouse_server import UnavailableError
from support.clickhouse_supervised import supervised
from support.kafka_workers import Installation, columns_of, installation, rows_of, same

LAST_TOUCHPOINT = "SELECT toInt64(toUnixTimestamp64Milli(max(occurred_at))) AS at FROM touchpoints"

Tables = dict[str, pa.Table]


def insight_of(sink: Sink) -> str:
    """The insight at the last touchpoint, which is when the last tick of an imported file is."""
    (row,) = sink.query(LAST_TOUCHPOINT).to_pylist()
    return insight(sink, row["at"], preset().rules.horizon_ms)


def embedded(directory: Path) -> tuple[Tables, str]:
    """What one process without Kafka makes of the purchases: tables and insight."""
    silent = Terminal(lambda _: None, lambda _: None, rich=False)
    with Session(directory, "kafka-demo") as session:
        import_file(session, str(PURCHASES), read_mapping(MAPPING), silent, as_arrived=False)
        session.runner.checkpoint()
        return columns_of(session.sink), insight_of(session.sink)


def distributed(made: Installation, say: Callable[[str], None]) -> tuple[Tables, str]:
    """What two workers make of the same, from the log."""
    say("Two workers start")
    workers = [made.start(), made.start()]
    say(made.must("produce", str(PURCHASES), "--mapping", str(MAPPING)).strip())
    for worker in workers:
        worker.wait_ready()
    made.settle()
    say("The log is processed and committed; the workers stop")
    codes = made.stop_all()
    assert codes == [0, 0], f"exit codes {codes}\n" + "\n".join(worker.text() for worker in workers)
    return made.columns(), insight_of(made.sink)


def demo(folder: Path, say: Callable[[str], None]) -> int:
    """Run both shells in ``folder`` and compare them; the exit code."""
    say("A broker and a ClickHouse server start")
    # A worker that is told to stop breaks off the statement under way, which this server may not survive.
    with (
        kafka_broker.running(folder / "kafka") as broker,
        supervised(folder / "clickhouse") as server,
        installation(broker, server.server, "demo", folder) as made,
    ):
        tables, text = distributed(made, say)
    say("The same without Kafka, for comparison")
    wanted, wanted_text = embedded(folder / "embedded")
    print("\n" + text + "\n")
    try:
        # The sinks name the items of lists, and what may be null, each in its own way.
        if not all(tables[name].cast(wanted[name].schema).equals(wanted[name]) for name in wanted):
            same(rows_of(tables), rows_of(wanted))
        assert text == wanted_text, "the insights differ"
    except AssertionError as problems:
        print(f"The two shells differ:\n{problems}", file=sys.stderr)
        return 1
    print(
        "Row for row the same as without Kafka: "
        + ", ".join(f"{tables[name].num_rows:,} {name}" for name in sorted(tables))
    )
    return 0


def _stop(*_: object) -> None:
    # As an exception it runs through every context, and each ends what it started.
    raise SystemExit(143)


def main() -> int:
    """Run the demo; 2 where the broker or the server can't be had on this machine."""
    signal.signal(signal.SIGTERM, _stop)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="relasi-kafka-demo-") as folder:
        try:
            return demo(Path(folder), say)
        except UnavailableError as error:
            print(f"kafka-demo: {error}", file=sys.stderr)
            return 2
        except AssertionError as error:
            print(f"kafka-demo: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
