"""Messages that wait for the checkpoint: compressed as they will stand in their topics, by far fewer bytes."""

from collections.abc import Iterable
from typing import Final

from streams.embedded.database import Database
from streams.log.compression import compressed
from streams.log.headers import moved, offsets_of
from streams.log.writing import record_batches
from streams.outputs.output import Messages, Topic


class Told:
    """Record batches by topic, in the order in which they were added; where they will stand they are told at the end.

    One thread adds while another asks what waits; who puts or clears is alone.
    """

    def __init__(self) -> None:
        self._batches: Final[dict[str, list[bytes]]] = {}
        self.nbytes = 0

    def add(self, messages: Iterable[tuple[Topic, Messages]], now: int) -> None:
        """Messages that come after all that were added before: all of them or, where it raises, none.

        ``now``: the instant in their records, ms.
        """
        made = [
            (topic.named(), compressed(batch))
            for topic, some in messages
            for batch, _, _ in record_batches(some.keys, some.bodies, 0, now)
        ]
        for topic, batch in made:
            self._batches.setdefault(topic, []).append(batch)
            self.nbytes += len(batch)

    def speaks(self, topic: Topic) -> bool:
        """Whether something of a topic waits."""
        return bool(self._batches.get(topic.named()))

    def put(self, file: Database, partition: int) -> None:
        """Append all of them to their topics, within a transaction that the caller has opened; they go on waiting."""
        for topic, batches in self._batches.items():
            base = file.end_offset(topic, partition)
            for batch in batches:
                here = moved(batch, base)
                first, last = offsets_of(here)
                file.append(topic, partition, here, first, last)
                base = last + 1

    def clear(self) -> None:
        """They are stored, or are to go nowhere."""
        self._batches.clear()
        self.nbytes = 0
