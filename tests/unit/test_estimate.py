"""Maximum likelihood on the CDNOW sample, and on simulated customers who do not differ in their dropout."""

from collections.abc import Callable

import numpy as np
import pytest
from cdnow_purchases import calibration

from streams.fitting.estimate import CannotFitError, estimate
from streams.fitting.histories import Histories


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "published", "log_likelihood"),
    [
        ("bgnbd", (0.2426, 4.4136, 0.7929, 2.4259), -9582.43),
        ("mbgnbd", (0.525, 6.183, 0.891, 1.614), -9582.14),
    ],
)
def test_the_published_fits_of_the_cdnow_sample(
    model: str, published: tuple[float, ...], log_likelihood: float
) -> None:
    fitted = estimate(model, calibration("sample"))
    assert (fitted.r, fitted.alpha, fitted.a, fitted.b) == pytest.approx(published, rel=1e-3)
    assert fitted.log_likelihood == pytest.approx(log_likelihood, abs=0.01)
    assert fitted.customers == 2357
    assert not fitted.degenerate
    assert fitted.warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "log_likelihood"), [("sample", -9594.976), ("master", -95415.1)])
def test_pareto_nbd_on_cdnow(name: str, log_likelihood: float) -> None:
    fitted = estimate("paretonbd", calibration(name))
    assert list(fitted.parameters) == ["r", "alpha", "s", "beta"]
    assert fitted.log_likelihood == pytest.approx(log_likelihood, rel=1e-6)
    if name == "sample":
        assert fitted.values == pytest.approx((0.553, 10.578, 0.606, 11.669), rel=2e-3)
    assert not fitted.degenerate
    assert fitted.warnings == ()


@pytest.mark.slow
def test_pareto_nbd_recovers_its_parameters_and_sees_equal_rates_of_leaving() -> None:
    different = estimate("paretonbd", lifetimes(3, lambda rng: float(rng.gamma(0.8, 1 / 10.0))))
    assert not different.degenerate
    assert (different.r, different.alpha) == pytest.approx((0.6, 4.0), rel=0.25)
    assert different.parameters["s"] / different.parameters["beta"] == pytest.approx(0.08, rel=0.5)
    equal = estimate("paretonbd", lifetimes(9, lambda _: 0.05))
    assert equal.degenerate
    assert "dropout is degenerate: s and beta run away" in equal.warnings[0]
    assert equal.parameters["s"] / equal.parameters["beta"] == pytest.approx(0.05, rel=0.2)


def lifetimes(seed: int, leaving: Callable[[np.random.Generator], float]) -> Histories:
    """2,000 customers of Pareto/NBD with r = .6, alpha = 4, each with a rate of leaving from ``leaving``."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(2000):
        rate, age = rng.gamma(0.6, 1 / 4.0), rng.uniform(20.0, 40.0)
        lived = min(age, rng.exponential(1 / leaving(rng)))
        x = rng.poisson(rate * lived)
        rows.append((x, float(np.max(rng.uniform(0.0, lived, x), initial=0.0)), age))
    x_column, t_x, ages = (np.array(column) for column in zip(*rows, strict=True))
    return Histories(x_column, t_x, ages, 0, 0)


def simulated(seed: int, dropout: Callable[[np.random.Generator], float], weeks: float = 40.0) -> Histories:
    """2,000 customers of MBG/NBD with r = .6, alpha = 4, each with a dropout probability from ``dropout``."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(2000):
        rate, leaves, age = rng.gamma(0.6, 1 / 4.0), dropout(rng), rng.uniform(weeks / 2, weeks)
        x, last = 0, 0.0
        while rng.random() >= leaves and (at := last + rng.exponential(1 / rate)) <= age:
            x, last = x + 1, at
        rows.append((x, last, age))
    x_column, t_x, ages = (np.array(column) for column in zip(*rows, strict=True))
    return Histories(x_column, t_x, ages, 0, 0)


def test_parameters_are_recovered_from_simulated_customers() -> None:
    fitted = estimate("mbgnbd", simulated(3, lambda rng: float(rng.beta(0.8, 2.4))))
    assert not fitted.degenerate
    assert (fitted.r, fitted.alpha) == pytest.approx((0.6, 4.0), rel=0.25)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(0.25, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
def test_equal_dropout_is_seen_to_be_degenerate(model: str) -> None:
    fitted = estimate(model, simulated(5, lambda _: 0.2))
    assert fitted.degenerate
    assert fitted.a + fitted.b == pytest.approx(1e7)
    assert "dropout is degenerate" in fitted.warnings[0]
    if model == "mbgnbd":
        assert fitted.a / (fitted.a + fitted.b) == pytest.approx(0.2, abs=0.05)


def test_customers_without_a_second_purchase_cannot_be_fitted() -> None:
    once = Histories(np.zeros(9, np.int64), np.zeros(9), np.linspace(1.0, 9.0, 9), 0, 0)
    with pytest.raises(CannotFitError, match="none of the 9 customers has bought on a second day"):
        estimate("mbgnbd", once)
