"""What a worker has begun and nobody waits for: it is watched, and ends with its tenure or ends the process."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from streams.kafka.fencing import Fenced
from streams.kafka.producer import SendFailed
from streams.kafka.tenure import Tenure

Regain = Callable[[Tenure, Fenced], Awaitable[None]]
Explain = Callable[[Exception], Awaitable[Exception]]


class Tasks:
    """``fail``: called with what can't be survived, and that is what ``explain`` makes of it where a broker refused.

    ``stopping``: nothing new is begun on its own account."""

    def __init__(self, fail: Callable[[BaseException], None], explain: Explain) -> None:
        self.stopping = False
        self._explain = explain
        self._fail = fail
        self._regain: Regain | None = None
        self._running: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._running)

    def on_fenced(self, regain: Regain) -> None:
        """What is done with a tenure that was fenced."""
        self._regain = regain

    def begin(self, tenure: Tenure, work: Coroutine[Any, Any, None]) -> None:
        """Have something done for a tenure."""
        task = asyncio.create_task(self._watched(tenure, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _watched(self, tenure: Tenure, work: Coroutine[Any, Any, None]) -> None:
        try:
            try:
                await work
            except Fenced as error:
                if self._regain is not None:
                    await self._regain(tenure, error)
        except Exception as error:
            if self.stopping and tenure.ended:
                # Whoever has the partition now does it again; the producers may be gone already.
                return
            self._fail(await self._explain(error) if isinstance(error, SendFailed) else error)
            raise
