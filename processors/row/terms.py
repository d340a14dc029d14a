"""What binds for a time: openings and renewals of ties with a term, and until when they bind."""

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import NONE, TERMS, Row
from processors.row.newest import note

ASSUMED = 1
"""The low bit of a term's end: nobody stated it, it is the policy's."""
_PARTS = 4  # of a term, in the last of which it is renewed early


@compiled_leaf
def note_term(row: Row, at: int, until: int, opens: bool) -> None:
    """A tie with a term opened (``opens``) or was renewed at ``at`` (ms), and binds until ``until`` (ms).

    ``until`` is odd where the policy's term was assumed.
    """
    row.terms_opened += int(opens)
    note(row, row.term_started_at, row.term_until, at, np.uint64(until))


@compiled_leaf
def merge_terms(into: Row, other: Row) -> None:
    into.terms_opened += other.terms_opened
    for i in range(TERMS):
        if other.term_started_at[i] != NONE:
            note(into, into.term_started_at, into.term_until, other.term_started_at[i], np.uint64(other.term_until[i]))


@compiled_leaf
def _rhythm(row: Row) -> int:
    """The time between renewals (ms), as far as the newest openings and renewals show one; 0: they don't.

    Between the two newest where one of those known is a renewal. Openings alone may be of different things: three of
    them show a rhythm, the longer of the two times between them.
    """
    newest, second, third, known = NONE, NONE, NONE, 0
    for i in range(TERMS):
        at = int(row.term_started_at[i])
        known += int(at != NONE)
        if at > newest:
            newest, second, third = at, newest, second
        elif second < at < newest:
            second, third = at, second
        elif third < at < second:
            third = at
    if second == NONE:
        return 0
    if known > row.terms_opened:
        return newest - second
    return max(newest - second, second - third) if third != NONE else 0


@compiled_leaf
def _assumed_until(row: Row, i: int, rhythm: int) -> int:
    """Until when (ms) the term at the place ``i`` binds, whose length is the policy's.

    It is no longer than the ``rhythm`` (ms), where that is clearly shorter. Who renews in the last quarter of a term
    does so early: the new one begins where that ends.
    """
    started = int(row.term_started_at[i])
    until = int(np.int64(row.term_until[i]))
    length = until - started
    if rhythm > 0 and _PARTS * rhythm < (_PARTS - 1) * length:
        return started + rhythm
    before, ends = NONE, NONE
    for k in range(TERMS):
        if before < row.term_started_at[k] < started:
            before, ends = int(row.term_started_at[k]), int(np.int64(row.term_until[k]))
    early = ends - started if before != NONE else 0
    return until + early if early > 0 and _PARTS * early <= length else until


@compiled_leaf
def _bound(row: Row, so_far: bool) -> int:
    binds = False
    for i in range(TERMS):
        binds = binds or row.term_started_at[i] != NONE
    if not binds:
        return NONE
    left = max(int(row.last_customer_exit_at), int(row.last_firm_exit_at))
    closed = int(row.last_closing_at)
    after = False
    for i in range(TERMS):
        after = after or row.term_started_at[i] > closed
    all_closed = not after and row.terms_opened <= row.ties_closed
    rhythm = _rhythm(row)
    bound = NONE
    for i in range(TERMS):
        started, until = int(row.term_started_at[i]), int(np.int64(row.term_until[i]))
        if started == NONE:
            continue
        if until & ASSUMED:
            until = _assumed_until(row, i, rhythm)
        was_left = started < left
        was_closed = all_closed or (after and started <= closed)
        if not so_far and (was_left or was_closed):
            continue
        until = min(until, left) if was_left else until
        until = min(until, closed) if was_closed else until
        bound = max(bound, until)
    return bound


@compiled_leaf
def bound_until(row: Row) -> int:
    """Until when (ms) something binds the customer, or did, as far as is known; NONE: nothing with a term does.

    What was closed, or left by an exit, bound until then: in the meantime nobody was silent. Closings say not which tie
    they close: what opened or was renewed after the last one binds on; where nothing did and more ties were opened than
    closed, what is known binds on. An assumed term is no longer than the time from the renewal before: who renews
    monthly is not bound for a year. A renewal in the last quarter of a term is an early one, and adds to it.
    """
    return _bound(row, True)


@compiled_leaf
def renews_at(row: Row) -> int:
    """When (ms) what binds is to be renewed: the end of what was neither closed nor left; NONE: nothing is."""
    return _bound(row, False)


@compiled_leaf
def bound_from(row: Row, at: int) -> int:
    """Until when (ms) what opened or was renewed at ``at`` (ms) binds; NONE: nothing is known to."""
    bound = NONE
    for i in range(TERMS):
        if row.term_started_at[i] == at:
            bound = max(bound, int(np.int64(row.term_until[i])))
    return bound
