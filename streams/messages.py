"""Columns as messages of the log: touchpoints with ticks between them, transitions and rejects on their way out."""

import io
from collections.abc import Iterator
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled_leaf
from processors.row.layout import NONE
from schemas.bodies import Bodies, bodies_of
from schemas.encode import encode_bodies
from schemas.registry import Registry
from schemas.wire import frame
from streams.engine.batches import write_batch

TOUCHPOINTS_TOPIC: Final = "relasi.touchpoints.v1"
TRANSITIONS_TOPIC: Final = "relasi.transitions.v1"
REJECTS_TOPIC: Final = "relasi.rejects.v1"
BATCH_RECORDS: Final = 8192
BATCH_BYTES: Final = 16 << 20
"""Of the messages of a batch, unless a single one is longer. SQLite holds no blob of more than 10^9 bytes."""
TICK_GRID_MS: Final = 86_400_000


def message(registry: Registry, name: str, value: dict[str, Any]) -> bytes:
    """One message in the wire format, for the few that are built one by one."""
    schema_id = registry.id_of(name)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(registry.schema(schema_id)), value)
    return frame(schema_id, body.getvalue())


def text_bodies(column: pa.Array) -> Bodies:
    """The bytes of a string column without nulls."""
    column = column.cast(pa.large_binary())
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    return Bodies(np.frombuffer(data or b"", np.uint8), places)


@compiled_leaf
def _copy(
    source: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint8],
) -> None:
    for i in range(len(places)):
        to = offsets[places[i]]
        for j in range(starts[i + 1] - starts[i]):
            out[to + j] = source[starts[i] + j]


def interleave(first: Bodies, second: Bodies, before: npt.NDArray[np.int64]) -> Bodies:
    """Messages of ``first`` with message i of ``second`` put in before message ``before[i]`` (ascending)."""
    mine = np.arange(len(first.offsets) - 1) + np.searchsorted(before, np.arange(len(first.offsets) - 1), "right")
    theirs = before + np.arange(len(before))
    sizes = np.zeros(len(mine) + len(theirs) + 1, np.int64)
    sizes[mine + 1] = np.diff(first.offsets)
    sizes[theirs + 1] = np.diff(second.offsets)
    offsets = np.cumsum(sizes)
    out = np.empty(int(offsets[-1]), np.uint8)
    for bodies, places in ((first, mine), (second, theirs)):
        _copy(bodies.buffer, np.ascontiguousarray(bodies.offsets), places, offsets, out)
    return Bodies(out, offsets)


def grid_ticks(occurred_at: npt.NDArray[np.int64], time: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(instants of the grid that pass while these touchpoints occur, the touchpoint that each precedes).

    ``time``: the newest tick so far, NONE before the first; only later ones are given. Event time is the greatest
    instant so far. How touchpoints are cut into batches doesn't change the ticks.
    """
    if len(occurred_at) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    days = np.maximum.accumulate(occurred_at) // TICK_GRID_MS
    first = int(days[0]) if time == NONE else time // TICK_GRID_MS + 1
    ticks = np.arange(first, int(days[-1]) + 1, dtype=np.int64)
    return ticks * TICK_GRID_MS, np.searchsorted(days, ticks, "left").astype(np.int64)


def touchpoints_with_ticks(batch: pa.RecordBatch, registry: Registry, time: int) -> tuple[Bodies, Bodies, int]:
    """(keys, messages, newest tick) of canonical touchpoints, with a tick for each instant of the grid that passes."""
    schema_id = registry.id_of("Touchpoint")
    bodies = encode_bodies(batch, registry.schema(schema_id), schema_id)
    keys = text_bodies(pc.coalesce(batch.column("customer_id"), batch.column("anonymous_id")))
    ticks, before = grid_ticks(batch.column("occurred_at").to_numpy(), time)
    if len(ticks) == 0:
        return keys, bodies, time
    messages = bodies_of([message(registry, "Tick", {"at": int(at)}) for at in ticks])
    no_keys = bodies_of([b""] * len(ticks))
    return interleave(keys, no_keys, before), interleave(bodies, messages, before), int(ticks[-1])


def _cut(bodies: Bodies, first: int, last: int) -> Bodies:
    return Bodies(bodies.buffer, bodies.offsets[first : last + 1])


def record_batches(keys: Bodies | None, bodies: Bodies, base_offset: int, now: int) -> Iterator[tuple[bytes, int, int]]:
    """Record batches of at most BATCH_RECORDS messages and BATCH_BYTES, each with its first and last offset."""
    count, last = len(bodies.offsets) - 1, 0
    while (first := last) < count:
        room = int(np.searchsorted(bodies.offsets, bodies.offsets[first] + BATCH_BYTES, "right")) - 1
        last = min(first + BATCH_RECORDS, count, max(room, first + 1))
        some_keys = None if keys is None else _cut(keys, first, last)
        stamps = np.full(last - first, now, np.int64)
        batch = write_batch(some_keys, _cut(bodies, first, last), stamps, base_offset + first)
        yield batch, base_offset + first, base_offset + last - 1


def reject_messages(rows: pa.Table, registry: Registry) -> Bodies:
    """Messages of rejects, which have no key. A row of a file has a line instead of an offset."""
    return bodies_of(
        [
            message(
                registry,
                "Reject",
                {
                    "topic": row["source"],
                    "partition": row["partition"],
                    "offset": row["position"],
                    "line": row["position"] if row["partition"] < 0 else None,
                    "reason": row["reason"],
                    "detail": row["detail"],
                    "payload": row["payload"],
                    "at": row["at"],
                    "records": row["records"],
                    "payload_bytes": row["payload_bytes"],
                    "payload_sha256": row["payload_sha256"],
                },
            )
            for row in rows.to_pylist()
        ]
    )
