"""A breaker for each endpoint: who fails again and again is left alone for a while, then asked with one delivery."""

from typing import Final

FAILURES: Final = 5
FIRST_PAUSE_MS: Final = 10_000
LONGEST_PAUSE_MS: Final = 600_000


class Breaker:
    """Pure but for what it remembers; ``now`` in ms of any clock that only goes forward."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0
        self._pause = FIRST_PAUSE_MS
        self._probing = False

    def wait_ms(self, now: int) -> int:
        """How long no attempt may be made; 0: now."""
        if self._probing:
            return max(1, self._until - now)
        return max(0, self._until - now)

    @property
    def open(self) -> bool:
        """Whether it has tripped, and nobody has answered well since."""
        return self._failures >= FAILURES

    def begin(self, now: int) -> None:
        """An attempt is being made. After a pause it is the only one until it has ended."""
        if self.open:
            self._probing = True
            self._until = now + self._pause

    def succeeded(self) -> None:
        """An answer that says that it works."""
        self._failures, self._pause, self._probing = 0, FIRST_PAUSE_MS, False
        self._until = 0

    def failed(self, now: int) -> None:
        """None, or one that says that it does not."""
        was_open, probed, self._probing = self.open, self._probing, False
        self._failures += 1
        # What was on its way when it tripped says nothing new.
        if self.open and (probed or not was_open):
            self._until = max(self._until, now + self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_MS)

    def abandoned(self) -> None:
        """An attempt that was begun was not made."""
        self._probing = False
        self._until = 0

    def pause(self, now: int, for_ms: int) -> None:
        """The receiver asked for this long without."""
        self._until = max(self._until, now + for_ms)
