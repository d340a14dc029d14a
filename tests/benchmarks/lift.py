"""What rules bring, where the truth is known: CDNOW's customers, whom a campaign of no or of a known effect is sent to.

What is expected of each is what the engine stores with a trigger; arms and verdicts are those of engine and view.
"""

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.cdnow import FILES
from support.lift_simulation import OUTCOMES, Experiment, Population, looks, verdicts

from benchmarks.report import Figure
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.clock import now_ms
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.imports.mapping import read_mapping
from streams.imports.prepare import prepare
from streams.log.batches import read_batches
from streams.log.touchpoints import touchpoints_with_ticks
from streams.log.writing import record_batches
from streams.outputs.profiles import profiles_table
from streams.policies import preset
from streams.reports.chdb import ChdbSink

MAPPING: Final = Path(__file__).parents[2] / "docs" / "mappings" / "cdnow.toml"
_EPOCH: Final = date(1970, 1, 1)
CAMPAIGN_MS: Final = (date(1997, 10, 1) - _EPOCH).days * 86_400_000
WINDOW_MS: Final = 91 * 86_400_000
RUNS: Final = 400
POWER_RUNS: Final = 200
UNITS: Final = 5_000
MANY: Final = 11_590


def _batches(folder: Path) -> Iterator[pa.Table]:
    with prepare(str(FILES["master"]), read_mapping(MAPPING), as_arrived=False, workdir=folder, now=now_ms()) as file:
        for batch in file.batches():
            yield pa.Table.from_batches([batch])


def cdnow(folder: Path) -> Population:
    """Its customers on the day of the campaign, and what they bought in the 91 days after."""
    registry = FileRegistry()
    policy = preset("commerce")
    partition, time, after = Partition(0, policy, look_up_all(registry)), 0, []
    for rows in _batches(folder):
        at = rows.column("occurred_at").cast(pa.int64())
        told = rows.filter(pc.less_equal(at, CAMPAIGN_MS)).combine_chunks()
        within = pc.and_(pc.greater(at, CAMPAIGN_MS), pc.less_equal(at, CAMPAIGN_MS + WINDOW_MS))
        after.append(rows.filter(within).select(["customer_id", "amount_minor"]))
        for batch in told.to_batches():
            keys, bodies, time = touchpoints_with_ticks(batch, registry, time)
            for data, first, _ in record_batches(keys, bodies, partition.next_offset, 0):
                assert not isinstance(partition.apply(read_batches(data, first)), Refused)
    numbers = partition.numbers()
    profiles = profiles_table(partition, numbers, CAMPAIGN_MS)
    bought = (
        pa.concat_tables(after).group_by("customer_id").aggregate([("amount_minor", "sum"), ("amount_minor", "count")])
    )
    found = dict(zip(bought.column("customer_id").to_pylist(), range(bought.num_rows), strict=True))
    where = np.array([found.get(who, -1) for who in profiles.column("customer_id").to_pylist()])

    def of(column: str) -> Any:
        values = bought.column(column).to_numpy().astype(float)
        return np.where(where >= 0, values[where], 0.0)

    def told_of(column: str) -> Any:
        return np.nan_to_num(profiles.column(column).to_numpy().astype(float))

    return Population(
        np.asarray(partition.rows(numbers).hash),
        of("amount_minor_count"),
        of("amount_minor_sum"),
        1 - told_of("churn_risk"),
        told_of("expected_purchases"),
        told_of("expected_value_minor"),
        np.full(len(where), policy.rules.margin_share),
    )


def nothing_to_find(sink: ChdbSink, folder: Path, customers: Population) -> list[Figure]:
    """A/A: 60 daily looks at what has no effect."""
    found = []
    for hold_out in (0.1, 0.5):
        plan = Experiment(UNITS, 60, hold_out)
        said = verdicts(looks(sink, folder, customers, plan, RUNS, 1), plan, RUNS)
        found += [
            Figure(
                f"A/A, {hold_out:.0%} held: {name}, false in 60 looks",
                said.found[name],
                "of runs",
                at_most=0.05,
                digits=3,
            )
            for name in OUTCOMES
        ]
        found.append(Figure("  false alarm about the arms", said.alarmed, "of runs", at_most=0.01, digits=3))
    return found


def something_to_find(sink: ChdbSink, folder: Path, customers: Population) -> list[Figure]:
    """A/B: three points more of those sent to buy; what is found of it, beside what is computed."""
    found = []
    for hold_out in (0.5, 0.1):
        plan = Experiment(MANY, 10, hold_out, effect=0.03)
        said = verdicts(looks(sink, folder, customers, plan, POWER_RUNS, 2), plan, POWER_RUNS)
        share, computed = said.at_last["bought"], said.computed["bought"]
        found += [
            Figure(f"A/B, {hold_out:.0%} held: found by the last look", said.brings["bought"], "of runs", digits=3),
            Figure("  at the last look", share, "of runs", digits=3),
            Figure("  away from what is computed", abs(share - computed), "of runs", at_most=0.06, digits=3),
        ]
    return found


def arms_of_the_wrong_size(sink: ChdbSink, folder: Path, customers: Population) -> list[Figure]:
    """8 % are held where 10 % were promised."""
    plan = Experiment(UNITS, 1, 0.1, truly=0.08)
    said = verdicts(looks(sink, folder, customers, plan, POWER_RUNS, 3), plan, POWER_RUNS)
    right = said.alarmed
    return [Figure("8 % held of 10 % promised: alarm", right, "of runs", at_least=0.85, digits=3)]


def figures() -> Iterator[Figure]:
    """All of them."""
    with tempfile.TemporaryDirectory(prefix="relasi-lift-") as name:
        folder = Path(name)
        customers = cdnow(folder)
        sink = ChdbSink(folder / "reports")
        sink.create()
        try:
            for part in (nothing_to_find, something_to_find, arms_of_the_wrong_size):
                yield from part(sink, folder, customers)
        finally:
            sink.close()


if __name__ == "__main__":
    for figure in figures():
        print(figure.line(), flush=True)
