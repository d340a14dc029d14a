"""Which logs the reports were filled from: each has an epoch, and rows of a later one go before those of an earlier."""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from streams.reports.sink import Sink
from streams.reports.tables import LOGS

TABLE: Final = "logs_raw"
_KNOWN: Final = "SELECT id, min(epoch) AS epoch FROM logs_raw GROUP BY id"
_ROWS: Final = "SELECT count() AS n FROM touchpoints_raw"


def known_epochs(sink: Sink) -> dict[str, int]:
    """The epoch of each log by its identity. Raises ReportsError."""
    found = sink.query(_KNOWN)
    return dict(zip(found["id"].to_pylist(), found["epoch"].to_pylist(), strict=True)) if found.num_rows else {}


def write_epoch(sink: Sink, log: str, epoch: int, now: int) -> None:
    """Say that the reports have rows of a log; ``now``: ms of the shell's clock. Raises ReportsError."""
    at = datetime.fromtimestamp(now / 1000, UTC)
    sink.insert(TABLE, pa.Table.from_pylist([{"id": log, "epoch": epoch, "known_at": at}], LOGS))


def epoch_of(sink: Sink, log: str, now: int) -> int:
    """The epoch of a log that names itself but doesn't say when it was made; a new one is written.

    It is greater than that of every log that is known already. Rows from before there were epochs are those of the
    first log that is asked for. Two processes may ask for the same new log at once and, rarely, be told different ones:
    both are greater than those of the logs before it, and a partition keeps the one with which it began. Raises
    ReportsError.
    """
    known = known_epochs(sink)
    if log in known:
        return known[log]
    if known:
        epoch = max(now, max(known.values()) + 1)
    else:
        epoch = 0 if int(sink.query(_ROWS).column("n")[0].as_py()) else now
    write_epoch(sink, log, epoch, now)
    # Whoever else asked for it meanwhile has most likely written it by now: both keep the lesser one.
    return min(epoch, known_epochs(sink).get(log, epoch))
