"""A small company's year of touchpoints, and the same as files of every format."""

import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS: Final = ("event_id", "customer_id", "occurred_at", "kind", "channel", "amount", "currency")
START: Final = datetime(2023, 1, 2, 8, tzinfo=UTC)
_KINDS: Final = (
    ("order_completed", 5),
    ("product_viewed", 4),
    ("email_delivered", 3),
    ("account_created", 1),
    ("product_reviewed", 1),
    ("account_deleted", 0.1),
)

Row = dict[str, Any]


def history(customers: int = 30, touchpoints: int = 240, days: int = 300, seed: int = 1) -> list[Row]:
    """Touchpoints in order of time, without two at one instant; amounts are None where nothing was bought."""
    chance = random.Random(seed)
    kinds, weights = zip(*_KINDS, strict=True)
    minutes = sorted(chance.sample(range(days * 1440), touchpoints))
    found = []
    for number, minute in enumerate(minutes):
        kind = chance.choices(kinds, weights)[0]
        bought = kind == "order_completed"
        found.append(
            {
                "event_id": f"e{number:05}",
                # Squared, so that some customers are seen often and some but once.
                "customer_id": f"ann-{int(customers * chance.random() ** 2):03}",
                "occurred_at": START + timedelta(minutes=minute),
                "kind": kind,
                "channel": chance.choice(("shop", "store", None)),
                "amount": Decimal(chance.randrange(500, 20_000)) / 100 if bought else None,
                "currency": "USD" if bought else None,
            }
        )
    return found


def without(column: str, rows: Sequence[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != column} for row in rows]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def csv_of(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return float(value) if isinstance(value, Decimal) else value


def jsonl_of(rows: Sequence[Row]) -> str:
    """Instants as epoch milliseconds, amounts as numbers, nulls left out."""
    objects = ({name: _plain(value) for name, value in row.items() if value is not None} for row in rows)
    return "".join(json.dumps(entry) + "\n" for entry in objects)


def jsonl_file(rows: Sequence[Row], path: Path) -> Path:
    path.write_text(jsonl_of(rows))
    return path


def parquet_of(rows: Sequence[Row], path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def avro_of(rows: Sequence[Row], path: Path) -> Path:
    types: dict[str, Any] = {
        "occurred_at": {"type": "long", "logicalType": "timestamp-millis"},
        "amount": ["null", "double"],
        "channel": ["null", "string"],
        "currency": ["null", "string"],
    }
    fields = [{"name": name, "type": types.get(name, "string")} for name in rows[0]]
    schema = fastavro.parse_schema({"type": "record", "name": "Row", "fields": fields})
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{n: _plain(value) for n, value in row.items()} for row in rows])
    return path


def gzipped(path: Path) -> Path:
    """A compressed copy beside the file."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def csv_file(rows: Sequence[Row], path: Path) -> Path:
    path.write_text(csv_of(rows))
    return path


HISTORY: Final = history()
