"""``make bench-kafka``: a real broker and ClickHouse server on this machine; every figure beside its bar, in one run.

Exit code 1 where a bar is missed. ``--events N`` takes a smaller topic for a first look.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from support import kafka_broker
from support.clickhouse_server import Server
from support.clickhouse_supervised import supervised
from support.kafka_broker import Broker
from support.kafka_workers import installation

from benchmarks import kafka_checkpoints, kafka_latency, kafka_systems, kafka_triggers
from benchmarks.report import Figure

PARTS = ("rates", "latency", "triggers", "checkpoints")


def _show(title: str, figures: Iterable[Figure]) -> int:
    print(title, flush=True)
    missed = 0
    for figure in figures:
        print(figure.line(), flush=True)
        missed += not figure.met
    return missed


def run(broker: Broker, server: Server, folder: Path, args: argparse.Namespace) -> int:
    """Run the parts that were asked for; the number of bars that were missed."""
    missed, full = 0, float(args.full_load)
    timing = {"clickhouse": "", "checkpoint_seconds": 2, "profile_seconds": 30, "session_seconds": 30}
    if "rates" in args.parts:
        with installation(broker, server, "bench", folder, **timing) as made:
            figures = kafka_systems.rates(made, server.url("bench"), args.events)
        full = next(figure.value for figure in figures if figure.name.startswith("Relasi, reports off"))
        missed += _show("One process of each system on the same broker and cores", figures)
    if "latency" in args.parts:
        with installation(broker, server, "latency", folder, **timing) as made:
            missed += _show("A tenth of full load", kafka_latency.latency(made, full / 10))
    if "triggers" in args.parts:
        with installation(broker, server, "triggers", folder, **timing) as made:
            missed += _show("Triggers, at a tenth of full load", kafka_triggers.latency(made, full / 10, folder))
    if "checkpoints" in args.parts:
        # No profiles in between: they are written for reports, which are off.
        calm = {**timing, "profile_seconds": 3600}
        figures = kafka_checkpoints.growth(lambda name: installation(broker, server, name, folder, **calm))
        missed += _show("Checkpoints at the same rate of events", figures)
    return missed


def main() -> int:
    """Start what is needed, run, and stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=kafka_systems.EVENTS)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--full-load", type=float, default=500_000, help="events/s, where the rates are not measured")
    args = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="relasi-bench-") as name:
        folder = Path(name)
        with (
            kafka_broker.running(folder / "kafka") as broker,
            supervised(folder / "clickhouse") as server,
        ):
            return 1 if run(broker, server.server, folder, args) else 0


if __name__ == "__main__":
    sys.exit(main())
