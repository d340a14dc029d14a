"""Stages as a function of (profile, instant, policy, episode): the path that a relationship has taken.

Awareness, exploration, commitment and dissolution follow Dwyer, Schurr & Oh, "Developing Buyer-Seller Relationships",
Journal of Marketing 51(2), 1987. A path is four instants, one for each stage; NONE where the stage was not entered.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.calendar import count_days, count_weeks, day_of, day_of_week_number, start_of_day, window_covers
from processors.churn import bg_crossing, mbg_crossing
from processors.compiled import compiled_leaf
from processors.profile import NEVER, NONE, Row
from processors.rules import BG, Rules

UNKNOWN: Final = 0
AWARENESS: Final = 1
EXPLORATION: Final = 2
COMMITMENT: Final = 3
DISSOLUTION: Final = 4
STAGES: Final = ("none", "awareness", "exploration", "commitment", "dissolution")

Path = npt.NDArray[np.int64]  # shape (4,), ms: awareness, exploration, commitment, dissolution

# A day beyond any touchpoint.
_LAST_DAY: Final = 2 * 10**6


@compiled_leaf
def last_sign(row: Row) -> int:
    """The last sign of life: a touchpoint that the customer initiated, exits included."""
    return int(max(row.last_initiative_at, row.last_customer_exit_at))


@compiled_leaf
def crossing(rules: Rules, first_at: int, last_at: int, days: int) -> int:
    """The instant (ms) at which P(alive) reaches the policy's threshold, never before the last purchase.

    ``days`` distinct purchase days between ``first_at`` and ``last_at`` (ms); repeat purchases are ``days - 1``.
    """
    recency = (last_at - first_at) / rules.unit_ms
    if rules.model == BG:
        age = bg_crossing(rules.r, rules.alpha, rules.a, rules.b, days - 1, recency, rules.threshold)
    else:
        age = mbg_crossing(rules.r, rules.alpha, rules.a, rules.b, days - 1, recency, rules.threshold)
    instant = first_at + np.ceil(age * rules.unit_ms)
    if not instant < 4.0e18:
        return NEVER
    return max(last_at, int(instant))


@compiled_leaf
def silent_at(row: Row, rules: Rules, start: int, purchase_at: int, sign_at: int, days: int) -> int:
    """When silence ends an episode that began at ``start``: by P(alive) once it holds a purchase, else by hiatus."""
    if purchase_at != NONE and purchase_at >= start:
        return crossing(rules, row.first_purchase_at, purchase_at, days)
    if sign_at != NONE and sign_at >= start:
        return int(sign_at + rules.hiatus_ms)
    return NEVER


@compiled_leaf
def exit_at(row: Row, start: int) -> int:
    """The explicit exit, by either side, that no later initiative took back; NEVER where there is none."""
    instant = max(row.last_customer_exit_at, row.last_firm_exit_at)
    if instant != NONE and instant >= start and instant >= row.last_initiative_at:
        return int(instant)
    return NEVER


@compiled_leaf
def ends_at(row: Row, rules: Rules) -> int:
    """When the current episode ends, as far as is known now: the first of explicit exit and silence."""
    silence = silent_at(row, rules, row.episode_at, row.last_purchase_at, last_sign(row), count_days(row))
    return int(min(exit_at(row, row.episode_at), silence))


@compiled_leaf
def basis_of(row: Row) -> int:
    """From when on the current episode counts: its start, or a later exit that an initiative took back."""
    withdrawn = max(row.last_customer_exit_at, row.last_firm_exit_at)
    if row.episode_at <= withdrawn < row.last_initiative_at:
        return int(withdrawn)
    return int(row.episode_at)


@compiled_leaf
def first_counted_day(basis: int, shared_week: bool) -> int:
    """The first day whose purchases count from ``basis`` on; the Monday after where that week is not the episode's."""
    if basis == NONE:
        return 0
    day = day_of(basis)
    return day - day % 7 + 7 if shared_week else day


@compiled_leaf
def _purchase_instant(row: Row, day: int) -> int:
    """The first purchase of a purchase day: exact for the first of all, otherwise to the day."""
    if day == day_of(row.first_purchase_at):
        return int(row.first_purchase_at)
    return start_of_day(day)


@compiled_leaf
def commits_at(row: Row, rules: Rules, basis: int, first_day: int, until: int, invested_at: int) -> int:
    """When an episode came to commitment, to the day (UTC); NEVER where it has not by ``until`` (ms).

    Purchases in ``commitment_weeks`` distinct weeks with an investment or contribution, or purchases in
    ``consistency_weeks`` distinct weeks, on days from ``first_day`` on. ``invested_at`` is the first known investment
    or contribution; where it lies before ``basis``, the last one stands for it.
    """
    last = day_of(until)
    weeks = count_weeks(row, first_day, last)
    instant = NEVER
    invested = invested_at if invested_at >= basis else max(row.last_investment_at, row.last_contribution_at)
    if weeks >= rules.commitment_weeks and invested != NONE and basis <= invested <= until:
        third = _purchase_instant(row, day_of_week_number(row, rules.commitment_weeks, first_day, last))
        instant = max(third, invested)
    if weeks >= rules.consistency_weeks:
        steady = _purchase_instant(row, day_of_week_number(row, rules.consistency_weeks, first_day, last))
        instant = min(instant, steady)
    return int(instant)


@compiled_leaf
def is_committed(row: Row, rules: Rules) -> bool:
    """Whether the current episode has come to commitment. Once published, it outlives the window of purchase days."""
    basis = basis_of(row)
    first = first_counted_day(basis, row.shared_week != 0 and basis == row.episode_at)
    if row.stage == COMMITMENT and not window_covers(row, first):
        return True
    weeks = count_weeks(row, first, _LAST_DAY)
    if weeks >= rules.consistency_weeks:
        return True
    if weeks < rules.commitment_weeks:
        return False
    invested = max(row.last_investment_at, row.last_contribution_at)
    return bool(invested != NONE and invested >= basis)


@compiled_leaf
def stage_at(row: Row, rules: Rules, now: int) -> int:
    """The stage of the current episode at ``now`` (ms), from the profile alone."""
    if row.touchpoints == 0:
        return UNKNOWN
    if ends_at(row, rules) <= now:
        return DISSOLUTION
    if is_committed(row, rules):
        return COMMITMENT
    if row.episode > 1 or row.last_initiative_at != NONE:
        return EXPLORATION
    return AWARENESS


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
    return same_day(commits_at(row, rules, basis, first, now, row.invested_at), row.entered_at[2])


@compiled_leaf
def same_day(computed: int, published: int) -> int:
    """What is known to the day only doesn't contradict what was published within that day."""
    if computed != NEVER and published != NONE and day_of(computed) == day_of(published):
        return published
    return computed


@compiled_leaf
def current_path(row: Row, rules: Rules, now: int, path: Path) -> None:
    """The path of the current episode at ``now``."""
    if row.episode == 1:
        first, explored = row.first_at, row.first_initiative_at
    else:
        first, explored = NEVER, row.episode_at
    trace(path, first, explored, _committed_at(row, rules, now), ends_at(row, rules), now)


@compiled_leaf
def previous_end(row: Row, rules: Rules) -> int:
    """When the episode before the current one ended, as far as is known now."""
    silence = silent_at(row, rules, row.before_at, row.before_purchase_at, row.before_sign_at, row.before_days)
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
    day = first_counted_day(row.before_at, False)
    committed = row.before_entered_at[2] if row.before_entered_id[2] != 0 else NEVER
    if window_covers(row, day):
        computed = commits_at(row, rules, row.before_at, day, end, row.before_invested_at)
        committed = same_day(computed, row.before_entered_at[2])
    trace(path, first, explored, committed, end, end)


@compiled_leaf
def last_entered(path: Any) -> int:
    """The stage in which a path ends: 0 where it is empty."""
    for i in range(3, -1, -1):
        if path[i] != NONE:
            return i + 1
    return UNKNOWN
