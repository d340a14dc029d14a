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
from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, salt_of
from processors.triggers.firing import pass_time_with_rules
from schemas.decode import ABSENT
from schemas.reasons import OK
from schemas.touchpoint import ANONYMOUS_ID, CUSTOMER_ID, EVENT_ID, IMPORT_ID
from streams.engine.completed import is_told_again
from streams.engine.edition import is_known, is_left_out, met_before
from streams.engine.forwarding import root
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
from streams.engine.reading import Meaning, contact_of, is_robot, meaning_of
from streams.engine.rows import Table, find, is_forward, list_touched, note_change, note_news, schedule
from streams.engine.window import MET, NEW, Window, ask_for_identity, identity_of, look_up, remember

_SEED: Final = np.uint64(0)


@compiled_leaf
def _refused(
    buffer: npt.NDArray[np.uint8], slots: npt.NDArray[np.int64], offset: int, table: Table, counts: Any, reason: int
) -> int:
    """The reason why a touchpoint is rejected; OK where it is a retry, of which nothing else is asked."""
    known = slots[CUSTOMER_ID, 1] > 0
    who = CUSTOMER_ID if known else ANONYMOUS_ID
    if slots[who, 1] <= 0 or slots[EVENT_ID, 1] <= 0:
        return reason
    key = xxh64(buffer, slots[who, 0], slots[who, 0] + slots[who, 1], _SEED)
    key ^= salt_of(NAMESPACE_KNOWN if known else NAMESPACE_ANONYMOUS)
    event = xxh64(buffer, slots[EVENT_ID, 0], slots[EVENT_ID, 0] + slots[EVENT_ID, 1], _SEED)
    identity = identity_of(key, event)
    if look_up(table.window, identity, offset) != MET and look_up(table.past.seen, identity, offset) != MET:
        return reason
    counts[OUTCOME_DUPLICATE] += 1
    return OK


@compiled_inline
def _is_passed_over(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    key: np.uint64,
    order: np.uint64,
    window: Window,
    offset: int,
    counts: Any,
) -> bool:
    """Whether a robot sent it, or it tells of an order that is known."""
    if is_robot(buffer, slots):
        counts[OUTCOME_ROBOTS] += 1
        return True
    if is_told_again(buffer, slots, key, order, window, offset):
        counts[OUTCOME_DUPLICATE] += 1
        return True
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
    if rules.trigger_count > 0:
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
    if rules.trigger_count > 0:
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
) -> int:
    """Apply one decoded touchpoint; returns OK, or the reason why it is rejected. The table must have room."""
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
    ask_for_identity(table.window, identity)
    number = find(table, buffer, meaning.start, meaning.length, key, space)
    if number >= 0:
        if is_forward(table, number):
            number = root(table, number, offset)
        # Before the window is asked, whose line is on its way meanwhile.
        warm(table, number)
    seen = look_up(table.window, identity, offset)
    if met_before(table.past, identity, offset) or seen == MET:
        counts[OUTCOME_DUPLICATE] += 1
        return OK
    if seen == NEW and slots[IMPORT_ID, 1] <= 0:
        # Also where the row contains it already: what the window holds is a function of the log alone.
        remember(table.window, identity, offset)
    if _is_passed_over(buffer, slots, key, contact.order, table.window, offset, counts):
        return OK
    if number < 0:
        number = add(table, buffer, meaning.start, meaning.length, key, space)
    slot = table.customers[number].place
    touch(table, slot)
    row = table.rows[slot]
    if offset <= row.offset:
        counts[OUTCOME_CONTAINED] += 1
        return OK
    row.offset = offset
    note_change(table, number)
    at = contact.at
    counts[OUTCOME_ACCEPTED] += 1
    counts[OUTCOME_LATE] += at < max(time, row.judged_at)
    counts[OUTCOME_UNMAPPED] += (contact.flags & UNMAPPED) != 0
    note_news(table, number)
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    cause = Cause(
        number, offset, max(time, at), CAUSE_TOUCHPOINT, contact.event, slots[EVENT_ID, 0], slots[EVENT_ID, 1]
    )
    _before_meeting(buffer, slots, row, rules, out, cause, contact)
    meet(row, rules, out, cause, contact, time)
    _after_meeting(buffer, slots, row, rules, words, out, cause, contact, meaning, time)
    counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
    counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    list_touched(table, number)
    schedule(table, slot)
    return OK
