"""A purchase log as purchase days: one row per customer and day (UTC), with what was spent on it.

What counts is said here for every model. A row of a purchase kind is a purchase unless its amount is negative: then it
is a return, which makes no purchase day, but is taken off what was spent on the same day. Zero amounts and rows
without an amount are purchases, as in the published fits on CDNOW; their days have no spend.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.policy.policy import MS_PER_UNIT, exponent

DAY_MS: Final = MS_PER_UNIT["day"]
NO_SEGMENT: Final = "(none)"
# Above this many collected (customer, day) pairs they are made distinct again, so that memory follows the purchase
# days, not the lines of the log.
_COMPACT_ROWS: Final = 4_000_000
_KEYS: Final = ["customer", "day"]


class NoPurchasesError(Exception):
    """The log holds nothing to fit on; the message says what was looked for and what was found."""


@dataclass(frozen=True)
class Money:
    """The currency that amounts are converted to, and the price of one unit of others in it."""

    currency: str = "USD"
    rates: Mapping[str, float] = field(default_factory=dict)

    def factor(self, currency: str | None) -> float:
        """Major units of ``self.currency`` for a minor unit of ``currency`` (None: its own); nan without a rate."""
        rate = 1.0 if currency in (None, self.currency) else self.rates.get(currency or "", np.nan)
        return float(rate) * 10.0 ** -exponent(currency or self.currency)


@dataclass(frozen=True)
class PurchaseDays:
    """One entry per customer and day, sorted by both.

    ``customer``: 0, 1, … without gaps. ``day``: days since 1970. ``spent``: in major units, nan where no row of the day
    had an amount that is usable. ``segment``: of each customer, that of the first purchase day. ``log_end``: the last
    day of the log, whatever happened on it. ``returns``: rows with a negative amount. ``unpriced``: currencies
    without a rate.
    """

    customer: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    spent: npt.NDArray[np.float64]
    segment: tuple[str, ...]
    log_end: int
    returns: int = 0
    unpriced: tuple[str, ...] = ()

    @property
    def customers(self) -> int:
        """How many have bought."""
        return int(self.customer[-1]) + 1 if len(self.customer) else 0

    def only(self, mask: npt.NDArray[np.bool_]) -> "PurchaseDays":
        """The entries where ``mask`` (one per entry) is true; customers are numbered anew."""
        kept, customer = np.unique(self.customer[mask], return_inverse=True)
        segment = tuple(self.segment[i] for i in kept) if self.segment else ()
        return PurchaseDays(
            customer.astype(np.int64), self.day[mask], self.spent[mask], segment, self.log_end, self.returns,
            self.unpriced,
        )  # fmt: skip


@dataclass
class _Seen:
    """What the log holds, for messages and for the end of the observation."""

    rows: int = 0
    last_ms: int = -(2**63)
    returns: int = 0


def _column(batch: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    found = batch.schema.get_field_index(name)
    return pa.nulls(batch.num_rows, kind) if found < 0 else batch.column(found)


def _spent(batch: pa.RecordBatch, money: Money, unpriced: set[str]) -> pa.Array:
    """Amounts in major units; null where there is none or no rate."""
    coded = _column(batch, "currency", pa.string()).dictionary_encode()
    names = coded.dictionary.to_pylist()
    factors = [money.factor(name) for name in names]
    unpriced.update(name for name, factor in zip(names, factors, strict=True) if np.isnan(factor))
    own = pc.take(pa.array(factors, pa.float64()), coded.indices).fill_null(money.factor(None))
    amounts = _column(batch, "amount_minor", pa.int64()).cast(pa.float64())
    return pc.multiply(amounts, pc.if_else(pc.is_nan(own), pa.scalar(None, pa.float64()), own))


def _summed(tables: list[pa.Table]) -> pa.Table:
    sums = [("spent", "sum"), ("bought", "sum"), ("segment", "min")]
    grouped = pa.concat_tables(tables).group_by(_KEYS, use_threads=False).aggregate(sums)
    return grouped.rename_columns([*_KEYS, "spent", "bought", "segment"]).select([*_KEYS, "spent", "bought", "segment"])


def _purchase_days(
    batch: pa.RecordBatch, kinds: pa.Array, money: Money, segment: str | None, seen: _Seen, unpriced: set[str]
) -> pa.Table:
    rows = batch.filter(pc.is_in(batch.column("kind"), value_set=kinds))
    returned = pc.less(_column(rows, "amount_minor", pa.int64()), 0).fill_null(False)
    seen.returns += pc.sum(returned).as_py() or 0
    # As the reports' question tells them apart: the same text in two namespaces is two customers.
    visitor = pc.binary_join_element_wise("anonymous", _column(rows, "anonymous_id", pa.string()), "\0")
    customer = pc.coalesce(rows.column("customer_id"), visitor)
    day = rows.column("occurred_at").to_numpy(zero_copy_only=False) // DAY_MS
    wanted = segment if segment in ("channel", "campaign") else ""
    columns = {
        "customer": customer,
        "day": pa.array(day, pa.int64()),
        "spent": _spent(rows, money, unpriced),
        "bought": pc.invert(returned).cast(pa.uint64()),
        "segment": _column(rows, wanted, pa.string()).cast(pa.string()),
    }
    return _summed([pa.table(columns)])


def _arranged(days: pa.Table, segment: str | None, seen: _Seen, money: Money, unpriced: set[str]) -> PurchaseDays:
    bought = days.filter(pc.greater(days.column("bought"), 0)).combine_chunks()
    code = bought.column("customer").combine_chunks().dictionary_encode().indices.to_numpy()
    day = bought.column("day").to_numpy()
    order = np.lexsort((day, code))
    code, day = code[order].astype(np.int64), day[order]
    labels: tuple[str, ...] = ()
    if segment is not None:
        first = np.unique(code, return_index=True)[1]
        if segment == "first_month":
            labels = tuple(np.datetime_as_string(day[first].astype("datetime64[D]"), unit="M").tolist())
        else:
            named = bought.column("segment").take(pa.array(order[first])).fill_null(NO_SEGMENT)
            labels = tuple(named.to_pylist())
    # To the minor unit: an order and its return on the same day leave nothing, and not 10⁻¹⁵.
    spent = np.round(bought.column("spent").to_numpy()[order].astype(np.float64), exponent(money.currency))
    log_end = int(seen.last_ms // DAY_MS)
    return PurchaseDays(code, day, spent, labels, log_end, seen.returns, tuple(sorted(unpriced)))


def purchase_days(
    batches: Iterable[pa.RecordBatch],
    kinds: Collection[str],
    money: Money | None = None,
    segment: str | None = None,
) -> PurchaseDays:
    """Collect canonical record batches; ``segment`` is channel, campaign or first_month.

    Raises ``NoPurchasesError`` when no row is a purchase of one of ``kinds``.
    """
    wanted = pa.array(sorted(kinds), pa.string())
    seen, unpriced = _Seen(), set[str]()
    money = money or Money()
    tables: list[pa.Table] = []
    collected = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        seen.rows += batch.num_rows
        seen.last_ms = max(seen.last_ms, pc.max(batch.column("occurred_at")).as_py())
        tables.append(_purchase_days(batch, wanted, money, segment, seen, unpriced))
        collected += tables[-1].num_rows
        if collected > _COMPACT_ROWS:
            tables = [_summed(tables)]
            collected = tables[0].num_rows // 2
    if not tables:
        raise NoPurchasesError("the log holds no rows; expected purchases, one a row")
    found = _arranged(_summed(tables), segment, seen, money, unpriced)
    if not found.customers:
        looked_for = ", ".join(sorted(kinds))
        what = f"; {seen.returns:,} with a negative amount are returns" if seen.returns else ""
        raise NoPurchasesError(f"none of the {seen.rows:,} rows is a purchase: looked for the kind {looked_for}{what}")
    return found
