"""Avro object containers, block by block: what a block claims is held against what is there before it is decoded.

Source: Avro specification 1.12, "Object Container Files". ``fastavro`` believes a container: a block of no bytes may
claim 10^12 records, a compressed one of a megabyte expand to gigabytes, and a type that contains itself ends the
process in its own stack. Each block is expanded here, within a bound, and given to it as a container of its own.
"""

import io
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import cramjam
import fastavro
import numpy as np
from fastavro import schemaless_reader

MAGIC: Final = b"Obj\x01"
MOST_BLOCK: Final = 4 << 20
"""Bytes of a block, expanded. Writers end theirs at 16 to 64 KB; as Python objects they take many times the room."""
_MOST_HEADER: Final = 4 << 20
_SYNC: Final = 16
_MOST_DEPTH: Final = 32
_META: Final[Any] = fastavro.parse_schema({"type": "map", "values": "bytes"})
_SNAPPY_CHECKSUM: Final = 4


class ContainerProblem(Exception):
    """Bytes that are no container, or claim more than they hold; says what."""


class Container:
    """A container in an open file. ``schema``: as it was written."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        head = io.BytesIO(file.read(_MOST_HEADER))
        if head.read(len(MAGIC)) != MAGIC:
            raise ContainerProblem("it does not begin as a container does")
        meta: Any = schemaless_reader(head, _META, None)
        self._codec = meta.get("avro.codec", b"null").decode()
        self._sync = head.read(_SYNC)
        self._head = MAGIC + _long(2) + _entry(b"avro.schema", meta["avro.schema"])
        self._head += _entry(b"avro.codec", b"null") + _long(0) + self._sync
        file.seek(head.tell())
        reader: Any = fastavro.reader(io.BytesIO(self._head))
        self.schema: dict[str, Any] = reader.writer_schema
        _check_sizes(self.schema, {}, 0)

    def records(self, most: int) -> Iterator[list[dict[str, Any]]]:
        """All records, up to ``most`` at once. Raises ContainerProblem, and whatever fastavro does for damaged ones."""
        gathered, size, count = [self._head], 0, 0
        for number, data in self.blocks():
            gathered += [_long(number), _long(len(data)), data, self._sync]
            size, count = size + len(data), count + number
            # A reader parses the schema: one for every block would take longer than the records do.
            if size >= MOST_BLOCK or count >= most:
                yield from _decoded(gathered, most)
                gathered, size, count = [self._head], 0, 0
        yield from _decoded(gathered, most)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """(number of records, their bytes) of each block."""
        while self._file.tell() < self._size:
            count, size = self._number(), self._number()
            room = self._size - self._file.tell() - _SYNC
            if not 0 <= size <= room:
                raise ContainerProblem(f"a block claims {size:,} bytes where {max(room, 0):,} are left")
            data = self._expanded(self._file.read(size))
            if self._file.read(_SYNC) != self._sync:
                raise ContainerProblem("a block does not end where it says")
            if not 0 <= count <= len(data):
                raise ContainerProblem(f"a block of {len(data):,} bytes claims {count:,} records")
            yield count, data

    def _number(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._file.read(1)
            if not byte:
                raise ContainerProblem("it ends within the head of a block")
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
        raise ContainerProblem("the head of a block is no pair of numbers")

    def _expanded(self, data: bytes) -> bytes:
        if self._codec == "null":
            found, more = data, len(data) > MOST_BLOCK
        elif self._codec == "deflate":
            inflater = zlib.decompressobj(-15)
            found = inflater.decompress(data, MOST_BLOCK + 1)
            more = len(found) > MOST_BLOCK
        elif self._codec == "snappy":
            found, more = self._room(data[:-_SNAPPY_CHECKSUM], cramjam.snappy.decompress_raw_into)
        elif self._codec in ("zstandard", "bzip2", "xz"):
            codec: Any = {"zstandard": cramjam.zstd, "bzip2": cramjam.bzip2, "xz": cramjam.xz}[self._codec]
            found, more = self._room(data, codec.decompress_into)
        else:
            raise ContainerProblem(f"its codec {self._codec!r} is none of null, deflate, snappy, zstandard, bzip2, xz")
        if more:
            raise ContainerProblem(
                f"a block of {len(data):,} bytes holds more than {MOST_BLOCK >> 20} MiB; write it with smaller blocks"
            )
        return found

    @staticmethod
    def _room(data: bytes, expand: Any) -> tuple[bytes, bool]:
        room = np.empty(MOST_BLOCK + 1, np.uint8)
        try:
            size = int(expand(data, room.data))
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error) or "smaller than required" in str(error):
                return b"", True
            raise ContainerProblem(f"a block can't be expanded: {error}") from error
        return room[:size].tobytes(), size > MOST_BLOCK


def _decoded(container: list[bytes], most: int) -> Iterator[list[dict[str, Any]]]:
    reader: Any = fastavro.reader(io.BytesIO(b"".join(container)))
    while records := list(islice(reader, most)):
        yield records


def _long(value: int) -> bytes:
    rest, out = value << 1, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _entry(name: bytes, value: bytes) -> bytes:
    return _long(len(name)) + name + _long(len(value)) + value


def _check_sizes(schema: Any, known: dict[str, int], depth: int) -> int:
    """The least bytes that a value takes. Raises ContainerProblem where any number of values would take none."""
    if depth > _MOST_DEPTH:
        raise ContainerProblem(f"its schema has more than {_MOST_DEPTH} levels")
    if isinstance(schema, list):
        for branch in schema:
            _check_sizes(branch, known, depth + 1)
        return 1
    kind = schema["type"] if isinstance(schema, dict) else schema
    if not isinstance(kind, str):
        return _check_sizes(kind, known, depth + 1)
    if kind in known:
        if known[kind] < 0:
            raise ContainerProblem(f"its type {kind} contains itself")
        return known[kind]
    if kind in ("record", "error"):
        known[schema["name"]] = -1
        known[schema["name"]] = sum(_check_sizes(field["type"], known, depth + 1) for field in schema["fields"])
        return known[schema["name"]]
    if kind == "array" and _check_sizes(schema["items"], known, depth + 1) == 0:
        raise ContainerProblem("its schema has an array whose items take no bytes")
    if kind == "map":
        _check_sizes(schema["values"], known, depth + 1)
    if kind in ("fixed", "enum"):
        known[schema["name"]] = schema["size"] if kind == "fixed" else 1
        return int(known[schema["name"]])
    return 0 if kind == "null" else 1
