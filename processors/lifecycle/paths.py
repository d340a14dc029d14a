"""The path that an episode has taken, as the profile tells it: four instants, one for each stage, in their order.

NONE stands where a stage was not entered. What is published is compared with it when a touchpoint comes late.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.lifecycle.stages import UNKNOWN, basis_of, commits_at, first_counted_day, silent_at
from processors.policy.rules import Rules
from processors.row.calendar import day_of, window_covers
from processors.row.layout import NEVER, NONE, Row

Path = npt.NDArray[np.int64]  # shape (4,), ms: awareness, exploration, commitment, dissolution


@compiled_leaf
def trace(path: Path, first_at: int, explored_at: int, committed_at: int, ended_at: int, now: int) -> None:
    """Fill ``path`` with the stages entered up to ``now``, each no earlier than the one before; skips leave NONE.

    ``first_at`` is NEVER for every episode but the first, which alone can begin in awareness.
    """
    for i in range(4):
        path[i] = NONE
    end = ended_at if ended_at <= now else NEVER
    committed = max(committed_at, explored_at)
    if committed <= now and committed < end:
        path[2] = committed
    if explored_at <= now and explored_at < end and not (path[2] != NONE and committed <= explored_at):
        path[1] = explored_at
    if first_at <= now and first_at < min(explored_at, end):
        path[0] = first_at
    if end != NEVER:
        path[3] = end


@compiled_leaf
def _committed_at(row: Row, rules: Rules, now: int) -> int:
    basis = basis_of(row)
    first = first_counted_day(basis, row.shared_week != 0 and basis == row.episode_at)
    if row.entered_id[2] != 0 and not window_covers(row, first):
        return int(row.entered_at[2])
    computed = commits_at(row, rules, basis, first, day_of(now), now, row.invested_at, row.recorded_at)
    return same_day(computed, row.entered_at[2], row.recorded_at)


@compiled_leaf
def same_day(computed: int, published: int, exact: int) -> int:
    """What is known to the day only doesn't contradict what was published within that day; ``exact`` is known better.

    Going on record has its own instant, purchase weeks have their days.
    """
    if computed == exact:
        return computed
    if computed != NEVER and published != NONE and day_of(computed) == day_of(published):
        return published
    return computed


@compiled_leaf
def current_path(row: Row, rules: Rules, ended_at: int, now: int, path: Path) -> None:
    """The path at ``now`` of the current episode, which ends at ``ended_at`` as far as is known."""
    if row.episode == 1:
        first, explored = row.first_at, row.first_initiative_at
    else:
        first, explored = NEVER, row.episode_at
    trace(path, first, explored, _committed_at(row, rules, now), ended_at, now)


@compiled_leaf
def previous_end(row: Row, rules: Rules) -> int:
    """When the episode before the current one ended, as far as is known now."""
    silence = silent_at(
        row,
        rules,
        row.before_at,
        row.before_purchase_at,
        row.before_initiative_at,
        row.before_days,
        row.before_bound_at,
    )
    if row.before_exit_at != NONE:
        return int(min(row.before_exit_at, silence))
    return silence


@compiled_leaf
def previous_path(row: Row, rules: Rules, end: int, path: Path) -> None:
    """The path of the episode before the current one, which ended at ``end``."""
    if row.episode == 2:
        first, explored = row.first_at, row.first_initiative_at
    else:
        first, explored = NEVER, row.before_at
    day = first_counted_day(row.before_at, row.before_shared_week != 0)
    committed = row.before_entered_at[2] if row.before_entered_id[2] != 0 else NEVER
    if window_covers(row, day):
        # Not the day of the end: it may already hold a purchase of the episode that followed.
        last = min(day_of(end), day_of(row.before_purchase_at))
        computed = commits_at(row, rules, row.before_at, day, last, end, row.before_invested_at, row.before_recorded_at)
        committed = same_day(computed, row.before_entered_at[2], row.before_recorded_at)
    trace(path, first, explored, committed, end, end)


@compiled_leaf
def last_entered(path: Any) -> int:
    """The stage in which a path ends: 0 where it is empty."""
    for i in range(3, -1, -1):
        if path[i] != NONE:
            return i + 1
    return UNKNOWN
