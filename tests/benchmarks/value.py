"""What the value of one customer costs: evaluated for every row touched since yesterday, at the day's first tick."""

import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure
from processors.models.churn import bg_p_alive, mbg_p_alive
from processors.models.discounting import continuous_rate, discounted_alive
from processors.models.spend import expected_spend

ROWS: Final = 50_000
# As the textbook has it, with scipy: a few are enough.
FEW: Final = 100
ROUNDS: Final = 5
WEEKS_PER_YEAR: Final = 365.25 / 7
HORIZON: Final = 3 * WEEKS_PER_YEAR
BG: Final = (0.243, 4.414, 0.793, 2.426)
MBG: Final = (0.525, 6.183, 0.891, 1.614)
# Customers who hardly differ and buy like clockwork, where the series is at its longest.
REGULAR: Final = (20.0, 40.0, 0.5, 5.0)
SPEND: Final = (6.25, 3.74, 15.44)

Floats = npt.NDArray[np.float64]
Customers = tuple[Floats, Floats, Floats]


def customers() -> Customers:
    """(x, t_x, T) of a cohort of a year and a half, a third of whom have bought again, some of them often."""
    rng = np.random.default_rng(5)
    age = rng.uniform(0.0, 78.0, ROWS)
    x = np.where(rng.random(ROWS) < 0.34, rng.geometric(0.25, ROWS), 0).astype(np.float64)
    return x, np.where(x > 0, age * rng.random(ROWS), 0.0), age


def _bg(r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, h: float, delta: float) -> float:
    return bg_p_alive(r, alpha, a, b, x, t_x, age) * discounted_alive(r + x, alpha + age, a, b + x, h, delta)


def _mbg(r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, h: float, delta: float) -> float:
    return mbg_p_alive(r, alpha, a, b, x, t_x, age) * discounted_alive(r + x, alpha + age, a, b + x + 1.0, h, delta)


def _loop(model: Callable[..., float]) -> Callable[..., float]:
    compile_it: Any = numba.njit(error_model="numpy")
    worth = compile_it(model)

    def total(p: tuple[float, ...], x: Floats, t_x: Floats, age: Floats, horizon: float, delta: float) -> float:
        summed = 0.0
        for i in range(len(x)):
            purchases = worth(p[0], p[1], p[2], p[3], x[i], t_x[i], age[i], horizon, delta)
            summed += purchases * expected_spend(SPEND[0], SPEND[1], SPEND[2], x[i], 30.0)
        return summed

    compiled: Callable[..., float] = compile_it(total)
    return compiled


def _with_scipy(p: tuple[float, ...], x: Floats, t_x: Floats, age: Floats, horizon: float, delta: float) -> float:
    """The same under MBG/NBD by adaptive quadrature of the intensity with 2F1."""
    from scipy.integrate import quad
    from scipy.special import hyp2f1

    r, alpha, a, b = p
    summed = 0.0
    for n, last, now in zip(x.tolist(), t_x.tolist(), age.tolist(), strict=True):
        shape, rate = r + n, alpha + now

        def intensity(s: float, n: float = n, shape: float = shape, rate: float = rate) -> float:
            return math.exp(-delta * s) * float(hyp2f1(shape + 1.0, a, a + b + n + 1.0, -s / rate))

        alive = mbg_p_alive(r, alpha, a, b, n, last, now)
        purchases = alive * shape / rate * quad(intensity, 0.0, horizon, epsabs=0.0, epsrel=1e-6)[0]
        summed += purchases * expected_spend(*SPEND, n, 30.0)
    return summed


def _cost(total: Callable[..., float], p: tuple[float, ...], seen: Customers, delta: float) -> float:
    """Nanoseconds a customer."""
    begin = time.perf_counter()
    total(p, *seen, HORIZON, delta)
    return (time.perf_counter() - begin) / len(seen[0]) * 1e9


def cost_per_row() -> list[Figure]:
    """The present value of three years' purchases times the expected spend, beside scipy's in the same run."""
    seen, delta = customers(), continuous_rate(0.1, WEEKS_PER_YEAR)
    few: Customers = (seen[0][:FEW], seen[1][:FEW], seen[2][:FEW])
    named = (("MBG/NBD of CDNOW", _mbg, MBG), ("BG/NBD of CDNOW", _bg, BG),
             ("very regular customers", _mbg, REGULAR))  # fmt: skip
    loops = {name: (_loop(worth), p) for name, worth, p in named}
    first, own = loops["MBG/NBD of CDNOW"]
    apart = abs(first(own, *few, HORIZON, delta) / _with_scipy(own, *few, HORIZON, delta) - 1.0)
    spent: dict[str, list[float]] = {name: [] for name in loops}
    ratios = []
    for total, p in loops.values():
        total(p, *few, HORIZON, delta)
    for _ in range(ROUNDS):
        for name, (total, p) in loops.items():
            spent[name].append(_cost(total, p, seen, delta))
        ratios.append(_cost(_with_scipy, own, few, delta) / spent["MBG/NBD of CDNOW"][-1])
    return [
        *(Figure(f"CLV of a row, {name}", median(costs), "ns") for name, costs in spent.items()),
        Figure("  adaptive quadrature with scipy over ours", median(ratios), "x", at_least=15),
        Figure("  relative difference of the two, times 10³", apart * 1e3, "", at_most=1),
    ]
