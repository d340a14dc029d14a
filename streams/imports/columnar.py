"""Readers of Parquet files and of Avro object containers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.imports.avro_columns import flat_columns, flat_fields
from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.container import Container
from streams.imports.files import EXPECTED, LARGEST_RATIO, Input
from streams.imports.problems import InputProblem

_ROWS: Final = 65_536
MOST_TEXT: Final = 256 << 20
"""Bytes of text in one column of a batch: four kilobytes a row."""
_SMALL: Final = 64 << 20


class ParquetSource:
    """A Parquet file; only the columns that are needed are read."""

    def __init__(self, source: Input, path: Path) -> None:
        self._source = source
        try:
            self._file = pq.ParquetFile(path)
            _check_expanse(source, self._file.metadata)
            # As dictionaries texts take no more room than in the file, until it is clear how much they would.
            self._file = pq.ParquetFile(path, read_dictionary=_texts_in(self._file.schema_arrow))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(source, "Parquet", error) from error
        self.columns: tuple[str, ...] | None = tuple(self._file.schema_arrow.names)

    def close(self) -> None:
        self._file.close()

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of up to 65,536 rows."""
        total = self._file.metadata.num_rows
        first = 1
        batches = self._file.iter_batches(_ROWS, columns=None if needed is None else list(needed))
        try:
            for batch in batches:
                rows = np.arange(first, first + batch.num_rows)
                first += batch.num_rows
                columns = {
                    name: _plain(self._source, column)
                    for name, column in zip(batch.schema.names, batch.columns, strict=True)
                }
                yield Block(columns, rows, _as_json(batch), first - 1, total)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self._source, "Parquet", error) from error


def _texts_in(schema: Any) -> list[str]:
    """Columns at the top of a schema that are texts."""
    return [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]


def _check_expanse(source: Input, metadata: Any) -> None:
    """Raise InputProblem where a few bytes claim more values than any file of that size holds: runs of one value."""
    most = max(_SMALL, LARGEST_RATIO * source.size)
    values = metadata.num_rows
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        values = max([values, *(chunks.column(i).num_values for i in range(chunks.num_columns))])
    if values > most:
        raise InputProblem(
            f"{source.name}: {source.size:,} bytes claim {values:,} values, as no Parquet file does; {EXPECTED}"
        )


def _plain(source: Input, column: Any) -> Any:
    """A column without its dictionary. Raises InputProblem where that would expand it beyond what a batch may hold."""
    if not pa.types.is_dictionary(column.type):
        return column
    sizes = pc.binary_length(column.dictionary).fill_null(0)
    expanded = pc.sum(pc.take(sizes, column.indices.drop_null())).as_py() or 0
    if expanded > MOST_TEXT:
        raise InputProblem(
            f"{source.name}: {len(column):,} rows of one column hold {expanded:,} bytes of text, repeated from a "
            f"dictionary; at most {MOST_TEXT >> 20} MiB are read at once"
        )
    return column.dictionary_decode()


class AvroSource:
    """An Avro object container."""

    def __init__(self, source: Input, path: Path) -> None:
        self._source = source
        self._size = path.stat().st_size
        self._open = path.open("rb")
        try:
            container = Container(self._open, self._size)
            self._container = container
            self._flat = flat_fields(container.schema)
            self._records = container.records(_ROWS)
            self.columns: tuple[str, ...] | None = tuple(field["name"] for field in container.schema["fields"])
        except Exception as error:  # fastavro raises whatever the damaged bytes lead it to
            self._open.close()
            raise _damaged(source, "Avro", error) from error

    def close(self) -> None:
        self._open.close()

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of up to 65,536 records."""
        names = [name for name in self.columns or () if needed is None or name in needed]
        first = 1
        for columns, count in self._pieces(names):
            rows = np.arange(first, first + count)
            first += count
            batch = pa.RecordBatch.from_pydict(columns) if columns else None
            yield Block(columns, rows, _as_json(batch), self._open.tell(), self._size)

    def _pieces(self, names: list[str]) -> Iterator[tuple[dict[str, Any], int]]:
        """(columns, rows) of some records at a time."""
        try:
            if self._flat is not None:
                yield from flat_columns(self._container.blocks(), self._flat, names, _ROWS)
                return
            while records := next(self._records, []):
                yield {name: _column([record[name] for record in records]) for name in names}, len(records)
        except GeneratorExit:
            raise
        except Exception as error:
            raise _damaged(self._source, "Avro", error) from error


def _damaged(source: Input, what: str, error: Exception) -> InputProblem:
    return InputProblem(f"{source.name}: is not a whole {what} file ({error}); nothing of it was imported; {EXPECTED}")


def _as_json(batch: Any) -> Any:
    """What stands in for the original bytes of a row: the row as a JSON object."""

    def original(i: int) -> bytes:
        if batch is None:
            return b"{}"
        row = batch.slice(i, 1).to_pylist()[0]
        return (plain(row) or "").encode()

    return original


def _column(values: list[Any]) -> Any:
    """A typed column where all values agree on a type, text otherwise; arrays and records become JSON text."""
    if any(isinstance(value, dict | list) for value in values):
        return pa.array(map(plain, values), pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError):
        return pa.array(map(plain, values), pa.string())
