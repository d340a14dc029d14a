"""The columns that every file becomes, whatever its format: one for each of a touchpoint's fields."""

from typing import Final

import pyarrow as pa

from schemas.fields import FIELDS, Field, FieldType

NO_ENTRIES: Final = b"\x00"
"""Avro encoding of an empty array, and of an empty map: a block count of zero."""

ROW: Final = "row"

_ARROW: Final = {
    FieldType.TEXT: pa.string(),
    FieldType.KIND: pa.string(),
    FieldType.CURRENCY: pa.string(),
    FieldType.INSTANT: pa.int64(),
    FieldType.MONEY: pa.int64(),
    FieldType.COUNT: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.TRUTH: pa.bool_(),
    FieldType.LINES: pa.binary(),
    FieldType.PROPERTIES: pa.binary(),
}


def arrow_field(field: Field) -> pa.Field:
    """The canonical column of a touchpoint's field."""
    return pa.field(field.name, _ARROW[field.type], nullable=not field.required)


CANONICAL: Final = pa.schema([*map(arrow_field, FIELDS), pa.field(ROW, pa.int64(), nullable=False)])
"""What ``Prepared.batches`` yields, in the order of the fields of a touchpoint.

Instants in milliseconds since 1970 (UTC), money in minor units, ``lines`` and ``properties`` already in Avro's binary
encoding (array of Line, map of string), ``row`` the 1-based line or record in the file.
"""

HIGH: Final = "content_high"
LOW: Final = "content_low"
RANK: Final = "content_rank"

_EVENT_ID: Final = CANONICAL.get_field_index("event_id")

STORED: Final = (
    CANONICAL.set(_EVENT_ID, CANONICAL.field(_EVENT_ID).with_nullable(True))
    .append(pa.field(HIGH, pa.uint64()))
    .append(pa.field(LOW, pa.uint64()))
)
"""Rows on their way through the sort: an event id only where the file gave one, and the content's 128-bit hash."""

RANKED: Final = STORED.append(pa.field(RANK, pa.int32()))
"""Stored rows, with their count among identical ones."""
