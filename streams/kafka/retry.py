"""Waiting before trying again: longer each time, with jitter, so that workers don't come back in step."""

import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.clock import Clock

_SHORTEST: Final = 0.2
_LONGEST: Final = 10.0

T = TypeVar("T")
log = structlog.get_logger()


class Backoff:
    """Delays that double, each shortened by up to a half at random."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds = _SHORTEST
        self.attempts = 0

    async def wait(self) -> None:
        """Sleep before the next attempt."""
        self.attempts += 1
        seconds, self._seconds = self._seconds, min(self._seconds * 2, _LONGEST)
        # No secret depends on it.
        await self._clock.sleep(seconds * (0.5 + random.random() / 2))  # noqa: S311


async def until_answered(ask: Callable[[], Awaitable[T]], broker: str, clock: Clock) -> T:
    """What the ``broker`` answers, asked again for as long as it is not there. Raises KafkaError for what stays so."""
    backoff = Backoff(clock)
    while True:
        try:
            return await ask()
        except KafkaError as error:
            # A request without an answer is retried by nobody either, though aiokafka does not call it retriable.
            if not error.retriable and not isinstance(error, KafkaTimeoutError):
                raise
            log.warning("broker unreachable", setting="RELASI_BROKER", broker=broker, why=repr(error))
            await backoff.wait()
