"""What a row remembers of rules: when each last fired, up to when its timers were looked at, and the newest triggers.

Instants are whole minutes since 1970: two triggers of one rule are never of one minute. Of a merge the greater counts.
What was sent under an id that became the customer's is named by that id still, so that is remembered, too.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.row.layout import NEVER, REMEMBERED, SENDERS, TRIGGERS_SENT, Row

MINUTE: Final = 60_000
WAS_HELD: Final = 1
WAS_WITHDRAWN: Final = 2


@compiled_leaf
def minute_of(at: int) -> int:
    """Whole minutes since 1970."""
    return at // MINUTE


@compiled_leaf
def memory_of(row: Row, key: int) -> int:
    """The place of what is remembered of a rule; -1: nothing is."""
    # A rule stands in one place at most, and all of them are compared at once: where it stands can't be foreseen.
    place = 0
    for i in range(REMEMBERED):
        place += (i + 1) * int(np.int64(row.fired_rule[i]) == key)
    return place - 1


@compiled_leaf
def _newest(row: Row, i: int) -> np.int64:
    return max(np.int64(row.fired[i]) >> 2, np.int64(row.handled[i]))


@compiled_leaf
def take_memory(row: Row, key: int) -> int:
    """A place to remember a rule in; the rule of which nothing was heard for longest gives way."""
    place = memory_of(row, key)
    if place >= 0:
        return place
    place = 0
    for i in range(REMEMBERED):
        if row.fired_rule[i] == 0:
            place = i
            break
        if _newest(row, i) < _newest(row, place):
            place = i
    row.fired_rule[place] = key
    row.fired[place] = 0
    row.handled[place] = 0
    return place


@compiled_leaf
def handled_until(row: Row, key: int) -> int:
    """Up to which minute timers of a rule were looked at."""
    place = memory_of(row, key)
    return int(row.handled[place]) if place >= 0 else 0


@compiled_leaf
def note_handled(row: Row, key: int, minute: int) -> None:
    """Timers of a rule were looked at up to a minute."""
    place = take_memory(row, key)
    row.handled[place] = max(np.int64(row.handled[place]), minute)


@compiled_leaf
def sender_of(row: Row, key: int) -> np.uint64:
    """Salted XXH64 of the id under which a rule last fired."""
    for i in range(SENDERS):
        if np.int64(row.sender_rule[i]) == key:
            return np.uint64(row.sender[i])
    return np.uint64(row.hash)


@compiled_leaf
def note_sender(row: Row, key: int, sender: np.uint64) -> None:
    """A rule last fired under this id; the rule that fired longest ago gives way."""
    own = sender == np.uint64(row.hash)
    place, oldest = -1, NEVER
    for i in range(SENDERS):
        if np.int64(row.sender_rule[i]) == key:
            place = i
            break
        of = memory_of(row, int(row.sender_rule[i])) if row.sender_rule[i] != 0 else -1
        fired = int(row.fired[of]) if of >= 0 else -1
        if not own and fired < oldest:
            place, oldest = i, fired
    if place >= 0:
        row.sender_rule[place] = 0 if own else key
        row.sender[place] = np.uint64(0) if own else sender


@compiled_leaf
def is_cooling(row: Row, key: int, minute: int, minutes: int) -> bool:
    """Whether a rule fired less than so many minutes before, or in or after this one."""
    place = memory_of(row, key)
    if place < 0 or row.fired[place] == 0:
        return False
    return bool(minute - (np.int64(row.fired[place]) >> 2) < max(minutes, 1))


@compiled_leaf
def note_fired(row: Row, key: int, minute: int, held: bool, counts: bool) -> None:
    """A rule fired; ``counts``: against the cap of the customer."""
    place = take_memory(row, key)
    row.fired[place] = minute << 2 | int(held)
    note_sender(row, key, np.uint64(row.hash))
    if not counts:
        return
    oldest = 0
    for i in range(1, TRIGGERS_SENT):
        if row.sent[i] < row.sent[oldest]:
            oldest = i
    if minute > np.int64(row.sent[oldest]):
        row.sent[oldest] = minute


@compiled_leaf
def sent_within(row: Row, minute: int, minutes: int) -> int:
    """How many triggers count against the cap in so many minutes before a minute."""
    count = 0
    for i in range(TRIGGERS_SENT):
        count += int(row.sent[i] != 0 and minute - np.int64(row.sent[i]) < minutes)
    return count


@compiled_leaf
def merge_memory(into: Row, other: Row) -> None:
    """Remember of each rule what is newer, and the newest triggers of both."""
    for i in range(REMEMBERED):
        if other.fired_rule[i] != 0:
            key = int(other.fired_rule[i])
            place = take_memory(into, key)
            if other.fired[i] > into.fired[place]:
                into.fired[place] = other.fired[i]
                note_sender(into, key, sender_of(other, key))
            into.handled[place] = max(into.handled[place], other.handled[i])
    for i in range(TRIGGERS_SENT):
        oldest = 0
        for k in range(1, TRIGGERS_SENT):
            if into.sent[k] < into.sent[oldest]:
                oldest = k
        into.sent[oldest] = max(into.sent[oldest], other.sent[i])
