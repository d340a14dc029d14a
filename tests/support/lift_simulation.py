"""Experiments in which the truth is known, judged by the view trigger_lift: whoever looks every day, is he misled?

Arms are drawn by the engine's own hash, and every look is the statement of the view over units made up.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from processors.compiled import compiled
from processors.hashing import avalanche
from processors.triggers.cells import SHARES
from processors.triggers.holding import is_held
from processors.triggers.packed import hash_of
from streams.reports.sink import Sink

Floats = npt.NDArray[np.float64]
OUTCOMES: Final = ("bought", "orders", "spend_minor", "margin_minor")
VIEW: Final = Path(__file__).parents[2] / "deploy" / "clickhouse" / "85_trigger_outcomes.sql"
_AT_ONCE: Final = 3_000_000
"""Rows of one statement."""


@dataclass(frozen=True)
class Population:
    """Customers: their hashes, what they did within the window, what was expected of them, and the margin on each."""

    hashes: npt.NDArray[np.uint64]
    orders: Floats
    spend: Floats
    chance: Floats
    purchases: Floats
    expected: Floats
    share: Floats

    def sample(self, count: int, random: np.random.Generator) -> "Population":
        """So many of them, in an order of their own."""
        chosen = random.permutation(len(self.hashes))[:count]
        return Population(*(getattr(self, each.name)[chosen] for each in fields(self)))


def made_up(count: int, random: np.random.Generator) -> Population:
    """Customers some 18 % of whom buy, and whose spend has a heavy tail, as real ones have."""
    rate = random.gamma(0.35, 0.9, count)
    orders = random.poisson(rate).astype(float)
    typical = random.lognormal(8.0, 1.0, count)
    spend = np.round(orders * typical * random.lognormal(0, 0.6, count))
    guess = rate * random.lognormal(0, 0.5, count)
    hashes = np.array([avalanche(np.uint64(i)) for i in range(count)], np.uint64)
    return Population(hashes, orders, spend, 1 - np.exp(-guess), guess, guess * typical, random.beta(4, 6, count))


@compiled
def _draw(hashes: npt.NDArray[np.uint64], seed: int, share: int, held: npt.NDArray[np.bool_]) -> None:
    for i in range(len(hashes)):
        held[i] = is_held(hashes[i], seed, share)


def arms(hashes: npt.NDArray[np.uint64], run: int, hold_out: float) -> npt.NDArray[np.bool_]:
    """Who is held back from the rule ``run`` of version 1."""
    held = np.zeros(len(hashes), np.bool_)
    _draw(hashes, hash_of(f"run_{run}/1"), round(hold_out * SHARES), held)
    return held


@dataclass(frozen=True)
class Experiment:
    """``hold_out``: as promised; ``truly``: as drawn. ``effect``: more of those sent to who buy, as a share of all."""

    units: int
    looks: int
    hold_out: float
    truly: float | None = None
    effect: float = 0.0


def _run(population: Population, experiment: Experiment, run: int, random: np.random.Generator) -> pa.Table:
    some = population.sample(experiment.units, random)
    held = arms(some.hashes, run, experiment.hold_out if experiment.truly is None else experiment.truly)
    orders, spend = some.orders.copy(), some.spend.copy()
    if experiment.effect > 0:
        idle = orders == 0
        more = ~held & idle & (random.random(len(held)) < experiment.effect / idle.mean())
        orders[more] = 1
        spend[more] = random.choice(spend[some.orders > 0], more.sum())
    ends = [round(len(held) * (look + 1) / experiment.looks) for look in range(experiment.looks)]
    which = np.concatenate([np.arange(end) for end in ends])
    return pa.table(
        {
            "rule": pa.repeat(f"run_{run}", len(which)),
            "rule_version": np.repeat(np.arange(experiment.looks, dtype=np.int32), ends),
            "held": held[which],
            "hold_out": np.full(len(which), experiment.hold_out),
            "matured": np.ones(len(which), np.bool_),
            "bought": orders[which] > 0,
            "orders": orders[which].astype(np.int64),
            "spend_minor": spend[which].astype(np.int64),
            "margin_minor": np.round(spend * some.share).astype(np.int64)[which],
            "return_chance": some.chance[which],
            "expected_purchases": some.purchases[which],
            "expected_value_minor": some.expected[which],
            "expected_margin_minor": (some.expected * some.share)[which],
        }
    )


def statement(file: Path) -> str:
    """The one that the view trigger_lift is, over the units in a file."""
    text = VIEW.read_text("utf-8").partition("CREATE OR REPLACE VIEW trigger_lift")[2]
    found = re.search(r"SQL SECURITY DEFINER AS\n(?P<asked>.*)\nCOMMENT '", text, re.DOTALL)
    assert found is not None
    asked, count = re.subn(
        r"FROM trigger_outcomes\b", f"FROM file('{file}', 'Parquet') AS trigger_outcomes", found["asked"]
    )
    assert count == 1
    return asked


def looks(
    sink: Sink, folder: Path, population: Population, experiment: Experiment, runs: int, seed: int
) -> Iterator[dict[str, Any]]:
    """What the view said at each look of each run: its rows, ``rule_version`` being the number of the look."""
    random = np.random.default_rng(seed)
    size = max(1, _AT_ONCE // (experiment.units * (experiment.looks + 1) // 2))
    for first in range(0, runs, size):
        told = [_run(population, experiment, run, random) for run in range(first, min(first + size, runs))]
        file = folder / "units.parquet"
        pq.write_table(pa.concat_tables(told), file)
        yield from sink.query(statement(file)).to_pylist()


@dataclass(frozen=True)
class Verdicts:
    """Shares of runs: ``found``: by outcome those with a verdict at any look; ``at_last``: "brings" at the last one.

    ``computed``: by outcome what that last share should be, by the interval and the variance of each run.
    """

    found: Mapping[str, float]
    brings: Mapping[str, float]
    at_last: Mapping[str, float]
    computed: Mapping[str, float]
    alarmed: float


def verdicts(rows: Iterator[dict[str, Any]], experiment: Experiment, runs: int) -> Verdicts:
    """What whoever looks every day is told."""
    found: dict[str, set[str]] = {name: set() for name in OUTCOMES}
    brings: dict[str, set[str]] = {name: set() for name in OUTCOMES}
    last: dict[str, set[str]] = {name: set() for name in OUTCOMES}
    lifts: dict[str, list[tuple[float, float]]] = {name: [] for name in OUTCOMES}
    alarmed = set()
    for row in rows:
        name, rule = row["outcome"], row["rule"]
        if row["verdict"] in ("brings", "costs"):
            found[name].add(rule)
            if row["verdict"] == "brings":
                brings[name].add(rule)
        if row["rule_version"] == experiment.looks - 1:
            lifts[name].append((row["lift"], (row["high"] - row["low"]) / 2))
            if row["verdict"] == "brings":
                last[name].add(rule)
            if row["alarm"]:
                alarmed.add(rule)

    def shares(sets: Mapping[str, set[str]]) -> dict[str, float]:
        return {name: len(each) / runs for name, each in sets.items()}

    computed = {name: _computed(np.array(each)) for name, each in lifts.items()}
    return Verdicts(shares(found), shares(brings), shares(last), computed, len(alarmed) / runs)


def _computed(lifts: Floats) -> float:
    """P(lift - half > 0) of a normal lift with the mean and the variance that the runs have."""
    from math import erf, sqrt

    mean, spread, half = lifts[:, 0].mean(), lifts[:, 0].std(ddof=1), lifts[:, 1].mean()
    return 0.5 * (1 + erf((mean - half) / spread / sqrt(2)))
