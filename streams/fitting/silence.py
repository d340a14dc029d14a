"""P(return) recalibrated by the past, and what came of the ends that a rule of silence would have announced.

On several past days from which a full horizon is known, what the model said of each customer's return is held against
what came. A logistic regression corrects it for each band of tenure: a level, the slope of the logit below and above
an even chance, and the silence against the longest gap that the customer had shown. What is unlikely is where ends are
announced, so it has a slope of its own: a frequent buyer on holiday is what no Poisson process knows; the past does.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import until_day
from streams.fitting.purchases import PurchaseDays

BAND_ONCE: Final = 0  # bands by tenure, as in processors.lifecycle.silence
BAND_NEW: Final = 1
BAND_KNOWN: Final = 2
BANDS: Final = ("once", "new", "known")
FEWEST: Final = 100
"""Fewer ends, or fewer customers of a band, say nothing of it by themselves."""

HALF_YEAR: Final = 182.0  # days
_WINDOWS: Final = 6
_PULL: Final = 5.0  # inverse variance of a normal prior on each coefficient, around the model's own answer
_LONGEST: Final = 16_384  # days, as in processors.lifecycle.silence
_TINY: Final = 1e-300
_MANY: Final = 300  # ends of a band that the slope of its tail follows
_FURTHEST: Final = 1.5  # by which the logarithm of that slope is moved at most, in so many steps
_STEPS: Final = 15
_NEAR: Final = 0.1  # of the promised share

Numbers = tuple[float, float, float, float]  # level, slope below and above an even chance, weight of the gap
AS_MODELLED: Final[tuple[Numbers, ...]] = ((0.0, 1.0, 1.0, 0.0),) * len(BANDS)
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """A policy's rule of silence: the model and what [silence] says. ``per_unit``: days of the model's unit."""

    bg: bool
    parameters: tuple[float, float, float, float]
    per_unit: float
    horizon_days: float
    return_below: float
    life_days: float = 0.0
    rhythm: float = 0.0
    intervals: float = 0.0
    calibration: tuple[Numbers, ...] = AS_MODELLED


@dataclass(frozen=True)
class Silences:
    """The time after each purchase day: of the customer's how many it is (from 0), and what was known then; days.

    ``tenure``: from the first purchase to this one; ``longest``: of the gaps up to it, 0 where there is none; ``gap``:
    until the next, inf where none is known by ``end``, the last day of the history.
    """

    customer: Integers
    day: Integers
    x: Floats
    tenure: Floats
    longest: Floats
    gap: Floats
    end: int

    def only(self, mask: Truths | Integers) -> "Silences":
        """Some of them."""
        return Silences(
            self.customer[mask],
            self.day[mask],
            self.x[mask],
            self.tenure[mask],
            self.longest[mask],
            self.gap[mask],
            self.end,
        )


@dataclass(frozen=True)
class Ends:
    """Ends that a rule would have announced, with a full horizon after each: how many, and how many came back."""

    announced: int
    came_back: int

    @property
    def share(self) -> float:
        """The share of them that came back; nan where there is none."""
        return self.came_back / self.announced if self.announced else math.nan


def silences_of(days: PurchaseDays, until: int | None = None) -> Silences:
    """Every silence up to the end of the day ``until``, by default the log's last one."""
    known = until_day(days, until)
    customer, day = known.customer, known.day
    begins = np.r_[True, customer[1:] != customer[:-1]]
    first = np.flatnonzero(begins)
    counts = np.diff(np.r_[first, len(day)])
    x = np.arange(len(day)) - np.repeat(first, counts)
    since = np.where(begins, 0, np.r_[0, np.diff(day)]).astype(float)
    # A running maximum that starts anew with each customer: gaps lie below any multiple of the customers' numbers.
    ceiling = float(since.max()) + 1.0 if len(since) else 1.0
    longest = np.maximum.accumulate(since + customer * ceiling) - customer * ceiling
    gap = np.r_[np.where(begins[1:], np.inf, np.diff(day)), np.inf] if len(day) else np.zeros(0)
    end = known.log_end if until is None else until
    return Silences(
        customer, day, x.astype(float), (day - np.repeat(day[first], counts)).astype(float), longest, gap, end
    )


def modelled(rule: Rule, of: Silences, silent: Floats) -> Floats:
    """P(return) of the model after so many days of silence; ``models.returning.p_return``, of many at once."""
    r, alpha, a, b = rule.parameters
    t_x, age = of.tenure / rule.per_unit, (of.tenure + silent) / rule.per_unit
    shape = r + of.x
    survived = b + of.x - (1.0 if rule.bg else 0.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        odds = a / survived * np.exp(np.minimum(shape * np.log1p((age - t_x) / (alpha + t_x)), 690.0))
        alive = np.where(rule.bg & (of.x < 1.0), 1.0, 1.0 / (1.0 + odds))
    buys = -np.expm1(-shape * np.log1p(rule.horizon_days / rule.per_unit / (alpha + age)))
    result: Floats = alive * buys
    return result


def bands_of(rule: Rule, of: Silences) -> Integers:
    """The band of each: bought once, tenure below the horizon, beyond it."""
    return np.where(of.x < 1.0, BAND_ONCE, np.where(of.tenure >= rule.horizon_days, BAND_KNOWN, BAND_NEW))


def _terms(rule: Rule, of: Silences, silent: Floats) -> tuple[Floats, Floats]:
    """The logit of the model's P(return), and ln(1 + silence / longest gap), 0 where no gap was shown."""
    p = np.clip(modelled(rule, of, silent), _TINY, 1.0 - 1e-15)
    return np.log(p) - np.log1p(-p), np.where(of.longest > 0, np.log1p(silent / np.maximum(of.longest, 1.0)), 0.0)


def p_return(rule: Rule, of: Silences, silent: Floats) -> Floats:
    """P(return), recalibrated; ``processors.models.returning.recalibrated``, of many at once."""
    logit, gap = _terms(rule, of, silent)
    told = np.array(rule.calibration)[bands_of(rule, of)]
    z = told[:, 0] + np.where(logit < 0.0, told[:, 1], told[:, 2]) * logit + told[:, 3] * gap
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0)))
    return result


def announced_after(rule: Rule, of: Silences) -> Floats:
    """After how many days of silence the rule announces each end; inf: not within 45 years."""
    low, high = np.zeros(len(of.day)), np.full(len(of.day), float(_LONGEST))
    never = p_return(rule, of, high) >= rule.return_below
    for _ in range(int(math.log2(_LONGEST))):
        middle = np.floor((low + high) / 2.0)
        below = p_return(rule, of, middle) < rule.return_below
        low, high = np.where(below, low, middle), np.where(below, middle, high)
    if rule.intervals > 0.0:
        latest = np.ceil(np.maximum(rule.intervals * of.tenure / np.maximum(of.x, 1.0), HALF_YEAR))
        several = of.x > 1.0
        high = np.where(several, np.where(never, latest, np.minimum(high, latest)), high)
        never &= ~several
    least = np.maximum(rule.life_days, np.where(of.x > 1.0, np.ceil(rule.rhythm * of.longest), 0.0))
    return np.where(never, np.inf, np.maximum(high, least))


def ends(rule: Rule, of: Silences, first_day: int | None = None) -> Ends:
    """What came of the ends that the rule would have announced, by default from the first day on."""
    after = announced_after(rule, of)
    counts = (of.gap > after) & (of.day + after + rule.horizon_days <= of.end)
    if first_day is not None:
        counts &= of.day + after >= first_day
    back = counts & (of.gap <= after + rule.horizon_days)
    return Ends(int(counts.sum()), int(back.sum()))


def _standing_on(of: Silences, cut: int) -> tuple[Silences, Floats]:
    """The silence in which each customer known on the day ``cut`` was then, and how long it had lasted."""
    last = (of.day <= cut) & (of.day + of.gap > cut)
    some = of.only(last)
    return some, (cut - some.day).astype(float)


def _past_days(rule: Rule, of: Silences) -> list[int]:
    """Days within the history with a full horizon after them and a history of some length before, the newest first."""
    first, horizon = int(of.day.min()), int(rule.horizon_days)
    newest, oldest = of.end - horizon, first + (of.end - first) // 4
    return [newest - i * max(horizon // 2, 1) for i in range(_WINDOWS) if newest - i * max(horizon // 2, 1) >= oldest]


def _regressed(logit: Floats, gap: Floats, back: Truths, with_gap: bool) -> Numbers:
    """Level, slopes (not below 0) and weight of the gap (not above 0) by logistic regression, drawn to (0, 1, 1, 0)."""
    from scipy.optimize import minimize

    matrix = np.column_stack([np.ones(len(logit)), np.minimum(logit, 0.0), np.maximum(logit, 0.0), gap])
    own = np.array(AS_MODELLED[0])

    def loss(told: Floats) -> tuple[float, Floats]:
        z, away = matrix @ told, told - own
        value = np.sum(np.logaddexp(0.0, z) - back * z) + _PULL / 2.0 * np.sum(away**2)
        return float(value), matrix.T @ (1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0))) - back) + _PULL * away

    bounds = [(-20.0, 20.0), (0.0, 5.0), (0.0, 5.0), (-20.0, 0.0) if with_gap else (0.0, 0.0)]
    level, low, high, weight = minimize(loss, own, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return level, low, high, weight


def _window(rule: Rule, some: Silences, silent: Floats) -> tuple[Floats, Floats, Integers, Truths]:
    logit, gap = _terms(rule, some, silent)
    return logit, gap, bands_of(rule, some), some.gap <= silent + rule.horizon_days


def calibrated(rule: Rule, of: Silences) -> Rule:
    """The rule with its calibration learnt from past days; without any it stays the model's own answer.

    A band whose customers were hardly ever as silent as those whose end is announced learns from all who came again:
    it can't show by itself what it would have to say.
    """
    stood = [_standing_on(of, cut) for cut in _past_days(rule, of)]
    if not stood:
        return rule
    windows = [_window(rule, *each) for each in stood]
    logit, gap = (np.concatenate([window[i] for window in windows]) for i in (0, 1))
    band = np.concatenate([window[2] for window in windows])
    back = np.concatenate([window[3] for window in windows])
    chance = min(2.0 * rule.return_below, 0.5)
    far = logit < math.log(chance / (1.0 - chance))
    told = []
    for which in range(len(BANDS)):
        inside = band == which
        if which != BAND_ONCE and (inside & far).sum() < FEWEST:
            inside = band != BAND_ONCE
        if inside.sum() < FEWEST:
            inside = np.ones(len(band), np.bool_)
        told.append(_regressed(logit[inside], gap[inside], back[inside], which != BAND_ONCE))
    return replace(rule, calibration=tuple(told))


def _with_slope(rule: Rule, which: int, factor: float) -> Rule:
    """The rule with the slope below an even chance of one band multiplied."""
    told = list(rule.calibration)
    level, low, high, weight = told[which]
    told[which] = (level, low * factor, high, weight)
    return replace(rule, calibration=tuple(told))


def _tuned(rule: Rule, of: Silences, which: int) -> Rule:
    """The rule with that slope made flatter, so that no more of a band's past ends came back than promised, to a tenth.

    As little as it takes, or as near to it as any slope gets; never steeper: ends that a short past does not show are
    no reason to announce others sooner.
    """
    some = of.only(bands_of(rule, of) == which)
    if ends(rule, some).announced < _MANY:
        return rule
    best, nearest = rule, math.inf
    for step in range(_STEPS + 1):
        tried = _with_slope(rule, which, math.exp(-_FURTHEST * step / _STEPS))
        seen = ends(tried, some)
        if seen.announced < FEWEST:
            continue
        away = max(seen.share - (1.0 + _NEAR) * rule.return_below, 0.0)
        if away < nearest:
            best, nearest = tried, away
        if away == 0.0:
            break
    return best


def learnt(rule: Rule, of: Silences) -> Rule:
    """The rule calibrated on past days, and its tail held against the ends that it would have announced.

    Days see every silence, ends only the moment in which it has become too long: the slope where ends are, and nothing
    else, follows these, band by band where the past holds enough of them.
    """
    told = calibrated(rule, of)
    for which in range(len(BANDS)):
        told = _tuned(told, of, which)
    return told
