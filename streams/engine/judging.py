"""From a decoded touchpoint to the model's step: who is it, what does it mean, is it possible. Compiled."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.facts import COUNT, TOUCHPOINT, Cause, Out
from processors.hashing import xxh64
from processors.profile import is_duplicate
from processors.rules import (
    CUSTOMER,
    PURCHASE,
    REFUSED,
    Rules,
    converted,
    currency_code,
    find_kind,
)
from processors.rules import (
    UNMAPPED as UNMAPPED_KIND,
)
from processors.step import Contact, meet
from schemas.decode import NULL
from schemas.reasons import OK
from schemas.touchpoint import (
    AMOUNT_MINOR,
    ANONYMOUS_ID,
    CURRENCY,
    CUSTOMER_ID,
    EVENT_ID,
    KIND,
    OCCURRED_AT,
    RECEIVED_AT,
)
from streams.engine.outcomes import (
    ACCEPTED,
    CONTAINED,
    DUPLICATE,
    IMPOSSIBLE_AMOUNT,
    IMPOSSIBLE_TIME,
    LATE,
    LONG_CUSTOMER_ID,
    NO_CUSTOMER,
    NO_EVENT_ID,
    NO_KIND,
    REFUSED_KIND,
    TRANSITIONS,
    UNKNOWN_CURRENCY,
    UNMAPPED,
)
from streams.engine.rows import LONGEST_ID, Table, add, find, schedule

LATEST: Final = 10_413_791_999_999  # the end of 2299, ms: the last instant that the reports can hold
_MS_PER_DAY: Final = 86_400_000
_LARGEST_AMOUNT: Final = 10**15
_SEED: Final = np.uint64(0)


class Meaning(NamedTuple):
    """What a decoded touchpoint is about; ``reason`` is OK where it can be applied."""

    reason: int
    start: int  # of the customer's id
    length: int
    flags: int
    weight: float
    amount_minor: int


@compiled_leaf
def _refused(reason: int) -> Meaning:
    return Meaning(reason, 0, 0, 0, 0.0, 0)


@compiled_leaf
def _possible(slots: npt.NDArray[np.int64]) -> int:
    at = slots[OCCURRED_AT, 0]
    if slots[OCCURRED_AT, 1] == NULL or at < 0 or at > LATEST or at - _MS_PER_DAY > slots[RECEIVED_AT, 0]:
        return IMPOSSIBLE_TIME
    if slots[EVENT_ID, 1] <= 0:
        return NO_EVENT_ID
    if slots[KIND, 1] <= 0:
        return NO_KIND
    return OK


@compiled_leaf
def _amount(buffer: npt.NDArray[np.uint8], slots: npt.NDArray[np.int64], rules: Rules) -> tuple[int, int]:
    """(reason, amount in the policy's minor units)."""
    if slots[AMOUNT_MINOR, 1] == NULL:
        return OK, 0
    amount = slots[AMOUNT_MINOR, 0]
    if amount > _LARGEST_AMOUNT or amount < -_LARGEST_AMOUNT:
        return IMPOSSIBLE_AMOUNT, 0
    if slots[CURRENCY, 1] == NULL:
        return OK, amount
    known, own = converted(rules, currency_code(buffer, slots[CURRENCY, 0], slots[CURRENCY, 1]), amount)
    if not known:
        return UNKNOWN_CURRENCY, 0
    if own > _LARGEST_AMOUNT or own < -_LARGEST_AMOUNT:
        return IMPOSSIBLE_AMOUNT, 0
    return OK, own


@compiled_leaf
def meaning_of(buffer: npt.NDArray[np.uint8], slots: npt.NDArray[np.int64], rules: Rules) -> Meaning:
    """Read a decoded touchpoint by the policy."""
    who = CUSTOMER_ID if slots[CUSTOMER_ID, 1] > 0 else ANONYMOUS_ID
    start, length = slots[who, 0], slots[who, 1]
    if length <= 0:
        return _refused(NO_CUSTOMER)
    if length > LONGEST_ID:
        return _refused(LONG_CUSTOMER_ID)
    reason = _possible(slots)
    if reason != OK:
        return _refused(reason)
    kind = find_kind(rules, xxh64(buffer, slots[KIND, 0], slots[KIND, 0] + slots[KIND, 1], _SEED))
    flags = int(rules.kind_flags[kind]) if kind >= 0 else rules.unmapped
    if flags & REFUSED:
        return _refused(REFUSED_KIND)
    reason, amount = _amount(buffer, slots, rules)
    if reason != OK:
        return _refused(reason)
    if flags & PURCHASE:
        flags = flags | CUSTOMER if amount >= rules.minimum_minor else flags & ~PURCHASE
    weight = rules.kind_weights[kind] if kind >= 0 else 0.0
    return Meaning(OK, start, length, flags, weight, amount)


@compiled_leaf
def apply_touchpoint(
    buffer: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int64],
    offset: int,
    time: int,
    table: Table,
    rules: Rules,
    out: Out,
    counts: Any,
) -> int:
    """Apply one decoded touchpoint; returns OK, or the reason why it is rejected. The table must have room."""
    meaning = meaning_of(buffer, slots, rules)
    if meaning.reason != OK:
        return meaning.reason
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
    start, length = slots[EVENT_ID, 0], slots[EVENT_ID, 1]
    event = xxh64(buffer, start, start + length, _SEED)
    if is_duplicate(row, event):
        counts[DUPLICATE] += 1
        return OK
    at = slots[OCCURRED_AT, 0]
    counts[ACCEPTED] += 1
    counts[LATE] += at < max(time, row.judged_at)
    counts[UNMAPPED] += (meaning.flags & UNMAPPED_KIND) != 0
    row.unreported = 1
    before = out.counts[COUNT]
    cause = Cause(number, offset, max(time, at), TOUCHPOINT, event, start, length)
    contact = Contact(at, meaning.flags, meaning.weight, meaning.amount_minor)
    meet(row, rules, out, cause, contact, event, time)
    counts[TRANSITIONS] += out.counts[COUNT] - before
    schedule(table, number)
    return OK
