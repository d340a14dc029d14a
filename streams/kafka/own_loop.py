"""A loop of its own, in a thread of its own, for what speaks to the broker.

In the thread of the partitions each answer of the broker would wait until a batch is applied, and a checkpoint of some
megabytes, which is dozens of requests, took seconds (measured).
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class OwnLoop:
    """The loop, from ``start`` to ``stop``."""

    def __init__(self, name: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Let it run."""
        self._thread.start()

    async def there(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in that loop, and wait for it in this one."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """End it, with whatever still runs in it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
