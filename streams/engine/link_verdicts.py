"""Whether two ids become one customer, which of them goes on, and how that is told. Compiled.

Which id goes on is told by one order of all ids, known and accounts before anonymous, then by their bytes: so no links
go round, and the order in which they come does not matter.

A touchpoint that names a known id, or an account, and an anonymous id is a link of the two. Known with known are
linked by an explicit link alone, where the policy and its source allow that. An anonymous id that is a known customer's
and comes with another known one is a shared device: the link is refused, and whose its touchpoints are from then on is
told by the policy. An account is no person: nothing makes the two one.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix
from processors.policy.rules import Rules
from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS
from processors.words import Int
from streams.engine.cursor import AT_LINKS, AT_TIME, Cursor
from streams.engine.forwarding import forward, root, take_back
from streams.engine.hot import begin, touch, warm
from streams.engine.links import (
    BY_TOUCHPOINT,
    IS_MERGED,
    IS_REFUSED,
    NOT_A_PERSON,
    NOT_ALLOWED,
    NOT_TRUSTED,
    SHARED_DEVICE,
    TOO_MANY,
)
from streams.engine.outcomes import OUTCOME_LINK_REFUSED, OUTCOME_MERGED
from streams.engine.rows import Table, id_length, id_start, is_forward, key_of, namespace_of, note_change

_ANYBODY: Final = 2


@compiled_inline
def _rank(table: Table, number: Int) -> np.int64:
    """Where ids of a namespace stand in the order of all; ``_ANYBODY``: the first that is no customer by name."""
    space = namespace_of(table, number)
    if space == NAMESPACE_ANONYMOUS:
        return np.int64(_ANYBODY)
    return np.int64(space == NAMESPACE_ACCOUNT)


@compiled_leaf
def goes_on(table: Table, one: Int, other: Int) -> bool:
    """Whether of two ids it is the first that goes on."""
    if _rank(table, one) != _rank(table, other):
        return bool(_rank(table, one) < _rank(table, other))
    at, to = id_start(table, one), id_start(table, other)
    length, size = id_length(table, one), id_length(table, other)
    for k in range(min(length, size)):
        if table.ids[at + k] != table.ids[to + k]:
            return bool(table.ids[at + k] < table.ids[to + k])
    return bool(length < size)


@compiled_leaf
def tell(
    table: Table, cursor: Cursor, offset: int, at: int, what: int, why: int, by: int, left: int, into: int, holder: int
) -> None:
    """List what became of a link. Its id says nothing of the offset: told again, it is the same."""
    if len(cursor.links) == 0:
        return
    h = mix(key_of(table, left), np.int64(key_of(table, into)))
    h = avalanche(mix(h, np.int64(what * 256 + why * 16 + by)))
    entry = cursor.links[cursor.at[AT_LINKS]]
    entry.id = h
    entry.offset = offset
    entry.at = at
    entry.known_at = max(at, cursor.at[AT_TIME])
    entry.left = left
    entry.into = into
    entry.holder = holder
    entry.what = what
    entry.why = why
    entry.by = by
    cursor.at[AT_LINKS] += 1


@compiled_leaf
def refusal(table: Table, rules: Rules, one: int, other: int, by: int, trusted: bool) -> int:
    """Why two customers are not to be one; 0: they are."""
    if _rank(table, one) < _ANYBODY and _rank(table, other) < _ANYBODY:
        if by == BY_TOUCHPOINT:
            return SHARED_DEVICE
        if _rank(table, one) != _rank(table, other):
            return NOT_A_PERSON
        if not trusted:
            return NOT_TRUSTED
        if rules.known_to_known == 0:
            return NOT_ALLOWED
    identities, shared = 1, False
    for i in range(2):
        each = one if i == 0 else other
        # What belongs to another partition is for its owner to say.
        if not is_forward(table, each):
            touch(table, warm(table, each))
            row = table.rows[table.customers[each].place]
            identities += int(row.identities)
            shared = shared or row.is_shared != 0
    if shared:
        return SHARED_DEVICE
    return TOO_MANY if identities > rules.most_identities else 0


@compiled_leaf
def refuse(
    table: Table, rules: Rules, cursor: Cursor, offset: int, at: int, why: int, by: int, left: int, into: int
) -> None:
    """Say that a link is refused. What several people claim may be nobody's from then on, and no link takes it."""
    cursor.counts[OUTCOME_LINK_REFUSED] += 1
    holder = root(table, left, offset)
    if why == SHARED_DEVICE and rules.shared_to_nobody != 0 and is_forward(table, left):
        take_back(table, left)
        begin(table, left, key_of(table, left))
        table.rows[table.customers[left].place].is_shared = 1
        note_change(table, left)
        holder = left
    tell(table, cursor, offset, at, IS_REFUSED, why, by, left, into, holder)


@compiled_leaf
def say_merged(table: Table, cursor: Cursor, offset: int, at: int, by: int, left: int, into: int) -> None:
    """``left`` is a forwarding address from here on."""
    cursor.counts[OUTCOME_MERGED] += 1
    tell(table, cursor, offset, at, IS_MERGED, 0, by, left, into, into)
    forward(table, left, into, offset)
