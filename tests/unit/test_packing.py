"""Packed rows are the rows, and bytes that are no packed rows are told apart without reading beyond them."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.bits import leading_zeros, trailing_zeros
from processors.compiled import compiled_leaf
from processors.row.layout import NEVER, NONE, ROW
from streams.engine.described import KIND_INSTANT, KIND_LINK, KIND_OUTSIDE, empty_rows, our_layout, read_layout
from streams.engine.packing import (
    EMPTY,
    HEAD_BYTES,
    KINDS,
    PACKED_BYTES,
    ROW_WORDS,
    due_at,
    is_sound,
    length_at,
    offset_at,
    pack_row,
    unpack_row,
    words_of,
)

WORD = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 63).map(lambda bit: 1 << bit),
    st.integers(0, 255),
    st.integers(0, 255).map(lambda byte: byte << 56),
    st.sampled_from([0, 2**64 - 1, NEVER, NONE % 2**64, 1_700_000_000_000]),
)
PLACES = st.dictionaries(st.integers(0, ROW_WORDS - 1), WORD, max_size=40)
GUARD = 0xEE


@compiled_leaf
def zeros(word: np.uint64) -> tuple[int, int]:
    return leading_zeros(word), trailing_zeros(word)


def words(places: dict[int, int]) -> Any:
    row = EMPTY.copy()
    for place, value in places.items():
        row[place] = np.uint64(value)
    return row


def packed(row: Any, layout: int = 3) -> Any:
    """The packed row, and its length."""
    out = np.full(PACKED_BYTES + 16, GUARD, np.uint8)
    length = pack_row(row, out, 8, layout)
    assert (out[:8] == GUARD).all()
    assert (out[PACKED_BYTES + 8 :] == GUARD).all()
    return out[8:], length


@given(PLACES)
def test_what_is_packed_comes_back(places: dict[int, int]) -> None:
    row = words(places)
    out, length = packed(row)
    assert length_at(out, 0) == length
    assert out[7] == 3
    assert is_sound(out, 0, length, ROW_WORDS)
    back = np.full(ROW_WORDS, 7, np.uint64)
    assert unpack_row(out, 0, back)
    (hash_word,) = np.flatnonzero((KINDS == KIND_OUTSIDE) & (back != row)) if back[0] != row[0] else (0,)
    assert hash_word == 0, "but for the hash, which the id tells"
    assert np.array_equal(back[1:], row[1:])
    as_row = row.view(ROW)[0]
    assert offset_at(out, 0) == as_row["offset"]
    assert due_at(out, 0) == as_row["entry_at"]


def test_a_row_that_differs_in_every_word_finds_room() -> None:
    row = ~EMPTY
    row[1::2] = EMPTY[1::2] ^ np.uint64(0x0101010101010101)
    out, length = packed(row)
    assert length <= PACKED_BYTES - 8
    back = np.zeros(ROW_WORDS, np.uint64)
    assert unpack_row(out, 0, back)
    assert np.array_equal(back[1:], row[1:])


@given(PLACES, st.data())
def test_of_any_bytes_nothing_is_read_beyond_them_and_no_word_but_the_rows(
    places: dict[int, int], data: st.DataObject
) -> None:
    out, length = packed(words(places))
    cut = data.draw(st.integers(0, length - 1))
    assert not is_sound(out, 0, cut, ROW_WORDS)
    damaged = out[: length + 8].copy()
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(HEAD_BYTES, length - 1))] = data.draw(st.integers(0, 255))
    back = np.full((3, ROW_WORDS), 7, np.uint64)
    told = unpack_row(damaged, 0, back[1])
    assert told == is_sound(damaged, 0, length, ROW_WORDS)
    assert (back[0] == 7).all()
    assert (back[2] == 7).all()


@given(st.integers(0, 2**64 - 1))
def test_the_zeros_around_a_word(value: int) -> None:
    trailing = 64 if value == 0 else (value & -value).bit_length() - 1
    assert zeros(np.uint64(value)) == (64 - value.bit_length(), trailing)


def test_each_word_of_a_row_is_written_by_its_kind() -> None:
    def kinds(name: str) -> set[int]:
        field, at = ROW.fields[name][:2] if ROW.fields else (ROW, 0)
        return set(KINDS[at // 8 : -(-(at + field.itemsize) // 8)].tolist())

    assert kinds("last_at") == kinds("entered_at") == kinds("bought_at") == {KIND_INSTANT}
    assert kinds("entered_id") == {KIND_LINK}
    outside = [name for name in ROW.names or () if kinds(name) == {KIND_OUTSIDE}]
    assert outside == ["hash", "entry_at", "offset"]


def test_the_layout_comes_back_from_its_text() -> None:
    ours = our_layout()
    back = read_layout(ours.text())
    assert back.text() == ours.text()
    assert back.row == ROW
    assert np.array_equal(words_of(empty_rows(2))[1], back.empty)
