"""What it costs to prepare a file: reading, uniting rows of one order, and counting what they mean, by format."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import fastavro
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from benchmarks.report import Figure
from benchmarks.workload import table
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.imports.survey import Survey
from streams.policies import preset

ROWS: Final = 200_000
CUSTOMERS: Final = 20_000
_FAR: Final = 4_000_000_000_000
_BARS: Final = {"csv": 3.0, "parquet": 3.0, "jsonl": 3.0, "avro": 3.0}
"""Microseconds of CPU that a row may take."""


def preparing() -> list[Figure]:
    """CPU for a row of each format, the second of two passes: the first compiles."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, path in written(folder, table(ROWS, CUSTOMERS, 1)).items():
            _prepared(path, folder)
            cost = _prepared(path, folder) / ROWS * 1e6
            figures.append(Figure(f"preparing {kind}", cost, "µs of CPU a row", at_most=_BARS[kind]))
    return figures


def written(folder: Path, rows: pa.Table) -> dict[str, Path]:
    """The rows as a file of each format."""
    plain = rows.drop_columns([name for name in ("lines", "properties") if name in rows.column_names])
    paths = {kind: folder / f"touchpoints.{kind}" for kind in _BARS}
    csv.write_csv(plain, paths["csv"])
    pq.write_table(rows, paths["parquet"])
    with paths["jsonl"].open("w") as file:
        file.writelines(json.dumps(row, default=str) + "\n" for row in plain.to_pylist())
    with paths["avro"].open("wb") as container:
        fastavro.writer(container, _schema(plain), plain.to_pylist(), codec="deflate")
    return paths


def _schema(table: Any) -> dict[str, Any]:
    names = {"string": "string", "int64": "long", "int32": "int", "double": "double", "bool": "boolean"}
    fields = [{"name": field.name, "type": ["null", names[str(field.type)]]} for field in table.schema]
    return {"type": "record", "name": "Touchpoint", "fields": fields}


def _prepared(path: Path, folder: Path) -> float:
    begin = time.process_time()
    survey = Survey(preset())
    with prepare(str(path), Mapping(), as_arrived=False, workdir=folder / "work", now=_FAR) as prepared:
        for batch in prepared.batches():
            survey.add(batch)
    if survey.rows != ROWS:
        raise RuntimeError(f"{survey.rows:,} rows of {ROWS:,} were read")
    return time.process_time() - begin
