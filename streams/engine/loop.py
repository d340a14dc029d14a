"""The compiled loop over the records of a fetch: decode, find the customer, let timers fire, step.

It returns to Python only where Python has to act (more room, a policy to compile, an unknown schema), and goes on at
the same record afterwards. No Python object exists per event.
"""

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.lifecycle.facts import Out
from processors.policy.rules import Rules, Vocabulary
from schemas.decode import ABSENT, decode
from schemas.plans import TYPE_POLICY, TYPE_TICK, TYPE_TOUCHPOINT, Plans
from schemas.reasons import BAD_RECORD, NO_VALUE, NOT_FRAMED, OK, UNKNOWN_SCHEMA
from schemas.touchpoint import LINES, POLICY_TEXT, PROPERTIES
from streams.engine.ahead import VIEW_LOOKED, VIEW_PLACE, look_ahead
from streams.engine.cursor import (
    AT_BAD_RUN,
    AT_DONE,
    AT_END,
    AT_EXPECTED,
    AT_LENGTH,
    AT_NEXT,
    AT_OFFSET,
    AT_PLACE,
    AT_REJECTS,
    AT_SPAN,
    AT_START,
    AT_TAKEN,
    AT_TIME,
    STATUS_FINISHED,
    STATUS_FULL,
    STATUS_NEED_FACTS,
    STATUS_NEED_ROOM,
    STATUS_POISONED,
    STATUS_POLICY_READ,
    STATUS_SCHEMA_WANTED,
    Cursor,
    reject,
)
from streams.engine.judging import apply_touchpoint
from streams.engine.limits import beyond_limits
from streams.engine.outcomes import OUTCOME_ACCEPTED, UNSUPPORTED_RECORD
from streams.engine.passing import apply_tick, facts_full
from streams.engine.rows import Table, has_room
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
def _schema_index(plans: Plans, buffer: npt.NDArray[np.uint8], start: int) -> int:
    """Index of the wire schema id at ``start`` among the plans; -1: not there, -2: no registry gives such ids."""
    if buffer[start] > 127:
        return -2
    wanted = 0
    for i in range(4):
        wanted = wanted << 8 | int(buffer[start + i])
    low, high = 0, len(plans.ids)
    while low < high:
        middle = (low + high) >> 1
        if plans.ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < len(plans.ids) and plans.ids[low] == wanted:
        return low
    return -1


@compiled_inline
def _read(
    buffer: npt.NDArray[np.uint8], start: int, length: int, plans: Plans, index: int, slots: npt.NDArray[np.int64]
) -> int:
    """Decode a value by the plan number ``index``; returns OK or a reason."""
    reason = decode(buffer, start + 5, start + length, plans.ops, plans.starts[index], slots)
    if reason == OK and plans.types[index] == TYPE_TOUCHPOINT:
        reason = beyond_limits(slots)
        if plans.plain[index] == 0:
            slots[LINES, 1], slots[PROPERTIES, 1] = ABSENT, ABSENT
    return int(reason)


@compiled_leaf
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
    """Apply one record's value; returns a status. Rejects are listed."""
    if length < 0:
        reject(cursor, offset, start, 0, NO_VALUE)
        return STATUS_FINISHED
    if length < 5 or buffer[start] != 0:
        reject(cursor, offset, start, length, NOT_FRAMED)
        return STATUS_FINISHED
    index = _schema_index(plans, buffer, start + 1)
    if index == -1:
        return STATUS_SCHEMA_WANTED
    if index < 0 or plans.starts[index] < 0:
        reject(cursor, offset, start, length, UNKNOWN_SCHEMA)
        return STATUS_FINISHED
    kind = plans.types[index]
    reason = _read(buffer, start, length, plans, index, cursor.slots)
    if reason == OK and kind == TYPE_TOUCHPOINT:
        accepted = cursor.counts[OUTCOME_ACCEPTED]
        reason = apply_touchpoint(
            buffer, cursor.slots, offset, cursor.at[AT_TIME], table, rules, words, out, cursor.counts
        )
        if cursor.counts[OUTCOME_ACCEPTED] > accepted and len(cursor.taken) > 0:
            taken = cursor.taken[cursor.at[AT_TAKEN]]
            taken[0], taken[1], taken[2], taken[3] = start + 5, length - 5, plans.ids[index], offset
            cursor.at[AT_TAKEN] += 1
    elif reason == OK and kind == TYPE_TICK:
        return int(apply_tick(table, rules, out, cursor, offset, written_at, ahead_limit))
    elif reason == OK and kind == TYPE_POLICY:
        cursor.at[AT_START], cursor.at[AT_LENGTH] = cursor.slots[POLICY_TEXT, 0], cursor.slots[POLICY_TEXT, 1]
        return STATUS_POLICY_READ
    elif reason == OK:
        reason = UNSUPPORTED_RECORD
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


@compiled_leaf
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
        if not has_room(table):
            return STATUS_NEED_ROOM
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
