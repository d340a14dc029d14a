"""A checkpoint on its way into SQLite: rows in the order of their keys."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.bodies import Bodies
from streams.embedded.database import Blob
from streams.engine.checkpoint import Checkpoint

_AT_ONCE: Final = 8_192


def in_order(checkpoint: Checkpoint) -> Iterator[tuple[Blob, Blob | None]]:
    """All records of a checkpoint, its rows by key, which are copied some thousands at a time.

    In that order each page of the table is looked for once. In the order in which customers changed, 300,000 new rows
    took more than twice the processor (measured).
    """
    yield from checkpoint.records
    yield checkpoint.header
    keys, values = _column(checkpoint.keys), _column(checkpoint.values)
    order = pc.sort_indices(keys)
    for first in range(0, len(order), _AT_ONCE):
        some = order.slice(first, _AT_ONCE)
        yield from zip(keys.take(some).to_pylist(), values.take(some).to_pylist(), strict=True)


def _column(bodies: Bodies) -> pa.LargeBinaryArray:
    buffers = [None, pa.py_buffer(bodies.offsets), pa.py_buffer(bodies.buffer)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bodies.offsets) - 1, buffers)
