"""Messages of the log in the wire format, and the topic that they go to."""

import io
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa

from schemas.bodies import Bodies, bodies_of
from schemas.encode import encode_bodies
from schemas.registry import Registry
from schemas.wire import frame

TOUCHPOINTS_TOPIC: Final = "relasi.touchpoints.v1"


def message(registry: Registry, name: str, value: dict[str, Any]) -> bytes:
    """One message in the wire format, for the few that are built one by one."""
    schema_id = registry.id_of(name)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(registry.schema(schema_id)), value)
    return frame(schema_id, body.getvalue())


def encoded(registry: Registry, name: str, columns: pa.RecordBatch) -> Bodies:
    """Messages in the wire format, one a row of the columns."""
    schema_id = registry.id_of(name)
    return encode_bodies(columns, registry.schema(schema_id), schema_id)


def text_bodies(column: pa.Array) -> Bodies:
    """The bytes of a string column without nulls."""
    column = column.cast(pa.large_binary())
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    return Bodies(np.frombuffer(data or b"", np.uint8), places)


def reject_messages(rows: pa.Table, registry: Registry) -> Bodies:
    """Messages of rejects, which have no key. A row of a file has a line instead of an offset."""
    return bodies_of(
        [
            message(
                registry,
                "Reject",
                {
                    "topic": row["source"],
                    "partition": row["partition"],
                    "offset": row["position"],
                    "line": row["position"] if row["partition"] < 0 else None,
                    "reason": row["reason"],
                    "detail": row["detail"],
                    "payload": row["payload"],
                    "at": row["at"],
                    "records": row["records"],
                    "payload_bytes": row["payload_bytes"],
                    "payload_sha256": row["payload_sha256"],
                },
            )
            for row in rows.to_pylist()
        ]
    )
