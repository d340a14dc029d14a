"""Customer lifetime value: the net present value of a customer's purchases to come, referrals included, cost deducted.

CLV = P(alive) · [DET · E(spend) · margin + (referrals a year · value of one − cost to serve a year) · annuity], with
DET the discounted expected transactions of a living customer within the horizon (processors.models.discounting) and
E(spend) Gamma-Gamma's conditional mean of the spend per purchase day (processors.models.spend; Fader, Hardie & Lee
2005). Referrals and cost go on at their faded rates. After an explicit exit nothing is to come.
"""

from typing import Final

from processors.compiled import compiled_leaf
from processors.judgements.bonds import QUARTER_DAYS
from processors.lifecycle.stages import exit_at
from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.discounting import continuous_rate, discounted_alive
from processors.models.spend import expected_spend
from processors.policy.rules import BG, Rules
from processors.row.calendar import count_days
from processors.row.decay import MS_PER_DAY
from processors.row.layout import NEVER, NONE, Row
from processors.row.sums import SUM_COST, SUM_REFERRALS, factor, window_days

TIER_LOW: Final = 1  # as judgements.TIERS
TIER_MIDDLE: Final = 2
TIER_HIGH: Final = 3
TIER_NOT_KNOWN: Final = 4
YEAR_DAYS: Final = 365.25


@compiled_leaf
def margin_share(row: Row, rules: Rules) -> float:
    """Margin of what was kept, −1 to 1; the policy's share where nothing was."""
    kept = float(row.spend_minor - row.refunded_minor)
    if kept <= 0.0:
        return float(rules.margin_share)
    return float(min(max(row.margin_minor / kept, -1.0), 1.0))


@compiled_leaf
def has_left(row: Row) -> bool:
    """Whether an explicit exit stands."""
    return bool(exit_at(row, row.episode_at) != NEVER)


@compiled_leaf
def annuity(annual_rate: float, years: float) -> float:
    """Present value of 1 a year, paid continuously for so many years."""
    delta = continuous_rate(annual_rate, 1.0)
    if delta <= 0.0:
        return years
    return float((1.0 - 2.718281828459045 ** (-delta * years)) / delta)


@compiled_leaf
def clv(row: Row, rules: Rules, at: int) -> float:
    """CLV within the policy's horizon at ``at`` (ms), in minor units; 0 before a first purchase and after an exit."""
    if row.last_purchase_at == NONE or has_left(row):
        return 0.0
    days = float(count_days(row))
    age = max(at - row.first_purchase_at, row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    t_x = (row.last_purchase_at - row.first_purchase_at) / rules.unit_ms
    r, alpha, a, b = rules.r, rules.alpha, rules.a, rules.b
    delta = continuous_rate(rules.annual_rate, YEAR_DAYS * MS_PER_DAY / rules.unit_ms)
    horizon = rules.clv_horizon_ms / rules.unit_ms
    survived = b + days - 1.0 if rules.model == BG else b + days
    if rules.model == BG:
        alive = bg_p_alive(r, alpha, a, b, days - 1.0, t_x, age)
    else:
        alive = mbg_p_alive(r, alpha, a, b, days - 1.0, t_x, age)
    purchases = discounted_alive(r + days - 1.0, alpha + age, a, survived, horizon, delta)
    mean = max(float(row.spend_minor - row.refunded_minor), 0.0) / days
    spend = expected_spend(rules.gg_p, rules.gg_q, rules.gg_gamma, days, mean)
    return float(alive * (purchases * spend * margin_share(row, rules) + _beside_purchases(row, rules, at)))


@compiled_leaf
def expected_value(row: Row, rules: Rules, purchases: float) -> float:
    """What so many expected purchases bring, minor units: each the expected spend, net of what goes back."""
    days = float(count_days(row))
    mean = max(float(row.spend_minor - row.refunded_minor), 0.0) / days
    return float(purchases * expected_spend(rules.gg_p, rules.gg_q, rules.gg_gamma, days, mean))


@compiled_leaf
def _yearly(row: Row, rules: Rules, at: int, which: int, base: float) -> float:
    """A faded sum as a rate a year. Of version 2 it is drawn to the ``base``'s, which weighs as the policy's days.

    So one chat in a life is not a rate of four a year: the mean of a Gamma prior and what was seen.
    """
    left = factor(row.last_at, at, rules.memory_half_life)
    seen = row.sums[which] * left
    if rules.version < 2:
        return float(seen * YEAR_DAYS / window_days(row.first_at, at, rules.memory_half_life, QUARTER_DAYS))
    days = window_days(row.first_at, at, rules.memory_half_life, 0.0)
    prior = rules.prior_days
    if days + prior <= 0.0:
        return base
    return float((seen * YEAR_DAYS + base * prior) / (days + prior))


@compiled_leaf
def _beside_purchases(row: Row, rules: Rules, at: int) -> float:
    """Present value of referrals less cost to serve of a living customer."""
    referrals = _yearly(row, rules, at, SUM_REFERRALS, rules.referrals)
    worth = referrals * rules.referral_minor - _yearly(row, rules, at, SUM_COST, rules.service_minor)
    return float(worth * annuity(rules.annual_rate, rules.clv_horizon_ms / (YEAR_DAYS * MS_PER_DAY)))


@compiled_leaf
def value_tier(row: Row, rules: Rules, clv_minor: float, published: int) -> int:
    """The tier of a customer; ``published``: the one that stands, 0 before the first judgement.

    Who never bought has none. What a customer who has left was worth stays what was known: it says how much a win-back
    may cost.
    """
    if rules.version > 1 and row.last_purchase_at == NONE:
        return TIER_NOT_KNOWN
    if not has_left(row):
        return tier(rules, clv_minor, published)
    unknown = TIER_NOT_KNOWN if rules.version > 1 else TIER_LOW
    return published if published != 0 else unknown


@compiled_leaf
def can_fall(tier: int) -> bool:
    """Whether silence alone can lower a tier."""
    return tier in (TIER_MIDDLE, TIER_HIGH)


@compiled_leaf
def tier(rules: Rules, clv_minor: float, published: int) -> int:
    """The tier of a CLV. One that was published is left only beyond the policy's hysteresis."""
    up, down = 1.0 + rules.hysteresis, 1.0 - rules.hysteresis
    known = published not in (0, TIER_NOT_KNOWN)
    middle = rules.tier_middle_minor * ((up if published == TIER_LOW else down) if known else 1.0)
    high = rules.tier_high_minor * ((down if published == TIER_HIGH else up) if known else 1.0)
    if clv_minor >= high:
        return TIER_HIGH
    return TIER_MIDDLE if clv_minor >= middle else TIER_LOW
