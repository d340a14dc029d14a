"""Codecs of compressed record batches, in Kafka's framing, each bounded in what it may expand to.

Three megabytes of zeros are three kilobytes on the wire, and what a frame claims of its own size is only a claim. So no
codec is asked how large its output is going to be: each writes into room that we give, and stops where that ends.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import cramjam
import numpy as np
import numpy.typing as npt

GZIP: Final = 1
SNAPPY: Final = 2
LZ4: Final = 3
ZSTD: Final = 4

_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16
_BLOCK_SIZE: Final = struct.Struct(">i")
_LEAST_ROOM: Final = 64 << 10
_USUAL_RATIO: Final = 16
_NO_ROOM: Final = "failed to write whole buffer"
"""What cramjam says where the output is full, whatever the codec."""

Bytes = npt.NDArray[np.uint8]
_Into = Callable[[bytes, Bytes], int]


class CodecError(ValueError):
    """Bytes that their codec can't expand."""


class TooLarge(CodecError):
    """Bytes that expand to more than was allowed."""


def _snappy(data: bytes, room: Bytes) -> int:
    """Snappy as Java's xerial library frames it: 16 bytes of header, then blocks with their size in four bytes.

    Clients in C send one raw block without a frame; brokers take both.
    """
    if not data.startswith(_XERIAL):
        return _raw_snappy(data, room)
    at, done = _XERIAL_HEADER, 0
    while at < len(data):
        if len(data) - at < _BLOCK_SIZE.size:
            raise CodecError("the snappy frame ends inside the size of a block")
        (size,) = _BLOCK_SIZE.unpack_from(data, at)
        at += _BLOCK_SIZE.size
        if not 0 <= size <= len(data) - at:
            raise CodecError(f"a snappy block of {size} bytes reaches beyond its frame")
        done += _raw_snappy(data[at : at + size], room[done:])
        at += size
    return done


def _raw_snappy(data: bytes, room: Bytes) -> int:
    """A raw block begins with its own length, which the expansion must have exactly."""
    if cramjam.snappy.decompress_raw_len(data) > len(room):
        raise TooLarge(_NO_ROOM)
    return int(cramjam.snappy.decompress_raw_into(data, room.data))


def _by(codec: Any) -> _Into:
    return lambda data, room: int(codec.decompress_into(data, room))


_CODECS: Final[dict[int, _Into]] = {
    GZIP: _by(cramjam.gzip),
    SNAPPY: _snappy,
    LZ4: _by(cramjam.lz4),
    ZSTD: _by(cramjam.zstd),
}


def decompress(codec: int, data: bytes, most: int) -> Bytes:
    """Expand the records section of a batch to at most ``most`` bytes. ``codec``: bits 0-2 of its attributes.

    Raises TooLarge, and CodecError for bytes that are damaged or followed by others.
    """
    expand = _CODECS.get(codec)
    if expand is None:
        raise CodecError(f"codec {codec} is none of gzip (1), snappy (2), lz4 (3), zstd (4)")
    usual = min(most, max(_LEAST_ROOM, _USUAL_RATIO * len(data)))
    try:
        return _expanded(expand, data, usual)
    except TooLarge:
        if usual == most:
            raise
    return _expanded(expand, data, most)


def _expanded(expand: _Into, data: bytes, most: int) -> Bytes:
    # Pages that nothing is written to cost nothing: room is address space until it is used.
    room = np.empty(most, np.uint8)
    try:
        size = expand(data, room)
    except cramjam.DecompressionError as error:
        if _NO_ROOM in str(error):
            raise TooLarge(f"{len(data)} bytes expand to more than {most}") from error
        raise CodecError(str(error)) from error
    except TooLarge:
        raise TooLarge(f"{len(data)} bytes expand to more than {most}") from None
    room.resize(size, refcheck=False)
    return room
