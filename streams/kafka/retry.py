"""Waiting before trying again: longer each time, with jitter, so that workers don't come back in step."""

import random
from typing import Final

from streams.clock import Clock

_SHORTEST: Final = 0.2
_LONGEST: Final = 10.0


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
