"""What became of deliveries, as rows of the reports and as messages of a topic."""

import io
from collections.abc import Sequence
from typing import Any, Final

import fastavro
import pyarrow as pa

from schemas.registry import Registry
from schemas.wire import frame, unframe
from streams.delivery.outbox import Told
from streams.delivery.trigger import as_millis

RECORD: Final = "Delivery"


def _value(told: Told) -> dict[str, Any]:
    namespace, _, customer_id = told.customer.partition(":")
    value = told._asdict()
    del value["customer"]
    return {**value, "namespace": namespace, "customer_id": customer_id}


def rows_of(told: Sequence[Told], schema: pa.Schema) -> pa.Table:
    """Rows of ``deliveries_raw``, whose schema is told."""
    return pa.Table.from_pylist([_value(each) for each in told], schema)


class DeliveryMessages:
    """Messages of ``relasi.deliveries.v1``."""

    def __init__(self, registry: Registry) -> None:
        self._registry: Final = registry
        self._id: Final = registry.id_of(RECORD)
        self._schema: Final[Any] = fastavro.parse_schema(as_millis(registry.schema(self._id)))

    def message(self, told: Told) -> tuple[bytes, bytes]:
        """Key and message: of each endpoint and trigger the topic keeps the newest."""
        body = io.BytesIO()
        fastavro.schemaless_writer(body, self._schema, _value(told))
        return f"{told.endpoint}/{told.id}".encode(), frame(self._id, body.getvalue())

    def read(self, message: bytes) -> Told:
        """What a message tells."""
        schema_id, body = unframe(message)
        written: Any = fastavro.parse_schema(as_millis(self._registry.schema(schema_id)))
        read: Any = fastavro.schemaless_reader
        value: dict[str, Any] = read(io.BytesIO(body), written, self._schema)
        customer = f"{value.pop('namespace')}:{value.pop('customer_id')}"
        return Told(customer=customer, **value)
