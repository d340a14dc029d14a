"""How far a consumer group has come in a topic."""

from typing import Any

from kafka.errors import KafkaError


def committed(admin: Any, group: str, topic: str) -> dict[int, int] | None:
    """The offset that a group has committed of each partition (none: the partition lacks); None: not to be had now.

    While a broker starts, and the first time that a group asks for its coordinator, the broker refuses for a moment
    (NotCoordinator, CoordinatorLoadInProgress, no connection): errors that kafka-python calls retriable and does not
    try again itself. Raises KafkaError for all others.
    """
    try:
        found = admin.list_group_offsets({group: None}).get(group, {})
    except KafkaError as error:
        if not error.retriable:
            raise
        return None
    return {place.partition: int(at.offset) for place, at in found.items() if place.topic == topic}
