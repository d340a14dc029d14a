"""Messages into a topic of a file, by whichever connection is at it."""

from schemas.bodies import Bodies
from streams.embedded.database import Database
from streams.log.compression import compressed
from streams.log.writing import record_batches


def append_messages(
    file: Database, topic: str, partition: int, keys: Bodies | None, bodies: Bodies, now: int, *, compress: bool = False
) -> None:
    """Append messages at the end of a partition, within a transaction that the caller has opened.

    The end is looked up within it, so nobody else gets the same offsets. ``now``: the instant in the records, ms.
    """
    base = file.end_offset(topic, partition)
    for batch, first, last in record_batches(keys, bodies, base, now):
        file.append(topic, partition, compressed(batch) if compress else batch, first, last)
