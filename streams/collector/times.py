"""When an event occurred: its own word, corrected where the device's clock is wrong.

Source: Segment, "Spec: Common Fields", timestamp = receivedAt - (sentAt - originalTimestamp). What departs from it: a
difference of seconds is the way of a request and no clock; a clock that is behind can't be told from a request that was
sent late (mobile SDKs stamp ``sentAt`` at the first try), so what is more than a day is left alone; and an instant far
before ``sentAt`` was set by somebody who knew it.
"""

from typing import Final, NamedTuple

import numpy as np

from streams.collector.problems import EventRefused
from streams.imports.evidence import EITHER, FIRST
from streams.imports.times import NAMED, UNCLEAR, time_at

DAY: Final = 86_400_000
LEAST_SKEW: Final = 10_000
"""Ms; a smaller difference between the clocks is none that counts here, and may be the way of the request."""
MOST_BEHIND: Final = DAY
"""Ms; a request that is received later than this after ``sentAt`` was sent late: its clock may well be right."""
QUEUED: Final = 7 * DAY
"""Ms; an event that is older than this when it is sent did not wait on the device: its instant is told, not read."""


class Skew(NamedTuple):
    """``shift`` ms are added to what is later than ``since``."""

    shift: int
    since: int


NO_SKEW: Final = Skew(0, -(2**62))


def instant_of(value: object, name: str) -> int | None:
    """Ms since 1970 of an event's text or number; None where it says nothing. Raises EventRefused."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EventRefused("bad_time", f"{name} is no time; expected ISO 8601, such as 2026-02-01T12:00:00Z")
    text = value.strip() if isinstance(value, str) else _digits(value)
    data = np.frombuffer(text.encode("utf-8", "replace") or b"?", np.uint8)
    data.flags.writeable = False
    at, kind, way, _ = time_at(data, np.int64(0), np.int64(len(data)), FIRST)
    # One event has no column that could say how 05/02/26 is meant.
    if at <= UNCLEAR or kind == NAMED or way == EITHER:
        shown = f"{name} {text[:80]!r}"
        raise EventRefused("bad_time", f"{shown} is no time; expected ISO 8601, such as 2026-02-01T12:00:00Z")
    return int(at)


def _digits(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(value)


def skew_of(sent_at: int | None, received_at: int) -> Skew:
    """How wrong the clock is that stamped ``sent_at``."""
    if sent_at is None:
        return NO_SKEW
    shift = received_at - sent_at
    # Nothing is received before it is sent: a clock that is ahead is ahead, however far.
    if abs(shift) < LEAST_SKEW or shift > MOST_BEHIND:
        return NO_SKEW
    return Skew(shift, sent_at - QUEUED)


def corrected(at: int, skew: Skew) -> int:
    """The instant by the collector's clock. Never turns the order of two instants of one device around."""
    return at + skew.shift if at > skew.since else min(at, skew.since + skew.shift)


def checked(at: int, received_at: int) -> int:
    """The instant, where a touchpoint may have it. Raises EventRefused."""
    if at < 0 or at > received_at + DAY:
        raise EventRefused("impossible_time", f"the time lies {'before 1970' if at < 0 else 'more than a day ahead'}")
    return at
