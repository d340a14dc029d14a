"""Several contracts side by side, each of which is renewed at an end of its own."""

import numpy as np

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.row.layout import NONE, TERMS, Row
from processors.row.terms import ASSUMED, PARTS, alone_until, last_left


@compiled_apart
def renew_apart(row: Row) -> bool:
    """Whether what binds are several contracts side by side, each of which is renewed at its own end.

    So it is where all that is known are openings of which none took the place of another: none in the last quarter of
    another term, none since a closing, which doesn't say what it closed, and of three no lengths that are assumed,
    since openings alone can be what a plan is renewed by.
    """
    stay_apart()
    known, assumed, gone = 0, 0, max(last_left(row), int(row.last_closing_at))
    for i in range(TERMS):
        started, until = int(row.term_started_at[i]), alone_until(row, i)
        if started == NONE:
            continue
        known += 1
        assumed += int(np.int64(row.term_until[i])) & ASSUMED
        if started <= gone:
            return False
        for k in range(TERMS):
            before = int(row.term_started_at[k])
            left = alone_until(row, k) - started
            if before != NONE and before < started and left > 0 and PARTS * left <= until - started:
                return False
    return bool(known == row.terms_opened and (known < 3 or assumed == 0))


@compiled_leaf
def renewal_of(row: Row, i: int) -> tuple[int, int]:
    """(opened, until when it binds) of the contract at the place ``i`` (ms), where several stand side by side."""
    return int(row.term_started_at[i]), alone_until(row, i)
