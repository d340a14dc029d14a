"""Record batches of what comes out, compressed as a Kafka producer would.

Messages of facts say the same words and hashes again and again: those of judgements take a sixth of the room, and
compressing them costs less than to write them to the disk (measured: 0.2 of 1.2 microseconds a message).
"""

from typing import Final

import cramjam
import google_crc32c

from streams.log.codecs import ZSTD
from streams.log.headers import CHECKED_FROM, HEADER, UNCOUNTED

_LEVEL: Final = 1


def compressed(batch: bytes) -> bytes:
    """The same batch (format v2, uncompressed) with its records compressed; itself where that would be no shorter."""
    records = bytes(cramjam.zstd.compress(batch[HEADER.size :], level=_LEVEL))
    if len(records) >= len(batch) - HEADER.size:
        return batch
    base_offset, _, epoch, magic, _, attributes, *rest = HEADER.unpack_from(batch)
    out = bytearray(HEADER.size) + records
    head = (base_offset, len(out) - UNCOUNTED, epoch, magic)
    HEADER.pack_into(out, 0, *head, 0, attributes | ZSTD, *rest)
    HEADER.pack_into(out, 0, *head, google_crc32c.value(bytes(out[CHECKED_FROM:])), attributes | ZSTD, *rest)
    return bytes(out)
