"""A touchpoint as one line that people read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import fastavro

from processors.policy.policy import exponent
from schemas.fields import MINOR

_HIDDEN: Final = frozenset(("event_id", "received_at", "currency", "row", "import_id", "known"))
_MAP: Final[Any] = fastavro.parse_schema({"type": "map", "values": "string"})
_LINES: Final[Any] = fastavro.parse_schema(
    {
        "type": "array",
        "items": {
            "type": "record",
            "name": "Line",
            "fields": [
                {"name": "sku", "type": "string"},
                {"name": "category", "type": ["null", "string"]},
                {"name": "quantity", "type": "int"},
                {"name": "amount_minor", "type": ["null", "long"]},
            ],
        },
    }
)


def map_of(body: bytes) -> dict[str, str]:
    """The properties that an Avro map holds."""
    found: Any = fastavro.schemaless_reader(BytesIO(body), _MAP, None)
    return dict(found)


def lines_of(body: bytes) -> list[dict[str, Any]]:
    """The lines that an Avro array holds."""
    found: Any = fastavro.schemaless_reader(BytesIO(body), _LINES, None)
    return list(found)


def sample(row: Mapping[str, Any]) -> str:
    """The row of a canonical batch, its instant first, fields without a value left out."""
    parts = [datetime.fromtimestamp(row["occurred_at"] / 1000, UTC).isoformat(timespec="seconds")]
    currency = row["currency"]
    for name, value in row.items():
        if value is None or name in _HIDDEN or name == "occurred_at":
            continue
        if name.endswith(MINOR):
            places = exponent(currency) if currency else 2
            parts.append(
                f"{name.removesuffix(MINOR)}={value / 10**places:.{places}f}{' ' + currency if currency else ''}"
            )
        elif name == "lines":
            lines = lines_of(value)
            parts += [f"lines={len(lines)}"] if lines else []
        elif name == "properties":
            parts += [f"{key}={text}" for key, text in sorted(map_of(value).items())]
        else:
            parts.append(f"{name}={value}")
    return "  ".join(parts)
