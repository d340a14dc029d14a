"""Rows as they come out of the file: kept in memory while they are few, in an Arrow file once they are many."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.canonical import HIGH, LOW, STORED
from streams.imports.content_ids import ranks_of
from streams.imports.order import FileRun, MemoryRun, Run, sorted_in_memory, sorted_on_disk, with_ranks
from streams.imports.orders import Grouping, grouped, keys_in

_MOST_BYTES: Final = 1 << 30


class Arrivals:
    """Collects stored batches, and puts them in order.

    No more than ``memory_rows`` rows, nor a gibibyte, are in memory at once; ``folder`` takes the rest.
    """

    def __init__(self, memory_rows: int, folder: Path, order_amount: str | None = None) -> None:
        self._memory_rows = memory_rows
        self._folder = folder
        self._order_amount = order_amount
        self.grouping = Grouping()
        self._kept: list[Any] = []
        self._kept_bytes = 0
        self._bytes = 0
        self._writer: Any = None
        self._path = folder / "arrived.arrow"
        self.rows = 0
        self.in_order = True
        self.first = np.iinfo(np.int64).max
        self.last = np.iinfo(np.int64).min

    def add(self, batch: Any) -> None:
        """Take a batch (``STORED``), the next of the file."""
        if batch.num_rows == 0:
            return
        times = batch.column("occurred_at").to_numpy()
        self.in_order = self.in_order and times[0] >= self.last and bool(np.all(times[1:] >= times[:-1]))
        self.first, self.last = min(self.first, int(times.min())), max(self.last, int(times.max()))
        self.rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._writer is not None:
            self._writer.write_batch(batch)
            return
        self._kept.append(batch)
        self._kept_bytes += batch.nbytes
        if self.rows > self._memory_rows or self._kept_bytes > _MOST_BYTES:
            self._spill()

    def _spill(self) -> None:
        self._writer = pa.ipc.new_file(str(self._path), STORED)
        for batch in self._kept:
            self._writer.write_batch(batch)
        self._kept = []

    def close(self) -> None:
        """End the file, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def runs(self, *, as_arrived: bool) -> list[Run]:
        """All rows, ranked, in order of time, or of the file when ``as_arrived`` (or when that is the same)."""
        self.close()
        if self._writer is None:
            table = grouped(pa.Table.from_batches(self._kept, STORED), self.grouping, self._order_amount)
            self._kept = []
            self._see(table)
            keep = as_arrived or self.in_order
            ranked = with_ranks(table, _ranks(table))
            return [MemoryRun(ranked, None) if keep else sorted_in_memory(ranked)]
        self._group_on_disk()
        run = FileRun(self._path, self._ranks_on_disk())
        if as_arrived or self.in_order:
            return [run]
        rows_in_budget = int(self.rows * (_MOST_BYTES / max(self._bytes, 1)))
        runs = sorted_on_disk(run, max(1, min(self._memory_rows, rows_in_budget)), self._folder)
        self._path.unlink()
        return runs

    def _see(self, table: Any) -> None:
        """What is known of the rows, once those of one order are one."""
        if table.num_rows == self.rows:
            return
        times = table.column("occurred_at").to_numpy()
        self.rows = table.num_rows
        self.in_order = bool(np.all(times[1:] >= times[:-1]))
        self.last = int(times.max()) if len(times) else self.last

    def _group_on_disk(self) -> None:
        """Rows of one order as one, by passes over the file that look at one share of the orders each.

        What was united comes after what stands alone: its place in the file is gone, where that is the order asked for.
        """
        shares = np.uint64(1 << max(1, (2 * self.rows // self._memory_rows).bit_length()))
        several, hashes = self._several(shares)
        if not several.any():
            return
        target = self._folder / "grouped.arrow"
        self.rows = 0
        last, self.in_order = np.iinfo(np.int64).min, True
        with pa.ipc.new_file(str(target), STORED) as writer:
            for batch in self._grouped(several, hashes, shares):
                times = batch.column("occurred_at").to_numpy()
                if len(times):
                    self.in_order = self.in_order and times[0] >= last and bool(np.all(times[1:] >= times[:-1]))
                    last = int(times[-1])
                    self.rows += batch.num_rows
                    writer.write_batch(batch)
        self._path.unlink()
        self._path = target

    def _several(self, shares: np.uint64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
        """(which rows belong to an order that has several, the hash of each row's order)."""
        hashes = np.memmap(self._folder / "orders", np.uint64, "w+", shape=(self.rows,))
        told = np.zeros(self.rows, np.bool_)
        for start, batch in self._stored():
            rows, words = keys_in(batch)
            hashes[rows + start], told[rows + start] = words, True
        several = np.zeros(self.rows, np.bool_)
        for share in range(int(shares)):
            rows = np.flatnonzero(told & (hashes % shares == share))
            order = rows[np.argsort(hashes[rows], kind="stable")]
            alike = hashes[order][1:] == hashes[order][:-1]
            several[order[1:][alike]] = several[order[:-1][alike]] = True
        return several, hashes

    def _grouped(
        self, several: npt.NDArray[np.bool_], hashes: npt.NDArray[np.uint64], shares: np.uint64
    ) -> Iterator[Any]:
        for start, batch in self._stored():
            yield batch.filter(pa.array(~several[start : start + batch.num_rows]))
        for share in range(int(shares)):
            chosen = several & (hashes % shares == share)
            parts = [
                batch.filter(pa.array(chosen[start : start + batch.num_rows]))
                for start, batch in self._stored()
                if chosen[start : start + batch.num_rows].any()
            ]
            if parts:
                yield from grouped(pa.Table.from_batches(parts, STORED), self.grouping, self._order_amount).to_batches()

    def _ranks_on_disk(self) -> npt.NDArray[np.int32]:
        """Ranks of all rows, by passes over the file that look at one share of the hashes each."""
        ranks = np.memmap(self._folder / "ranks", np.int32, "w+", shape=(self.rows,))
        passes = np.uint64(1 << max(0, (self.rows // self._memory_rows).bit_length()))
        for share in range(int(passes)):
            found = [_share(batch, start, passes, share) for start, batch in self._stored()]
            high, low, rows = (np.concatenate(columns) for columns in zip(*found, strict=True))
            shared = ranks_of(high, low)
            repeated = shared > 0
            ranks[rows[repeated]] = shared[repeated]
        return ranks

    def _stored(self) -> Iterator[tuple[int, Any]]:
        start = 0
        with pa.memory_map(str(self._path)) as file:
            reader = pa.ipc.open_file(file)
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                yield start, batch
                start += batch.num_rows


def _without_id(table: Any) -> npt.NDArray[np.int64]:
    """Rows whose id is made from their content; a row that brought its own is nobody's double."""
    made = pc.is_null(table.column("event_id"))
    return np.flatnonzero(made.to_numpy(zero_copy_only=False) if isinstance(made, pa.Array) else made.to_numpy())


def _ranks(table: Any) -> npt.NDArray[np.int32]:
    ranks = np.zeros(table.num_rows, np.int32)
    rows = _without_id(table)
    ranks[rows] = ranks_of(table.column(HIGH).to_numpy()[rows], table.column(LOW).to_numpy()[rows])
    return ranks


def _share(batch: Any, start: int, passes: np.uint64, share: int) -> tuple[Any, Any, Any]:
    high, low = batch.column(HIGH).to_numpy(), batch.column(LOW).to_numpy()
    rows = _without_id(batch)
    rows = rows[high[rows] % passes == share]
    return high[rows], low[rows], rows + start
