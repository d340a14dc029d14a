"""When silence ends a relationship, by policies of version 2: once the chance of return has become small.

An episode with a purchase ends at the greatest of three instants: P(return within the horizon) falls below the policy's
share; so many days have passed since the last sign of life; what binds the customer has ended, and a grace after it. So
the share is that of announced ends that come back, at most. Without a purchase the hiatus stands for the first two.
"""

import math
from typing import Final

from processors.compiled import compiled_inline, compiled_leaf
from processors.models.returning import p_return, recalibrated
from processors.policy.rules import BG, Rules
from processors.row.calendar import day_of, longest_gap, start_of_day
from processors.row.decay import MS_PER_DAY
from processors.row.layout import NEVER, NONE, Row

CALIBRATED_ONCE: Final = 0  # bands of the calibration: places in rules.calibration
CALIBRATED_NEW: Final = 4
CALIBRATED_KNOWN: Final = 8
_SHORTEST: Final = 32  # days
_HALF_YEAR: Final = 182.0  # days
_LONGEST: Final = 32 * 512  # days; nobody's silence is looked at for longer: 45 years


@compiled_leaf
def band_of(rules: Rules, first_at: int, last_at: int, days: int) -> int:
    """The band by tenure, the time from the first purchase to the last, which silence does not lengthen."""
    if days < 2:
        return CALIBRATED_ONCE
    return CALIBRATED_KNOWN if last_at - first_at >= rules.return_horizon_ms else CALIBRATED_NEW


@compiled_leaf
def return_at(rules: Rules, first_at: int, last_at: int, days: int, longest: int, at: int, horizon_ms: int) -> float:
    """P(a purchase within ``horizon_ms`` of ``at``), recalibrated, after silence since ``last_at`` (all ms).

    ``days`` distinct purchase days from ``first_at`` to ``last_at``; ``longest`` of the gaps between them, in days.
    """
    unit = rules.unit_ms
    now = max(at, last_at)
    p = p_return(
        rules.model == BG,
        rules.r,
        rules.alpha,
        rules.a,
        rules.b,
        float(days - 1),
        (last_at - first_at) / unit,
        (now - first_at) / unit,
        horizon_ms / unit,
    )
    band = band_of(rules, first_at, last_at, days)
    told = rules.calibration
    silence = (now - last_at) / MS_PER_DAY
    return recalibrated(p, silence, float(longest), told[band], told[band + 1], told[band + 2], told[band + 3])


@compiled_leaf
def _latest(rules: Rules, first_at: int, last_at: int, days: int) -> int:
    """After how many days silence ends who has bought on three days whatever the model says; _LONGEST: no limit.

    So many of the customer's own mean intervals, and half a year: where nobody ever drops out, a model never lets go.
    """
    if days < 3 or rules.intervals <= 0.0:
        return 2 * _LONGEST
    mean = (last_at - first_at) / MS_PER_DAY / (days - 1)
    return math.ceil(float(max(rules.intervals * mean, _HALF_YEAR)))


@compiled_inline
def return_crossing(row: Row, rules: Rules, last_at: int, days: int) -> int:
    """From when on (ms) P(return) is below the policy's share if nothing is bought: ``last_at``, or the start of a day.

    Who has shown two gaps keeps a rhythm: a guest of every August lives between the seasons. So silence lasts at least
    the policy's multiple of the longest gap. NEVER: not within 45 years. By doubling and then halving, to the day.
    """
    first_at = int(row.first_purchase_at)
    longest = longest_gap(row, day_of(last_at)) if days > 1 else 0
    horizon, limit = rules.return_horizon_ms, rules.return_below
    first = day_of(last_at)
    least = math.ceil(rules.rhythm * longest) if days > 2 else 0
    if return_at(rules, first_at, last_at, days, longest, last_at, horizon) < limit:
        return start_of_day(first + least) if least > 0 else int(last_at)
    latest = _latest(rules, first_at, last_at, days)
    low, high = 0, _SHORTEST
    while return_at(rules, first_at, last_at, days, longest, start_of_day(first + high), horizon) >= limit:
        if high >= min(_LONGEST, latest):
            return start_of_day(first + max(latest, least)) if latest <= _LONGEST else NEVER
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) >> 1
        if return_at(rules, first_at, last_at, days, longest, start_of_day(first + middle), horizon) < limit:
            high = middle
        else:
            low = middle
    return start_of_day(first + max(min(high, latest), least))


@compiled_leaf
def silence_ends(
    rules: Rules, start: int, purchase_at: int, initiative_at: int, returning_until: int, bound_at: int
) -> int:
    """When silence ends an episode that began at ``start``, see above; NEVER: as far as is known, it doesn't.

    ``returning_until``: when the chance of return falls below the share; ``bound_at``: until when something binds, NONE
    where nothing does. All in ms.
    """
    instant = NONE
    if purchase_at != NONE and purchase_at >= start:
        instant = max(returning_until, max(initiative_at, purchase_at) + rules.life_ms)
        if returning_until == NEVER:
            return NEVER
    elif initiative_at != NONE and initiative_at >= start:
        instant = int(initiative_at + rules.hiatus_ms)
    if bound_at != NONE and bound_at >= start:
        instant = max(instant, bound_at + rules.bound_grace_ms)
    return instant if instant != NONE else NEVER
