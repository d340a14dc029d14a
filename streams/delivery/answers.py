"""What a receiver's answer means for a delivery, and for everything else that waits for that receiver."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, NamedTuple

LONGEST_WAIT_MS: Final = 24 * 3_600_000
"""What a receiver asks for with ``Retry-After`` is believed up to here."""
_THROTTLES: Final = frozenset({429, 502, 504})
_BUSY: Final = frozenset({503})


class Meaning(Enum):
    """Of an answer: what becomes of the delivery."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"


class Answer(NamedTuple):
    """``status`` 0: there was none, and ``error`` says why. ``text``: the beginning of its body."""

    status: int
    retry_after: str = ""
    error: str = ""
    text: str = ""


class Verdict(NamedTuple):
    """``pause_ms``: how long nothing more should go to this receiver; 0: it may."""

    meaning: Meaning
    pause_ms: int
    why: str


def judged(answer: Answer, now: int) -> Verdict:
    """Source: Standard Webhooks 1.0.0, "Deliverability and reliability": 2xx is success, 3xx is failure (a redirect is
    never followed), 410 means that the endpoint does not want any more, 429, 502 and 504 mean that it is asked too
    often.
    """
    status = answer.status
    if 200 <= status < 300:
        return Verdict(Meaning.DELIVERED, 0, "")
    why = answer.error or f"HTTP {status}"
    if status == 410:
        return Verdict(Meaning.GONE, 0, why)
    asked = _asked_ms(answer.retry_after, now)
    throttled = status in _THROTTLES or (status in _BUSY and asked > 0)
    return Verdict(Meaning.FAILED, max(asked, 1_000) if throttled else 0, why)


def _asked_ms(text: str, now: int) -> int:
    """What ``Retry-After`` asks for; source: RFC 9110, 10.2.3: seconds or a date. 0 where it asks for nothing
    readable.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1000, LONGEST_WAIT_MS)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0
    until = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.fromtimestamp(now / 1000, UTC)
    return max(0, min(round(until.total_seconds() * 1000), LONGEST_WAIT_MS))
