"""Questions and complaints of the customer, and when each was answered or resolved, whatever arrives first."""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import ANSWERS, NEVER, NONE, QUESTIONS, RESOLUTIONS, Row
from processors.row.newest import first_from, note_instant, oldest_of, unite_instants

IS_QUESTION: Final = 1  # bits of question_complaint
IS_COMPLAINT: Final = 2


@compiled_leaf
def _place(row: Row, at: int, event: np.uint64) -> int:
    """A place for a question that is not kept yet; -1: it is kept, or older than all that are."""
    for i in range(QUESTIONS):
        if row.question_at[i] == at and row.question_event[i] == event:
            return -1
    place = oldest_of(row.question_at, row.question_event)
    row.forgotten += int(row.question_at[place] != NONE)
    newer = at > row.question_at[place] or (at == row.question_at[place] and event > row.question_event[place])
    return place if newer else -1


@compiled_leaf
def note_question(row: Row, at: int, event: np.uint64, what: int) -> None:
    """A question or complaint (bits of ``what``) at ``at`` (ms)."""
    place = _place(row, at, event)
    if place >= 0:
        row.question_at[place] = at
        row.question_event[place] = event
        row.question_complaint[place] = what
        row.question_answered_at[place] = first_from(row.answer_at, at, NEVER)
        row.question_resolved_at[place] = first_from(row.resolution_at, at, NEVER)


@compiled_leaf
def _close(row: Row, at: int, resolved: bool) -> None:
    for i in range(QUESTIONS):
        if row.question_at[i] != NONE and row.question_at[i] <= at:
            if resolved:
                row.question_resolved_at[i] = min(row.question_resolved_at[i], at)
            else:
                row.question_answered_at[i] = min(row.question_answered_at[i], at)


@compiled_leaf
def note_answer(row: Row, at: int) -> None:
    """The firm answered: every question up to then."""
    note_instant(row, row.answer_at, at)
    _close(row, at, False)


@compiled_leaf
def note_resolution(row: Row, at: int) -> None:
    """The firm put things right: every complaint up to then is resolved."""
    note_instant(row, row.resolution_at, at)
    _close(row, at, True)


@compiled_leaf
def merge_questions(into: Row, other: Row) -> None:
    """Unite questions, answers and resolutions; each side's answers close the other side's questions."""
    unite_instants(into, into.answer_at, other.answer_at)
    unite_instants(into, into.resolution_at, other.resolution_at)
    for i in range(QUESTIONS):
        if other.question_at[i] != NONE:
            place = _place(into, other.question_at[i], np.uint64(other.question_event[i]))
            if place >= 0:
                into.question_at[place] = other.question_at[i]
                into.question_event[place] = other.question_event[i]
                into.question_complaint[place] = other.question_complaint[i]
                into.question_answered_at[place] = other.question_answered_at[i]
                into.question_resolved_at[place] = other.question_resolved_at[i]
    for i in range(ANSWERS):
        if into.answer_at[i] != NONE:
            _close(into, into.answer_at[i], False)
    for i in range(RESOLUTIONS):
        if into.resolution_at[i] != NONE:
            _close(into, into.resolution_at[i], True)


@compiled_leaf
def unresolved_complaint(row: Row, first: int, last: int, until: int, patience_ms: int) -> int:
    """The newest complaint in ``first..last`` (ms) not resolved by ``until``, nor within the patience after it.

    Returns its place; -1: there is none.
    """
    found = -1
    for i in range(QUESTIONS):
        at = row.question_at[i]
        if at == NONE or at < first or at > last or int(row.question_complaint[i]) & IS_COMPLAINT == 0:
            continue
        if row.question_resolved_at[i] > max(until, at + patience_ms) and (found < 0 or at > row.question_at[found]):
            found = i
    return found


@compiled_leaf
def neglected_question(row: Row, first: int, last: int, until: int, patience_ms: int) -> int:
    """The newest question in ``first..last`` (ms) left for longer than the patience, or still open at ``until``.

    Returns its place; -1: there is none.
    """
    found = -1
    for i in range(QUESTIONS):
        at = row.question_at[i]
        if at == NONE or at < first or at > last or int(row.question_complaint[i]) & IS_QUESTION == 0:
            continue
        answered = row.question_answered_at[i]
        if answered > min(at + patience_ms, until) and (found < 0 or at > row.question_at[found]):
            found = i
    return found
