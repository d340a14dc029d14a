"""Storing what the reports may refuse: a batch with a row that can't be stored is halved down to that row.

Pure of any shell: whoever has a sink asks for the ``next`` batch, inserts it, and says what came of it. A row that
is refused becomes a reject (``unstorable``) with its bytes; everything else is stored, and the process lives on.
What is wrong with the tables, and not with the rows, must not make rejects of all of them: before the first row is
given up, the same insert without any rows has to work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from streams.outputs.output import Batch, Rows
from streams.reports.errors import UnfitRows
from streams.reports.sink import Sink
from streams.reports.tables import REJECTS

UNSTORABLE: Final = "unstorable"
TABLE: Final = "rejects_raw"


@dataclass(frozen=True)
class Origin:
    """Where rows come from: the topic, the partition, and the instant (ms) that the partition had reached."""

    source: str
    partition: int
    at: int


class Storing:
    """What is to be stored still, and the rejects that came of it until now."""

    def __init__(self, batches: Sequence[Batch], origin: Origin) -> None:
        self._open: list[Batch] = [batch for batch in reversed(batches) if len(batch)]
        self._origin = origin
        self._sound: set[str] = set()
        self.rejects: list[pa.Table] = []

    def next(self) -> Batch | None:
        """The batch to insert now; None: all is stored, the rejects too. Without rows: does the table take any?"""
        return self._open[-1] if self._open else None

    def stored(self) -> None:
        """The next batch is stored."""
        batch = self._open.pop()
        if not len(batch):
            self._sound.add(batch.table)

    def refused(self, error: UnfitRows) -> None:
        """The next batch, which has rows, has one that can't be stored."""
        batch = self._open[-1]
        if batch.table not in self._sound:
            self._open.append(batch.part(0, 0))
            return
        self._open.pop()
        middle = len(batch) // 2
        if middle:
            self._open += [batch.part(middle, len(batch)), batch.part(0, middle)]
            return
        rejects = self._rejects_of(batch, error.told)
        if batch.table != TABLE:
            self.rejects.append(rejects)
        self._open.append(Rows(TABLE, rejects))

    def _rejects_of(self, batch: Batch, told: str) -> pa.Table:
        origin = self._origin
        standing = {
            "source": origin.source,
            "partition": origin.partition,
            "at": max(origin.at, 0),
            "records": 1,
        }
        why = {"reason": UNSTORABLE, "detail": f"{batch.table} could not be written: {told}"}
        return pa.Table.from_pylist([{**standing, **row, **why} for row in batch.refused()], REJECTS)


def store(sink: Sink, batches: Sequence[Batch], origin: Origin) -> list[pa.Table]:
    """Store all of them; the rejects that some became, which are stored too. Raises ReportsError."""
    storing = Storing(batches, origin)
    while (batch := storing.next()) is not None:
        try:
            batch.store(sink)
        except UnfitRows as error:
            if not len(batch):
                raise
            storing.refused(error)
        else:
            storing.stored()
    return storing.rejects
