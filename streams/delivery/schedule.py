"""When an attempt is due. Pure: instants in ms since 1970 are arguments, and chance is a hash."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
DELAYS: Final = (
    0, 5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
"""Before each attempt, after the one before it failed; source: Standard Webhooks 1.0.0, "Deliverability and
reliability".
"""
JITTER: Final = 0.1


def delay_ms(delivery: str, attempts: int) -> int | None:
    """How long after its failed attempt number ``attempts`` (from 1) a delivery is tried again; None: not any more.

    Up to a tenth longer, so that what failed together is not repeated together; the same for the same delivery, so
    that a process that was killed waits no other time.
    """
    if attempts >= len(DELAYS):
        return None
    digest = hashlib.blake2b(f"{delivery}/{attempts}".encode(), digest_size=8).digest()
    return round(DELAYS[attempts] * (1 + JITTER * int.from_bytes(digest) / 2**64))


_ZONE_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


class BadHours(ValueError):
    """Quiet hours or a time zone that can't be read."""


@cache
def _zone(name: str) -> ZoneInfo:
    """A zone by the data that comes with this release, and not by those of the machine: each machine means the same.

    Raises BadHours.
    """
    if _ZONE_NAME.fullmatch(name):
        try:
            with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
                return ZoneInfo.from_file(data, key=name)
        except (OSError, ValueError):
            pass
    raise BadHours(f"{name!r} is no time zone; write one like Europe/Berlin")


def _minutes(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2 and int(hours) < 24 and int(minutes) < 60):
        raise BadHours(f"{text!r} is no time of day; write 21:00")
    return int(hours) * 60 + int(minutes)


def after_quiet(now: int, hours: str, zone: str) -> int:
    """The first instant from ``now`` on that is outside of quiet hours (``21:00-08:00``, local) in a zone; ms.

    The end of the hours is outside. Where clocks go forward over it, the first instant after the gap. Raises BadHours.
    """
    if not hours:
        return now
    begin_text, dash, end_text = hours.partition("-")
    if not dash:
        raise BadHours(f"{hours!r} are no quiet hours; write 21:00-08:00")
    begin, end = _minutes(begin_text), _minutes(end_text)
    local = datetime.fromtimestamp(now / 1000, _zone(zone or "UTC"))
    at = local.hour * 60 + local.minute
    inside = begin <= at < end if begin <= end else at >= begin or at < end
    if not inside:
        return now
    ends = local.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0, fold=0)
    if end <= at:
        ends += timedelta(days=1)
    # Arithmetic on local times ignores changes of the clocks; the way over UTC settles what the zone says of that day.
    return max(now, round(ends.astimezone(UTC).timestamp() * 1000))


def hours_before_a_day(hours: str, at: int, zone: str) -> str:
    """Quiet hours of what is for one day, such as a birthday: also while that day has not begun in the zone.

    ``at``: the day's midnight in UTC (ms), when it is the day before in the zones west of Greenwich; there it is quiet
    from then, by local time, until midnight or the end of ``hours`` after it. Raises BadHours.
    """
    local = datetime.fromtimestamp(at / 1000, _zone(zone or "UTC"))
    if local.date() >= datetime.fromtimestamp(at / 1000, UTC).date():
        return hours
    since, (first, _, last) = local.hour * 60 + local.minute, (hours or "00:00-00:00").partition("-")
    begin, end = _minutes(first), _minutes(last)
    if begin > end:
        since = min(since, begin)
    elif end > since:  # both lie in the day before
        since, end = min(since, begin), 0
    return f"{since // 60:02}:{since % 60:02}-{end // 60:02}:{end % 60:02}"
