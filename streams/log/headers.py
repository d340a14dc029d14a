"""The header of a record batch (format v2): the one place that knows where its fields stand.

Source: Apache Kafka documentation, "Record Batch" under "Message format".
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import google_crc32c

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
PREFIX: Final = struct.Struct(">qiib")
"""Base offset, length, leader epoch (or the checksum of older formats), magic: at the same place in every format."""
UNCOUNTED: Final = 12
"""The length of a batch counts what follows the length itself."""
CHECKED_FROM: Final = 21
"""The checksum covers the attributes and everything after them."""
MAGIC: Final = 2
CODEC_BITS: Final = 0x07
LOG_APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20
BATCH_UNKNOWN: Final = -1
"""Stands for no leader epoch, no producer and no sequence."""

_BASE_OFFSET: Final = struct.Struct(">q")
_CHECKSUM: Final = struct.Struct(">I")
_CHECKSUM_AT: Final = 17
_PRODUCER: Final = struct.Struct(">qhi")
_PRODUCER_AT: Final = 43
_LOW_ATTRIBUTES_AT: Final = 22
"""The lower byte of the attributes."""


class Header(NamedTuple):
    """What a complete batch says of itself: ``data[start:stop]`` holds it; ``end`` is the offset after its last one."""

    start: int
    stop: int
    base_offset: int
    end: int
    attributes: int
    producer: int

    @property
    def records(self) -> int:
        """Where its records begin."""
        return self.start + HEADER.size


def complete_headers(data: bytes) -> Iterator[Header]:
    """Headers of the complete batches, unchecked; ends before the first that is cut off or not of format v2."""
    at = 0
    while len(data) - at >= HEADER.size:
        base_offset, length, _, magic, _, attributes, last, _, _, producer, _, _, _ = HEADER.unpack_from(data, at)
        stop = at + UNCOUNTED + length
        if magic != MAGIC or stop > len(data) or stop - at < HEADER.size:
            return
        yield Header(at, stop, base_offset, base_offset + last + 1, attributes, producer)
        at = stop


def offsets_of(batch: bytes) -> tuple[int, int]:
    """First and last offset of exactly one batch. Raises ValueError for any other bytes."""
    header = next(complete_headers(batch), None)
    if header is None or header.stop != len(batch):
        raise ValueError(f"these {len(batch)} bytes are not exactly one record batch")
    return header.base_offset, header.end - 1


def moved(batch: bytes, base_offset: int) -> bytes:
    """The same batch at another place in its partition, which no checksum covers."""
    return _BASE_OFFSET.pack(base_offset) + batch[_BASE_OFFSET.size :]


def put_producer(batch: bytearray, producer: int, epoch: int, sequence: int, *, transactional: bool = False) -> None:
    """Write an idempotent producer's state into a batch, and the checksum that follows from it.

    ``transactional``: the batch belongs to the producer's transaction.
    """
    if transactional:
        batch[_LOW_ATTRIBUTES_AT] |= TRANSACTIONAL_BIT
    _PRODUCER.pack_into(batch, _PRODUCER_AT, producer, epoch, sequence)
    _CHECKSUM.pack_into(batch, _CHECKSUM_AT, google_crc32c.value(bytes(batch[CHECKED_FROM:])))
