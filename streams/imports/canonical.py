"""The columns that every file becomes, whatever its format."""

from typing import Final

import pyarrow as pa

NO_ENTRIES: Final = b"\x00"
"""Avro encoding of an empty array, and of an empty map: a block count of zero."""

FIELDS: Final = [
    pa.field("event_id", pa.string()),
    pa.field("customer_id", pa.string()),
    pa.field("anonymous_id", pa.string()),
    pa.field("occurred_at", pa.int64(), nullable=False),
    pa.field("received_at", pa.int64(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("channel", pa.string()),
    pa.field("amount_minor", pa.int64()),
    pa.field("currency", pa.string()),
    pa.field("cost_minor", pa.int64()),
    pa.field("margin_minor", pa.int64()),
    pa.field("campaign", pa.string()),
    pa.field("order_id", pa.string()),
    pa.field("lines", pa.binary(), nullable=False),
    pa.field("agent_id", pa.string()),
    pa.field("satisfaction", pa.float64()),
    pa.field("properties", pa.binary(), nullable=False),
    pa.field("row", pa.int64(), nullable=False),
]

CANONICAL: Final = pa.schema([FIELDS[0].with_nullable(False), *FIELDS[1:]])
"""What ``Prepared.batches`` yields, in the order of the fields of a touchpoint.

Instants in milliseconds since 1970 (UTC), money in minor units, ``lines`` and ``properties`` already in Avro's binary
encoding (array of Line, map of string), ``row`` the 1-based line or record in the file.
"""

HIGH: Final = "content_high"
LOW: Final = "content_low"
RANK: Final = "content_rank"

STORED: Final = pa.schema([*FIELDS, pa.field(HIGH, pa.uint64()), pa.field(LOW, pa.uint64())])
"""Rows on their way through the sort: an event id only where the file gave one, and the content's 128-bit hash."""

RANKED: Final = STORED.append(pa.field(RANK, pa.int32()))
"""Stored rows, with their count among identical ones."""
