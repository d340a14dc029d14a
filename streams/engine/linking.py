"""Two ids, one customer: what touchpoints that name both, and explicit links, make of the rows. Compiled.

Which id goes on is told by one order of all ids, known and accounts before anonymous, then by their bytes: so no links
go round, and the order in which they come does not matter. The other one becomes a forwarding address, and its row is
united with the one that goes on (processors.lifecycle.merging).

A touchpoint that names a known id, or an account, and an anonymous id is a link of the two. Known with known are
linked by an explicit link alone, where the policy and its source allow that. An anonymous id that is a known customer's
and comes with another known one is a shared device: the link is refused, and whose its touchpoints are from then on is
told by the policy. An account is no person: nothing makes the two one.
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
from processors.row.namespaces import (
    NAMESPACE_ACCOUNT,
    NAMESPACE_ANONYMOUS,
    NAMESPACE_KNOWN,
    NAMESPACE_UNSTATED,
    salt_of,
)
from processors.triggers.firing import look, unite_sent, withdraw_united
from processors.triggers.memory import merge_memory
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
from streams.engine.cursor import AT_LINKS, AT_PACKED, AT_TIME, Cursor
from streams.engine.edition import is_unlinked
from streams.engine.fading import fade
from streams.engine.forwarding import forward, lead_elsewhere, root, take_back
from streams.engine.hot import add, begin, borrow, give_back, touch, warm
from streams.engine.judging import elsewhere
from streams.engine.links import (
    BY_ALIAS,
    BY_TOUCHPOINT,
    IS_IGNORED,
    IS_MERGED,
    IS_REFUSED,
    NOT_A_PERSON,
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
    OUTCOME_FORWARDED,
    OUTCOME_JUDGEMENTS,
    OUTCOME_LINK_IGNORED,
    OUTCOME_LINK_REFUSED,
    OUTCOME_MERGED,
    OUTCOME_TRANSITIONS,
    UNSUPPORTED_RECORD,
)
from streams.engine.packing import PACKED_BYTES, unpack_row
from streams.engine.reading import LATEST, namespace_in
from streams.engine.rows import (
    IS_FORGOTTEN,
    LONGEST_ID,
    USED_FORGET,
    USED_LINKING,
    USED_NUMBER,
    Table,
    append,
    find,
    home_of,
    id_length,
    id_start,
    is_forward,
    key_of,
    list_touched,
    namespace_of,
    note_change,
    note_news,
    remember_again,
    schedule,
)
from streams.engine.sending import (
    LAYOUT_BYTES,
    LINK,
    MERGE,
    MISPLACED,
    TOUCHPOINT,
    copy_for_sending,
    pack_for_sending,
    send,
)
from streams.engine.translating import FRAMING

AS_NAMED: Final = 0  # how: by a touchpoint that names two ids
AS_EXPLICIT: Final = 1
AS_SENT: Final = 2  # by another partition
AS_ROW: Final = 3  # a merge that another partition sent
_SEED: Final = np.uint64(0)
_ANYBODY: Final = 2

Bytes = npt.NDArray[np.uint8]


@compiled_inline
def _rank(table: Table, number: Int) -> np.int64:
    """Where ids of a namespace stand in the order of all; ``_ANYBODY``: the first that is no customer by name."""
    space = namespace_of(table, number)
    if space == NAMESPACE_ANONYMOUS:
        return np.int64(_ANYBODY)
    return np.int64(space == NAMESPACE_ACCOUNT)


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
def _asked(
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
def _elsewhere(
    table: Table, cursor: Cursor, offset: int, at: int, one: int, other: int, by: int, trusted: bool
) -> bool:
    """Whether a link is for another partition to make, which it is sent to then; ``one`` is to lead to ``other``."""
    if is_forward(table, one):
        # Whose it is by now, only its owner knows.
        send(table, cursor, offset, LINK, at, one, other, one, by, trusted, 0, 0, True)
        return True
    if is_forward(table, other):
        start, length = pack_for_sending(table, cursor, table.customers[one].place)
        send(table, cursor, offset, MERGE, at, one, other, other, by, True, start, length, True)
        _say_merged(table, cursor, offset, at, by, one, other)
        return True
    return False


@compiled_leaf
def _fade(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, one: int, other: int, at: int) -> None:
    """Of what is forgotten by now nothing is united."""
    now = max(at, cursor.at[AT_TIME])
    for i in range(2):
        each = one if i == 0 else other
        if not is_forward(table, each):
            touch(table, warm(table, each))
            fade(table, rules, out, cursor.counts, Cause(each, offset, now, CAUSE_MERGE, np.uint64(0), -1, -1), now)


@compiled_leaf
def _settled(
    table: Table,
    rules: Rules,
    out: Out,
    cursor: Cursor,
    offset: int,
    left: int,
    into: int,
    at: int,
    by: int,
    trusted: bool,
) -> tuple[int, int]:
    """The customers who are to be one, the one that goes on last; below zero: there is nothing more to do."""
    one = other = -1
    if left >= 0:
        one, other = root(table, left, offset), root(table, into, offset)
    if one == other:
        if by == BY_ALIAS:
            cursor.counts[OUTCOME_LINK_IGNORED] += 1
            if left >= 0:
                _tell(table, cursor, offset, at, IS_IGNORED, ONE_ALREADY, by, left, into, other)
        return -1, -1
    unlinked = is_unlinked(table.past, key_of(table, left), key_of(table, into))
    why = UNLINKED if unlinked else _refusal(table, rules, one, other, by, trusted)
    if why != 0:
        _refuse(table, rules, cursor, offset, at, why, by, left, into)
        return -1, -1
    if table.used[USED_FORGET] > 0:
        _fade(table, rules, out, cursor, offset, one, other, at)
    if _goes_on(table, one, other):
        one, other = other, one
    return (-1, -1) if _elsewhere(table, cursor, offset, at, one, other, by, trusted) else (one, other)


@compiled_leaf
def _received(buffer: Bytes, table: Table, cursor: Cursor, offset: int, left: int, into: int) -> tuple[int, int]:
    """(slot of the row that another partition sent, borrowed; who takes it in); below zero: it was sent on."""
    slots = cursor.slots
    start, length = slots[FORWARD_BODY, 0], slots[FORWARD_BODY, 1]
    at = copy_for_sending(buffer, cursor, start, length)
    other = root(table, into, offset)
    if is_forward(table, other):
        by = int(slots[FORWARD_BY, 0])
        send(table, cursor, offset, MERGE, int(slots[FORWARD_AT, 0]), left, other, other, by, True, at, length, True)
        return -1, -1
    touch(table, warm(table, other))
    slot = borrow(table)
    unpack_row(cursor.packed, at + LAYOUT_BYTES, table.words[slot])
    if left >= 0:
        table.rows[slot].hash = key_of(table, left)
    cursor.at[AT_PACKED] = at
    return slot, other


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
def apply_link(
    buffer: Bytes,
    table: Table,
    rules: Rules,
    out: Out,
    cursor: Cursor,
    offset: int,
    how: int,
    start: int,
    length: int,
) -> int:
    """Apply the link that was decoded into the cursor's slots.

    ``how``: AS_NAMED, AS_EXPLICIT, AS_SENT or AS_ROW. ``start``, ``length``: of its message. Returns OK, or the reason
    why it is rejected. One function, since all that unites rows comes along wherever it is called, and is compiled each
    time.
    """
    slot, one, other = -1, -1, -1
    asked = AS_SENT if how == AS_ROW else how
    left, into, at, by, trusted, reason = _asked(buffer, table, cursor, offset, asked, start, length)
    if reason != OK or at < 0:
        return reason
    if how == AS_ROW:
        slot, other = _received(buffer, table, cursor, offset, left, into)
    else:
        one, other = _settled(table, rules, out, cursor, offset, left, into, at, by, trusted)
    if other < 0:
        return OK
    row, gone = table.rows[table.customers[other].place], table.rows[slot if slot >= 0 else table.customers[one].place]
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    cause = Cause(other, offset, max(at, cursor.at[AT_TIME]), CAUSE_MERGE, np.uint64(0), -1, -1)
    unite(row, gone, rules, out, cause, cursor.at[AT_TIME])
    now = max(cursor.at[AT_TIME], row.judged_at)
    if rules.trigger_count > 0:
        unite_sent(row, gone, rules, out, cause, now)
    merge_memory(row, gone)
    row.timer_at = NEVER
    if rules.trigger_count > 0:
        withdraw_united(row, rules, out, cause, now)
        look(row, rules, out, cause, now, 0, 0)
    cursor.counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
    cursor.counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    row.identities += gone.identities + 1
    row.offset = offset
    _note_united(table, other)
    if slot >= 0:
        give_back(table, slot)
    else:
        _say_merged(table, cursor, offset, at, by, one, other)
    return OK


@compiled_leaf
def _note_united(table: Table, number: int) -> None:
    note_change(table, number)
    if table.customers[number].id & IS_FORGOTTEN != 0:
        remember_again(table, number)
    slot = table.customers[number].place
    if table.rows[slot].touchpoints > 0:
        note_news(table, number)
        list_touched(table, number)
        schedule(table, slot)


@compiled_leaf
def _say_merged(table: Table, cursor: Cursor, offset: int, at: int, by: int, left: int, into: int) -> None:
    """``left`` is a forwarding address from here on."""
    cursor.counts[OUTCOME_MERGED] += 1
    _tell(table, cursor, offset, at, IS_MERGED, 0, by, left, into, into)
    forward(table, left, into, offset)


@compiled_leaf
def pass_on(
    table: Table, cursor: Cursor, offset: int, told: int, start: int, length: int, body: int, size: int
) -> bool:
    """Send a touchpoint to another partition: ``told`` as ``judging.elsewhere``; whether its links are for us to make.

    As the message that it came as, or where it was written anew, as that body.
    """
    towards, misplaced = elsewhere(told)
    cursor.counts[OUTCOME_FORWARDED] += 1
    what, framed = MISPLACED if misplaced else TOUCHPOINT, body == start + FRAMING
    begins, bytes_ = (start, length) if framed else (body, size)
    send(table, cursor, offset, what, 0, -1, towards, towards, BY_TOUCHPOINT, True, begins, bytes_, framed)
    return not misplaced


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
