"""Is a slice of bytes UTF-8? Compiled.

Source: RFC 3629, section 4 (the table of well-formed byte sequences).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at, half_word_at, word_at

_HIGH_BITS: Final = -0x7F7F_7F7F_7F7F_7F80
"""0x8080_8080_8080_8080 as a signed word."""


@compiled_leaf
def _tail_of(first: Int) -> tuple[int, int, int]:
    """For a lead byte: how many bytes follow (0: it's none), and the bounds of the first of them."""
    low, high = 0x80, 0xBF
    if 0xC2 <= first <= 0xDF:
        return 1, low, high
    if 0xE0 <= first <= 0xEF:
        if first == 0xE0:
            low = 0xA0
        if first == 0xED:
            high = 0x9F
        return 2, low, high
    if 0xF0 <= first <= 0xF4:
        if first == 0xF0:
            low = 0x90
        if first == 0xF4:
            high = 0x8F
        return 3, low, high
    return 0, low, high


@compiled_leaf
def _is_utf8_beyond_ascii(buffer: npt.NDArray[np.uint8], start: Int, stop: Int) -> bool:
    at = start
    while at < stop:
        first = byte_at(buffer, at)
        at += 1
        if first < 0x80:
            continue
        tail, low, high = _tail_of(first)
        if tail == 0 or tail > stop - at:
            return False
        if not low <= byte_at(buffer, at) <= high:
            return False
        for i in range(1, tail):
            if byte_at(buffer, at + i) & 0xC0 != 0x80:
                return False
        at += tail
    return True


@compiled_inline
def _is_ascii(buffer: npt.NDArray[np.uint8], start: Int, stop: Int) -> bool:
    """A word at a time; the last one overlaps the one before, so that only under eight bytes have a tail."""
    size = stop - start
    seen = np.int64(0)
    if size >= 8:
        for at in range(start, stop - 8, 8):
            seen |= word_at(buffer, at)
        seen |= word_at(buffer, stop - 8)
    elif size >= 4:
        seen = half_word_at(buffer, start) | half_word_at(buffer, stop - 4)
    else:
        for at in range(start, stop):
            seen |= byte_at(buffer, at)
    return bool((seen & np.int64(_HIGH_BITS)) == 0)


@compiled_inline
def is_utf8(buffer: npt.NDArray[np.uint8], start: Int, stop: Int) -> bool:
    """Whether ``buffer[start:stop]`` is well-formed UTF-8; nearly all of it is ASCII, which is settled by words."""
    return _is_ascii(buffer, start, stop) or _is_utf8_beyond_ascii(buffer, start, stop)
