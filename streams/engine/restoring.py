"""Packed rows on their way into a checkpoint, and back. Compiled.

A row's key is its namespace, one byte, and the customer's id. Its value is the packed row (streams.engine.packing) with
a checksum in front: XXH64 of all that follows, seeded with the salted XXH64 of the id, folded to 32 bits. So a row
under another's key is told, too.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled, compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.prefetch import ask_for_line
from processors.row.namespaces import salt_of
from processors.words import Int, copy_bytes, half_word_at, put_word
from streams.engine.arena import claim, release
from streams.engine.described import Words
from streams.engine.forwarding import LEADS_TO
from streams.engine.hot import OUR_LAYOUT, place_in_arena, reschedule
from streams.engine.packing import (
    FLAG_DUE,
    FLAG_FORWARD,
    FLAG_TOUCHED,
    FLAG_UNREPORTED,
    FORWARD_LAYOUT,
    HEAD_BYTES,
    PACKED_BYTES,
    ROW_WORDS,
    due_at,
    is_sound,
    length_at,
    offset_at,
    pack_row,
    unpack_words,
)
from streams.engine.rows import (
    IS_CHANGED,
    IS_FORWARD,
    IS_TOUCHED,
    IS_UNREPORTED,
    LONGEST_ID,
    USED_CHANGED,
    USED_FORWARDS,
    USED_ROWS,
    USED_UNREPORTED,
    Table,
    append,
    find,
    has_room,
    id_length,
    id_start,
    is_forward,
    key_of,
    namespace_of,
    note_change,
    note_news,
)

FIRST_NO_NAMESPACE: Final = 0x10
"""A key that begins with this byte or a greater one is no customer's."""

# What became of a row that a checkpoint held.
TAKEN: Final = 0
IS_DAMAGED: Final = 1
OTHER_LAYOUT: Final = 2  # it has to be packed anew

_AHEAD: Final = 8
_SEED: Final = np.uint64(0)

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


@compiled_inline
def _checksum(values: Bytes, start: Int, stop: int, key: np.uint64) -> np.int64:
    h = np.uint64(xxh64(values, start, stop, key))
    return np.int64((h ^ (h >> np.uint64(32))) & np.uint64(0xFFFFFFFF))


@compiled_leaf
def key_bytes(table: Table, numbers: npt.NDArray[np.int32]) -> tuple[int, int]:
    """Bytes of the keys of customers, and more than their packed rows can have."""
    keys, values = np.int64(0), np.int64(PACKED_BYTES)
    for number in numbers:
        keys += 1 + id_length(table, number)
        at = place_in_arena(table, number)
        values += PACKED_BYTES if at < 0 else np.int64(length_at(table.arena, at))
    return int(keys), int(values)


@compiled_leaf
def write_rows(
    table: Table,
    numbers: npt.NDArray[np.int32],
    layout: int,
    keys: Bytes,
    key_ends: Offsets,
    values: Bytes,
    ends: Offsets,
) -> None:
    """Packed rows of customers behind their keys, each with its checksum. ``ends`` and ``key_ends`` begin with zero.

    ``layout``: the number that ours has in this checkpoint. The values need the room that ``key_bytes`` tells.
    """
    for i in range(len(numbers)):
        number, at, to = np.int64(numbers[i]), key_ends[i], ends[i]
        start, size = id_start(table, number), id_length(table, number)
        keys[at] = np.uint8(namespace_of(table, number))
        for k in range(size):
            keys[at + 1 + k] = table.ids[start + k]
        key_ends[i + 1] = at + 1 + size
        place = table.customers[number].place
        flags = table.customers[number].id
        if place >= 0:
            length = np.int64(pack_row(table.words[place], values, to, layout))
        else:
            lies = place_in_arena(table, number)
            length = np.int64(length_at(table.arena, lies))
            copy_bytes(table.arena, lies, length, values, to)
            values[to + 7] = np.uint8(FORWARD_LAYOUT if flags & IS_FORWARD else layout)
        if flags & IS_FORWARD == 0:
            if flags & IS_TOUCHED:
                values[to + 6] |= np.uint8(FLAG_TOUCHED)
            if flags & IS_UNREPORTED:
                values[to + 6] |= np.uint8(FLAG_UNREPORTED)
        put_word(values, to, _checksum(values, to + 4, to + length, key_of(table, number)), 4)
        ends[i + 1] = to + length


@compiled_leaf
def forget_changes(table: Table) -> None:
    """From here on nothing counts as changed."""
    for i in range(table.used[USED_CHANGED]):
        table.customers[table.changed[i]].id &= ~IS_CHANGED
    table.used[USED_CHANGED] = 0


@compiled_leaf
def forget_first_changes(table: Table, count: Int) -> None:
    """The customers whose rows changed first count as changed no more, so many of them."""
    for i in range(count):
        table.customers[table.changed[i]].id &= ~IS_CHANGED
    for i in range(count, table.used[USED_CHANGED]):
        table.changed[i - count] = table.changed[i]
    table.used[USED_CHANGED] -= count


@compiled_leaf
def note_changes(table: Table, numbers: npt.NDArray[np.int32]) -> None:
    """The rows of these customers count as changed."""
    for number in numbers:
        note_change(table, np.int64(number))


@compiled_leaf
def note_news_of(table: Table, numbers: npt.NDArray[np.int64]) -> None:
    """The profiles of these customers are to be taken for the reports."""
    for number in numbers:
        note_news(table, number)


@compiled_leaf
def take_news(table: Table, out: npt.NDArray[np.int64]) -> None:
    """Those who have waited longest for their profiles to be taken, as many as ``out`` holds.

    Who became a forwarding address meanwhile is among them.
    """
    count = len(out)
    for i in range(count):
        number = np.int64(table.unreported[i])
        out[i] = number
        table.customers[number].id &= ~IS_UNREPORTED
        # That it was taken has to outlive the process, or it is taken again.
        note_change(table, number)
    for i in range(count, table.used[USED_UNREPORTED]):
        table.unreported[i - count] = table.unreported[i]
    table.used[USED_UNREPORTED] -= count


@compiled_leaf
def hash_keys(keys: Bytes, offsets: Offsets, out: npt.NDArray[np.uint64]) -> None:
    """The salted XXH64 of each customer's id; of what is no customer's key, nothing."""
    for i in range(len(offsets) - 1):
        at, stop = offsets[i], offsets[i + 1]
        if stop > at and keys[at] < FIRST_NO_NAMESPACE:
            out[i] = np.uint64(xxh64(keys, at + 1, stop, _SEED)) ^ salt_of(np.int64(keys[at]))


@compiled_leaf
def _lay_down(table: Table, number: Int, values: Bytes, at: Int, length: Int) -> None:
    place = claim(table, length)
    copy_bytes(values, at, length, table.arena, place)
    flags = np.int64(values[at + 6])
    put_word(table.arena, place, np.int64(number), 4)
    table.customers[number].place = -1 - (place >> 3)
    if flags & FLAG_FORWARD:
        table.customers[number].id |= IS_FORWARD
        table.used[USED_FORWARDS] += 1
        return
    table.arena[place + 6] = np.uint8(flags & FLAG_DUE)
    table.arena[place + 7] = np.uint8(OUR_LAYOUT)
    # Lists and the due index are made of this afterwards, in one go.
    if flags & FLAG_TOUCHED:
        table.customers[number].id |= IS_TOUCHED
    if flags & FLAG_UNREPORTED:
        table.customers[number].id |= IS_UNREPORTED


@compiled_leaf
def _replaced(table: Table, number: Int, values: Bytes, at: Int) -> bool:
    """Whether what a customer has gives way to the row at a place, which is not older."""
    before = place_in_arena(table, number)
    if before < 0 or offset_at(table.arena, before) > offset_at(values, at):
        return False
    release(table, before)
    if is_forward(table, number):
        table.used[USED_FORWARDS] -= 1
    table.customers[number].id &= ~(IS_TOUCHED | IS_UNREPORTED | IS_FORWARD)
    return True


@compiled_leaf
def _is_sound(values: Bytes, at: Int, length: Int) -> bool:
    """Whether what stands at a place is a row in our layout, or a forwarding address."""
    if values[at + 7] != FORWARD_LAYOUT:
        return is_sound(values, at, length, ROW_WORDS)
    size = length - LEADS_TO
    named = size > 0 and size <= LONGEST_ID and values[at + HEAD_BYTES] < FIRST_NO_NAMESPACE
    return bool(named and values[at + 6] == FLAG_FORWARD and length_at(values, at) == length)


@compiled_leaf
def take_in(
    table: Table,
    keys: Bytes,
    key_offsets: Offsets,
    hashes: npt.NDArray[np.uint64],
    values: Bytes,
    offsets: Offsets,
    layout: int,
    first: int,
    found: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Lay down packed rows from number ``first`` on, each unless a newer one of its customer is there.

    Returns the number of the next one, and why it stopped before it: TAKEN where all are done or the table needs room.
    ``layout``: the number that ours has in this checkpoint. ``found``: shape (1,), the greatest offset of a row.
    """
    count = len(offsets) - 1
    mask = np.uint64(len(table.slots) - 1)
    for i in range(first, count):
        if i + _AHEAD < count:
            ask_for_line(table.slots.ctypes.data + np.int64(hashes[i + _AHEAD] & mask) * 8)
        key_at, at = key_offsets[i], offsets[i]
        size, length = key_offsets[i + 1] - key_at, offsets[i + 1] - at
        if size == 0 or keys[key_at] >= FIRST_NO_NAMESPACE:
            continue
        if not has_room(table):
            return int(i), TAKEN
        if size - 1 > LONGEST_ID or length < 16:
            return int(i), IS_DAMAGED
        if half_word_at(values, at) != _checksum(values, at + 4, at + length, hashes[i]):
            return int(i), IS_DAMAGED
        if values[at + 7] != layout:
            return int(i), OTHER_LAYOUT
        if not _is_sound(values, at, length):
            return int(i), IS_DAMAGED
        found[0] = max(found[0], np.int64(offset_at(values, at)))
        space = np.int64(keys[key_at])
        number = find(table, keys, key_at + 1, size - 1, hashes[i], space)
        if number < 0:
            number = append(table, keys, key_at + 1, size - 1, hashes[i], space)
        elif not _replaced(table, number, values, at):
            continue
        _lay_down(table, number, values, at, length)
    return int(count), TAKEN


@compiled_leaf
def relist(table: Table) -> None:
    """Build the lists and the due index of restored customers from what their rows say."""
    reschedule(table)
    table.used[USED_UNREPORTED] = 0
    for number in range(table.used[USED_ROWS]):
        if table.customers[number].id & IS_UNREPORTED:
            table.unreported[table.used[USED_UNREPORTED]] = number
            table.used[USED_UNREPORTED] += 1


@compiled_leaf
def unpack_others(
    values: Bytes,
    offsets: Offsets,
    seeds: npt.NDArray[np.uint64],
    empty: Words,
    kinds: Bytes,
    anchor: int,
    linked: int,
    words: Words,
    heads: npt.NDArray[np.int64],
) -> int:
    """Rows of another layout into ``words``, and into ``heads`` (n, 3) offset, due key and flags of each.

    Returns the number of the first one that was damaged; -1: none. Eight bytes follow the values.
    """
    for i in range(len(offsets) - 1):
        at, stop = offsets[i], offsets[i + 1]
        if half_word_at(values, at) != _checksum(values, at + 4, stop, seeds[i]):
            return int(i)
        if not is_sound(values, at, stop - at, len(empty)):
            return int(i)
        flags = np.int64(values[at + 6])
        body = at + HEAD_BYTES + (8 if flags & FLAG_DUE else 0)
        if not unpack_words(values, body, stop, empty, kinds, (anchor, linked), words[i]):
            return int(i)
        heads[i, 0], heads[i, 1] = offset_at(values, at), due_at(values, at)
        heads[i, 2] = flags & ~FLAG_DUE
    return -1


@compiled
def pack_rows(rows: Words, flags: Bytes, seeds: npt.NDArray[np.uint64], layout: int) -> tuple[Bytes, Offsets]:
    """Rows (n, ROW_WORDS) as values of a checkpoint, one behind the other, and where each begins and ends.

    ``seeds``: the salted XXH64 of each one's id. ``flags``: of each, beside FLAG_DUE.
    """
    out = np.empty(len(rows) * PACKED_BYTES, np.uint8)
    ends = np.zeros(len(rows) + 1, np.int64)
    for i in range(len(rows)):
        at = ends[i]
        length = pack_row(rows[i], out, at, layout)
        out[at + 6] |= flags[i]
        put_word(out, at, _checksum(out, at + 4, at + length, seeds[i]), 4)
        ends[i + 1] = at + length
    return out[: ends[-1]].copy(), ends
