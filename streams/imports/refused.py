"""Rows of a file that are no touchpoints, as rows of the table of rejects: some thousands at once, however many."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import pyarrow as pa

from streams.imports.problems import ImportReject
from streams.payloads import brief, kept
from streams.reports.tables import REJECTS

FROM_A_FILE: Final = -1
"""In the place of a partition: it never came into the log, and its position is a line."""
_AT_ONCE: Final = 10_000
_BYTES_AT_ONCE: Final = 16 << 20


def reject_tables(rejects: Iterable[ImportReject], source: str, at: int) -> Iterator[pa.Table]:
    """Tables (``REJECTS``) of up to 10,000 rows. ``source``: the file's name; ``at``: when they were refused, ms."""
    rows = iter(rejects)
    while some := list(_some(rows)):
        yield pa.Table.from_pylist([_row(reject, source, at) for reject in some], REJECTS)


def _some(rejects: Iterator[ImportReject]) -> Iterator[ImportReject]:
    size = 0
    for reject in islice(rejects, _AT_ONCE):
        yield reject
        size += len(reject.payload)
        if size >= _BYTES_AT_ONCE:
            return


def _row(reject: ImportReject, source: str, at: int) -> dict[str, object]:
    return {
        "reason": reject.reason,
        "detail": brief(reject.detail),
        "source": source,
        "position": reject.row,
        "partition": FROM_A_FILE,
        "at": at,
        "records": 1,
        **kept(reject.payload),
    }
