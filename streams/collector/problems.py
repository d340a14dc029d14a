"""What can be wrong with a request as a whole (an exception) and with one event of it (a value)."""

from dataclasses import dataclass
from typing import Final

NO_CONSENT: Final = "no_consent"


class RequestRefused(Exception):
    """Nothing of the request is taken. ``retry_after``: seconds, of what may be sent again; None: never. ``allow``: the
    methods that there are, where it has another."""

    def __init__(
        self, status: int, code: str, message: str, retry_after: int | None = None, allow: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.allow = allow


class EventRefused(Exception):
    """One event can't become a touchpoint; its neighbours can. ``reason``: one of a fixed set of words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class EventReject:
    """A refused event: its number in the request, from 0, why, and its bytes as they came.

    ``kept``: whether its bytes may be stored; those of somebody who has not consented may not.
    """

    index: int
    reason: str
    detail: str
    payload: bytes
    kept: bool = True
