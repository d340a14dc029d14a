"""Rows in order of time (then of the file), in memory when few and on disk when many; and re-read from anywhere.

Everything here holds rows as they were stored (``STORED``), with their count among identical rows (``RANKED``) on
top once that is known.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.canonical import RANK, RANKED

Instants = npt.NDArray[np.int64]
_SAMPLES: Final = 32
_MOST_PARTS: Final = 128


class Run(Protocol):
    """Rows in their final order, which can be read again and again, from any row on."""

    rows: int

    def batches(self, skip: int, size: int, *, last: bool = False) -> Iterator[Any]:
        """Rows behind the first ``skip``, up to ``size`` in a batch. ``last``: nobody reads them again."""


class MemoryRun:
    """A table in memory, in the order of ``order`` (row numbers) or as it is."""

    def __init__(self, table: Any, order: npt.NDArray[np.int64] | None) -> None:
        # One chunk per column: to take rows out of several chunks costs a search for each row. What is in order stays
        # as it came, or it would for a moment be there twice.
        self._table = table if order is None else table.combine_chunks()
        self._order = order
        self._gone = 0
        self.rows: int = table.num_rows

    def batches(self, skip: int, size: int, *, last: bool = False) -> Iterator[Any]:
        """Rows behind the first ``skip``, up to ``size`` in a batch. ``last``: those in order are forgotten."""
        for at in range(skip, self.rows, size):
            if self._order is None:
                here = self._table.slice(at - self._gone, size)
                if last:
                    # The chunks before it go.
                    self._table, self._gone = self._table.slice(at - self._gone), at
            else:
                here = self._table.take(pa.array(self._order[at : at + size]))
            yield from here.combine_chunks().to_batches()


class FileRun:
    """Batches in an Arrow file, in the order of the file; ``ranks`` int32[rows] when they are not in it."""

    def __init__(self, path: Path, ranks: npt.NDArray[np.int32] | None = None) -> None:
        self._path = path
        self._ranks = ranks
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            sizes = [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
        self._starts = np.cumsum([0, *sizes])
        self.rows = int(self._starts[-1])

    def batches(self, skip: int, size: int, *, last: bool = False) -> Iterator[Any]:  # noqa: ARG002
        """Rows behind the first ``skip``, up to ``size`` in a batch."""
        with pa.memory_map(str(self._path)) as file:
            reader = pa.ipc.open_file(file)
            first = int(np.searchsorted(self._starts, skip, side="right")) - 1
            for i in range(first, reader.num_record_batches):
                start = int(self._starts[i])
                batch = self._ranked(reader.get_batch(i), start)
                for at in range(max(skip - start, 0), batch.num_rows, size):
                    yield batch.slice(at, size)

    def _ranked(self, batch: Any, start: int) -> Any:
        if self._ranks is None:
            return batch
        ranks = pa.array(self._ranks[start : start + batch.num_rows])
        return pa.RecordBatch.from_arrays([*batch.columns, ranks], schema=RANKED)


class SortedRun:
    """Rows in an Arrow file, few enough to be sorted in memory whenever they are read."""

    def __init__(self, run: FileRun) -> None:
        self._run = run
        self.rows = run.rows

    def batches(self, skip: int, size: int, *, last: bool = False) -> Iterator[Any]:
        """Rows behind the first ``skip``, up to ``size`` in a batch."""
        table = pa.Table.from_batches(self._run.batches(0, self.rows), RANKED)
        yield from sorted_in_memory(table).batches(skip, size, last=last)


def sorted_in_memory(table: Any) -> MemoryRun:
    """The table's rows by occurred_at; rows of the same instant stay as they are."""
    return MemoryRun(table, np.argsort(table.column("occurred_at").to_numpy(), kind="stable"))


def sorted_on_disk(run: FileRun, most_rows: int, folder: Path) -> list[Run]:
    """The rows of ``run`` as runs that follow each other in time, none of which needs more than ``most_rows`` at once.

    Rows go to one file per range of time, ranges cut at quantiles of a sample; a range that got too many is cut again,
    unless it is a single instant, whose rows are in order already.
    """
    bounds = _bounds(run, most_rows)
    sorted_runs: list[Run] = []
    for path, first, last in _split(run, bounds, folder):
        part = FileRun(path)
        if first == last:
            sorted_runs.append(part)
        elif part.rows <= most_rows:
            sorted_runs.append(SortedRun(part))
        else:
            sorted_runs += sorted_on_disk(part, most_rows, folder)
            path.unlink()
    return sorted_runs


def _bounds(run: FileRun, most_rows: int) -> Instants:
    """Instants at which parts begin, the first part aside. Every part is smaller than the whole."""
    found: list[Instants] = []
    low, high = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for batch in run.batches(0, 65_536):
        times = np.sort(batch.column("occurred_at").to_numpy())
        low, high = min(low, int(times[0])), max(high, int(times[-1]))
        found.append(times[np.linspace(0, len(times) - 1, min(_SAMPLES, len(times))).astype(np.int64)])
    sample = np.sort(np.concatenate(found))
    parts = min(2 * run.rows // most_rows + 1, _MOST_PARTS)
    cuts, counts = np.unique(sample[np.arange(1, parts) * len(sample) // parts], return_counts=True)
    # An instant that is several quantiles at once has a part of its own, which then need not be sorted.
    bounds = np.unique(np.concatenate([cuts, cuts[counts > 1] + 1]))
    bounds = bounds[(bounds > low) & (bounds <= high)]
    return bounds if len(bounds) else np.array([high], np.int64)


def _split(run: FileRun, bounds: Sequence[int] | Instants, folder: Path) -> list[tuple[Path, int, int]]:
    """(file, first instant, last instant) of each part that got rows, in order of time."""
    # Not how many there are: parts that were cut again are gone, and a name would be given twice.
    taken = [int(path.name.split("-")[1]) for path in folder.glob("part-*")]
    stem = f"part-{max(taken, default=-1) + 1}"
    parts: dict[int, _Part] = {}
    try:
        for batch in run.batches(0, 65_536):
            times = batch.column("occurred_at").to_numpy()
            which = np.searchsorted(bounds, times, side="right")
            for number in np.unique(which).tolist():
                if number not in parts:
                    parts[number] = _Part(folder / f"{stem}-{number}.arrow")
                parts[number].add(batch.filter(pa.array(which == number)))
    finally:
        for part in parts.values():
            part.close()
    return [(parts[number].path, parts[number].first, parts[number].last) for number in sorted(parts)]


class _Part:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.first, self.last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        self._writer = pa.ipc.new_file(str(path), RANKED)

    def add(self, batch: Any) -> None:
        bounds = pc.min_max(batch.column("occurred_at"))
        self.first = min(self.first, bounds["min"].as_py())
        self.last = max(self.last, bounds["max"].as_py())
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


def with_ranks(table: Any, ranks: npt.NDArray[np.int32]) -> Any:
    """A stored table with its counts among identical rows."""
    return table.append_column(RANKED.field(RANK), pa.array(ranks))
