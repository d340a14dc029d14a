"""What each model says of the time after a day, from what was known on it, and what came."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.policy.policy import MS_PER_UNIT
from streams.fitting.estimate import Estimate, estimate
from streams.fitting.histories import Histories, histories_of
from streams.fitting.purchases import DAY_MS, PurchaseDays

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Customers known on the day ``cut``, and how many purchase days each had after it, up to the day ``end``.

    ``horizon``: the time between the two, in units.
    """

    seen: Histories
    actual: Floats
    cut: int
    end: int
    horizon: float


@dataclass(frozen=True)
class Forecast:
    """Per customer of a window: the risk of no purchase, P(alive), and expected purchases."""

    fitted: Estimate
    risk: Floats
    alive: Floats
    expected: Floats


def window(days: PurchaseDays, unit: str, cut: int, end: int) -> Window:
    """Split at the end of the day ``cut``. Raises ``NoPurchasesError`` when nobody has bought by then."""
    seen = histories_of(days, unit, cut)
    known = np.unique(days.customer[days.day <= cut])
    later = days.customer[(days.day > cut) & (days.day <= end)]
    actual = np.bincount(later, minlength=days.customers)[known].astype(np.float64)
    return Window(seen, actual, cut, end, (end - cut) / (MS_PER_UNIT[unit] // DAY_MS))


def _functions(model: str) -> tuple[Any, Any, Any]:
    from processors.models import churn, pareto, purchasing

    return {
        "mbgnbd": (churn.mbg_p_no_purchase, churn.mbg_p_alive, purchasing.mbg_expected_conditional),
        "bgnbd": (churn.bg_p_no_purchase, churn.bg_p_alive, purchasing.bg_expected_conditional),
        "paretonbd": (pareto.pareto_p_no_purchase, pareto.pareto_p_alive, pareto.pareto_expected_conditional),
    }[model]


MODELS: Final = ("mbgnbd", "bgnbd", "paretonbd")


def forecast(model: str, on: Window, fitted: Estimate | None = None) -> Forecast:
    """Fit on what was known, unless parameters are given, and forecast. Raises ``CannotFitError``."""
    fitted = fitted or estimate(model, on.seen)
    p, h = fitted.values, on.horizon
    risk, alive, expected = _functions(model)
    customers = list(zip(on.seen.x.astype(float).tolist(), on.seen.t_x.tolist(), on.seen.age.tolist(), strict=True))
    return Forecast(
        fitted,
        np.array([risk(*p, *customer, h) for customer in customers]),
        np.array([alive(*p, *customer) for customer in customers]),
        np.array([expected(*p, *customer, h) for customer in customers]),
    )
