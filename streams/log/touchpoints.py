"""From canonical columns to messages for a writer: the one way in, whoever the columns come from."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.bodies import Bodies, bodies_of
from schemas.encode import encode_bodies
from schemas.registry import Registry
from streams.log.arranging import interleave
from streams.log.messages import text_bodies
from streams.log.ticks import grid_ticks, tick_messages


def touchpoint_messages(batch: pa.RecordBatch, registry: Registry) -> tuple[Bodies, Bodies]:
    """(keys, messages) of canonical touchpoints. The key is the id that the touchpoint names, the known one first."""
    schema_id = registry.id_of("Touchpoint")
    bodies = encode_bodies(batch, registry.schema(schema_id), schema_id)
    return text_bodies(pc.coalesce(batch.column("customer_id"), batch.column("anonymous_id"))), bodies


def touchpoints_with_ticks(batch: pa.RecordBatch, registry: Registry, time: int) -> tuple[Bodies, Bodies, int]:
    """(keys, messages, newest tick) of canonical touchpoints, with a tick for each instant of the grid that passes.

    ``time``: the newest tick so far, NONE before the first. A tick has an empty key, which is none.
    """
    keys, bodies = touchpoint_messages(batch, registry)
    ticks, before = grid_ticks(batch.column("occurred_at").to_numpy(), time)
    if len(ticks) == 0:
        return keys, bodies, time
    no_keys = bodies_of([b""] * len(ticks))
    messages = tick_messages(registry, ticks)
    return interleave(keys, no_keys, before), interleave(bodies, messages, before), int(ticks[-1])
