"""The table of customers: who is found, what grows, which rows are hot, and what stays of those that are packed."""

from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.hashing import xxh64
from processors.row.layout import NEVER, ORDERS, ROW
from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, NAMESPACE_UNSTATED, salt_of
from streams.engine.due import pop
from streams.engine.growth import copied, grow, memory_bytes
from streams.engine.hot import add, entry_of, offset_of, read_rows, reschedule, touch, warm
from streams.engine.packing import ROW_WORDS
from streams.engine.rows import (
    LONGEST_ID,
    USED_ARENA,
    USED_FREED,
    USED_HEAP,
    USED_HOT,
    USED_NEWEST,
    USED_OLDEST,
    USED_ROWS,
    Table,
    find,
    has_room,
    id_slices,
    new_table,
    rows_as_words,
    schedule,
)

# Keys that agree in the upper half, which the index keeps, or in the lower bits, which choose the slot, or in all.
KEYS = st.sampled_from([0, 1, 5, 5 + 1024, 5 + (1 << 40), (7 << 32) + 5, 2**64 - 1])
IDS = st.binary(min_size=1, max_size=LONGEST_ID)
FEW = 4


def look_up(table: Table, name: bytes, key: int, namespace: int = NAMESPACE_KNOWN) -> int:
    # Bytes before and after, so that a look beyond the id would be seen.
    buffer = np.frombuffer(b"\xee" + name + b"\xee", np.uint8)
    return find(table, buffer, 1, len(name), np.uint64(key), namespace)


def key_for(name: bytes, namespace: int = NAMESPACE_KNOWN) -> int:
    return int(np.uint64(xxh64(np.frombuffer(name, np.uint8), 0, len(name), np.uint64(0))) ^ salt_of(namespace))


def put(table: Table, name: bytes, key: int, namespace: int = NAMESPACE_KNOWN) -> Table:
    """The table, with room made and a customer more."""
    while not has_room(table):
        table = grow(table)
    number = int(table.used[USED_ROWS])
    assert add(table, np.frombuffer(b"\xee" + name, np.uint8), 1, len(name), np.uint64(key), namespace) == number
    return table


def rows(table: Table, numbers: list[int]) -> Any:
    found = np.empty(len(numbers), ROW).view(np.recarray)
    read_rows(table, np.array(numbers, np.int64), found, rows_as_words(found))
    return found


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


def test_the_same_text_in_two_namespaces_is_two_customers() -> None:
    table = new_table(4, LONGEST_ID)
    spaces = (NAMESPACE_KNOWN, NAMESPACE_ANONYMOUS)
    for space in spaces:
        table = put(table, b"ann", key_for(b"ann", space), space)
    assert [look_up(table, b"ann", key_for(b"ann", space), space) for space in spaces] == [0, 1]
    table = put(table, b"bob", key_for(b"bob", NAMESPACE_UNSTATED), NAMESPACE_UNSTATED)
    assert [look_up(table, b"bob", key_for(b"bob", space), space) for space in spaces] == [2, 2]


def test_everybody_is_found_while_each_array_grows() -> None:
    table = new_table(1, LONGEST_ID, 64)
    sizes = [len(each) for each in (table.customers, table.ids, table.slots, table.arena)]
    names = [f"{i}".encode() * (1 + i % 50) for i in range(5000)]
    keys = [key_for(name) for name in names]
    for i, (name, key) in enumerate(zip(names, keys, strict=True)):
        table = put(table, name, key)
        row = table.rows[warm(table, i)]
        row.spend_minor = i
        row.order_hash[:] = i * 0x9E3779B97F4A7C15 % 2**64
    assert {look_up(table, name, key) - i for i, (name, key) in enumerate(zip(names, keys, strict=True))} == {0}
    found = rows(table, list(range(5000)))
    assert found.spend_minor.tolist() == list(range(5000))
    assert found.hash.tolist() == keys
    starts, lengths = id_slices(table, np.arange(5000))
    assert [bytes(table.ids[s : s + n]) for s, n in zip(starts, lengths, strict=True)] == names
    grown = [len(each) for each in (table.customers, table.ids, table.slots, table.arena)]
    assert all(size < larger for size, larger in zip(sizes, grown, strict=True))
    assert table.used[USED_HOT] == 64


class Copybook:
    """What the table should hold, in plain Python."""

    def __init__(self, most: int, seed: int) -> None:
        self.table = new_table(2, LONGEST_ID, most)
        self.most = most
        self.random = Random(seed)
        self.told: list[dict[str, int]] = []
        self.recent: list[int] = []

    def change(self, number: int) -> None:
        row = self.table.rows[warm(self.table, number)]
        told = self.told[number]
        for name in self.random.sample(["spend_minor", "last_at", "touchpoints", "due_at", "offset", "first_at"], 3):
            told[name] = self.random.choice([0, 1, -1, 2**31 - 1, self.random.randrange(2**31)])
            row[name] = told[name]
        for k in range(self.random.randrange(ORDERS)):
            row.order_hash[k] = told[f"order {k}"] = self.random.getrandbits(64)

    def step(self) -> None:
        while not has_room(self.table):
            self.table = grow(self.table)
        if not self.told or self.random.random() < 0.2:
            name = b"%d" % len(self.told)
            self.table = put(self.table, name, key_for(name))
            number = len(self.told)
            self.told.append({"hash": key_for(name)})
        else:
            number = self.random.randrange(len(self.told))
            touch(self.table, warm(self.table, number))
        self.recent = [*(each for each in self.recent if each != number), number][-self.most :]
        self.change(number)
        if self.random.random() < 0.3:
            # A timer, which makes nobody the newest.
            other = self.random.randrange(len(self.told))
            cold = self.table.customers[other].place < 0
            self.change(other)
            self.recent = [other, *self.recent[1:]] if cold and len(self.recent) >= self.most else self.recent
            self.recent = [other, *self.recent] if cold and other not in self.recent else self.recent
        self.recent = self.recent[-self.most :]

    def check(self) -> None:
        table = self.table
        found = rows(table, list(range(len(self.told))))
        for row, told in zip(found, self.told, strict=True):
            for name, value in told.items():
                order = name.startswith("order ")
                assert int(row.order_hash[int(name[6:])] if order else row[name]) == value, name
        for number, told in enumerate(self.told):
            assert offset_of(table, number) == told.get("offset", -1)
        slots, slot = [], int(table.used[USED_OLDEST])
        while slot >= 0:
            slots.append(slot)
            slot = int(table.hot[slot].newer)
        assert slots[-1] == table.used[USED_NEWEST]
        assert [int(table.hot[each].holder) for each in slots] == self.recent


def test_those_touched_last_are_hot_and_nothing_is_lost_of_the_others() -> None:
    for seed, most in enumerate((4, 5, 16)):
        book = Copybook(most, seed)
        for _ in range(600):
            book.step()
        book.check()
        assert len(book.told) > 60


def test_an_arena_is_compacted_before_it_is_worn_out() -> None:
    table, random = new_table(2, LONGEST_ID, FEW), Random(3)
    most = 0
    for i in range(300):
        table = put(table, b"%d" % i, key_for(b"%d" % i))
    for turn in range(6000):
        while not has_room(table):
            table = grow(table)
        # Rows grow with the turns, so that the places that they had are of no use to others.
        row = table.rows[warm(table, turn % 300)]
        row.order_hash[: turn // 800] = random.getrandbits(64)
        most = max(most, int(table.used[USED_ARENA]))
    live = int(table.used[USED_ARENA] - table.used[USED_FREED])
    assert most < 1.5 * live + 64 * 1024
    copy = copied(table)
    assert rows(copy, list(range(300))).tobytes() == rows(table, list(range(300))).tobytes()
    assert memory_bytes(copy) == memory_bytes(table)


def surfacing(table: Table) -> list[tuple[int, int]]:
    """Customers in the order in which the due index gives them up, each with the instant; stale entries left out."""
    found = []
    while table.used[USED_HEAP] > 0:
        at, number = int(table.heap_at[0]), int(table.heap_row[0])
        table.used[USED_HEAP] = pop(table.heap_at, table.heap_row, table.used[USED_HEAP])
        if entry_of(table, number) == at:
            found.append((at, number))
            table.rows[warm(table, number)].entry_at = NEVER
    return found


def due(table: Table, number: int, at: int) -> None:
    slot = warm(table, number)
    table.rows[slot].due_at = at
    schedule(table, slot)


def test_the_due_index_sheds_stale_entries_and_stays_small() -> None:
    table = new_table(4, LONGEST_ID, FEW)
    for i in range(9):
        table = put(table, b"%d" % i, key_for(b"%d" % i))
    for at in range(20_000, 0, -1):
        if not has_room(table):
            table = grow(table)
        due(table, at % 9, at)
    assert len(table.heap_at) <= 4096
    assert surfacing(table) == [(at, at % 9) for at in range(1, 10)]


def test_an_entry_that_is_too_early_stays_where_it_is() -> None:
    table = put(new_table(4, LONGEST_ID), b"ann", 1)
    for at in (50, 90, NEVER, 70):
        due(table, 0, at)
    assert (int(table.used[USED_HEAP]), int(table.rows[0].entry_at)) == (1, 50)
    due(table, 0, 40)
    assert (int(table.used[USED_HEAP]), int(table.rows[0].entry_at)) == (2, 40)


def test_the_due_index_is_built_anew_from_hot_and_packed_rows() -> None:
    table = new_table(4, LONGEST_ID, FEW)
    for i in range(30):
        table = put(table, b"%d" % i, key_for(b"%d" % i))
        if i % 3:
            due(table, i, 1000 - i)
    reschedule(table)
    assert surfacing(table) == sorted((1000 - i, i) for i in range(30) if i % 3)


def test_the_memory_of_rows_is_that_of_their_words() -> None:
    table = new_table(4, LONGEST_ID)
    assert table.words.shape[1] == ROW_WORDS
    table.rows[0].hash = np.uint64(7)
    assert table.words[0, 0] == 7
