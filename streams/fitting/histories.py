"""A purchase log, summarised to what the churn models need of each customer: x, t_x and T.

The convention is that of the published fits on CDNOW: purchases of one customer on one day (UTC) are one purchase, all
amounts count, zero included, and time is counted in whole days from the first purchase day to the end day, then divided
by the unit.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.policy import MS_PER_UNIT

DAY_MS: Final = MS_PER_UNIT["day"]
# Above this many collected (customer, day) pairs they are made distinct again, so that memory follows the purchase
# days, not the lines of the log.
_COMPACT_ROWS: Final = 4_000_000


class NoPurchasesError(Exception):
    """The log holds nothing to fit on; the message says what was looked for and what was found."""


@dataclass(frozen=True)
class Histories:
    """One entry per customer, in no particular order; times in units, ``end`` and ``log_end`` in days since 1970."""

    x: npt.NDArray[np.int64]
    t_x: npt.NDArray[np.float64]
    age: npt.NDArray[np.float64]
    end: int
    log_end: int

    @property
    def customers(self) -> int:
        """How many customers have bought by the end."""
        return len(self.x)


@dataclass
class _Seen:
    """What the log holds, for messages and for the end of the observation."""

    rows: int = 0
    last_ms: int = -(2**63)


def _distinct(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).group_by(["customer", "day"], use_threads=False).aggregate([])


def _purchase_days(batch: pa.RecordBatch, kinds: pa.Array) -> pa.Table:
    bought = batch.filter(pc.is_in(batch.column("kind"), value_set=kinds))
    customer = pc.coalesce(bought.column("customer_id"), bought.column("anonymous_id"))
    day = bought.column("occurred_at").to_numpy(zero_copy_only=False) // DAY_MS
    return _distinct([pa.table({"customer": customer, "day": pa.array(day, pa.int64())})])


def _collect(batches: Iterable[pa.RecordBatch], kinds: Collection[str]) -> tuple[pa.Table | None, _Seen]:
    wanted = pa.array(sorted(kinds), pa.string())
    seen = _Seen()
    tables: list[pa.Table] = []
    collected = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        seen.rows += batch.num_rows
        seen.last_ms = max(seen.last_ms, pc.max(batch.column("occurred_at")).as_py())
        tables.append(_purchase_days(batch, wanted))
        collected += tables[-1].num_rows
        if collected > _COMPACT_ROWS:
            tables = [_distinct(tables)]
            collected = tables[0].num_rows // 2
    return (_distinct(tables) if tables else None), seen


def _summarise(days: pa.Table, end: int, log_end: int, unit: str) -> Histories:
    grouped = days.group_by("customer", use_threads=False).aggregate([("day", "count"), ("day", "min"), ("day", "max")])

    def column(name: str) -> Any:
        return grouped.column(name).to_numpy()

    first = column("day_min")
    length = MS_PER_UNIT[unit] // DAY_MS
    return Histories(
        x=column("day_count").astype(np.int64) - 1,
        t_x=(column("day_max") - first) / length,
        age=(end - first) / length,
        end=end,
        log_end=log_end,
    )


def histories(
    batches: Iterable[pa.RecordBatch], kinds: Collection[str], unit: str, until: int | None = None
) -> Histories:
    """Summarise canonical record batches; ``until`` is the last day counted (days since 1970), by default the log's.

    Raises ``NoPurchasesError`` when no row of one of ``kinds`` lies on or before that day.
    """
    days, seen = _collect(batches, kinds)
    looked_for = ", ".join(sorted(kinds))
    if days is None:
        raise NoPurchasesError("the log holds no rows; expected purchases, one a row")
    if not days.num_rows:
        raise NoPurchasesError(f"none of the {seen.rows:,} rows is a purchase: looked for the kind {looked_for}")
    log_end = seen.last_ms // DAY_MS
    end = log_end if until is None else until
    counted = days.filter(pc.less_equal(days.column("day"), end))
    if not counted.num_rows:
        first = np.datetime64(pc.min(days.column("day")).as_py(), "D")
        raise NoPurchasesError(f"no purchase on or before {np.datetime64(end, 'D')}; the first one is on {first}")
    return _summarise(counted, end, log_end, unit)
