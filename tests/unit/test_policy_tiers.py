"""`relasi policy tiers`: limits from values, in the policy's currency, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.command import relasi

from processors.policy.policy import Policy, read_policy
from streams.commands.held import SettingsProblem
from streams.commands.policy_tiers import tiers
from streams.commands.terminal import Terminal
from streams.policies import preset


class Values:
    """Reports that hold the values of some buyers, in minor units of a currency."""

    def __init__(self, *values: float, currency: str = "USD") -> None:
        self.values, self.currency = values, currency

    def create(self) -> None:
        raise AssertionError("only asked")

    def insert(self, table: str, rows: pa.Table) -> None:
        raise AssertionError("only asked")

    def insert_touchpoints(self, container: bytes) -> None:
        raise AssertionError("only asked")

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        assert parameters is not None
        values = self.values if parameters["currency"] == self.currency else ()
        shares = [float(str(parameters[name])) for name in ("middle", "high")]
        limits = np.quantile(values, shares) if values else [np.nan, np.nan]
        return pa.table({"limits": [list(limits)], "buyers": [len(values)]})

    def close(self) -> None:
        pass


class Screen:
    def __init__(self) -> None:
        self.out, self.err = "", ""
        self.terminal = Terminal(self._out, self._err, False)

    def _out(self, text: str) -> None:
        self.out += text

    def _err(self, text: str) -> None:
        self.err += text


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(preset().text)
    return path


TEN: tuple[float, ...] = tuple(10_000.0 * number for number in range(11))


def test_the_median_and_the_best_tenth_by_default(screen: Screen, file: Path) -> None:
    assert tiers(Values(*TEN), preset(), (0.5, 0.9), None, screen.terminal) == 0
    words = [line.split()[:2] for line in screen.out.splitlines()]
    assert words == [["11", "buyers,"], ["middle", "500.00"], ["high", "900.00"]]
    assert file.read_text() == preset().text


def test_limits_are_stored_and_nothing_else_changes(screen: Screen, file: Path) -> None:
    assert tiers(Values(*TEN), preset(), (0.3, 0.8), file, screen.terminal) == 0
    rules = read_policy(file.read_text()).rules
    assert (rules.tier_middle_minor, rules.tier_high_minor) == (30_000, 80_000)
    pairs = zip(preset().text.splitlines(), file.read_text().splitlines(), strict=True)
    assert [new.split()[0] for old, new in pairs if old != new] == ["middle", "high"]


def test_without_buyers_there_are_no_values(screen: Screen, file: Path) -> None:
    assert tiers(Values(*TEN, currency="EUR"), preset(), (0.5, 0.9), file, screen.terminal) == 1
    assert (screen.out, "nobody has bought anything in USD" in screen.err) == ("", True)
    assert file.read_text() == preset().text


@pytest.mark.parametrize("values", [(5.0,), (7.0, 7.0, 7.0), (-500.0, -400.0, 900.0)])
def test_values_that_give_no_tiers_store_nothing(values: tuple[float, ...], screen: Screen, file: Path) -> None:
    assert tiers(Values(*values), preset(), (0.5, 0.9), file, screen.terminal) == 1
    assert "no three tiers" in screen.err
    assert file.read_text() == preset().text


@pytest.mark.parametrize(
    "quantiles", [(0.9, 0.5), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0), (50.0, 90.0), (float("nan"), 0.9)]
)
def test_quantiles_that_are_none_are_refused(quantiles: tuple[float, float], screen: Screen) -> None:
    with pytest.raises(SettingsProblem, match="--quantiles"):
        tiers(Values(*TEN), preset(), quantiles, None, screen.terminal)


def yen() -> Policy:
    return read_policy(preset().text.replace('currency = "USD"', 'currency = "JPY"'))


def test_limits_of_another_currency_are_not_stored(screen: Screen, file: Path) -> None:
    with pytest.raises(SettingsProblem, match=r"mine\.toml: its amounts are in USD, but values are told in JPY"):
        tiers(Values(*TEN, currency="JPY"), yen(), (0.5, 0.9), file, screen.terminal)
    assert file.read_text() == preset().text


def test_limits_are_in_major_units_of_their_currency(screen: Screen, file: Path) -> None:
    file.write_text(yen().text)
    assert tiers(Values(*TEN, currency="JPY"), yen(), (0.5, 0.9), file, screen.terminal) == 0
    assert "50,000" in screen.out
    assert read_policy(file.read_text()).rules.tier_middle_minor == 50_000


def test_a_policy_that_cannot_be_used_is_not_written(screen: Screen, file: Path) -> None:
    file.write_text(preset().text.replace("prior = 2.0", "prior = -2.0"))
    with pytest.raises(SettingsProblem, match=r"mine\.toml:\d+: trust\.prior"):
        tiers(Values(*TEN), preset(), (0.5, 0.9), file, screen.terminal)
    file.write_text(preset().text.replace("[value]  ", "[value ]").replace("middle = 200.0", "middle = [\n200.0][0]"))
    before = file.read_text()
    with pytest.raises(SettingsProblem):
        tiers(Values(*TEN), preset(), (0.5, 0.9), file, screen.terminal)
    assert file.read_text() == before


def test_no_directory_is_made_for_the_question(tmp_path: Path) -> None:
    ran = relasi("policy", "tiers", "--data", tmp_path / "none")
    assert (ran.code, ran.out) == (1, "")
    assert "holds nothing yet" in ran.err
    assert not (tmp_path / "none").exists()
