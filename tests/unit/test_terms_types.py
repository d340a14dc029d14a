"""Instants that compiled code computes stay whole: of a signed and an unsigned integer Numba makes a float."""

from support.relationship import blank, policy

from processors.lifecycle.stages import ends_at, silence_at
from processors.row.layout import NEVER, NONE
from processors.row.terms import bound_from, bound_until, note_term


def test_until_when_something_binds_is_a_whole_number() -> None:
    row, rules = blank(), policy().rules
    assert isinstance(bound_until(row), int)
    assert bound_until(row) == NONE
    for found in (silence_at(row, rules), ends_at(row, rules)):
        assert isinstance(found, int)
        assert found == NEVER
    at, until = 1_700_000_000_123, 1_800_000_000_455
    note_term(row, at, until, True)
    # Beyond 2**53 a float would round, and the odd one that says who stated it would be lost.
    assert (bound_until(row), bound_from(row, at)) == (until, until)
    assert isinstance(bound_from(row, at), int)
