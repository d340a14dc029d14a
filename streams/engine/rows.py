"""All customers of a partition: full rows of those touched lately, packed rows of the others, an index over both.

A customer has a number for as long as the tenure lasts. Where the row stands changes: hot in ``rows``, or packed in
``arena``. The index holds one word a slot: the upper half of the id's hash, and the customer's number plus one; 0 is
free. Ids are compared in full on look-up: a collision of hashes must never merge two people. What is not a
customer but has an id, a forwarding address, is an entry of the arena with a flag of its own.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.row.decay import MS_PER_DAY
from processors.row.layout import NEVER, ROW, Row
from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_UNSTATED, salt_of
from processors.words import Int, word_at
from streams.engine.address_space import room
from streams.engine.due import push
from streams.engine.edition import FIRST, Past, past_of
from streams.engine.packing import PACKED_BYTES, ROW_WORDS
from streams.engine.window import Window, has_place, new_window
from streams.log.murmur import partition_of

LONGEST_ID: Final = 255
LEAST_HOT: Final = 4
"""Rows that one record may need at once, and one to go."""
MOST_NEW: Final = 3
"""Ids that one record may bring."""

USED_ROWS: Final = 0  # slots of Table.used: customers
USED_IDS: Final = 1
USED_HEAP: Final = 2
USED_TOUCHED: Final = 3  # entries of the list of touched rows …
USED_LOOKED: Final = 4  # … and while a tick goes through it: those looked at …
USED_KEPT: Final = 5  # … and those that stay in it
USED_CHANGED: Final = 6
USED_UNREPORTED: Final = 7
USED_HOT: Final = 8
USED_MOST_HOT: Final = 9  # how many rows may be hot
USED_NEWEST: Final = 10  # the hot row that was touched last; -1: none
USED_OLDEST: Final = 11  # the one that has not been touched for longest
USED_ARENA: Final = 12  # bytes
USED_FREED: Final = 13  # of these: what was packed and is no more
USED_FORWARDS: Final = 14  # of those that have a number: forwarding addresses, which are no customers
USED_LINKING: Final = 15  # 1: ids are linked here
USED_PARTITIONS: Final = 16  # how many there are
USED_NUMBER: Final = 17  # which one this is
USED_EDITION: Final = 18
USED_FORGET: Final = 19  # ms after which the policy forgets visitors who have taken no initiative; 0: it does not
USED_NOW: Final = 20  # the tick at hand, or the newest one, ms
USED_FORGOTTEN: Final = 21  # of those that have a number: visitors who are forgotten
USED_REPORTED: Final = 22  # 1: profiles are taken for the reports
USED_FORGET_BEFORE: Final = 23  # of the policy before, until the one at hand has judged everybody
USED_TAKEN: Final = 24  # from here on, for each partition: greatest (offset, ordinal) that was taken from it
USED_CELLS: Final = 24

CUSTOMER: Final = np.dtype(
    [
        ("place", "i8"),  # number of the hot row; below zero: where in the arena, in units, -1 - n
        ("id", "i8"),  # from the lowest bit: flags (8), length (8) and namespace (8) of the id, where it begins
    ]
)
HOT: Final = np.dtype(
    [
        ("holder", "i4"),  # number of the customer whose row stands in this slot
        ("newer", "i4"),  # slot of the row that was touched next after it; -1: none
        ("older", "i4"),
        ("unused", "i4"),
    ],
    align=True,
)
IS_CHANGED: Final = 1  # flags of a customer: since the last checkpoint
IS_UNREPORTED: Final = 2  # the row changed since its profile was last taken for the reports
IS_TOUCHED: Final = 4  # since it was last reviewed: the row stands in the list of those to review
IS_FORWARD: Final = 8  # no customer any more: a forwarding address
IS_FORGOTTEN: Final = 16  # a visitor of whom nothing is known any more
FREE_CLASSES: Final = PACKED_BYTES // 8 + 8

_UPPER: Final = np.uint64(0xFFFFFFFF00000000)
_LOWER: Final = np.uint64(0x00000000FFFFFFFF)
_FREE: Final = np.uint64(0)
_SEED: Final = np.uint64(0)


class Table(NamedTuple):
    """Arrays with room to grow; ``used`` says how far each is filled."""

    rows: Any  # recarray of ROW: the hot ones
    words: npt.NDArray[np.uint64]  # shape (len(rows), ROW_WORDS): the same memory
    hot: Any  # recarray of HOT: whose each hot row is, and its neighbours in the order of touches
    customers: Any  # recarray of CUSTOMER, by number
    ids: npt.NDArray[np.uint8]
    slots: npt.NDArray[np.uint64]  # the hash index; its length is a power of two
    heap_at: npt.NDArray[np.int64]
    heap_row: npt.NDArray[np.int32]
    touched: npt.NDArray[np.int32]  # customers to be judged when the day ends; each once at most, as in all lists
    changed: npt.NDArray[np.int32]  # customers for the next checkpoint
    unreported: npt.NDArray[np.int32]  # customers whose profiles are still to be taken
    arena: npt.NDArray[np.uint8]  # packed rows, each at a multiple of eight
    free: npt.NDArray[np.int64]  # by eighths of a length: the first free place of that length, in units; -1: none
    used: npt.NDArray[np.int64]  # shape (USED_CELLS + 2 * partitions,)
    window: Window  # the identities of recent events
    past: Past  # of the edition under which the log is read


def new_table(
    customers: int = 1024,
    id_bytes: int = 32 * 1024,
    hot_rows: int = 1024,
    window: Window | None = None,
    past: Past | None = None,
    partitions: int = 1,
) -> Table:
    """An empty table with room for so many customers whose ids have ``id_bytes`` in all.

    ``hot_rows``: so many rows stand in full at most; room for them is made as it is needed. ``window``: None: it
    remembers no identities. ``past``: None: of the first edition. ``partitions``: how many the log has.
    """
    slots = 1024
    while slots * 7 < customers * 10:
        slots *= 2
    hot_rows = max(hot_rows, LEAST_HOT)
    rows = np.empty(min(hot_rows, 1024), ROW).view(np.recarray)
    used = np.zeros(USED_CELLS + 2 * partitions, np.int64)
    used[USED_PARTITIONS] = partitions
    used[USED_TAKEN:] = -1
    used[USED_MOST_HOT] = hot_rows
    used[USED_NEWEST] = used[USED_OLDEST] = -1
    numbers = [room(customers, np.int32) for _ in range(4)]
    return Table(
        rows=rows,
        words=rows_as_words(rows),
        hot=np.empty(len(rows), HOT).view(np.recarray),
        customers=room(customers, CUSTOMER).view(np.recarray),
        ids=room(id_bytes, np.uint8),
        slots=room(slots, np.uint64),
        heap_at=room(customers, np.int64),
        heap_row=numbers[0],
        touched=numbers[1],
        changed=numbers[2],
        unreported=numbers[3],
        arena=np.empty(64 * 1024, np.uint8),
        free=np.full(FREE_CLASSES, -1, np.int64),
        used=used,
        window=new_window(0) if window is None else window,
        past=past_of(FIRST) if past is None else past,
    )


def rows_as_words(rows: Any) -> npt.NDArray[np.uint64]:
    """The memory of rows as words of 64 bits."""
    plain: npt.NDArray[np.uint64] = np.asarray(rows).view(np.uint64)
    return plain.reshape(len(rows), ROW_WORDS)


@compiled_leaf
def crowded(table: Table) -> bool:
    """Whether the due index is full, or holds so many stale entries that they have to be swept out.

    The second long before the first: customers have room for many more, and entries that were written stay in memory.
    """
    heap = table.used[USED_HEAP]
    return bool(heap + MOST_NEW > len(table.heap_at) or heap >= 4 * table.used[USED_ROWS] + 1024)


@compiled_leaf
def worn(table: Table) -> bool:
    """Whether so much of the arena is free that it has to be compacted."""
    return bool(table.used[USED_FREED] > (table.used[USED_ARENA] >> 2) + 4 * PACKED_BYTES)


@compiled_leaf
def has_room(table: Table) -> bool:
    """Whether the ids that one record may bring, one more identity of an event, and what it changes, fit."""
    used = table.used
    return bool(
        used[USED_ROWS] + MOST_NEW <= len(table.customers)
        and used[USED_ROWS] * 10 < len(table.slots) * 7
        and used[USED_IDS] + MOST_NEW * LONGEST_ID <= len(table.ids)
        and (used[USED_HOT] + LEAST_HOT <= len(table.rows) or len(table.rows) >= used[USED_MOST_HOT])
        and used[USED_ARENA] + LEAST_HOT * PACKED_BYTES <= len(table.arena)
        and not crowded(table)
        and not worn(table)
        and has_place(table.window)
        and has_place(table.past.seen)
    )


@compiled_inline
def is_forward(table: Table, number: Int) -> bool:
    """Whether what has this number is a forwarding address, and no customer."""
    return bool(table.customers[number].id & IS_FORWARD != 0)


@compiled_leaf
def home_of(table: Table, buffer: npt.NDArray[np.uint8], start: Int, length: Int) -> int:
    """The partition that an id belongs to."""
    if table.used[USED_PARTITIONS] == 1:
        return int(table.used[USED_NUMBER])
    return partition_of(buffer, start, start + length, table.used[USED_PARTITIONS])


@compiled_inline
def id_start(table: Table, number: Int) -> np.int64:
    """Where a customer's id begins in ``table.ids``."""
    return np.int64(table.customers[number].id >> 24)


@compiled_inline
def id_length(table: Table, number: Int) -> np.int64:
    """Bytes of a customer's id."""
    return np.int64((table.customers[number].id >> 8) & 0xFF)


@compiled_inline
def namespace_of(table: Table, number: Int) -> np.int64:
    """In which namespace a customer's id is."""
    return np.int64((table.customers[number].id >> 16) & 0xFF)


def id_slices(table: Table, numbers: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where in ``table.ids`` the ids of customers begin, and their lengths."""
    ids = np.asarray(table.customers)["id"][numbers]
    return ids >> 24, (ids >> 8) & 0xFF


def namespaces_of(table: Table, numbers: Any) -> npt.NDArray[np.int64]:
    """In which namespaces the ids of customers are."""
    spaces: npt.NDArray[np.int64] = (np.asarray(table.customers)["id"][numbers] >> 16) & 0xFF
    return spaces


@compiled_leaf
def same_id(table: Table, number: Int, buffer: npt.NDArray[np.uint8], start: Int, length: Int) -> bool:
    """Whether the customer's id is ``buffer[start:start + length]``."""
    if id_length(table, number) != length:
        return False
    at = id_start(table, number)
    if length < 8:
        for i in range(length):
            if table.ids[at + i] != buffer[start + i]:
                return False
        return True
    # By words; the last one overlaps the one before.
    for i in range(0, length - 8, 8):
        if word_at(table.ids, at + i) != word_at(buffer, start + i):
            return False
    return bool(word_at(table.ids, at + length - 8) == word_at(buffer, start + length - 8))


@compiled_leaf
def find(table: Table, buffer: npt.NDArray[np.uint8], start: Int, length: Int, key: np.uint64, namespace: Int) -> int:
    """Number of the customer of the id ``buffer[start:start + length]``; -1: unknown.

    ``key``: its XXH64, salted by the namespace.
    """
    plain = key ^ salt_of(namespace)
    mask = np.uint64(len(table.slots) - 1)
    slot = key & mask
    while True:
        word = table.slots[slot]
        if word == _FREE:
            return -1
        if (word ^ key) & _UPPER == _FREE or (word ^ plain) & _UPPER == _FREE:
            number = np.int64((word & _LOWER) - np.uint64(1))
            space = namespace_of(table, number)
            if space in (namespace, NAMESPACE_UNSTATED) and same_id(table, number, buffer, start, length):
                return int(number)
        slot = (slot + np.uint64(1)) & mask


@compiled_leaf
def key_of(table: Table, number: Int) -> np.uint64:
    """XXH64 of a customer's id, salted by the namespace."""
    start = id_start(table, number)
    key = np.uint64(xxh64(table.ids, start, start + id_length(table, number), _SEED))
    return np.uint64(key ^ salt_of(namespace_of(table, number)))


@compiled_leaf
def enter(index: npt.NDArray[np.uint64], key: np.uint64, number: Int) -> None:
    """Put a customer who is not in the index into it."""
    mask = np.uint64(len(index) - 1)
    slot = key & mask
    while index[slot] != _FREE:
        slot = (slot + np.uint64(1)) & mask
    index[slot] = (key & _UPPER) | np.uint64(number + 1)


@compiled_leaf
def append(table: Table, buffer: npt.NDArray[np.uint8], start: Int, length: Int, key: np.uint64, namespace: Int) -> int:
    """Number a customer whose id is not in the table; there must be room. There is no row yet."""
    number = table.used[USED_ROWS]
    place = table.used[USED_IDS]
    table.customers[number].id = place << 24 | np.int64(namespace) << 16 | np.int64(length) << 8
    for i in range(length):
        table.ids[place + i] = buffer[start + i]
    table.used[USED_ROWS] += 1
    table.used[USED_IDS] += length
    enter(table.slots, key, number)
    return int(number)


@compiled_leaf
def forgets_at(table: Table, number: Int, row: Row, after: int) -> int:
    """When nothing is known of a customer any more, ms; NEVER: it stays known.

    That is of a visitor who has taken no initiative and is nobody else: ``after`` so many ms without a touchpoint.
    """
    if after <= 0 or namespace_of(table, number) != NAMESPACE_ANONYMOUS:
        return NEVER
    if row.touchpoints == 0 or row.first_initiative_at != NEVER or row.identities != 0 or row.is_shared != 0:
        return NEVER
    return int(row.last_at + after)


@compiled_leaf
def remember_again(table: Table, number: Int) -> None:
    """Something is known of a visitor who was forgotten."""
    table.customers[number].id &= ~IS_FORGOTTEN
    table.used[USED_FORGOTTEN] -= 1


@compiled_inline
def schedule(table: Table, slot: Int) -> None:
    """Make sure that the due index finds this hot row no later than one of its timers is due.

    The review of a touched row is left to the list of touched rows: it is due with the day's end, as all of them are.
    """
    row, number = table.rows[slot], table.hot[slot].holder
    touched = table.customers[number].id & IS_TOUCHED
    wake = min(row.due_at, row.timer_at)
    wake = wake if touched != 0 else min(wake, row.review_at)
    if table.used[USED_FORGET] > 0:
        forgotten = forgets_at(table, number, row, table.used[USED_FORGET])
        # Who is still to be reported is looked at again tomorrow.
        wake = min(wake, forgotten if forgotten > table.used[USED_NOW] else table.used[USED_NOW] + MS_PER_DAY)
    if wake < row.entry_at:
        table.used[USED_HEAP] = push(table.heap_at, table.heap_row, table.used[USED_HEAP], wake, number)
        row.entry_at = wake


@compiled_inline
def list_touched(table: Table, number: Int) -> None:
    """Have the customer judged when the day ends."""
    if table.customers[number].id & IS_TOUCHED == 0:
        table.customers[number].id |= IS_TOUCHED
        table.touched[table.used[USED_TOUCHED]] = number
        table.used[USED_TOUCHED] += 1


@compiled_inline
def note_change(table: Table, number: Int) -> None:
    """Have the customer's row written by the next checkpoint."""
    if table.customers[number].id & IS_CHANGED == 0:
        table.customers[number].id |= IS_CHANGED
        table.changed[table.used[USED_CHANGED]] = number
        table.used[USED_CHANGED] += 1


@compiled_inline
def note_news(table: Table, number: Int) -> None:
    """The customer's profile is to be taken for the reports, and the row to be written by the next checkpoint."""
    note_change(table, number)
    if table.customers[number].id & IS_FORGOTTEN != 0:
        remember_again(table, number)
    if table.customers[number].id & IS_UNREPORTED == 0:
        table.customers[number].id |= IS_UNREPORTED
        table.unreported[table.used[USED_UNREPORTED]] = number
        table.used[USED_UNREPORTED] += 1
