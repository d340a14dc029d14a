"""The window of recent event identities of a partition: it recognises what is delivered again. Compiled.

It holds the identities of the last N accepted touchpoints, each with its log offset, in a ring in the order of
acceptance: 13 bytes each, a hash of 64 bits and 40 bits of the offset. Among N = 4,194,304 of them another event has
the hash of a new one with a chance of 2.3e-13: at a million events a day one touchpoint in twelve thousand years would
be taken for a retry.

The index over the ring has buckets of one cache line: a word that says how full it is, and fifteen places. Each place
holds where in the ring an entry stands and a few more bits of its hash, so that a look-up of what is new waits for one
line. A bucket is a ring of its own: what has left the window stays until its place is needed, and the place that is
needed is the one of the bucket's oldest. Whether that has left, its own bits say: of which round of the ring it is, in
turns of four. So nothing is ever taken out, and an identity costs the line of its own bucket alone. (Taking each out
when it leaves reads another line.)
Where the oldest is still in the window, the next bucket has the entry, and the word keeps when that was: a look-up goes
on there as long as the entry may be in the window. So a bucket must have places to spare: with 11 of 15 filled a
look-up read 2.3 lines once the window had been full for some rounds, with 9.2 it reads 1.2 (measured).
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.bits import JIT
from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix
from processors.prefetch import LINE, ask_for_line
from processors.words import Int, put_word, word_at
from streams.engine import address_space

WINDOW: Final = 4_194_304
"""So many identities a partition remembers where nothing else is said."""
LARGEST_WINDOW: Final = 1 << 28
"""A place of the index has room for a greater number, but not for enough bits of a hash beside it."""

ENTRY_BYTES: Final = 13
_BUCKET: Final = 16  # words
_PLACES: Final = 15
_LOAD: Final = 92  # tenths of places of a bucket that are filled on average when the ring is full
_FEWEST: Final = 1024
_OFFSET_MASK: Final = (1 << 40) - 1
_MOST_AHEAD: Final = 1 << 32
# A bucket's word: below this how many places are filled, or, from _PLACES on, which of them is the oldest. Above it
# when an entry last went to the next bucket, in fours of entries; nought: none did.
_STATE: Final = 1 << 5
_STAMPS: Final = (1 << 27) - 1
_CLOSER: Final = 2
_AHEAD: Final = 16
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
TOLD_ROUND: Final = 6  # of the ring, 0 to 3 in turn
TOLD_NEWEST: Final = 7  # the offset of the newest entry
TOLD_CELLS: Final = 8

_UPPER_HALF: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)
_LOW: Final = 0xFFFFFFFF


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
    """The bits of a place that say where in the ring its entry stands; the two above them are of its round."""
    mask = np.int64(limit - 1)
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> shift
    return mask


@compiled_inline
def _tag(identity: np.uint64, bits: np.int64) -> np.int64:
    """What a place holds of a hash."""
    return np.int64(identity & _LOWER) & ~(4 * bits + 3)


@compiled_inline
def _now(told: npt.NDArray[np.int64]) -> np.int64:
    return np.int64(((told[TOLD_TOTAL] >> 2) & _STAMPS) | 1)


@compiled_inline
def _goes_on(counted: np.int64, told: npt.NDArray[np.int64]) -> bool:
    """Whether an entry that is still in the window may have gone to the next bucket."""
    stamp = counted // _STATE
    # One more for each that was rounded.
    return bool(stamp != 0 and ((_now(told) - stamp) & _STAMPS) <= (told[TOLD_LIMIT] >> 2) + 2)


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
def _age(entries: npt.NDArray[np.uint8], at: Int, offset: Int) -> np.int64:
    """By how many records the entry that stands at a place was accepted below a log offset; not above 0: it wasn't.

    Of its offset 40 bits are kept, so that goes round and round. Ahead of a record is only what a replay has not come
    up to, so nearly all of them are for what is below: up to 1,095 thousand million records.
    """
    away = offset - (word_at(entries, at + 5) >> 24)
    return np.int64(((away + _MOST_AHEAD) & _OFFSET_MASK) - _MOST_AHEAD)


@compiled_inline
def _is_alike(index: npt.NDArray[np.uint32], bucket: Int, wanted: np.int64, tag: np.int64) -> bool:
    """Whether a word of a bucket may hold these bits of a hash; all are compared at once, which takes a few
    instructions. Of what none has, which is most of what is new, nothing else is asked."""
    first, mask, bits = np.uint64(bucket), np.uint32(wanted & _LOW), np.uint32(tag & _LOW)
    found = np.uint32(0)
    for k in range(_BUCKET):
        found |= np.uint32((index[first + np.uint64(k)] & mask) == bits)
    return bool(found != np.uint32(0))


def _may_be_alike(*_: Any, **__: Any) -> bool:
    """In plain Python to compare them all takes longer than to look for the one."""
    return True


if not JIT:
    _is_alike = _may_be_alike


@compiled_inline
def _round_of(told: npt.NDArray[np.int64], position: Int, entering: Int) -> np.int64:
    """Of which round of the ring the entry at a position is."""
    return np.int64((told[TOLD_ROUND] + (0 if position < told[TOLD_NEXT] or position == entering else 3)) & 3)


@compiled_inline
def _is_past(told: npt.NDArray[np.int64], word: np.int64, bits: np.int64, entering: Int) -> bool:
    """Whether what a place holds is of a round of the ring that has been written over.

    A place that nobody has needed for three rounds looks as if its entry stood there again.
    """
    of_round = _round_of(told, word & bits, entering) * (bits + 1)
    return bool((word ^ of_round) & (3 * (bits + 1)) != 0)


@compiled_inline
def look_up(window: Window, identity: np.uint64, offset: Int) -> int:
    """What is known of an identity by a record at ``offset``: MET before it, AHEAD, or NEW."""
    if window.told[TOLD_COUNT] == 0:
        return NEW
    index, bits = window.places, _position_bits(window.told[TOLD_LIMIT])
    tag, wanted = _tag(identity, bits), ~(4 * bits + 3)
    bucket = _home(index, identity)
    # All round at most: in a small index every bucket may have been passed.
    for _ in range(len(index) // _BUCKET):
        counted = np.int64(index[bucket])
        filled = min(int(counted) & (_STATE - 1), _PLACES) if _is_alike(index, bucket, wanted, tag) else 0
        for k in range(filled):
            word = np.int64(index[bucket + 1 + k])
            if word & wanted == tag and not _is_past(window.told, word, bits, -1):
                at = (word & bits) * ENTRY_BYTES
                if np.uint64(word_at(window.entries, at)) == identity:
                    return MET if _age(window.entries, at, offset) > 0 else AHEAD
        if not _goes_on(counted, window.told):
            break
        bucket = _after(index, bucket)
    return NEW


@compiled_inline
def entry_identity(window: Window, position: Int) -> np.uint64:
    """The identity of the entry at a position of the ring."""
    return np.uint64(word_at(window.entries, position * ENTRY_BYTES))


@compiled_inline
def entry_offset(window: Window, position: Int) -> np.int64:
    """The log offset of the entry at a position of the ring, as a whole: the newest one's tells the bits above."""
    newest = window.told[TOLD_NEWEST]
    return np.int64(newest - _age(window.entries, position * ENTRY_BYTES, newest))


@compiled_inline
def put_entry(window: Window, position: Int, identity: np.uint64, offset: Int) -> None:
    """Write the newest entry into the ring."""
    put_word(window.entries, position * ENTRY_BYTES, np.int64(identity), 8)
    put_word(window.entries, position * ENTRY_BYTES + 8, np.int64(offset), 5)
    window.told[TOLD_NEWEST] = offset


@compiled_inline
def _has_left(window: Window, word: np.int64, entering: Int, looked: int) -> bool:
    """Whether what a place holds has left the window. Who had to go past other buckets looks closer."""
    bits = _position_bits(window.told[TOLD_LIMIT])
    position = word & bits
    if position == entering or _is_past(window.told, word, bits, entering):
        return True
    return looked >= _CLOSER and _tag(entry_identity(window, position), bits) != word & ~(4 * bits + 3)


@compiled_inline
def _enter(window: Window, identity: np.uint64, position: Int, entering: Int) -> None:
    """Put an entry of the ring into the index; ``entering``: where the ring's next one goes, -1 while it is filled."""
    index, told = window.places, window.told
    bits, bucket = _position_bits(told[TOLD_LIMIT]), _home(index, identity)
    for looked in range(len(index) // _BUCKET):
        counted = np.int64(index[bucket])
        state = counted & (_STATE - 1)
        if state < _PLACES or _has_left(window, np.int64(index[bucket + 1 + state - _PLACES]), entering, looked):
            break
        index[bucket] = np.uint32(state + _now(told) * _STATE)
        bucket = _after(index, bucket)
    counted = np.int64(index[bucket])
    state = counted & (_STATE - 1)
    of_round = _round_of(told, position, entering) * (bits + 1)
    index[bucket + 1 + state % _PLACES] = np.uint32(_tag(identity, bits) | of_round | position)
    index[bucket] = np.uint32(counted + (1 if state + 1 < 2 * _PLACES else 1 - _PLACES))


@compiled_inline
def remember(window: Window, identity: np.uint64, offset: Int) -> None:
    """Enter an identity that is NEW, in place of the oldest where the window is full. There must be room."""
    told, limit = window.told, window.told[TOLD_LIMIT]
    if limit == 0:
        return
    position = told[TOLD_NEXT]
    if told[TOLD_COUNT] < limit:
        told[TOLD_COUNT] += 1
    # What is written lies behind each other, but too far apart in time for the processor to see that.
    ask_for_line(window.entries.ctypes.data + (position + _AHEAD) * ENTRY_BYTES)
    put_entry(window, position, identity, offset)
    _enter(window, identity, position, position)
    told[TOLD_NEXT] = position + 1
    if position + 1 == limit:
        told[TOLD_NEXT] = 0
        told[TOLD_ROUND] = (told[TOLD_ROUND] + 1) & 3
    told[TOLD_TOTAL] += 1


@compiled_leaf
def fill_index(window: Window) -> None:
    """Enter all that stands in the ring from its beginning on into an index that is still empty."""
    count = window.told[TOLD_COUNT]
    for position in range(count):
        if position + _AHEAD < count:
            ask_for_identity(window, entry_identity(window, position + _AHEAD))
        _enter(window, entry_identity(window, position), position, -1)


def _empty_index(room: int) -> npt.NDArray[np.uint32]:
    size = -(-10 * room // _LOAD) * _BUCKET
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
