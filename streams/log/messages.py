"""Messages of the log in the wire format, and the topic that they go to."""

import hashlib
import io
from collections.abc import Iterable
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa

from schemas.bodies import Bodies, bodies_of
from schemas.encode import encode_bodies
from schemas.registry import Registry
from schemas.wire import frame, unframe
from streams.log.topics import TOUCHPOINTS_TOPIC as TOUCHPOINTS_TOPIC


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


def reject_rows(messages: Iterable[bytes], registry: Registry) -> list[dict[str, Any]]:
    """What messages of rejects tell, as rows of the reports' table: the opposite of ``reject_messages``."""
    return [_reject_row(each, registry) for each in messages]


def _reject_row(told: bytes, registry: Registry) -> dict[str, Any]:
    schema_id, body = unframe(told)
    schema = fastavro.parse_schema(registry.schema(schema_id))
    found: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
    payload = found["payload"]
    # Messages of the first version had all the bytes, and told neither their number nor a digest.
    return {
        **{name: found[name] for name in ("partition", "reason", "detail", "payload", "at")},
        "source": found["topic"],
        "position": found["offset"],
        "records": found.get("records", 1),
        "payload_bytes": len(payload) if found.get("payload_bytes") is None else found["payload_bytes"],
        "payload_sha256": found.get("payload_sha256") or hashlib.sha256(payload).hexdigest(),
    }
