"""Two ids, one customer: what touchpoints that name both, and explicit links, make of the rows. Compiled.

The id that does not go on (streams.engine.link_verdicts) becomes a forwarding address, and its row is united with the
one that goes on (processors.lifecycle.merging).
"""

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.lifecycle.facts import CAUSE_MERGE, OUT_COUNT, OUT_JUDGED_COUNT, Cause, Out
from processors.lifecycle.merging import unite
from processors.policy.rules import Rules
from processors.row.layout import NEVER
from processors.triggers.firing import look
from processors.triggers.memory import merge_memory
from processors.triggers.withdrawing import unite_sent, withdraw_united
from schemas.reasons import OK
from schemas.touchpoint import FORWARD_AT, FORWARD_BODY, FORWARD_BY
from streams.engine.cursor import AT_PACKED, AT_TIME, Cursor
from streams.engine.edition import is_unlinked
from streams.engine.fading import fade
from streams.engine.forwarding import root
from streams.engine.hot import borrow, give_back, touch, warm
from streams.engine.judging import elsewhere
from streams.engine.link_claims import AS_ROW, AS_SENT, asked_for
from streams.engine.link_verdicts import goes_on, refusal, refuse, say_merged, tell
from streams.engine.links import BY_ALIAS, BY_TOUCHPOINT, IS_IGNORED, ONE_ALREADY, UNLINKED
from streams.engine.outcomes import OUTCOME_FORWARDED, OUTCOME_JUDGEMENTS, OUTCOME_LINK_IGNORED, OUTCOME_TRANSITIONS
from streams.engine.packing import unpack_row
from streams.engine.rows import (
    IS_FORGOTTEN,
    USED_FORGET,
    Table,
    is_forward,
    key_of,
    list_touched,
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

Bytes = npt.NDArray[np.uint8]


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
        say_merged(table, cursor, offset, at, by, one, other)
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
                tell(table, cursor, offset, at, IS_IGNORED, ONE_ALREADY, by, left, into, other)
        return -1, -1
    unlinked = is_unlinked(table.past, key_of(table, left), key_of(table, into))
    why = UNLINKED if unlinked else refusal(table, rules, one, other, by, trusted)
    if why != 0:
        refuse(table, rules, cursor, offset, at, why, by, left, into)
        return -1, -1
    if table.used[USED_FORGET] > 0:
        _fade(table, rules, out, cursor, offset, one, other, at)
    if goes_on(table, one, other):
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
    left, into, at, by, trusted, reason = asked_for(buffer, table, cursor, offset, asked, start, length)
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
        say_merged(table, cursor, offset, at, by, one, other)
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
