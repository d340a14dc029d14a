"""An event id for each row that came without one: its content, and its count among identical rows.

The same content gives the same ids whatever the format of the file, the order of its rows or the size of the batches.
The hash is XXH64 twice, with two seeds (128 bits): at a billion rows two of different content meet with a probability
of about 10⁻²¹. Ids are stored, so nothing here may ever change.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled
from processors.hashing import avalanche, mix, xxh64
from streams.imports.canonical import CANONICAL, HIGH, LOW, RANK
from streams.imports.columns import Parts, from_parts, integers_of, parts_of

Words = npt.NDArray[np.uint64]

_SEED_HIGH: Final = np.uint64(0x52656C6173692069)
_SEED_LOW: Final = np.uint64(0x6D706F7274206964)
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)

CONTENT_V1: Final = (
    "customer_id", "anonymous_id", "occurred_at", "received_at", "kind", "channel", "amount_minor", "currency",
    "cost_minor", "margin_minor", "campaign", "order_id", "lines", "agent_id", "satisfaction", "properties",
)  # fmt: skip
"""The columns that are a row's content, in the order in which they are hashed. Frozen: a field that is new since is
not in it, so that the rows of a file keep their ids, and a file imported again is known."""


@compiled
def _fold_text(text: Parts, seed_high: np.uint64, seed_low: np.uint64, high: Words, low: Words) -> None:
    for i in range(len(text.valid)):
        if text.valid[i]:
            start, stop = int(text.offsets[i]), int(text.offsets[i + 1])
            high[i] = mix(high[i], np.int64(xxh64(text.data, start, stop, seed_high)))
            low[i] = mix(low[i], np.int64(xxh64(text.data, start, stop, seed_low)))
        else:
            high[i] = avalanche(high[i])
            low[i] = avalanche(low[i])


@compiled
def _fold_words(values: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_], high: Words, low: Words) -> None:
    for i in range(len(valid)):
        if valid[i]:
            high[i] = mix(high[i], values[i])
            low[i] = mix(low[i], np.int64(avalanche(np.uint64(values[i]))))
        else:
            high[i] = avalanche(high[i])
            low[i] = avalanche(low[i])


@compiled
def _write_ids(high: Words, low: Words, rank: npt.NDArray[np.int32], out: npt.NDArray[np.uint8]) -> None:
    for i in range(len(high)):
        for half in range(2):
            word = avalanche(mix(high[i] if half == 0 else low[i], np.int64(rank[i])))
            at = i * 32 + half * 16
            for digit in range(16):
                shift = np.uint64(60 - 4 * digit)
                out[at + digit] = _HEX[np.int64((word >> shift) & np.uint64(15))]


def content_of(batch: Any) -> tuple[Words, Words]:
    """The 128-bit hash (high words, low words) of each row's content: its columns of ``CONTENT_V1``."""
    high, low = np.full(batch.num_rows, _SEED_HIGH), np.full(batch.num_rows, _SEED_LOW)
    # Words wrap around: silent in machine code, a warning where the same functions run as plain Python.
    with np.errstate(over="ignore"):
        for name in CONTENT_V1:
            column = batch.column(name)
            if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
                _fold_text(parts_of(column), _SEED_HIGH, _SEED_LOW, high, low)
            else:
                values, valid = integers_of(column)
                _fold_words(values, valid, high, low)
    return high, low


def folded(texts: Sequence[Any]) -> tuple[Words, Words]:
    """The 128-bit hash (high words, low words) of each row of these text columns together."""
    high, low = np.full(len(texts[0]), _SEED_HIGH), np.full(len(texts[0]), _SEED_LOW)
    with np.errstate(over="ignore"):
        for column in texts:
            _fold_text(parts_of(column), _SEED_HIGH, _SEED_LOW, high, low)
    return high, low


def ranks_of(high: Words, low: Words) -> npt.NDArray[np.int32]:
    """How many identical rows stand before each row (all zero when no row occurs twice)."""
    ranks = np.zeros(len(high), np.int32)
    ordered = np.sort(high)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return ranks
    rows = np.flatnonzero(np.isin(high, repeated))
    rows = rows[np.lexsort((rows, low[rows], high[rows]))]
    first = np.ones(len(rows), np.bool_)
    first[1:] = (high[rows[1:]] != high[rows[:-1]]) | (low[rows[1:]] != low[rows[:-1]])
    starts = np.flatnonzero(first)
    ranks[rows] = np.arange(len(rows)) - starts[np.cumsum(first) - 1]
    return ranks


def with_ids(batch: Any) -> Any:
    """A ranked batch (``RANKED``) as a canonical one: ids of 32 hex digits where the file gave none."""
    given = batch.column("event_id")
    if given.null_count:
        words = (np.ascontiguousarray(batch.column(name).to_numpy()) for name in (HIGH, LOW, RANK))
        high, low, rank = words
        out = np.empty(batch.num_rows * 32, np.uint8)
        with np.errstate(over="ignore"):
            _write_ids(high, low, rank, out)
        made = from_parts(np.arange(0, batch.num_rows * 32 + 1, 32, dtype=np.int32), out)
        given = made if given.null_count == batch.num_rows else pc.coalesce(given, made)
    columns = [given if name == "event_id" else batch.column(name) for name in CANONICAL.names]
    return pa.RecordBatch.from_arrays(columns, schema=CANONICAL)
