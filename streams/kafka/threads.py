"""Threads in which partitions work: compiled code leaves Python's lock alone, so each takes a processor of its own."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from streams.clock import Clock
from streams.kafka.tenure import Tenure

T = TypeVar("T")


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Threads:
    """One for each processor. The loop of the worker goes on meanwhile: heartbeats, fetches and answers don't wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(processors(), "partition")

    async def work(self, tenure: Tenure, call: Callable[..., T], *arguments: Any) -> T:
        """Do something with the rows of a partition; whoever else wants them waits. In the order of asking."""
        await tenure.rows.acquire()
        working = asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)
        # Whoever waits may be cancelled; the thread goes on, and has the rows until it is done.
        working.add_done_callback(lambda _: tenure.rows.release())
        return await asyncio.shield(working)

    async def timed(self, tenure: Tenure, call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
        """``work``, and the seconds that it took: without those that were spent on waiting for a thread."""
        return await self.work(tenure, self._timed, call, *arguments)

    def _timed(self, call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
        begun = self._clock.monotonic()
        return call(*arguments), self._clock.monotonic() - begun

    async def aside(self, call: Callable[..., T], *arguments: Any) -> T:
        """Do something for which no rows are needed that anybody else has."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)
