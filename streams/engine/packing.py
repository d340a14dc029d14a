"""A packed row: what of it differs from an empty one, in a few bytes a word.

Most words of most rows are empty, instants lie near each other, and counts are small. A packed row takes an eighth of
its bytes, in memory as in a checkpoint. It begins with a head whose fields stand at fixed places, so that a restore
unpacks nothing:

====== ===== ==========================================================================================
place  bytes what
====== ===== ==========================================================================================
0      4     in memory the customer's number; in a checkpoint the checksum of all that follows
4      2     length in bytes, the head included
6      1     flags
7      1     number of the layout of rows (streams.engine.described)
8      8     the last log offset that the row contains
16     8     the key under which the due index holds the row, where FLAG_DUE is set
====== ===== ==========================================================================================

Then six bytes of an instant, by which the others are told, and the words that differ: a byte whose upper half counts
the words skipped before it (15: so many, and no word), and whose lower half says how many bytes follow (0 to 8: those
of the low end; 9 to 15: less 8, those of the high end). All little-endian.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.bits import JIT, differing, leading_zeros, trailing_zeros
from processors.compiled import compiled_inline, compiled_leaf
from processors.row.layout import NEVER, ROW
from processors.words import Int, half_word_at, put_word, word_at
from streams.engine.described import KIND_INSTANT, KIND_LINK, KIND_OUTSIDE, Words, our_layout

HEAD_BYTES: Final = 16
FLAG_DUE: Final = 1
FLAG_TOUCHED: Final = 2  # of a checkpoint's: the row stands in the list of those to review
FLAG_UNREPORTED: Final = 4  # of a checkpoint's: its profile is still to be written to the reports
FLAG_FORWARD: Final = 8  # no row, but a forwarding address: see streams.engine.forwarding
FORWARD_LAYOUT: Final = 255
"""What a forwarding address has in place of the number of a layout: it has none."""

_LAYOUT: Final = our_layout()
EMPTY: Final = _LAYOUT.empty
KINDS: Final = _LAYOUT.kinds
ANCHOR_WORD: Final = _LAYOUT.anchor
LINKED_WORD: Final = _LAYOUT.linked
ROW_WORDS: Final = ROW.itemsize // 8
_OFFSET_WORD: Final = int(ROW.fields["offset"][1]) // 8 if ROW.fields else 0
_ENTRY_WORD: Final = int(ROW.fields["entry_at"][1]) // 8 if ROW.fields else 0

_ANCHOR_BYTES: Final = 6
_SKIPS: Final = np.int64(-0x0F0F0F0F0F0F0F10)  # eight times the byte of fifteen skipped words
_INSTANTS: Final = np.where(KINDS == KIND_INSTANT, ~np.uint64(0), np.uint64(0))  # masks of words of a kind
_LINKS: Final = np.where(KINDS == KIND_LINK, ~np.uint64(0), np.uint64(0))
_LOWEST: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)  # of a word, so many bytes
_GROUPS: Final = -(-ROW_WORDS // 64)
_REST: Final = ROW_WORDS - 64 * (_GROUPS - 1)
WRITTEN: Final = np.packbits(np.resize(KINDS != KIND_OUTSIDE, 64 * _GROUPS), bitorder="little").view(np.uint64)
_SLACK: Final = 24  # words are written whole where some of their bytes count
PACKED_BYTES: Final = -(-(HEAD_BYTES + 8 + _ANCHOR_BYTES + ROW_WORDS * 9 + ROW_WORDS // 15 + _SLACK) // 8) * 8
"""No packed row needs more room, what is written beyond its end included."""

Bytes = npt.NDArray[np.uint8]


@compiled_inline
def _differing(row: Words, group: int) -> np.uint64:
    """Bit k: word 64 ``group`` + k of a row differs from an empty one's."""
    away = 512 * group
    if group < _GROUPS - 1:
        return np.uint64(differing(row.ctypes.data + away, EMPTY.ctypes.data + away, 64))
    return np.uint64(differing(row.ctypes.data + away, EMPTY.ctypes.data + away, _REST))


def _differing_plainly(row: Words, group: int) -> np.uint64:
    first = 64 * group
    unlike = row[first : first + 64] != EMPTY[first : first + 64]
    return np.uint64(sum(int(bit) << k for k, bit in enumerate(unlike.tolist())))


if not JIT:
    _differing = _differing_plainly


@compiled_inline
def _put_value(out: Bytes, at: Int, gap: Int, value: np.uint64) -> np.int64:
    """One word behind so many skipped ones; returns the position after it."""
    # Hardly a branch in this: what a row happens to hold can't be foreseen, and guessing cost more than the work.
    skips = (gap * 4370) >> 16  # by 15, of what is no more than a row's words
    put_word(out, at, _SKIPS, 8)
    if skips > 8:
        put_word(out, at + 8, _SKIPS, 8)
        put_word(out, at + 16, _SKIPS, 8)
    at += skips
    low = (71 - leading_zeros(value)) >> 3
    high = (71 - trailing_zeros(value)) >> 3
    is_high = np.int64(low > high)
    size = low + is_high * (high - low)
    out[np.uint64(at)] = np.uint8((gap - 15 * skips) << 4 | (size + 8 * is_high))
    put_word(out, at + 1, np.int64(value >> np.uint64(is_high * (64 - 8 * high))), 8)
    return np.int64(at + 1 + size)


@compiled_inline
def _value_of(word: np.uint64, k: Int, anchor: np.int64, link: np.uint64) -> np.uint64:
    away = np.int64(word) - anchor
    instant = np.uint64((away << np.int64(1)) ^ (away >> np.int64(63)))
    plain = np.uint64(word ^ (EMPTY[k] | (link & _LINKS[k])))
    return np.uint64((instant & _INSTANTS[k]) | (plain & ~_INSTANTS[k]))


@compiled_inline
def _word_of(value: np.uint64, kind: int, empty: np.uint64, anchor: np.int64, link: np.uint64) -> np.uint64:
    away = np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))
    instant = np.uint64(anchor + away)
    return instant if kind == KIND_INSTANT else np.uint64(value ^ (link if kind == KIND_LINK else empty))


@compiled_leaf
def pack_words(row: Words, out: Bytes, at: Int) -> int:
    """Write the words of a row (ROW_WORDS,) behind its head; returns the position after them."""
    anchor = np.int64(row[ANCHOR_WORD])
    if anchor < 0 or anchor >= np.int64(1) << np.int64(47):
        anchor = np.int64(0)
    link = row[LINKED_WORD]
    put_word(out, at, anchor, 8)
    at += _ANCHOR_BYTES
    after = np.int64(0)
    for group in range(_GROUPS):
        first = 64 * group
        bits = _differing(row, group)
        bits &= WRITTEN[group]
        while bits != np.uint64(0):
            k = first + trailing_zeros(bits)
            bits &= bits - np.uint64(1)
            at = _put_value(out, at, k - after, _value_of(row[k], k, anchor, link))
            after = k + 1
    return int(at)


@compiled_leaf
def pack_row(row: Words, out: Bytes, at: Int, layout: int) -> int:
    """Write a row (ROW_WORDS,) packed to ``out[at:]``, which has PACKED_BYTES; returns its length.

    The first four bytes are left to the caller.
    """
    due = np.int64(row[_ENTRY_WORD])
    flags, body = 0, at + HEAD_BYTES
    if due != NEVER:
        flags = FLAG_DUE
        put_word(out, body, due, 8)
        body += 8
    length = pack_words(row, out, body) - at
    put_word(out, at + 4, np.int64(length) | np.int64(flags) << np.int64(16) | np.int64(layout) << np.int64(24), 4)
    put_word(out, at + 8, np.int64(row[_OFFSET_WORD]), 8)
    return int(length)


@compiled_leaf
def length_at(packed: Bytes, at: Int) -> int:
    """Length of the packed row at a place."""
    return int(half_word_at(packed, at + 4) & 0xFFFF)


@compiled_leaf
def flags_at(packed: Bytes, at: Int) -> int:
    """Flags of the packed row at a place."""
    return int(packed[at + 6])


@compiled_leaf
def offset_at(packed: Bytes, at: Int) -> int:
    """The last log offset that the packed row at a place contains."""
    return int(word_at(packed, at + 8))


@compiled_leaf
def due_at(packed: Bytes, at: Int) -> int:
    """The key under which the due index holds the packed row at a place; NEVER: it doesn't."""
    return int(word_at(packed, at + HEAD_BYTES)) if flags_at(packed, at) & FLAG_DUE else NEVER


@compiled_leaf
def unpack_words(
    packed: Bytes, at: Int, stop: Int, empty: Words, kinds: Bytes, anchor_and_link: tuple[int, int], out: Words
) -> bool:
    """The opposite of ``pack_words``, in any layout: ``packed[at:stop]`` into ``out``; False where it is no row.

    Nothing outside of the arrays is written, whatever the bytes are, and nothing is read 8 bytes beyond ``stop``.
    """
    for k in range(len(empty)):
        out[k] = empty[k]
    if stop - at < _ANCHOR_BYTES:
        return False
    place: Int = np.int64(at)
    anchor = word_at(packed, place) & ((np.int64(1) << np.int64(48)) - np.int64(1))
    place += np.int64(_ANCHOR_BYTES)
    word = np.int64(0)
    link_word = anchor_and_link[1]
    while place < stop:
        head = np.int64(packed[np.uint64(place)])
        place += np.int64(1)
        word += head >> 4
        code = head & 15
        if head == 15 << 4:
            continue
        size = code - 8 if code > 8 else code
        if word >= len(empty) or size > stop - place:
            return False
        shift = np.uint64(64 - 8 * size) if code > 8 else np.uint64(0)
        value = np.uint64((np.uint64(word_at(packed, place)) & _LOWEST[size]) << shift)
        place += np.int64(size)
        out[word] = _word_of(value, kinds[word], empty[word], anchor, out[link_word])
        word += 1
    return True


@compiled_leaf
def unpack_row(packed: Bytes, at: Int, out: Words) -> bool:
    """The opposite of ``pack_row``, but for the customer's hash; False where it is no row. Eight bytes follow it."""
    body: Int = at + HEAD_BYTES + (8 if flags_at(packed, at) & FLAG_DUE else 0)
    sound = unpack_words(packed, body, at + length_at(packed, at), EMPTY, KINDS, (ANCHOR_WORD, LINKED_WORD), out)
    out[_OFFSET_WORD] = np.uint64(word_at(packed, at + 8))
    out[_ENTRY_WORD] = np.uint64(np.int64(due_at(packed, at)))
    return sound


@compiled_leaf
def is_sound(packed: Bytes, at: Int, length: Int, width: int) -> bool:
    """Whether ``packed[at:at + length]`` can be unpacked into a row of ``width`` words."""
    if length < HEAD_BYTES + _ANCHOR_BYTES or length_at(packed, at) != length:
        return False
    stop = at + length
    place: Int = at + HEAD_BYTES + _ANCHOR_BYTES + (8 if flags_at(packed, at) & FLAG_DUE else 0)
    k = np.int64(0)
    while place < stop:
        head = np.int64(packed[np.uint64(place)])
        code = head & 15
        k += (head >> 4) + (0 if head == 15 << 4 else 1)
        place += 1 + (code - 8 if code > 8 else code)
    return bool(place == stop and k <= width)


def words_of(rows: Any) -> Words:
    """Rows as words of 64 bits, shape (n, words of a row); of an array that is contiguous no copy."""
    plain: Words = np.ascontiguousarray(rows).view(np.uint64)
    return plain.reshape(len(rows), rows.dtype.itemsize // 8)
