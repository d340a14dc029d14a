"""A checkpoint on its way into SQLite: rows in the order of their keys."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from schemas.bodies import Bodies
from streams.embedded.database import Blob
from streams.engine.checkpoint import Checkpoint


def in_order(checkpoint: Checkpoint) -> Iterator[tuple[Blob, Blob | None]]:
    """All records of a checkpoint, its rows by key; they are not copied.

    In that order each page of the table is looked for once. In the order in which customers changed, 300,000 new rows
    took more than twice the processor (measured).
    """
    yield from checkpoint.records
    yield checkpoint.header
    keys, values = _Slices(checkpoint.keys), _Slices(checkpoint.values)
    buffers = [None, pa.py_buffer(checkpoint.keys.offsets), pa.py_buffer(checkpoint.keys.buffer)]
    count = len(checkpoint.keys.offsets) - 1
    names = pa.LargeBinaryArray.from_buffers(pa.large_binary(), count, buffers)
    for number in pc.sort_indices(names).to_numpy().tolist():
        yield keys[number], values[number]


class _Slices:
    """Messages by number, as views of their buffer."""

    def __init__(self, bodies: Bodies) -> None:
        self._buffer = bodies.buffer.data
        self._offsets = bodies.offsets.tolist()

    def __getitem__(self, number: int) -> memoryview:
        return self._buffer[self._offsets[number] : self._offsets[number + 1]]
