"""Messages as whole record batches, cut to the limits of what takes them."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from schemas.bodies import Bodies
from streams.log.arranging import pieces
from streams.log.batches import write_batch

BATCH_RECORDS: Final = 8192
BATCH_BYTES: Final = 4 << 20
"""Of a batch, unless one message is longer: as much as one read of the embedded log gives."""


def record_batch(keys: Bodies | None, bodies: Bodies, base_offset: int, now: int) -> bytes:
    """One record batch of messages. ``now``: the instant in every record, ms. An empty key is none."""
    no_key = None if keys is None else np.diff(keys.offsets) == 0
    return write_batch(keys, bodies, np.full(len(bodies.offsets) - 1, now, np.int64), base_offset, no_key)


def record_batches(keys: Bodies | None, bodies: Bodies, base_offset: int, now: int) -> Iterator[tuple[bytes, int, int]]:
    """Record batches of at most BATCH_RECORDS messages and BATCH_BYTES, each with its first and last offset."""
    for some_keys, some in pieces(keys, bodies, BATCH_BYTES, BATCH_RECORDS):
        last = base_offset + len(some.offsets) - 2
        yield record_batch(some_keys, some, base_offset, now), base_offset, last
        base_offset = last + 1
