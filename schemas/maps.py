"""Looking into the raw Avro bytes of a map of strings and of the lines of an order, compiled.

The decoder has checked the bytes: blocks, lengths and UTF-8 are as they should be. Names and words are compared by
their XXH64 (seed 0).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.words import Int, byte_at
from schemas.varint import read_long

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
ABSENT: Final = -1
_SEED: Final = np.uint64(0)
_MOST_DIGITS: Final = 18
_TRUE: Final = np.frombuffer(b"true", np.uint8)


@compiled_leaf
def _block(buffer: Bytes, at: Int, stop: Int) -> tuple[np.int64, np.int64]:
    """Number of items of the block at ``at``, and the position of the first."""
    count, after = read_long(buffer, at, stop)
    if count < 0:
        _, after = read_long(buffer, after, stop)
        count = -count
    return count, after


@compiled_inline
def find_text(buffer: Bytes, start: int, length: int, name: np.uint64) -> tuple[int, int]:
    """(start, length) of the value of a name in the map at ``buffer[start:start + length]``; length ABSENT: none."""
    stop = start + length
    if length <= 1:
        return 0, ABSENT
    count, at = _block(buffer, start, stop)
    while count > 0:
        for _ in range(count):
            size, key = read_long(buffer, at, stop)
            value_size, value = read_long(buffer, key + size, stop)
            if xxh64(buffer, int(key), int(key + size), _SEED) == name:
                return int(value), int(value_size)
            at = value + value_size
        count, at = _block(buffer, at, stop)
    return 0, ABSENT


@compiled_leaf
def find_texts(buffer: Bytes, start: int, length: int, one: np.uint64, other: np.uint64) -> tuple[int, int, int, int]:
    """The same for two names, in one walk: start and length of the one, start and length of the other."""
    stop = start + length
    first, first_size, second, second_size = 0, ABSENT, 0, ABSENT
    if length <= 1:
        return first, first_size, second, second_size
    count, at = _block(buffer, start, stop)
    while count > 0:
        for _ in range(count):
            size, key = read_long(buffer, at, stop)
            value_size, value = read_long(buffer, key + size, stop)
            named = xxh64(buffer, int(key), int(key + size), _SEED)
            if named == one:
                first, first_size = int(value), int(value_size)
            elif named == other:
                second, second_size = int(value), int(value_size)
            at = value + value_size
        count, at = _block(buffer, at, stop)
    return first, first_size, second, second_size


@compiled_inline
def is_true(buffer: Bytes, start: int, length: int, name: Bytes) -> bool:
    """Whether the map at ``buffer[start:start + length]`` says "true" of a name; its bytes are compared, not hashed."""
    stop = start + length
    if length <= 1:
        return False
    count, at = _block(buffer, start, stop)
    while count > 0:
        for _ in range(count):
            size, key = read_long(buffer, at, stop)
            value_size, value = read_long(buffer, key + size, stop)
            if size == len(name) and stands_at(buffer, key, name):
                return value_size == len(_TRUE) and stands_at(buffer, value, _TRUE)
            at = value + value_size
        count, at = _block(buffer, at, stop)
    return False


@compiled_inline
def stands_at(buffer: Bytes, at: Int, text: Bytes) -> bool:
    """Whether the bytes of a text stand at a place of a buffer that has room for them."""
    for i in range(len(text)):
        if byte_at(buffer, at + i) != byte_at(text, i):
            return False
    return True


@compiled_leaf
def is_among(buffer: Bytes, start: int, length: int, words: Hashes) -> bool:
    """Whether the text ``buffer[start:start + length]`` is one of the words (sorted hashes)."""
    if length < 0 or len(words) == 0:
        return False
    wanted = xxh64(buffer, start, start + length, _SEED)
    place = np.searchsorted(words, wanted)
    return bool(place < len(words) and words[place] == wanted)


@compiled_leaf
def any_category(buffer: Bytes, start: int, length: int, words: Hashes) -> bool:
    """Whether the category of an order's line (sku, category or null, quantity, amount or null) is one of the words."""
    stop = start + length
    if length <= 1 or len(words) == 0:
        return False
    count, at = _block(buffer, start, stop)
    while count > 0:
        for _ in range(count):
            size, sku = read_long(buffer, at, stop)
            branch, at = read_long(buffer, sku + size, stop)
            if branch == 1:
                size, text = read_long(buffer, at, stop)
                if is_among(buffer, int(text), int(size), words):
                    return True
                at = text + size
            _, at = read_long(buffer, at, stop)
            branch, at = read_long(buffer, at, stop)
            if branch == 1:
                _, at = read_long(buffer, at, stop)
        count, at = _block(buffer, at, stop)
    return False


@compiled_leaf
def varieties_of(buffer: Bytes, start: int, length: int) -> np.uint64:
    """A bit (hash mod 64) for the category of each line of an order, or its article where it tells no category.

    The number of bits is a count of different ones, a little too low where two share a bit (linear counting; Whang,
    Vander-Zanden & Taylor, ACM TODS 15(2), 1990).
    """
    stop, found = start + length, np.uint64(0)
    if length <= 1:
        return found
    count, at = _block(buffer, start, stop)
    while count > 0:
        for _ in range(count):
            size, text = read_long(buffer, at, stop)
            branch, at = read_long(buffer, text + size, stop)
            if branch == 1:
                # An empty category leaves the article.
                long, place = read_long(buffer, at, stop)
                at = place + long
                if long > 0:
                    size, text = long, place
            if size > 0:
                found |= np.uint64(1) << (xxh64(buffer, int(text), int(text + size), _SEED) & np.uint64(63))
            _, at = read_long(buffer, at, stop)
            branch, at = read_long(buffer, at, stop)
            if branch == 1:
                _, at = read_long(buffer, at, stop)
        count, at = _block(buffer, at, stop)
    return found


@compiled_leaf
def read_decimal(buffer: Bytes, start: int, length: int) -> tuple[float, bool]:
    """The number at the beginning of a text, and whether a percent sign follows; 0 where there is no number."""
    value, scale, digits, at = 0.0, 1.0, 0, start
    stop = start + length
    negative = at < stop and buffer[at] == 45
    at += int(negative)
    fraction = False
    while at < stop:
        letter = int(buffer[at])
        if letter == 46 and not fraction:
            fraction = True
        elif 48 <= letter <= 57 and digits < _MOST_DIGITS:
            value = value * 10.0 + (letter - 48)
            scale *= 10.0 if fraction else 1.0
            digits += int(value > 0.0)
        elif 48 <= letter <= 57:
            # Beyond what a double holds digits only say how large the number is.
            value *= 1.0 if fraction else 10.0
        else:
            break
        at += 1
    percent = at < stop and buffer[at] == 37
    return (-value if negative else value) / scale, percent
