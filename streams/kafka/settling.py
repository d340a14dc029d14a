"""What the workers of an edition have on its way to each other: ``relasi switch`` waits for that, too."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from kafka.structs import TopicPartition

from schemas.registry import FileRegistry, Registry, SchemaRegistry
from schemas.varint import read_long
from schemas.wire import HEADER_SIZE
from streams.kafka.editions import consuming
from streams.kafka.topics import topics_of
from streams.settings import Settings

_ANSWER_MS: Final = 1_000
_PLACE_OF_EDITION: Final = 3
"""Among the fields of Forward, which begins with four numbers."""


def sent_under(message: bytes | None, edition: int, forward_id: int) -> bool:
    """Whether a message is one that a worker of an edition sent to the owner of another partition."""
    if message is None or len(message) < HEADER_SIZE or int.from_bytes(message[1:HEADER_SIZE], "big") != forward_id:
        return False
    data = np.frombuffer(message, np.uint8)
    at, value = np.int64(HEADER_SIZE), np.int64(-1)
    for _ in range(_PLACE_OF_EDITION + 1):
        value, at = read_long(data, at, np.int64(len(data)))
        if at < 0:
            return False
    return int(value) == edition


def behind_what_was_sent(
    settings: Settings, number: int, begins: Sequence[int], ends: Sequence[int]
) -> tuple[int, ...]:
    """By partition: the offset behind the last such message in a stretch of the log, else where that begins.

    Raises BrokerUnreachable.
    """
    registry: Registry = SchemaRegistry(settings.registry) if settings.registry else FileRegistry()
    forward_id, found = registry.id_of("Forward"), list(begins)
    with consuming(settings) as consumer:
        places = [TopicPartition(topics_of(settings).touchpoints, partition) for partition in range(len(ends))]
        consumer.assign([place for place in places if begins[place.partition] < ends[place.partition]])
        for place in consumer.assignment():
            consumer.seek(place, begins[place.partition])
        while any(consumer.position(place) < ends[place.partition] for place in consumer.assignment()):
            for place, records in consumer.poll(timeout_ms=_ANSWER_MS).items():
                for record in records:
                    if record.offset < ends[place.partition] and sent_under(record.value, number, forward_id):
                        found[place.partition] = record.offset + 1
    return tuple(found)


def settle(
    ends: tuple[int, ...],
    wait: Callable[[Sequence[int]], None],
    end_of_log: Callable[[], tuple[int, ...]],
    behind: Callable[[Sequence[int], Sequence[int]], tuple[int, ...]],
) -> None:
    """Wait until the log is processed to ``ends``, and all that came of that in other partitions, and of that.

    ``wait``: until so much of each partition is processed. ``behind``: where in a stretch the last of what was sent
    ends.
    """
    while True:
        wait(ends)
        further = behind(ends, end_of_log())
        if further == ends:
            return
        ends = further
