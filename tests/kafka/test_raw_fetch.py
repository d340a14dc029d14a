"""Raw batches: transactions told apart as aiokafka tells them, partitions as every client computes them."""

from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.partitioner import murmur2
from aiokafka.record.control_record import ABORT_MARKER, COMMIT_MARKER
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from support.compressed import compressed

from schemas.bodies import bodies_of
from streams.kafka import versions
from streams.kafka.fetch import read
from streams.kafka.producer import RawBatch
from streams.kafka.versions import WrongVersion, check_versions
from streams.log.arranging import only, pieces
from streams.log.batches import CorruptBatch, UnsupportedMagic, read_batches, write_batch
from streams.log.partitioning import partitions_of
from streams.log.records import next_record

CONTROL = 0x20
READ_COMMITTED = 1


def batch(offset: int, values: list[bytes], producer: int = -1, *, control: bool = False) -> bytes:
    """A batch as aiokafka builds it; in a transaction where it has a producer."""
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, 1_000, key=value if control else None, value=value, headers=[])
    out = bytearray(builder.build())
    out[:8] = offset.to_bytes(8, "big")
    if control:
        out[22] |= CONTROL
        from google_crc32c import value as crc32c

        out[17:21] = int(crc32c(bytes(out[21:]))).to_bytes(4, "big")
    return bytes(out)


def marker(offset: int, producer: int, *, abort: bool) -> bytes:
    kind = ABORT_MARKER if abort else COMMIT_MARKER
    key = kind.version.to_bytes(2, "big") + kind.type_.to_bytes(2, "big")
    return batch(offset, [key], producer, control=True)


def values_of(data: Any) -> list[tuple[int, bytes]]:
    found = []
    head = np.zeros(7, np.int64)
    for start, stop, base, _, count, *_ in data.spans.tolist():
        at = start
        for _ in range(count):
            assert next_record(data.buffer, at, stop, head) == 0
            found.append((base + int(head[1]), data.buffer[head[4] : head[4] + head[5]].tobytes()))
            at = int(head[6])
    return found


LOG = [
    batch(0, [b"plain", b"plain too"]),
    batch(2, [b"aborted"], 7),
    batch(3, [b"committed"], 8),
    marker(4, 7, abort=True),
    batch(5, [b"the same producer's next"], 7),
    marker(6, 8, abort=False),
    marker(7, 7, abort=False),
    batch(8, [b"aborted again", b"and this"], 8),
    marker(10, 8, abort=True),
]
ABORTED = [(8, 8), (7, 2)]


@pytest.mark.parametrize("wanted", [0, 1, 3, 8])
@pytest.mark.parametrize("batches", range(1, len(LOG) + 1))
def test_aborted_transactions_are_left_out_as_aiokafka_does(wanted: int, batches: int) -> None:
    # A broker answers from the batch on that holds the wanted offset.
    first = max(number for number, each in enumerate(LOG) if int.from_bytes(each[:8], "big") <= wanted)
    data = b"".join(LOG[first : first + batches])
    tp = TopicPartition("t", 0)
    original = PartitionRecords(tp, MemoryRecords(data), list(ABORTED), wanted, None, None, True, READ_COMMITTED)
    expected = [(record.offset, record.value) for record in original]
    found = read("t", 0, data, wanted, list(ABORTED))
    assert found.fetch is not None
    assert [each for each in values_of(found.fetch) if each[0] >= wanted] == expected
    assert found.end == max(original.next_fetch_offset, wanted)
    assert found.fetch.wanted == wanted


def test_a_fetch_of_nothing_but_an_aborted_transaction_still_moves_on() -> None:
    found = read("t", 0, b"".join(LOG[7:]), 8, [(8, 8)])
    assert found.fetch is not None
    assert (found.wanted, found.end, found.fetch.end, len(found.fetch.spans)) == (8, 11, 11, 0)


def test_what_is_left_for_the_next_fetch_is_not_passed_over_for_an_aborted_transaction_behind_it() -> None:
    large = [compressed(batch(offset, [b"\0" * (20 << 20)]), "zstd") for offset in range(2)]
    data = b"".join([*large, batch(2, [b"never"], 7), marker(3, 7, abort=True)])
    first = read("t", 0, data, 0, [(7, 2)])
    then = read("t", 0, data, first.end, [(7, 2)])
    assert [(found.end, found.fetch is not None and len(found.fetch.spans)) for found in (first, then)] == [
        (1, 1),
        (4, 1),
    ]


@pytest.mark.parametrize(("place", "value", "error"), [(30, 0xFF, CorruptBatch), (16, 1, UnsupportedMagic)])
def test_what_cannot_be_read_is_handed_on_as_an_error(place: int, value: int, error: type[Exception]) -> None:
    data = bytearray(LOG[0])
    data[place] ^= value if error is CorruptBatch else data[place] ^ value
    found = read("t", 0, bytes(data), 0, [])
    assert isinstance(found.error, error)
    assert (found.end, found.fetch) == (0, None)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=50), st.integers(1, 64))
def test_partitions_are_those_of_every_client(keys: list[bytes], count: int) -> None:
    expected = [(murmur2(key) & 0x7FFFFFFF) % count for key in keys]
    assert partitions_of(bodies_of(keys), count).tolist() == expected


@given(st.lists(st.binary(max_size=10), min_size=1, max_size=30), st.data())
def test_messages_are_chosen_by_number(messages: list[bytes], data: st.DataObject) -> None:
    rows = sorted(data.draw(st.sets(st.integers(0, len(messages) - 1))))
    chosen = only(bodies_of(messages), np.array(rows, np.int64))
    assert [chosen.message(i) for i in range(len(rows))] == [messages[row] for row in rows]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=40), st.integers(1, 400))
def test_pieces_hold_all_messages_in_their_order_and_are_small(messages: list[bytes], most: int) -> None:
    bodies = bodies_of(messages)
    found = list(pieces(None, bodies, most))
    whole = [part.message(i) for _, part in found for i in range(len(part.offsets) - 1)]
    assert whole == messages
    for _, part in found:
        size = int(part.offsets[-1] - part.offsets[0]) + 24 * (len(part.offsets) - 1)
        assert size <= most or len(part.offsets) == 2


def test_a_raw_batch_takes_the_producers_identity_and_stays_readable() -> None:
    raw = RawBatch(write_batch(None, bodies_of([b"a", b"b"]), np.zeros(2, np.int64), 0), 2)
    raw._set_producer_state(5, 1, 9)
    found = read_batches(bytes(raw._build()), 0)
    assert [value for _, value in values_of(found)] == [b"a", b"b"]
    assert raw._build()[43:57] == (5).to_bytes(8, "big") + (1).to_bytes(2, "big") + (9).to_bytes(4, "big")
    assert (raw.record_count(), raw.closed(), raw.size()) == (2, True, len(raw._build()))


def test_a_raw_batch_of_a_transaction_says_so_under_its_checksum() -> None:
    raw = RawBatch(write_batch(None, bodies_of([b"a"]), np.zeros(1, np.int64), 0), 1, transactional=True)
    raw._set_producer_state(5, 1, 9)
    records = MemoryRecords(bytes(raw._build()))
    assert records.has_next()
    found = records.next_batch()
    assert (found.is_transactional, found.is_control_batch, found.producer_id, found.validate_crc()) == (
        True,
        False,
        5,
        True,
    )


def test_other_versions_of_the_libraries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_versions()
    monkeypatch.setitem(versions.VERSIONS, "aiokafka", "0.15.0")
    with pytest.raises(WrongVersion, match=f"aiokafka {version('aiokafka')} instead of 0.15.0"):
        check_versions()
