"""A stream of touchpoints for benchmarks: many customers, several kinds, a year of event time."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.registry import FileRegistry
from streams.imports.canonical import CANONICAL, NO_ENTRIES, ROW
from streams.log.batches import Fetch, read_batches
from streams.log.touchpoints import touchpoints_with_ticks
from streams.log.writing import record_batches

START: Final = 1_704_067_200_000  # 2024-01-01
YEAR_MS: Final = 365 * 86_400_000
KINDS: Final = (
    "page_viewed",
    "product_viewed",
    "products_searched",
    "product_added",
    "order_completed",
    "email_opened",
    "account_created",
    "product_reviewed",
)
_SHARES: Final = (0.3, 0.25, 0.1, 0.08, 0.12, 0.12, 0.01, 0.02)
_AT_ONCE: Final = 65_536
# Of columns that have a value in every row: an empty map or array, and what is not known yet.
EMPTY: Final = {pa.binary(): pa.scalar(NO_ENTRIES, pa.binary()), pa.bool_(): pa.scalar(False)}


def customer_ids(numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Ids of 16 bytes."""
    return pa.array(np.char.add("customer", np.char.zfill(numbers.astype("U8"), 8)))


def table(rows: int, customers: int, seed: int, start: int = START, span: int = YEAR_MS) -> pa.Table:
    """Touchpoints in order of time, of customers drawn at random; columns as ``relasi import`` reads them.

    ``span``: ms over which they are spread.
    """
    random = np.random.default_rng(seed)
    kinds = random.choice(len(KINDS), rows, p=_SHARES)
    bought = kinds == KINDS.index("order_completed")
    amounts = pa.array(random.integers(500, 20_000, rows), mask=~bought)
    return pa.table(
        {
            "event_id": pa.array(np.char.add(f"e{seed}-", np.arange(rows).astype("U10"))),
            "customer_id": customer_ids(random.integers(0, customers, rows)),
            "occurred_at": start + np.sort(random.integers(0, span, rows)),
            "kind": pa.array(KINDS).take(pa.array(kinds)),
            "channel": pa.repeat("web", rows),
            "amount_minor": amounts,
            "currency": pa.array(np.where(bought, "USD", ""), mask=~bought),
            "campaign": pa.array(random.choice(["spring", "summer", "autumn"], rows)),
        }
    )


def canonical(rows: pa.Table) -> pa.Table:
    """The same as the importers hand it on: all columns of a touchpoint."""
    count = rows.num_rows
    columns = {name: rows.column(name) for name in rows.column_names}
    columns |= {"received_at": rows.column("occurred_at"), ROW: pa.array(np.arange(1, count + 1))}
    for field in CANONICAL:
        if field.name not in columns:
            nothing = pa.nulls(count, field.type) if field.nullable else pa.repeat(EMPTY[field.type], count)
            columns[field.name] = nothing
    return pa.table({field.name: columns[field.name] for field in CANONICAL})


def batches(rows: pa.Table, base_offset: int = 0, time: int = 0) -> Iterator[tuple[bytes, int]]:
    """(record batches with daily ticks, end offset), as an import writes them."""
    registry = FileRegistry()
    for batch in canonical(rows).combine_chunks().to_batches(max_chunksize=_AT_ONCE):
        keys, bodies, time = touchpoints_with_ticks(batch, registry, time)
        for data, first, last in record_batches(keys, bodies, base_offset, START):
            base_offset = last + 1
            yield data, first


def fetches(rows: pa.Table, base_offset: int = 0, time: int = 0, at_once: int = 8) -> list[Fetch]:
    """The same, as fetches of about 4 MiB."""
    written = list(batches(rows, base_offset, time))
    found = []
    for i in range(0, len(written), at_once):
        some = written[i : i + at_once]
        found.append(read_batches(b"".join(data for data, _ in some), some[0][1]))
    return found
