"""The window of event identities in checkpoints: segments of 256 entries each, in their order of acceptance.

Entry number s belongs to segment s // 256. A checkpoint writes the segments that have changed since the last one, each
whole, as far as the window reaches: where little comes, that is one of 3.6 kB again and again. The keys are used in
turn, one more than the window spans: a new segment replaces the one that has left the window as a whole, so that
nothing has to be deleted, and compaction keeps what is needed and no more. The header says how far the numbers went and
how large the window is; a restore takes what that asks for, and misses nothing in silence.

A segment's value: the number of its first entry (8 bytes), its entries, and XXH64 of both, seeded with the number of
its key (8 bytes). Each entry: its hash (8 bytes), and 48 bits of its offset. Integers are little-endian.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.words import Int, put_word, word_at
from schemas.bodies import bodies_of
from streams.engine.window import (
    LARGEST_WINDOW,
    NEW,
    TOLD_COUNT,
    TOLD_LIMIT,
    TOLD_NEXT,
    TOLD_STORED,
    TOLD_TOTAL,
    Window,
    entry_identity,
    entry_offset,
    fill_index,
    has_place,
    identity_of,
    look_up,
    new_window,
    put_entry,
    remember,
    widened,
)

# And the number of the key, four bytes, highest first. Below the keys of what says something of every row (0xff …): who
# reads that and one customer's row reads no segments.
SEGMENT_KEY: Final = b"\xfewindow/"
STORED_BYTES: Final = 14
_OFFSET_BITS: Final = 48
_IN_SEGMENT: Final = 256
_FRAME: Final = 16
_KEY_BYTES: Final = len(SEGMENT_KEY) + 4
_PREFIX: Final = np.frombuffer(SEGMENT_KEY, np.uint8)

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


class BadSegment(ValueError):
    """A segment is damaged, or missing."""


@compiled_leaf
def keys_in_turn(limit: Int) -> int:
    """How many keys a window of so many entries takes."""
    return int(-(-limit // _IN_SEGMENT) + 1)


@compiled_leaf
def _first_to_write(window: Window) -> int:
    """The number of the first entry that the next checkpoint writes: the first of its segment that is still there.

    Of what is stored already, a segment is written again only where others have joined it.
    """
    told = window.told
    if told[TOLD_STORED] == told[TOLD_TOTAL]:
        return int(told[TOLD_TOTAL])
    segment = told[TOLD_STORED] // _IN_SEGMENT * _IN_SEGMENT
    return int(max(segment, told[TOLD_TOTAL] - told[TOLD_COUNT]))


def segment_bytes(window: Window) -> tuple[int, int, int]:
    """(segments, bytes of their keys, bytes of their values) that the next checkpoint writes."""
    total, first = int(window.told[TOLD_TOTAL]), _first_to_write(window)
    if first == total:
        return 0, 0, 0
    count = (total - 1) // _IN_SEGMENT - first // _IN_SEGMENT + 1
    return count, count * _KEY_BYTES, count * _FRAME + (total - first) * STORED_BYTES


@compiled_leaf
def _copy_entries(window: Window, number: Int, stop: Int, out: Bytes, to: Int) -> Int:
    """The entries from one number to another, behind each other; returns the place after them."""
    told = window.told
    oldest = told[TOLD_NEXT] if told[TOLD_COUNT] == told[TOLD_LIMIT] else 0
    first = told[TOLD_TOTAL] - told[TOLD_COUNT]
    for each in range(number, stop):
        position = oldest + each - first
        if position >= told[TOLD_LIMIT]:
            position -= told[TOLD_LIMIT]
        put_word(out, to, np.int64(entry_identity(window, position)), 8)
        put_word(out, to + 8, entry_offset(window, position), 6)
        to += STORED_BYTES
    return to


@compiled_inline
def _age(values: Bytes, at: Int, offset: Int) -> np.int64:
    """By how many records what is stored at a place stands below an offset; not above nought: it doesn't."""
    half = np.int64(1) << np.int64(_OFFSET_BITS - 1)
    away = offset - (word_at(values, at + 6) >> (64 - _OFFSET_BITS))
    return np.int64(((away + half) & (2 * half - 1)) - half)


@compiled_leaf
def write_segments(
    window: Window, prefix: Bytes, first: int, keys: Bytes, key_ends: Offsets, values: Bytes, ends: Offsets
) -> None:
    """The segments of the next checkpoint, as messages from number ``first`` on; what there is counts as stored.

    ``key_ends`` and ``ends`` are filled up to ``first``; there is room as ``segment_bytes`` says.
    """
    told, turn = window.told, keys_in_turn(window.told[TOLD_LIMIT])
    number, i = np.int64(_first_to_write(window)), np.int64(first)
    while number < told[TOLD_TOTAL]:
        segment = number // _IN_SEGMENT
        stop = min((segment + 1) * _IN_SEGMENT, told[TOLD_TOTAL])
        at, to, name = key_ends[i], ends[i], segment % turn
        for k in range(len(prefix)):
            keys[at + k] = prefix[k]
        for k in range(4):
            keys[at + len(prefix) + k] = np.uint8((name >> (24 - 8 * k)) & 0xFF)
        key_ends[i + 1] = at + len(prefix) + 4
        put_word(values, to, number, 8)
        last = _copy_entries(window, number, stop, values, to + 8)
        put_word(values, last, np.int64(xxh64(values, to, last, np.uint64(name))), 8)
        ends[i + 1] = last + 8
        number = stop
        i += 1
    told[TOLD_STORED] = told[TOLD_TOTAL]


def add_segments(window: Window, first: int, keys: Bytes, key_ends: Offsets, values: Bytes, ends: Offsets) -> None:
    """As ``write_segments``, under the keys of segments."""
    write_segments(window, _PREFIX, first, keys, key_ends, values, ends)


def not_stored(window: Window, stored: int) -> None:
    """A checkpoint was not stored: up to which number those before it hold the entries."""
    window.told[TOLD_STORED] = stored


@compiled_inline
def _counted(window: Window, count: Int) -> int:
    window.told[TOLD_COUNT] = count
    window.told[TOLD_NEXT] = count if count < window.told[TOLD_LIMIT] else 0
    return -1


@compiled_leaf
def _take_entries(
    window: Window, names: Offsets, values: Bytes, ends: Offsets, number: Int, total: Int, below: Int
) -> int:
    """Lay down the entries from ``number`` to ``total`` out of segments that follow each other.

    ``below``: those at or beyond this offset are left out. Returns the number of a segment that is damaged; -1: none.
    """
    count = np.int64(0)
    for i in range(len(names)):
        at, last = ends[i], ends[i + 1] - 8
        if last < at + 8 or np.uint64(word_at(values, last)) != xxh64(values, at, last, np.uint64(names[i])):
            return int(i)
        first = word_at(values, at)
        stop = min(total, (number // _IN_SEGMENT + 1) * _IN_SEGMENT)
        if first > number or last - at - 8 < (stop - first) * STORED_BYTES:
            return int(i)
        begin = at + 8 + (number - first) * STORED_BYTES
        while number < stop:
            age = _age(values, begin, below)
            if age <= 0:
                return _counted(window, count)  # they stand in the order of the log
            put_entry(window, count, np.uint64(word_at(values, begin)), below - age)
            begin += STORED_BYTES
            count += 1
            number += 1
    return _counted(window, count)


def restored_window(limit: int, total: int, below: int, segments: dict[int, bytes]) -> Window:
    """The window as it was when ``total`` entries had been made, out of the segments by the number of their key.

    ``below``: the offset up to which the partition is complete; entries of what is beyond are dropped. Raises
    BadSegment where one that is needed is missing or damaged, and where no window is of that size.
    """
    if not 0 <= limit <= LARGEST_WINDOW or total < 0:
        raise BadSegment(f"a window of {limit} identities of {total} can't be")
    count = min(limit, total)
    window = new_window(limit, count + count // 2)  # as it will need soon
    number = total - count
    turn = keys_in_turn(limit)
    needed = [segment % turn for segment in range(number // _IN_SEGMENT, -(-total // _IN_SEGMENT))] if count else []
    if missing := next((name for name in needed if name not in segments), None):
        raise BadSegment(f"segment {missing} of the window of event identities was not stored")
    told = bodies_of([segments[name] for name in needed])
    bad = _take_entries(window, np.array(needed, np.int64), told.buffer, told.offsets, number, total, below)
    if bad >= 0:
        raise BadSegment(
            f"segment {needed[bad]} of the window of event identities was damaged where it was stored: "
            "restore the state from a copy"
        )
    window.told[TOLD_TOTAL] = window.told[TOLD_STORED] = number + int(window.told[TOLD_COUNT])
    fill_index(window)
    return window


@compiled_leaf
def _enter_some(window: Window, keys: npt.NDArray[np.uint64], events: npt.NDArray[np.uint64], offsets: Offsets) -> int:
    for i in range(len(keys)):
        if not has_place(window):
            return int(i)
        identity = identity_of(keys[i], events[i])
        if look_up(window, identity, offsets[i] + 1) == NEW:
            remember(window, identity, offsets[i])
    return len(keys)


def seeded(window: Window, keys: npt.NDArray[np.uint64], events: npt.NDArray[np.uint64], offsets: Offsets) -> Window:
    """The window with these identities entered in their order: (key of the id, hash of the event id, log offset)."""
    done = 0
    while (some := _enter_some(window, keys[done:], events[done:], offsets[done:])) < len(keys) - done:
        done += some
        window = widened(window)
    return window
