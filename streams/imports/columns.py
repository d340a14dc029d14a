"""Arrow columns as text, and text columns as the arrays that compiled code walks."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled

_SPACE: Final = 0x20
_ASCII: Final = 0x80


class Parts(NamedTuple):
    """A text column of n rows in Arrow's own layout: offsets int32[n + 1] into data uint8, valid bool[n]."""

    offsets: npt.NDArray[np.int32]
    data: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]


def parts_of(array: Any) -> Parts:
    """Views of a string or binary array's buffers, without a copy; read-only, so that one machine code serves all."""
    _, offsets, data = array.buffers()
    n = len(array)
    bounds = np.frombuffer(offsets, np.int32)[array.offset : array.offset + n + 1] if n else np.zeros(1, np.int32)
    values = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    valid = np.ones(n, np.bool_) if array.null_count == 0 else array.is_valid().to_numpy(zero_copy_only=False)
    for view in (bounds, values, valid):
        view.flags.writeable = False
    return Parts(bounds, values, valid)


def from_parts(offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], *, binary: bool = False) -> Any:
    """A string (or binary) array without nulls over these buffers."""
    kind = pa.binary() if binary else pa.string()
    return pa.Array.from_buffers(kind, len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def integers_of(array: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(values with zero for null, valid) of an integer or a double array, doubles as their bits; read-only."""
    if pa.types.is_floating(array.type):
        values = array.fill_null(0.0).to_numpy(zero_copy_only=False).astype(np.float64).view(np.int64)
    else:
        values = array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    valid = np.ones(len(array), np.bool_) if array.null_count == 0 else array.is_valid().to_numpy(zero_copy_only=False)
    for view in (values, valid):
        view.flags.writeable = False
    return values, valid


@compiled
def _is_clean(offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_]) -> bool:
    for i in range(len(valid)):
        if valid[i]:
            start, stop = offsets[i], offsets[i + 1]
            if stop <= start:
                return False
            first, last = data[start], data[stop - 1]
            if first <= _SPACE or last <= _SPACE or first >= _ASCII or last >= _ASCII:
                return False
    return True


def trimmed(array: Any) -> Any:
    """Text without white space at its ends; what is empty then is null."""
    if _is_clean(*parts_of(array)):
        return array
    bare = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(pc.binary_length(bare), 0), pa.scalar(None, pa.string()), bare)


def joined_texts(texts: Sequence[Any], between: str) -> Any:
    """Text columns as one, with a text between two values, nulls left out; null where all are.

    Arrow's own way to skip nulls (``binary_join_element_wise``) leaves out rows in which all are null (*measured*, 21).
    """
    found = texts[0]
    for other in texts[1:]:
        both = pc.binary_join_element_wise(found, other, between)
        found = pc.coalesce(both, found, other)
    return found


_WHOLE: Final = r"^(-?[0-9]+)\.0+$"


def whole(text: Any) -> Any:
    """A text column, whole numbers that were written with decimals (``42.0``) without them."""
    if not pc.any(pc.match_substring(text, ".0")).as_py():
        return text
    return pc.replace_substring_regex(text, _WHOLE, r"\1")


def text_of(array: Any) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """(any column as trimmed text, rows that are not UTF-8 or None when all are).

    Numbers in their shortest exact form (12, 11.77), NaN as null, instants as ISO 8601, nested values as JSON.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string()), None
    if is_text(kind):
        return _utf8(array)
    if pa.types.is_floating(kind):
        array = _plain_numbers(array.cast(pa.float64()))
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(kind):
        return array.cast(pa.string()), None
    return trimmed(pa.array(map(plain, array.to_pylist()), pa.string())), None


def is_text(kind: Any) -> bool:
    """Whether an Arrow type holds text, or bytes that may be text."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    tests: list[Callable[[Any], bool]] = [
        pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
        pa.types.is_fixed_size_binary, pa.types.is_string_view, pa.types.is_binary_view,
    ]  # fmt: skip
    return any(test(kind) for test in tests)


def _utf8(array: Any) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    try:
        text = array.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        values = array.cast(pa.binary()).to_pylist()
        bad = np.array([value is not None and not _is_utf8(value) for value in values])
        kept = [None if bad[i] or value is None else value.decode() for i, value in enumerate(values)]
        return trimmed(pa.array(kept, pa.string())), bad
    return trimmed(text), None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plain_numbers(array: Any) -> Any:
    """Doubles with NaN as null, as integers when all of them are (customer ids out of a data frame with gaps)."""
    values = array.to_numpy(zero_copy_only=False)
    missing = np.isnan(values)
    filled = np.where(missing, 0.0, values)
    if bool(np.all((np.abs(filled) < 2.0**53) & (filled == np.floor(filled)))):
        return pa.array(filled.astype(np.int64), mask=missing)
    return pa.array(filled, mask=missing)


def plain(value: object) -> str | None:
    """One value out of a record as text: the same rendering as ``text_of`` gives a whole column."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict | list | tuple):
        return _JSON.encode(value)
    return str(value)


_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=plain)
