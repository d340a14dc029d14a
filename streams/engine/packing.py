"""Rows on their way into a checkpoint: only the words that differ from an empty row's, behind a bitmap that says which.

Most fields of most rows are empty. A packed row takes a third to a half of its bytes, and what a broker, a disk and a
restore have to move shrinks with it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from processors.row.calendar import population

Words = npt.NDArray[np.uint64]


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
def pack(rows: Words, chosen: npt.NDArray[np.int64], empty: Words, start_word: int, lengths: Any) -> Words:
    """The chosen ones of the rows (n, width), packed one behind the other.

    ``empty`` (width,) is what they are compared with. ``start_word``: place of the word that says where the row's id
    begins; it is written as if the ids of the chosen stood one behind the other, and ``lengths`` (n,) are their bytes.
    """
    width = len(empty)
    maps = -(-width // 64)
    # Room for rows that differ in every word, and for the word that is written before it is known whether it stays.
    out = np.empty(len(chosen) * (maps + width) + 1, np.uint64)
    at, begins = np.uint64(0), np.uint64(0)
    one = np.uint64(1)
    for number in chosen:
        row = rows[number]
        start = at
        at += np.uint64(maps)
        for m in range(maps):
            bits = np.uint64(0)
            for k in range(64 * m, min(64 * m + 64, width)):
                # Without a branch: which words are filled differs from row to row, and none could be foreseen.
                word = begins if k == start_word else row[k]
                differs = one if word != empty[k] else np.uint64(0)
                out[at] = word
                at += differs
                bits |= differs << np.uint64(k & 63)
            out[start + np.uint64(m)] = bits
        begins += np.uint64(lengths[number])
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
