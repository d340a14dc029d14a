"""Fetches of one partition that wait until those before them are processed."""

from collections import deque
from typing import Any, Final

from faust.types import EventT

_MOST: Final = 16
"""So many small ones may wait: each is an object or two."""


class Inbox:
    """In the order of arrival. ``most_bytes``: what may wait before no more is to be fetched."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[EventT[Any], int]] = deque()
        self._bytes = 0
        self.held = False
        """Whether whoever fetches was told to fetch no more."""
        self.working = False
        """Whether somebody is going through it."""

    def put(self, event: EventT[Any], nbytes: int) -> None:
        """One more, in which so many bytes are held."""
        self._waiting.append((event, nbytes))
        self._bytes += nbytes

    def take(self) -> EventT[Any] | None:
        """The next one; None where there is none."""
        if not self._waiting:
            return None
        event, nbytes = self._waiting.popleft()
        self._bytes -= nbytes
        return event

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether enough waits."""
        return self._bytes >= self._most_bytes or len(self._waiting) >= _MOST

    @property
    def scarce(self) -> bool:
        """Whether so little waits that more should be on its way."""
        return 2 * self._bytes <= self._most_bytes and 2 * len(self._waiting) <= _MOST

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in work."""
        return not self._waiting and not self.working
