"""Lines and properties in Avro's binary encoding.

Source: Apache Avro specification, "Binary encoding": longs as zigzag varints, strings with their length in bytes,
arrays and maps as blocks (a count, then the items) that end with a count of zero, a union as its branch and value.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled
from streams.imports.canonical import NO_ENTRIES
from streams.imports.columns import Parts, from_parts, parts_of, plain
from streams.imports.money import NOT_A_NUMBER, decimal_at

_NULL: Final = b"\x00"
_VALUE: Final = b"\x02"
_ONE_BYTE: Final = 64
_SHORT: Final = [bytes([value << 1]) for value in range(_ONE_BYTE)]
_LARGEST_INT: Final = 2**31 - 1


class NestedProblem(ValueError):
    """A value for lines or properties that cannot be one; the message says why."""


def long_bytes(value: int) -> bytes:
    """Zigzag varint of a 64-bit integer."""
    if 0 <= value < _ONE_BYTE:
        return _SHORT[value]
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _string(text: str) -> bytes:
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        raise NestedProblem("half of a surrogate pair is no character") from error
    return long_bytes(len(body)) + body


def _parsed(value: object) -> object:
    """JSON text as what it says; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except RecursionError as error:
        raise NestedProblem("nested too deeply") from error
    except ValueError as error:
        raise NestedProblem(f"not JSON: {error}") from error


def texts_of(value: object) -> dict[str, str]:
    """The entries of a JSON object (as text), a struct or a map, each as text; nulls are left out."""
    found = _parsed(value)
    if not isinstance(found, dict):
        raise NestedProblem("expected an object of names and values")
    texts = {str(name): plain(entry) for name, entry in found.items()}
    return {name: text for name, text in texts.items() if text is not None}


def map_bytes(texts: Mapping[str, str]) -> bytes:
    """Avro encoding of map<string>, names in order, so that the same properties are the same bytes."""
    if not texts:
        return NO_ENTRIES
    body = b"".join(_string(name) + _string(texts[name]) for name in sorted(texts))
    return long_bytes(len(texts)) + body + NO_ENTRIES


def _number(value: object, name: str, decimals: int, *, exact: bool) -> int:
    text = plain(value) or ""
    data = np.frombuffer(text.encode() or b" ", np.uint8)
    number = decimal_at(data, 0, len(data), decimals, exact, ord("."))
    if number == NOT_A_NUMBER:
        raise NestedProblem(f"{name} {text!r} is not a {'whole ' if exact else ''}number")
    return int(number)


def _optional(body: bytes | None) -> bytes:
    return _NULL if body is None else _VALUE + body


def _line(line: object, decimals: int) -> bytes:
    if not isinstance(line, dict) or line.get("sku") in (None, ""):
        raise NestedProblem("expected objects with at least a sku")
    quantity = _number(line.get("quantity", 1), "quantity", 0, exact=True)
    if abs(quantity) > _LARGEST_INT:
        raise NestedProblem(f"quantity {quantity} does not fit 32 bits")
    amount = None
    if line.get("amount_minor") is not None:
        amount = _number(line["amount_minor"], "amount_minor", 0, exact=True)
    elif line.get("amount") is not None:
        amount = _number(line["amount"], "amount", decimals, exact=False)
    category = plain(line.get("category"))
    return (
        _string(plain(line["sku"]) or "")
        + _optional(None if category is None else _string(category))
        + long_bytes(quantity)
        + _optional(None if amount is None else long_bytes(amount))
    )


def lines_bytes(value: object, decimals: int) -> bytes:
    """Avro encoding of array<Line> of JSON text or of a list of dictionaries; ``amount`` in major units by decimals."""
    found = _parsed(value)
    if not isinstance(found, list):
        raise NestedProblem("expected a list of lines")
    if not found:
        return NO_ENTRIES
    return long_bytes(len(found)) + b"".join(_line(line, decimals) for line in found) + NO_ENTRIES


@compiled
def _varint(out: npt.NDArray[np.uint8], at: int, value: int) -> int:
    """Writes the zigzag varint of a number that is not negative; returns the position after it."""
    rest = value * 2
    while rest > 0x7F:
        out[at] = (rest & 0x7F) | 0x80
        rest >>= 7
        at += 1
    out[at] = rest
    return at + 1


@compiled
def _columns_as_maps(
    keys: Parts,
    data: npt.NDArray[np.uint8],
    bounds: npt.NDArray[np.int64],
    valid: npt.NDArray[np.bool_],
    out: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int32],
) -> None:
    at = 0
    for i in range(valid.shape[1]):
        offsets[i] = at
        count = 0
        for k in range(valid.shape[0]):
            count += 1 if valid[k, i] else 0
        if count > 0:
            at = _varint(out, at, count)
            for k in range(valid.shape[0]):
                if valid[k, i]:
                    start, stop = keys.offsets[k], keys.offsets[k + 1]
                    out[at : at + stop - start] = keys.data[start:stop]
                    at += stop - start
                    size = bounds[k, i + 1] - bounds[k, i]
                    at = _varint(out, at, size)
                    out[at : at + size] = data[bounds[k, i] : bounds[k, i + 1]]
                    at += size
        out[at] = 0
        at += 1
    offsets[valid.shape[1]] = at


def maps_of_columns(columns: Mapping[str, Any], rows: int) -> Any:
    """Binary array: the Avro map of each row of these text columns (name: column), nulls left out."""
    names = sorted(columns)
    parts = [parts_of(columns[name]) for name in names]
    keys = [_string(name) for name in names]
    starts = np.cumsum([0, *(len(part.data) for part in parts)])
    bounds = np.stack([part.offsets.astype(np.int64) + starts[k] for k, part in enumerate(parts)])
    valid = np.stack([part.valid for part in parts])
    text = sum(int(part.offsets[-1] - part.offsets[0]) for part in parts)
    room = text + rows * (sum(map(len, keys)) + 5 * len(keys) + 6)
    out, offsets = np.empty(room, np.uint8), np.empty(rows + 1, np.int32)
    data = np.concatenate([part.data for part in parts])
    _columns_as_maps(parts_of(pa.array(keys, pa.binary())), data, bounds, valid, out, offsets)
    return from_parts(offsets, out[: int(offsets[-1])], binary=True)


def none_of(rows: int) -> Any:
    """Binary array: an empty array or map in each row."""
    return from_parts(np.arange(rows + 1, dtype=np.int32), np.zeros(rows, np.uint8), binary=True)


def entries_of(array: Any) -> Sequence[object]:
    """The rows of a column of lines or properties as Python values: JSON text, lists, dictionaries, None."""
    values: list[object] = array.to_pylist()
    if pa.types.is_map(array.type):
        return [None if value is None else dict(value) for value in values]  # type: ignore[call-overload]
    return [None if value == "" else value for value in values]
