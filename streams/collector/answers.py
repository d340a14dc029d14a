"""What a collector answers: success, why not, and when to try again."""

import base64
from collections.abc import Sequence
from typing import Final, NamedTuple

import orjson

from streams.collector.problems import EventReject, RequestRefused

JSON: Final = "application/json"
SUCCESS: Final = b'{"success":true}'
PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
MOST_TOLD: Final = 100
_STATUS: Final = {"event_too_large": 413}


class Answer(NamedTuple):
    """Status, body and headers."""

    status: int
    body: bytes
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def refused(problem: RequestRefused) -> Answer:
    """The answer to a request of which nothing is taken. 429 and 503 always say when to try again."""
    headers: tuple[tuple[str, str], ...] = ()
    if problem.retry_after is not None:
        headers += (("Retry-After", str(problem.retry_after)),)
    if problem.allow:
        headers += (("Allow", ", ".join((*problem.allow, "OPTIONS"))),)
    body = orjson.dumps({"success": False, "code": problem.code, "message": problem.message})
    return Answer(problem.status, body, JSON, headers)


def failed() -> Answer:
    """The answer where the collector itself has failed. What was sent is to come again: it may be taken then."""
    return refused(RequestRefused(500, "internal_error", "the collector has failed; its log says why", 5))


def taken(rejects: Sequence[EventReject], *, batch: bool) -> Answer:
    """The answer to a request that is in the log; what was refused of a batch is told.

    Raises RequestRefused for a lone event that was refused.
    """
    if not rejects:
        return Answer(200, SUCCESS)
    if not batch:
        first = rejects[0]
        if first.kept:
            raise RequestRefused(_STATUS.get(first.reason, 400), first.reason, first.detail)
    told = [{"index": each.index, "code": each.reason, "message": each.detail} for each in rejects[:MOST_TOLD]]
    return Answer(200, orjson.dumps({"success": True, "refused": len(rejects), "rejected": told}))
