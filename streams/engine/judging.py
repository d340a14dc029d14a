"""From a decoded touchpoint to the model's step: its row is found, and told. Compiled."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.lifecycle.facts import CAUSE_TOUCHPOINT, OUT_COUNT, OUT_JUDGED_COUNT, Cause, Out
from processors.lifecycle.step import meet
from processors.policy.rules import CONSENT, REFUSAL, UNMAPPED, Rules, Vocabulary
from processors.row.contact import Contact
from processors.row.layout import Row
from processors.row.namespaces import salt_of
from processors.triggers.firing import pass_time_with_rules
from schemas.decode import ABSENT
from schemas.reasons import OK
from schemas.touchpoint import ANONYMOUS_ID, CUSTOMER_ID, EVENT_ID, IMPORT_ID
from streams.engine.completed import Order, ask_for_order, is_told_again, order_in
from streams.engine.edition import is_known, is_left_out, met_before
from streams.engine.fading import fade
from streams.engine.forwarding import lead_elsewhere, root
from streams.engine.hot import add, touch, warm
from streams.engine.outcomes import (
    OUTCOME_ACCEPTED,
    OUTCOME_CONTAINED,
    OUTCOME_DUPLICATE,
    OUTCOME_JUDGEMENTS,
    OUTCOME_LATE,
    OUTCOME_LEFT_OUT,
    OUTCOME_ROBOTS,
    OUTCOME_TRANSITIONS,
    OUTCOME_UNMAPPED,
)
from streams.engine.reaching import follow_rules, hear_consent
from streams.engine.reading import Meaning, contact_of, is_robot, meaning_of, namespace_in
from streams.engine.rows import (
    USED_FORGET,
    USED_NUMBER,
    Table,
    append,
    find,
    home_of,
    is_forward,
    list_touched,
    note_change,
    note_news,
    schedule,
)
from streams.engine.window import MET, NEW, ask_for_identity, identity_of, look_up, remember

_SEED: Final = np.uint64(0)
_ELSEWHERE: Final = -2
_MISPLACED: Final = -3


@compiled_leaf
def _refused(
    buffer: npt.NDArray[np.uint8], slots: npt.NDArray[np.int64], offset: int, table: Table, counts: Any, reason: int
) -> int:
    """The reason why a touchpoint is rejected; OK where it is a retry, of which nothing else is asked."""
    who = CUSTOMER_ID if slots[CUSTOMER_ID, 1] > 0 else ANONYMOUS_ID
    if slots[who, 1] <= 0 or slots[EVENT_ID, 1] <= 0:
        return reason
    key = xxh64(buffer, slots[who, 0], slots[who, 0] + slots[who, 1], _SEED)
    key ^= salt_of(namespace_in(slots))
    event = xxh64(buffer, slots[EVENT_ID, 0], slots[EVENT_ID, 0] + slots[EVENT_ID, 1], _SEED)
    identity = identity_of(key, event)
    if look_up(table.window, identity, offset) != MET and look_up(table.past.seen, identity, offset) != MET:
        return reason
    counts[OUTCOME_DUPLICATE] += 1
    return OK


@compiled_inline
def is_met(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    table: Table,
    identity: np.uint64,
    order: Order,
    offset: int,
) -> bool:
    """Whether an event, or the order that it tells of, was met before; from now on it was.

    What a robot sent tells of no order.
    """
    seen = look_up(table.window, identity, offset)
    if met_before(table.past, identity, offset) or seen == MET:
        return True
    if seen == NEW and slots[IMPORT_ID, 1] <= 0:
        # Also where the row contains it already: what the window holds is a function of the log alone.
        remember(table.window, identity, offset)
    if not order.completes or is_robot(buffer, slots):
        return False
    return is_told_again(slots, order, table.window, offset)


@compiled_inline
def _stood_for(table: Table, named: int, offset: int) -> tuple[int, bool]:
    """(number of the customer that a number stands for, whether that is another partition's); the row is hot."""
    number = named
    if number >= 0:
        if is_forward(table, number):
            number = root(table, number, offset)
        if is_forward(table, number):
            return number, True
        # Before the window is asked, whose line is on its way meanwhile.
        warm(table, number)
    return number, False


@compiled_inline
def elsewhere(told: int) -> tuple[int, bool]:
    """(number of the id to whose partition a touchpoint is to go, whether it is the one that it names)."""
    return (-told - 2) >> 1, (-told & 1) != 0


@compiled_inline
def _is_contained(table: Table, rules: Rules, out: Out, counts: Any, cause: Cause, row: Row) -> bool:
    """Whether a row has the touchpoint at hand; if not, it is of a visitor who is not forgotten by then."""
    if cause.offset <= row.offset:
        counts[OUTCOME_CONTAINED] += 1
        return True
    if table.used[USED_FORGET] > 0:
        fade(table, rules, out, counts, cause, cause.known_at)
    return False


@compiled_inline
def _before_meeting(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    row: Row,
    rules: Rules,
    out: Out,
    cause: Cause,
    contact: Contact,
) -> None:
    """What is due by then, the timers of rules among it, and what the touchpoint says of consent."""
    # Asked here first: to hand on where facts go takes longer than to see that nothing is due.
    if rules.trigger_count > 0 and min(row.due_at, row.review_at, row.timer_at) <= contact.at:
        pass_time_with_rules(row, rules, out, cause, contact.at)
    if contact.flags & (CONSENT | REFUSAL):
        hear_consent(buffer, slots, row, contact.flags, contact.at)


@compiled_inline
def _after_meeting(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    row: Row,
    rules: Rules,
    words: Vocabulary,
    out: Out,
    cause: Cause,
    contact: Contact,
    meaning: Meaning,
    time: int,
) -> None:
    """What rules of the policy make of it."""
    if rules.trigger_count > 0 or rules.trait_count > 0:
        follow_rules(buffer, slots, row, rules, words, out, cause, contact, meaning.kind, meaning.flags, time)


@compiled_inline
def apply_touchpoint(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    offset: int,
    time: int,
    table: Table,
    rules: Rules,
    words: Vocabulary,
    out: Out,
    counts: Any,
    target: int,
) -> int:
    """Apply one decoded touchpoint; returns OK, or the reason why it is rejected. The table must have room.

    Below zero: it is for another partition, see ``elsewhere``. ``target``: number of the customer that it is of, where
    another partition sent it, which has looked whether it was met before; below zero: whom it names.
    """
    if is_left_out(buffer, slots, table.past):
        counts[OUTCOME_LEFT_OUT] += 1
        return OK
    if is_known(slots, offset, table.past, ABSENT):
        # The import that brought it found it stored: what it says has been judged.
        counts[OUTCOME_DUPLICATE] += 1
        return OK
    meaning = meaning_of(buffer, slots, rules, words)
    if meaning.reason != OK:
        return _refused(buffer, slots, offset, table, counts, meaning.reason)
    reason, contact = contact_of(buffer, slots, rules, words, meaning)
    if reason != OK:
        return _refused(buffer, slots, offset, table, counts, reason)
    space = meaning.namespace
    key = xxh64(buffer, meaning.start, meaning.start + meaning.length, _SEED) ^ salt_of(space)
    identity = identity_of(key, contact.event)
    order = order_in(buffer, slots, key, contact.order)
    ask_for_identity(table.window, identity)
    ask_for_order(table.window, order)
    named = target if target >= 0 else find(table, buffer, meaning.start, meaning.length, key, space)
    if named < 0 and home_of(table, buffer, meaning.start, meaning.length) != table.used[USED_NUMBER]:
        named = append(table, buffer, meaning.start, meaning.length, key, space)
        lead_elsewhere(table, named, offset)
    number, away = _stood_for(table, named, offset)
    if away and named == number and target < 0:
        return _MISPLACED - 2 * number
    if target < 0 and is_met(buffer, slots, table, identity, order, offset):
        counts[OUTCOME_DUPLICATE] += 1
        return OK
    if is_robot(buffer, slots):
        counts[OUTCOME_ROBOTS] += 1
        return OK
    if away:
        return _ELSEWHERE - 2 * number
    if number < 0:
        number = add(table, buffer, meaning.start, meaning.length, key, space)
    slot = table.customers[number].place
    touch(table, slot)
    row = table.rows[slot]
    at = contact.at
    cause = Cause(
        number, offset, max(time, at), CAUSE_TOUCHPOINT, contact.event, slots[EVENT_ID, 0], slots[EVENT_ID, 1]
    )
    if _is_contained(table, rules, out, counts, cause, row):
        return OK
    row.offset = offset
    note_change(table, number)
    counts[OUTCOME_ACCEPTED] += 1
    counts[OUTCOME_LATE] += at < max(time, row.judged_at)
    counts[OUTCOME_UNMAPPED] += (contact.flags & UNMAPPED) != 0
    note_news(table, number)
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    _before_meeting(buffer, slots, row, rules, out, cause, contact)
    meet(row, rules, out, cause, contact, time)
    _after_meeting(buffer, slots, row, rules, words, out, cause, contact, meaning, time)
    counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
    counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    list_touched(table, number)
    schedule(table, slot)
    return OK
