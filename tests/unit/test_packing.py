"""Packed rows are the rows, and bytes that are no packed rows are told apart without reading beyond them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.packing import pack as pack_chosen
from streams.engine.packing import packed_size, unpack

WIDTH = 130
MAPS = 3  # words of bitmap, the last one nearly empty
START = 5
words = st.integers(0, 2**64 - 1)
places = st.dictionaries(st.integers(0, WIDTH - 1), words, max_size=20)


def pack(rows: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """All of them, and nothing in them says where an id begins."""
    return pack_chosen(rows, np.arange(len(rows)), empty, -1, np.zeros(len(rows), np.int32))


def filled(empty: np.ndarray, rows: list[dict[int, int]]) -> np.ndarray:
    out = np.tile(empty, (len(rows), 1))
    for row, values in zip(out, rows, strict=True):
        for place, value in values.items():
            row[place] = value
    return out


@given(places, st.lists(places, max_size=6))
def test_what_is_packed_comes_back(template: dict[int, int], rows: list[dict[int, int]]) -> None:
    (empty,) = filled(np.zeros(WIDTH, np.uint64), [template])
    given_rows = filled(empty, rows)
    packed = pack(given_rows, empty)
    assert len(packed) == packed_size(given_rows, empty) == len(rows) * MAPS + int((given_rows != empty).sum())
    out = np.zeros_like(given_rows)
    assert unpack(packed, empty, len(rows), out)
    assert np.array_equal(out, given_rows)


@given(st.lists(words, max_size=40), st.integers(0, 4))
def test_words_that_are_no_rows_are_refused(drawn: list[int], count: int) -> None:
    empty = np.zeros(WIDTH, np.uint64)
    packed = np.array(drawn, np.uint64)
    out = np.zeros((count, WIDTH), np.uint64)
    if unpack(packed, empty, count, out):
        assert np.array_equal(pack(out, empty), packed) or (out == 0).any()


def test_a_packed_row_cut_short_or_with_more_behind_it_is_refused() -> None:
    empty = np.zeros(WIDTH, np.uint64)
    packed = pack(filled(empty, [{0: 7, 129: 8}]), empty)
    out = np.zeros((1, WIDTH), np.uint64)
    assert not unpack(packed[:-1], empty, 1, out)
    assert not unpack(np.append(packed, np.uint64(1)), empty, 1, out)
    assert not unpack(packed, empty, 2, np.zeros((2, WIDTH), np.uint64))


def test_a_bitmap_that_names_places_beyond_the_row_is_refused() -> None:
    empty = np.zeros(WIDTH, np.uint64)
    beyond = np.array([0, 0, 1 << 63, 5], np.uint64)
    assert not unpack(beyond, empty, 1, np.zeros((1, WIDTH), np.uint64))


@given(st.lists(places, min_size=1, max_size=6), st.data())
def test_the_chosen_rows_are_packed_and_say_where_their_ids_begin(
    rows: list[dict[int, int]], data: st.DataObject
) -> None:
    empty = np.zeros(WIDTH, np.uint64)
    given_rows = filled(empty, rows)
    before = given_rows.copy()
    lengths = np.array([data.draw(st.integers(0, 255)) for _ in rows], np.int32)
    chosen = np.array([i for i in range(len(rows)) if data.draw(st.booleans())], np.int64)
    out = np.zeros((len(chosen), WIDTH), np.uint64)
    assert unpack(pack_chosen(given_rows, chosen, empty, START, lengths), empty, len(chosen), out)
    wanted = given_rows[chosen]
    wanted[:, START] = np.cumsum(lengths[chosen]) - lengths[chosen]
    assert np.array_equal(out, wanted)
    assert np.array_equal(given_rows, before)
