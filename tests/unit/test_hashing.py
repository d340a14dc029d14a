"""Hashes are part of what is stored, so they are held against the reference implementation, bit by bit."""

import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from processors.hashing import avalanche, mix, xxh64
from processors.policy.policy import hash_of

P1, P2, P3, P4 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63
WORD = 2**64 - 1
words = st.integers(0, WORD)


def rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & WORD


@given(st.binary(max_size=200), words, st.integers(0, 9), st.integers(0, 9))
def test_slices_hash_as_the_reference_does(data: bytes, seed: int, before: int, after: int) -> None:
    buffer = np.frombuffer(b"\xa5" * before + data + b"\x5a" * after, np.uint8)
    got = xxh64(buffer, before, before + len(data), np.uint64(seed))
    assert int(got) == xxhash.xxh64_intdigest(data, seed)


def test_every_length_around_the_stripes_hashes_as_the_reference_does() -> None:
    data = bytes(range(256))
    buffer = np.frombuffer(data, np.uint8)
    lengths = [*range(100), 255, 256]
    assert [int(xxh64(buffer, 0, n, np.uint64(0))) for n in lengths] == [
        xxhash.xxh64_intdigest(data[:n], 0) for n in lengths
    ]


@given(st.text(max_size=60))
def test_strings_hash_by_their_utf8(text: str) -> None:
    assert int(hash_of(text)) == xxhash.xxh64_intdigest(text.encode(), 0)


@given(words, st.integers(-(2**63), 2**63 - 1))
def test_folding_an_integer_in_is_the_tail_round_of_the_specification(h: int, value: int) -> None:
    lane = rotated((value & WORD) * P2 & WORD, 31) * P1 & WORD
    assert int(mix(np.uint64(h), np.int64(value))) == (rotated(h ^ lane, 27) * P1 + P4) & WORD


@given(words)
def test_the_final_mix_is_that_of_the_specification(h: int) -> None:
    expected = (h ^ h >> 33) * P2 & WORD
    expected = (expected ^ expected >> 29) * P3 & WORD
    assert int(avalanche(np.uint64(h))) == expected ^ expected >> 32
