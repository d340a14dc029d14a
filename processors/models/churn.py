"""P(alive), the risk of silence, and the instants at which P(alive) crosses a threshold.

Two models of buying "till death". In both, a customer buys at a rate λ ~ Gamma(r, rate α) while alive, and after a
purchase ends the relationship with probability p ~ Beta(a, b). In BG/NBD (Fader, Hardie & Lee 2005, "Counting Your
Customers the Easy Way") only repeat purchases are followed by that coin flip, so a customer with a single purchase is
alive for certain. In MBG/NBD (Batislam, Denizel & Filiztekin 2007; Hoppe & Wagner 2007) the first purchase is too.

Arguments, everywhere in this order: ``r, alpha, a, b`` (all > 0); ``x``, repeat purchases (distinct purchase days less
one); ``t_x``, the time from the first purchase to the last (0 when x = 0); ``age``, the time from the first purchase to
now, the papers' T (``t_x <= age``). All times are in the unit of the parameters. Nothing is checked here: the policy
check and the fit do that.
"""

import math

from processors.compiled import compiled_leaf

# exp of more than this is no double; plain Python raises where compiled code yields inf.
_LARGEST_EXPONENT = 709.0


@compiled_leaf
def _p_alive(r: float, alpha: float, a: float, survived: float, x: float, t_x: float, age: float) -> float:
    """1 / (1 + a / survived · ((α+T) / (α+t_x))^(r+x)), ``survived`` being b plus the coin flips before the last."""
    log_odds = math.log(a / survived) + (r + x) * math.log1p((age - t_x) / (alpha + t_x))
    if log_odds > 0.0:
        against = math.exp(-log_odds)
        return against / (1.0 + against)
    return 1.0 / (1.0 + math.exp(log_odds))


@compiled_leaf
def mbg_p_alive(r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float) -> float:
    """P(alive) under MBG/NBD, valid from the first purchase on: Batislam, Denizel & Filiztekin 2007."""
    return _p_alive(r, alpha, a, b + x, x, t_x, age)


@compiled_leaf
def bg_p_alive(r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float) -> float:
    """P(alive) under BG/NBD, 1 while x = 0: Fader, Hardie & Lee 2008, "Computing P(alive) Using the BG/NBD Model"."""
    if x < 1.0:
        return 1.0
    return _p_alive(r, alpha, a, b + x - 1.0, x, t_x, age)


@compiled_leaf
def _crossing(r: float, alpha: float, a: float, survived: float, x: float, t_x: float, threshold: float) -> float:
    if threshold >= 1.0:
        return t_x
    if threshold <= 0.0:
        return math.inf
    # P(alive) = c solved for T, then written as an offset from t_x: (α+t_x)·e^y − α = t_x + (α+t_x)·(e^y − 1), which
    # keeps the digits when T* is close to t_x.
    y = (math.log((1.0 - threshold) / threshold) + math.log(survived / a)) / (r + x)
    if y <= 0.0:
        return t_x
    if y > _LARGEST_EXPONENT:
        return math.inf
    return t_x + (alpha + t_x) * math.expm1(y)


@compiled_leaf
def mbg_crossing(r: float, alpha: float, a: float, b: float, x: float, t_x: float, threshold: float) -> float:
    """The age T* at which MBG/NBD's P(alive) falls to ``threshold`` if no purchase comes, never before ``t_x``.

    T* = (α+t_x)·[(1−c)(b+x) / (c·a)]^(1/(r+x)) − α, by solving P(alive) = c for T. ``inf`` when no double holds it.
    """
    return _crossing(r, alpha, a, b + x, x, t_x, threshold)


@compiled_leaf
def bg_crossing(r: float, alpha: float, a: float, b: float, x: float, t_x: float, threshold: float) -> float:
    """The same under BG/NBD, with b+x−1 for b+x; ``inf`` while x = 0, because P(alive) stays 1."""
    if x < 1.0:
        return math.inf
    return _crossing(r, alpha, a, b + x - 1.0, x, t_x, threshold)


@compiled_leaf
def p_buys_alive(r: float, alpha: float, x: float, age: float, horizon: float) -> float:
    """P(at least one purchase in (T, T+h]) of a customer who is alive at T: 1 − ((α+T) / (α+T+h))^(r+x).

    Derived: who is alive has a rate λ ~ Gamma(r+x, α+T), in either model, and the next purchase takes only that rate.
    """
    return -math.expm1(-(r + x) * math.log1p(horizon / (alpha + age)))


@compiled_leaf
def mbg_p_no_purchase(
    r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """The risk under MBG/NBD: P(no purchase in (T, T+h]), gone or merely waiting. Derived; valid at x = 0."""
    return 1.0 - mbg_p_alive(r, alpha, a, b, x, t_x, age) * p_buys_alive(r, alpha, x, age, horizon)


@compiled_leaf
def bg_p_no_purchase(
    r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, horizon: float
) -> float:
    """The risk under BG/NBD: P(no purchase in (T, T+h]). Derived; at x = 0 it is only the chance of waiting longer."""
    return 1.0 - bg_p_alive(r, alpha, a, b, x, t_x, age) * p_buys_alive(r, alpha, x, age, horizon)
