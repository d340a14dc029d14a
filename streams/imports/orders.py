"""Rows of one customer with one order id: one touchpoint with lines, whatever the order of the rows.

Rows of the same instant and kind are lines: their amounts, costs, margins and discounts are added up. An order
completes once: a later row of a kind in ``COMPLETING`` with the amount that the order has, or with articles of it, is
the confirmation page that fired again; one with other articles, or with less, is a further line; one with more says
that the order has grown, and becomes ``order_updated``, while the purchase gets the new amount. A later negative amount
takes back, and stays what it is.

What is done here does not depend on a policy, so that an import can be resumed under another one.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fields import FIELDS, FieldType, of_type
from streams.imports.canonical import HIGH, LOW, NO_ENTRIES, STORED
from streams.imports.content_ids import Words, folded
from streams.imports.joining import joined_lines, joined_properties, lines_in_total, skus_of

COMPLETING: Final = ("order_completed", "gift_ordered")
_OF_SALES: Final = (*COMPLETING, "order_refunded", "order_cancelled", "return_requested")
UPDATED: Final = "order_updated"
_ADDED: Final = of_type(FIELDS, FieldType.MONEY)
_KEY: Final = ("customer_id", "anonymous_id", "order_id", "kind")
_TOLERANCE: Final = 1
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)

Rows = npt.NDArray[np.int64]


@dataclass
class Grouping:
    """How many rows of a file were further lines of an order, told it once more, or said that it has grown.

    ``listed``: each row has all the lines of its order, so that rows of one instant are told twice, not lines.
    ``alike``: every row of an order has the same amount, and they were added up all the same.
    ``totals``: they were not, because the lines say that it is that of the whole order.
    """

    lines: int = 0
    again: int = 0
    updates: int = 0
    listed: bool = False
    alike: bool = False
    totals: bool = False


def grouped(table: Any, grouping: Grouping, told: str | None = None) -> Any:
    """A table (``STORED``, in the order of the file) with one row for each order; what was done goes to ``grouping``.

    ``told``: whether the amounts of several rows are those of ``lines`` or each the ``total``; None: found out.
    """
    rows, group = candidates(table)
    if not len(rows):
        return table
    return _united(table, rows, group, grouping, told)


def candidates(table: Any) -> tuple[Rows, Rows]:
    """(rows of orders that have several, sorted by order, instant and place; the number of each one's order)."""
    rows = _of_orders(table)
    if not len(rows):
        return rows, rows
    high, low = keys_of(table, rows)
    ordered = np.sort(high)
    if not np.any(ordered[1:] == ordered[:-1]):
        return rows[:0], rows[:0]
    at = table.column("occurred_at").to_numpy()[rows]
    order = np.lexsort((rows, at, low, high))
    rows, high, low = rows[order], high[order], low[order]
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    group = np.cumsum(begins) - 1
    several = np.bincount(group)[group] > 1
    rows, group = rows[several], group[several]
    return rows, np.unique(group, return_inverse=True)[1].astype(np.int64)


def _of_orders(table: Any) -> Rows:
    orders = table.column("order_id")
    if orders.null_count == table.num_rows:
        return np.zeros(0, np.int64)
    sale = pc.is_in(table.column("kind"), pa.array(_OF_SALES))
    told = pc.or_(
        sale, pc.or_(pc.is_valid(table.column("amount_minor")), pc.not_equal(table.column("lines"), NO_ENTRIES))
    )
    mask = pc.and_(pc.is_valid(orders), told).to_numpy()
    return np.flatnonzero(mask)


def keys_of(table: Any, rows: Rows) -> tuple[Words, Words]:
    """The 128-bit hash (high words, low words) of customer, order and kind of these rows."""
    part = table.select((*_KEY, "is_account")).take(pa.array(rows)).combine_chunks()
    told = [part.column(name).combine_chunks() for name in _KEY]
    account = part.column("is_account").combine_chunks().fill_null(False)
    if pc.any(account).as_py():
        # No id has a zero byte first in both.
        told[0] = pc.if_else(account, pc.binary_join_element_wise("\0", told[0], ""), told[0])
    return folded(told)


def keys_in(batch: Any) -> tuple[Rows, Words]:
    """(rows of a batch that tell of an order, the hash of each one's customer, order and kind)."""
    table = pa.Table.from_batches([batch])
    rows = _of_orders(table)
    return rows, keys_of(table, rows)[0] if len(rows) else np.zeros(0, np.uint64)


def _united(table: Any, rows: Rows, group: Rows, grouping: Grouping, told: str | None) -> Any:
    chosen = table.take(pa.array(rows)).combine_chunks()
    keep = _first_of_each_id(chosen, group)
    keep &= ~_of_several_currencies(chosen, group)
    # Where one row is left, or none, there is nothing to unite: the rows stay as they are.
    keep &= np.bincount(group[keep], minlength=int(group.max()) + 1)[group] > 1
    if not keep.any():
        return table
    same_group = np.bincount(group[keep], minlength=int(group.max()) + 1)[group] > 0
    dropped = same_group & ~keep
    grouping.again += int(np.count_nonzero(dropped))
    chosen, picked = chosen.filter(pa.array(keep)), rows[keep]
    group = np.unique(group[keep], return_inverse=True)[1].astype(np.int64)
    whole, where = _Orders(chosen, picked, group, grouping, told).united()
    gone = np.zeros(table.num_rows, np.bool_)
    gone[rows[same_group]] = True
    rest = np.flatnonzero(~gone)
    both = pa.concat_tables([table.take(pa.array(rest)), whole])
    order = np.argsort(np.concatenate([rest, where]), kind="stable")
    return both.take(pa.array(order))


def _first_of_each_id(chosen: Any, group: Rows) -> npt.NDArray[np.bool_]:
    """Of the rows that bring the same event id, the first of the file; rows without an id are events each."""
    ids = chosen.column("event_id").combine_chunks()
    keep = np.ones(len(group), np.bool_)
    if ids.null_count == len(ids):
        return keep
    coded = ids.dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    place = chosen.column("row").to_numpy()
    order = np.lexsort((place, code, group))
    again = np.zeros(len(group), np.bool_)
    again[1:] = (code[order][1:] == code[order][:-1]) & (group[order][1:] == group[order][:-1]) & (code[order][1:] >= 0)
    keep[order[again]] = False
    return keep


def _of_several_currencies(chosen: Any, group: Rows) -> npt.NDArray[np.bool_]:
    coded = chosen.column("currency").combine_chunks().dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    groups = int(group.max()) + 1
    least, most = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1)
    some = code >= 0
    np.minimum.at(least, group[some], code[some])
    np.maximum.at(most, group[some], code[some])
    several: npt.NDArray[np.bool_] = (most > least)[group]
    return several


class _Orders:
    """Rows (``STORED``) sorted by order, instant and place, of orders that have several; ``rows``: their places."""

    def __init__(self, chosen: Any, rows: Rows, group: Rows, grouping: Grouping, told: str | None) -> None:
        self._chosen = chosen
        self._grouping = grouping
        at = chosen.column("occurred_at").to_numpy()
        begins = np.ones(len(rows), np.bool_)
        if not grouping.listed:
            begins[1:] = (group[1:] != group[:-1]) | (at[1:] != at[:-1])
        self._starts = np.flatnonzero(begins)
        self._stops = np.append(self._starts[1:], len(rows))
        self._group = group[self._starts]
        self._lines = chosen.column("lines").to_pylist()
        self._properties = chosen.column("properties").to_pylist()
        amounts = chosen.column("amount_minor").combine_chunks()
        self._amount = amounts.fill_null(0).to_numpy(zero_copy_only=False)
        self._valued = amounts.is_valid().to_numpy(zero_copy_only=False)
        self._total = self._is_total() if told is None else told == "total"
        # Where an order stands in the file: at its first row.
        self._where = np.minimum.reduceat(rows, self._starts)

    def _is_total(self) -> bool:
        """Whether the rows of every order have one amount, and the lines say that it is that of the whole order."""
        several = np.add.reduceat(self._valued.astype(np.int64), self._starts) > 1
        if not several.any():
            return False
        most = np.maximum.reduceat(np.where(self._valued, self._amount, -(2**62)), self._starts)
        least = np.minimum.reduceat(np.where(self._valued, self._amount, 2**62), self._starts)
        if np.any(most[several] != least[several]):
            return False
        fits = [
            abs(total - int(most[i])) <= _TOLERANCE * (self._stops[i] - self._starts[i])
            for i in np.flatnonzero(several)
            if (total := lines_in_total(self._lines[self._starts[i] : self._stops[i]])) is not None
        ]
        if fits and 2 * sum(fits) > len(fits):
            self._grouping.totals = True
            return True
        self._grouping.alike = True
        return False

    def united(self) -> tuple[Any, Rows]:
        """(a table with a row for each order and what became of it, the places of these)."""
        columns: dict[str, Any] = {name: self._first(name) for name in STORED.names}
        for name in _ADDED:
            columns[name] = self._sums(name)
        for name in (HIGH, LOW):
            words = self._chosen.column(name).to_numpy()
            with np.errstate(over="ignore"):
                mixed = np.add.reduceat(words, self._starts) * _ODD + (self._stops - self._starts).astype(np.uint64)
            alone = self._stops - self._starts == 1
            columns[name] = pa.array(np.where(alone, words[self._starts], mixed))
        bounds = list(zip(self._starts.tolist(), self._stops.tolist(), strict=True))
        columns["lines"] = pa.array([joined_lines(self._lines[a:b]) for a, b in bounds], pa.binary())
        told = [joined_properties(self._properties[a:b], once=self._total) for a, b in bounds]
        columns["properties"] = pa.array(told, pa.binary())
        self._grouping.lines += int((self._stops - self._starts).sum() - len(bounds))
        table = pa.table([columns[name].cast(STORED.field(name).type) for name in STORED.names], schema=STORED)
        return self._completed(table)

    def _first(self, name: str) -> Any:
        """The first value of each order's rows that is one."""
        column = self._chosen.column(name).combine_chunks()
        if column.null_count == 0:
            return column.take(pa.array(self._starts))
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        places = np.where(valid, np.arange(len(column)), len(column))
        first = np.minimum.reduceat(places, self._starts)
        return column.take(pa.array(first, mask=first == len(column)))

    def _sums(self, name: str) -> Any:
        column = self._chosen.column(name).combine_chunks()
        values = column.fill_null(0).to_numpy(zero_copy_only=False)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        none = ~np.logical_or.reduceat(valid, self._starts)
        if self._total and name == "amount_minor":
            return self._first(name)
        return pa.array(np.add.reduceat(values, self._starts), mask=none)

    def _completed(self, table: Any) -> tuple[Any, Rows]:
        """One purchase of each order that completes, whatever is told of it later."""
        counts = np.bincount(self._group)
        kinds = table.column("kind")
        told = np.flatnonzero(counts[self._group] > 1).tolist()
        several: list[int] = [i for i in told if kinds[i].as_py() in COMPLETING]
        if not several:
            return table, self._where
        rows = {i: table.slice(i, 1).to_pylist()[0] for i in several}
        drop: set[int] = set()
        head = -1
        for i in several:
            if head < 0 or self._group[i] != self._group[head]:
                head = i
                continue
            if rows[i]["occurred_at"] != rows[head]["occurred_at"]:
                self._told_later(rows[head], rows[i], drop, i)
        kept = [i for i in range(table.num_rows) if i not in drop]
        changed = pa.Table.from_pylist([rows[i] for i in several], STORED)
        place = {i: table.num_rows + k for k, i in enumerate(several)}
        both = pa.concat_tables([table, changed])
        return both.take(pa.array([place.get(i, i) for i in kept], pa.int64())), self._where[kept]

    def _told_later(self, first: dict[str, Any], later: dict[str, Any], drop: set[int], i: int) -> None:
        before, now = first["amount_minor"], later["amount_minor"]
        known, told = skus_of(first["lines"]), skus_of(later["lines"])
        if now is not None and now < 0:
            # What takes back is an event of its own, also where it has the order's number.
            return
        if told and not told & known and known:
            _add_line(first, later)
            self._grouping.lines += 1
            drop.add(i)
        elif now is None or before is None or now == before:
            first["amount_minor"] = now if before is None else before
            self._grouping.again += 1
            drop.add(i)
        elif now > before:
            first["amount_minor"], first["lines"] = now, later["lines"] if told else first["lines"]
            later["kind"], later["amount_minor"], later["lines"] = UPDATED, None, NO_ENTRIES
            self._grouping.updates += 1
        else:
            _add_line(first, later)
            self._grouping.lines += 1
            drop.add(i)


def _add_line(first: dict[str, Any], later: dict[str, Any]) -> None:
    for name in _ADDED:
        if later[name] is not None:
            first[name] = later[name] + (first[name] or 0)
    first["lines"] = joined_lines([first["lines"], later["lines"]])
