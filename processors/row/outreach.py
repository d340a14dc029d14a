"""What a row knows of how a customer may be written to, and of the silences that rules of the policy wait for.

Greatest instants alone, so that any order of arrival and any merge give the same. Consent stands for everything (place
0) and by channel; the newer of the two counts, and of one millisecond the withdrawal.

What a consent manager says goes along with every touchpoint: it is a state, and no act. Its no is a no from then on;
its yes is one where the customer did not say no in so many words, or has said yes since.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import CONSENTS, NONE, QUIET_CLOCKS, Row

EMAIL: Final = 1  # its place among consents


@compiled_leaf
def note_consent(row: Row, channel: int, at: int, given: bool) -> None:
    """Consent was given or withdrawn at ``at`` (ms); channel 0: for everything."""
    if given:
        row.given_at[channel] = max(row.given_at[channel], at)
    else:
        row.taken_at[channel] = max(row.taken_at[channel], at)


@compiled_leaf
def note_preference(row: Row, channel: int, at: int, agreed: bool) -> None:
    """What the consent manager said with a touchpoint at ``at`` (ms); channel 0: of everything."""
    if agreed:
        row.agreed_at[channel] = max(row.agreed_at[channel], at)
    else:
        row.declined_at[channel] = max(row.declined_at[channel], at)


@compiled_leaf
def may_reach(row: Row, channel: int) -> bool:
    """Whether the customer agreed to be written to over a channel (from 1 on), and did not take it back."""
    given = max(row.given_at[0], row.given_at[channel])
    taken = max(row.taken_at[0], row.taken_at[channel])
    agreed = max(row.agreed_at[0], row.agreed_at[channel])
    declined = max(row.declined_at[0], row.declined_at[channel])
    if given != NONE and given > max(taken, declined):
        return True
    return bool(agreed != NONE and agreed > declined and (taken == NONE or given > taken))


@compiled_leaf
def wants_no_mail(row: Row) -> bool:
    """Whether the customer said no to being written to, and did not agree to any other channel.

    By email, which is what messages go by where nobody chose otherwise; who never said anything said no such thing.
    """
    for channel in range(1, CONSENTS):
        if may_reach(row, channel):
            return False
    taken, declined = max(row.taken_at[0], row.taken_at[EMAIL]), max(row.declined_at[0], row.declined_at[EMAIL])
    return bool(max(taken, declined) != NONE)


@compiled_leaf
def clock_of(row: Row, key: int) -> int:
    """The place of a rule's clock; -1: it never ran."""
    for i in range(QUIET_CLOCKS):
        if np.int64(row.clock_rule[i]) == key:
            return i
    return -1


@compiled_leaf
def _newest_of(row: Row, i: int) -> np.int64:
    return max(row.armed_at[i], row.cleared_at[i])


@compiled_leaf
def note_clock(row: Row, key: int, armed: int, cleared: int) -> None:
    """The clock of a rule was armed and cleared at instants (ms; NONE: it was not).

    Where more rules had clocks than there is room for, which takes a change of the policy, the oldest is forgotten.
    """
    place = clock_of(row, key)
    if place < 0:
        place = 0
        for i in range(QUIET_CLOCKS):
            older = _newest_of(row, i) < _newest_of(row, place)
            tied = _newest_of(row, i) == _newest_of(row, place)
            if older or (tied and row.clock_rule[i] < row.clock_rule[place]):
                place = i
        if row.clock_rule[place] != 0:
            newest = max(armed, cleared)
            if newest < _newest_of(row, place):
                return
            if newest == _newest_of(row, place) and key < np.int64(row.clock_rule[place]):
                return
        row.clock_rule[place] = key
        row.armed_at[place] = NONE
        row.cleared_at[place] = NONE
    row.armed_at[place] = max(row.armed_at[place], armed)
    row.cleared_at[place] = max(row.cleared_at[place], cleared)


@compiled_leaf
def note_zone(row: Row, at: int, zone: int) -> None:
    """A touchpoint at ``at`` (ms) told the customer's time zone."""
    if at > row.zoned_at or (at == row.zoned_at and zone > np.int64(row.zone)):
        row.zoned_at = at
        row.zone = zone


@compiled_leaf
def merge_outreach(into: Row, other: Row) -> None:
    """Make what ``into`` knows what it were had the touchpoints of ``other`` been its own."""
    for i in range(CONSENTS):
        into.given_at[i] = max(into.given_at[i], other.given_at[i])
        into.taken_at[i] = max(into.taken_at[i], other.taken_at[i])
        into.agreed_at[i] = max(into.agreed_at[i], other.agreed_at[i])
        into.declined_at[i] = max(into.declined_at[i], other.declined_at[i])
    for i in range(QUIET_CLOCKS):
        if other.clock_rule[i] != 0:
            note_clock(into, int(other.clock_rule[i]), other.armed_at[i], other.cleared_at[i])
    if other.zone != 0:
        note_zone(into, int(other.zoned_at), int(other.zone))
    into.birthday = max(into.birthday, other.birthday)
