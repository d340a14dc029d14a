"""Forecasts held against what came: on CDNOW with its bars, on shops that are not CDNOW, and without a look ahead."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.truth import figures, purchases, table_of
from support.command import done, relasi
from support.simulated_shop import GROCERY, MAPPING, RETAIL, write

from streams.fitting.estimate import CannotFitError
from streams.fitting.purchases import PurchaseDays
from streams.fitting.recalibration import learn
from streams.fitting.truth import ALIVE, HIATUS, RECALIBRATED, REGULAR, ZERO, truth
from streams.fitting.worth import MODEL, NAIVE, OWN_MEAN


def test_every_bar_is_met_on_the_cdnow_sample(tmp_path: Path) -> None:
    table = table_of("sample", tmp_path)
    missed = [figure.line() for figure in figures("sample", table) if not figure.met]
    assert missed == []
    assert (table.customers, round(table.silent, 3)) == (2357, 0.710)
    # CDNOW's customers are not regular, so that nothing is spoilt.
    for figure in ("r", "rmse", "auc", "brier", "ece", "lift"):
        assert getattr(table.of(REGULAR), figure) == pytest.approx(getattr(table.of("mbgnbd"), figure), rel=1e-6)
    # Why churn is never ranked by BG/NBD's P(alive), and what the naive forecasts are worth.
    assert table.of(ALIVE).auc == pytest.approx(0.316, abs=0.001)
    assert table.of(ZERO).auc == 0.5
    assert table.of("mbgnbd").rmse < table.of(ZERO).rmse
    assert table.of("mbgnbd").rmse < table.of(HIATUS).rmse
    assert table.of("mbgnbd").brier < table.of(HIATUS).brier


def figures_of(path: Path, *more: str) -> dict[str, dict[str, Any]]:
    answer = json.loads(done("truth", path, *MAPPING, "--format", "json", *more))
    return {row["forecast"]: row for row in answer["rows"]}


def test_what_customers_spend_is_forecast_best_by_both_models(tmp_path: Path) -> None:
    path = write(RETAIL, 1, tmp_path / "retail.csv")
    answer = json.loads(
        done("truth", path, *MAPPING, "--format", "json", "--until", "2024-01-31", "--end", "2024-07-01")
    )
    found = {way["name"]: way for way in answer["worth"]}
    assert found[MODEL]["rmse"] < found[OWN_MEAN]["rmse"] < found[NAIVE]["rmse"]
    assert found[MODEL]["r"] > found[NAIVE]["r"]
    assert 0.8 < found[MODEL]["total"] < 1.2
    without = json.loads(done("truth", path, *MAPPING[:4], *MAPPING[6:], "--format", "json"))
    assert without["worth"] == []


def test_a_shop_with_returns_zero_amounts_and_guests_is_forecast(tmp_path: Path) -> None:
    found = figures_of(write(RETAIL, 1, tmp_path / "retail.csv"), "--until", "2024-03-01", "--end", "2024-05-30")
    model = found["mbgnbd"]
    assert model["auc"] > found[HIATUS]["auc"]
    assert model["brier"] < 0.9 * found[HIATUS]["brier"]
    assert model["rmse"] < 0.95 * found[HIATUS]["rmse"]
    assert model["r"] > found[HIATUS]["r"]
    assert model["ece"] < 0.05
    assert abs(found[RECALIBRATED]["brier"] - model["brier"]) < 0.01


def test_regular_customers_are_forecast_better_by_regular_waiting_times_or_by_the_past(tmp_path: Path) -> None:
    found = figures_of(write(GROCERY, 2, tmp_path / "grocery.csv"))
    assert found[REGULAR]["note"] == "k = 4: regular waiting times"
    assert found[REGULAR]["brier"] < 0.75 * found["mbgnbd"]["brier"]
    assert found[REGULAR]["ece"] < 0.5 * found["mbgnbd"]["ece"]
    assert found[REGULAR]["rmse"] < found["mbgnbd"]["rmse"]
    assert found[RECALIBRATED]["brier"] < 0.85 * found["mbgnbd"]["brier"]
    assert found[RECALIBRATED]["brier"] < 0.8 * found[HIATUS]["brier"]
    assert found["mbgnbd"]["rmse"] < 0.85 * found[HIATUS]["rmse"]
    assert found["mbgnbd"]["auc"] > 0.95


def test_no_forecast_looks_ahead(tmp_path: Path) -> None:
    """What comes after the cut may change how good a forecast was, never the forecast: here it becomes worthless."""
    days = purchases("sample", tmp_path)
    cut = int(np.datetime64("1997-09-30", "D").astype(np.int64))
    before = days.day <= cut
    chance = np.random.default_rng(1)
    known, moved = np.unique(days.customer[before]), days.customer.copy()
    moved[~before] = chance.choice(known, int((~before).sum()))
    order = np.lexsort((days.day, moved))
    shuffled = PurchaseDays(moved[order], days.day[order], days.spent[order], (), days.log_end)
    for row in truth(shuffled, "week", cut).rows:
        if row.name != ZERO:
            assert row.metrics.auc == pytest.approx(0.5, abs=0.03), row.name


def test_the_correction_is_the_model_itself_where_nothing_speaks_against_it() -> None:
    chance = np.random.default_rng(3)
    risk, beside = chance.uniform(0.02, 0.98, 20_000), chance.normal(size=(20_000, 2))
    corrected = learn(risk, beside, chance.random(20_000) < risk)
    assert np.abs(corrected(risk, beside) - risk).mean() < 0.01
    # With five cases of evidence the prior holds.
    corrected = learn(risk[:5], beside[:5], np.ones(5, np.bool_))
    assert np.abs(corrected(risk, beside) - risk).max() < 0.25


def test_the_correction_finds_what_the_model_leaves_out() -> None:
    chance = np.random.default_rng(4)
    risk, beside = chance.uniform(0.05, 0.95, 20_000), chance.normal(size=(20_000, 1))
    true = 1.0 / (1.0 + np.exp(-(0.5 * np.log(risk / (1 - risk)) - 0.8 + 1.5 * beside[:, 0])))
    corrected = learn(risk, beside, chance.random(20_000) < true)
    assert np.abs(corrected(risk, beside) - true).max() < 0.06


def test_a_log_that_cannot_be_split_says_why(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,occurred_at,kind\nann,2024-01-01,order_completed\nann,2024-03-01,order_completed\n")
    for words, said in (
        ((), "none of the 1 customers has bought on a second day"),
        (("--until", "2024-03-01"), "a split at 2024-03-01 leaves nothing on one side"),
        (("--until", "2023-01-01"), "the log goes from 2024-01-01 to 2024-03-01"),
    ):
        ran = relasi("truth", path, *words)
        assert ran.code == 1
        assert said in ran.err
    assert relasi("truth").code == 2
    with pytest.raises(CannotFitError, match="leaves nothing"):
        truth(PurchaseDays(np.array([0]), np.array([5]), np.array([1.0]), (), 5), "week")


def test_the_table_names_its_columns(tmp_path: Path) -> None:
    said = done("truth", write(RETAIL, 3, tmp_path / "retail.csv"), *MAPPING, "--unit", "day")
    lines = said.splitlines()
    assert lines[1].split() == ["r", "RMSE", "AUC", "Brier", "ECE", "lift"]
    assert lines[2].split()[:3] == ["nobody", "buys", "-"]
    assert [line.split("  ")[1] for line in lines[-4:]] == ["what they spent", NAIVE, OWN_MEAN, MODEL]
    assert "estimated from this data until " in lines[-5]
    assert len(lines) == 16
