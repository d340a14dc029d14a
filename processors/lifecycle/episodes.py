"""The episodes of two rows as those of one customer: what overlaps is one, what lies apart stays two.

A row knows of two episodes when they began, what they hold last, and how they ended. Within these limits the
episodes of a united row are those that all touchpoints, taken in order, would have opened:

- Of an episode that ended by an exit, the other row's initiatives before and after it are parted there; the one that
  opens what follows is the first that is known: of the purchases the newest four and those of orders, else the last
  initiative.
- An initiative of one row within a silence of the other is known only where it is a row's first or last, or opened an
  episode: an end by silence between two initiatives of the other row is taken back, and one that only both rows
  together would show is not found.
- Of more than two episodes of a row the older ones are known by their number alone.
"""

from typing import Any, Final

import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.lifecycle.stages import DISSOLUTION, counted_exit
from processors.policy.rules import Rules
from processors.row.layout import NEVER, NONE, ORDERS, PURCHASES, Row
from processors.row.terms import bound_until

# Cells of an episode, in a scratch of integers.
START: Final = 0  # the initiative that opened it; of one without any, its first touchpoint
PURCHASE_AT: Final = 1  # the last one
INITIATIVE_AT: Final = 2  # the last one
EXIT_AT: Final = 3  # the exit that ended it; NONE: none did
END_AT: Final = 4  # as published; NEVER: it lasts
BOUND_AT: Final = 5
SHARED: Final = 6  # the week in which it opened already held a purchase of the one before
WHOSE: Final = 7  # which published episodes of the row it holds
OTHERS: Final = 8  # 1: of the other row
EPISODE_CELLS: Final = 9
EPISODES: Final = 4
EPISODES_ROOM: Final = 2 * EPISODES * EPISODE_CELLS  # those of both rows, and behind them what they are together

CURRENT: Final = 1  # bits of WHOSE
BEFORE: Final = 2

Told = npt.NDArray[Any]  # shape (EPISODES_ROOM,), int64


@compiled_leaf
def first_initiative_after(row: Row, at: int) -> int:
    """The first known initiative of a row after ``at`` (ms); NEVER: none is known."""
    found = NEVER
    for instant in (
        int(row.first_initiative_at),
        int(row.last_initiative_at),
        int(row.first_purchase_at),
        int(row.last_purchase_at),
        int(row.episode_at),
        int(row.before_initiative_at),
    ):
        if at < instant < found:
            found = instant
    for i in range(PURCHASES):
        if at < row.bought_at[i] < found:
            found = int(row.bought_at[i])
    for i in range(ORDERS):
        if at < row.order_bought_at[i] < found:
            found = int(row.order_bought_at[i])
    return found


@compiled_leaf
def _put(
    told: Told,
    i: int,
    start: int,
    purchase_at: int,
    initiative_at: int,
    exit_at: int,
    end_at: int,
    bound_at: int,
    shared: int,
    whose: int,
    others: int,
) -> None:
    at = i * EPISODE_CELLS
    told[at + START] = start
    told[at + PURCHASE_AT] = purchase_at
    told[at + INITIATIVE_AT] = initiative_at
    told[at + EXIT_AT] = exit_at
    told[at + END_AT] = end_at
    told[at + BOUND_AT] = bound_at
    told[at + SHARED] = shared
    told[at + WHOSE] = whose
    told[at + OTHERS] = others


@compiled_leaf
def _opened(row: Row) -> int:
    """When the first episode began."""
    return int(row.first_initiative_at if row.first_initiative_at != NEVER else row.first_at)


@compiled_leaf
def tell(row: Row, rules: Rules, told: Told, count: int, others: int) -> int:
    """Put the known episodes of a row behind ``count`` others; returns how many there are then.

    One without an initiative that has not ended is none: its touchpoints belong to whatever holds their instants.
    """
    if row.touchpoints == 0:
        return count
    if row.episode > 1 and row.before_entered_id[3] != 0:
        start = int(row.before_at) if row.before_at != NONE else _opened(row)
        _put(
            told,
            count,
            start,
            int(row.before_purchase_at),
            int(row.before_initiative_at),
            int(row.before_exit_at),
            int(row.before_entered_at[3]),
            int(row.before_bound_at),
            int(row.before_shared_week),
            BEFORE,
            others,
        )
        count += 1
    start = int(row.episode_at) if row.episode_at != NONE else _opened(row)
    ended = row.stage == DISSOLUTION
    if not ended and (row.last_initiative_at == NONE or row.last_initiative_at < start):
        return count
    left = counted_exit(row, rules)
    _put(
        told,
        count,
        start,
        int(row.last_purchase_at) if row.last_purchase_at >= start else NONE,
        int(row.last_initiative_at) if row.last_initiative_at >= start else NONE,
        NONE if left == NEVER else left,
        int(row.entered_at[3]) if ended else NEVER,
        bound_until(row) if rules.version > 1 else NONE,
        int(row.shared_week),
        CURRENT,
        others,
    )
    return count + 1


@compiled_leaf
def _order(told: Told, count: int) -> None:
    """By when they began."""
    for i in range(1, count):
        for k in range(i, 0, -1):
            here, there = k * EPISODE_CELLS, (k - 1) * EPISODE_CELLS
            if told[here + START] >= told[there + START]:
                break
            for cell in range(EPISODE_CELLS):
                told[here + cell], told[there + cell] = told[there + cell], told[here + cell]


@compiled_leaf
def _take_in(told: Told, into: int, other: int) -> None:
    """Make two that overlap one."""
    told[into + PURCHASE_AT] = max(told[into + PURCHASE_AT], told[other + PURCHASE_AT])
    told[into + INITIATIVE_AT] = max(told[into + INITIATIVE_AT], told[other + INITIATIVE_AT])
    told[into + END_AT] = max(told[into + END_AT], told[other + END_AT])
    told[into + BOUND_AT] = max(told[into + BOUND_AT], told[other + BOUND_AT])
    told[into + WHOSE] |= told[other + WHOSE]
    left = NONE
    for one in (into, other):
        instant = told[one + EXIT_AT]
        if instant != NONE and instant >= told[into + INITIATIVE_AT] and (left == NONE or instant < left):
            left = instant
    told[into + EXIT_AT] = left


@compiled_leaf
def unite_told(told: Told, count: int, row: Row, other: Row) -> int:
    """What the ``count`` episodes of two rows are together, from place EPISODES on; returns how many.

    ``row``: whose episodes have OTHERS 0.
    """
    _order(told, count)
    found = 0
    for i in range(count):
        at, last = i * EPISODE_CELLS, (EPISODES + found - 1) * EPISODE_CELLS
        start = told[at + START]
        if found > 0 and start <= told[last + END_AT]:
            end = told[last + END_AT]
            if end != told[last + EXIT_AT] or told[at + INITIATIVE_AT] <= end:
                _take_in(told, last, at)
                continue
            # Between two of its initiatives the other row left: what came after it began anew.
            start = first_initiative_after(other if told[at + OTHERS] != 0 else row, end)
        for cell in range(EPISODE_CELLS):
            told[last + EPISODE_CELLS + cell] = told[at + cell]
        told[last + EPISODE_CELLS + START] = start
        found += 1
    return found
