"""The touchpoints of an export that nobody has described, read by the mapping that a guess writes for it."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from streams.imports.canonical import CANONICAL
from streams.imports.guess import guessed
from streams.imports.mapping import Mapping
from streams.imports.mapping_file import mapping_of
from streams.imports.prepare import prepare
from streams.policies import preset

NOW = 1_800_000_000_000
KNOWN = frozenset(preset().kinds)
Read = tuple[list[dict[str, Any]], dict[str, int], int, str]


def read(text: str | bytes, folder: Path, more: str = "", encoding: str | None = None) -> Read:
    """(the rows, how many rejects of each reason, how many rows were left out, the mapping that was guessed)."""
    data = text.encode() if isinstance(text, str) else text
    told = guessed(io.BytesIO(data), Mapping(encoding=encoding), folder, KNOWN)
    with prepare(
        io.BytesIO(data), mapping_of(more + told, "m.toml"), as_arrived=True, workdir=folder, now=NOW
    ) as found:
        rows = pa.Table.from_batches(found.batches(), CANONICAL).to_pylist()
        return rows, dict(Counter(reject.reason for reject in found.rejects)), found.skipped, told
