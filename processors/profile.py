"""The row of one customer: a mergeable profile, delivery memory and published memory.

The *profile* is built from operations whose order does not matter. The *delivery memory* (offset, ring of recent
event hashes) and the *published memory* (what was last said about the customer) follow arrival.
"""

from typing import Any, Final

import numpy as np

from processors.calendar import DAY_WORDS, absorb_day, merge_days
from processors.compiled import compiled_leaf
from processors.decay import faded

NONE: Final = -(2**63)  # no such instant; below every other, so that max() needs no special case
NEVER: Final = 2**63 - 1
RING: Final = 16

PROFILE_FIELDS: Final = [
    ("first_at", "i8"),  # of all touchpoints; NEVER before the first
    ("last_at", "i8"),  # also the instant as of which the decayed sums stand
    ("first_initiative_at", "i8"),  # initiative is the customer's own
    ("last_initiative_at", "i8"),
    ("first_purchase_at", "i8"),
    ("last_purchase_at", "i8"),
    ("last_investment_at", "i8"),
    ("last_contribution_at", "i8"),
    ("last_customer_exit_at", "i8"),
    ("last_firm_exit_at", "i8"),
    ("spend_minor", "i8"),  # in minor units of the policy's currency
    ("interaction", "f8"),  # decayed count of all touchpoints
    ("engagement", "f8"),  # decayed sum of the kinds' engagement weights
    ("touchpoints", "i4"),
    ("purchases", "i4"),
    ("days_top", "i4"),  # index of the newest word of purchase_days
    ("days_before", "i4"),  # distinct purchase days that left the window
    ("purchase_days", "u8", (DAY_WORDS,)),
]
DELIVERY_FIELDS: Final = [
    ("offset", "i8"),  # the last log offset that this row contains
    ("ring", "u8", (RING,)),  # hashes of the newest event ids, by arrival
    ("ring_at", "i4"),
]
# Stages index the arrays of published instants and ids: awareness 0, exploration 1, commitment 2, dissolution 3.
PUBLISHED_FIELDS: Final = [
    ("stage", "i1"),
    ("unreported", "u1"),  # the row changed since its profile was last written to the reports
    ("shared_week", "u1"),  # the week in which the episode opened already held a purchase of the one before
    ("before_shared_week", "u1"),  # the same of the episode before
    ("episode", "i4"),
    ("judged_at", "i8"),  # the newest instant at which the row was judged
    ("due_at", "i8"),  # when silence will end the episode
    ("last_id", "u8"),  # the newest fact's id: ids form a chain
    ("episode_at", "i8"),  # start of the episode; NONE for the first
    ("invested_at", "i8"),  # first investment or contribution of the episode, NEVER before it
    ("entered_at", "i8", (4,)),
    ("entered_id", "u8", (4,)),  # 0: not published in this episode
    ("before_at", "i8"),  # the episode before: its start …
    ("before_invested_at", "i8"),
    ("before_purchase_at", "i8"),  # … and what its end was computed from
    ("before_initiative_at", "i8"),
    ("before_exit_at", "i8"),
    ("before_days", "i4"),
    ("before_entered_at", "i8", (4,)),
    ("before_entered_id", "u8", (4,)),
]
IDENTITY_FIELDS: Final = [
    ("hash", "u8"),  # XXH64 of the customer id
    ("id_start", "i8"),  # where the id stands in the table's arena
    ("entry_at", "i8"),  # the key under which the due index holds this row; NEVER: not in it
    ("id_length", "i4"),
]
ROW: Final = np.dtype(IDENTITY_FIELDS + DELIVERY_FIELDS + PROFILE_FIELDS + PUBLISHED_FIELDS, align=True)

Row = Any  # a record of ROW: np.record in Python, a Numba record when compiled


@compiled_leaf
def clear_profile(row: Row) -> None:
    """Make the profile that of a customer of whom nothing is known: the identity of ``merge``."""
    row.first_at = NEVER
    row.last_at = NONE
    row.first_initiative_at = NEVER
    row.last_initiative_at = NONE
    row.first_purchase_at = NEVER
    row.last_purchase_at = NONE
    row.last_investment_at = NONE
    row.last_contribution_at = NONE
    row.last_customer_exit_at = NONE
    row.last_firm_exit_at = NONE
    row.spend_minor = 0
    row.interaction = 0.0
    row.engagement = 0.0
    row.touchpoints = 0
    row.purchases = 0
    row.days_top = 0
    row.days_before = 0
    for i in range(DAY_WORDS):
        row.purchase_days[i] = 0


@compiled_leaf
def clear_memory(row: Row) -> None:
    """Nothing delivered, nothing published."""
    row.offset = -1
    row.ring_at = 0
    for i in range(RING):
        row.ring[i] = 0
    row.stage = 0
    row.unreported = 0
    row.shared_week = 0
    row.before_shared_week = 0
    row.episode = 1
    row.judged_at = NONE
    row.due_at = NEVER
    row.entry_at = NEVER
    row.last_id = 0
    row.episode_at = NONE
    row.invested_at = NEVER
    row.before_at = NONE
    row.before_invested_at = NEVER
    row.before_purchase_at = NONE
    row.before_initiative_at = NONE
    row.before_exit_at = NONE
    row.before_days = 0
    for i in range(4):
        row.entered_at[i] = NONE
        row.entered_id[i] = 0
        row.before_entered_at[i] = NONE
        row.before_entered_id[i] = 0


@compiled_leaf
def is_duplicate(row: Row, event: np.uint64) -> bool:
    """Whether the event is among the newest RING that were delivered to this row."""
    for i in range(RING):
        if row.ring[i] == event:
            return True
    return False


@compiled_leaf
def remember_event(row: Row, event: np.uint64) -> None:
    row.ring[row.ring_at] = event
    row.ring_at = (row.ring_at + 1) % RING


@compiled_leaf
def fade_to(row: Row, at: int, interaction_half_life: float, engagement_half_life: float) -> None:
    """Bring the decayed sums forward to ``at``, where that is newer than what they contain."""
    if row.touchpoints > 0 and at > row.last_at:
        row.interaction = faded(row.interaction, row.last_at, at, interaction_half_life)
        row.engagement = faded(row.engagement, row.last_at, at, engagement_half_life)


@compiled_leaf
def absorb_contact(row: Row, at: int, weight: float, interaction_half_life: float, engagement_half_life: float) -> None:
    """Count one touchpoint at ``at`` (ms) whose engagement weighs ``weight``."""
    fade_to(row, at, interaction_half_life, engagement_half_life)
    newest = max(row.last_at, at)
    row.interaction += faded(1.0, at, newest, interaction_half_life)
    row.engagement += faded(weight, at, newest, engagement_half_life)
    row.touchpoints += 1
    row.first_at = min(row.first_at, at)
    row.last_at = newest


@compiled_leaf
def absorb_purchase(row: Row, at: int, amount_minor: int) -> bool:
    """Count one purchase; True where it is the first known one of its day (UTC)."""
    row.purchases += 1
    row.spend_minor += amount_minor
    row.first_purchase_at = min(row.first_purchase_at, at)
    row.last_purchase_at = max(row.last_purchase_at, at)
    return absorb_day(row, at)


@compiled_leaf
def merge(into: Row, other: Row, interaction_half_life: float, engagement_half_life: float) -> None:
    """Make the profile of ``into`` what it were had all touchpoints of ``other`` been its own.

    Associative and commutative: exactly for integers and instants, to rounding for decayed sums, and for purchase days
    within the window of ``DAY_WORDS`` words. Delivery and published memory are not merged.
    """
    newest = max(into.last_at, other.last_at)
    into.interaction = faded(into.interaction, into.last_at, newest, interaction_half_life) + faded(
        other.interaction, other.last_at, newest, interaction_half_life
    )
    into.engagement = faded(into.engagement, into.last_at, newest, engagement_half_life) + faded(
        other.engagement, other.last_at, newest, engagement_half_life
    )
    into.first_at = min(into.first_at, other.first_at)
    into.last_at = newest
    into.first_initiative_at = min(into.first_initiative_at, other.first_initiative_at)
    into.last_initiative_at = max(into.last_initiative_at, other.last_initiative_at)
    into.first_purchase_at = min(into.first_purchase_at, other.first_purchase_at)
    into.last_purchase_at = max(into.last_purchase_at, other.last_purchase_at)
    into.last_investment_at = max(into.last_investment_at, other.last_investment_at)
    into.last_contribution_at = max(into.last_contribution_at, other.last_contribution_at)
    into.last_customer_exit_at = max(into.last_customer_exit_at, other.last_customer_exit_at)
    into.last_firm_exit_at = max(into.last_firm_exit_at, other.last_firm_exit_at)
    into.spend_minor += other.spend_minor
    into.touchpoints += other.touchpoints
    into.purchases += other.purchases
    merge_days(into, other)
