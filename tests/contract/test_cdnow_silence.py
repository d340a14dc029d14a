"""The whole engine on CDNOW's cohort: what silence ends is what the closed form says, customer by customer."""

import re
from pathlib import Path

import numpy as np
import pytest
from cdnow_purchases import FOLDER, LOG_END, calibration, day_number, purchases

from processors.lifecycle.facts import CAUSE_SILENCE
from processors.models.churn import mbg_crossing
from processors.policy.policy import Policy, read_policy
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.clock import now_ms
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.fitting.estimate import Estimate, estimate
from streams.imports.mapping import read_mapping
from streams.imports.prepare import prepare
from streams.log.batches import read_batches
from streams.log.touchpoints import touchpoints_with_ticks
from streams.log.writing import record_batches
from streams.outputs.columns import slices

MAPPING = Path(__file__).parents[2] / "docs" / "mappings" / "cdnow.toml"
DAY_MS = 86_400_000


def policy_of(fit: Estimate) -> Policy:
    """A policy of version 1 with fitted parameters; orders of nothing count, as in the published fits."""
    text = (Path(__file__).parents[1] / "data" / "policies_1" / "commerce.toml").read_text()
    numbers = {"r": fit.r, "alpha": fit.alpha, "a": fit.a, "b": fit.b, "minimum_amount": 0.0}
    for key, value in numbers.items():
        text = re.sub(rf"(?m)^{key} = \S+", f"{key} = {value!r}", text)
    return read_policy(text)


def silences(policy: Policy, folder: Path) -> set[tuple[str, int]]:
    """(customer, instant) of every relationship that silence ended, as the partition publishes them."""
    registry = FileRegistry()
    partition = Partition(0, policy, look_up_all(registry))
    found: set[tuple[str, int]] = set()
    time = 0
    source = str(FOLDER / "CDNOW_master.txt.gz")
    with prepare(source, read_mapping(MAPPING), as_arrived=False, workdir=folder, now=now_ms()) as prepared:
        for batch in prepared.batches():
            keys, bodies, time = touchpoints_with_ticks(batch, registry, time)
            for data, first, _ in record_batches(keys, bodies, partition.next_offset, 0):
                applied = partition.apply(read_batches(data, first))
                assert not isinstance(applied, Refused)
                ended = applied.facts[applied.facts["cause"] == CAUSE_SILENCE]
                names = slices(partition.table.ids, *partition.ids(ended["row"])).to_pylist()
                found.update(zip(names, ended["at"].tolist(), strict=True))
    return found


def expected(fit: Estimate, threshold: float) -> set[tuple[str, int]]:
    """The same from the purchase days alone."""
    end = day_number(LOG_END) * DAY_MS
    pairs = purchases("master")
    found = set()
    for days in np.split(pairs, np.flatnonzero(np.diff(pairs[:, 0])) + 1):
        first = int(days[0, 1])
        for x, day in enumerate(days[:, 1].tolist()):
            until = int(days[x + 1, 1]) * DAY_MS if x + 1 < len(days) else end
            age = mbg_crossing(fit.r, fit.alpha, fit.a, fit.b, float(x), (day - first) / 7, threshold)
            at = first * DAY_MS + int(np.ceil(age * 7 * DAY_MS))
            if at <= until:
                found.add((f"{days[0, 0]:05d}", at))
    return found


@pytest.mark.slow
def test_silence_ends_what_the_closed_form_says(tmp_path: Path) -> None:
    fit = estimate("mbgnbd", calibration("master"))
    found = silences(policy_of(fit), tmp_path)
    assert found == expected(fit, 0.5)
    assert len(found) == pytest.approx(29_505, abs=1)
