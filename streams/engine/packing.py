"""Rows on their way into a checkpoint: only the words that differ from an empty row's, behind a bitmap that says which.

Most fields of most rows are empty. A packed row takes a third to a half of its bytes, and what a broker, a disk and a
restore have to move shrinks with it.
"""

import numpy as np
import numpy.typing as npt

from processors.calendar import population
from processors.compiled import compiled

Words = npt.NDArray[np.uint64]


def bitmap_words(width: int) -> int:
    """Words of the bitmap of a row of ``width`` words."""
    return -(-width // 64)


@compiled
def packed_size(rows: Words, empty: Words) -> int:
    """Words that ``pack`` makes of the rows."""
    count, width = rows.shape
    total = count * -(-width // 64)
    for i in range(count):
        for k in range(width):
            total += int(rows[i, k] != empty[k])
    return int(total)


@compiled
def pack(rows: Words, empty: Words) -> Words:
    """Rows (n, width) packed one behind the other; ``empty`` (width,) is what they are compared with."""
    count, width = rows.shape
    maps = -(-width // 64)
    # Room for rows that differ in every word: counting first would read everything twice.
    out = np.empty(count * (maps + width), np.uint64)
    at = 0
    for i in range(count):
        start = at
        at += maps
        for m in range(maps):
            bits = np.uint64(0)
            for k in range(64 * m, min(64 * m + 64, width)):
                if rows[i, k] != empty[k]:
                    bits |= np.uint64(1) << np.uint64(k & 63)
                    out[at] = rows[i, k]
                    at += 1
            out[start + m] = bits
    return out[:at].copy()


@compiled
def unpack(packed: Words, empty: Words, count: int, out: Words) -> bool:
    """The opposite of ``pack`` into ``out`` (count, width); False where these are not the words of ``count`` rows.

    Nothing outside of the arrays is read or written, whatever the words are.
    """
    width = len(empty)
    maps = -(-width // 64)
    at = 0
    for i in range(count):
        start = at
        at += maps
        if at > len(packed):
            return False
        filled = 0
        for m in range(maps):
            filled += int(population(packed[start + m]))
        if at + filled > len(packed):
            return False
        for k in range(width):
            if (packed[start + (k >> 6)] >> np.uint64(k & 63)) & np.uint64(1) != np.uint64(0):
                out[i, k] = packed[at]
                at += 1
            else:
                out[i, k] = empty[k]
        if at != start + maps + filled:
            return False
    return at == len(packed)
