"""Where the log ends, and how far a partition lags behind that."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.kafka.app import consumer_of
from streams.kafka.tenure import Tenure

_ANSWER_SECONDS: Final = 3.0


class Ends:
    """The ends of the partitions of the touchpoints, as far as they are known."""

    def __init__(self, app: faust.App, topic: str) -> None:
        self._app = app
        self._topic = topic
        self._found: Mapping[TP, int | None] = {}

    async def look(self, numbers: Iterable[int]) -> None:
        """Learn where the log ends. A fetch says so too, but there are none while reading waits for something."""
        tps = [TP(self._topic, number) for number in numbers]
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                self._found = await consumer_of(self._app).highwaters(*tps) if tps else {}

    def lag(self, tenure: Tenure) -> int:
        """Records of the log that a partition has not processed."""
        tp = TP(self._topic, tenure.number)
        end = max(self._found.get(tp) or 0, self._app.monitor.tp_end_offsets.get(tp) or 0)
        return max(0, end - tenure.partition.next_offset)
