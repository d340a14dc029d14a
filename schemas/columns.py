"""Arrow columns as plain arrays that the compiled encoder can loop over, one per field of a schema."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

COLUMN_NUMBER: Final = 0
COLUMN_BOOLEAN: Final = 1
COLUMN_DOUBLE: Final = 2
COLUMN_FLOAT: Final = 3
COLUMN_TEXT: Final = 4
COLUMN_RAW: Final = 5

NO_NULL: Final = -1

_INT_MIN: Final = -(1 << 31)
_INT_MAX: Final = (1 << 31) - 1
_NUMBERS: Final = {
    "int": COLUMN_NUMBER,
    "long": COLUMN_NUMBER,
    "boolean": COLUMN_BOOLEAN,
    "double": COLUMN_DOUBLE,
    "float": COLUMN_FLOAT,
}
_NO_NUMBERS: Final = np.zeros(0, np.int64)
_NO_DATA: Final = np.zeros(0, np.uint8)
for _nothing in (_NO_NUMBERS, _NO_DATA):
    _nothing.flags.writeable = False


class EncodeError(ValueError):
    """A batch that can't be written with its schema; says which field and what was expected."""


class Column(NamedTuple):
    """One field of all rows, in the form that the encoder writes.

    ``kind``: one of the constants above. ``null``: the branch number of null in its union, or NO_NULL. ``valid``: bool
    (n,). ``numbers``: int64 (n,), integers, truth values or the bits of floating-point numbers. ``offsets`` int64
    (n + 1,) and ``data`` uint8: the bytes of TEXT, and of RAW, which are Avro already.
    """

    kind: int
    null: int
    valid: npt.NDArray[np.bool_]
    numbers: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only view: compiled functions are specialised for that, and Arrow's own buffers are read-only anyway."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def numbers_column(kind: int, null: int, valid: npt.NDArray[np.bool_], numbers: npt.NDArray[np.int64]) -> Column:
    """A column of integers, truth values or bits."""
    return Column(kind, null, frozen(valid), frozen(numbers), _NO_NUMBERS, _NO_DATA)


def bytes_column(
    kind: int, null: int, valid: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
) -> Column:
    """A column of texts, or of bytes that are Avro already."""
    return Column(kind, null, frozen(valid), _NO_NUMBERS, frozen(offsets), frozen(data))


def nullable(schema: Any, where: str) -> tuple[Any, int]:
    """The type in a union of two with null, and null's branch number; of any other type itself and NO_NULL."""
    if not isinstance(schema, list):
        return schema, NO_NULL
    if len(schema) != 2 or "null" not in schema:
        raise EncodeError(f"{where}: only unions of null and one other type are written, not {schema}")
    null = schema.index("null")
    return schema[1 - null], null


def kind_name(schema: Any) -> str:
    """Name of an Avro type without its attributes."""
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def absent(schema: Any, default: Any, rows: int, where: str) -> Column:
    """The column of a field that the batch lacks: null, or the empty array or map that is its default."""
    inner, null = nullable(schema, where)
    if null != NO_NULL:
        return numbers_column(COLUMN_NUMBER, null, np.zeros(rows, np.bool_), np.zeros(rows, np.int64))
    if kind_name(inner) in {"array", "map"} and default in ([], {}):
        return bytes_column(
            COLUMN_RAW, NO_NULL, np.ones(rows, np.bool_), np.arange(rows + 1, dtype=np.int64), np.zeros(rows, np.uint8)
        )
    raise EncodeError(f"{where}: the batch has no such column, and the field may not be null")


def validity(array: Any, null: int, where: str) -> npt.NDArray[np.bool_]:
    """Which rows have a value. Raises EncodeError when one has none and the field may not be null."""
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    valid: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    if null == NO_NULL:
        raise EncodeError(f"{where}: row {int(np.argmin(valid))} of the batch is null, which its schema doesn't allow")
    return valid


def leaf_column(schema: Any, null: int, array: Any, where: str) -> Column:
    """The column of a primitive type."""
    valid = validity(array, null, where)
    name = kind_name(schema)
    if name in _NUMBERS:
        return numbers_column(_NUMBERS[name], null, valid, _numbers(schema, name, array, valid, where))
    if name in {"string", "bytes"}:
        return bytes_column(COLUMN_TEXT, null, valid, *slices(array, name, where))
    raise EncodeError(f"{where}: columns of type {name} are not written")


def _numbers(schema: Any, name: str, array: Any, valid: npt.NDArray[np.bool_], where: str) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[Any]
    if name == "boolean":
        array = _cast(array, pa.bool_(), where)
        if array.null_count == 0:
            found: npt.NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
            return found.astype(np.int64)
        return _values(array.cast(pa.uint8()), np.uint8).astype(np.int64)
    if name == "double":
        return _values(_cast(array, pa.float64(), where), np.int64)
    if name == "float":
        return _values(_cast(array, pa.float32(), where), np.int32).astype(np.int64)
    if pa.types.is_timestamp(array.type):
        if not isinstance(schema, dict) or schema.get("logicalType") != "timestamp-millis":
            raise EncodeError(f"{where}: instants are only written to fields of logical type timestamp-millis")
        array = _cast(array, pa.timestamp("ms", array.type.tz), where)
    numbers = _integers(array, where)
    if name == "int":
        outside = valid & ((numbers < _INT_MIN) | (numbers > _INT_MAX))
        if outside.any():
            row = int(np.argmax(outside))
            raise EncodeError(f"{where}: {numbers[row]} in row {row} of the batch doesn't fit into 32 bits")
    return numbers


def _integers(array: Any, where: str) -> npt.NDArray[np.int64]:
    kind = array.type
    if pa.types.is_timestamp(kind):
        array, kind = array.view(pa.int64()), pa.int64()
    if pa.types.is_integer(kind) and kind != pa.uint64():
        # An Arrow cast costs more than a message of a few rows (measured), and none of these can lose anything.
        return _values(array, kind.to_pandas_dtype()).astype(np.int64)
    return _values(_cast(array, pa.int64(), where), np.int64)


def _cast(array: Any, target: Any, where: str) -> Any:
    try:
        return array if array.type == target else array.cast(target)
    except pa.ArrowException as error:
        raise EncodeError(f"{where}: a column of type {array.type} can't be written as {target}: {error}") from error


def _values(array: Any, dtype: Any) -> npt.NDArray[Any]:
    data = array.buffers()[1]
    if data is None or len(array) == 0:
        return np.zeros(len(array), dtype)
    return np.frombuffer(data, dtype, count=len(array), offset=array.offset * np.dtype(dtype).itemsize)


def slices(array: Any, name: str, where: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets and data of texts or bytes. Text fields take text only: that's known to be UTF-8."""
    large = pa.large_string() if name == "string" else pa.large_binary()
    narrow = pa.string() if name == "string" else pa.binary()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if name == "string" and (pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)):
        raise EncodeError(f"{where}: a text field takes a column of strings, not of {array.type}")
    if array.type != narrow:
        array = _cast(array, large, where)
    dtype = np.int32 if array.type == narrow else np.int64
    _, offsets, data = array.buffers()
    if offsets is None or len(array) == 0:
        return np.zeros(len(array) + 1, np.int64), _NO_DATA
    found = np.frombuffer(offsets, dtype, count=len(array) + 1, offset=array.offset * np.dtype(dtype).itemsize)
    return found.astype(np.int64), np.frombuffer(data, np.uint8) if data is not None and data.size else _NO_DATA
