"""Bytes and little-endian words of a buffer, compiled.

Positions become unsigned before they index: with a signed index Numba allows for negative ones (counted from the end),
and that test keeps LLVM from joining eight loads of a byte into one load of a word (seen in its assembly).
The caller has checked that the bytes are there.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline

Int: TypeAlias = int | np.int64


@compiled_inline
def byte_at(buffer: npt.NDArray[np.uint8], at: Int) -> np.int64:
    """The byte at a position that isn't negative."""
    return np.int64(buffer[np.uint64(at)])


@compiled_inline
def word_at(buffer: npt.NDArray[np.uint8], at: Int) -> np.int64:
    """Eight bytes, the first of them lowest."""
    first = np.uint64(at)
    value = np.uint64(0)
    for i in range(8):
        value |= np.uint64(buffer[first + np.uint64(i)]) << np.uint64(8 * i)
    return np.int64(value)


@compiled_inline
def half_word_at(buffer: npt.NDArray[np.uint8], at: Int) -> np.int64:
    """Four bytes, the first of them lowest; never negative."""
    first = np.uint64(at)
    value = np.uint64(0)
    for i in range(4):
        value |= np.uint64(buffer[first + np.uint64(i)]) << np.uint64(8 * i)
    return np.int64(value)


@compiled_inline
def put_word(out: npt.NDArray[np.uint8], at: Int, word: np.int64, size: int) -> None:
    """Write the ``size`` lowest bytes of a word, lowest first. ``size`` should be a constant: then it's one store."""
    first = np.uint64(at)
    bits = np.uint64(word)
    for i in range(size):
        out[first + np.uint64(i)] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(0xFF))


@compiled_inline
def copy_bytes(source: npt.NDArray[np.uint8], start: Int, size: Int, out: npt.NDArray[np.uint8], at: Int) -> np.int64:
    """Copy a few dozen bytes and return the position after them; the last word overlaps the one before."""
    if size >= 8:
        for i in range(0, size - 8, 8):
            put_word(out, at + i, word_at(source, start + i), 8)
        put_word(out, at + size - 8, word_at(source, start + size - 8), 8)
    else:
        for i in range(size):
            out[np.uint64(at + i)] = source[np.uint64(start + i)]
    return np.int64(at + size)
