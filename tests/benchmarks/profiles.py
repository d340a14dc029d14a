"""What `profiles` costs with a million customers: chances and values of each at one instant, computed when asked."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.report import Figure
from streams.engine.results import PolicyChange
from streams.outputs.policies import policies_table
from streams.policies import preset
from streams.reports.chdb import ChdbSink
from streams.reports.tables import TABLES

CUSTOMERS: Final = 1_000_000
ROUNDS: Final = 5
DAY: Final = 86_400_000
START: Final = 1_700_000_000_000
AGE: Final = 900 * DAY
SUMS: Final = (
    "SELECT sum(p_alive), sum(churn_risk), sum(p_return), sum(expected_purchases), sum(expected_value_minor), "
    "sum(clv_minor) FROM profiles"
)
ALL: Final = "SELECT sum(cityHash64(*)) FROM profiles"


def customers(policy: str, count: int = CUSTOMERS) -> pa.Table:
    """So many profiles: a third has bought again, some of them often; every other column holds one value."""
    rng = np.random.default_rng(3)
    days = np.where(rng.random(count) < 0.34, 1 + rng.geometric(0.2, count), 1)
    first = START + (rng.random(count) * AGE * 0.9).astype(np.int64)
    last = first + np.where(days > 1, (rng.random(count) * (START + AGE - first)).astype(np.int64), 0)
    spend = days * rng.integers(500, 9_000, count)
    told = {
        "customer_id": pa.array([f"c{number}" for number in range(count)]),
        "purchase_days": days,
        "purchases": days,
        "spend_minor": spend,
        "margin_minor": spend // 3,
        "longest_gap": np.where(days > 2, rng.integers(1, 90, count), 0),
        "p_alive": np.full(count, 0.5),
        "policy_hash": pa.array([policy] * count),
        **dict.fromkeys(("first_at", "first_purchase_at"), pa.array(first, pa.timestamp("ms", tz="UTC"))),
        **dict.fromkeys(("last_at", "last_purchase_at"), pa.array(last, pa.timestamp("ms", tz="UTC"))),
        "as_of": pa.array(np.full(count, START + AGE), pa.timestamp("ms", tz="UTC")),
    }
    columns = [
        pa.array(told[field.name]).cast(field.type) if field.name in told else _one(field, count)
        for field in TABLES["profiles_raw"]
    ]
    return pa.Table.from_arrays(columns, schema=TABLES["profiles_raw"])


def _one(field: pa.Field, count: int) -> pa.Array:
    if field.nullable:
        return pa.nulls(count, field.type)
    if pa.types.is_list(field.type) or pa.types.is_map(field.type):
        return pa.array([[]] * count, field.type)
    if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
        return pa.array(["known" if field.name == "namespace" else "middle"] * count).cast(field.type)
    return pa.array(np.zeros(count, np.int64)).cast(field.type)


def at_one_instant() -> list[Figure]:
    """Wall seconds of the six sums, and of every column of every customer."""
    policy = preset("commerce")
    with tempfile.TemporaryDirectory() as folder:
        sink = ChdbSink(Path(folder) / "reports")
        sink.create()
        sink.insert("policies_raw", policies_table([PolicyChange(0, START, policy)], 0))
        sink.insert("profiles_raw", customers(policy.hash))
        figures = []
        for name, sql in (("Profiles of 1 M: chances and values summed", SUMS), ("Profiles of 1 M: every column", ALL)):
            seconds = []
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                sink.query(sql)
                seconds.append(time.perf_counter() - begin)
            figures.append(Figure(name, median(seconds), "s", at_most=2.0))
        sink.close()
    return figures
