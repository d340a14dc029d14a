"""Checkpoint records of partitions, kept as a store keeps them."""

import json
from typing import Any, Final

import numpy as np

from processors.policy.policy import hash_of
from processors.row.layout import ROW
from streams.engine.checkpoint import Checkpoint, stored_in_columns
from streams.engine.described import describe
from streams.engine.former import FormerHeader
from streams.engine.partition import Partition
from support.messages import START, touchpoint
from support.shell import apply_all, customer_of, everybody, new_partition

Changelog = dict[bytes, bytes]
_RING: Final = [("ring", "u8", (16,)), ("ring_at", "i4")]


def crowded(number: int, **options: Any) -> Partition:
    """A partition of so many customers, c0, c1 …, with a touchpoint each."""
    partition = new_partition(**options)
    apply_all(partition, *(touchpoint("1", f"c{i}", START + i) for i in range(number)))
    return partition


def former_chunk(partition: Partition, event: str) -> tuple[bytes, bytes]:
    """All customers as the first version would have written them in one record: rows as they were in memory.

    Those rows said where their ids begin, and of no namespace; and each remembered its own events, here the same one.
    """
    _, lengths = partition.ids(partition.numbers())
    fields = [(name, ROW[name]) for name in ROW.names or ()]
    rows = np.zeros(
        partition.customers, np.dtype([*fields, ("id_start", "i8"), ("id_length", "i4"), *_RING], align=True)
    )
    now = everybody(partition)
    for name in ROW.names or ():
        rows[name] = now[name]
    rows["ring"][:, 0] = hash_of(event)
    rows["ring_at"] = 1
    rows["id_length"] = lengths
    rows["id_start"] = np.cumsum(lengths) - lengths
    ids = b"".join(customer_of(partition, number) for number in partition.numbers().tolist())
    told = {
        **vars(FormerHeader(partition.number, "0", 1, 0, 1, partition.next_offset, partition.time, "")),
        "policy": partition.policy.text,
        "layout": 1,
        "rows": len(rows),
        "fields": describe(rows.dtype),
    }
    text = json.dumps(told).encode()
    return b"0/1/0", len(text).to_bytes(4, "big") + text + rows.tobytes() + ids


def store(changelog: Changelog, checkpoint: Checkpoint) -> None:
    """A checkpoint reaches the store."""
    for key, value in checkpoint.all_records():
        if value is None:
            changelog.pop(key, None)
        else:
            changelog[key] = value


def restored(changelog: Changelog, **options: Any) -> Partition:
    """A partition that begins with what is stored."""
    partition = new_partition(**options)
    partition.restore(stored_in_columns(changelog.items()))
    return partition
