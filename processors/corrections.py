"""What a late touchpoint makes untrue: the published paths of the current episode and of the one before.

Published facts are compared with the path as the profile now tells it. A fact whose instant moved is published again;
one that is no longer true is superseded; an episode that began after an end that never was is folded into the one
before. Two episodes are kept: a touchpoint that is late by more changes the profile, and no published fact.
"""

from typing import Any

from processors.calendar import day_of
from processors.compiled import compiled_leaf
from processors.facts import PENDING, Cause, Out, emit, supersede
from processors.profile import NEVER, NONE, Row
from processors.rules import CONTRIBUTION, CUSTOMER, CUSTOMER_EXIT, FIRM_EXIT, INVESTMENT, PURCHASE, Rules
from processors.stages import (
    DISSOLUTION,
    UNKNOWN,
    current_path,
    last_entered,
    previous_end,
    previous_path,
)


@compiled_leaf
def _withdraw(ids: Any, instants: Any, out: Out) -> int:
    """Take back what is published and not on the path; returns the first instant that became untrue, else NEVER."""
    untrue = NEVER
    for k in range(4):
        if ids[k] != 0 and out.path[k] == NONE:
            untrue = min(untrue, instants[k])
            supersede(out, ids[k])
            ids[k] = 0
            instants[k] = NONE
    return int(untrue)


@compiled_leaf
def _amend(row: Row, rules: Rules, out: Out, cause: Cause, ids: Any, instants: Any, episode: int) -> None:
    """Publish each step of the path that was not published, or with another instant or predecessor."""
    previous = UNKNOWN if episode == 1 else DISSOLUTION
    inserted = False
    for k in range(4):
        if out.path[k] == NONE:
            continue
        missing = ids[k] == 0
        if missing or instants[k] != out.path[k] or inserted:
            supersede(out, ids[k])
            instants[k] = out.path[k]
            ids[k] = emit(row, rules, out, cause, previous, k + 1, episode, out.path[k])
        inserted = missing
        previous = k + 1


@compiled_leaf
def _keep_unmoved(before: Any, ids: Any, instants: Any, out: Out) -> None:
    """What the touchpoint did not move stays as published: another policy may have been in force then."""
    for k in range(4):
        if out.path[k] == before[k]:
            out.path[k] = instants[k] if ids[k] != 0 else NONE


@compiled_leaf
def _revise_current(row: Row, rules: Rules, out: Out, cause: Cause, now: int) -> None:
    published = row.stage
    current_path(row, rules, now, out.path)
    _keep_unmoved(out.path_before, row.entered_id, row.entered_at, out)
    untrue = _withdraw(row.entered_id, row.entered_at, out)
    _amend(row, rules, out, cause, row.entered_id, row.entered_at, row.episode)
    row.stage = max(row.stage if untrue == NEVER else UNKNOWN, last_entered(out.path))
    if out.counts[PENDING] > 0:
        emit(row, rules, out, cause, published, row.stage, row.episode, untrue)


@compiled_leaf
def _unite(row: Row, out: Out) -> None:
    """Make the current episode and the one before it one; their ends and what came after are to be superseded."""
    supersede(out, row.before_entered_id[3])
    for k in range(4):
        supersede(out, row.entered_id[k])
        row.entered_id[k] = row.before_entered_id[k] if k < 3 else 0
        row.entered_at[k] = row.before_entered_at[k] if k < 3 else NONE
        row.before_entered_id[k] = 0
        row.before_entered_at[k] = NONE
    row.episode -= 1
    row.episode_at = row.before_at
    row.shared_week = 0
    row.invested_at = min(row.invested_at, row.before_invested_at)
    row.before_at = NONE
    row.before_exit_at = NONE


@compiled_leaf
def _fold_episode(row: Row, rules: Rules, out: Out, cause: Cause, now: int) -> None:
    """The end of the episode before never was: what came after belongs to it."""
    published = row.stage
    untrue = row.before_entered_at[3]
    _unite(row, out)
    current_path(row, rules, now, out.path)
    row.stage = last_entered(out.path)
    k = row.stage - 1
    at = max(untrue, out.path[k])
    identity = emit(row, rules, out, cause, published, row.stage, row.episode, at)
    if row.entered_id[k] == 0:
        row.entered_id[k] = identity
        row.entered_at[k] = at
        out.path[k] = at
    _amend(row, rules, out, cause, row.entered_id, row.entered_at, row.episode)


@compiled_leaf
def _note_before(row: Row, at: int, flags: int, new_day: bool) -> None:
    """Bring what is remembered of the episode before up to date with a touchpoint that belongs to it."""
    if flags & (CUSTOMER_EXIT | FIRM_EXIT) and at >= row.before_sign_at and row.before_exit_at == NONE:
        row.before_exit_at = at
    if flags & PURCHASE:
        row.before_purchase_at = max(row.before_purchase_at, at)
        row.before_days += int(new_day)
    if flags & (CUSTOMER | CUSTOMER_EXIT):
        row.before_sign_at = max(row.before_sign_at, at)
    if flags & (INVESTMENT | CONTRIBUTION) and at >= row.before_at:
        row.before_invested_at = min(row.before_invested_at, at)


@compiled_leaf
def _revise_previous(row: Row, rules: Rules, out: Out, cause: Cause) -> None:
    previous_path(row, rules, previous_end(row, rules), out.path)
    _keep_unmoved(out.previous_before, row.before_entered_id, row.before_entered_at, out)
    _withdraw(row.before_entered_id, row.before_entered_at, out)
    _amend(row, rules, out, cause, row.before_entered_id, row.before_entered_at, row.episode - 1)


@compiled_leaf
def note_paths(row: Row, rules: Rules, out: Out, now: int) -> int:
    """Before a late touchpoint is absorbed: keep what the profile tells now; returns the end of the episode before."""
    current_path(row, rules, now, out.path_before)
    if row.before_entered_id[3] == 0:
        return NEVER
    end = previous_end(row, rules)
    previous_path(row, rules, end, out.previous_before)
    return int(end)


@compiled_leaf
def reconsider(
    row: Row, rules: Rules, out: Out, cause: Cause, at: int, flags: int, new_day: bool, now: int, end_before: int
) -> None:
    """Correct what was published after a touchpoint at ``at`` (ms), already in the profile, came late.

    ``flags`` are the kind's; ``end_before`` is what ``note_paths`` returned before the touchpoint was absorbed.
    """
    if row.before_entered_id[3] != 0 and at <= row.before_entered_at[3]:
        _note_before(row, at, flags, new_day)
        end = previous_end(row, rules)
        if end != end_before and end >= row.episode_at:
            _fold_episode(row, rules, out, cause, now)
            return
        _revise_previous(row, rules, out, cause)
    elif row.before_entered_id[3] != 0 and at < row.episode_at and flags & CUSTOMER:
        if day_of(at) // 7 != day_of(row.episode_at) // 7:
            row.shared_week = 0
        row.episode_at = at
    _revise_current(row, rules, out, cause, now)
