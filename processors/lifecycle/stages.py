"""Stages as a function of (profile, instant, policy, episode).

Awareness, exploration, commitment and dissolution follow Dwyer, Schurr & Oh, "Developing Buyer-Seller Relationships",
Journal of Marketing 51(2), 1987.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.lifecycle.silence import return_crossing, silence_ends
from processors.lifecycle.ties import closing_exit, joined_at
from processors.models.churn import bg_crossing, mbg_crossing
from processors.policy.rules import BG, Rules
from processors.row.calendar import count_days, count_weeks, day_of, day_of_week_number, start_of_day, window_covers
from processors.row.layout import NEVER, NONE, Row
from processors.row.terms import bound_until

UNKNOWN: Final = 0
AWARENESS: Final = 1
EXPLORATION: Final = 2
COMMITMENT: Final = 3
DISSOLUTION: Final = 4
STAGES: Final = ("none", "awareness", "exploration", "commitment", "dissolution")

# A day beyond any touchpoint.
LAST_DAY: Final = 2 * 10**6


@compiled_leaf
def last_sign(row: Row) -> int:
    """The last sign of life: a touchpoint that the customer initiated, exits and closed ties included."""
    return max(int(row.last_initiative_at), int(row.last_customer_exit_at), int(row.last_closing_at))


@compiled_leaf
def last_exit(row: Row) -> int:
    """The last explicit exit by either side, the closing of the last tie included; NONE where there is none."""
    return max(int(row.last_customer_exit_at), int(row.last_firm_exit_at), closing_exit(row))


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


@compiled_inline
def silent_at(
    row: Row, rules: Rules, start: int, purchase_at: int, initiative_at: int, days: int, bound_at: int
) -> int:
    """When silence ends an episode that began at ``start``; of version 2 see ``processors.lifecycle.silence``.

    By P(alive) once it holds a purchase, else by hiatus. Where the last initiative is known to lie beyond the end of
    the last purchase's silence, that end was outlived, and the hiatus counts from the initiative: an episode doesn't
    end before what is known to belong to it.
    """
    if rules.version > 1:
        crosses = NEVER
        if purchase_at != NONE and purchase_at >= start:
            crosses = return_crossing(row, rules, purchase_at, days)
        return silence_ends(rules, start, purchase_at, initiative_at, crosses, bound_at)
    if purchase_at != NONE and purchase_at >= start:
        instant = crossing(rules, row.first_purchase_at, purchase_at, days)
        if initiative_at <= instant:
            return instant
    if initiative_at != NONE and initiative_at >= start:
        return int(initiative_at + rules.hiatus_ms)
    return NEVER


@compiled_leaf
def exit_at(row: Row, start: int) -> int:
    """The explicit exit, by either side, that no later initiative took back; NEVER where there is none."""
    instant = last_exit(row)
    if instant != NONE and instant >= start and instant >= row.last_initiative_at:
        return int(instant)
    return NEVER


@compiled_leaf
def left_at(row: Row, at: int) -> bool:
    """Whether an exit of this very millisecond is known: it stands against an initiative, which then begins nothing."""
    return bool(at in (row.last_customer_exit_at, row.last_firm_exit_at, closing_exit(row)))


@compiled_inline
def silence_at(row: Row, rules: Rules) -> int:
    """When silence ends the current episode, as far as is known now."""
    if rules.version > 1:
        bound = bound_until(row)
        return silence_ends(
            rules, row.episode_at, row.last_purchase_at, row.last_initiative_at, int(row.silent_at), bound
        )
    return silent_at(row, rules, row.episode_at, row.last_purchase_at, row.last_initiative_at, count_days(row), NONE)


@compiled_inline
def note_purchases(row: Row, rules: Rules) -> None:
    """The purchases that are known have changed: look anew when the chance of return falls below the policy's share."""
    row.silent_at = NEVER
    if rules.version > 1 and row.last_purchase_at != NONE:
        row.silent_at = return_crossing(row, rules, int(row.last_purchase_at), count_days(row))


@compiled_leaf
def ends_at(row: Row, rules: Rules) -> int:
    """When the current episode ends, as far as is known now: the first of explicit exit and silence."""
    return int(min(exit_at(row, row.episode_at), silence_at(row, rules)))


@compiled_leaf
def counted_exit(row: Row, rules: Rules) -> int:
    """The explicit exit that ends the current episode; NEVER where there is none.

    The profile knows the last exit only. Of several without an initiative between them the first one counts, and what
    is published tells it: it came before silence did.
    """
    instant = exit_at(row, row.episode_at)
    if instant != NEVER and row.entered_id[3] != 0 and row.entered_at[3] < silence_at(row, rules):
        return int(min(instant, row.entered_at[3]))
    return instant


@compiled_leaf
def basis_of(row: Row) -> int:
    """From when on the current episode counts: its start, or a later exit that an initiative took back."""
    withdrawn = last_exit(row)
    if row.episode_at <= withdrawn < row.last_initiative_at:
        return int(withdrawn)
    return int(row.episode_at)


@compiled_leaf
def share_week(purchase_at: int, start: int) -> bool:
    """Whether the last purchase of an episode and the start of the next one fall into one week."""
    return bool(purchase_at != NONE and day_of(purchase_at) // 7 == day_of(start) // 7)


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
def commits_at(
    row: Row, rules: Rules, basis: int, first_day: int, last: int, until: int, invested_at: int, recorded_at: int
) -> int:
    """When an episode came to commitment, to the day (UTC); NEVER where it has not by ``until`` (ms).

    Purchases in ``commitment_weeks`` distinct weeks with an investment or contribution, or purchases in
    ``consistency_weeks`` distinct weeks, on the days ``first_day..last``, or going on record. ``invested_at`` is the
    first known investment or contribution, ``recorded_at`` the first time on record; where one lies before ``basis``,
    the last one stands for it.
    """
    weeks = count_weeks(row, first_day, last)
    instant = NEVER
    invested = invested_at if invested_at >= basis else max(row.last_investment_at, row.last_contribution_at)
    if weeks >= rules.commitment_weeks and invested != NONE and basis <= invested <= until:
        third = _purchase_instant(row, day_of_week_number(row, rules.commitment_weeks, first_day, last))
        instant = max(third, invested)
    if weeks >= rules.consistency_weeks:
        steady = _purchase_instant(row, day_of_week_number(row, rules.consistency_weeks, first_day, last))
        instant = min(instant, steady)
    recorded = recorded_at if recorded_at >= basis else row.last_record_at
    if recorded != NONE and basis <= recorded <= until:
        instant = min(instant, recorded)
    joined = joined_at(row, rules, basis)
    if joined <= until:
        instant = min(instant, joined)
    return int(instant)


@compiled_leaf
def is_committed(row: Row, rules: Rules) -> bool:
    """Whether the current episode has come to commitment. Once published, it outlives the window of purchase days."""
    basis = basis_of(row)
    if row.last_record_at != NONE and row.last_record_at >= basis:
        return True
    if joined_at(row, rules, basis) != NEVER:
        return True
    first = first_counted_day(basis, row.shared_week != 0 and basis == row.episode_at)
    if row.stage == COMMITMENT and not window_covers(row, first):
        return True
    weeks = count_weeks(row, first, LAST_DAY)
    if weeks >= rules.consistency_weeks:
        return True
    if weeks < rules.commitment_weeks:
        return False
    invested = max(row.last_investment_at, row.last_contribution_at)
    return bool(invested != NONE and invested >= basis)


@compiled_inline
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
