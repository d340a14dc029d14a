"""Checkpoint records of partitions, kept as a store keeps them."""

from typing import Any

from streams.engine.checkpoint import Checkpoint, stored_in_columns
from streams.engine.partition import Partition
from support.messages import START, touchpoint
from support.shell import apply_all, new_partition

Changelog = dict[bytes, bytes]


def crowded(number: int, **options: Any) -> Partition:
    """A partition of so many customers, c0, c1 …, with a touchpoint each."""
    partition = new_partition(**options)
    apply_all(partition, *(touchpoint("1", f"c{i}", START + i) for i in range(number)))
    return partition


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
