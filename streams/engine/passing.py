"""What concerns rows without a touchpoint of theirs: ticks that let silence speak, and new policies. Compiled."""

import numpy as np

from processors.compiled import compiled_leaf
from processors.facts import COUNT, FACTS_PER_EVENT, POLICY, SILENCE, WRITTEN, Cause, Out
from processors.profile import NEVER
from processors.rules import Rules
from processors.step import pass_time, rejudge
from schemas.touchpoint import TICK_AT
from streams.engine.cursor import FINISHED, NEED_FACTS, NEED_ROOM, NO_LIMIT, TIME, Cursor
from streams.engine.due import pop
from streams.engine.judging import LATEST
from streams.engine.outcomes import TICKS, TICKS_IGNORED, TRANSITIONS
from streams.engine.rows import HEAP, ROWS, Table, has_room, schedule


@compiled_leaf
def facts_full(out: Out) -> bool:
    """Whether the facts of one more record might not fit."""
    return bool(len(out.facts) > 0 and out.counts[WRITTEN] + FACTS_PER_EVENT > len(out.facts))


@compiled_leaf
def tick(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, until: int) -> int:
    """End every relationship whose silence is due by ``until``; FINISHED, or NEED_FACTS to be called again."""
    while table.used[HEAP] > 0 and table.heap_at[0] <= until:
        if facts_full(out) or not has_room(table):
            return NEED_FACTS if facts_full(out) else NEED_ROOM
        key, number = table.heap_at[0], table.heap_row[0]
        table.used[HEAP] = pop(table.heap_at, table.heap_row, table.used[HEAP])
        row = table.rows[number]
        if row.entry_at != key:
            continue
        row.entry_at = NEVER
        before = out.counts[COUNT]
        cause = Cause(number, offset, until, SILENCE, np.uint64(0), -1, -1)
        if pass_time(row, rules, out, cause, until):
            row.offset = max(row.offset, offset)
            row.unreported = 1
            table.dirty[number] = 1
            cursor.counts[TRANSITIONS] += out.counts[COUNT] - before
        schedule(table, number)
    return FINISHED


@compiled_leaf
def apply_tick(
    table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, written_at: int, ahead_limit: int
) -> int:
    """Apply the tick that was decoded into the cursor's slots; FINISHED, or a status to be called again."""
    until = cursor.slots[TICK_AT, 0]
    if until <= cursor.at[TIME] or until > LATEST or (ahead_limit != NO_LIMIT and until > written_at + ahead_limit):
        cursor.counts[TICKS_IGNORED] += 1
        return FINISHED
    status = tick(table, rules, out, cursor, offset, until)
    if status == FINISHED:
        cursor.at[TIME] = until
        cursor.counts[TICKS] += 1
    return int(status)


@compiled_leaf
def rejudge_rows(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, first: int) -> int:
    """Judge rows from number ``first`` on by a new policy read at ``offset``; returns the number of the next row."""
    for number in range(first, table.used[ROWS]):
        if facts_full(out) or not has_room(table):
            return int(number)
        row = table.rows[number]
        if row.offset >= offset:
            continue
        before = out.counts[COUNT]
        cause = Cause(number, offset, max(cursor.at[TIME], row.judged_at), POLICY, np.uint64(0), -1, -1)
        rejudge(row, rules, out, cause, cursor.at[TIME])
        row.offset = offset
        row.unreported = 1
        table.dirty[number] = 1
        cursor.counts[TRANSITIONS] += out.counts[COUNT] - before
        schedule(table, number)
    return int(table.used[ROWS])
