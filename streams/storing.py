"""Storing what the reports may refuse: a batch with a row that can't be stored is halved down to that row.

Pure of any shell: whoever has a sink asks for the ``next`` batch, inserts it, and says what came of it. A row that
is refused becomes a reject (``unstorable``) with its bytes; everything else is stored, and the process lives on.
What is wrong with the tables, and not with the rows, must not make rejects of all of them: before the first row is
given up, the same insert without any rows has to work.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import pyarrow as pa

from streams.reports.errors import UnfitRows
from streams.reports.format import objects
from streams.reports.sink import Sink
from streams.reports.tables import REJECTS

UNSTORABLE: Final = "unstorable"
_REJECTS: Final = "rejects_raw"


class Batch(Protocol):
    """Rows of one table."""

    @property
    def name(self) -> str:
        """The table."""

    def __len__(self) -> int: ...

    def part(self, first: int, last: int) -> Self:
        """The rows from ``first`` to before ``last``."""

    def insert(self, sink: Sink) -> None:
        """Store them. Raises ReportsError."""

    def refused(self, reason: str, detail: str, partition: int, at: int, source: str) -> pa.Table:
        """The rejects that they become."""


@dataclass(frozen=True)
class Rows:
    """Rows of any table but that of the touchpoints."""

    name: str
    rows: pa.Table

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def part(self, first: int, last: int) -> Self:
        """The rows from ``first`` to before ``last``."""
        return type(self)(self.name, self.rows.slice(first, last - first))

    def insert(self, sink: Sink) -> None:
        """Store them. Raises ReportsError."""
        sink.insert(self.name, self.rows)

    def refused(self, reason: str, detail: str, partition: int, at: int, source: str) -> pa.Table:
        """The rejects that they become: each row as JSON; what was a reject itself, without its bytes."""
        if self.name == _REJECTS:
            changed = {"reason": reason, "detail": detail, "payload": b""}
            return pa.Table.from_pylist([{**row, **changed} for row in self.rows.to_pylist()], REJECTS)
        told = [
            {
                "reason": reason,
                "detail": detail,
                "source": source,
                "position": row.get("offset", 0),
                "partition": row.get("partition", partition),
                "at": at,
                "payload": json.dumps(row, ensure_ascii=False, default=str).encode(),
            }
            for row in objects(self.rows)
        ]
        return pa.Table.from_pylist(told, REJECTS)


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
            self._sound.add(batch.name)

    def refused(self, error: UnfitRows) -> None:
        """The next batch, which has rows, has one that can't be stored."""
        batch = self._open[-1]
        if batch.name not in self._sound:
            self._open.append(batch.part(0, 0))
            return
        self._open.pop()
        middle = len(batch) // 2
        if middle:
            self._open += [batch.part(middle, len(batch)), batch.part(0, middle)]
            return
        detail = f"{batch.name} could not be written: {error.told}"
        origin = self._origin
        rows = batch.refused(UNSTORABLE, detail, origin.partition, max(origin.at, 0), origin.source)
        rows = rows.set_column(rows.schema.get_field_index("at"), "at", _instants(rows)).cast(REJECTS)
        if batch.name != _REJECTS:
            self.rejects.append(rows)
        self._open.append(Rows(_REJECTS, rows))


def _instants(rows: pa.Table) -> pa.Array:
    column = rows.column("at").combine_chunks()
    return column.cast(REJECTS.field("at").type) if pa.types.is_integer(column.type) else column


def store(sink: Sink, batches: Sequence[Batch], origin: Origin) -> list[pa.Table]:
    """Store all of them; the rejects that some became, which are stored too. Raises ReportsError."""
    storing = Storing(batches, origin)
    while (batch := storing.next()) is not None:
        try:
            batch.insert(sink)
        except UnfitRows as error:
            if not len(batch):
                raise
            storing.refused(error)
        else:
            storing.stored()
    return storing.rejects
