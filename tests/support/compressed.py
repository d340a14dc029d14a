"""Record batches as producers that compress write them."""

import struct
from collections.abc import Callable
from typing import Final

import cramjam
import google_crc32c

HEADER: Final = 61
CODECS: Final[dict[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "gzip": (1, lambda data: bytes(cramjam.gzip.compress(data))),
    "snappy": (2, lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "lz4": (3, lambda data: bytes(cramjam.lz4.compress(data))),
    "zstd": (4, lambda data: bytes(cramjam.zstd.compress(data))),
}


def sealed(batch: bytes) -> bytes:
    """The batch with the length and the checksum that its bytes ask for."""
    body = batch[21:]
    crc = int(google_crc32c.value(body))
    return batch[:8] + struct.pack(">i", len(batch) - 12) + batch[12:17] + struct.pack(">I", crc) + body


def compressed(batch: bytes, name: str, damage: Callable[[bytes], bytes] = bytes) -> bytes:
    """The same batch with its records compressed, and damaged before the checksum is made."""
    codec, compress = CODECS[name]
    (attributes,) = struct.unpack_from(">h", batch, 21)
    head = batch[:21] + struct.pack(">h", attributes | codec) + batch[23:HEADER]
    return sealed(head + damage(compress(batch[HEADER:])))
