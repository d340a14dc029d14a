"""XXH64 over a slice of bytes, compiled.

Source: the xxHash specification (Yann Collet), section "XXH64 algorithm description". Hashes are part of fact ids and
of stored rows, so the algorithm must never change.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at, half_word_at, word_at

_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)


@compiled_inline
def _rotate(value: np.uint64, bits: int) -> np.uint64:
    return np.uint64((value << np.uint64(bits)) | (value >> np.uint64(64 - bits)))


@compiled_inline
def _round(lane: np.uint64, word: np.uint64) -> np.uint64:
    return np.uint64(_rotate(np.uint64(lane + word * _P2), 31) * _P1)


@compiled_inline
def avalanche(h: np.uint64) -> np.uint64:
    """Final mix of XXH64: a bijection of 64-bit words in which every bit of input moves every bit of output."""
    h = np.uint64((h ^ (h >> np.uint64(33))) * _P2)
    h = np.uint64((h ^ (h >> np.uint64(29))) * _P3)
    return np.uint64(h ^ (h >> np.uint64(32)))


@compiled_leaf
def _stripes(buffer: npt.NDArray[np.uint8], at: Int, stop: Int, seed: np.uint64) -> tuple[np.uint64, Int]:
    v1 = np.uint64(seed + _P1 + _P2)
    v2 = np.uint64(seed + _P2)
    v3 = seed
    v4 = np.uint64(seed - _P1)
    while stop - at >= 32:
        v1 = _round(v1, np.uint64(word_at(buffer, at)))
        v2 = _round(v2, np.uint64(word_at(buffer, at + 8)))
        v3 = _round(v3, np.uint64(word_at(buffer, at + 16)))
        v4 = _round(v4, np.uint64(word_at(buffer, at + 24)))
        at += 32
    h = np.uint64(_rotate(v1, 1) + _rotate(v2, 7) + _rotate(v3, 12) + _rotate(v4, 18))
    for lane in (v1, v2, v3, v4):
        h = np.uint64((h ^ _round(np.uint64(0), lane)) * _P1 + _P4)
    return h, at


@compiled_leaf
def xxh64(buffer: npt.NDArray[np.uint8], start: Int, stop: Int, seed: np.uint64) -> np.uint64:
    """XXH64 of ``buffer[start:stop]``."""
    at = start
    if stop - at >= 32:
        h, at = _stripes(buffer, at, stop, seed)
    else:
        h = np.uint64(seed + _P5)
    h = np.uint64(h + np.uint64(stop - start))
    while stop - at >= 8:
        h = np.uint64(_rotate(np.uint64(h ^ _round(np.uint64(0), np.uint64(word_at(buffer, at)))), 27) * _P1 + _P4)
        at += 8
    if stop - at >= 4:
        h = np.uint64(_rotate(np.uint64(h ^ (np.uint64(half_word_at(buffer, at)) * _P1)), 23) * _P2 + _P3)
        at += 4
    while at < stop:
        h = np.uint64(_rotate(np.uint64(h ^ (np.uint64(byte_at(buffer, at)) * _P5)), 11) * _P1)
        at += 1
    return avalanche(h)


@compiled_inline
def mix(h: np.uint64, value: np.int64) -> np.uint64:
    """Fold one more integer into a running hash (XXH64's tail round for eight bytes)."""
    word = np.uint64(value)
    return np.uint64(_rotate(np.uint64(h ^ _round(np.uint64(0), word)), 27) * _P1 + _P4)
