"""Visitors who are forgotten: whom the policy lets go when they have taken no initiative for long. Compiled.

That is a timer like the others of a row: it fires at its own instant, after those before it, and those behind it never
do. Nothing is told of it, and what reports hold stays there.
"""

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.lifecycle.facts import OUT_COUNT, OUT_JUDGED_COUNT, Cause, Out
from processors.policy.rules import Rules
from processors.triggers.firing import pass_time_with_rules
from processors.words import Int
from streams.engine.hot import forget
from streams.engine.outcomes import OUTCOME_FORGOTTEN, OUTCOME_JUDGEMENTS, OUTCOME_TRANSITIONS
from streams.engine.rows import IS_UNREPORTED, USED_FORGET, USED_REPORTED, Table, forgets_at, note_news

Counts = npt.NDArray[np.int64]


@compiled_leaf
def let_pass(table: Table, rules: Rules, out: Out, counts: Counts, cause: Cause, until: int) -> bool:
    """Let timers up to ``until`` of a hot row fire, the one included at which it is forgotten. True where one did."""
    number = cause.row
    row = table.rows[table.customers[number].place]
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    end = forgets_at(table, number, row, table.used[USED_FORGET])
    fired = bool(pass_time_with_rules(row, rules, out, cause, min(until, end - 1)))
    if fired:
        row.offset = max(row.offset, cause.offset)
        note_news(table, number)
        counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
        counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    return fired


@compiled_leaf
def fade(table: Table, rules: Rules, out: Out, counts: Counts, cause: Cause, until: int) -> None:
    """Forget a visitor whose row is hot where that was due by ``until`` (ms): something else is to be known instead."""
    number = cause.row
    row = table.rows[table.customers[number].place]
    if forgets_at(table, number, row, table.used[USED_FORGET]) <= until:
        let_pass(table, rules, out, counts, cause, until)
        forget(table, number, cause.offset)
        counts[OUTCOME_FORGOTTEN] += 1


@compiled_leaf
def let_go(table: Table, number: Int, counts: Counts, until: int, offset: int) -> None:
    """Let nothing be left of a visitor whose row is hot and who is forgotten by ``until`` (ms).

    Who is still to be reported keeps the row until that is done; nothing is known of the visitor all the same.
    """
    row = table.rows[table.customers[number].place]
    if forgets_at(table, number, row, table.used[USED_FORGET]) > until:
        return
    if table.used[USED_REPORTED] == 0 or table.customers[number].id & IS_UNREPORTED == 0:
        forget(table, number, offset)
        counts[OUTCOME_FORGOTTEN] += 1
