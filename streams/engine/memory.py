"""What a tenure of a partition remembers of its checkpoints: their numbers, their slots, and whose records it read."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from streams.engine.checkpoint import (
    ROLLING_SLOTS,
    ROLLING_SPAN,
    Header,
    Record,
    choose,
    complete_headers,
    decode_chunk,
    encode_chunk,
    key_of,
    split,
)
from streams.engine.growth import grow, reserve
from streams.engine.restoring import take_in
from streams.engine.results import Checkpoint, ForeignLog
from streams.engine.rows import USED_ROWS, Table, reschedule


class Standing(NamedTuple):
    """Where a partition stands in the log: its next offset, and the time, policy (text) and run of rejects there."""

    offset: int
    time: int
    policy: str
    bad_run: int


class Memory:
    """Writes the checkpoints of one tenure, and reads those of earlier ones."""

    def __init__(self, partition: int, owner: str, chunk_bytes: int, log: str = "") -> None:
        self._partition = partition
        self._owner = owner
        self._chunk_bytes = chunk_bytes
        self._log = log
        self._number = 0
        self._chunks: dict[int, int] = {}
        # Keys of other owners: deleted once SPAN + 1 checkpoints of our own hold all that they held.
        self._foreign: list[bytes] = []

    def checkpoint(self, table: Table, standing: Standing) -> Checkpoint:
        """The records of the next checkpoint; its rows count as written."""
        self._number += 1
        number, count = self._number, int(table.used[USED_ROWS])
        chosen = choose(table.written[:count], table.dirty[:count], number)
        chunks = list(split(chosen, table.rows.itemsize, table.rows.id_length[:count], self._chunk_bytes))
        slot = number % ROLLING_SLOTS
        records: list[Record] = []
        for i, rows in enumerate(chunks):
            header = self._header(i, len(chunks), count, standing)
            records.append((key_of(self._owner, slot, i), encode_chunk(header, table.rows, rows, table.ids)))
        surplus = range(len(chunks), self._chunks.get(slot, 0))
        records.extend((key_of(self._owner, slot, chunk), None) for chunk in surplus)
        self._chunks[slot] = len(chunks)
        if number == ROLLING_SPAN + 2:
            records += [(key, None) for key in self._foreign]
            self._foreign.clear()
        table.dirty[:count] = 0
        table.written[chosen] = number
        return Checkpoint(number, standing.offset, records, len(chosen))

    def _header(self, chunk: int, chunks: int, customers: int, standing: Standing) -> Header:
        policy = standing.policy if chunk == 0 else ""
        return Header(
            self._partition,
            self._owner,
            self._number,
            chunk,
            chunks,
            standing.offset,
            standing.time,
            policy,
            standing.bad_run,
            customers,
            self._log,
        )

    def restore(self, table: Table, records: Iterable[tuple[bytes, bytes]]) -> tuple[Table, Standing | None]:
        """The table with the newest row of each customer, and where the newest complete checkpoint stood.

        Raises ForeignLog where a record was made from another log.
        """
        headers = []
        for key, value in records:
            chunk = decode_chunk(value)
            if chunk.header.partition != self._partition:
                continue
            if chunk.header.owner == self._owner:
                raise ValueError(f"owner {self._owner!r} has written checkpoints before; a new tenure needs a new name")
            if self._log and chunk.header.log not in ("", self._log):
                raise ForeignLog(
                    f"partition {self._partition}: its customers were made from log {chunk.header.log}, and this is "
                    f"{self._log}: it is another log than the one that they were made from; start with an empty state"
                )
            headers.append(chunk.header)
            self._foreign.append(key)
            table = reserve(table, chunk.header.customers)
            row = 0
            while (row := take_in(table, chunk.rows.view(np.recarray), chunk.ids, row)) < len(chunk.rows):
                table = grow(table)
        reschedule(table)
        newest = complete_headers(headers)[-1:]
        return table, Standing(
            newest[0].offset, newest[0].time, newest[0].policy, newest[0].bad_run
        ) if newest else None
