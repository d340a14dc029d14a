"""Which two ids a record claims to be one customer's, and whether it can be what it says. Compiled.

A touchpoint names them, an explicit link, or what another partition sent. An id that is new is given a number on the
way.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.row.layout import LINKED
from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, NAMESPACE_UNSTATED, salt_of
from processors.words import Int
from schemas.decode import ABSENT
from schemas.limits import FIRST_CODE
from schemas.reasons import OK
from schemas.touchpoint import (
    ANONYMOUS_ID,
    CUSTOMER_ID,
    FORWARD_AT,
    FORWARD_BODY,
    FORWARD_BY,
    FORWARD_FROM,
    FORWARD_FROM_SPACE,
    FORWARD_INTO,
    FORWARD_INTO_SPACE,
    FORWARD_TRUSTED,
    LINK_AT,
    LINK_FROM,
    LINK_FROM_ANONYMOUS,
    LINK_INTO,
    LINK_TRUSTED,
    OCCURRED_AT,
)
from streams.engine.cursor import Cursor
from streams.engine.forwarding import lead_elsewhere, root
from streams.engine.hot import add
from streams.engine.links import BY_ALIAS, BY_TOUCHPOINT
from streams.engine.outcomes import IMPOSSIBLE_TIME, NO_CUSTOMER, UNSUPPORTED_RECORD
from streams.engine.packing import PACKED_BYTES
from streams.engine.reading import LATEST, namespace_in
from streams.engine.rows import (
    LONGEST_ID,
    USED_LINKING,
    USED_NUMBER,
    Table,
    append,
    find,
    home_of,
    is_forward,
    note_change,
)
from streams.engine.sending import LAYOUT_BYTES, LINK, MERGE, MISPLACED, send

AS_NAMED: Final = 0  # how: by a touchpoint that names two ids
AS_EXPLICIT: Final = 1
AS_SENT: Final = 2  # by another partition
AS_ROW: Final = 3  # a merge that another partition sent
_SEED: Final = np.uint64(0)

Bytes = npt.NDArray[np.uint8]


@compiled_inline
def _key(buffer: Bytes, start: Int, length: Int, space: Int) -> np.uint64:
    return np.uint64(np.uint64(xxh64(buffer, start, start + length, _SEED)) ^ salt_of(space))


@compiled_leaf
def _number_of(table: Table, buffer: Bytes, start: Int, length: Int, space: Int) -> int:
    """The number of an id, which is given one where it has none: that of a customer of whom nothing is known.

    Or of one who belongs to another partition.
    """
    key = _key(buffer, start, length, space)
    number = find(table, buffer, start, length, key, space)
    if number < 0 and home_of(table, buffer, start, length) == table.used[USED_NUMBER]:
        number = add(table, buffer, start, length, key, space)
        note_change(table, number)
    elif number < 0:
        number = append(table, buffer, start, length, key, space)
        lead_elsewhere(table, number, 0)
    return number


@compiled_leaf
def _named(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64], offset: int) -> tuple[int, int]:
    """Numbers of the anonymous and of the other id that a touchpoint names; below zero: they were looked at lately.

    The row of the known one's customer is hot.
    """
    start, length = slots[CUSTOMER_ID, 0], slots[CUSTOMER_ID, 1]
    space = namespace_in(slots)
    known = find(table, buffer, start, length, _key(buffer, start, length, space), space)
    at, size = slots[ANONYMOUS_ID, 0], slots[ANONYMOUS_ID, 1]
    key = _key(buffer, at, size, NAMESPACE_ANONYMOUS)
    customer = root(table, known, offset)
    if is_forward(table, customer):
        return _number_of(table, buffer, at, size, NAMESPACE_ANONYMOUS), known
    row = table.rows[table.customers[customer].place]
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
def _sent(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Numbers of the ids that another partition told."""
    left = -1
    if slots[FORWARD_FROM, 1] > 0:
        space = slots[FORWARD_FROM_SPACE, 0]
        left = _number_of(table, buffer, slots[FORWARD_FROM, 0], slots[FORWARD_FROM, 1], space)
    return left, target_of(buffer, table, slots)


@compiled_leaf
def target_of(buffer: Bytes, table: Table, slots: npt.NDArray[np.int64]) -> int:
    """The number of the id for whose owner something was sent."""
    start, length, space = slots[FORWARD_INTO, 0], slots[FORWARD_INTO, 1], slots[FORWARD_INTO_SPACE, 0]
    return _number_of(table, buffer, start, length, space)


@compiled_leaf
def _is_passed_on(buffer: Bytes, table: Table, cursor: Cursor, offset: int, start: int, length: int) -> bool:
    """Whether an explicit link goes to the partition of the id that it comes from: only there it is known whose it is.

    ``start``, ``length``: of its message.
    """
    slots = cursor.slots
    at, size = slots[LINK_FROM, 0], slots[LINK_FROM, 1]
    if slots[LINK_FROM_ANONYMOUS, 1] != ABSENT or home_of(table, buffer, at, size) == table.used[USED_NUMBER]:
        return False
    towards = _number_of(table, buffer, at, size, NAMESPACE_KNOWN)
    send(table, cursor, offset, MISPLACED, 0, -1, towards, towards, BY_ALIAS, True, start, length, True)
    return True


@compiled_leaf
def asked_for(
    buffer: Bytes, table: Table, cursor: Cursor, offset: int, how: int, start: int, length: int
) -> tuple[int, int, int, int, bool, int]:
    """(left, into, instant, by, whether trusted, reason): which two ids are to be one, by their numbers.

    An instant below zero: another partition was asked.
    """
    slots = cursor.slots
    if how == AS_NAMED:
        at = int(slots[OCCURRED_AT, 0])
        left, into = _named(buffer, table, slots, offset)
        return left, into, at, BY_TOUCHPOINT, True, OK
    if how == AS_SENT:
        at, by, trusted = int(slots[FORWARD_AT, 0]), int(slots[FORWARD_BY, 0]), bool(slots[FORWARD_TRUSTED, 0] != 0)
        left, into = _sent(buffer, table, slots)
        return left, into, at, by, trusted, OK
    reason = _unusable(table, slots)
    if reason != OK:
        return -1, -1, 0, BY_ALIAS, False, reason
    trusted = bool(slots[LINK_TRUSTED, 1] == ABSENT or slots[LINK_TRUSTED, 0] != 0)
    if _is_passed_on(buffer, table, cursor, offset, start, length):
        return -1, -1, -1, BY_ALIAS, trusted, OK
    left, into = _told(buffer, table, slots)
    return left, into, int(slots[LINK_AT, 0]), BY_ALIAS, trusted, OK


@compiled_leaf
def sound(slots: npt.NDArray[np.int64], what: int) -> bool:
    """Whether what another partition sent can be what it says."""
    if what < MISPLACED or what > MERGE:
        return False
    into, left, body = slots[FORWARD_INTO, 1], slots[FORWARD_FROM, 1], slots[FORWARD_BODY, 1]
    space, other = slots[FORWARD_FROM_SPACE, 0], slots[FORWARD_INTO_SPACE, 0]
    if min(space, other) < 0 or max(space, other) >= NAMESPACE_UNSTATED or into > LONGEST_ID:
        return False
    if what != MISPLACED and into <= 0:
        return False
    if what == LINK:
        return bool(0 < left <= LONGEST_ID)
    return bool(body > 0 and (what != MERGE or body <= PACKED_BYTES + LAYOUT_BYTES))


@compiled_inline
def names_two(table: Table, slots: npt.NDArray[np.int64], robot: bool) -> bool:
    """Whether a touchpoint that is not a ``robot``'s names two ids, and ids are linked here."""
    return bool(
        not robot and slots[CUSTOMER_ID, 1] > 0 and slots[ANONYMOUS_ID, 1] > 0 and table.used[USED_LINKING] != 0
    )
