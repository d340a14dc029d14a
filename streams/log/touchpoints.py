"""From canonical columns to messages for a writer: the one way in, whoever the columns come from."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.bodies import Bodies
from schemas.registry import Registry, RegistryError
from streams.log.messages import encoded, text_bodies
from streams.log.ticks import grid_ticks, with_ticks


def touchpoint_messages(batch: pa.RecordBatch, registry: Registry) -> tuple[Bodies, Bodies]:
    """(keys, messages) of canonical touchpoints. The key is the id that the touchpoint names, the known one first."""
    keys = text_bodies(pc.coalesce(batch.column("customer_id"), batch.column("anonymous_id")))
    return keys, encoded(registry, "Touchpoint", batch)


def _sayable(batch: pa.RecordBatch, registry: Registry) -> pa.RecordBatch:
    """The rows that the registry's newest schema can tell: with one from before the mark ``known``, those without it.

    They would count once more otherwise. Raises RegistryError where that schema can't say that a row is an account's:
    it would be a person's.
    """
    fields = registry.schema(registry.id_of("Touchpoint"))["fields"]
    if pc.any(batch.column("is_account")).as_py() and all(field["name"] != "is_account" for field in fields):
        raise RegistryError("the registry's Touchpoint has no is_account: register the schema of this release first")
    if "known" not in batch.schema.names or any(field["name"] == "known" for field in fields):
        return batch
    return batch.filter(pc.invert(pc.fill_null(batch.column("known"), False)))


def touchpoints_with_ticks(batch: pa.RecordBatch, registry: Registry, time: int) -> tuple[Bodies, Bodies, int]:
    """(keys, messages, newest tick) of canonical touchpoints, with a tick for each instant of the grid that passes.

    ``time``: the newest tick so far, NONE before the first.
    """
    batch = _sayable(batch, registry)
    ticks, before = grid_ticks(batch.column("occurred_at").to_numpy(), time)
    keys, bodies = with_ticks(*touchpoint_messages(batch, registry), ticks, before, registry)
    return keys, bodies, int(ticks[-1]) if len(ticks) else time
