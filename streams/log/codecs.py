"""Codecs of compressed record batches, in Kafka's framing."""

import struct
from collections.abc import Callable
from typing import Final

import cramjam

GZIP: Final = 1
SNAPPY: Final = 2
LZ4: Final = 3
ZSTD: Final = 4

_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16
_BLOCK_SIZE: Final = struct.Struct(">i")


class CodecError(ValueError):
    """Bytes that their codec can't expand."""


def _snappy(data: bytes) -> bytes:
    """Snappy as Java's xerial library frames it: 16 bytes of header, then blocks with their size in four bytes.

    Clients in C send one raw block without a frame; brokers take both.
    """
    if not data.startswith(_XERIAL):
        return bytes(cramjam.snappy.decompress_raw(data))
    blocks = []
    at = _XERIAL_HEADER
    while at < len(data):
        if len(data) - at < _BLOCK_SIZE.size:
            raise CodecError("the snappy frame ends inside the size of a block")
        (size,) = _BLOCK_SIZE.unpack_from(data, at)
        at += _BLOCK_SIZE.size
        if not 0 <= size <= len(data) - at:
            raise CodecError(f"a snappy block of {size} bytes reaches beyond its frame")
        blocks.append(bytes(cramjam.snappy.decompress_raw(data[at : at + size])))
        at += size
    return b"".join(blocks)


def _gzip(data: bytes) -> bytes:
    return bytes(cramjam.gzip.decompress(data))


def _lz4(data: bytes) -> bytes:
    return bytes(cramjam.lz4.decompress(data))


def _zstd(data: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(data))


_CODECS: Final[dict[int, Callable[[bytes], bytes]]] = {GZIP: _gzip, SNAPPY: _snappy, LZ4: _lz4, ZSTD: _zstd}


def decompress(codec: int, data: bytes) -> bytes:
    """Expand the records section of a batch. ``codec``: bits 0-2 of its attributes. Raises CodecError."""
    expand = _CODECS.get(codec)
    if expand is None:
        raise CodecError(f"codec {codec} is none of gzip (1), snappy (2), lz4 (3), zstd (4)")
    try:
        return expand(data)
    except cramjam.DecompressionError as error:
        raise CodecError(str(error)) from error
