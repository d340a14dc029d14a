"""The column encoder: Arrow batches in, Avro bodies out, without an object per row.

Source: Avro specification 1.12, "Binary encoding". Work goes column by column: first every column adds to the size of
each row, then every column writes its value at each row's cursor and moves it. So there is one compiled function for
each pass, whatever the schema.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled_leaf
from processors.words import copy_bytes, put_word
from schemas.bodies import Bodies
from schemas.columns import (
    COLUMN_BOOLEAN,
    COLUMN_DOUBLE,
    COLUMN_FLOAT,
    COLUMN_NUMBER,
    COLUMN_RAW,
    COLUMN_TEXT,
    NO_NULL,
    Column,
    EncodeError,
    absent,
    bytes_column,
    kind_name,
    leaf_column,
    nullable,
    numbers_column,
    slices,
    validity,
)
from schemas.varint import long_size, write_long
from schemas.wire import HEADER

__all__ = ["Bodies", "EncodeError", "columns_of", "encode_bodies", "encode_rows"]

_ROWS_AT_A_TIME: Final = 4096
"""So many rows of output stay in the processor's cache while one column after the other writes to them."""


@compiled_leaf
def _add_sizes(
    kind: int,
    null: int,
    valid: npt.NDArray[np.bool_],
    numbers: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
) -> None:
    for i in range(sizes.size):
        size = np.int64(null != NO_NULL)
        if valid[i]:
            if kind == COLUMN_NUMBER:
                size += long_size(numbers[i])
            elif kind == COLUMN_BOOLEAN:
                size += 1
            elif kind == COLUMN_DOUBLE:
                size += 8
            elif kind == COLUMN_FLOAT:
                size += 4
            else:
                length = offsets[i + 1] - offsets[i]
                size += length if kind == COLUMN_RAW else long_size(length) + length
        sizes[i] += size


@compiled_leaf
def _write(
    kind: int,
    null: int,
    valid: npt.NDArray[np.bool_],
    numbers: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    data: npt.NDArray[np.uint8],
    first: int,
    last: int,
    cursors: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint8],
) -> None:
    for i in range(first, last):
        at = cursors[i]
        if null != NO_NULL:
            at = write_long(out, at, np.int64(1 - null) if valid[i] else np.int64(null))
        if valid[i]:
            if kind == COLUMN_NUMBER:
                at = write_long(out, at, numbers[i])
            elif kind == COLUMN_BOOLEAN:
                put_word(out, at, numbers[i], 1)
                at += 1
            elif kind == COLUMN_DOUBLE:
                put_word(out, at, numbers[i], 8)
                at += 8
            elif kind == COLUMN_FLOAT:
                put_word(out, at, numbers[i], 4)
                at += 4
            else:
                length = offsets[i + 1] - offsets[i]
                if kind == COLUMN_TEXT:
                    at = write_long(out, at, length)
                at = copy_bytes(data, offsets[i], length, out, at)
        cursors[i] = at


def encode_rows(columns: Sequence[Column], rows: int) -> Bodies:
    """The values of each row, one column's after the other's."""
    offsets = np.zeros(rows + 1, np.int64)
    sizes = offsets[1:]
    for column in columns:
        _add_sizes(column.kind, column.null, column.valid, column.numbers, column.offsets, sizes)
    np.cumsum(sizes, out=sizes)
    cursors = offsets[:-1].copy()
    out = np.empty(int(offsets[-1]), np.uint8)
    for first in range(0, rows, _ROWS_AT_A_TIME):
        last = min(first + _ROWS_AT_A_TIME, rows)
        for column in columns:
            _write(*column, first, last, cursors, out)
    return Bodies(out, offsets)


def columns_of(batch: pa.RecordBatch, schema: Any) -> list[Column]:
    """One column per field of a record schema, from the batch's columns of the same names; others are left alone.

    Integers (instants too), floating-point numbers, booleans and strings are taken in any width that can be cast
    without loss. Arrays, maps and records are taken as Arrow's lists, maps and structs, or as binary: then each value
    is Avro already. A column may be missing when its field may be null, or is an array or map that is empty by default.
    Raises EncodeError.
    """
    columns = []
    for field in schema["fields"]:
        where = f"field {field['name']!r} of {schema['name']}"
        index = batch.schema.get_field_index(field["name"])
        if index < 0:
            columns.append(absent(field["type"], field.get("default"), batch.num_rows, where))
        else:
            columns.append(_column(field["type"], batch.column(index), where))
    return columns


def _column(schema: Any, array: Any, where: str) -> Column:
    inner, null = nullable(schema, where)
    name = kind_name(inner)
    if name not in {"array", "map", "record"}:
        return leaf_column(inner, null, array, where)
    valid = validity(array, null, where)
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return bytes_column(COLUMN_RAW, null, valid, *slices(array, "bytes", where))
    if name == "record" and pa.types.is_struct(array.type):
        parts = [_column(field["type"], array.field(field["name"]), where) for field in inner["fields"]]
        bodies = encode_rows(parts, len(array))
        return bytes_column(COLUMN_RAW, null, valid, bodies.offsets, bodies.buffer)
    if name == "map" and pa.types.is_map(array.type):
        first, count = _range(array)
        keys = _column("string", array.keys.slice(first, count), where)
        items = _column(inner["values"], array.items.slice(first, count), where)
        return _blocks([keys, items], array, null, valid)
    if name == "array" and (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        first, count = _range(array)
        return _blocks([_column(inner["items"], array.values.slice(first, count), where)], array, null, valid)
    raise EncodeError(f"{where}: a column of type {array.type} can't be written as {name}")


def _range(array: Any) -> tuple[int, int]:
    """Where the entries of a list or map column begin among its values, and how many there are."""
    first = array.offsets[0].as_py()
    return first, array.offsets[len(array)].as_py() - first


def _blocks(entry: Sequence[Column], array: Any, null: int, valid: npt.NDArray[np.bool_]) -> Column:
    bounds = array.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    bounds -= bounds[0]
    return lists_column(encode_rows(entry, int(bounds[-1])), bounds, null, valid)


def lists_column(
    entries: Bodies, bounds: npt.NDArray[np.int64], null: int = NO_NULL, valid: npt.NDArray[np.bool_] | None = None
) -> Column:
    """Lists and maps as their count, their entries and, unless they are empty and that was it, a count of zero.

    ``bounds`` (rows + 1): the entries of row i are those from ``bounds[i]`` to ``bounds[i + 1]``.
    """
    rows = len(bounds) - 1
    counts = np.diff(bounds)
    some = np.ones(rows, np.bool_)
    ends = np.zeros(rows + 1, np.int64)
    np.cumsum(counts > 0, out=ends[1:])
    bodies = encode_rows(
        [
            numbers_column(COLUMN_NUMBER, NO_NULL, some, counts),
            bytes_column(COLUMN_RAW, NO_NULL, some, entries.offsets[bounds], entries.buffer),
            bytes_column(COLUMN_RAW, NO_NULL, some, ends, np.zeros(int(ends[-1]), np.uint8)),
        ],
        rows,
    )
    return bytes_column(COLUMN_RAW, null, some if valid is None else valid, bodies.offsets, bodies.buffer)


def encode_bodies(batch: pa.RecordBatch, schema: Any, schema_id: int) -> Bodies:
    """The rows of a batch as messages in Confluent's wire format. Raises EncodeError; see ``columns_of``."""
    rows = batch.num_rows
    header = np.tile(np.frombuffer(HEADER.pack(0, schema_id), np.uint8), rows)
    starts = np.arange(rows + 1, dtype=np.int64) * HEADER.size
    framing = bytes_column(COLUMN_RAW, NO_NULL, np.ones(rows, np.bool_), starts, header)
    return encode_rows([framing, *columns_of(batch, schema)], rows)
