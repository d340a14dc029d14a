"""The window of recent event identities, beside a dictionary that does the same: what it remembers, forgets, stores."""

from collections import OrderedDict
from random import Random
from typing import Final

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampled import examples

from streams.engine.window import (
    AHEAD,
    LARGEST_WINDOW,
    MET,
    NEW,
    TOLD_COUNT,
    TOLD_LIMIT,
    TOLD_ROOM,
    TOLD_TOTAL,
    WINDOW,
    Window,
    copied_window,
    entry_identity,
    entry_offset,
    has_place,
    identity_of,
    look_up,
    new_window,
    remember,
    widened,
    window_bytes,
)
from streams.engine.window_records import (
    SEGMENT_KEY,
    STORED_BYTES,
    BadSegment,
    add_segments,
    keys_in_turn,
    not_stored,
    restored_window,
    segment_bytes,
)

PLAIN: Final = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]
MANY: Final = 3_000 if PLAIN else 200_000


class Remembering:
    """A window that is given room as a partition gives it."""

    def __init__(self, limit: int) -> None:
        self.window = new_window(limit)

    def meet(self, identity: int, offset: int) -> int:
        while not has_place(self.window):
            self.window = widened(self.window)
        seen = look_up(self.window, np.uint64(identity), offset)
        if seen == NEW:
            remember(self.window, np.uint64(identity), offset)
        return seen


def contents(window: Window) -> list[tuple[int, int]]:
    """(identity, offset) of all entries, by offset."""
    count = int(window.told[TOLD_COUNT])
    entries = ((int(entry_identity(window, at)), int(entry_offset(window, at))) for at in range(count))
    return sorted(entries, key=lambda entry: entry[1])


def hashes(random: Random, shape: str) -> int:
    """Hashes that are all over, that meet in a bucket, or that meet in a bucket and in what its places hold of them."""
    if shape == "any":
        return random.getrandbits(64)
    if shape == "bucket":
        return 5 << 40 | random.getrandbits(32)
    return 5 << 40 | random.getrandbits(10) << 2 | random.getrandbits(2) << 33


def check_index(window: Window) -> None:
    """Every entry of the ring is found, and no place speaks of what is beyond the ring."""
    for identity, offset in contents(window):
        assert look_up(window, np.uint64(identity), offset + 1) == MET
    buckets, limit = window.places.reshape(-1, 16), int(window.told[TOLD_LIMIT])
    bits = (1 << (limit - 1).bit_length()) - 1
    for bucket in buckets:
        filled = bucket[1 : 1 + min(int(bucket[0]) & 31, 15)]
        assert all(int(word) & bits < limit for word in filled)


@pytest.mark.parametrize("limit", [1, 2, 15, 16, 17, 250, 1024, 1025, 5000])
@pytest.mark.parametrize("shape", ["any", "bucket", "tag"])
def test_it_remembers_the_newest_as_a_dictionary_does(limit: int, shape: str) -> None:
    random = Random(limit)
    kept: OrderedDict[int, int] = OrderedDict()
    remembering = Remembering(limit)
    recent: list[int] = []
    many = min(MANY, 4 * limit + 2_000) if shape == "any" else min(MANY, 3_000)
    for offset in range(many):
        fresh = not recent or random.random() < 0.6
        identity = hashes(random, shape) if fresh else recent[-1 - int(random.random() ** 3 * len(recent))]
        recent.append(identity)
        assert remembering.meet(identity, offset) == (MET if identity in kept else NEW), offset
        if identity not in kept:
            kept[identity] = offset
            if len(kept) > limit:
                kept.popitem(last=False)
    window = remembering.window
    assert contents(window) == sorted(kept.items(), key=lambda entry: entry[1])
    check_index(window)


def test_what_went_is_in_nobodys_way() -> None:
    """Ten thousand that meet in one bucket come and go; then nine of ten are found where they are looked for."""
    remembering, random = Remembering(500), Random(1)
    for offset in range(min(MANY, 10_000)):
        remembering.meet(hashes(random, "bucket"), offset)
    for offset in range(3_000):
        remembering.meet(random.getrandbits(64), MANY + offset)
    window = remembering.window
    check_index(window)
    homes = np.array([identity >> 32 for identity, _ in contents(window)]) * (len(window.places) // 16) >> 32
    where = [
        {int(entry_identity(window, int(word) & 511)) for word in bucket[1:16]}
        for bucket in window.places.reshape(-1, 16)
    ]
    away = sum(
        identity not in where[home] for (identity, _), home in zip(contents(window), homes.tolist(), strict=True)
    )
    assert away < 75


def test_as_of_a_record_what_is_not_before_it_is_not_known() -> None:
    remembering = Remembering(8)
    remembering.meet(7, 100)
    seen = [look_up(remembering.window, np.uint64(7), offset) for offset in (0, 99, 100, 101, 10**12)]
    assert seen == [AHEAD, AHEAD, AHEAD, MET, MET]


@pytest.mark.parametrize("first", [0, 2**31, 2**32 - 2, 2**47 - 2, 2**48 - 2, 2**62])
def test_offsets_of_any_size_are_told_apart(first: int) -> None:
    remembering = Remembering(8)
    for offset in range(first, first + 4):
        remembering.meet(offset - first + 1, offset)
    for offset in range(first, first + 4):
        identity = np.uint64(offset - first + 1)
        seen = [look_up(remembering.window, identity, at) for at in (offset, offset + 1, offset + 10**9)]
        assert seen == [AHEAD, MET, MET]


def test_one_that_remembers_nothing_knows_nothing() -> None:
    remembering = Remembering(0)
    assert [remembering.meet(7, offset) for offset in range(3)] == [NEW, NEW, NEW]
    assert segment_bytes(remembering.window) == (0, 0, 0)


def test_a_size_that_can_not_be_is_refused() -> None:
    for limit in (-1, LARGEST_WINDOW + 1):
        with pytest.raises(ValueError, match="a window of"):
            new_window(limit)


def test_an_identity_is_of_an_id_and_an_event() -> None:
    random = Random(3)
    drawn = [(random.getrandbits(64), random.getrandbits(64)) for _ in range(200)]
    pairs = {*drawn, *((event, key) for key, event in drawn)}
    assert len({int(identity_of(np.uint64(key), np.uint64(event))) for key, event in pairs}) == len(pairs)


@pytest.mark.slow
def test_memory_grows_with_use_and_is_bounded() -> None:
    remembering = Remembering(MANY)
    assert window_bytes(remembering.window) < 10_000
    for offset in range(2 * MANY):
        remembering.meet(int(identity_of(np.uint64(1), np.uint64(offset))), offset)
    window = remembering.window
    assert window.told[TOLD_ROOM] == MANY
    assert window.told[TOLD_TOTAL] == 2 * MANY
    assert window_bytes(window) / MANY < 20
    full = new_window(WINDOW, WINDOW)
    assert (full.entries.nbytes + full.places.nbytes) / WINDOW < 20
    # A bucket is a cache line.
    assert window.places.ctypes.data % 64 == full.places.ctypes.data % 64 == 0


def test_a_copy_goes_its_own_way() -> None:
    remembering = Remembering(10)
    for offset in range(7):
        remembering.meet(offset + 1, offset)
    other = Remembering(10)
    other.window = copied_window(remembering.window)
    assert [other.meet(offset + 1, 100 + offset) for offset in range(9)] == [MET] * 7 + [NEW] * 2
    assert len(contents(remembering.window)) == 7


def written(window: Window, stored: dict[int, bytes]) -> int:
    """A checkpoint of the window reaches the store; how many segments it had."""
    count, key_bytes, value_bytes = segment_bytes(window)
    keys, key_ends = np.empty(key_bytes, np.uint8), np.zeros(count + 1, np.int64)
    values, ends = np.empty(value_bytes, np.uint8), np.zeros(count + 1, np.int64)
    add_segments(window, 0, keys, key_ends, values, ends)
    assert (key_ends[-1], ends[-1]) == (key_bytes, value_bytes)
    for i in range(count):
        key = keys[key_ends[i] : key_ends[i + 1]].tobytes()
        assert key[:-4] == SEGMENT_KEY
        stored[int.from_bytes(key[-4:], "big")] = values[ends[i] : ends[i + 1]].tobytes()
    return count


@settings(max_examples=examples(60))
@given(
    st.sampled_from([1, 3, 255, 256, 257, 600, 1500]), st.lists(st.integers(0, 700), min_size=1, max_size=6), st.data()
)
def test_what_is_restored_is_what_was_stored(limit: int, steps: list[int], data: st.DataObject) -> None:
    remembering, stored = Remembering(limit), dict[int, bytes]()
    number = 0
    for step in steps:
        for _ in range(step):
            remembering.meet(int(identity_of(np.uint64(9), np.uint64(number))), 3 * number)
            number += 1
        if data.draw(st.booleans()):
            # A checkpoint that nobody stored.
            before = int(remembering.window.told[5])
            written(remembering.window, {})
            not_stored(remembering.window, before)
        written(remembering.window, stored)
        assert written(remembering.window, {}) == 0
        assert len(stored) <= keys_in_turn(limit)
        found = Remembering(limit)
        found.window = restored_window(limit, int(remembering.window.told[TOLD_TOTAL]), 3 * number, stored)
        assert contents(found.window) == contents(remembering.window)
        if data.draw(st.booleans()):
            remembering = found


def test_little_is_written_where_little_comes() -> None:
    remembering = Remembering(10_000)
    for offset in range(2_000):
        remembering.meet(offset + 1, offset)
    assert written(remembering.window, {}) == 8
    remembering.meet(5_000, 5_000)
    count, _, values = segment_bytes(remembering.window)
    assert count == 1
    assert values <= 256 * STORED_BYTES + 16


@pytest.mark.parametrize("last", [600, 2**40 + 300, 2**47 + 300, 2**48 - 1])
def test_a_segment_holds_whole_hashes_and_48_bits_of_offsets(last: int) -> None:
    entries = [(2**64 - 1 - 7**k, last - 600 + 2 * k) for k in range(22)] + [(3, last - 2), (9, last)]
    remembering, stored = Remembering(100), dict[int, bytes]()
    for identity, offset in entries:
        remembering.meet(identity, offset)
    written(remembering.window, stored)
    body = b"".join(each.to_bytes(8, "little") + offset.to_bytes(6, "little") for each, offset in entries)
    assert stored[0][:-8] == bytes(8) + body
    found = restored_window(100, len(entries), last + 1, stored)
    assert contents(found) == contents(remembering.window) == entries
    assert [look_up(found, np.uint64(9), at) for at in (last - 1, last, last + 1)] == [AHEAD, AHEAD, MET]


def test_what_is_beyond_the_header_is_dropped() -> None:
    remembering, stored = Remembering(1_000), dict[int, bytes]()
    for offset in range(700):
        remembering.meet(offset + 1, 2 * offset)
    written(remembering.window, stored)
    found = restored_window(1_000, 700, 1_001, stored)
    assert contents(found) == [(offset + 1, 2 * offset) for offset in range(501)]
    assert found.told[TOLD_TOTAL] == 501
    # What takes their place is stored in their place.
    again = Remembering(1_000)
    again.window = found
    for offset in range(1_001, 1_401):
        again.meet(10_000 + offset, offset)
    written(again.window, stored)
    assert contents(restored_window(1_000, 901, 1_401, stored)) == contents(again.window)


def test_a_segment_that_is_missing_or_damaged_is_told() -> None:
    remembering, stored = Remembering(600), dict[int, bytes]()
    for offset in range(900):
        remembering.meet(offset + 1, offset)
    written(remembering.window, stored)
    assert len(stored) == 3
    random = Random(5)
    for name, value in stored.items():
        with pytest.raises(BadSegment, match=f"segment {name} .* was not stored"):
            restored_window(600, 900, 900, {other: each for other, each in stored.items() if other != name})
        bad = [value[:size] for size in (0, 8, 15, 16, 100, len(value) - 1)] + [value + b"\0"]
        for place in (0, 8, len(value) - 1, random.randrange(len(value))):
            damaged = bytearray(value)
            damaged[place] ^= 1 << random.randrange(8)
            bad.append(bytes(damaged))
        bad += [each for other, each in stored.items() if other != name]
        for each in bad:
            with pytest.raises(BadSegment, match=f"segment {name} .* was damaged"):
                restored_window(600, 900, 900, {**stored, name: each})
    with pytest.raises(BadSegment, match="can't be"):
        restored_window(LARGEST_WINDOW + 1, 900, 900, stored)
    # Of an earlier turn.
    with pytest.raises(BadSegment, match="damaged"):
        restored_window(600, 2_000, 2_000, stored)
