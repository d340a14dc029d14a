"""What concerns rows without a touchpoint of theirs: ticks that let timers fire, and new policies. Compiled."""

import numpy as np

from processors.compiled import compiled_leaf
from processors.lifecycle.facts import (
    CAUSE_POLICY,
    CAUSE_SILENCE,
    FACTS_PER_EVENT,
    JUDGED_PER_EVENT,
    OUT_COUNT,
    OUT_JUDGED_COUNT,
    OUT_JUDGED_WRITTEN,
    OUT_WRITTEN,
    Cause,
    Out,
)
from processors.lifecycle.reviews import next_day
from processors.lifecycle.step import rejudge
from processors.policy.rules import Rules
from processors.row.calendar import day_of
from processors.row.layout import NEVER, NONE
from processors.triggers.firing import look
from processors.triggers.room import is_crowded
from schemas.touchpoint import TICK_AT
from streams.engine.ahead import AHEAD_FAR, AHEAD_NEAR, AHEAD_SMALL, ask_for_place, ask_for_review
from streams.engine.cursor import AT_TIME, NO_LIMIT, STATUS_FINISHED, STATUS_NEED_FACTS, STATUS_NEED_ROOM, Cursor
from streams.engine.due import ARITY, pop
from streams.engine.fading import Counts, let_go, let_pass
from streams.engine.hot import entry_of, forget, offset_of, warm
from streams.engine.outcomes import (
    OUTCOME_FORGOTTEN,
    OUTCOME_JUDGEMENTS,
    OUTCOME_TICKS,
    OUTCOME_TICKS_IGNORED,
    OUTCOME_TRANSITIONS,
)
from streams.engine.reading import LATEST
from streams.engine.rows import (
    IS_TOUCHED,
    USED_FORGET_BEFORE,
    USED_HEAP,
    USED_KEPT,
    USED_LOOKED,
    USED_NOW,
    USED_ROWS,
    USED_TOUCHED,
    Table,
    forgets_at,
    has_room,
    is_forward,
    note_change,
    note_news,
    schedule,
)


@compiled_leaf
def facts_full(out: Out) -> bool:
    """Whether the facts of one more record might not fit."""
    if len(out.facts) == 0:
        return False
    full = out.counts[OUT_WRITTEN] + FACTS_PER_EVENT > len(out.facts) or is_crowded(out.room)
    crowded = len(out.judged) > 0 and out.counts[OUT_JUDGED_WRITTEN] + JUDGED_PER_EVENT > len(out.judged)
    return bool(full or crowded)


@compiled_leaf
def _let_pass(table: Table, rules: Rules, out: Out, cursor: Cursor, slot: int, offset: int, until: int) -> None:
    """Let a hot row's timers up to ``until`` fire."""
    # As wide as elsewhere: what is called with another type is compiled once more, and that is half of the engine.
    number = int(np.int64(table.hot[slot].holder))
    let_pass(table, rules, out, cursor.counts, Cause(number, offset, until, CAUSE_SILENCE, np.uint64(0), -1, -1), until)
    let_go(table, number, cursor.counts, until, offset)


@compiled_leaf
def _let_day_pass(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, until: int) -> int:
    """Judge the touched rows whose day has ended by ``until``; FINISHED, or a status to be called again.

    Rows whose day is still to end stay listed, and so do those that a replay has not yet come up to.
    """
    used, soon = table.used, next_day(until)
    many = used[USED_ROWS] >= AHEAD_SMALL
    while used[USED_LOOKED] < used[USED_TOUCHED]:
        if facts_full(out) or not has_room(table):
            return STATUS_NEED_FACTS if facts_full(out) else STATUS_NEED_ROOM
        if many and used[USED_LOOKED] + AHEAD_FAR < used[USED_TOUCHED]:
            ask_for_place(table, table.touched[used[USED_LOOKED] + AHEAD_FAR])
            ask_for_review(table, table.touched[used[USED_LOOKED] + AHEAD_NEAR])
        number = int(np.int64(table.touched[used[USED_LOOKED]]))
        used[USED_LOOKED] += 1
        if is_forward(table, number):
            table.customers[number].id &= ~IS_TOUCHED
            continue
        slot = warm(table, number)
        row = table.rows[slot]
        if row.offset >= offset or until < row.review_at <= soon:
            table.touched[used[USED_KEPT]] = number
            used[USED_KEPT] += 1
            continue
        table.customers[number].id &= ~IS_TOUCHED
        note_change(table, number)
        _let_pass(table, rules, out, cursor, slot, offset, until)
        schedule(table, slot)
    used[USED_TOUCHED] = used[USED_KEPT]
    used[USED_LOOKED] = 0
    used[USED_KEPT] = 0
    return STATUS_FINISHED


@compiled_leaf
def tick(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, until: int) -> int:
    """Let every timer due by ``until`` fire; FINISHED, or a status to be called again."""
    while table.used[USED_HEAP] > 0 and table.heap_at[0] <= until:
        if facts_full(out) or not has_room(table):
            return STATUS_NEED_FACTS if facts_full(out) else STATUS_NEED_ROOM
        key, number = table.heap_at[0], int(np.int64(table.heap_row[0]))
        table.used[USED_HEAP] = pop(table.heap_at, table.heap_row, table.used[USED_HEAP])
        if table.used[USED_ROWS] >= AHEAD_SMALL:
            # Who comes next, and those one of whom comes after. What lies beyond the end of the heap does no harm.
            ask_for_review(table, table.heap_row[0])
            for child in range(1, ARITY + 1):
                ask_for_place(table, table.heap_row[child])
        if entry_of(table, number) != key:
            continue
        slot = warm(table, number)
        table.rows[slot].entry_at = NEVER
        _let_pass(table, rules, out, cursor, slot, offset, until)
        schedule(table, slot)
    if cursor.at[AT_TIME] == NONE or day_of(until) > day_of(cursor.at[AT_TIME]):
        return int(_let_day_pass(table, rules, out, cursor, offset, until))
    return STATUS_FINISHED


@compiled_leaf
def apply_tick(
    table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, written_at: int, ahead_limit: int
) -> int:
    """Apply the tick that was decoded into the cursor's slots; FINISHED, or a status to be called again."""
    until = cursor.slots[TICK_AT, 0]
    if until <= cursor.at[AT_TIME] or until > LATEST or (ahead_limit != NO_LIMIT and until > written_at + ahead_limit):
        cursor.counts[OUTCOME_TICKS_IGNORED] += 1
        return STATUS_FINISHED
    table.used[USED_NOW] = until
    status = tick(table, rules, out, cursor, offset, until)
    if status == STATUS_FINISHED:
        cursor.at[AT_TIME] = until
        cursor.counts[OUTCOME_TICKS] += 1
    return int(status)


@compiled_leaf
def rejudge_rows(table: Table, rules: Rules, out: Out, cursor: Cursor, offset: int, first: int, judged: Counts) -> int:
    """Judge customers from number ``first`` on by a new policy read at ``offset``; returns the next one's number.

    ``judged``: shape (2,), how many were by now, and how many may be at most.
    """
    for number in range(first, table.used[USED_ROWS]):
        if facts_full(out) or not has_room(table):
            return int(number)
        if is_forward(table, number) or offset_of(table, number) >= offset:
            continue
        if judged[0] >= judged[1]:
            return int(number)
        judged[0] += 1
        slot = warm(table, number)
        row = table.rows[slot]
        if forgets_at(table, number, row, table.used[USED_FORGET_BEFORE]) <= cursor.at[AT_TIME]:
            # By the policy before there is nobody whom the new one could judge.
            forget(table, number, offset)
            cursor.counts[OUTCOME_FORGOTTEN] += 1
            continue
        before, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
        cause = Cause(number, offset, max(cursor.at[AT_TIME], row.judged_at), CAUSE_POLICY, np.uint64(0), -1, -1)
        rejudge(row, rules, out, cause, cursor.at[AT_TIME])
        row.timer_at = NEVER
        if rules.trigger_count > 0:
            look(row, rules, out, cause, max(cursor.at[AT_TIME], row.judged_at), 0, 0)
        row.offset = offset
        note_news(table, number)
        cursor.counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - before
        cursor.counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
        schedule(table, slot)
    return int(table.used[USED_ROWS])
