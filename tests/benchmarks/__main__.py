"""``make bench``: every figure beside its bar, in one run. Exit code 1 where a bar is missed."""

import os
import sys

from benchmarks import (
    delivering,
    editions,
    engine,
    many,
    outputs,
    profiles,
    reading,
    storage,
    triggers,
    value,
    visitors,
    window,
    writing,
)


def main() -> int:
    """Run all benchmarks and print their figures."""
    missed = 0
    cores = os.sched_getaffinity(0)
    for title, parts in (
        ("Engine, one core", (engine.throughput, engine.growth, many.few_active, visitors.cheap)),
        ("Window of event identities, one core", (window.with_and_without, window.restoring)),
        ("Rules, one core", (triggers.with_and_without,)),
        ("Delivery", (delivering.rates, delivering.beside_bad_ones)),
        ("Value, one core", (value.cost_per_row,)),
        ("Outputs, one core", (outputs.messages,)),
        ("Files, one core", (reading.preparing,)),
        ("Reports", (profiles.at_one_instant,)),
        ("Log", (writing.group_commits, writing.beside_checkpoints)),
        ("Whole commands", (storage.importing, storage.first_answer)),
        ("Editions", (editions.rebuilding, editions.running)),
    ):
        os.sched_setaffinity(0, {min(cores)} if "one core" in title else cores)
        print(title)
        for part in parts:
            for figure in part():
                print(figure.line(), flush=True)
                missed += not figure.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
