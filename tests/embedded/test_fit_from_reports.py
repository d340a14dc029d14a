"""`relasi fit --from-reports` and `relasi truth --from-reports`: the reports say what the file said."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import done, relasi
from support.running import running
from support.simulated_shop import MAPPING, RETAIL, write

from streams.embedded.lock import DirectoryLock

NO_TICKS = ("--tick-seconds", "86400")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(RETAIL, 1, tmp_path_factory.mktemp("retail") / "retail.csv")


@pytest.fixture(scope="module")
def shop(log: Path) -> Path:
    """A directory with the same log."""
    data = log.with_name("data")
    relasi("import", log, *MAPPING, "--data", data)
    return data


def fitted(*words: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done("fit", *words, "--format", "json"))
    return answer


def same(one: Any, other: Any) -> bool:
    """Equal, numbers to what a search in another order of customers leaves open."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == pytest.approx(other, rel=1e-3)) if isinstance(one, float) else bool(one == other)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mbgnbd", "gammagamma"])
def test_the_reports_give_the_parameters_of_the_file(model: str, log: Path, shop: Path) -> None:
    words = ("--model", model, "--segment", "channel", "--until", "2024-05-31")
    from_reports = fitted("--from-reports", "--data", shop, *words)
    assert same(from_reports, fitted(log, *MAPPING, *words))
    assert {segment["segment"] for segment in from_reports["segments"]} == {"shop", "store"}


@pytest.mark.slow
def test_the_process_that_holds_the_directory_is_asked(shop: Path) -> None:
    words = ("--from-reports", "--data", shop, "--model", "gammagamma", "--segment", "first_month")
    alone = fitted(*words)
    with running(shop, *NO_TICKS):
        assert same(fitted(*words), alone)
        ran = relasi("truth", "--from-reports", "--data", shop, "--format", "json")
    assert ran.code == 0, ran
    assert json.loads(ran.out) == json.loads(done("truth", "--from-reports", "--data", shop, "--format", "json"))


def test_parameters_go_to_the_policy_that_says_what_a_purchase_is(shop: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'name = "shop"\ncurrency = "USD"\n[churn]\nr = 1.0\n[kinds]\nstore_visited = { purchase = true }\n'
    )
    ran = relasi("fit", "--from-reports", "--data", shop, "--write", policy)
    assert ran.code == 1
    assert "none of the 0 rows" in ran.err or "holds no rows" in ran.err
    policy.write_text(policy.read_text().replace("store_visited", "order_completed"))
    params = fitted("--from-reports", "--data", shop, "--write", policy)["params"]
    assert f"r = {params['r']!r}" in policy.read_text()


def test_what_cannot_be_read_says_why(shop: Path, tmp_path: Path) -> None:
    ran = relasi("fit", "--from-reports", "--data", tmp_path / "nothing")
    assert (ran.code, ran.err.count("holds nothing yet")) == (1, 1)
    assert not (tmp_path / "nothing").exists()
    with DirectoryLock(shop, "relasi import"):
        ran = relasi("fit", "--from-reports", "--data", shop)
    assert ran.code == 1
    assert "is used by process" in ran.err
