"""Memory of decompression, measured in a process of its own; and messages that always fit their topics."""

import numpy as np
import pyarrow as pa
import pytest
from support.bounded import bounded

from schemas.bodies import Bodies
from schemas.registry import FileRegistry
from streams.kafka.producer import REQUEST_BYTES
from streams.kafka.topics import TOPIC_MESSAGE_BYTES, declared, topics_of
from streams.log.arranging import pieces
from streams.log.batches import MOST_UNPACKED
from streams.log.messages import reject_messages
from streams.log.writing import BATCH_BYTES, record_batches
from streams.payloads import MOST_DETAIL, MOST_PAYLOAD, brief, kept
from streams.reports.tables import REJECTS
from streams.settings import Settings

IMPORTS = """
from support.compressed import compressed, CODECS
import numpy as np
from schemas.bodies import Bodies
from streams.log.batches import write_batch, read_batches
import streams.log.batches as b
import cramjam
"""
BOMBS = """
# The bomb is made piece by piece: the process that measures has never held what it expands to.
def bomb(base):
    frames = b"".join([{frame}] * {times})
    head = write_batch(None, Bodies(np.zeros(1, np.uint8), np.array([0, 1], np.int64)), np.zeros(1, np.int64), base)
    return compressed(head, {codec!r}, lambda _: frames)
piece = b"\\0" * (16 << 20)
data = b"".join(bomb(i) for i in range(6))
del piece
"""
WORK = """
wanted, reasons = 0, []
while wanted < 6:
    fetch = read_batches(data, wanted)
    reasons += fetch.spans[:, b.SPAN_REASON].tolist()
    wanted = fetch.end
print(len(data), reasons)
"""


@pytest.mark.parametrize(
    ("codec", "frame"),
    [
        ("gzip", "bytes(cramjam.gzip.compress(piece))"),
        ("lz4", "bytes(cramjam.lz4.compress(piece))"),
        ("zstd", "bytes(cramjam.zstd.compress(piece))"),
    ],
)
def test_six_batches_of_a_gigabyte_each_take_no_more_memory_than_one_fetch_may(codec: str, frame: str) -> None:
    ended = bounded(BOMBS.format(codec=codec, frame=frame, times=64), WORK, imports=IMPORTS)
    size, _, reasons = ended.said.partition(" ")
    assert reasons == "[16, 16, 16, 16, 16, 16]"
    assert int(size) < 64 << 20
    assert ended.added < 3 * MOST_UNPACKED, ended
    assert ended.seconds < 10, ended


def largest_rejects(count: int) -> pa.Table:
    row = {
        "reason": "r" * 40,
        "detail": brief("é" * 5000),
        "source": "s" * 4096,
        "position": 2**62,
        "partition": -1,
        "at": 2**41,
        "records": 2**31,
        **kept(b"\xff" * (3 * MOST_PAYLOAD)),
    }
    return pa.Table.from_pylist([row] * count, REJECTS)


def test_the_largest_reject_fits_into_a_message_of_its_topic() -> None:
    bodies = reject_messages(largest_rejects(3), FileRegistry())
    parts = list(pieces(None, bodies, REQUEST_BYTES))
    assert [len(part.offsets) - 1 for _, part in parts] == [1, 1, 1]
    assert MOST_PAYLOAD < int(np.diff(bodies.offsets).max()) < TOPIC_MESSAGE_BYTES - 1000
    assert MOST_DETAIL < TOPIC_MESSAGE_BYTES


def test_every_topic_that_we_write_has_the_limit() -> None:
    settings = Settings()
    topics = topics_of(settings)
    limits = {each.name: each.config.get("max.message.bytes") for each in declared(settings)}
    assert limits.pop(topics.touchpoints) is None
    assert set(limits.values()) == {str(TOPIC_MESSAGE_BYTES)}


def test_batches_of_the_embedded_log_are_cut_by_bytes_too() -> None:
    size = BATCH_BYTES // 4 + 1
    offsets = np.array([0, size, 2 * size, 3 * size, 4 * size, 4 * size + 10, 4 * size + 10 + 5 * size], np.int64)
    bodies = Bodies(np.zeros(int(offsets[-1]), np.uint8), offsets)
    assert [(first, last) for _, first, last in record_batches(None, bodies, 7, 0)] == [(7, 9), (10, 11), (12, 12)]
