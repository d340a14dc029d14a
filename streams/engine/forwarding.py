"""Forwarding addresses: ids that were a customer's own, and are another one's now. Compiled.

One is an entry of the arena with the head of a packed row (streams.engine.packing) and FLAG_FORWARD. Behind the head
stand the namespace of the id that it leads to, a byte that is not used, and that id: some forty bytes. It has no
layout, no due key and no place in any list but that of what changed. One that leads to itself is an id of another
partition: only its owner knows what has become of it.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.row.namespaces import salt_of
from processors.words import Int, put_word
from streams.engine.arena import claim, release
from streams.engine.hot import place_in_arena, vacate
from streams.engine.packing import FLAG_FORWARD, FORWARD_LAYOUT, HEAD_BYTES, length_at
from streams.engine.rows import (
    IS_FORGOTTEN,
    IS_FORWARD,
    USED_FORWARDS,
    Table,
    find,
    id_length,
    id_start,
    is_forward,
    namespace_of,
    note_change,
    remember_again,
)

LEADS_TO: Final = HEAD_BYTES + 2
"""Where in an entry the id begins."""
_SEED: Final = np.uint64(0)


@compiled_leaf
def _lay(table: Table, number: Int, into: Int, offset: Int) -> None:
    """Write the entry of ``number``, which stands nowhere."""
    start, size = id_start(table, into), id_length(table, into)
    length = LEADS_TO + size
    at = claim(table, length)
    put_word(table.arena, at, np.int64(number), 4)
    put_word(table.arena, at + 4, np.int64(length) | FLAG_FORWARD << 16 | FORWARD_LAYOUT << 24, 4)
    put_word(table.arena, at + 8, np.int64(offset), 8)
    table.arena[at + HEAD_BYTES] = np.uint8(namespace_of(table, into))
    table.arena[at + HEAD_BYTES + 1] = np.uint8(0)
    for k in range(size):
        table.arena[at + LEADS_TO + k] = table.ids[start + k]
    table.customers[number].place = -1 - (at >> 3)
    if table.customers[number].id & IS_FORGOTTEN != 0:
        remember_again(table, number)
    table.customers[number].id |= IS_FORWARD
    table.used[USED_FORWARDS] += 1
    note_change(table, number)


@compiled_leaf
def lead_elsewhere(table: Table, number: Int, offset: Int) -> None:
    """Note that an id, which has a number and stands nowhere, is another partition's; there must be room."""
    _lay(table, number, number, offset)


@compiled_leaf
def forward(table: Table, number: Int, into: Int, offset: Int) -> None:
    """Make a customer whose row is hot a forwarding address to ``into``. Slots of hot rows may change by that."""
    vacate(table, table.customers[number].place)
    _lay(table, number, into, offset)


@compiled_leaf
def take_back(table: Table, number: Int) -> None:
    """Let a forwarding address stand nowhere: its id is to be a customer again."""
    release(table, place_in_arena(table, number))
    table.customers[number].id &= ~IS_FORWARD
    table.used[USED_FORWARDS] -= 1


@compiled_inline
def _next(table: Table, number: Int) -> int:
    """What a forwarding address leads to."""
    at = place_in_arena(table, number)
    start, length = at + LEADS_TO, length_at(table.arena, at) - LEADS_TO
    space = np.int64(table.arena[at + HEAD_BYTES])
    key = np.uint64(xxh64(table.arena, start, start + length, _SEED)) ^ salt_of(space)
    return find(table, table.arena, start, length, key, space)


@compiled_leaf
def root(table: Table, number: Int, offset: Int) -> int:
    """The customer that a number stands for by now; what lay on a long way to it leads there directly afterwards.

    It is a forwarding address itself where the customer is another partition's, as far as is known here. ``offset``:
    of the record for which that is asked.
    """
    end = number
    steps = 0
    while is_forward(table, end):
        after = _next(table, end)
        if after == end:
            break
        end = after
        steps += 1
    while steps > 1:
        after = _next(table, number)
        take_back(table, number)
        _lay(table, number, end, offset)
        number = after
        steps -= 1
    return int(end)
