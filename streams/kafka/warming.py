"""Compiles, or reads from the cache, everything that a worker runs, before it joins the group.

A worker that compiled while it owned partitions would keep the whole group waiting.
"""

import numpy as np
import pyarrow as pa

from schemas.bodies import bodies_of
from schemas.plans import build_plans
from schemas.registry import FileRegistry
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.imports.canonical import CANONICAL
from streams.log.batches import read_batches, write_batch
from streams.log.messages import message
from streams.log.touchpoints import touchpoints_with_ticks
from streams.outputs.outgoing import Outgoing
from streams.policies import preset

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
    outgoing = Outgoing(first, registry, "")
    for key, some in ((keys, bodies), (None, change)):
        count = len(some.offsets) - 1
        data = write_batch(key, some, np.zeros(count, np.int64), first.next_offset)
        applied = first.apply(read_batches(data, first.next_offset))
        assert isinstance(applied, Applied)
        outgoing.add(applied)
        outgoing.rows()
        outgoing.forget_rows()
    list(outgoing.standing())
    second = Partition(0, policy, plans, owner="1")
    second.restore((key, value) for key, value in first.checkpoint().records if value is not None)
