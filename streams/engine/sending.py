"""What the owner of a partition has for the owner of another one: listed by compiled code, sent by the shell.

Everything is sent in the order of the log, and all of it again after a crash; each has the offset of the record that
caused it and an ordinal, and the receiver takes what is greater than the greatest that it has taken from this
partition.
"""

from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, copy_bytes, put_word, word_at
from streams.engine.cursor import AT_ORDINAL, AT_PACKED, AT_SENDS, Cursor
from streams.engine.described import our_layout
from streams.engine.hot import OUR_LAYOUT
from streams.engine.packing import HEAD_BYTES, PACKED_BYTES, ROW_WORDS, is_sound, pack_row
from streams.engine.rows import USED_NUMBER, USED_PARTITIONS, USED_TAKEN, Table, home_of, id_length, id_start

MISPLACED: Final = 0  # what; as schemas/records/forward.1.avsc
TOUCHPOINT: Final = 1
LINK: Final = 2
MERGE: Final = 3

LAYOUT_HASH: Final = np.int64(int.from_bytes(sha256(our_layout().text()).digest()[:8], "little", signed=True))
"""By which a row that is sent tells how it is laid out."""
LAYOUT_BYTES: Final = 8
_PER_RECORD: Final = 4

Bytes = npt.NDArray[np.uint8]


@compiled_inline
def sends_full(table: Table, cursor: Cursor) -> bool:
    """Whether what one more record may send might not fit."""
    if table.used[USED_PARTITIONS] == 1:
        return False
    at = cursor.at
    crowded = at[AT_PACKED] + 2 * PACKED_BYTES + LAYOUT_BYTES > len(cursor.packed)
    return bool(crowded or at[AT_SENDS] + _PER_RECORD > len(cursor.sends))


@compiled_leaf
def send(
    table: Table,
    cursor: Cursor,
    offset: int,
    what: int,
    at: int,
    left: int,
    into: int,
    towards: int,
    by: int,
    trusted: bool,
    start: int,
    length: int,
    framed: bool,
) -> None:
    """List what goes to the owner of ``towards``; ``left`` and ``into`` by their numbers, below zero: none.

    ``start``, ``length``: of the body in the fetched buffer, of a merge in the cursor's own bytes. ``framed``: whether
    it begins with its schema's id.
    """
    entry = cursor.sends[cursor.at[AT_SENDS]]
    entry.partition = home_of(table, table.ids, id_start(table, towards), id_length(table, towards))
    entry.ordinal = cursor.at[AT_ORDINAL]
    entry.offset = offset
    entry.what = what
    entry.by = by
    entry.trusted = int(trusted)
    entry.framed = int(framed)
    entry.at = at
    entry.left = left
    entry.into = into
    entry.start = start
    entry.length = length
    cursor.at[AT_SENDS] += 1
    cursor.at[AT_ORDINAL] += 1


@compiled_leaf
def pack_for_sending(table: Table, cursor: Cursor, slot: Int) -> tuple[int, int]:
    """A hot row behind what tells its layout, in the cursor's own bytes: (start, length)."""
    start = cursor.at[AT_PACKED]
    put_word(cursor.packed, start, LAYOUT_HASH, LAYOUT_BYTES)
    length = LAYOUT_BYTES + pack_row(table.words[slot], cursor.packed, start + LAYOUT_BYTES, OUR_LAYOUT)
    cursor.at[AT_PACKED] += length
    return int(start), int(length)


@compiled_leaf
def copy_for_sending(buffer: Bytes, cursor: Cursor, start: Int, length: Int) -> int:
    """Bytes that came as a body, in the cursor's own bytes; returns where they begin."""
    to = cursor.at[AT_PACKED]
    copy_bytes(buffer, start, length, cursor.packed, to)
    cursor.at[AT_PACKED] += length
    return int(to)


@compiled_leaf
def is_new(table: Table, source: Int, offset: Int, ordinal: Int) -> bool:
    """Whether what another partition sent was not taken yet."""
    used = table.used
    if source < 0 or source >= used[USED_PARTITIONS] or source == used[USED_NUMBER]:
        return False
    at = USED_TAKEN + 2 * source
    return bool(offset > used[at] or (offset == used[at] and ordinal > used[at + 1]))


@compiled_leaf
def note_taken(table: Table, source: Int, offset: Int, ordinal: Int) -> None:
    """What another partition sent is taken."""
    at = USED_TAKEN + 2 * source
    table.used[at], table.used[at + 1] = offset, ordinal


@compiled_leaf
def of_our_layout(buffer: Bytes, start: Int, length: Int) -> bool:
    """Whether a row that was sent is laid out as ours are."""
    if length < LAYOUT_BYTES + HEAD_BYTES or word_at(buffer, start) != LAYOUT_HASH:
        return False
    return is_sound(buffer, start + LAYOUT_BYTES, length - LAYOUT_BYTES, ROW_WORDS)
