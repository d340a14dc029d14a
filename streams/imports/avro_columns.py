"""Records of an Avro container as Arrow columns, decoded by compiled code where their schema is flat.

Flat are records of numbers, texts, bytes, truths and instants, each of which may be null; what else there is goes
through ``fastavro``, an object a value. Source: Avro specification 1.12, "Binary encoding".
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled, compiled_leaf
from processors.words import Int, byte_at, word_at
from streams.imports.container import ContainerProblem
from streams.imports.scan import gather

_NULL: Final = 0
_TRUTH: Final = 1
_LONG: Final = 2
_FLOAT: Final = 3
_DOUBLE: Final = 4
_BYTES: Final = 5

_KINDS: Final = {"null": _NULL, "boolean": _TRUTH, "int": _LONG, "long": _LONG, "float": _FLOAT, "double": _DOUBLE,
                 "bytes": _BYTES, "string": _BYTES}  # fmt: skip
_INSTANTS: Final = {"timestamp-millis": 1000, "timestamp-micros": 1}
_LATEST: Final = 253_402_300_800_000_000  # µs: 10000-01-01, beyond which Python has no instants
_EARLIEST: Final = -62_135_596_800_000_000
_LONGEST: Final = 10

Bytes = npt.NDArray[np.uint8]


class Field(NamedTuple):
    """``null``: the branch of a union that is null, -1 where it is none; ``unit``: microseconds of an instant's."""

    name: str
    kind: int
    null: int
    text: bool
    unit: int


def flat_fields(schema: Any) -> list[Field] | None:
    """The fields of a record that is flat; None of any other schema."""
    if schema.get("type") != "record":
        return None
    found = [_field(field["name"], field["type"]) for field in schema["fields"]]
    return [field for field in found if field is not None] if None not in found else None


def _field(name: str, kind: Any) -> Field | None:
    null = -1
    if isinstance(kind, list):
        if len(kind) != 2 or "null" not in kind:
            return None
        null = kind.index("null")
        kind = kind[1 - null]
    unit = 0
    if isinstance(kind, dict):
        if "logicalType" in kind:
            if kind["logicalType"] not in _INSTANTS or kind["type"] != "long":
                return None
            unit = _INSTANTS[kind["logicalType"]]
        kind = kind["type"]
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    return Field(name, _KINDS[kind], null, kind == "string", unit)


@compiled_leaf
def _varint(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int]:
    """(value, where it ends) of a zigzag varint; the end is -1 where it is none."""
    value, shift = np.uint64(0), 0
    while at < stop and shift < 7 * _LONGEST:
        byte = byte_at(data, at)
        value |= np.uint64(byte & 0x7F) << np.uint64(shift)
        at += 1
        if byte < 0x80:
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
        shift += 7
    return np.int64(0), np.int64(-1)


@compiled_leaf
def _value(data: Bytes, at: Int, stop: Int, kind: int) -> tuple[Int, Int, Int]:
    """(a number, or where a text begins; where the text ends; where the value ends, -1: it is none)."""
    if kind == _LONG:
        number, at = _varint(data, at, stop)
        return number, 0, at
    if kind == _BYTES:
        size, at = _varint(data, at, stop)
        if at < 0 or size < 0 or size > stop - at:
            return 0, 0, -1
        return at, at + size, at + size
    width = 1 if kind == _TRUTH else (4 if kind == _FLOAT else 8)
    if kind == _NULL:
        return 0, 0, at
    if at + width > stop:
        return 0, 0, -1
    if kind == _DOUBLE:
        return word_at(data, at), 0, at + 8
    number = np.int64(0)
    for i in range(width):
        number |= byte_at(data, at + i) << (8 * i)
    return number, 0, at + width


@compiled
def _decode(
    data: Bytes,
    at: int,
    stop: int,
    kinds: npt.NDArray[np.int8],
    nulls: npt.NDArray[np.int8],
    first: int,
    count: int,
    values: npt.NDArray[np.int64],
    stops: npt.NDArray[np.int32],
    valid: npt.NDArray[np.bool_],
) -> int:
    """Decode ``count`` records into the rows from ``first`` on; returns where they end, or -1."""
    position: Int = np.int64(at)
    for row in range(first, first + count):
        for f in range(len(kinds)):
            given = kinds[f] != _NULL
            if nulls[f] >= 0:
                branch, position = _varint(data, position, np.int64(stop))
                if position < 0 or branch < 0 or branch > 1:
                    return -1
                given = branch != nulls[f]
            valid[f, row] = given
            if given:
                value, end, position = _value(data, position, np.int64(stop), int(kinds[f]))
                if position < 0:
                    return -1
                values[f, row], stops[f, row] = value, end
            else:
                values[f, row], stops[f, row] = 0, 0
    return int(position)


def flat_columns(
    blocks: Iterable[tuple[int, bytes]], fields: list[Field], wanted: list[str], most: int
) -> Iterator[tuple[dict[str, Any], int]]:
    """(columns, rows) of some of the blocks (number of records, their bytes), up to ``most`` rows at once, and one row
    at least. Raises ContainerProblem where the bytes are no such records."""
    kinds = np.array([field.kind for field in fields], np.int8)
    nulls = np.array([field.null for field in fields], np.int8)
    gathered: list[tuple[int, bytes]] = []
    count = size = 0
    for number, data in blocks:
        gathered.append((number, data))
        count, size = count + number, size + len(data)
        if count >= most or size >= _BATCH:
            yield from _parts(gathered, fields, wanted, kinds, nulls, most)
            gathered, count, size = [], 0, 0
    yield from _parts(gathered, fields, wanted, kinds, nulls, most)


_BATCH: Final = 8 << 20


def _parts(
    blocks: list[tuple[int, bytes]],
    fields: list[Field],
    wanted: list[str],
    kinds: npt.NDArray[np.int8],
    nulls: npt.NDArray[np.int8],
    most: int,
) -> Iterator[tuple[dict[str, Any], int]]:
    data = np.frombuffer(b"".join([*(block for _, block in blocks), bytes(8)]), np.uint8)
    rest = [number for number, _ in blocks]
    bounds = np.cumsum([0, *(len(block) for _, block in blocks)]).tolist()
    i, at = 0, 0
    while i < len(rest):
        n = min(most, sum(rest[i:]))
        values, stops = np.empty((len(fields), n), np.int64), np.empty((len(fields), n), np.int32)
        valid, first = np.empty((len(fields), n), np.bool_), 0
        while i < len(rest) and (first < n or rest[i] == 0):
            some = min(rest[i], n - first)
            at = _decode(data, at, bounds[i + 1], kinds, nulls, first, some, values, stops, valid)
            rest[i] -= some
            first += some
            if at < 0 or (rest[i] == 0 and at != bounds[i + 1]):
                raise ContainerProblem("a block does not hold the records that it claims")
            i += rest[i] == 0
        if n:
            some_of = [(f, field) for f, field in enumerate(fields) if field.name in wanted]
            yield {field.name: _column(field, data, values[f], stops[f], valid[f]) for f, field in some_of}, n


def _column(
    field: Field, data: Bytes, values: npt.NDArray[np.int64], stops: npt.NDArray[np.int32], valid: npt.NDArray[np.bool_]
) -> Any:
    """One column, of the type that its values would have as Python's."""
    if field.kind == _NULL or not valid.any():
        return pa.nulls(len(values))
    mask = None if valid.all() else ~valid
    if field.kind == _BYTES:
        return _texts(field, data, values.astype(np.int32), stops, mask)
    if field.kind == _TRUTH:
        return pa.array(values != 0, mask=mask)
    if field.kind == _DOUBLE:
        return pa.array(values.view(np.float64), mask=mask)
    if field.kind == _FLOAT:
        return pa.array(values.astype(np.uint32).view(np.float32).astype(np.float64), mask=mask)
    if not field.unit:
        return pa.array(values, mask=mask)
    if np.any((values >= _LATEST // field.unit) | (values < _EARLIEST // field.unit)):
        raise ContainerProblem(f"{field.name} has an instant beyond the year 9999")
    return pa.array(values * field.unit, mask=mask).cast(pa.timestamp("us", "UTC"))


def _texts(
    field: Field,
    data: Bytes,
    starts: npt.NDArray[np.int32],
    stops: npt.NDArray[np.int32],
    mask: npt.NDArray[np.bool_] | None,
) -> Any:
    out = np.empty(int(np.sum(stops - starts, dtype=np.int64)), np.uint8)
    offsets = np.empty(len(starts) + 1, np.int32)
    size = gather(data, starts, stops, np.zeros(len(starts), np.bool_), out, offsets)
    valid = None if mask is None else pa.array(~mask).buffers()[1]
    kind = pa.string() if field.text else pa.binary()
    column = pa.Array.from_buffers(kind, len(starts), [valid, pa.py_buffer(offsets), pa.py_buffer(out[:size])])
    if field.text:
        column.validate(full=True)
    return column
