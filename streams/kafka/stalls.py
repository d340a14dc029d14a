"""Partitions that stand still although there is something to read: they are told of, and read again.

What keeps a partition from being read is known only afterwards: a seek that came between two others, a fetch that was
lost on its way. So it does not matter here. Whoever has work and does not get on with it is helped only where that
changes something: where nothing was fetched.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from streams.clock import Clock
from streams.kafka.tenure import Tenure

TOLD_SECONDS: Final = 8.0
MENDED_SECONDS: Final = 10.0
_SEEKS: Final = 2
"""So often a partition is sought again before it is taken over again."""

# Not by this module's name: whoever reads the log looks for what the worker did.
log = structlog.get_logger("streams.kafka.worker")

RECOVERY_SECONDS: Final = 45.0

Mend = Callable[[Tenure], Awaitable[None]]


@dataclass
class _Standing:
    """Since when a partition stands at an offset, and how often it was helped."""

    tenure: Tenure
    offset: int
    since: float
    helped: int = 0


class Stalls:
    """``lag``: records of the log that a partition has not processed. ``seek``, ``take_over``: read it again."""

    def __init__(self, clock: Clock, lag: Callable[[Tenure], int], seek: Mend, take_over: Mend) -> None:
        self._clock = clock
        self._lag = lag
        self._seek = seek
        self._take_over = take_over
        self._standing: dict[int, _Standing] = {}

    def forget(self) -> None:
        """Nothing is read now, and rightly."""
        self._standing = {}

    async def look(self, tenures: Mapping[int, Tenure]) -> None:
        """See which have moved, and help those that were not read for long. Raises LostHistory."""
        now = self._clock.monotonic()
        for number in self._standing.keys() - tenures.keys():
            del self._standing[number]
        for number, tenure in list(tenures.items()):
            known, offset = self._standing.get(number), tenure.partition.next_offset
            if known is None or known.tenure is not tenure or known.offset != offset or self._lag(tenure) == 0:
                self._standing[number] = _Standing(tenure, offset, now)
            elif tenure.inbox.idle and now - known.since >= MENDED_SECONDS * 2**known.helped:
                known.helped += 1
                await self._help(known, now - known.since)

    async def _help(self, known: _Standing, seconds: float) -> None:
        seeks = known.helped <= _SEEKS
        log.warning(
            "partition is not read, " + ("seeking again" if seeks else "taking it over again"),
            partition=known.tenure.number,
            offset=known.offset,
            lag=self._lag(known.tenure),
            seconds=round(seconds),
        )
        await (self._seek if seeks else self._take_over)(known.tenure)

    def reason(self) -> str:
        """Which stand still, and how; empty where none does."""
        now = self._clock.monotonic()
        stalled = [each for each in self._standing.values() if now - each.since >= TOLD_SECONDS]
        told = []
        for idle, why in ((False, "what was fetched is not processed"), (True, "nothing is fetched")):
            numbers = sorted(each.tenure.number for each in stalled if each.tenure.inbox.idle is idle)
            if numbers:
                longest = max(now - each.since for each in stalled if each.tenure.number in numbers)
                told.append(f"partition {', '.join(map(str, numbers))}: {why} for {longest:.0f} s")
        return "; ".join(told)


class StuckRecovery:
    """``progress``: what changes while a recovery gets on, None where that can't be told; ``again``: begins it anew."""

    def __init__(self, clock: Clock, progress: Callable[[], tuple[int, ...] | None], again: Callable[[], None]) -> None:
        self._clock = clock
        self._progress = progress
        self._again = again
        self._seen: tuple[int, ...] | None = None
        self._since = clock.monotonic()

    def look(self, recovering: bool) -> None:
        """Begin a recovery again that has not got on for long."""
        now, progress = self._clock.monotonic(), self._progress()
        if not recovering or progress is None or progress != self._seen:
            self._seen, self._since = progress, now
        elif now - self._since >= RECOVERY_SECONDS:
            log.warning("recovery does not get on, beginning it again", seconds=round(now - self._since))
            self._since = now
            self._again()
