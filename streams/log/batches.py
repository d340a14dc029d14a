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
from schemas.reasons import BAD_BATCH, BATCH_TOO_LARGE, OK
from streams.log.codecs import CodecError, TooLarge, decompress
from streams.log.headers import (
    BATCH_UNKNOWN,
    CHECKED_FROM,
    CODEC_BITS,
    CONTROL_BIT,
    HEADER,
    LOG_APPEND_TIME_BIT,
    MAGIC,
    PREFIX,
    UNCOUNTED,
)
from streams.log.records import records_size, write_records

SPAN_START: Final = 0
SPAN_STOP: Final = 1
SPAN_BASE_OFFSET: Final = 2
SPAN_BASE_TIME: Final = 3
SPAN_COUNT: Final = 4
SPAN_FIXED_TIME: Final = 5
SPAN_REASON: Final = 6
SPAN_CELLS: Final = 7

MOST_UNPACKED: Final = 32 << 20
"""Bytes of records that one fetch holds at most once they are decompressed.

A batch of a mebibyte, which is what brokers take by default, may expand to 32 times its size; what expands to more is
no batch of events. Six batches of 37 KB that were 1.2 GB each took 7 GB (measured).
"""


class CorruptBatch(Exception):  # it names what was found, and callers read it so
    """A batch whose bytes are not those that were written; the message says at which offset."""


class UnsupportedMagic(Exception):
    """Records in a message format older than v2 (Kafka before 0.11)."""


@dataclass(frozen=True)
class Fetch:
    """Batches ready to be applied.

    ``buffer``: uint8, read-only (compiled callers are specialised for that); a view of the fetched bytes unless a batch
    was compressed. ``spans``: int64 (n, 7), a row per batch, columns SPAN_*: start and stop of its records in
    ``buffer``, base offset, base time in ms, number of records, 1 when every record has the base time (log append
    time) instead of its own, and OK or the reason why its records can't be had: then start and stop are those of the
    batch as it was fetched, header included. ``wanted``: the offset that was asked for; records before it may be
    present. ``end``: the offset after the last record contained, those of skipped control batches included; ``wanted``
    when there is none. ``whole``: nothing was left for another fetch, from ``end`` on, because it would be too much at
    once.
    """

    buffer: npt.NDArray[np.uint8]
    spans: npt.NDArray[np.int64]
    wanted: int
    end: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Batch:
    base_offset: int
    end: int
    attributes: int
    base_time: int
    count: int
    start: int
    stop: int


def read_batches(data: bytes | bytearray | memoryview, wanted: int, most: int = MOST_UNPACKED) -> Fetch:
    """Split fetched bytes into batches, check and decompress them.

    A batch cut off at the end is left out, one that ends before ``wanted`` is passed over, control batches only count
    for ``end``. Compressed batches are expanded to ``most`` bytes in all: what does not fit beside others is left for
    the next fetch, and what does not fit alone has a reason. Raises CorruptBatch and UnsupportedMagic.
    """
    fetched = np.frombuffer(data, np.uint8) if len(data) else np.zeros(0, np.uint8)
    fetched.flags.writeable = False
    batches = [batch for batch in _split(fetched) if batch.end > wanted]
    buffer, taken = fetched, [(batch.start, batch.stop, OK) for batch in batches]
    if any(batch.attributes & CODEC_BITS for batch in batches if _has_records(batch)):
        buffer, taken = _expanded(fetched, batches, most)
    whole, batches = len(taken) == len(batches), batches[: len(taken)]
    spans = np.zeros((len(batches), SPAN_CELLS), np.int64)
    for span, batch, (start, stop, reason) in zip(spans, batches, taken, strict=True):
        span[SPAN_START], span[SPAN_STOP], span[SPAN_REASON] = start, stop, reason
        span[SPAN_BASE_OFFSET] = batch.base_offset
        span[SPAN_BASE_TIME] = batch.base_time
        span[SPAN_COUNT] = batch.count
        span[SPAN_FIXED_TIME] = batch.attributes & LOG_APPEND_TIME_BIT != 0
    spans = spans[[_has_records(batch) for batch in batches]]
    return Fetch(buffer, spans, wanted, max([wanted, *(batch.end for batch in batches)]), whole)


def _has_records(batch: _Batch) -> bool:
    return batch.count > 0 and not batch.attributes & CONTROL_BIT


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


def _expanded(
    fetched: npt.NDArray[np.uint8], batches: list[_Batch], most: int
) -> tuple[npt.NDArray[np.uint8], list[tuple[int, int, int]]]:
    """The records of batches one after another, and of each its start, stop and reason; maybe not of all batches."""
    sections: list[npt.NDArray[np.uint8]] = []
    taken: list[tuple[int, int, int]] = []
    done = 0
    for batch in batches:
        section, reason = fetched[:0], OK
        if _has_records(batch):
            section, reason = _records_of(fetched, batch, most - done)
        if done and (done + section.size > most or reason == BATCH_TOO_LARGE):
            break
        sections.append(section)
        taken.append((done, done + section.size, reason))
        done += section.size
    buffer = np.concatenate(sections) if sections else fetched[:0].copy()
    buffer.flags.writeable = False
    return buffer, taken


def _records_of(fetched: npt.NDArray[np.uint8], batch: _Batch, most: int) -> tuple[npt.NDArray[np.uint8], int]:
    """A batch's records and OK; or the batch as it was fetched, and why it has none that can be read."""
    codec = batch.attributes & CODEC_BITS
    if not codec:
        return fetched[batch.start : batch.stop], OK
    try:
        return decompress(codec, fetched[batch.start : batch.stop].tobytes(), most), OK
    except TooLarge:
        reason = BATCH_TOO_LARGE
    except CodecError:
        reason = BAD_BATCH
    return fetched[batch.start - HEADER.size : batch.stop], reason


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
    rest = (0, count - 1, first, newest, BATCH_UNKNOWN, BATCH_UNKNOWN, BATCH_UNKNOWN, count)
    HEADER.pack_into(out.data, 0, base_offset, size - UNCOUNTED, BATCH_UNKNOWN, MAGIC, 0, *rest)
    crc = google_crc32c.value(out[CHECKED_FROM:])
    HEADER.pack_into(out.data, 0, base_offset, size - UNCOUNTED, BATCH_UNKNOWN, MAGIC, crc, *rest)
    return out.tobytes()
