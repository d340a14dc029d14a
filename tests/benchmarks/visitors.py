"""Ten visitors for each customer, as websites have them, and what forwarding addresses take."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.engine import counting_rate, new_partition
from benchmarks.report import Figure
from benchmarks.workload import START, YEAR_MS, fetches, table
from streams.engine.partition import Partition

VISITORS: Final = 1_000_000
CUSTOMERS: Final = 100_000
VIEWS: Final = 3
_AT_ONCE: Final = 500_000


def _names(kind: str, numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(np.char.add(kind, np.char.zfill(numbers.astype("U8"), 8)))


def _with(rows: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, column in columns.items():
        place = rows.column_names.index(name) if name in rows.column_names else rows.num_columns
        rows = rows.set_column(place, name, column) if place < rows.num_columns else rows.append_column(name, column)
    return rows


def cheap(visitors: int = VISITORS, customers: int = CUSTOMERS, at_once: int = _AT_ONCE) -> list[Figure]:
    """Memory of visitors who only look at pages, beside customers of whom each has a device that leads to them."""
    partition, offset, start = new_partition(collect=False), 0, START
    chunks = -(-visitors * VIEWS // at_once)
    span = YEAR_MS // (chunks + 2)
    for chunk in range(chunks):
        numbers = np.arange(chunk * at_once, min((chunk + 1) * at_once, visitors * VIEWS)) % visitors
        rows = table(len(numbers), 2, chunk, start, span)
        rows = _with(
            rows,
            customer_id=pa.nulls(len(numbers), pa.string()),
            anonymous_id=_names("visitor-", numbers),
            kind=pa.repeat("page_viewed", len(numbers)),
        )
        offset, start = _taken(partition, rows, offset, start, span)
    before, linked = partition.memory_bytes(), partition.customers
    for _ in range(2):
        numbers = np.arange(customers)
        rows = _with(
            table(customers, 2, 99, start, span),
            customer_id=_names("customer", numbers),
            anonymous_id=_names("device--", numbers),
        )
        offset, start = _taken(partition, rows, offset, start, span)
    held = partition.memory_bytes()
    return [
        Figure(f"memory of {linked:,} visitors", before / linked, "bytes each"),
        Figure("  of customers with a device each", (held - before) / customers, "bytes each"),
        Figure("  of all of them", held / 1e6, "MB", at_most=500),
    ]


def _taken(partition: Partition, rows: pa.Table, offset: int, start: int, span: int) -> tuple[int, int]:
    some = fetches(rows, offset, start)
    counting_rate(partition, some)
    return some[-1].end, start + span
