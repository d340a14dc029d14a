"""Compiles, or reads from the cache, everything that a worker runs, before it joins the group.

A worker that compiled while it owned partitions would keep the whole group waiting.
"""

import numpy as np
import pyarrow as pa

from schemas.bodies import bodies_of
from schemas.known import known, look_up_all
from schemas.registry import FileRegistry
from schemas.wire import frame, unframe
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.imports.canonical import CANONICAL
from streams.log.batches import read_batches, write_batch
from streams.log.messages import message
from streams.log.touchpoints import touchpoints_with_ticks
from streams.outputs.outgoing import Outgoing
from streams.policies import preset

_DAY = 86_400_000
_FOREIGN = 1_000


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
    schemas = look_up_all(registry)
    keys, bodies, _ = touchpoints_with_ticks(_batch(), registry, 0)
    policy = preset()
    change = bodies_of([message(registry, "Policy", {"text": policy.text, "hash": policy.hash}), b"not framed"])
    first = Partition(0, policy, schemas)
    outgoing = Outgoing(first, registry, "")
    # The same bytes by a schema of which the reports would not take them as they are.
    own = registry.schema(registry.id_of("Touchpoint"))
    fields = [{**field, "type": ["null", "bytes"]} if field["name"] == "channel" else field for field in own["fields"]]
    first.learn(known(_FOREIGN, {**own, "fields": fields}), 0)
    foreign = bodies_of([frame(_FOREIGN, unframe(bodies.message(0))[1])])
    for key, some in ((keys, bodies), (None, change), (None, foreign)):
        count = len(some.offsets) - 1
        data = write_batch(key, some, np.zeros(count, np.int64), first.next_offset)
        applied = first.apply(read_batches(data, first.next_offset))
        assert isinstance(applied, Applied)
        outgoing.add(applied)
        outgoing.rows()
        outgoing.forget_rows()
    list(outgoing.standing())
    second = Partition(0, policy, schemas)
    stored = first.checkpoint().all_records()
    first.some_rows(1)
    second.restore(stored_in_columns((key, value) for key, value in stored if value is not None))
