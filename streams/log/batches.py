"""Kafka's record batches (format v2), whole: fetched bytes into spans of records, columns into a batch.

Source: Apache Kafka documentation, "Record Batch" under "Message format". No object per record is made here; the
records inside of a span are read by the compiled cursor of ``records``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import google_crc32c
import numpy as np
import numpy.typing as npt

from schemas.bodies import Bodies
from streams.log.codecs import CodecError, decompress
from streams.log.headers import (
    CHECKED_FROM,
    CODEC_BITS,
    CONTROL_BIT,
    HEADER,
    LOG_APPEND_TIME_BIT,
    MAGIC,
    PREFIX,
    UNCOUNTED,
    UNKNOWN,
)
from streams.log.records import records_size, write_records

SPAN_START: Final = 0
SPAN_STOP: Final = 1
SPAN_BASE_OFFSET: Final = 2
SPAN_BASE_TIME: Final = 3
SPAN_COUNT: Final = 4
SPAN_FIXED_TIME: Final = 5
SPAN_CELLS: Final = 6


class CorruptBatch(Exception):  # it names what was found, and callers read it so
    """A batch whose bytes are not those that were written; the message says at which offset."""


class UnsupportedMagic(Exception):
    """Records in a message format older than v2 (Kafka before 0.11)."""


@dataclass(frozen=True)
class Fetch:
    """Batches ready to be applied.

    ``buffer``: uint8, read-only (compiled callers are specialised for that); a view of the fetched bytes unless a batch
    was compressed. ``spans``: int64 (n, 6), a row per batch, columns SPAN_*: start and stop of its records in
    ``buffer``, base offset, base time in ms, number of records, and 1 when every record has the base time (log append
    time) instead of its own. ``wanted``: the offset that was asked for; records before it may be present. ``end``: the
    offset after the last record contained, those of skipped control batches included; ``wanted`` when there is none.
    """

    buffer: npt.NDArray[np.uint8]
    spans: npt.NDArray[np.int64]
    wanted: int
    end: int


@dataclass(frozen=True, slots=True)
class _Batch:
    base_offset: int
    end: int
    attributes: int
    base_time: int
    count: int
    start: int
    stop: int


def read_batches(data: bytes | bytearray | memoryview, wanted: int) -> Fetch:
    """Split fetched bytes into batches, check and decompress them.

    A batch cut off at the end is left out, one that ends before ``wanted`` is passed over, control batches only count
    for ``end``. Raises CorruptBatch and UnsupportedMagic.
    """
    fetched = np.frombuffer(data, np.uint8) if len(data) else np.zeros(0, np.uint8)
    fetched.flags.writeable = False
    batches = [batch for batch in _split(fetched) if batch.end > wanted]
    end = max([wanted, *(batch.end for batch in batches)])
    batches = [batch for batch in batches if batch.count > 0 and not batch.attributes & CONTROL_BIT]
    if any(batch.attributes & CODEC_BITS for batch in batches):
        sections = [_records_of(fetched, batch) for batch in batches]
        buffer = np.frombuffer(b"".join(sections), np.uint8)
        stops = np.cumsum([len(section) for section in sections], dtype=np.int64)
        starts = np.concatenate([[0], stops[:-1]])
    else:
        buffer = fetched
        starts = np.array([batch.start for batch in batches], np.int64)
        stops = np.array([batch.stop for batch in batches], np.int64)
    spans = np.zeros((len(batches), SPAN_CELLS), np.int64)
    spans[:, SPAN_START] = starts
    spans[:, SPAN_STOP] = stops
    for span, batch in zip(spans, batches, strict=True):
        span[SPAN_BASE_OFFSET] = batch.base_offset
        span[SPAN_BASE_TIME] = batch.base_time
        span[SPAN_COUNT] = batch.count
        span[SPAN_FIXED_TIME] = batch.attributes & LOG_APPEND_TIME_BIT != 0
    return Fetch(buffer, spans, wanted, end)


def _split(fetched: npt.NDArray[np.uint8]) -> Iterator[_Batch]:
    at = 0
    while fetched.size - at >= PREFIX.size:
        base_offset, length, _, magic = PREFIX.unpack_from(fetched.data, at)
        stop = at + UNCOUNTED + length
        if magic < MAGIC and magic >= 0:
            raise UnsupportedMagic(
                f"the batch at offset {base_offset} is in message format v{magic}; only v2 is read. Let the producer "
                "and the topic use Kafka 0.11 or newer (log.message.format.version)"
            )
        if magic != MAGIC or stop - at < HEADER.size:
            raise CorruptBatch(f"the batch at offset {base_offset} has magic {magic} and length {length}")
        if stop > fetched.size:
            return
        yield _checked(fetched, at, stop)
        at = stop


def _checked(fetched: npt.NDArray[np.uint8], at: int, stop: int) -> _Batch:
    base_offset, _, _, _, crc, attributes, last, base_time, max_time, _, _, _, count = HEADER.unpack_from(
        fetched.data, at
    )
    found = google_crc32c.value(fetched[at + CHECKED_FROM : stop])
    if found != crc:
        raise CorruptBatch(f"the batch at offset {base_offset} has checksum {found:08x}, its header says {crc:08x}")
    if last < 0 or base_offset < 0:
        raise CorruptBatch(f"the batch at offset {base_offset} says that its last record is number {last}")
    fixed = attributes & LOG_APPEND_TIME_BIT
    return _Batch(
        base_offset=base_offset,
        end=base_offset + last + 1,
        attributes=attributes,
        base_time=max_time if fixed else base_time,
        count=count,
        start=at + HEADER.size,
        stop=stop,
    )


def _records_of(fetched: npt.NDArray[np.uint8], batch: _Batch) -> bytes:
    data = fetched[batch.start : batch.stop].tobytes()
    codec = batch.attributes & CODEC_BITS
    if not codec:
        return data
    try:
        return decompress(codec, data)
    except CodecError as error:
        raise CorruptBatch(f"the batch at offset {batch.base_offset} can't be decompressed: {error}") from error


def write_batch(
    keys: Bodies | None,
    bodies: Bodies,
    timestamps: npt.NDArray[np.int64],
    base_offset: int,
    null_keys: npt.NDArray[np.bool_] | None = None,
) -> bytes:
    """One uncompressed batch of create-time records with checksum, no producer id, consecutive offsets.

    ``timestamps``: ms, one per record, in any order. Without ``keys`` every key is null; ``null_keys`` marks those that
    are null among others. Raises ValueError when there is nothing to write or the columns differ in length.
    """
    count = timestamps.size
    if count == 0 or bodies.offsets.size != count + 1 or (keys is not None and keys.offsets.size != count + 1):
        raise ValueError(
            f"a batch needs as many keys and bodies as timestamps, and one at least; got {count} timestamps"
        )
    if keys is None:
        keys = Bodies(np.zeros(0, np.uint8), np.zeros(count + 1, np.int64))
        null_keys = np.ones(count, np.bool_)
    elif null_keys is None:
        null_keys = np.zeros(count, np.bool_)
    deltas = timestamps - timestamps[0]
    size = HEADER.size + records_size(keys.offsets, null_keys, bodies.offsets, deltas)
    out = np.empty(size, np.uint8)
    write_records(keys.buffer, keys.offsets, null_keys, bodies.buffer, bodies.offsets, deltas, out, HEADER.size)
    first, newest = int(timestamps[0]), int(timestamps.max())
    rest = (0, count - 1, first, newest, UNKNOWN, UNKNOWN, UNKNOWN, count)
    HEADER.pack_into(out.data, 0, base_offset, size - UNCOUNTED, UNKNOWN, MAGIC, 0, *rest)
    crc = google_crc32c.value(out[CHECKED_FROM:])
    HEADER.pack_into(out.data, 0, base_offset, size - UNCOUNTED, UNKNOWN, MAGIC, crc, *rest)
    return out.tobytes()
