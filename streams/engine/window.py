"""The window of recent event identities of a partition: it recognises what is delivered again. Compiled.

It holds the identities of the last N accepted touchpoints, each with its log offset, in a ring in the order of
acceptance: 14 bytes each, a hash of 64 bits and 48 bits of the offset. Among N = 4,194,304 of them another event has
the hash of a new one with a chance of 2.3e-13: at a million events a day one touchpoint in twelve thousand years would
be taken for a retry.

The index over the ring has buckets of one cache line: a word that counts, and fifteen places. Each place holds where in
the ring an entry stands and a few more bits of its hash, so that a look-up of what is new waits for one line. Where a
bucket is full its entries go to the next one, and it counts how many have passed it: so entries can be taken out again,
and nothing has to be moved or swept. Source of those counts: the hash tables F14 (Bronson, Shi:
"Open-sourcing F14 for faster, more memory-efficient hash tables", 2019).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix
from processors.prefetch import LINE, ask_for_line
from processors.words import Int, put_word, word_at
from streams.engine import address_space

WINDOW: Final = 4_194_304
"""So many identities a partition remembers where nothing else is said."""
LARGEST_WINDOW: Final = 1 << 28
"""A place of the index has room for a greater number, but not for enough bits of a hash beside it."""

ENTRY_BYTES: Final = 14
_BUCKET: Final = 16  # words
_PLACES: Final = 15
_LOAD: Final = 12  # places of a bucket that are filled on average when the ring is full
_FEWEST: Final = 1024
_OFFSET_BITS: Final = 48
_OFFSET_MASK: Final = (1 << _OFFSET_BITS) - 1
_PASSED: Final = 1 << 4  # the word that counts: those that are in the bucket below this, above it those that passed
_AHEAD: Final = 8
_MOST_ENTERED: Final = 3  # by one record: its event, its order, and that at its instant

# What a look-up finds.
NEW: Final = 0
MET: Final = 1
AHEAD: Final = 2  # met by this record itself, or by a later one: as of this record it is new

TOLD_LIMIT: Final = 0  # slots of Window.told: N
TOLD_ROOM: Final = 1  # entries for which there is room
TOLD_COUNT: Final = 2  # entries
TOLD_NEXT: Final = 3  # where in the ring the next one goes
TOLD_TOTAL: Final = 4  # ever entered: the number that the next one has
TOLD_STORED: Final = 5  # of these, those that a checkpoint holds
TOLD_CELLS: Final = 6

_UPPER_HALF: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)


class Window(NamedTuple):
    """Arrays with room to grow up to N entries."""

    entries: npt.NDArray[np.uint8]  # the ring, shape (room * ENTRY_BYTES,)
    places: npt.NDArray[np.uint32]  # the index: buckets of 16 words, each one cache line
    told: npt.NDArray[np.int64]  # shape (TOLD_CELLS,)


@compiled_inline
def identity_of(key: np.uint64, event: np.uint64) -> np.uint64:
    """Hash of an identity; ``key``: salted XXH64 of the id that the message names, ``event``: XXH64 of its event id.

    Two events of one id never share it unless the hashes of their event ids are the same.
    """
    return np.uint64(avalanche(mix(key, np.int64(event))))


@compiled_inline
def _home(index: npt.NDArray[np.uint32], identity: np.uint64) -> np.int64:
    """Where in the index an identity's own bucket begins. Source: Lemire, "Fast Random Integer Generation in an
    Interval", ACM TOMACS 29 (2019): a multiplication in place of a remainder."""
    buckets = np.uint64(len(index) // _BUCKET)
    return np.int64(((identity >> _UPPER_HALF) * buckets) >> _UPPER_HALF) * _BUCKET


@compiled_inline
def _after(index: npt.NDArray[np.uint32], bucket: Int) -> np.int64:
    return np.int64(bucket + _BUCKET if bucket + _BUCKET < len(index) else 0)


@compiled_inline
def _position_bits(limit: Int) -> np.int64:
    """The bits of a place that say where in the ring its entry stands, counted from one."""
    mask = np.int64(limit)
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> shift
    return mask


@compiled_inline
def _word(window: Window, identity: np.uint64, position: Int) -> np.int64:
    """What a place holds of an entry."""
    bits = _position_bits(window.told[TOLD_LIMIT])
    return np.int64((np.int64(identity & _LOWER) & ~bits) | (position + 1))


@compiled_inline
def ask_for_identity(window: Window, identity: np.uint64) -> None:
    """Ask for the line that a look-up of this identity reads."""
    ask_for_line(window.places.ctypes.data + _home(window.places, identity) * 4)


@compiled_inline
def has_place(window: Window) -> bool:
    """Whether all that one record enters fits; a window that has grown to its bound gives up its oldest."""
    told = window.told
    return bool(told[TOLD_COUNT] + _MOST_ENTERED <= told[TOLD_ROOM] or told[TOLD_ROOM] >= told[TOLD_LIMIT])


@compiled_inline
def is_below(entries: npt.NDArray[np.uint8], at: Int, offset: Int) -> bool:
    """Whether the entry that stands at a place was accepted below a log offset.

    Of that 48 bits are kept, so it goes round and round: only what is 140 million million records older, and still
    among the last N, would seem to be ahead.
    """
    age = (offset - (word_at(entries, at + 6) >> 16)) & _OFFSET_MASK
    return bool(0 < age < 1 << (_OFFSET_BITS - 1))


@compiled_leaf
def look_up(window: Window, identity: np.uint64, offset: Int) -> int:
    """What is known of an identity by a record at ``offset``: MET before it, AHEAD, or NEW."""
    if window.told[TOLD_COUNT] == 0:
        return NEW
    index, bits = window.places, _position_bits(window.told[TOLD_LIMIT])
    tag = np.int64(identity & _LOWER) & ~bits
    bucket = _home(index, identity)
    # All round at most: in a small index every bucket may have been passed.
    for _ in range(len(index) // _BUCKET):
        counted = np.int64(index[bucket])
        for k in range(counted & (_PASSED - 1)):
            word = np.int64(index[bucket + 1 + k])
            if word & ~bits == tag:
                at = ((word & bits) - 1) * ENTRY_BYTES
                if np.uint64(word_at(window.entries, at)) == identity:
                    return MET if is_below(window.entries, at, offset) else AHEAD
        if counted < _PASSED:
            break
        bucket = _after(index, bucket)
    return NEW


@compiled_leaf
def _enter(window: Window, identity: np.uint64, position: Int) -> None:
    index = window.places
    bucket = _home(index, identity)
    while np.int64(index[bucket]) & (_PASSED - 1) == _PLACES:
        index[bucket] = np.uint32(np.int64(index[bucket]) + _PASSED)
        bucket = _after(index, bucket)
    index[bucket] = np.uint32(np.int64(index[bucket]) + 1)
    place = bucket + (np.int64(index[bucket]) & (_PASSED - 1))
    index[place] = np.uint32(_word(window, identity, position))


@compiled_leaf
def _leave(window: Window, identity: np.uint64, position: Int) -> None:
    index, word = window.places, _word(window, identity, position)
    bucket = _home(index, identity)
    while True:
        last = bucket + (np.int64(index[bucket]) & (_PASSED - 1))
        for place in range(bucket + 1, last + 1):
            if np.int64(index[place]) == word:
                index[place] = index[last]
                index[bucket] = np.uint32(np.int64(index[bucket]) - 1)
                return
        index[bucket] = np.uint32(np.int64(index[bucket]) - _PASSED)
        bucket = _after(index, bucket)


@compiled_inline
def entry_identity(window: Window, position: Int) -> np.uint64:
    """The identity of the entry at a position of the ring."""
    return np.uint64(word_at(window.entries, position * ENTRY_BYTES))


@compiled_leaf
def remember(window: Window, identity: np.uint64, offset: Int) -> None:
    """Enter an identity that is NEW, in place of the oldest where the window is full. There must be room."""
    told, limit = window.told, window.told[TOLD_LIMIT]
    if limit == 0:
        return
    position = told[TOLD_NEXT]
    if told[TOLD_COUNT] < limit:
        told[TOLD_COUNT] += 1
    else:
        _leave(window, entry_identity(window, position), position)
        # The next ones to go stand behind it.
        soon = position + _AHEAD
        ask_for_identity(window, entry_identity(window, soon if soon < limit else soon % limit))
    put_word(window.entries, position * ENTRY_BYTES, np.int64(identity), 8)
    put_word(window.entries, position * ENTRY_BYTES + 8, np.int64(offset), 6)
    _enter(window, identity, position)
    told[TOLD_NEXT] = position + 1 if position + 1 < limit else 0
    told[TOLD_TOTAL] += 1


@compiled_leaf
def fill_index(window: Window) -> None:
    """Enter all that stands in the ring from its beginning on into an index that is still empty."""
    count = window.told[TOLD_COUNT]
    for position in range(count):
        if position + 2 * _AHEAD < count:
            ask_for_identity(window, entry_identity(window, position + 2 * _AHEAD))
        _enter(window, entry_identity(window, position), position)


def _empty_index(room: int) -> npt.NDArray[np.uint32]:
    size = -(-room // _LOAD) * _BUCKET
    wide = address_space.room(size + LINE // 4, np.uint32)
    first = -wide.ctypes.data % LINE // 4
    return wide[first : first + size]


def new_window(limit: int = WINDOW, room: int = _FEWEST) -> Window:
    """A window that remembers up to ``limit`` identities, with room for so many of them. 0: it remembers none.

    Raises ValueError where that are more than LARGEST_WINDOW.
    """
    if not 0 <= limit <= LARGEST_WINDOW:
        raise ValueError(f"a window of {limit} identities: from 0 to {LARGEST_WINDOW:,} can be remembered")
    room = max(min(limit, room), 1)
    told = np.zeros(TOLD_CELLS, np.int64)
    told[TOLD_LIMIT], told[TOLD_ROOM] = limit, room
    return Window(address_space.room(room * ENTRY_BYTES, np.uint8), _empty_index(room), told)


def widened(window: Window) -> Window:
    """The same window with room for twice as many, up to its bound; of that, only the index takes memory at once."""
    used = int(window.told[TOLD_COUNT]) * ENTRY_BYTES
    wider = new_window(int(window.told[TOLD_LIMIT]), 2 * int(window.told[TOLD_ROOM]))
    room = wider.told[TOLD_ROOM]
    wider.entries[:used] = window.entries[:used]
    wider.told[:] = window.told
    wider.told[TOLD_ROOM] = room
    # Before it has come to its bound nothing is ever taken out: the ring is filled from its beginning.
    fill_index(wider)
    return wider


def copied_window(window: Window) -> Window:
    """A window of its own with the same contents."""
    used = int(window.told[TOLD_COUNT]) * ENTRY_BYTES
    copy = new_window(int(window.told[TOLD_LIMIT]), int(window.told[TOLD_ROOM]))
    copy.entries[:used] = window.entries[:used]
    copy.places[:] = window.places
    copy.told[:] = window.told
    return copy


def window_bytes(window: Window) -> int:
    """Bytes that hold the identities, index included."""
    return int(window.told[TOLD_COUNT]) * ENTRY_BYTES + int(window.places.nbytes)
