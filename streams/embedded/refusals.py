"""Refused events of the collector, from the topic of rejects into the reports.

The collector writes them to the log alone: that is durable before its answer, and never waits for the engine, whose
thread has the reports to itself.
"""

import io
from typing import Any, Final

import fastavro
import pyarrow as pa

from schemas.wire import unframe
from streams.collector.refusals import SOURCE_PREFIX
from streams.embedded.log import Log
from streams.embedded.readers import Reader
from streams.embedded.runner import Runner
from streams.outputs.rejects import TOPIC
from streams.reports.tables import REJECTS

READER: Final = "refusals"


class Refusals:
    """Reports what the collector has refused; belongs to the thread of the runner."""

    def __init__(self, log: Log, runner: Runner) -> None:
        self._reader: Final = Reader(log, READER, TOPIC.named())
        self._runner: Final = runner
        self._parsed: Final[dict[int, Any]] = {}

    def report(self) -> None:
        """Store in the reports what came since the last time. What is stored twice after a crash is there once."""
        while (batch := self._reader.read()) is not None:
            rows = [_row(self._decoded(record.value)) for record in batch.records if record.value is not None]
            ours = [row for row in rows if row["source"].startswith(SOURCE_PREFIX)]
            if ours:
                self._runner.reject(pa.Table.from_pylist(ours, REJECTS))
            self._reader.commit(batch.next_offset)

    def _decoded(self, message: bytes) -> dict[str, Any]:
        schema_id, body = unframe(message)
        if schema_id not in self._parsed:
            self._parsed[schema_id] = fastavro.parse_schema(self._runner.registry.schema(schema_id))
        value: Any = fastavro.schemaless_reader(io.BytesIO(body), self._parsed[schema_id], None)
        found: dict[str, Any] = value
        return found


def _row(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "reason": value["reason"],
        "detail": value["detail"],
        "source": value["topic"],
        "position": value["offset"],
        "partition": value["partition"],
        "at": value["at"],
        "records": value["records"],
        "payload": value["payload"],
        "payload_bytes": value["payload_bytes"],
        "payload_sha256": value["payload_sha256"],
    }
