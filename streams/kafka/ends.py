"""Where the log ends, and how far a partition lags behind that."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.engine.results import ForeignLog
from streams.kafka.app import consumer_of
from streams.kafka.tenure import Tenure

_ANSWER_SECONDS: Final = 3.0


class Ends:
    """The ends of the partitions of the touchpoints, as far as they are known."""

    def __init__(self, app: faust.App, topic: str) -> None:
        self._app = app
        self._topic = topic
        self._found: dict[TP, int | None] = {}

    async def of(self, number: int) -> int:
        """Where a partition ends. From here on its lag is known."""
        tp = TP(self._topic, number)
        self._found |= await consumer_of(self._app).highwaters(tp)
        return self._found[tp] or 0

    async def look(self, tenures: Iterable[Tenure]) -> None:
        """Learn where the log ends. A fetch says so too, but there are none while reading waits for something.

        Raises ForeignLog where it ends before what was processed already: the topic was deleted and created anew.
        """
        processed = {TP(self._topic, tenure.number): tenure.partition.next_offset for tenure in tenures}
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                self._found = dict(await consumer_of(self._app).highwaters(*processed)) if processed else {}
            for tp, offset in processed.items():
                _check(tp, offset, self._found.get(tp))

    def lag(self, tenure: Tenure) -> int:
        """Records of the log that a partition has not processed."""
        tp = TP(self._topic, tenure.number)
        end = max(self._found.get(tp) or 0, self._app.monitor.tp_end_offsets.get(tp) or 0)
        return max(0, end - tenure.processed)


def _check(tp: TP, processed: int, end: int | None) -> None:
    if end is not None and end < processed:
        raise ForeignLog(
            f"{tp.topic} partition {tp.partition}: was processed up to offset {processed}, and ends at {end}: it is "
            "another log than the one that was read; begin with another RELASI_GROUP, or bring the old log back"
        )
