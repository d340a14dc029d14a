"""What binds for a time: openings and renewals of ties with a term, and until when they bind."""

import numpy as np

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.row.layout import NEVER, NONE, TERMS, Row
from processors.row.months import after_months
from processors.row.newest import note

ASSUMED = 1
"""The low bit of a term: nobody stated how long it is, it is the policy's."""
_MONTHS_AT = 44  # bits of an instant; the greatest is the end of 2299
_LASTING_AT = 61
_INSTANT = (1 << _MONTHS_AT) - 1
PARTS = 4
"""Of a term, in the last of which it is renewed early."""


@compiled_leaf
def lasting(until: int, months: int) -> int:
    """A term that was stated as a duration: until when (ms) it binds by itself, and its months of the calendar."""
    return (1 << _LASTING_AT) | (months << _MONTHS_AT) | (until & ~ASSUMED)


@compiled_leaf
def note_term(row: Row, at: int, term: int, opens: bool) -> None:
    """A tie with a term opened (``opens``) or was renewed at ``at`` (ms).

    ``term`` is the instant (ms, even) until which it binds, as stated; what ``lasting`` makes of a stated duration; or
    the end of the policy's own duration, odd.
    """
    row.terms_opened += int(opens)
    note(row, row.term_started_at, row.term_until, at, np.uint64(term))


@compiled_leaf
def alone_until(row: Row, i: int) -> int:
    """Until when (ms) the term at the place ``i`` binds by itself."""
    return int(np.int64(row.term_until[i])) & _INSTANT


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
def last_left(row: Row) -> int:
    """The last exit by either side (ms), closings aside; NONE: there is none."""
    return max(int(row.last_customer_exit_at), int(row.last_firm_exit_at))


@compiled_apart
def closed_the_last(row: Row) -> bool:
    """Whether the newest closing was of the one tie that still bound, the others having run out before.

    Closings say not which tie they close; who closes one closes what binds. Said only where every term that was opened
    or renewed up to then is known. What ran out did by an end that was stated, since the policy's duration tells from
    when on silence counts and not that a contract ended; or the relationship has ended since, and began anew.
    """
    stay_apart()
    at, known, bound, ran_out = int(row.last_closing_at), False, 0, 0
    for i in range(TERMS):
        started = int(row.term_started_at[i])
        if started == NONE:
            known = True
        elif started < row.episode_at <= at:
            ran_out += 1
        elif started <= at and alone_until(row, i) > at:
            bound += 1
        elif started <= at:
            ran_out += 1
            if int(np.int64(row.term_until[i])) & ASSUMED != 0:
                return False
    return bool(known and bound == 1 and ran_out > 0 and row.ties_opened == row.terms_opened)


@compiled_leaf
def _over_at(row: Row, i: int) -> int:
    """When (ms) an exit or a closing ended the term at the place ``i``; NEVER: none did.

    Closings say not which tie they close: what began after the last one binds on, and all of it where more was opened
    than closed and more than one still bound.
    """
    started, over = int(row.term_started_at[i]), NEVER
    left = last_left(row)
    if started < left:
        over = left
    closed, after = int(row.last_closing_at), False
    for k in range(TERMS):
        after = after or row.term_started_at[k] > closed
    none_is_left = row.terms_opened <= row.ties_closed or (closed != NONE and closed_the_last(row))
    if (after and started <= closed) or (not after and none_is_left):
        over = min(over, closed)
    return over


@compiled_leaf
def _early(row: Row, i: int, length: int, before: int, reaches: int) -> int:
    """How long (ms) before the end of a term that of ``length`` (ms) at the place ``i`` took its place; 0: it didn't.

    Of the terms that began earlier and run on, it is the one that ends first; the last of them began at ``before`` and
    is known to reach to ``reaches`` (ms). Only who renews in the last quarter of a term does so early.
    """
    started = int(row.term_started_at[i])
    ends = min(reaches, NEVER) if reaches > started else NEVER
    for k in range(TERMS):
        if row.term_started_at[k] != NONE and row.term_started_at[k] < before:
            until = min(alone_until(row, k), _over_at(row, k))
            ends = min(ends, until) if until > started else ends
    early = ends - started if ends != NEVER else 0
    return early if PARTS * early <= length else 0


@compiled_leaf
def _term_until(row: Row, i: int, rhythm: int, before: int, reaches: int) -> int:
    """Until when (ms) the term at the place ``i`` binds, if nothing ends it.

    Where the policy assumed its length it is no longer than the ``rhythm`` (ms), where that is clearly shorter. A
    duration that is renewed early begins where the term before ends.
    """
    started, term = int(row.term_started_at[i]), int(np.int64(row.term_until[i]))
    until, months = alone_until(row, i), (term >> _MONTHS_AT) & 0xFFFF
    if term & ASSUMED == 0 and term >> _LASTING_AT == 0:
        return until
    length = until - started
    if term & ASSUMED != 0 and rhythm > 0 and PARTS * rhythm < (PARTS - 1) * length:
        return started + rhythm
    early = _early(row, i, length, before, reaches)
    if early == 0 or months == 0:
        return until + early
    return after_months(started + early, months) + until - after_months(started, months)


@compiled_leaf
def _bound(row: Row, so_far: bool) -> int:
    """The latest end of all terms. Most customers have none."""
    for i in range(TERMS):
        if row.term_started_at[i] != NONE:
            return _latest_end(row, so_far)
    return NONE


@compiled_apart
def _latest_end(row: Row, so_far: bool) -> int:
    """The same, of terms that there are, from the oldest on: one that is renewed early begins at an end."""
    stay_apart()
    bound, before, reaches, began = NONE, NONE, NONE, NONE
    rhythm = _rhythm(row)
    for _ in range(TERMS):
        before, began = began, NEVER
        for i in range(TERMS):
            if before < row.term_started_at[i] < began:
                began = int(row.term_started_at[i])
        if began == NEVER:
            break
        reached = NONE
        for i in range(TERMS):
            if row.term_started_at[i] != began:
                continue
            over = _over_at(row, i)
            until = _term_until(row, i, rhythm, before, reaches)
            reached = max(reached, min(until, over))
            if so_far or over == NEVER:
                bound = max(bound, min(until, over))
        reaches = reached
    return bound


@compiled_leaf
def bound_until(row: Row) -> int:
    """Until when (ms) something binds the customer, or did, as far as is known; NONE: nothing with a term does.

    What was closed, or left by an exit, bound until then: in the meantime nobody was silent. Closings say not which tie
    they close: what opened or was renewed after the last one binds on; where nothing did and more ties were opened than
    closed, what is known binds on. An assumed term is no longer than the time from the renewal before: who renews
    monthly is not bound for a year. A renewal in the last quarter of a term is an early one, and adds to it, by the
    policy's duration or by a stated one; a stated end is the end. Of the newest four openings and renewals.
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
            bound = max(bound, alone_until(row, i))
    return bound
