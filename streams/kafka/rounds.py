"""What a worker does over and over."""

import asyncio
from collections.abc import Awaitable, Callable

from streams.clock import Clock


async def every(
    seconds: float, work: Callable[[], Awaitable[None]], stopping: Callable[[], bool], clock: Clock
) -> None:
    """Begin a round every ``seconds``, but not before half of that has passed since the end of the one before.

    A round that has begun is finished also when the worker is told to stop meanwhile.
    """
    pause = seconds
    while not stopping():
        await clock.sleep(pause)
        if not stopping():
            begun = clock.monotonic()
            await asyncio.shield(asyncio.ensure_future(work()))
            pause = max(seconds / 2, begun + seconds - clock.monotonic())
