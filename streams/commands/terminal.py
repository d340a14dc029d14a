"""Where a command writes: a terminal here, or the client of a running process."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Terminal:
    """Text out of a command. ``rich``: someone looks on, so that a progress bar can move."""

    write_out: Callable[[str], object]
    write_err: Callable[[str], object]
    rich: bool

    def say(self, text: str) -> None:
        """One line, or several, of the answer."""
        self.write_out(text + "\n")

    def note(self, text: str) -> None:
        """One line, or several, beside the answer: progress, warnings, errors."""
        self.write_err(text + "\n")
