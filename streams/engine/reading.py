"""What a decoded touchpoint means by the policy: who it is about, and what the model is told of it. Compiled."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.policy.rules import (
    CUSTOMER,
    DISCOUNTED,
    FAILURE,
    FAILURE_BY_REASON,
    FINITE,
    INSIDE,
    ONE_OFF,
    OUTSIDE,
    PURCHASE,
    REFUND,
    REFUSED,
    RENEWAL,
    TIE_CLOSED,
    TIE_OPENED,
    Rules,
    Vocabulary,
    converted,
    currency_code,
    find_kind,
    rate_of,
)
from processors.row.contact import Contact
from processors.row.layout import NONE
from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
from processors.row.terms import ASSUMED, lasting
from schemas.decode import ABSENT
from schemas.maps import any_category, find_text, is_among, is_true, read_decimal, varieties_of
from schemas.periods import ENDS_AT_NAME, PERIOD_NAME, end_of_period, read_instant, read_period
from schemas.reasons import OK
from schemas.touchpoint import (
    AMOUNT_MINOR,
    ANONYMOUS_ID,
    COST_MINOR,
    CURRENCY,
    CUSTOMER_ID,
    EVENT_ID,
    IS_ACCOUNT,
    KIND,
    LINES,
    MARGIN_MINOR,
    OCCURRED_AT,
    ORDER_ID,
    PROPERTIES,
    RECEIVED_AT,
    SATISFACTION,
)
from streams.engine.outcomes import (
    IMPOSSIBLE_AMOUNT,
    IMPOSSIBLE_TIME,
    NO_CUSTOMER,
    NO_EVENT_ID,
    NO_KIND,
    REFUSED_KIND,
    UNKNOWN_CURRENCY,
)

LATEST: Final = 10_413_791_999_999  # the end of 2299, ms: the last instant that the reports can hold
_MS_PER_DAY: Final = 86_400_000
_LARGEST_AMOUNT: Final = 10**15
_SEED: Final = np.uint64(0)
# XXH64 of the names of properties.
DISCOUNT_NAME: Final = np.uint64(0x469B6DEB6A051887)
REASON_NAME: Final = np.uint64(0xC47D645889AD4F43)
CATEGORY_NAME: Final = np.uint64(0x2C8D79C0F68056A0)
_ROBOT_NAME: Final = np.frombuffer(b"bot", np.uint8)

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int64]


class Meaning(NamedTuple):
    """Whom a decoded touchpoint is about, and what kind it is of; ``reason`` is OK where it can be applied."""

    reason: int
    start: int  # of the customer's id
    length: int
    kind: int
    flags: int
    namespace: int


class Money(NamedTuple):
    """Amounts in minor units of the policy's currency; ``reason`` is OK where they can be had."""

    reason: int
    amount: int
    cost: int
    margin: int


@compiled_leaf
def _refused(reason: int) -> Meaning:
    return Meaning(reason, 0, 0, -1, 0, NAMESPACE_KNOWN)


@compiled_leaf
def _possible(slots: Slots) -> int:
    at = slots[OCCURRED_AT, 0]
    if slots[OCCURRED_AT, 1] == ABSENT or at < 0 or at > LATEST or at - _MS_PER_DAY > slots[RECEIVED_AT, 0]:
        return IMPOSSIBLE_TIME
    if slots[EVENT_ID, 1] <= 0:
        return NO_EVENT_ID
    if slots[KIND, 1] <= 0:
        return NO_KIND
    return OK


@compiled_inline
def namespace_in(slots: Slots) -> int:
    """The namespace of the id that a touchpoint counts for."""
    if slots[CUSTOMER_ID, 1] <= 0:
        return NAMESPACE_ANONYMOUS
    return NAMESPACE_ACCOUNT if slots[IS_ACCOUNT, 1] != ABSENT and slots[IS_ACCOUNT, 0] != 0 else NAMESPACE_KNOWN


@compiled_inline
def meaning_of(buffer: Bytes, slots: Slots, rules: Rules, words: Vocabulary) -> Meaning:
    """Read a decoded touchpoint by the policy."""
    who = CUSTOMER_ID if slots[CUSTOMER_ID, 1] > 0 else ANONYMOUS_ID
    start, length = slots[who, 0], slots[who, 1]
    if length <= 0:
        return _refused(NO_CUSTOMER)
    reason = _possible(slots)
    if reason != OK:
        return _refused(reason)
    kind = find_kind(words, xxh64(buffer, slots[KIND, 0], slots[KIND, 0] + slots[KIND, 1], _SEED))
    flags = int(words.meanings[kind]["flags"]) if kind >= 0 else int(rules.unmapped)
    if flags & REFUSED:
        return _refused(REFUSED_KIND)
    return Meaning(OK, start, length, kind, flags, namespace_in(slots))


@compiled_inline
def _own(slots: Slots, which: int, rate: float, otherwise: int) -> tuple[bool, int]:
    """An amount of a slot in the policy's currency, ``otherwise`` where the slot is empty; False: it is too large."""
    if slots[which, 1] == ABSENT:
        return True, otherwise
    amount = slots[which, 0]
    if amount > _LARGEST_AMOUNT or amount < -_LARGEST_AMOUNT:
        return False, 0
    own = converted(rate, amount)
    return -_LARGEST_AMOUNT <= own <= _LARGEST_AMOUNT, own


@compiled_inline
def _money(buffer: Bytes, slots: Slots, rules: Rules, words: Vocabulary, kind: int) -> Money:
    default_cost = int(words.meanings[kind].cost_minor) if kind >= 0 else 0
    if slots[AMOUNT_MINOR, 1] == ABSENT and slots[COST_MINOR, 1] == ABSENT and slots[MARGIN_MINOR, 1] == ABSENT:
        return Money(OK, 0, default_cost, 0)
    rate = 1.0
    if slots[CURRENCY, 1] != ABSENT:
        place = rate_of(words, currency_code(buffer, slots[CURRENCY, 0], slots[CURRENCY, 1]))
        if place < 0:
            return Money(UNKNOWN_CURRENCY, 0, 0, 0)
        rate = words.currency_rates[place]
    possible, amount = _own(slots, AMOUNT_MINOR, rate, 0)
    known, cost = _own(slots, COST_MINOR, rate, default_cost)
    given, margin = _own(slots, MARGIN_MINOR, rate, int(np.rint(amount * rules.margin_share)))
    if not (possible and known and given):
        return Money(IMPOSSIBLE_AMOUNT, 0, 0, 0)
    return Money(OK, amount, cost, margin)


@compiled_inline
def _property(buffer: Bytes, slots: Slots, name: np.uint64) -> tuple[int, int]:
    if slots[PROPERTIES, 1] == ABSENT:
        return 0, -1
    return find_text(buffer, slots[PROPERTIES, 0], slots[PROPERTIES, 1], name)


@compiled_inline
def is_robot(buffer: Bytes, slots: Slots) -> bool:
    """Whether ``properties.bot`` is "true": it was sent by a robot, as far as its sender or a collector could tell."""
    if slots[PROPERTIES, 1] == ABSENT:
        return False
    return is_true(buffer, slots[PROPERTIES, 0], slots[PROPERTIES, 1], _ROBOT_NAME)


@compiled_leaf
def _minor(amount: float) -> int:
    """Minor units, rounded half to even as in imports; a half in decimals (1.015) is not always one in binary."""
    halves = np.rint(amount * 2.0)
    return int(np.rint(halves / 2.0 if abs(amount * 2.0 - halves) < 1e-9 * abs(halves) else amount))


@compiled_inline
def _discount(buffer: Bytes, slots: Slots, words: Vocabulary, amount: int) -> int:
    """What properties.discount gives away of a purchase of ``amount``, in minor units of the policy's currency."""
    start, length = _property(buffer, slots, DISCOUNT_NAME)
    if length <= 0:
        return 0
    value, percent = read_decimal(buffer, start, length)
    if value <= 0.0:
        return 0
    if percent:
        # The amount is what was paid: the price less so many per cent.
        share = min(value / 100.0, 0.99)
        return max(1, int(np.rint(amount * share / (1.0 - share))))
    place = 0
    if slots[CURRENCY, 1] != ABSENT:
        place = max(rate_of(words, currency_code(buffer, slots[CURRENCY, 0], slots[CURRENCY, 1])), 0)
    return max(1, _minor(min(value * words.currency_scales[place], 1e15)))


@compiled_inline
def _of_category(buffer: Bytes, slots: Slots, categories: npt.NDArray[np.uint64]) -> bool:
    if len(categories) == 0:
        return False
    start, length = _property(buffer, slots, CATEGORY_NAME)
    if is_among(buffer, start, length, categories):
        return True
    return slots[LINES, 1] != ABSENT and any_category(buffer, slots[LINES, 0], slots[LINES, 1], categories)


@compiled_inline
def _varieties(buffer: Bytes, slots: Slots) -> np.uint64:
    """A bit for each category that a purchase tells of, in its properties or its lines."""
    found = np.uint64(0)
    start, length = _property(buffer, slots, CATEGORY_NAME)
    if length > 0:
        found = np.uint64(1) << (xxh64(buffer, start, start + length, _SEED) & np.uint64(63))
    if slots[LINES, 1] != ABSENT:
        found |= varieties_of(buffer, slots[LINES, 0], slots[LINES, 1])
    return found


@compiled_leaf
def _term_until(buffer: Bytes, slots: Slots, flags: int, term_ms: int) -> int:
    """How long what opens or is renewed binds, as ``note_term`` takes it; NONE: it doesn't."""
    if flags & (TIE_OPENED | RENEWAL) == 0:
        return NONE
    return _stated_until(buffer, slots, term_ms)


@compiled_apart
def _stated_until(buffer: Bytes, slots: Slots, term_ms: int) -> int:
    """The same of what opens or is renewed."""
    stay_apart()
    at = int(slots[OCCURRED_AT, 0])
    start, length = _property(buffer, slots, ENDS_AT_NAME)
    until = read_instant(buffer, start, length) if length > 0 else NONE
    if until > at:
        # 9999-12-31 is how many systems write that there is no end.
        return min(until, LATEST) & ~ASSUMED
    start, length = _property(buffer, slots, PERIOD_NAME)
    months, days = read_period(buffer, start, length) if length > 0 else (0, 0)
    until = end_of_period(months, days, at)
    if at < until <= LATEST:
        return lasting(until, months)
    return (at + term_ms) | ASSUMED if term_ms > 0 else NONE


@compiled_inline
def _flags_of(buffer: Bytes, slots: Slots, rules: Rules, words: Vocabulary, flags: int, amount: int) -> int:
    """The kind's flags and those that the touchpoint itself tells of."""
    if flags & PURCHASE and amount < 0:
        # Money comes back: a refund, and nothing else of what its kind says.
        flags = REFUND
    if flags & PURCHASE:
        flags = flags | CUSTOMER if amount >= rules.minimum_minor else flags & ~PURCHASE
    if flags & PURCHASE:
        flags |= FINITE if _of_category(buffer, slots, words.finite_categories) else 0
        flags |= ONE_OFF if _of_category(buffer, slots, words.one_off_categories) else 0
    if flags & TIE_CLOSED:
        # Closing is a sign of life and, where it is the last tie, an exit: it begins nothing.
        flags &= ~CUSTOMER
    if flags & FAILURE_BY_REASON:
        start, length = _property(buffer, slots, REASON_NAME)
        flags |= FAILURE if is_among(buffer, start, length, words.failure_reasons) else 0
    if words.target_name != np.uint64(0):
        start, length = _property(buffer, slots, words.target_name)
        if length >= 0:
            inside = is_among(buffer, start, length, words.target_values) == (words.target_inverse != 0)
            flags |= INSIDE if inside else OUTSIDE
    return flags


@compiled_inline
def contact_of(buffer: Bytes, slots: Slots, rules: Rules, words: Vocabulary, meaning: Meaning) -> tuple[int, Contact]:
    """(reason, what the model is told); the contact means something where the reason is OK."""
    kind = meaning.kind
    money = _money(buffer, slots, rules, words, kind)
    if meaning.flags & PURCHASE and money.amount < 0:
        kind = -1
    flags = _flags_of(buffer, slots, rules, words, meaning.flags, money.amount)
    discount = _discount(buffer, slots, words, money.amount) if flags & PURCHASE else 0
    start, length = slots[EVENT_ID, 0], slots[EVENT_ID, 1]
    order = np.uint64(0)
    if slots[ORDER_ID, 1] > 0:
        order = xxh64(buffer, slots[ORDER_ID, 0], slots[ORDER_ID, 0] + slots[ORDER_ID, 1], _SEED)
    term = NONE
    if rules.version > 1:
        term = _term_until(buffer, slots, flags, int(words.meanings[kind].term_ms) if kind >= 0 else 0)
    stated = np.nan
    if slots[SATISFACTION, 1] != ABSENT:
        stated = np.int64(slots[SATISFACTION, 0]).view(np.float64)
    return money.reason, Contact(
        slots[OCCURRED_AT, 0],
        flags | (DISCOUNTED if discount > 0 else 0),
        words.meanings[kind].weight if kind >= 0 else 0.0,
        money.amount,
        xxh64(buffer, start, start + length, _SEED),
        int(words.meanings[kind].category) if kind >= 0 else 0,
        int(words.meanings[kind].bond) if kind >= 0 else 0,
        words.meanings[kind].bond_weight if kind >= 0 else 0.0,
        int(words.meanings[kind].trust) if kind >= 0 else -1,
        int(words.meanings[kind].trust_sign) if kind >= 0 else 0,
        money.cost,
        money.margin,
        discount,
        order,
        stated,
        term,
        _varieties(buffer, slots) if flags & PURCHASE else np.uint64(0),
    )
