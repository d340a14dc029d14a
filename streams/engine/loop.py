"""The compiled loop over the records of a fetch: decode, find the customer, let timers fire, step.

It returns to Python only where Python has to act (more room, a policy to compile, an unknown schema), and goes on at
the same record afterwards. No Python object exists per event.
"""

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.facts import Out
from processors.rules import Rules, Vocabulary
from schemas.decode import NULL, decode
from schemas.plans import TYPE_POLICY, TYPE_TICK, TYPE_TOUCHPOINT, Plans
from schemas.reasons import BAD_RECORD, NO_VALUE, NOT_FRAMED, OK, UNKNOWN_SCHEMA
from schemas.touchpoint import LINES, POLICY_TEXT, PROPERTIES
from streams.engine.ahead import LOOKED, look_ahead
from streams.engine.ahead import PLACE as LOOK_PLACE
from streams.engine.cursor import (
    BAD_RUN,
    DONE,
    END,
    EXPECTED,
    FINISHED,
    LENGTH,
    NEED_FACTS,
    NEED_ROOM,
    NEXT,
    OFFSET,
    PLACE,
    POISONED,
    POLICY_READ,
    SCHEMA_WANTED,
    SPAN,
    START,
    TAKEN,
    TIME,
    Cursor,
    reject,
)
from streams.engine.judging import apply_touchpoint
from streams.engine.outcomes import ACCEPTED, UNSUPPORTED_RECORD
from streams.engine.passing import apply_tick, facts_full
from streams.engine.records import next_record
from streams.engine.rows import Table, has_room


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
        return FINISHED
    if length < 5 or buffer[start] != 0:
        reject(cursor, offset, start, length, NOT_FRAMED)
        return FINISHED
    index = _schema_index(plans, buffer, start + 1)
    if index == -1:
        return SCHEMA_WANTED
    if index < 0 or plans.starts[index] < 0:
        reject(cursor, offset, start, length, UNKNOWN_SCHEMA)
        return FINISHED
    kind = plans.types[index]
    reason = decode(buffer, start + 5, start + length, plans.ops, plans.starts[index], cursor.slots)
    if reason == OK and kind == TYPE_TOUCHPOINT:
        if plans.plain[index] == 0:
            cursor.slots[LINES, 1], cursor.slots[PROPERTIES, 1] = NULL, NULL
        accepted = cursor.counts[ACCEPTED]
        reason = apply_touchpoint(
            buffer, cursor.slots, offset, cursor.at[TIME], table, rules, words, out, cursor.counts
        )
        if cursor.counts[ACCEPTED] > accepted and len(cursor.taken) > 0:
            taken = cursor.taken[cursor.at[TAKEN]]
            taken[0], taken[1], taken[2] = start + 5, length - 5, plans.ids[index]
            cursor.at[TAKEN] += 1
    elif reason == OK and kind == TYPE_TICK:
        return int(apply_tick(table, rules, out, cursor, offset, written_at, ahead_limit))
    elif reason == OK and kind == TYPE_POLICY:
        cursor.at[START], cursor.at[LENGTH] = cursor.slots[POLICY_TEXT, 0], cursor.slots[POLICY_TEXT, 1]
        return POLICY_READ
    elif reason == OK:
        reason = UNSUPPORTED_RECORD
    if reason != OK:
        reject(cursor, offset, start, length, reason)
    else:
        cursor.at[BAD_RUN] = 0
    return FINISHED


@compiled_leaf
def _frame(buffer: npt.NDArray[np.uint8], spans: npt.NDArray[np.int64], place: int, cursor: Cursor) -> int:
    """Read the frame of the record at ``place`` and note its offset; returns OK or BAD_RECORD.

    Offsets rise within a batch and end where the next batch begins. A record that says otherwise would hide others from
    the row that took it in: it is bad. Where no offset can be read, the record stands at the least that it can have.
    """
    at, span = cursor.at, spans[cursor.at[SPAN]]
    least = max(at[EXPECTED], span[2])
    end = spans[at[SPAN] + 1, 2] if at[SPAN] + 1 < len(spans) else at[END]
    reason = next_record(buffer, place, span[1], cursor.head)
    at[OFFSET] = least
    if cursor.head[1] < least - span[2] or cursor.head[1] >= end - span[2]:
        return BAD_RECORD
    at[OFFSET] = span[2] + cursor.head[1]
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
    while at[SPAN] < len(spans):
        span = spans[at[SPAN]]
        place = at[PLACE] if at[PLACE] > 0 else span[0]
        if at[DONE] == 0:
            cursor.ahead[LOOK_PLACE], cursor.ahead[LOOKED] = place, 0
        if at[DONE] >= span[4]:
            at[SPAN] += 1
            at[PLACE], at[DONE], at[EXPECTED] = 0, 0, 0
            continue
        if facts_full(out):
            return NEED_FACTS
        if not has_room(table):
            return NEED_ROOM
        if poison_run > 0 and at[BAD_RUN] >= poison_run:
            return POISONED
        look_ahead(buffer, span[1], at[DONE], table, cursor.ahead)
        reason = _frame(buffer, spans, place, cursor)
        head, offset = cursor.head, at[OFFSET]
        if offset >= at[NEXT]:
            if reason != OK:
                reject(cursor, offset, place, head[6] - place, reason)
            else:
                written_at = span[3] if span[5] != 0 else span[3] + head[0]
                status = _apply_value(
                    buffer, head[4], head[5], offset, written_at, ahead_limit, plans, table, rules, words, out, cursor
                )
                if status != FINISHED:
                    return int(status)
            at[NEXT] = offset + 1
        at[PLACE], at[EXPECTED] = head[6], offset + 1
        # Beyond a record whose length can't be trusted nothing is known; its reject holds the rest of the batch.
        at[DONE] = span[4] if reason != OK and head[6] >= span[1] else at[DONE] + 1
    return FINISHED
