"""From a decoded touchpoint to the model's step: its row is found, and told. Compiled."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from processors.facts import COUNT, JUDGED_COUNT, TOUCHPOINT, Cause, Out
from processors.hashing import xxh64
from processors.profile import is_duplicate
from processors.rules import UNMAPPED as UNMAPPED_KIND
from processors.rules import Rules, Vocabulary
from processors.step import meet
from schemas.reasons import OK
from schemas.touchpoint import EVENT_ID
from streams.engine.outcomes import ACCEPTED, CONTAINED, DUPLICATE, JUDGEMENTS, LATE, TRANSITIONS, UNMAPPED
from streams.engine.reading import contact_of, meaning_of
from streams.engine.rows import Table, add, find, list_touched, schedule

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
    meaning = meaning_of(buffer, slots, rules, words)
    if meaning.reason != OK:
        return meaning.reason
    reason, contact = contact_of(buffer, slots, rules, words, meaning)
    if reason != OK:
        return reason
    key = xxh64(buffer, meaning.start, meaning.start + meaning.length, _SEED)
    number = find(table, buffer, meaning.start, meaning.length, key)
    if number < 0:
        number = add(table, buffer, meaning.start, meaning.length, key)
    row = table.rows[number]
    if offset <= row.offset:
        counts[CONTAINED] += 1
        return OK
    row.offset = offset
    table.dirty[number] = 1
    if is_duplicate(row, contact.event):
        counts[DUPLICATE] += 1
        return OK
    at = contact.at
    counts[ACCEPTED] += 1
    counts[LATE] += at < max(time, row.judged_at)
    counts[UNMAPPED] += (contact.flags & UNMAPPED_KIND) != 0
    row.unreported = 1
    transitions, judgements = out.counts[COUNT], out.counts[JUDGED_COUNT]
    cause = Cause(number, offset, max(time, at), TOUCHPOINT, contact.event, slots[EVENT_ID, 0], slots[EVENT_ID, 1])
    meet(row, rules, out, cause, contact, time)
    counts[TRANSITIONS] += out.counts[COUNT] - transitions
    counts[JUDGEMENTS] += out.counts[JUDGED_COUNT] - judgements
    list_touched(table, number)
    schedule(table, number)
    return OK
