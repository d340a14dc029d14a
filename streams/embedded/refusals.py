"""Refused events of the collector, from the log into the reports.

The collector writes them to the log alone: that is durable before its answer, and never waits for the engine, whose
thread has the reports to itself.
"""

from typing import Final

import pyarrow as pa

from streams.collector.refusals import SOURCE_PREFIX
from streams.embedded.log import REFUSED, Log
from streams.embedded.readers import Reader
from streams.embedded.runner import Runner
from streams.log.messages import reject_rows
from streams.reports.tables import REJECTS

READER: Final = "refusals"


class Refusals:
    """Reports what the collector has refused; belongs to the thread of the runner."""

    def __init__(self, log: Log, runner: Runner) -> None:
        self._reader: Final = Reader(log, READER, REFUSED)
        self._runner: Final = runner

    def report(self) -> None:
        """Store in the reports what came since the last time. What is stored twice after a crash is there once."""
        while (batch := self._reader.read()) is not None:
            rows = reject_rows(
                (record.value for record in batch.records if record.value is not None), self._runner.registry
            )
            ours = [row for row in rows if row["source"].startswith(SOURCE_PREFIX)]
            if ours:
                self._runner.reject(pa.Table.from_pylist(ours, REJECTS))
            self._reader.commit(batch.next_offset)
