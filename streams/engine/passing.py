"""What concerns rows without a touchpoint of theirs: ticks that let timers fire, and new policies. Compiled."""

import numpy as np

from processors.calendar import day_of
from processors.compiled import compiled_leaf
from processors.facts import (
    COUNT,
    FACTS_PER_EVENT,
    JUDGED_COUNT,
    JUDGED_PER_EVENT,
    JUDGED_WRITTEN,
    POLICY,
    SILENCE,
    WRITTEN,
    Cause,
    Out,
)
from processors.layout import NEVER, NONE
from processors.reviews import next_day
from processors.rules import Rules
from processors.step import pass_time, rejudge
from schemas.touchpoint import TICK_AT
from streams.engine.ahead import MIDDLE, SMALL, ask_for_row
from streams.engine.cursor import FINISHED, NEED_FACTS, NEED_ROOM, NO_LIMIT, TIME, Cursor
from streams.engine.due import pop
from streams.engine.outcomes import JUDGEMENTS, TICKS, TICKS_IGNORED, TRANSITIONS
from streams.engine.reading import LATEST
from streams.engine.rows import HEAP, KEPT, LOOKED, ROWS, TOUCHED, Table, has_room, schedule


@compiled_leaf
def facts_full(out: Out) -> bool:
    """Whether the facts of one more record might not fit."""
    if len(out.facts) == 0:
        return False
    full = out.counts[WRITTEN] + FACTS_PER_EVENT > len(out.facts)
    crowded = len(out.judged) > 0 and out.counts[JUDGED_WRITTEN] + JUDGED_PER_EVENT > len(out.judged)
    return bool(full or crowded)


@compiled_leaf
def _let_pass(table: Table, rules: Rules, out: Out, cursor: Cursor, number: int, offset: int, until: int) -> None:
    """Let a row's timers up to ``until`` fire."""
    row = table.rows[number]
    transitions, judgements = out.counts[COUNT], out.counts[JUDGED_COUNT]
    cause = Cause(number, offset, until, SILENCE, np.uint64(0), -1, -1)
    if pass_time(row, rules, out, cause, until):
        row.offset = max(row.offset, offset)
        row.unreported = 1
        table.dirty[number] = 1
        cursor.counts[TRANSITIONS] += out.counts[COUNT] - transitions
        cursor.counts[JUDGEMENTS] += out.counts[JUDGED_COUNT] - judgements


@compiled_leaf
def _let_day_pass(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, until: int) -> int:
    """Judge the touched rows whose day has ended by ``until``; FINISHED, or a status to be called again.

    Rows whose day is still to end stay listed, and so do those that a replay has not yet come up to.
    """
    used, soon = table.used, next_day(until)
    many = used[ROWS] >= SMALL
    while used[LOOKED] < used[TOUCHED]:
        if facts_full(out) or not has_room(table):
            return NEED_FACTS if facts_full(out) else NEED_ROOM
        if many and used[LOOKED] + MIDDLE < used[TOUCHED]:
            ask_for_row(table, table.touched[used[LOOKED] + MIDDLE])
        number = table.touched[used[LOOKED]]
        used[LOOKED] += 1
        row = table.rows[number]
        if row.offset >= offset or until < row.review_at <= soon:
            table.touched[used[KEPT]] = number
            used[KEPT] += 1
            continue
        row.touched = 0
        table.dirty[number] = 1
        _let_pass(table, rules, out, cursor, number, offset, until)
        schedule(table, number)
    used[TOUCHED] = used[KEPT]
    used[LOOKED] = 0
    used[KEPT] = 0
    return FINISHED


@compiled_leaf
def tick(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, until: int) -> int:
    """Let every timer due by ``until`` fire; FINISHED, or a status to be called again."""
    while table.used[HEAP] > 0 and table.heap_at[0] <= until:
        if facts_full(out) or not has_room(table):
            return NEED_FACTS if facts_full(out) else NEED_ROOM
        key, number = table.heap_at[0], table.heap_row[0]
        table.used[HEAP] = pop(table.heap_at, table.heap_row, table.used[HEAP])
        row = table.rows[number]
        if row.entry_at != key:
            continue
        row.entry_at = NEVER
        _let_pass(table, rules, out, cursor, number, offset, until)
        schedule(table, number)
    if cursor.at[TIME] == NONE or day_of(until) > day_of(cursor.at[TIME]):
        return int(_let_day_pass(table, rules, out, cursor, offset, until))
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
        before, judgements = out.counts[COUNT], out.counts[JUDGED_COUNT]
        cause = Cause(number, offset, max(cursor.at[TIME], row.judged_at), POLICY, np.uint64(0), -1, -1)
        rejudge(row, rules, out, cause, cursor.at[TIME])
        row.offset = offset
        row.unreported = 1
        table.dirty[number] = 1
        cursor.counts[TRANSITIONS] += out.counts[COUNT] - before
        cursor.counts[JUDGEMENTS] += out.counts[JUDGED_COUNT] - judgements
        schedule(table, number)
    return int(table.used[ROWS])
