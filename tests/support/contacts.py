"""Random touchpoints as the model sees them: kinds of a preset and combinations of all flags, within every set's N."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import strategies as st

from processors.hashing import avalanche
from processors.policy.policy import hash_of
from processors.policy.rules import (
    ANSWER,
    COMPLAINT,
    CONSENT,
    DISCOUNTED,
    FAILURE,
    FINITE,
    INSIDE,
    LOYALTY,
    MARKETING,
    ONE_OFF,
    OUTGROWN,
    OUTSIDE,
    PURCHASE,
    QUESTION,
    REFUSAL,
    REFUSED,
    RENEWAL,
    RESOLUTION,
    RIVAL,
    TIE_OPENED,
    VOIDING,
    Rules,
)
from processors.row.absorb import absorb
from processors.row.calendar import DAY_WORDS, DAYS_PER_WORD, day_of
from processors.row.contact import Contact
from processors.row.layout import (
    ANSWERS,
    ENDINGS,
    ENROLMENTS,
    NONE,
    PROFILE_FIELDS,
    PURCHASES,
    QUESTIONS,
    RESOLUTIONS,
    ROW,
    SIGNALS,
    TERMS,
)
from support.presets import Happening, contact_of, policy_of
from support.relationship import DAY, HOUR, START, blank

# The first day of a word, so that the window of one row can hold every purchase day that is drawn.
FIRST: Final = START - day_of(START) % DAYS_PER_WORD * DAY
SPAN: Final = DAY_WORDS * DAYS_PER_WORD * DAY
ORDER_IDS: Final = ("", "a", "b", "c")
LIMITS: Final = (
    (PURCHASE, PURCHASES),
    (LOYALTY, ENROLMENTS),
    (QUESTION | COMPLAINT, QUESTIONS),
    (ANSWER, ANSWERS),
    (RESOLUTION, RESOLUTIONS),
    (FAILURE, SIGNALS),
    (RIVAL, SIGNALS),
    (OUTGROWN, ENDINGS),
    (RENEWAL, TERMS // 2),
    (TIE_OPENED, TERMS // 2),
)
_LATER: Final = MARKETING | VOIDING | RENEWAL | CONSENT | REFUSAL
_ALL_FLAGS: Final = {
    1: [1 << bit for bit in range(45) if 1 << bit != REFUSED and 1 << bit & _LATER == 0],
    2: [1 << bit for bit in range(45) if 1 << bit != REFUSED],
}
_POLICIES: Final = {version: policy_of("commerce", version) for version in (1, 2)}

near: Final = st.integers(0, 60 * 24).map(lambda hour: FIRST + hour * HOUR)
within: Final = st.integers(FIRST, FIRST + SPAN - 1)
far: Final = st.integers(0, 10_413_791_999_999)
amounts: Final = st.sampled_from([0, 1, 999, 12_345, 10**9])


@st.composite
def _of_a_kind(draw: st.DrawFn, version: int) -> Contact:
    happening = Happening(
        0.0,
        draw(st.sampled_from([*_POLICIES[version].kinds, "never_named"])),
        amount=draw(st.sampled_from([0.0, 0.005, 12.34, -80.0, 999.0])),
        order=draw(st.sampled_from(ORDER_IDS)),
        discount=draw(st.sampled_from([0.0, 0.0, 5.0])),
        satisfaction=draw(st.sampled_from([None, 1.0, 3.0, 5.0])),
        reason=draw(st.sampled_from(["", "late", "too_small"])),
        more=draw(st.sampled_from([0, 0, FINITE, ONE_OFF, OUTSIDE, INSIDE])),
        categories=draw(st.sampled_from([(), ("tea",), ("tea", "cups")])),
    )
    return contact_of(_POLICIES[version], happening)


@st.composite
def _of_any_flags(draw: st.DrawFn, version: int) -> Contact:
    flags = sum(draw(st.sets(st.sampled_from(_ALL_FLAGS[version]), max_size=5)))
    return Contact(
        0,
        flags if flags & PURCHASE else flags & ~(DISCOUNTED | FINITE | ONE_OFF),
        draw(st.sampled_from([0.0, 0.1, 1.0, 3.0])),
        draw(amounts),
        np.uint64(0),
        draw(st.integers(0, 6)),
        draw(st.integers(0, 2)),
        draw(st.sampled_from([0.5, 1.0])),
        draw(st.integers(-1, 6)),
        draw(st.sampled_from([1, -1, 2])),
        draw(st.sampled_from([0, 400, 500])),
        draw(st.sampled_from([-300, 0, 7, 10**8])),
        draw(st.sampled_from([0, 50])),
        hash_of(order) if (order := draw(st.sampled_from(ORDER_IDS))) else np.uint64(0),
        draw(st.sampled_from([np.nan, 2.0, 2.5, 4.0])),
    )


@st.composite
def contacts(draw: st.DrawFn, most: int = 14, version: int = 1) -> list[Contact]:
    """Touchpoints of one customer in an order of arrival, no two of which are one event, as a policy tells them."""
    drawn = []
    for number in range(draw(st.integers(0, most))):
        contact = draw(st.one_of(_of_a_kind(version), _of_any_flags(version)))
        at = draw(st.one_of(within, near) if contact.flags & PURCHASE else st.one_of(within, near, far))
        drawn.append(contact._replace(at=at, event=np.uint64(avalanche(np.uint64(number + 1)))))
    return within_limits(drawn)


def within_limits(told: Iterable[Contact]) -> list[Contact]:
    """As many of them as every set of the newest can hold."""
    kept: list[Contact] = []
    for contact in told:
        full = [flag for flag, most in LIMITS if sum(bool(one.flags & flag) for one in kept) >= most]
        if not any(contact.flags & flag for flag in full):
            kept.append(contact)
    return kept


def profile_of(told: Iterable[Contact], rules: Rules) -> Any:
    """The row of a customer after these touchpoints."""
    row = blank()
    for contact in told:
        absorb(row, rules, contact)
    return row


_PAIRED: Final = {
    "order": ("hash", "at", "amount", "margin", "refunded", "flags", "bought_at", "purchases"),
    "term": ("started_at", "until"),
    "question": ("at", "event", "answered_at", "resolved_at", "complaint"),
    "failure": ("at", "event"),
    "rival": ("at", "event"),
    "outgrown": ("at", "event"),
}
SETS: Final = tuple(f"{name}_{part}" for name, parts in _PAIRED.items() for part in parts)
LOOSE_SETS: Final = ("bought_at", "enrolled_at", "answer_at", "resolution_at")


def entries(row: Any) -> dict[str, set[tuple[int, ...]]]:
    """The sets of the newest as sets: where an entry stands in its array says nothing."""
    found = {
        name: set(zip(*(row[f"{name}_{part}"].tolist() for part in parts), strict=True))
        for name, parts in _PAIRED.items()
    }
    for name, held in found.items():
        place = _PAIRED[name].index("at") if "at" in _PAIRED[name] else 0
        found[name] = {entry for entry in held if entry[place] != NONE}
    return found | {name: {(at,) for at in row[name].tolist() if at != NONE} for name in LOOSE_SETS}


DECAYED: Final = ("interaction", "engagement", "sums")
EXACT: Final = tuple(name for name, *_ in PROFILE_FIELDS if name not in (*DECAYED, *SETS, *LOOSE_SETS))


def assert_same(a: Any, b: Any) -> None:
    """The profiles in two rows are the same; sums that decay, but for rounding."""
    for name in EXACT:
        assert np.array_equal(a[name], b[name]), name
    assert entries(a) == entries(b)
    for name in DECAYED:
        assert a[name] == pytest.approx(b[name], rel=1e-9, abs=1e-300), name


def merged_with(into: Any, other: Any, merge: Any, rules: Rules) -> Any:
    """A new row: neither argument changes."""
    row = np.zeros(1, ROW).view(np.recarray)
    row[0] = into
    merge(row[0], other, rules)
    return row[0]
