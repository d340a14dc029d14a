"""What the value of one customer costs: evaluated for every row touched since yesterday, at the day's first tick."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure
from processors.discounting import bg_discounted, continuous_rate, mbg_discounted
from processors.spend import expected_spend

ROWS: Final = 100_000
ROUNDS: Final = 5
WEEKS_PER_YEAR: Final = 365.25 / 7
HORIZON: Final = 3 * WEEKS_PER_YEAR
BG: Final = (0.243, 4.414, 0.793, 2.426)
MBG: Final = (0.525, 6.183, 0.891, 1.614)
# Customers who hardly differ and buy like clockwork, where the series is at its longest.
REGULAR: Final = (20.0, 40.0, 0.5, 5.0)
SPEND: Final = (6.25, 3.74, 15.44)

Floats = npt.NDArray[np.float64]


def customers() -> tuple[Floats, Floats, Floats]:
    """(x, t_x, T) of a cohort of a year and a half, a third of whom have bought again, some of them often."""
    rng = np.random.default_rng(5)
    age = rng.uniform(0.0, 78.0, ROWS)
    x = np.where(rng.random(ROWS) < 0.34, rng.geometric(0.25, ROWS), 0).astype(np.float64)
    return x, np.where(x > 0, age * rng.random(ROWS), 0.0), age


def _loop(worth: Callable[..., float]) -> Callable[..., float]:
    def total(p: tuple[float, ...], x: Floats, t_x: Floats, age: Floats, horizon: float, delta: float) -> float:
        summed = 0.0
        for i in range(len(x)):
            purchases = worth(p[0], p[1], p[2], p[3], x[i], t_x[i], age[i], horizon, delta)
            summed += purchases * expected_spend(SPEND[0], SPEND[1], SPEND[2], x[i], 30.0)
        return summed

    compile_it: Any = numba.njit(error_model="numpy")
    compiled: Callable[..., float] = compile_it(total)
    return compiled


def cost_per_row() -> list[Figure]:
    """Nanoseconds for the present value of three years' purchases times the expected spend."""
    seen, delta = customers(), continuous_rate(0.1, WEEKS_PER_YEAR)
    figures = []
    for name, worth, parameters in (
        ("CLV of a row, MBG/NBD of CDNOW", mbg_discounted, MBG),
        ("CLV of a row, BG/NBD of CDNOW", bg_discounted, BG),
        ("CLV of a row, very regular customers", mbg_discounted, REGULAR),
    ):
        loop = _loop(worth)
        loop(parameters, *(column[:10] for column in seen), HORIZON, delta)
        spent = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            loop(parameters, *seen, HORIZON, delta)
            spent.append((time.perf_counter() - begin) / ROWS * 1e9)
        figures.append(Figure(name, median(spent), "ns", at_most=3000))
    return figures
