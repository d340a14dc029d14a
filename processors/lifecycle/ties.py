"""What binds a customer on record: enrolments together with a purchase, contracts, subscriptions and their closing."""

from processors.compiled import compiled_leaf
from processors.policy.rules import Rules
from processors.row.layout import ENROLMENTS, NEVER, NONE, PURCHASES, Row
from processors.row.newest import note_instant, unite_instants
from processors.row.terms import closed_the_last


@compiled_leaf
def open_ties(row: Row) -> int:
    """Ties that are open: opened less closed, where more were closed than are known to have been opened none."""
    return max(int(row.ties_opened - row.ties_closed), 0)


@compiled_leaf
def closing_exit(row: Row) -> int:
    """The closing of a tie that left none; NONE where ties are open or none was closed."""
    if row.ties_opened > row.ties_closed and (row.ties_closed == 0 or not closed_the_last(row)):
        return NONE
    return int(row.last_closing_at)


@compiled_leaf
def is_member(row: Row) -> bool:
    """Whether the customer enrolled in loyalty, be that a tie by the policy or none."""
    for i in range(ENROLMENTS):
        if row.enrolled_at[i] != NONE:
            return True
    return False


@compiled_leaf
def note_record(row: Row, at: int) -> None:
    """The customer went on record at ``at`` (ms)."""
    row.last_record_at = max(row.last_record_at, at)
    if at >= row.episode_at:
        row.recorded_at = min(row.recorded_at, at)
    elif at >= row.before_at:
        row.before_recorded_at = min(row.before_recorded_at, at)


@compiled_leaf
def joined_at(row: Row, rules: Rules, basis: int) -> int:
    """The first enrolment from ``basis`` (ms) on, as far as is kept, that came before any purchase; NEVER: none did.

    By policies of version 2 that is going on record by itself: who joins before buying means to stay.
    """
    joined = NEVER
    if rules.version > 1:
        for i in range(ENROLMENTS):
            at = int(row.enrolled_at[i])
            if at != NONE and at >= basis and at < row.first_purchase_at:
                joined = min(joined, at)
    return joined


@compiled_leaf
def note_enrolment(row: Row, at: int, within_ms: int) -> None:
    """Enrolled at ``at`` (ms): on record where a purchase lies within ``within_ms`` before or after."""
    note_instant(row, row.enrolled_at, at)
    for i in range(PURCHASES):
        bought = row.bought_at[i]
        if bought != NONE and abs(bought - at) <= within_ms:
            note_record(row, max(bought, at))


@compiled_leaf
def note_bought(row: Row, at: int, within_ms: int) -> None:
    """Bought at ``at`` (ms): on record where an enrolment lies within ``within_ms`` before or after."""
    note_instant(row, row.bought_at, at)
    for i in range(ENROLMENTS):
        enrolled = row.enrolled_at[i]
        if enrolled != NONE and abs(enrolled - at) <= within_ms:
            note_record(row, max(enrolled, at))


@compiled_leaf
def merge_ties(into: Row, other: Row, within_ms: int) -> None:
    """Unite; an enrolment of one side and a purchase of the other are on record together."""
    into.ties_opened += other.ties_opened
    into.ties_closed += other.ties_closed
    into.last_closing_at = max(into.last_closing_at, other.last_closing_at)
    into.last_record_at = max(into.last_record_at, other.last_record_at)
    unite_instants(into, into.bought_at, other.bought_at)
    unite_instants(into, into.enrolled_at, other.enrolled_at)
    for i in range(ENROLMENTS):
        for k in range(PURCHASES):
            enrolled, bought = into.enrolled_at[i], into.bought_at[k]
            if enrolled != NONE and bought != NONE and abs(enrolled - bought) <= within_ms:
                into.last_record_at = max(into.last_record_at, enrolled, bought)
