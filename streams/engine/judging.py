"""From a decoded touchpoint to the model's step: its row is found, and told. Compiled."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from processors.hashing import xxh64
from processors.lifecycle.facts import CAUSE_TOUCHPOINT, OUT_COUNT, OUT_JUDGED_COUNT, Cause, Out
from processors.lifecycle.step import meet
from processors.policy.rules import UNMAPPED, Rules, Vocabulary
from processors.row.namespaces import salt_of
from processors.row.profile import is_duplicate
from schemas.decode import ABSENT
from schemas.reasons import OK
from schemas.touchpoint import EVENT_ID, KNOWN
from streams.engine.hot import add, touch, warm
from streams.engine.outcomes import (
    OUTCOME_ACCEPTED,
    OUTCOME_CONTAINED,
    OUTCOME_DUPLICATE,
    OUTCOME_JUDGEMENTS,
    OUTCOME_LATE,
    OUTCOME_TRANSITIONS,
    OUTCOME_UNMAPPED,
)
from streams.engine.reading import contact_of, meaning_of
from streams.engine.rows import Table, find, list_touched, note_change, note_news, schedule

_SEED: Final = np.uint64(0)


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
    if slots[KNOWN, 1] != ABSENT and slots[KNOWN, 0] != 0:
        # The import that brought it found it stored: what it says has been judged.
        counts[OUTCOME_DUPLICATE] += 1
        return OK
    meaning = meaning_of(buffer, slots, rules, words)
    if meaning.reason != OK:
        return meaning.reason
    reason, contact = contact_of(buffer, slots, rules, words, meaning)
    if reason != OK:
        return reason
    space = meaning.namespace
    key = xxh64(buffer, meaning.start, meaning.start + meaning.length, _SEED) ^ salt_of(space)
    number = find(table, buffer, meaning.start, meaning.length, key, space)
    if number < 0:
        number = add(table, buffer, meaning.start, meaning.length, key, space)
    slot = warm(table, number)
    touch(table, slot)
    row = table.rows[slot]
    if offset <= row.offset:
        counts[OUTCOME_CONTAINED] += 1
        return OK
    row.offset = offset
    note_change(table, number)
    if is_duplicate(row, contact.event):
        counts[OUTCOME_DUPLICATE] += 1
        return OK
    at = contact.at
    counts[OUTCOME_ACCEPTED] += 1
    counts[OUTCOME_LATE] += at < max(time, row.judged_at)
    counts[OUTCOME_UNMAPPED] += (contact.flags & UNMAPPED) != 0
    note_news(table, number)
    transitions, judgements = out.counts[OUT_COUNT], out.counts[OUT_JUDGED_COUNT]
    cause = Cause(
        number, offset, max(time, at), CAUSE_TOUCHPOINT, contact.event, slots[EVENT_ID, 0], slots[EVENT_ID, 1]
    )
    meet(row, rules, out, cause, contact, time)
    counts[OUTCOME_TRANSITIONS] += out.counts[OUT_COUNT] - transitions
    counts[OUTCOME_JUDGEMENTS] += out.counts[OUT_JUDGED_COUNT] - judgements
    list_touched(table, number)
    schedule(table, slot)
    return OK
