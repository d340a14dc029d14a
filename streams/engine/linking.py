"""Two ids, one customer: what touchpoints that name both, and explicit links, make of the rows. Compiled.

Which id goes on is told by one order of all ids, known before anonymous, then by their bytes: so no links go round, and
the order in which they come does not matter. The other one becomes a forwarding address, and its row is united with
the one that goes on (processors.lifecycle.merging).

A touchpoint that names a known and an anonymous id is a link of the two. Known with known are linked by an explicit
link alone, where the policy and its source allow that. An anonymous id that is a known customer's and comes with
another known one is a shared device: the link is refused, and whose its touchpoints are from then on is told by the
policy.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix, xxh64
from processors.lifecycle.facts import CAUSE_MERGE, OUT_COUNT, OUT_JUDGED_COUNT, Cause, Out
from processors.lifecycle.merging import unite
from processors.policy.rules import Rules
from processors.row.layout import LINKED, NEVER
from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, NAMESPACE_UNSTATED, salt_of
from processors.triggers.firing import look
from processors.triggers.memory import merge_memory
from processors.words import Int
from schemas.decode import ABSENT
from schemas.limits import FIRST_CODE
from schemas.reasons import OK
from schemas.touchpoint import (
    ANONYMOUS_ID,
    CUSTOMER_ID,
    LINK_AT,
    LINK_FROM,
    LINK_FROM_ANONYMOUS,
    LINK_INTO,
    LINK_TRUSTED,
    OCCURRED_AT,
)
from streams.engine.cursor import AT_LINKS, AT_TIME, Cursor
from streams.engine.edition import is_unlinked
from streams.engine.forwarding import forward, root, take_back
from streams.engine.hot import add, begin, touch, warm
from streams.engine.links import (
    BY_ALIAS,
    BY_TOUCHPOINT,
    IS_IGNORED,
    IS_MERGED,
    IS_REFUSED,
    NOT_ALLOWED,
    NOT_TRUSTED,
    ONE_ALREADY,
    SHARED_DEVICE,
    TOO_MANY,
    UNLINKED,
)
from streams.engine.outcomes import (
    IMPOSSIBLE_TIME,
    NO_CUSTOMER,
    OUTCOME_JUDGEMENTS,
    OUTCOME_LINK_IGNORED,
    OUTCOME_LINK_REFUSED,
    OUTCOME_MERGED,
    OUTCOME_TRANSITIONS,
    UNSUPPORTED_RECORD,
)
from streams.engine.reading import LATEST
from streams.engine.rows import (
    LONGEST_ID,
    USED_LINKING,
    Table,
    find,
    id_length,
    id_start,
    is_forward,
    key_of,
    list_touched,
    namespace_of,
    note_change,
    note_news,
    schedule,
)

_SEED: Final = np.uint64(0)

Bytes = npt.NDArray[np.uint8]


@compiled_inline
def _rank(table: Table, number: Int) -> np.int64:
    space = namespace_of(table, number)
    return np.int64(NAMESPACE_KNOWN) if space == NAMESPACE_UNSTATED else space


@compiled_leaf
def _goes_on(table: Table, one: Int, other: Int) -> bool:
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
def _tell(
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
def _refusal(table: Table, rules: Rules, one: int, other: int, by: int, trusted: bool) -> int:
    """Why two customers are not to be one; 0: they are."""
    if _rank(table, one) == NAMESPACE_KNOWN and _rank(table, other) == NAMESPACE_KNOWN:
        if by == BY_TOUCHPOINT:
            return SHARED_DEVICE
        if not trusted:
            return NOT_TRUSTED
        if rules.known_to_known == 0:
            return NOT_ALLOWED
    touch(table, warm(table, one))
    touch(table, warm(table, other))
    first, second = table.rows[table.customers[one].place], table.rows[table.customers[other].place]
    if first.is_shared != 0 or second.is_shared != 0:
        return SHARED_DEVICE
    if first.identities + second.identities + 1 > rules.most_identities:
        return TOO_MANY
    return 0


@compiled_leaf
def _refuse(
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
    _tell(table, cursor, offset, at, IS_REFUSED, why, by, left, into, holder)


@compiled_inline
def _key(buffer: Bytes, start: Int, length: Int, space: Int) -> np.uint64:
    return np.uint64(np.uint64(xxh64(buffer, start, start + length, _SEED)) ^ salt_of(space))


@compiled_leaf
def _number_of(table: Table, buffer: Bytes, start: Int, length: Int, space: Int) -> int:
    """The number of an id, which is given one where it has none: that of a customer of whom nothing is known."""
    key = _key(buffer, start, length, space)
    number = find(table, buffer, start, length, key, space)
    if number < 0:
        number = add(table, buffer, start, length, key, space)
        note_change(table, number)
    return number


@compiled_leaf
def _named(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64], offset: int) -> tuple[int, int]:
    """Numbers of the anonymous and of the known id that a touchpoint names; below zero: they were looked at lately.

    The row of the known one's customer is hot.
    """
    start, length = slots[CUSTOMER_ID, 0], slots[CUSTOMER_ID, 1]
    known = find(table, buffer, start, length, _key(buffer, start, length, NAMESPACE_KNOWN), NAMESPACE_KNOWN)
    at, size = slots[ANONYMOUS_ID, 0], slots[ANONYMOUS_ID, 1]
    key = _key(buffer, at, size, NAMESPACE_ANONYMOUS)
    row = table.rows[table.customers[root(table, known, offset)].place]
    for i in range(LINKED):
        if row.linked[i] == key:
            return -1, known
    # Remembered whatever becomes of it: of the latest ones it is not asked again.
    row.linked[row.linked_next] = key
    row.linked_next = (row.linked_next + 1) % LINKED
    return _number_of(table, buffer, at, size, NAMESPACE_ANONYMOUS), known


@compiled_leaf
def _space_of(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64]) -> int:
    """The namespace of the id that a link comes from."""
    start, length = slots[LINK_FROM, 0], slots[LINK_FROM, 1]
    if slots[LINK_FROM_ANONYMOUS, 1] != ABSENT:
        return NAMESPACE_ANONYMOUS if slots[LINK_FROM_ANONYMOUS, 0] != 0 else NAMESPACE_KNOWN
    key = _key(buffer, start, length, NAMESPACE_KNOWN)
    if find(table, buffer, start, length, key, NAMESPACE_KNOWN) >= 0:
        return NAMESPACE_KNOWN
    key = _key(buffer, start, length, NAMESPACE_ANONYMOUS)
    return NAMESPACE_ANONYMOUS if find(table, buffer, start, length, key, NAMESPACE_ANONYMOUS) >= 0 else NAMESPACE_KNOWN


@compiled_leaf
def _told(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Numbers of the ids that an explicit link names; of an id with itself twice its own, or -1 where it has none."""
    start, length = slots[LINK_FROM, 0], slots[LINK_FROM, 1]
    to, size = slots[LINK_INTO, 0], slots[LINK_INTO, 1]
    space = _space_of(buffer, table, slots)
    same = space == NAMESPACE_KNOWN and length == size
    for k in range(length if same else 0):
        same = same and buffer[start + k] == buffer[to + k]
    if same:
        number = find(table, buffer, to, size, _key(buffer, to, size, NAMESPACE_KNOWN), NAMESPACE_KNOWN)
        return number, number
    left = _number_of(table, buffer, start, length, space)
    return left, _number_of(table, buffer, to, size, NAMESPACE_KNOWN)


@compiled_leaf
def _unusable(table: Table, slots: npt.NDArray[np.int64]) -> int:
    """Why an explicit link is rejected; OK: it is not."""
    if table.used[USED_LINKING] == 0:
        return UNSUPPORTED_RECORD
    if slots[LINK_FROM, 1] <= 0 or slots[LINK_INTO, 1] <= 0:
        return NO_CUSTOMER
    if slots[LINK_FROM, 1] > LONGEST_ID or slots[LINK_INTO, 1] > LONGEST_ID:
        return FIRST_CODE + CUSTOMER_ID
    return IMPOSSIBLE_TIME if slots[LINK_AT, 0] < 0 or slots[LINK_AT, 0] > LATEST else OK


@compiled_leaf
def apply_link(buffer: Bytes, table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, by: int) -> int:
    """Apply the link that was decoded into the cursor's slots, or that of a touchpoint that names two ids.

    Returns OK, or the reason why it is rejected. One function, since all that unites rows comes along wherever it is
    called, and is compiled each time.
    """
    slots = cursor.slots
    left, into, at, trusted = -1, -1, int(slots[OCCURRED_AT, 0]), True
    if by == BY_TOUCHPOINT:
        left, into = _named(buffer, table, slots, offset)
    else:
        reason = _unusable(table, slots)
        if reason != OK:
            return reason
        at, trusted = int(slots[LINK_AT, 0]), slots[LINK_TRUSTED, 1] == ABSENT or slots[LINK_TRUSTED, 0] != 0
        left, into = _told(buffer, table, slots)
    one = other = -1
    if left >= 0:
        one, other = root(table, left, offset), root(table, into, offset)
    if one == other:
        if by == BY_ALIAS:
            cursor.counts[OUTCOME_LINK_IGNORED] += 1
            if left >= 0:
                _tell(table, cursor, offset, at, IS_IGNORED, ONE_ALREADY, by, left, into, other)
        return OK
    unlinked = is_unlinked(table.past, key_of(table, left), key_of(table, into))
    why = UNLINKED if unlinked else _refusal(table, rules, one, other, by, trusted)
    if why != 0:
        _refuse(table, rules, cursor, offset, at, why, by, left, into)
        return OK
    if _goes_on(table, one, other):
        one, other = other, one
    row, gone = table.rows[table.customers[other].place], table.rows[table.customers[one].place]
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    cause = Cause(other, offset, max(at, cursor.at[AT_TIME]), CAUSE_MERGE, np.uint64(0), -1, -1)
    unite(row, gone, rules, out, cause, cursor.at[AT_TIME])
    merge_memory(row, gone)
    row.timer_at = NEVER
    if rules.trigger_count > 0:
        look(row, rules, out, cause, max(cursor.at[AT_TIME], row.judged_at), 0, 0)
    cursor.counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
    cursor.counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    _end(table, cursor, offset, at, by, one, other)
    return OK


@compiled_leaf
def _end(table: Table, cursor: Cursor, offset: int, at: int, by: int, left: int, into: int) -> None:
    """Both rows are one: ``left`` is a forwarding address from here on."""
    row, gone = table.rows[table.customers[into].place], table.rows[table.customers[left].place]
    row.identities += gone.identities + 1
    row.offset = offset
    cursor.counts[OUTCOME_MERGED] += 1
    note_change(table, into)
    if row.touchpoints > 0:
        note_news(table, into)
        list_touched(table, into)
        schedule(table, table.customers[into].place)
    _tell(table, cursor, offset, at, IS_MERGED, 0, by, left, into, into)
    forward(table, left, into, offset)


@compiled_inline
def names_two(table: Table, slots: npt.NDArray[np.int64], robot: bool) -> bool:
    """Whether a touchpoint that is not a ``robot``'s names two ids, and ids are linked here."""
    return bool(
        not robot and slots[CUSTOMER_ID, 1] > 0 and slots[ANONYMOUS_ID, 1] > 0 and table.used[USED_LINKING] != 0
    )
