"""Record batches against kafka-python's own writer and reader, and damage."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cramjam
import google_crc32c
import numpy as np
import pytest
from avro_cases import long_bytes, read_only
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from schemas.bodies import bodies_of
from schemas.reasons import BAD_BATCH, BAD_RECORD, BATCH_TOO_LARGE, OK
from streams.log.batches import (
    SPAN_BASE_OFFSET,
    SPAN_BASE_TIME,
    SPAN_COUNT,
    SPAN_FIXED_TIME,
    SPAN_REASON,
    SPAN_START,
    SPAN_STOP,
    CorruptBatch,
    Fetch,
    UnsupportedMagic,
    read_batches,
    write_batch,
)
from streams.log.codecs import CodecError, TooLarge, decompress
from streams.log.records import (
    HEAD_CELLS,
    HEAD_KEY,
    HEAD_KEY_SIZE,
    HEAD_NEXT,
    HEAD_OFFSET,
    HEAD_TIME,
    HEAD_VALUE,
    HEAD_VALUE_SIZE,
    next_record,
)

HEADER: Final = 61
ROOM: Final = 1 << 20
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
MAYBE_BYTES: Final = st.none() | st.binary(max_size=40)
INSTANT: Final = st.integers(0, 4_102_444_800_000)


class Record(NamedTuple):
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


drawn_records: Final = st.lists(
    st.tuples(INSTANT, MAYBE_BYTES, MAYBE_BYTES, st.lists(st.tuples(st.text(max_size=5), MAYBE_BYTES), max_size=2)),
    min_size=1,
    max_size=8,
)


def records_of(fetch: Fetch) -> list[Record]:
    """Every record of a fetch, by the compiled cursor."""
    found = []
    head = np.zeros(HEAD_CELLS, np.int64)
    for span in fetch.spans.tolist():
        at = span[SPAN_START]
        for _ in range(span[SPAN_COUNT]):
            assert next_record(fetch.buffer, at, span[SPAN_STOP], head) == OK
            at = int(head[HEAD_NEXT])
            delta = 0 if span[SPAN_FIXED_TIME] else int(head[HEAD_TIME])
            key = taken(fetch, int(head[HEAD_KEY]), int(head[HEAD_KEY_SIZE]))
            value = taken(fetch, int(head[HEAD_VALUE]), int(head[HEAD_VALUE_SIZE]))
            offset = span[SPAN_BASE_OFFSET] + int(head[HEAD_OFFSET])
            found.append(Record(offset, span[SPAN_BASE_TIME] + delta, key, value))
        assert at == span[SPAN_STOP]
    return found


def taken(fetch: Fetch, start: int, size: int) -> bytes | None:
    return None if size < 0 else fetch.buffer[start : start + size].tobytes()


def read_by_kafka(data: bytes) -> list[Record]:
    found = []
    for batch in MemoryRecords(data):
        assert batch.validate_crc()
        found += [Record(r.offset, r.timestamp, r.key, r.value) for r in batch if not batch.is_control_batch]
    return found


def kafka_batch(records: Sequence[Any], base_offset: int = 0, codec: int = NONE) -> bytes:
    """A batch as a broker stores it: the base offset stands in its header, outside of the checksum."""
    builder = MemoryRecordsBuilder(2, codec, 1 << 20)
    for timestamp, key, value, headers in records:
        assert builder.append(timestamp, key, value, headers) is not None
    builder.close()
    return struct.pack(">q", base_offset) + bytes(builder.buffer())[8:]


def xerial(data: bytes) -> bytes:
    """Snappy as Java's library frames it, in blocks so small that there are several."""
    blocks = [bytes(cramjam.snappy.compress_raw(data[i : i + 50])) for i in range(0, len(data), 50)]
    return b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + b"".join(struct.pack(">i", len(b)) + b for b in blocks)


CODECS: Final[dict[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "gzip": (GZIP, lambda data: bytes(cramjam.gzip.compress(data))),
    "snappy": (SNAPPY, xerial),
    "raw snappy": (SNAPPY, lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "lz4": (LZ4, lambda data: bytes(cramjam.lz4.compress(data))),
    "zstd": (ZSTD, lambda data: bytes(cramjam.zstd.compress(data))),
}


def sealed(batch: bytes) -> bytes:
    """The batch with the length and the checksum that its bytes ask for."""
    body = batch[21:]
    return batch[:8] + struct.pack(">i", len(batch) - 12) + batch[12:17] + struct.pack(">I", crc(body)) + body


def crc(data: bytes) -> int:
    return int(google_crc32c.value(data))


def compressed(batch: bytes, name: str) -> bytes:
    codec, compress = CODECS[name]
    (attributes,) = struct.unpack_from(">h", batch, 21)
    return sealed(batch[:21] + struct.pack(">h", attributes | codec) + batch[23:HEADER] + compress(batch[HEADER:]))


@given(st.lists(drawn_records, min_size=1, max_size=4), st.data())
def test_batches_of_kafka_python_are_read(drawn: list[list[Any]], data: st.DataObject) -> None:
    fetched, base = b"", data.draw(st.integers(0, 1 << 40))
    wanted = base
    for records in drawn:
        fetched += kafka_batch(records, base, data.draw(st.sampled_from([NONE, GZIP])))
        base += len(records)
    fetch = read_batches(fetched, wanted)
    assert records_of(fetch) == read_by_kafka(fetched)
    assert (fetch.wanted, fetch.end) == (wanted, base)


@pytest.mark.parametrize("name", CODECS)
@given(st.lists(drawn_records, min_size=1, max_size=3))
def test_every_codec_is_read(name: str, drawn: list[list[Any]]) -> None:
    """Batches of one fetch, every other of them compressed."""
    plain = [kafka_batch(records, 100 * i) for i, records in enumerate(drawn)]
    packed = [compressed(batch, name) if i % 2 == 0 else batch for i, batch in enumerate(plain)]
    assert records_of(read_batches(b"".join(packed), 0)) == read_by_kafka(b"".join(plain))


@given(
    st.lists(st.tuples(st.integers(-(1 << 62), 1 << 61), MAYBE_BYTES, st.binary(max_size=300)), min_size=1, max_size=9),
    st.integers(0, 1 << 62),
)
def test_kafka_python_reads_what_we_write(drawn: list[tuple[int, bytes | None, bytes]], base: int) -> None:
    timestamps = np.array([record[0] for record in drawn], np.int64)
    keys, nulls = [record[1] for record in drawn], np.array([record[1] is None for record in drawn])
    batch = write_batch(
        bodies_of([key or b"" for key in keys]), bodies_of([r[2] for r in drawn]), timestamps, base, nulls
    )
    expected = [Record(base + i, time, key, value) for i, (time, key, value) in enumerate(drawn)]
    assert read_by_kafka(batch) == expected
    assert records_of(read_batches(batch, base)) == expected
    (written,) = list(MemoryRecords(batch))
    assert written.max_timestamp == timestamps.max()
    assert not written.has_producer_id()


def test_our_batches_are_kafkas_to_the_byte() -> None:
    records: list[Any] = [(1000, b"k", b"value", []), (900, None, b"", []), (5000, b"", b"x" * 200, [])]
    keys, values = [b"k", b"", b""], [record[2] for record in records]
    ours = write_batch(
        bodies_of(keys), bodies_of(values), np.array([1000, 900, 5000]), 7, np.array([False, True, False])
    )
    theirs = kafka_batch(records, 7)
    assert ours[:12] + ours[16:] == theirs[:12] + theirs[16:]  # between stands the leader epoch, which a broker sets


def test_batches_without_keys() -> None:
    batch = write_batch(None, bodies_of([b"a", b"b"]), np.array([1, 2]), 0)
    assert read_by_kafka(batch) == [Record(0, 1, None, b"a"), Record(1, 2, None, b"b")]


def test_columns_of_different_lengths_are_refused() -> None:
    two, times = bodies_of([b"a", b"b"]), np.array([1, 2])
    for keys, bodies, timestamps in (
        (two, two, times[:1]),
        (two, bodies_of([b"a"]), times[:1]),
        (None, two, times[:0]),
    ):
        with pytest.raises(ValueError, match="as many keys and bodies as timestamps"):
            write_batch(keys, bodies, timestamps, 0)


def simple(base: int = 0, count: int = 3, **state: Any) -> bytes:
    builder = DefaultRecordBatchBuilder(2, state.get("codec", 0), state.get("transactional", 0), -1, -1, -1, 1 << 20)
    for i in range(count):
        builder.append(i, 1000 + i, b"key", b"value%d" % i, [])
    return struct.pack(">q", base) + bytes(builder.build())[8:]


def with_attributes(batch: bytes, bits: int) -> bytes:
    (attributes,) = struct.unpack_from(">h", batch, 21)
    return sealed(batch[:21] + struct.pack(">h", attributes | bits) + batch[23:])


def test_uncompressed_batches_are_not_copied() -> None:
    data = simple()
    fetch = read_batches(memoryview(data), 0)
    assert np.shares_memory(fetch.buffer, np.frombuffer(data, np.uint8))
    assert not fetch.buffer.flags.writeable
    assert not read_batches(bytearray(data), 0).buffer.flags.writeable


def test_log_append_time_is_one_instant_for_all() -> None:
    batch = with_attributes(simple(), 0x08)
    assert [record.timestamp for record in records_of(read_batches(batch, 0))] == [1002] * 3
    assert records_of(read_batches(batch, 0)) == read_by_kafka(batch)


def test_control_batches_only_count_for_the_end() -> None:
    data = simple(10) + with_attributes(simple(13, count=1), 0x30)
    fetch = read_batches(data, 10)
    assert [record.offset for record in records_of(fetch)] == [10, 11, 12]
    assert fetch.end == 14


def test_a_batch_that_compaction_emptied_only_counts_for_the_end() -> None:
    batch = simple(10)
    emptied = sealed(batch[:57] + struct.pack(">i", 0))
    fetch = read_batches(emptied, 10)
    assert (len(fetch.spans), fetch.end) == (0, 13)


def test_batches_before_the_wanted_offset_are_passed_over() -> None:
    data = simple(0) + simple(3) + simple(6)
    fetch = read_batches(data, 4)
    assert fetch.spans[:, SPAN_BASE_OFFSET].tolist() == [3, 6]
    assert (fetch.wanted, fetch.end) == (4, 9)
    assert read_batches(data, 99).end == 99


@pytest.mark.parametrize("packed", [False, True])
def test_a_batch_cut_off_at_the_end_is_left_out(packed: bool) -> None:
    first, second = simple(0), simple(3)
    if packed:
        first, second = compressed(first, "zstd"), compressed(second, "zstd")
    for cut in range(len(second)):
        fetch = read_batches(first + second[:cut], 0)
        assert (len(fetch.spans), fetch.end) == (1, 3)


def test_nothing_fetched() -> None:
    fetch = read_batches(b"", 17)
    assert (fetch.spans.shape, fetch.wanted, fetch.end, fetch.buffer.size) == ((0, 7), 17, 17, 0)


def test_any_flipped_bit_behind_the_checksum_is_found() -> None:
    first, second = simple(0), simple(3)
    for at in range(17, len(second)):
        damaged = second[:at] + bytes([second[at] ^ 0x10]) + second[at + 1 :]
        with pytest.raises(CorruptBatch, match="the batch at offset 3 has checksum"):
            read_batches(first + damaged, 0)


def test_malformed_headers_are_found() -> None:
    batch = simple(5)
    with pytest.raises(CorruptBatch, match="offset 5 has magic 9"):
        read_batches(batch[:16] + b"\x09" + batch[17:], 0)
    for length in (-1, 0, 48, -(1 << 31)):
        with pytest.raises(CorruptBatch, match=f"offset 5 has magic 2 and length {length}"):
            read_batches(batch[:8] + struct.pack(">i", length) + batch[12:], 0)
    with pytest.raises(CorruptBatch, match="last record is number -4"):
        read_batches(sealed(batch[:23] + struct.pack(">i", -4) + batch[27:]), 0)


@pytest.mark.parametrize("magic", [0, 1])
def test_older_formats_are_refused_with_advice(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 1 << 20)
    builder.append(0, timestamp=5, key=b"k", value=b"v")
    with pytest.raises(UnsupportedMagic, match=f"format v{magic}; only v2 is read"):
        read_batches(bytes(builder.build()), 0)


@pytest.mark.parametrize("name", CODECS)
def test_what_a_codec_cant_expand_has_a_reason_and_stands_between_its_neighbours(name: str) -> None:
    before, batch, after = compressed(simple(0), name), compressed(simple(3), name), simple(6)
    damaged = [b"", batch[HEADER:-3], b"\xff" * 30, batch[HEADER:] + b"trailing garbage"]
    for body in damaged:
        bad = sealed(batch[:HEADER] + body)
        fetch = read_batches(before + bad + after, 0)
        assert fetch.spans[:, SPAN_REASON].tolist() == [OK, BAD_BATCH, OK]
        assert taken_span(fetch, 1) == bad
        assert (taken_span(fetch, 2), fetch.end, fetch.whole) == (after[HEADER:], 9, True)


def taken_span(fetch: Fetch, number: int) -> bytes:
    span = fetch.spans[number]
    return fetch.buffer[span[SPAN_START] : span[SPAN_STOP]].tobytes()


@pytest.mark.parametrize("name", ["gzip", "lz4", "zstd"])
def test_frames_one_after_another_are_one_section(name: str) -> None:
    codec, compress = CODECS[name]
    assert decompress(codec, compress(b"first ") + compress(b"second"), ROOM).tobytes() == b"first second"


@pytest.mark.parametrize("name", CODECS)
def test_output_is_bounded_to_the_byte(name: str) -> None:
    codec, compress = CODECS[name]
    for size in (0, 1, 100, 70_000, 2_000_000):
        packed = compress(b"a" * size)
        assert decompress(codec, packed, size).size == size
        if size:
            with pytest.raises(TooLarge, match=f"{len(packed)} bytes expand to more than {size - 1}"):
                decompress(codec, packed, size - 1)


def large(base: int, size: int, name: str = "zstd") -> bytes:
    """A batch of one record of so many zeros."""
    value = bodies_of([b"\0" * size])
    return compressed(write_batch(None, value, np.zeros(1, np.int64), base), name)


@pytest.mark.parametrize("name", CODECS)
def test_a_batch_that_is_too_large_alone_has_a_reason(name: str) -> None:
    bomb = large(1, 3_000_000, name)
    fetch = read_batches(simple(0)[:0] + bomb + simple(2), 0, 2_000_000)
    assert fetch.spans[:, SPAN_REASON].tolist() == [BATCH_TOO_LARGE, OK]
    assert fetch.spans[:, SPAN_COUNT].tolist() == [1, 3]
    assert (taken_span(fetch, 0), fetch.end, fetch.whole) == (bomb, 5, True)


def test_batches_that_are_too_large_together_come_one_after_another() -> None:
    data = b"".join([large(0, 900_000), large(1, 900_000), simple(2), large(5, 2_500_000), large(6, 10)])
    found, wanted = [], 0
    while wanted < 7:
        fetch = read_batches(data, wanted, 2_000_000)
        assert fetch.buffer.size <= 2_000_000
        found.append((fetch.wanted, fetch.end, fetch.whole, fetch.spans[:, SPAN_REASON].tolist()))
        wanted = fetch.end
    assert found == [(0, 5, False, [OK, OK, OK]), (5, 7, True, [BATCH_TOO_LARGE, OK])]


def test_what_a_frame_claims_is_not_believed() -> None:
    zstd = b"\x28\xb5\x2f\xfd\xe0"  # one segment, its size in eight bytes
    claims = {
        ZSTD: [zstd + struct.pack("<Q", size) + b"\x01\0\0" for size in (1 << 40, 100 << 20)],
        SNAPPY: [b"\xff\xff\xff\xff\x0f\0a", b"\x80\x80\x80\x0a\0a"],
    }
    for codec, frames in claims.items():
        for frame in frames:
            try:
                assert decompress(codec, frame, ROOM).size <= ROOM
            except CodecError as refusal:
                assert str(refusal)  # noqa: PT017


@given(st.binary(max_size=200), st.integers(1, 4))
def test_arbitrary_bytes_are_expanded_or_refused(data: bytes, codec: int) -> None:
    try:
        assert decompress(codec, data, ROOM).dtype == np.uint8
    except CodecError as refusal:
        assert str(refusal)  # noqa: PT017  # a refusal is one of two good ends


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=200), st.integers(0, 400), st.integers(0, 7))
def test_damaged_compression_is_expanded_or_refused(name: str, data: bytes, at: int, bit: int) -> None:
    codec, compress = CODECS[name]
    packed = bytearray(compress(data))
    packed[at % len(packed)] ^= 1 << bit
    try:
        assert decompress(codec, bytes(packed), ROOM).dtype == np.uint8
    except CodecError as refusal:
        assert str(refusal)  # noqa: PT017


def test_unknown_codecs_have_a_reason() -> None:
    assert read_batches(with_attributes(simple(), 5), 0).spans[:, SPAN_REASON].tolist() == [BAD_BATCH]
    with pytest.raises(CodecError, match="codec 5 is none of"):
        decompress(5, b"", ROOM)


def test_malformed_snappy_frames() -> None:
    head = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    for body, says in ((head + b"\0\0", "inside the size"), (head + b"\0\0\x01\0ab", "256 bytes reaches beyond")):
        with pytest.raises(CodecError, match=says):
            decompress(SNAPPY, body, ROOM)


POISON: Final = [b"\xff" * 40, b"\0" * 40, b"\x02" * 40]


def read_head(body: bytes, around: bytes) -> tuple[int, list[int]]:
    head = np.full(HEAD_CELLS, 99, np.int64)
    code = next_record(read_only(around + body + around), len(around), len(around) + len(body), head)
    return code, head.tolist()


@given(st.binary(max_size=30) | st.binary(max_size=30).map(lambda body: long_bytes(len(body)) + body))
def test_no_record_makes_the_cursor_leave_its_span(body: bytes) -> None:
    results = [read_head(body, around) for around in POISON]
    assert results[1:] == results[:-1]
    code, head = results[0]
    assert code in {OK, BAD_RECORD}
    assert 40 <= head[HEAD_NEXT] <= 40 + len(body)
    if code == OK:
        for start, size in ((HEAD_KEY, HEAD_KEY_SIZE), (HEAD_VALUE, HEAD_VALUE_SIZE)):
            assert head[size] >= -1
            assert head[start] >= 40
            assert head[start] + head[size] <= head[HEAD_NEXT]
        assert body
    elif body:
        assert head[HEAD_NEXT] > 40


def record(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return long_bytes(len(body)) + body


@pytest.mark.parametrize(
    ("body", "code", "size"),
    [
        (record(b"\0", b"\x04", b"\x06", b"\x01", b"\x02v", b"\0"), OK, 8),
        (record(b"\0", b"\x04", b"\x06", b"\x01", b"\x02v"), OK, 7),  # headers are not looked at
        (record(), BAD_RECORD, None),
        (record(b"\0", b"\x04"), BAD_RECORD, 3),
        (record(b"\0", b"\x04", long_bytes(-1), b"\x01", b"\x01", b"\0"), BAD_RECORD, 7),
        (record(b"\0", b"\x04", b"\x06", long_bytes(-2), b"\x01", b"\0"), BAD_RECORD, 7),
        (record(b"\0", b"\x04", b"\x06", long_bytes((1 << 63) - 1), b"\x01"), BAD_RECORD, 15),
        (record(b"\0", b"\x04", b"\x06", b"\x01", long_bytes(3), b"v"), BAD_RECORD, 7),
        (long_bytes(200) + b"\0\x04\x06", BAD_RECORD, None),
        (long_bytes(-1) + b"\0\x04\x06", BAD_RECORD, None),
        (b"\x80" * 11, BAD_RECORD, None),
    ],
)
def test_the_cursor_finds_the_next_record_when_it_can(body: bytes, code: int, size: int | None) -> None:
    """It goes to the end of the span when the record's length can't be trusted."""
    span = body + b"\x02" * 20
    found, head = read_head(span, b"\x02" * 40)
    assert found == code
    assert head[HEAD_NEXT] == 40 + (len(span) if size is None else size)


@given(drawn_records, st.data())
def test_records_that_compaction_removed(drawn: list[Any], data: st.DataObject) -> None:
    builder = MemoryRecordsBuilder(2, NONE, 1 << 20)
    for timestamp, key, value, headers in drawn:
        builder.skip(data.draw(st.integers(0, 1000)))
        builder.append(timestamp, key, value, headers)
    builder.close()
    batch = bytes(builder.buffer())
    assert records_of(read_batches(batch, 0)) == read_by_kafka(batch)
