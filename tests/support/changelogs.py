"""Checkpoint records of partitions, kept as log compaction would keep them."""

from typing import Any

from processors.row.layout import ROW
from streams.engine.partition import Partition
from support.messages import START, touchpoint
from support.shell import apply_all, new_partition

CHUNK = 3 * (ROW.itemsize + 10)  # three rows with short ids

Changelog = dict[bytes, bytes]


def crowded(number: int, **options: Any) -> Partition:
    """A partition of so many customers, c0, c1 …, with a touchpoint each."""
    partition = new_partition(**options)
    apply_all(partition, *(touchpoint("1", f"c{i}", START + i) for i in range(number)))
    return partition


def store(changelog: Changelog, *records: tuple[bytes, bytes | None]) -> None:
    for key, value in records:
        if value is None:
            changelog.pop(key, None)
        else:
            changelog[key] = value


def restored(changelog: Changelog, owner: str = "heir") -> Partition:
    partition = new_partition(owner, chunk_bytes=CHUNK)
    partition.restore(changelog.items())
    return partition
