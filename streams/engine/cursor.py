"""Where the compiled loop stands, what it lists, and why it returns."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from schemas.touchpoint import SLOTS
from streams.engine.ahead import VIEW_CELLS
from streams.engine.links import LINK
from streams.engine.outcomes import OUTCOME_REJECTED
from streams.engine.translating import ANEW_CELLS
from streams.log.batches import SPAN_COUNT, SPAN_START, SPAN_STOP, Fetch
from streams.log.records import HEAD_CELLS

# Why the loop returned to Python.
STATUS_FINISHED: Final = 0
STATUS_NEED_ROOM: Final = 1
STATUS_NEED_FACTS: Final = 2
STATUS_POLICY_READ: Final = 3
STATUS_SCHEMA_WANTED: Final = 4
STATUS_POISONED: Final = 5
STATUS_FULL: Final = 6  # of rejects: what there is goes out first
STATUS_NEED_SENDS: Final = 8  # room for what is for other partitions
STATUS_OTHER_LAYOUT: Final = 9  # another version sent a row
STATUS_FOREIGN: Final = 7  # touchpoints are met that have to be written anew before they can be read

# Of an accepted touchpoint: its Avro body, as the reports get it; the wire schema id that it came with; its offset; and
# the message as it came.
TAKEN_START: Final = 0
TAKEN_LENGTH: Final = 1
TAKEN_SCHEMA: Final = 2
TAKEN_OFFSET: Final = 3
TAKEN_MESSAGE: Final = 4
TAKEN_MESSAGE_LENGTH: Final = 5
TAKEN_CELLS: Final = 6

# Slots of Cursor.at.
AT_SPAN: Final = 0
AT_PLACE: Final = 1  # of the next record in the buffer; 0: the span has not been begun
AT_DONE: Final = 2  # records of the span that are done
AT_NEXT: Final = 3  # the first offset that has not been processed
AT_TIME: Final = 4  # the newest tick
AT_REJECTS: Final = 5
AT_TAKEN: Final = 6  # accepted touchpoints listed
AT_BAD_RUN: Final = 7  # consecutive rejects
AT_START: Final = 8  # of the value that Python has to look at
AT_LENGTH: Final = 9
AT_OFFSET: Final = 10  # of the record that the loop stands at
AT_EXPECTED: Final = 11  # the least offset that the span's next record can have; 0: the span's own
AT_END: Final = 12  # of the fetch: the offset after its last record
AT_LINKS: Final = 13  # links of which it is listed what became of them
AT_SENDS: Final = 14  # what is for other partitions
AT_PACKED: Final = 15  # bytes of the rows among them
AT_ORDINAL: Final = 16  # how many of them this record has caused
AT_CELLS: Final = 17

SENDS: Final = 16_384
SENT_BYTES: Final = 4 << 20
POISON_RUN: Final = 10_000
MOST_REJECTS: Final = 50_000
"""Of one pass. 32 MiB of records can be millions of bad ones, each of which is going to be a row and a message."""
NO_LIMIT: Final = -1
_SMALLEST_RECORD: Final = 2  # its length, and attributes where everything else is missing: a reject

REJECT: Final = np.dtype(
    [
        ("offset", "i8"),
        ("start", "i8"),
        ("length", "i8"),
        ("time", "i8"),
        ("records", "i4"),
        ("reason", "i4"),
        ("detail", "i4"),
    ],
    align=True,
)


SEND: Final = np.dtype(
    [
        ("partition", "i4"),  # whose owner it is for
        ("ordinal", "i4"),
        ("offset", "i8"),
        ("what", "i4"),
        ("by", "i4"),
        ("trusted", "i4"),
        ("framed", "i4"),
        ("at", "i8"),
        ("left", "i8"),
        ("into", "i8"),
        ("start", "i8"),
        ("length", "i8"),
    ],
    align=True,
)


class Cursor(NamedTuple):
    """Where the loop stands in a fetch, and what it lists of it."""

    at: npt.NDArray[np.int64]  # shape (CURSOR,)
    counts: npt.NDArray[np.int64]  # shape (len(OUTCOMES),)
    taken: npt.NDArray[np.int64]  # shape (n, TAKEN_CELLS)
    rejects: Any  # recarray of REJECT
    head: npt.NDArray[np.int64]  # shape (HEAD_CELLS,): scratch of next_record
    slots: npt.NDArray[np.int64]  # shape (SLOTS, 2): scratch of the decoder
    ahead: npt.NDArray[np.int64]  # shape (VIEW,): how far ahead it looked
    anew: npt.NDArray[np.int64]  # shape (n, ANEW_CELLS): touchpoints that were written anew
    links: Any  # recarray of LINK; may be empty, then nothing is listed
    sends: Any  # recarray of SEND; empty where there is one partition
    packed: npt.NDArray[np.uint8]  # rows among what is sent


@compiled_leaf
def reject(
    cursor: Cursor, offset: int, start: int, length: int, reason: int, records: int = 1, detail: int = 0
) -> None:
    """List a record that can't be applied, or a batch of some; ``start`` and ``length`` of its bytes in the buffer.

    ``detail``: number of the text that says more than the reason does; 0: none.
    """
    at = cursor.at
    entry = cursor.rejects[at[AT_REJECTS]]
    entry.offset = offset
    entry.start = start
    entry.length = length
    entry.time = at[AT_TIME]
    entry.records = records
    entry.reason = reason
    entry.detail = detail
    at[AT_REJECTS] += 1
    at[AT_BAD_RUN] += 1
    cursor.counts[OUTCOME_REJECTED] += 1


def most_records(fetch: Fetch) -> int:
    """So many records a fetch can have at most, and one more for each of its batches."""
    sizes = (fetch.spans[:, SPAN_STOP] - fetch.spans[:, SPAN_START]) // _SMALLEST_RECORD + 1
    # A header's count may lie; the bytes that follow it bound how many records there can be.
    return int(np.minimum(fetch.spans[:, SPAN_COUNT], sizes).clip(0).sum()) + len(fetch.spans)


def new_cursor(
    fetch: Fetch,
    counts: npt.NDArray[np.int64],
    after: int,
    time: int,
    bad_run: int,
    *,
    collect: bool,
    others: bool = False,
) -> Cursor:
    """A cursor at the beginning of a fetch; ``after``: the first offset that has not been processed.

    ``others``: whether there are other partitions.
    """
    records = most_records(fetch)
    at = np.zeros(AT_CELLS, np.int64)
    at[AT_NEXT], at[AT_TIME], at[AT_BAD_RUN], at[AT_END] = after, time, bad_run, fetch.end
    return Cursor(
        at=at,
        counts=counts,
        taken=np.empty((records if collect else 0, TAKEN_CELLS), np.int64),
        rejects=np.zeros(min(records, MOST_REJECTS), REJECT).view(np.recarray),
        head=np.zeros(HEAD_CELLS, np.int64),
        slots=np.zeros((SLOTS, 2), np.int64),
        ahead=np.zeros(VIEW_CELLS, np.int64),
        anew=np.zeros((0, ANEW_CELLS), np.int64),
        links=np.empty(records if collect else 0, LINK).view(np.recarray),
        sends=np.empty(SENDS if others else 0, SEND).view(np.recarray),
        packed=np.empty(SENT_BYTES if others else 0, np.uint8),
    )
