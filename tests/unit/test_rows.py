"""The table of rows: who is found, what grows, which copy of a row wins."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.row.layout import NEVER
from processors.row.namespaces import NAMESPACE_KNOWN
from streams.engine.due import pop
from streams.engine.growth import grow
from streams.engine.restoring import empty_rows, take_in
from streams.engine.rows import (
    LONGEST_ID,
    USED_HEAP,
    USED_ROWS,
    Table,
    add,
    find,
    has_room,
    new_table,
    reschedule,
    schedule,
)

# Keys that agree in the upper half, which the index keeps, or in the lower bits, which choose the slot, or in all.
KEYS = st.sampled_from([0, 1, 5, 5 + 1024, 5 + (1 << 40), (7 << 32) + 5, 2**64 - 1])
IDS = st.binary(min_size=1, max_size=LONGEST_ID)


def look_up(table: Table, name: bytes, key: int) -> int:
    # Bytes before and after, so that a look beyond the id would be seen.
    buffer = np.frombuffer(b"\xee" + name + b"\xee", np.uint8)
    return find(table, buffer, 1, len(name), np.uint64(key), NAMESPACE_KNOWN)


def put(table: Table, name: bytes, key: int) -> Table:
    """The table, with room made and a row more."""
    while not has_room(table):
        table = grow(table)
    number = int(table.used[USED_ROWS])
    assert add(table, np.frombuffer(b"\xee" + name, np.uint8), 1, len(name), np.uint64(key), NAMESPACE_KNOWN) == number
    return table


@given(st.dictionaries(IDS, KEYS, max_size=60), st.lists(IDS, max_size=20))
def test_a_collision_of_hashes_never_merges_two_people(people: dict[bytes, int], strangers: list[bytes]) -> None:
    table = new_table(1, LONGEST_ID)
    for number, (name, key) in enumerate(people.items()):
        assert look_up(table, name, key) == -1
        table = put(table, name, key)
        assert look_up(table, name, key) == number
    for number, (name, key) in enumerate(people.items()):
        assert look_up(table, name, key) == number
        for other in (name + b"x", name[:-1], *strangers):
            if other and other not in people:
                assert look_up(table, other, key) == -1


def test_everybody_is_found_while_each_array_grows() -> None:
    table = new_table(1, LONGEST_ID)
    sizes = {len(table.rows), len(table.ids), len(table.slots)}
    names = [f"{i}".encode() * (1 + i % 50) for i in range(3000)]
    keys = [i * 0x9E3779B97F4A7C15 % 2**64 for i in range(3000)]
    for i, (name, key) in enumerate(zip(names, keys, strict=True)):
        table = put(table, name, key)
        table.rows[i].spend_minor = i
        table.dirty[i] = 1
        table.written[i] = i
    assert {look_up(table, name, key) - i for i, (name, key) in enumerate(zip(names, keys, strict=True))} == {0}
    assert table.rows.spend_minor[:3000].tolist() == list(range(3000))
    assert table.written[:3000].tolist() == list(range(3000))
    assert table.dirty[:3000].all()
    assert not table.dirty[3000:].any()
    assert sizes.isdisjoint({len(table.rows), len(table.ids), len(table.slots)})


def surfacing(table: Table) -> list[tuple[int, int]]:
    """Rows in the order in which the due index gives them up, each with its instant; stale entries left out."""
    found = []
    while table.used[USED_HEAP] > 0:
        at, number = int(table.heap_at[0]), int(table.heap_row[0])
        table.used[USED_HEAP] = pop(table.heap_at, table.heap_row, table.used[USED_HEAP])
        if table.rows[number].entry_at == at:
            found.append((at, number))
            table.rows[number].entry_at = NEVER
    return found


def test_the_due_index_sheds_stale_entries_and_stays_small() -> None:
    table = new_table(4, LONGEST_ID)
    for i in range(3):
        table = put(table, b"%d" % i, i)
    for at in range(20_000, 0, -1):
        if not has_room(table):
            table = grow(table)
        table.rows[at % 3].due_at = at
        schedule(table, at % 3)
    assert len(table.heap_at) <= 4096
    assert surfacing(table) == [(1, 1), (2, 2), (3, 0)]


def test_an_entry_that_is_too_early_stays_where_it_is() -> None:
    table = put(new_table(4, LONGEST_ID), b"ann", 1)
    for due in (50, 90, NEVER, 70):
        table.rows[0].due_at = due
        schedule(table, 0)
    assert (int(table.used[USED_HEAP]), int(table.rows[0].entry_at)) == (1, 50)
    table.rows[0].due_at = 40
    schedule(table, 0)
    assert (int(table.used[USED_HEAP]), int(table.rows[0].entry_at)) == (2, 40)


def copies(*versions: tuple[bytes, int, int]) -> tuple[Any, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Rows as a checkpoint holds them: (id, hash, offset) of each, and all ids."""
    rows = empty_rows(len(versions))
    place = 0
    for row, (name, key, offset) in zip(rows, versions, strict=True):
        row.hash, row.offset, row.id_start, row.id_length = key, offset, place, len(name)
        row.due_at = 1000 + offset
        row.entry_at = 3
        place += len(name)
    return rows, np.frombuffer(b"".join(name for name, _, _ in versions), np.uint8)


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"ab", b"c" * 255]), st.integers(-1, 9)), max_size=30),
    st.integers(1, 10),
)
def test_of_several_copies_the_one_with_the_greatest_offset_wins(versions: list[tuple[bytes, int]], cut: int) -> None:
    table = new_table(1, LONGEST_ID)
    for first in range(0, len(versions), cut):
        rows, ids = copies(*((name, 7, offset) for name, offset in versions[first : first + cut]))
        taken = 0
        while (taken := take_in(table, rows, ids, taken)) < len(rows):
            table = grow(table)
    newest: dict[bytes, int] = {}
    for name, offset in versions:
        newest[name] = max(offset, newest.get(name, -1))
    assert {name: int(table.rows[look_up(table, name, 7)].offset) for name in newest} == newest
    assert table.used[USED_ROWS] == len(newest)
    reschedule(table)
    assert [at for at, _ in surfacing(table)] == sorted(1000 + offset for offset in newest.values())


def test_the_row_that_wins_is_taken_in_whole() -> None:
    table = put(put(new_table(4, LONGEST_ID), b"someone else", 9), b"ann", 7)
    rows, ids = copies((b"bob", 8, 1), (b"ann", 7, 5))
    rows[1].spend_minor, rows[1].stage = 1234, 2
    assert take_in(table, rows, ids, 0) == 2
    ann = table.rows[look_up(table, b"ann", 7)]
    assert (int(ann.spend_minor), int(ann.stage), int(ann.offset)) == (1234, 2, 5)
    assert bytes(table.ids[ann.id_start : ann.id_start + ann.id_length]) == b"ann"
    assert ann.entry_at == NEVER
    assert look_up(table, b"someone else", 9) == 0
