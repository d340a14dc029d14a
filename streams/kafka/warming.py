"""Compiles, or reads from the cache, everything that a worker runs, before it joins the group.

A worker that compiled while it owned partitions would keep the whole group waiting.
"""

import numpy as np
import pyarrow as pa

from schemas.bodies import bodies_of
from schemas.plans import build_plans
from schemas.registry import FileRegistry
from streams.announcing import transition_messages
from streams.emission import emission
from streams.engine.batches import read_batches, write_batch
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.imports.canonical import CANONICAL
from streams.messages import message, touchpoints_with_ticks
from streams.policies import preset
from streams.profiles import profiles_table

_DAY = 86_400_000


def _batch() -> pa.RecordBatch:
    empty = dict.fromkeys(CANONICAL.names)
    given = {"customer_id": "a", "kind": "order_completed", "amount_minor": 100, "lines": b"\0", "properties": b"\0"}
    rows = [
        {**empty, **given, "event_id": str(day), "occurred_at": day * _DAY, "received_at": day * _DAY, "row": day}
        for day in (1, 30, 400, 2)
    ]
    (batch,) = pa.Table.from_pylist(rows, CANONICAL).to_batches()
    return batch


def warm() -> None:
    """Run a few touchpoints through a partition that nobody keeps."""
    registry = FileRegistry()
    plans = build_plans(registry)
    keys, bodies, _ = touchpoints_with_ticks(_batch(), registry, 0)
    policy = preset()
    change = bodies_of([message(registry, "Policy", {"text": policy.text, "hash": policy.hash}), b"not framed"])
    first = Partition(0, policy, plans)
    for key, some in ((keys, bodies), (None, change)):
        count = len(some.offsets) - 1
        data = write_batch(key, some, np.zeros(count, np.int64), first.next_offset)
        applied = first.apply(read_batches(data, first.next_offset))
        assert isinstance(applied, Applied)
        emission([applied], first, registry, "")
        transition_messages([applied], first, registry)
    profiles_table(first, first.take_unreported(1))
    second = Partition(0, policy, plans)
    stored = first.checkpoint().all_records()
    second.restore(stored_in_columns((key, value) for key, value in stored if value is not None))
