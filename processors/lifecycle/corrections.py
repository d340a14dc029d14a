"""What a late touchpoint makes untrue: the published paths of the current episode and of the one before.

Published facts are compared with the path as the profile now tells it. A step whose instant or predecessor changed is
published again; one that is no longer true is superseded, and where nothing else takes its place, by the step that the
path now ends in, published again: the facts that no other supersedes are always the path, and nothing else. An episode
that began after an end that never was is folded into the one before.

What is published is what the touchpoints known, taken in order of time, would have published (commitment to the day,
UTC), within these limits of what a row remembers:

- Two episodes are kept. A touchpoint that is late by more changes the profile, and no fact of that older episode.
- An end is moved, withdrawn and folded, and inserted after the last known initiative of its episode; never before one.
  The profile doesn't hold which initiative came next, so an exit that arrives after a later initiative counts as
  taken back, and commitment counts from it anew; a purchase after which silence would have been due before the next
  known initiative opens no other episode; and episodes are folded whole, not parted anew.
- Of several exits without an initiative between them, the last one is kept, and the first where it is published: an
  initiative from before more than one of them moves the end to the last.
- Of touchpoints in one millisecond the order isn't known: an exit stands against an initiative of its millisecond, and
  a stage that would last for none is left out. Such an initiative that comes late may move the end to that exit.
- A commitment on the day of its episode's end may be published though it lasted for no time, or left out.
- A purchase older than the window of ``DAY_WORDS`` words counts as a day of its own, and moves no commitment.
- What was published before a transition by policy stays as it was judged then.
"""

from typing import Any

import numpy as np

from processors.compiled import compiled_leaf
from processors.lifecycle.facts import OUT_PENDING, Cause, Out, emit, supersede
from processors.lifecycle.paths import current_path, last_entered, previous_end, previous_path
from processors.lifecycle.stages import DISSOLUTION, UNKNOWN, counted_exit, ends_at, left_at, share_week
from processors.policy.rules import (
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM_EXIT,
    INVESTMENT,
    PURCHASE,
    RENEWAL,
    TIE_OPENED,
    Rules,
)
from processors.row.calendar import day_of
from processors.row.layout import NEVER, NONE, Row
from processors.row.terms import bound_from


@compiled_leaf
def keep_unmoved(before: Any, ids: Any, instants: Any, out: Out) -> None:
    """What the touchpoint did not move stays as published: another policy may have been in force then."""
    for k in range(4):
        if out.path[k] == before[k]:
            out.path[k] = instants[k] if ids[k] != 0 else NONE
    # What moved may have overtaken what was kept.
    earliest = NEVER
    for k in range(3, -1, -1):
        if out.path[k] > earliest:
            out.path[k] = NONE
        elif out.path[k] != NONE:
            earliest = out.path[k]


@compiled_leaf
def withdraw(ids: Any, instants: Any, out: Out) -> int:
    """Take back what is published and not on the path; returns what was published, one bit for each stage."""
    published = 0
    for k in range(4):
        if ids[k] != 0:
            published |= 1 << k
            if out.path[k] == NONE:
                supersede(out, ids[k])
                ids[k] = 0
                instants[k] = NONE
    return published


@compiled_leaf
def amend(
    row: Row, rules: Rules, out: Out, cause: Cause, ids: Any, instants: Any, published: int, episode: int
) -> None:
    """Publish each step of the path that was not published, or with another instant or predecessor.

    The last step takes the place of what was withdrawn and nothing else replaces.
    """
    last = last_entered(out.path)
    before = previous = UNKNOWN if episode == 1 else DISSOLUTION
    for k in range(4):
        known = (published >> k) & 1 != 0
        if out.path[k] != NONE:
            resumed = k + 1 == last and out.counts[OUT_PENDING] > 0
            if resumed or not known or instants[k] != out.path[k] or before != previous:
                supersede(out, ids[k])
                instants[k] = out.path[k]
                ids[k] = emit(row, rules, out, cause, previous, k + 1, episode, out.path[k])
            previous = k + 1
        if known:
            before = k + 1


@compiled_leaf
def _revise_current(row: Row, rules: Rules, out: Out, cause: Cause, now: int, earlier_exit: int) -> None:
    """``earlier_exit``: one that ends the episode, and that the profile may have lost to a later one; else NEVER."""
    current_path(row, rules, min(ends_at(row, rules), earlier_exit), now, out.path)
    keep_unmoved(out.path_before, row.entered_id, row.entered_at, out)
    published = withdraw(row.entered_id, row.entered_at, out)
    amend(row, rules, out, cause, row.entered_id, row.entered_at, published, row.episode)
    row.stage = last_entered(out.path)


@compiled_leaf
def unite_episodes(row: Row, out: Out) -> None:
    """Make the current episode and the one before it one; its end and what came after are to be superseded."""
    supersede(out, row.before_entered_id[3])
    for k in range(4):
        supersede(out, row.entered_id[k])
        # Compiled, uint64 or int64 would become float64 and lose digits of the id.
        row.entered_id[k] = row.before_entered_id[k] if k < 3 else np.uint64(0)
        row.entered_at[k] = row.before_entered_at[k] if k < 3 else NONE
        row.before_entered_id[k] = 0
        row.before_entered_at[k] = NONE
    row.episode -= 1
    row.episode_at = row.before_at
    row.shared_week = row.before_shared_week
    row.invested_at = min(row.invested_at, row.before_invested_at)
    row.recorded_at = min(row.recorded_at, row.before_recorded_at)


@compiled_leaf
def _fold_episode(row: Row, rules: Rules, out: Out, cause: Cause, now: int) -> None:
    """The end of the episode before never was: what came after belongs to it."""
    unite_episodes(row, out)
    out.previous_before[3] = NONE
    current_path(row, rules, ends_at(row, rules), now, out.path)
    keep_unmoved(out.previous_before, row.entered_id, row.entered_at, out)
    published = withdraw(row.entered_id, row.entered_at, out)
    amend(row, rules, out, cause, row.entered_id, row.entered_at, published, row.episode)
    row.stage = last_entered(out.path)


@compiled_leaf
def _note_before(row: Row, at: int, flags: int, new_day: bool) -> None:
    """Bring what is remembered of the episode before up to date with a touchpoint from before the current one."""
    if flags & (CUSTOMER_EXIT | FIRM_EXIT) and at >= row.before_initiative_at:
        row.before_exit_at = at if row.before_exit_at == NONE else min(row.before_exit_at, at)
    if flags & PURCHASE:
        # The day may be marked already, by a purchase of the current episode.
        row.before_days += int(new_day or day_of(at) > day_of(row.before_purchase_at))
        row.before_purchase_at = max(row.before_purchase_at, at)
        row.shared_week = int(share_week(row.before_purchase_at, row.episode_at))
    if flags & CUSTOMER:
        row.before_initiative_at = max(row.before_initiative_at, at)
    if flags & (TIE_OPENED | RENEWAL):
        row.before_bound_at = max(row.before_bound_at, bound_from(row, at))
    if flags & (INVESTMENT | CONTRIBUTION) and at >= row.before_at:
        row.before_invested_at = min(row.before_invested_at, at)


@compiled_leaf
def _begin_earlier(row: Row, at: int, flags: int) -> None:
    """The return that opened the current episode was earlier: it is this initiative."""
    row.episode_at = at
    row.shared_week = int(share_week(row.before_purchase_at, at))
    if flags & (INVESTMENT | CONTRIBUTION):
        row.invested_at = min(row.invested_at, at)
    if row.before_recorded_at != NEVER and row.before_recorded_at >= at:
        row.recorded_at = min(row.recorded_at, row.before_recorded_at)
        row.before_recorded_at = NEVER


@compiled_leaf
def _revise_previous(row: Row, rules: Rules, out: Out, cause: Cause, end: int) -> None:
    previous_path(row, rules, end, out.path)
    keep_unmoved(out.previous_before, row.before_entered_id, row.before_entered_at, out)
    published = withdraw(row.before_entered_id, row.before_entered_at, out)
    amend(row, rules, out, cause, row.before_entered_id, row.before_entered_at, published, row.episode - 1)


@compiled_leaf
def note_paths(row: Row, rules: Rules, out: Out, now: int) -> tuple[int, int]:
    """Before a late touchpoint is absorbed: keep what the profile tells now.

    Returns the end of the episode before and the exit that ends the current one, NEVER where there is none.
    """
    explicit = counted_exit(row, rules)
    current_path(row, rules, min(ends_at(row, rules), explicit), now, out.path_before)
    if row.before_entered_id[3] == 0:
        for k in range(4):
            out.previous_before[k] = NONE
        return NEVER, explicit
    end = previous_end(row, rules)
    previous_path(row, rules, end, out.previous_before)
    return end, explicit


@compiled_leaf
def _is_exit(row: Row, at: int) -> bool:
    """Whether an exit of this very instant is known that is no closing of a tie."""
    return bool(at in (row.last_customer_exit_at, row.last_firm_exit_at))


@compiled_leaf
def reconsider(
    row: Row, rules: Rules, out: Out, cause: Cause, at: int, flags: int, new_day: bool, now: int, noted: tuple[int, int]
) -> None:
    """Correct what was published after a touchpoint at ``at`` (ms), already in the profile, came late.

    ``flags`` are the kind's; ``noted`` is what ``note_paths`` returned before the touchpoint was absorbed.
    """
    end_before, explicit = noted
    if row.before_entered_id[3] != 0 and at < row.episode_at:
        if at > row.before_entered_at[3] and flags & CUSTOMER:
            _begin_earlier(row, at, flags)
        else:
            _note_before(row, at, flags, new_day)
            end = previous_end(row, rules)
            if end != end_before and end >= row.episode_at:
                _fold_episode(row, rules, out, cause, now)
                return
            _revise_previous(row, rules, out, cause, end)
    elif flags & (CUSTOMER_EXIT | FIRM_EXIT) and at >= row.episode_at:
        explicit = min(explicit, at)
    if flags & TIE_OPENED and row.ties_opened >= row.ties_closed and not _is_exit(row, explicit):
        # The tie that is known only now was still open then; which closing was the last is for the profile to say.
        explicit = NEVER
    returned = at if flags & CUSTOMER and not left_at(row, at) else NONE
    if not left_at(row, row.last_initiative_at):
        # An initiative in the millisecond of an exit begins nothing, so it takes no earlier exit back.
        returned = max(returned, row.last_initiative_at)
    if explicit < returned:
        explicit = NEVER
    _revise_current(row, rules, out, cause, now, explicit)
