"""The clocks of the shells. Nothing else reads one; what lies below the shells takes instants as arguments."""

import asyncio
import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def monotonic_seconds() -> float:
    """Seconds of a clock that nobody sets. Only differences mean something: how long, and how long ago."""
    return time.monotonic()


class Clock:
    """The clocks of a process, handed to whoever reads them or waits: tests have some that only they move."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return now_ms()

    def monotonic(self) -> float:
        """See ``monotonic_seconds``. From any thread."""
        return monotonic_seconds()

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(seconds)


def parse_instant(text: str) -> int:
    """Milliseconds of an ISO 8601 date or date and time; UTC where no zone is given. Raises ValueError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant; expected one like 1998-06-30 or 1998-06-30T12:00:00Z") from error
    return round(instant.replace(tzinfo=instant.tzinfo or UTC).timestamp() * 1000)


def show_instant(at: int) -> str:
    """An instant in ms as ISO 8601 in UTC, without what is zero."""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z").replace("T00:00:00Z", "")


def iso_instant(at: int) -> str:
    """An instant in ms as ISO 8601 in UTC with its milliseconds, as JSON tells it."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
