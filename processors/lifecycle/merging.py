"""One customer out of two: the profiles are united, and what was published of the one that goes on is corrected.

Facts of the other one stay as they are; that it was merged takes all of them out of every count. Those of the one that
goes on are compared with the paths that the united profile tells, as after a late touchpoint (``corrections``), and so
are the limits: see there, and ``episodes``. What a merge makes known has the cause ``merge``.
"""

from typing import Any

import numpy as np

from processors.compiled import compiled_leaf
from processors.lifecycle.corrections import amend, keep_unmoved, note_paths, unite_episodes, withdraw
from processors.lifecycle.episodes import (
    BEFORE,
    BOUND_AT,
    CURRENT,
    EPISODE_CELLS,
    EPISODES,
    EPISODES_ROOM,
    EXIT_AT,
    INITIATIVE_AT,
    PURCHASE_AT,
    SHARED,
    START,
    WHOSE,
    tell,
    unite_told,
)
from processors.lifecycle.facts import CAUSE_MERGE, OUT_EPISODES, Cause, Out, supersede
from processors.lifecycle.paths import current_path, last_entered, previous_end, previous_path
from processors.lifecycle.stages import counted_exit, ends_at, note_purchases, share_week
from processors.lifecycle.step import settle
from processors.policy.rules import Rules
from processors.row.calendar import count_days_until, day_of
from processors.row.layout import NEVER, NONE, Row
from processors.row.profile import merge


@compiled_leaf
def _first_from(row: Row, other: Row, first: int, last: int, recorded: bool) -> int:
    """The first known investment or contribution in ``first..last`` (ms), or time on record; NEVER: none."""
    found = NEVER
    for i in range(2):
        one = row if i == 0 else other
        instants = (
            int(one.recorded_at if recorded else one.invested_at),
            int(one.before_recorded_at if recorded else one.before_invested_at),
            int(one.last_record_at if recorded else one.last_investment_at),
            int(NONE if recorded else one.last_contribution_at),
        )
        for instant in instants:
            if instant != NONE and first <= instant <= last and instant < found:
                found = instant
    return found


@compiled_leaf
def _clear(ids: Any, instants: Any) -> None:
    for k in range(4):
        ids[k] = np.uint64(0)
        instants[k] = NONE


@compiled_leaf
def _tell_anew(ids: Any, instants: Any, out: Out) -> None:
    for k in range(4):
        supersede(out, ids[k])
    _clear(ids, instants)


@compiled_leaf
def _take_published(row: Row, last: int, before: int, out: Out) -> None:
    """Lay what was published of the row to the united episodes that hold it: ``last`` and ``before``, bits of WHOSE.

    What none of the two holds is older, and stays as it was published.
    """
    if CURRENT | BEFORE in (last, before):
        supersede(out, row.before_entered_id[3])
        for k in range(4):
            supersede(out, row.entered_id[k])
            row.entered_id[k] = row.before_entered_id[k] if k < 3 else np.uint64(0)
            row.entered_at[k] = row.before_entered_at[k] if k < 3 else NONE
        _clear(row.before_entered_id, row.before_entered_at)
    if last & CURRENT:
        if before & BEFORE == 0:
            _clear(row.before_entered_id, row.before_entered_at)
        return
    for k in range(4):
        row.before_entered_id[k] = row.entered_id[k] if before & CURRENT else np.uint64(0)
        row.before_entered_at[k] = row.entered_at[k] if before & CURRENT else NONE
    _clear(row.entered_id, row.entered_at)


@compiled_leaf
def _number_anew(row: Row, last: int, before: int, episode: int, out: Out) -> bool:
    """Tell what was published under another number anew; True where all of it keeps its number.

    ``episode``: the number of the last of the united episodes.
    """
    united = CURRENT | BEFORE in (last, before)
    published = int(row.episode) - int(united)
    moved = (last & CURRENT and published != episode) or (before & CURRENT and published != episode - 1)
    moved_before = before == BEFORE and int(row.episode) - 1 != episode - 1
    _take_published(row, last, before, out)
    if moved_before or (moved and before & CURRENT):
        _tell_anew(row.before_entered_id, row.before_entered_at, out)
    if moved and last & CURRENT:
        _tell_anew(row.entered_id, row.entered_at, out)
    return not (united or moved or moved_before)


@compiled_leaf
def _bound_episodes(row: Row, other: Row, out: Out, last: int, before: int, episode: int) -> None:
    """Where the united episodes that are kept begin, and what they hold.

    ``last`` and ``before``: where in the scratch they stand; ``before`` is below zero where there is one alone.
    """
    told = out.counts[OUT_EPISODES : OUT_EPISODES + EPISODES_ROOM]
    start = int(told[last + START]) if episode > 1 else NONE
    invested = _first_from(row, other, start, NEVER - 1, False)
    recorded = _first_from(row, other, start, NEVER - 1, True)
    if before >= 0:
        first = int(told[before + START]) if episode > 2 else NONE
        row.before_invested_at = _first_from(row, other, first, start - 1, False)
        row.before_recorded_at = _first_from(row, other, first, start - 1, True)
        row.before_at = first
        row.before_purchase_at = told[before + PURCHASE_AT]
        row.before_initiative_at = told[before + INITIATIVE_AT]
        row.before_exit_at = told[before + EXIT_AT]
        row.before_bound_at = told[before + BOUND_AT]
        row.before_shared_week = told[before + SHARED] if episode > 2 else 0
        bought = row.before_purchase_at
        row.before_days = count_days_until(row, day_of(bought)) if bought != NONE else row.days_before
        row.shared_week = int(share_week(int(bought), start))
    row.episode = episode
    row.episode_at = start
    row.invested_at = invested
    row.recorded_at = recorded
    if episode == 1:
        row.shared_week = 0


@compiled_leaf
def _correct(row: Row, rules: Rules, out: Out, cause: Cause, now: int, as_before: bool, two: bool, ended: bool) -> None:
    """Publish what the paths of the ``two`` episodes that are kept, or of the one, tell otherwise than was published.

    ``as_before``: the episodes are those that they were, so what did not move stays as it was published. ``ended``:
    what was the row's current episode is now the one before.
    """
    if two:
        end = previous_end(row, rules)
        if end >= row.episode_at:
            unite_episodes(row, out)
            as_before = False
        else:
            previous_path(row, rules, end, out.path)
            if as_before:
                noted = out.path_before if ended else out.previous_before
                keep_unmoved(noted, row.before_entered_id, row.before_entered_at, out)
            published = withdraw(row.before_entered_id, row.before_entered_at, out)
            amend(row, rules, out, cause, row.before_entered_id, row.before_entered_at, published, row.episode - 1)
    current_path(row, rules, min(ends_at(row, rules), counted_exit(row, rules)), now, out.path)
    if as_before and not ended:
        keep_unmoved(out.path_before, row.entered_id, row.entered_at, out)
    published = withdraw(row.entered_id, row.entered_at, out)
    amend(row, rules, out, cause, row.entered_id, row.entered_at, published, row.episode)
    row.stage = last_entered(out.path)


@compiled_leaf
def unite(row: Row, other: Row, rules: Rules, out: Out, cause: Cause, time: int) -> None:
    """Make ``row`` that of a customer who was ``other`` all along, and publish what that changes.

    ``time`` (ms) is the partition's: what is due by then is judged.
    """
    if other.touchpoints == 0:
        return
    now = max(time, int(row.judged_at), int(other.judged_at))
    why = Cause(cause.row, cause.offset, cause.known_at, CAUSE_MERGE, np.uint64(0), -1, -1)
    told = out.counts[OUT_EPISODES : OUT_EPISODES + EPISODES_ROOM]
    own = tell(row, rules, told, 0, 0)
    count = tell(other, rules, told, own, 1)
    found = unite_told(told, count, row, other)
    # Episodes that are known by their number alone.
    older = max(int(row.episode) - max(own, 1), int(other.episode) - max(count - own, 1), 0)
    last = (EPISODES + found - 1) * EPISODE_CELLS
    before = last - EPISODE_CELLS if found > 1 else -1
    begun = row.touchpoints > 0
    if begun:
        note_paths(row, rules, out, now)
    merge(row, other, rules)
    row.judged_at = max(row.judged_at, other.judged_at)
    episode = older + max(found, 1)
    holds = CURRENT if found == 0 else int(told[last + WHOSE])
    held_before = int(told[before + WHOSE]) if found > 1 else 0
    if own == 0 or (own == 1 and row.episode > 1 and (holds | held_before) & CURRENT == 0):
        # It has not begun anything: what was published of it is said of the first that began.
        if found > 1:
            held_before |= CURRENT
        else:
            holds |= CURRENT
    # Of one who has not begun nothing was noted: what the scratch holds is of somebody else.
    as_before = _number_anew(row, holds, held_before, episode, out) and begun
    if found == 0:
        row.episode = episode
    else:
        _bound_episodes(row, other, out, last, before, episode)
    note_purchases(row, rules)
    _correct(row, rules, out, why, now, as_before, before >= 0, held_before & CURRENT != 0)
    settle(row, rules, out, why, now)
