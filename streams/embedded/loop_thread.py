"""A thread with an event loop of its own, beside the engine's: it never waits for the engine."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self


class LoopThread(ABC):
    """Does ``work`` from the moment at which it is entered; a context manager.

    Entering returns when ``started`` was set, or raises what ended the work before. ``loop_factory``: of an event loop;
    None: asyncio's.
    """

    def __init__(self, name: str, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self._loop_factory: Final = loop_factory
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.started: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    async def work(self, stop: asyncio.Event) -> None:
        """What it does, until ``stop`` is set."""

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._work())
        except BaseException as error:
            self._failure = error
        finally:
            self.started.set()

    async def _work(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self.work(self._stop)

    @property
    def is_alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raises what has ended it before its time."""
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        self._thread.start()
        self.started.wait()
        self.check()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._loop is not None and self._stop is not None and self.is_alive:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if kind is None:
            # What went wrong at the end, such as the last of what was to be stored, is no end in good order.
            self.check()
