"""Clocks that stand still until a test moves them. Whoever sleeps wakes when a test has let the time pass."""

import asyncio
from typing import Final

from streams.clock import Clock
from support.messages import START

_BEGINNING: Final = 5_000.0


class HandClock(Clock):
    """``asleep``: for how many seconds each of those who sleep lay down, in the order of doing so."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._sleepers: list[tuple[float, float, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return START + round(self._passed * 1000)

    def monotonic(self) -> float:
        return _BEGINNING + self._passed

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._passed + seconds, seconds, woken))
        await woken

    @property
    def asleep(self) -> list[float]:
        return [seconds for _, seconds, woken in self._sleepers if not woken.done()]

    def move(self, seconds: float) -> None:
        """Let time pass; those whose time it is go on at the next turn of the loop."""
        self._passed += seconds
        for until, _, woken in self._sleepers:
            if until <= self._passed and not woken.done():
                woken.set_result(None)
        self._sleepers = [each for each in self._sleepers if not each[2].done()]
