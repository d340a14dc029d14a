"""What the changelog of an installation holds: the partitions that a worker would begin with."""

import asyncio

from schemas.bodies import Bodies
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.clock import Clock
from streams.engine.partition import Partition
from streams.kafka.changelog import read_changelog
from streams.kafka.fetch import install as read_raw
from streams.kafka.topics import topics_of
from streams.policies import preset
from streams.settings import Settings
from support.kafka_workers import Installation


def settings_of(made: Installation, partitions: int = 4) -> Settings:
    return Settings(broker=made.broker.url, group=made.name, prefix=made.name, partitions=partitions)


def restored(made: Installation, number: int = 0) -> tuple[Partition, list[bytes]]:
    """What the changelog of a worker makes of an empty partition, and its keys."""
    settings = settings_of(made)
    read_raw(topics_of(settings).changelog)
    stored: list[tuple[Bodies, Bodies]] = list(asyncio.run(read_changelog(settings, number, Clock())).stored())
    partition = Partition(number, preset(), look_up_all(FileRegistry()))
    partition.restore(stored)
    return partition, [keys.message(i) for keys, _ in stored for i in range(len(keys.offsets) - 1)]


def remembered(made: Installation, partitions: int = 4) -> dict[int, int]:
    """Up to which offset the checkpoint of each partition is complete; those that have one."""
    found = {number: restored(made, number)[0].next_offset for number in range(partitions)}
    return {number: offset for number, offset in found.items() if offset > 0}
