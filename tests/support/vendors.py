"""Files of a vendor as its ready mapping reads them."""

import io
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from streams.imports.canonical import CANONICAL
from streams.imports.known_formats import ready_mapping
from streams.imports.prepare import Prepared, prepare

NOW: Final = 1_800_000_000_000


def read(name: str, text: str, folder: Path) -> tuple[list[dict[str, Any]], Prepared]:
    """(the rows of a text, what was made of it; its rejects can be counted, and no longer read)."""
    mapping = ready_mapping(name)
    with prepare(io.BytesIO(text.encode()), mapping, as_arrived=True, workdir=folder, now=NOW) as prepared:
        return pa.Table.from_batches(prepared.batches(), CANONICAL).to_pylist(), prepared


def money(rows: list[dict[str, Any]]) -> dict[tuple[str, str | None], int]:
    """Minor units by kind and currency."""
    found: Counter[tuple[str, str | None]] = Counter()
    for row in rows:
        found[row["kind"], row["currency"]] += row["amount_minor"]
    return dict(found)
