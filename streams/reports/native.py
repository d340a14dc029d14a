"""Arrow columns as the bytes of ClickHouse's Native format, without a Python object per value.

https://clickhouse.com/docs/interfaces/formats/Native; the layout of each type is that of the server's classes
``Serialization*`` (src/DataTypes/Serializations), with which a server reads what comes over its native port: a column
is a prefix that says how it is written, which only LowCardinality has, and then its values one after the other, numbers
little-endian. Where the format leaves a choice the bytes are those that clickhouse-driver writes.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds

from streams.reports.texts import texts
from streams.reports.types import outer

_INTEGERS: Final = {
    f"{sign}Int{bits}": getattr(pa, f"{sign.lower()}int{bits}")() for sign in ("", "U") for bits in (8, 16, 32, 64)
}
_UNITS: Final = ("s", "ms", "us", "ns")
_UNIT_OF_PLACES: Final = {"0": "s", "3": "ms", "6": "us", "9": "ns"}
_KEYS_VERSION: Final = (1).to_bytes(8, "little")
# Flags of a LowCardinality: the values to choose from stand before the keys, and belong to this block alone.
_OWN_VALUES: Final = 1 << 9 | 1 << 10
_KEY_TYPES: Final = ("<u1", "<u2", "<u4")
_SYMBOLS: Final = re.compile(r"Enum8\(('\w+' = -?\d+(, )?)+\)")  # others are left to the driver
_SYMBOL: Final = re.compile(r"'(\w+)' = (-?\d+)")

Values = Callable[[pa.Array], list[bytes]]


class UnfitError(ValueError):
    """A value has no place in the server's column; says why."""


@dataclass(frozen=True)
class Encoder:
    """``prefix``: what a column starts with. ``values``: the pieces of bytes that an array becomes, in order.

    ``values`` takes arrays of the type that it was made for, also slices, and raises UnfitError.
    """

    prefix: bytes
    values: Values


def encoder(spec: str, kind: pa.DataType) -> Encoder | None:
    """How arrays of an Arrow type become a column of the server's type ``spec``; None where nothing here knows."""
    head, arguments = outer(spec)
    if head == "Nullable":
        inner = _plain(arguments[0], _value_type(kind))
        return inner and Encoder(b"", functools.partial(_nullable, inner))
    if head == "Array":
        items = encoder(arguments[0], kind.value_type) if kinds.is_list(kind) or kinds.is_large_list(kind) else None
        return items and Encoder(items.prefix, functools.partial(_lists, items.values))
    if head == "Map" and kinds.is_map(kind):
        named, held = encoder(arguments[0], kind.key_type), encoder(arguments[1], kind.item_type)
        both = named and held and functools.partial(_maps, named.values, held.values)
        return Encoder(named.prefix + held.prefix, both) if named and held and both else None
    if head == "LowCardinality":
        keyed = arguments[0] in ("String", "Nullable(String)") and _is_text(_value_type(kind))
        return Encoder(_KEYS_VERSION, functools.partial(_keyed, arguments[0] != "String")) if keyed else None
    plain = _plain(spec, _value_type(kind))
    return plain and Encoder(b"", functools.partial(_required, plain))


def _plain(spec: str, kind: pa.DataType) -> Values | None:
    """Of values that are not null."""
    head, arguments = outer(spec)
    if spec == "String" and _is_text(kind):
        return texts
    if _SYMBOLS.fullmatch(spec) and _is_text(kind):
        return functools.partial(_named, {name: int(code) for name, code in _SYMBOL.findall(spec)})
    if spec in _INTEGERS and (kinds.is_integer(kind) or kinds.is_boolean(kind)):
        return functools.partial(_numbers, _INTEGERS[spec])
    if spec == "Bool" and kinds.is_boolean(kind):
        return functools.partial(_numbers, pa.uint8())
    if spec == "Float64" and kind == pa.float64():
        return functools.partial(_numbers, kind)
    unit = _UNIT_OF_PLACES.get(arguments[0]) if head == "DateTime64" else None
    # A coarser column would lose digits; whoever declared it decides how.
    if unit and kinds.is_timestamp(kind) and _UNITS.index(kind.unit) <= _UNITS.index(unit):
        return functools.partial(_ticks, pa.timestamp(unit, kind.tz))
    return None


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if kinds.is_dictionary(kind) else kind


def _decoded(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if kinds.is_dictionary(array.type) else array


def _required(values: Values, array: pa.Array) -> list[bytes]:
    if kinds.is_dictionary(array.type) and array.dictionary.null_count:
        # A null may be one of the values of a dictionary, where its own null_count does not see it.
        array = array.dictionary_decode()
    if array.null_count:
        raise UnfitError("null in a column that must have a value")
    return values(array)


def _raw(array: pa.Array) -> bytes:
    numbers = array.to_numpy(zero_copy_only=False)
    return bytes(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes())


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return array.cast(kind)
    except pa.ArrowInvalid as error:
        raise UnfitError(str(error)) from error


def _numbers(kind: pa.DataType, array: pa.Array) -> list[bytes]:
    return [_raw(_cast(_decoded(array), kind))]


def _named(codes: Mapping[str, int], array: pa.Array) -> list[bytes]:
    found = _decoded(array).dictionary_encode()
    strange = [name for name in found.dictionary.to_pylist() if name not in codes]
    if strange:
        raise UnfitError(f"{strange[0]!r} is none of {', '.join(codes)}")
    symbols = np.array([codes[name] for name in found.dictionary.to_pylist()], np.int8)
    return [symbols[found.indices.to_numpy()].tobytes()]


def _ticks(kind: pa.DataType, array: pa.Array) -> list[bytes]:
    return [_raw(_cast(_decoded(array), kind).cast(pa.int64()))]


def _nullable(values: Values, array: pa.Array) -> list[bytes]:
    """A byte for each value, 1 where it is null; then the values, where a null is an empty text or zero."""
    plain = _decoded(array)
    if plain.null_count == 0:
        return [bytes(len(plain)), *values(plain)]
    empty = pa.scalar("", plain.type) if _is_text(plain.type) else pa.scalar(0, pa.int64()).cast(plain.type)
    return [_raw(plain.is_null().cast(pa.uint8())), *values(plain.fill_null(empty))]


def _lists(items: Values, array: pa.Array) -> list[bytes]:
    """Where each list ends among the items of all, UInt64; then these."""
    if array.null_count:
        raise UnfitError("null in a column of lists")
    ends = np.cumsum(array.value_lengths().to_numpy(), dtype="<u8")
    return [ends.tobytes(), *items(array.flatten())]


def _maps(names: Values, values: Values, array: pa.Array) -> list[bytes]:
    """Where each map ends among the entries of all, UInt64; then their names, then their values."""
    if array.null_count:
        raise UnfitError("null in a column of maps")
    offsets = array.offsets.to_numpy()
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    ends = (offsets[1:] - first).astype("<u8")
    return [ends.tobytes(), *names(array.keys.slice(first, count)), *values(array.items.slice(first, count))]


def _keyed(nullable: bool, array: pa.Array) -> list[bytes]:
    """Flags, the different values in order of appearance, and of each value its number among these.

    Where it may be null, the values begin with one that stands for null.
    """
    if len(array) == 0:
        return []
    plain = _decoded(array)
    if plain.null_count and not nullable:
        raise UnfitError("null in a column that must have a value")
    found = plain.dictionary_encode()
    count = len(found.dictionary) + nullable
    width = (count.bit_length() - 1) // 8
    keys = found.indices.fill_null(-1).to_numpy() + nullable
    return [
        np.array([_OWN_VALUES | width, count], "<i8").tobytes(),
        *([b"\0"] if nullable else []),
        *texts(found.dictionary),
        np.array([len(plain)], "<i8").tobytes(),
        keys.astype(_KEY_TYPES[width]).tobytes(),
    ]
