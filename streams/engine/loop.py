"""The compiled loop over the records of a fetch: decode, find the customer, let timers fire, step.

It returns to Python only where Python has to act (more room, a policy to compile, a schema to ask for), and goes on at
the same record afterwards. No Python object exists per event.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.lifecycle.facts import Out
from processors.policy.rules import Rules, Vocabulary
from processors.words import Int
from schemas.decode import decode
from schemas.known import TYPE_FORWARD, TYPE_LINK, TYPE_POLICY, TYPE_TICK, TYPE_TOUCHPOINT, TYPE_UNREADABLE
from schemas.plans import Plans
from schemas.reasons import BAD_RECORD, NO_VALUE, NOT_FRAMED, OK, UNKNOWN_SCHEMA, UNREADABLE_SCHEMA
from schemas.touchpoint import (
    FORWARD_BODY,
    FORWARD_EDITION,
    FORWARD_OFFSET,
    FORWARD_ORDINAL,
    FORWARD_PARTITION,
    FORWARD_WHAT,
    POLICY_TEXT,
)
from streams.engine.ahead import VIEW_LOOKED, VIEW_PLACE, look_ahead
from streams.engine.cursor import (
    AT_BAD_RUN,
    AT_DONE,
    AT_END,
    AT_EXPECTED,
    AT_LENGTH,
    AT_NEXT,
    AT_OFFSET,
    AT_ORDINAL,
    AT_PLACE,
    AT_REJECTS,
    AT_SPAN,
    AT_START,
    AT_TAKEN,
    AT_TIME,
    STATUS_FINISHED,
    STATUS_FOREIGN,
    STATUS_FULL,
    STATUS_NEED_FACTS,
    STATUS_NEED_ROOM,
    STATUS_NEED_SENDS,
    STATUS_OTHER_LAYOUT,
    STATUS_POISONED,
    STATUS_POLICY_READ,
    STATUS_SCHEMA_WANTED,
    TAKEN_LENGTH,
    TAKEN_MESSAGE,
    TAKEN_MESSAGE_LENGTH,
    TAKEN_OFFSET,
    TAKEN_SCHEMA,
    TAKEN_START,
    Cursor,
    reject,
)
from streams.engine.judging import apply_touchpoint
from streams.engine.limits import beyond_limits
from streams.engine.link_claims import AS_EXPLICIT, AS_NAMED, AS_ROW, AS_SENT, names_two, sound, target_of
from streams.engine.linking import apply_link, pass_on
from streams.engine.outcomes import OUTCOME_ACCEPTED, OUTCOME_REPEATED, OUTCOME_ROBOTS, UNSUPPORTED_RECORD
from streams.engine.passing import apply_tick, facts_full
from streams.engine.rows import USED_EDITION, USED_LINKING, Table, has_room
from streams.engine.sending import (
    MERGE,
    MISPLACED,
    TOUCHPOINT,
    is_new,
    note_taken,
    of_our_layout,
    sends_full,
)
from streams.engine.translating import (
    ANEW_DETAIL,
    ANEW_LENGTH,
    ANEW_REASON,
    ANEW_START,
    FRAMING,
    place_of,
    schema_index,
)
from streams.log.batches import (
    SPAN_BASE_OFFSET,
    SPAN_BASE_TIME,
    SPAN_COUNT,
    SPAN_FIXED_TIME,
    SPAN_REASON,
    SPAN_START,
    SPAN_STOP,
)
from streams.log.records import HEAD_NEXT, HEAD_OFFSET, HEAD_TIME, HEAD_VALUE, HEAD_VALUE_SIZE, next_record


@compiled_leaf
def _reject_schema(cursor: Cursor, plans: Plans, index: int, offset: int, start: int, length: int) -> None:
    """A record whose schema the registry does not have, or of which it is known why it can't be read."""
    if index >= 0 and plans.types[index] == TYPE_UNREADABLE:
        reject(cursor, offset, start, length, UNREADABLE_SCHEMA, 1, int(plans.details[index]))
    else:
        reject(cursor, offset, start, length, UNKNOWN_SCHEMA)


@compiled_inline
def _list_taken(cursor: Cursor, body: int, size: int, schema: int, offset: int, message: int, length: int) -> None:
    if len(cursor.taken) > 0:
        taken = cursor.taken[cursor.at[AT_TAKEN]]
        taken[TAKEN_START], taken[TAKEN_LENGTH], taken[TAKEN_SCHEMA] = body, size, schema
        taken[TAKEN_OFFSET], taken[TAKEN_MESSAGE], taken[TAKEN_MESSAGE_LENGTH] = offset, message, length
        cursor.at[AT_TAKEN] += 1


@compiled_inline
def _decode(
    buffer: npt.NDArray[np.uint8], start: int, length: int, plans: Plans, index: int, cursor: Cursor
) -> tuple[int, int, int, int]:
    """Decode the message's body into the slots; (reason, number of a text about it, start and length of the body).

    The reason is negative where the body has to be written anew first.
    """
    body, size = start + FRAMING, length - FRAMING
    if plans.types[index] == TYPE_TOUCHPOINT and plans.plain[index] == 0:
        place = place_of(cursor.anew, start)
        if place < 0:
            return -1, 0, body, size
        anew = cursor.anew[place]
        if anew[ANEW_REASON] != OK:
            return int(anew[ANEW_REASON]), int(anew[ANEW_DETAIL]), body, size
        body, size = int(anew[ANEW_START]), int(anew[ANEW_LENGTH])
    reason = decode(buffer, body, body + size, plans.ops, plans.starts[index], cursor.slots)
    if reason == OK and plans.types[index] == TYPE_TOUCHPOINT:
        reason = beyond_limits(cursor.slots)
    return int(reason), 0, body, size


class Opened(NamedTuple):
    """A record's value, or what another partition sent in it.

    ``status``: below zero where it is to be applied. ``start``, ``length``: of the message; ``body``, ``size``: as it
    is stored. ``target``: number of the customer whom it is for, where another partition said that; below zero: it
    names it. ``how``: of what links ids.
    """

    status: int
    kind: Int
    schema: int
    start: int
    length: int
    body: int
    size: int
    target: int
    how: int


@compiled_inline
def _done(status: int) -> Opened:
    return Opened(status, 0, 0, 0, 0, 0, 0, -1, 0)


@compiled_inline
def _read(buffer: npt.NDArray[np.uint8], start: int, length: int, offset: int, plans: Plans, cursor: Cursor) -> Opened:
    """Decode a message into the slots. Rejects are listed."""
    if length < FRAMING or buffer[start] != 0:
        reject(cursor, offset, start, max(length, 0), NO_VALUE if length < 0 else NOT_FRAMED)
        return _done(STATUS_FINISHED)
    index = schema_index(plans, buffer, start + 1)
    if index == -1:
        cursor.at[AT_START] = start + 1
        return _done(STATUS_SCHEMA_WANTED)
    if index < 0 or plans.starts[index] < 0:
        _reject_schema(cursor, plans, index, offset, start, length)
        return _done(STATUS_FINISHED)
    reason, detail, body, size = _decode(buffer, start, length, plans, index, cursor)
    if reason < 0:
        return _done(STATUS_FOREIGN)
    if reason != OK:
        reject(cursor, offset, start, length, reason, 1, detail)
        return _done(STATUS_FINISHED)
    return Opened(-1, np.int64(plans.types[index]), index, start, length, body, size, -1, AS_EXPLICIT)


@compiled_leaf
def _open_sent(
    buffer: npt.NDArray[np.uint8], offset: int, plans: Plans, table: Table, cursor: Cursor, read: Opened
) -> Opened:
    """What another partition sent, which was decoded into the slots."""
    slots = cursor.slots
    source, place, ordinal = slots[FORWARD_PARTITION, 0], slots[FORWARD_OFFSET, 0], slots[FORWARD_ORDINAL, 0]
    what, start, length = slots[FORWARD_WHAT, 0], slots[FORWARD_BODY, 0], slots[FORWARD_BODY, 1]
    if table.used[USED_LINKING] == 0 or not sound(slots, what):
        reject(cursor, offset, read.start, read.length, UNSUPPORTED_RECORD)
        return _done(STATUS_FINISHED)
    if slots[FORWARD_EDITION, 0] != table.used[USED_EDITION] or not is_new(table, source, place, ordinal):
        cursor.counts[OUTCOME_REPEATED] += 1
        return _done(STATUS_FINISHED)
    if what == MERGE and not of_our_layout(buffer, start, length):
        return _done(STATUS_OTHER_LAYOUT)
    target, how, opened = -1, AS_ROW if what == MERGE else AS_SENT, read
    if what in (MISPLACED, TOUCHPOINT):
        how = AS_EXPLICIT
        target = -1 if what == MISPLACED else target_of(buffer, table, slots)
        opened = _read(buffer, start, length, offset, plans, cursor)
        if opened.status >= 0 and opened.status != STATUS_FINISHED:
            return opened
    note_taken(table, source, place, ordinal)
    return Opened(
        opened.status, opened.kind, opened.schema, opened.start, opened.length, opened.body, opened.size, target, how
    )


@compiled_inline
def _apply_value(
    buffer: npt.NDArray[np.uint8],
    start: int,
    length: int,
    offset: int,
    written_at: int,
    ahead_limit: int,
    plans: Plans,
    table: Table,
    rules: Rules,
    words: Vocabulary,
    out: Out,
    cursor: Cursor,
) -> int:
    """Apply one record's value; returns a status. Rejects are listed.

    Inlined for what it is given, not for its length: as a call it would be handed some 400 words on the stack for every
    record, and beyond some number of them that took longer than all else (measured: 5.5 µs an event, 2.3 without).
    """
    read = _read(buffer, start, length, offset, plans, cursor)
    if read.status < 0 and read.kind == TYPE_FORWARD:
        read = _open_sent(buffer, offset, plans, table, cursor, read)
    if read.status >= 0:
        return read.status
    kind = read.kind
    out.room.written_at = written_at
    if kind == TYPE_TICK:
        return int(apply_tick(table, rules, out, cursor, offset, written_at, ahead_limit))
    if kind == TYPE_POLICY:
        cursor.at[AT_START], cursor.at[AT_LENGTH] = cursor.slots[POLICY_TEXT, 0], cursor.slots[POLICY_TEXT, 1]
        return STATUS_POLICY_READ
    reason, how = UNSUPPORTED_RECORD, read.how if kind in (TYPE_LINK, TYPE_FORWARD) else -1
    if kind == TYPE_TOUCHPOINT:
        robots = cursor.counts[OUTCOME_ROBOTS]
        taken = cursor.counts[OUTCOME_ACCEPTED] + robots
        reason = apply_touchpoint(
            buffer, cursor.slots, offset, cursor.at[AT_TIME], table, rules, words, out, cursor.counts, read.target
        )
        listed = cursor.counts[OUTCOME_ACCEPTED] + cursor.counts[OUTCOME_ROBOTS] > taken
        if listed:
            _list_taken(cursor, read.body, read.size, int(plans.ids[read.schema]), offset, read.start, read.length)
        if reason < 0:
            listed = pass_on(table, cursor, offset, reason, read.start, read.length, read.body, read.size)
            reason = OK
        if listed and read.target < 0 and names_two(table, cursor.slots, cursor.counts[OUTCOME_ROBOTS] > robots):
            how = AS_NAMED
    if how >= 0:
        reason = apply_link(buffer, table, rules, out, cursor, offset, how, read.start, read.length)
    if reason != OK:
        reject(cursor, offset, start, length, reason)
    else:
        cursor.at[AT_BAD_RUN] = 0
    return STATUS_FINISHED


@compiled_inline
def _end(spans: npt.NDArray[np.int64], at: npt.NDArray[np.int64]) -> np.int64:
    """The offset at which the span's records end, at the latest."""
    return np.int64(spans[at[AT_SPAN] + 1, SPAN_BASE_OFFSET] if at[AT_SPAN] + 1 < len(spans) else at[AT_END])


@compiled_leaf
def _reject_batch(spans: npt.NDArray[np.int64], cursor: Cursor) -> None:
    """List the batch at the cursor, whose records can't be had, and go on behind it."""
    at, span = cursor.at, spans[cursor.at[AT_SPAN]]
    end = _end(spans, at)
    if end > at[AT_NEXT]:
        start, size = span[SPAN_START], span[SPAN_STOP] - span[SPAN_START]
        reject(cursor, span[SPAN_BASE_OFFSET], start, size, span[SPAN_REASON], span[SPAN_COUNT])
        at[AT_NEXT] = end
    at[AT_SPAN] += 1


@compiled_inline
def _frame(buffer: npt.NDArray[np.uint8], spans: npt.NDArray[np.int64], place: int, cursor: Cursor) -> int:
    """Read the frame of the record at ``place`` and note its offset; returns OK or BAD_RECORD.

    Offsets rise within a batch and end where the next batch begins. A record that says otherwise would hide others from
    the row that took it in: it is bad. Where no offset can be read, the record stands at the least that it can have.
    """
    at, span = cursor.at, spans[cursor.at[AT_SPAN]]
    least = max(at[AT_EXPECTED], span[SPAN_BASE_OFFSET])
    end = _end(spans, at)
    reason = next_record(buffer, place, span[SPAN_STOP], cursor.head)
    at[AT_OFFSET] = least
    base, delta = span[SPAN_BASE_OFFSET], cursor.head[HEAD_OFFSET]
    if delta < least - base or delta >= end - base:
        return BAD_RECORD
    at[AT_OFFSET] = base + delta
    return int(reason)


@compiled_leaf
def run(
    buffer: npt.NDArray[np.uint8],
    spans: npt.NDArray[np.int64],
    plans: Plans,
    table: Table,
    rules: Rules,
    words: Vocabulary,
    out: Out,
    cursor: Cursor,
    ahead_limit: int,
    poison_run: int,
) -> int:
    """Process a fetch from where the cursor stands; returns a status. ``spans`` as in ``batches.Fetch``.

    ``ahead_limit``: ms by which a tick may be ahead of its record's timestamp, or NO_LIMIT. ``poison_run``: so many
    consecutive rejects stop the loop; 0: nothing does.
    """
    at = cursor.at
    while at[AT_SPAN] < len(spans):
        span = spans[at[AT_SPAN]]
        place = at[AT_PLACE] if at[AT_PLACE] > 0 else span[SPAN_START]
        if at[AT_DONE] == 0:
            cursor.ahead[VIEW_PLACE], cursor.ahead[VIEW_LOOKED] = place, 0
        if at[AT_DONE] >= span[SPAN_COUNT]:
            at[AT_SPAN] += 1
            at[AT_PLACE], at[AT_DONE], at[AT_EXPECTED] = 0, 0, 0
            continue
        if facts_full(out):
            return STATUS_NEED_FACTS
        if not has_room(table) or sends_full(table, cursor):
            return STATUS_NEED_SENDS if sends_full(table, cursor) else STATUS_NEED_ROOM
        at[AT_ORDINAL] = 0
        if poison_run > 0 and at[AT_BAD_RUN] >= poison_run:
            return STATUS_POISONED
        if at[AT_REJECTS] >= len(cursor.rejects):
            return STATUS_FULL
        if span[SPAN_REASON] != OK:
            _reject_batch(spans, cursor)
            continue
        look_ahead(buffer, span[SPAN_STOP], at[AT_DONE], table, cursor.ahead)
        reason = _frame(buffer, spans, place, cursor)
        head, offset = cursor.head, at[AT_OFFSET]
        if offset >= at[AT_NEXT]:
            if reason != OK:
                reject(cursor, offset, place, head[HEAD_NEXT] - place, reason)
            else:
                written_at = span[SPAN_BASE_TIME] + (0 if span[SPAN_FIXED_TIME] != 0 else head[HEAD_TIME])
                start, size = head[HEAD_VALUE], head[HEAD_VALUE_SIZE]
                status = _apply_value(
                    buffer, start, size, offset, written_at, ahead_limit, plans, table, rules, words, out, cursor
                )
                if status != STATUS_FINISHED:
                    return int(status)
            at[AT_NEXT] = offset + 1
        at[AT_PLACE], at[AT_EXPECTED] = head[HEAD_NEXT], offset + 1
        # Beyond a record whose length can't be trusted nothing is known; its reject holds the rest of the batch.
        at[AT_DONE] = span[SPAN_COUNT] if reason != OK and head[HEAD_NEXT] >= span[SPAN_STOP] else at[AT_DONE] + 1
    return STATUS_FINISHED
