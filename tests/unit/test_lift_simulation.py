"""Few runs of the experiments of ``make truth``: nobody is misled by looking every day, and what is there is found."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from support.lift_simulation import OUTCOMES, Experiment, Verdicts, arms, looks, made_up, verdicts

from streams.reports.chdb import ChdbSink

RUNS: Final = 25


def said(folder: Path, experiment: Experiment, runs: int = RUNS) -> Verdicts:
    sink = ChdbSink(folder / "reports")
    try:
        rows = list(looks(sink, folder, made_up(20_000, np.random.default_rng(4)), experiment, runs, 5))
    finally:
        sink.close()
    assert len(rows) == runs * experiment.looks * len(OUTCOMES)
    return verdicts(iter(rows), experiment, runs)


def test_where_there_is_nothing_to_find_sixty_looks_find_nothing(tmp_path: Path) -> None:
    found = said(tmp_path, Experiment(3_000, 60, 0.3))
    # At 5 % more than 4 of 25 come in 7 of 100 seeds; of 60 plain intervals at least 5 would.
    assert max(found.found.values()) <= 4 / RUNS
    assert found.alarmed == 0


def test_what_is_there_is_found_as_often_as_computed(tmp_path: Path) -> None:
    found = said(tmp_path, Experiment(12_000, 3, 0.5, effect=0.05))
    assert found.brings["bought"] >= 0.9
    assert found.at_last["bought"] == pytest.approx(found.computed["bought"], abs=0.15)
    assert found.alarmed == 0


def test_arms_of_another_size_than_promised_raise_the_alarm(tmp_path: Path) -> None:
    found = said(tmp_path, Experiment(6_000, 1, 0.1, truly=0.07), runs=10)
    assert found.alarmed == 1
    assert set(found.found.values()) == {0}  # and then there is no verdict


def test_arms_are_of_the_promised_size_and_independent_of_each_other() -> None:
    """Of 20,000 ids and two rules."""
    hashes = made_up(20_000, np.random.default_rng(1)).hashes
    one, other = arms(hashes, 1, 0.1), arms(hashes, 2, 0.1)
    for held in (one, other):
        assert abs(held.sum() - 2000) < 4 * np.sqrt(20_000 * 0.1 * 0.9)
    assert abs((one & other).sum() - 200) < 4 * np.sqrt(20_000 * 0.01 * 0.99)
    assert (arms(hashes, 1, 0.05) <= one).all()  # who is held stays so when the share grows
