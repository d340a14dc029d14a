"""Which record batches belong to no aborted transaction: what a reader of committed records leaves out.

Source: Apache Kafka documentation, "Control Batches" under "Message format", and KIP-98.
"""

from typing import Final

import numpy as np

from schemas.reasons import OK
from streams.log.headers import CONTROL_BIT, TRANSACTIONAL_BIT, Header, complete_headers
from streams.log.records import HEAD_CELLS, HEAD_KEY, HEAD_KEY_SIZE, next_record

_ABORT: Final = 0


def _is_abort(data: bytes, batch: Header) -> bool:
    """Whether a control batch marks the end of an aborted transaction. Its only record's key says so: version, type."""
    buffer = np.frombuffer(data, np.uint8)
    head = np.zeros(HEAD_CELLS, np.int64)
    if next_record(buffer, batch.records, batch.stop, head) != OK or head[HEAD_KEY_SIZE] < 4:
        return False
    return int.from_bytes(data[head[HEAD_KEY] + 2 : head[HEAD_KEY] + 4], "big") == _ABORT


def committed(data: bytes, aborted: list[tuple[int, int]]) -> tuple[bytes, int]:
    """(the batches that belong to no aborted transaction, offset after the last batch seen).

    ``aborted``: (producer id, first offset) of each, as the broker lists them with a fetch.
    """
    waiting = sorted(aborted, key=lambda entry: entry[1])
    open_producers: set[int] = set()
    kept: list[bytes] = []
    end = 0
    for batch in complete_headers(data):
        end = batch.end
        while waiting and waiting[0][1] <= batch.base_offset:
            open_producers.add(waiting.pop(0)[0])
        if batch.attributes & CONTROL_BIT and _is_abort(data, batch):
            open_producers.discard(batch.producer)
        if not (batch.attributes & TRANSACTIONAL_BIT and batch.producer in open_producers):
            kept.append(data[batch.start : batch.stop])
    return b"".join(kept), end
