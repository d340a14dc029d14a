"""Touchpoints for workers to process: the same for the same seed."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_DAY: Final = 86_400_000
_KINDS: Final = ("order_completed", "page_viewed", "email_opened", "account_created", "order_refunded")


def events(seed: int, count: int, customers: int, first_day: int = 9_000, days: int = 700) -> pa.Table:
    """Touchpoints as they arrived: some late, some twice, customers that fall silent and come back."""
    draw = np.random.default_rng(seed)
    arrived = np.sort(draw.integers(first_day * _DAY, (first_day + days) * _DAY, count))
    lateness = np.where(draw.random(count) < 0.05, draw.integers(0, 60 * _DAY, count), 0)
    who = (draw.zipf(1.3, count) * 7919 + draw.integers(0, customers // 4, count)) % customers
    kinds = np.array(_KINDS)[draw.choice(len(_KINDS), count, p=[0.45, 0.3, 0.15, 0.07, 0.03])]
    table = pa.table(
        {
            "event_id": [f"{seed}-{number}" for number in range(count)],
            "customer_id": [f"customer {number}" for number in who.tolist()],
            "occurred_at": pa.array(arrived - lateness, pa.timestamp("ms", "UTC")),
            "received_at": pa.array(arrived, pa.timestamp("ms", "UTC")),
            "kind": kinds.tolist(),
            "amount": [f"{cents / 100:.2f}" for cents in draw.integers(100, 20_000, count).tolist()],
            "currency": ["USD"] * count,
        }
    )
    twice = np.repeat(np.arange(count), np.where(draw.random(count) < 0.01, 2, 1))
    return table.take(pa.array(twice))


def write_files(folder: Path, seed: int, files: int, count: int, customers: int) -> list[Path]:
    """Files of touchpoints, each later than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(files):
        path = folder / f"{number}.parquet"
        pq.write_table(events(seed * 100 + number, count, customers, 9_000 + number * 300, 300), path)
        paths.append(path)
    return paths
