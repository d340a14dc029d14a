"""Refused events as rows of the table of rejects, as those of files are."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from streams.collector.problems import EventReject
from streams.payloads import brief, kept
from streams.reports.tables import REJECTS

SOURCE_PREFIX: Final = "http:"
"""With what the source of a reject begins that never came into the log; the name of its source follows."""
OF_NO_PARTITION: Final = -1
_EVENTS: Final = 4096
"""More than a request has: so a position is one event's, within a millisecond of one source."""


def reject_rows(rejects: Sequence[EventReject], source: str, received_at: int) -> pa.Table | None:
    """Rows (``REJECTS``) of those whose bytes may be stored; None: there are none. ``position`` grows with time."""
    rows = [
        {
            "reason": reject.reason,
            "detail": brief(reject.detail),
            "source": SOURCE_PREFIX + source,
            "position": received_at * _EVENTS + reject.index,
            "partition": OF_NO_PARTITION,
            "at": received_at,
            "records": 1,
            **kept(reject.payload),
        }
        for reject in rejects
        if reject.kept
    ]
    return pa.Table.from_pylist(rows, REJECTS) if rows else None
