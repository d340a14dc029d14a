"""Limits of another currency are told, and no others."""

import pytest

from processors import toml
from processors.policy.plausible import doubtful
from processors.policy.policy import find_problems
from streams.policies import PRESETS, preset_text


@pytest.mark.parametrize(
    ("currency", "high", "doubted"),
    [("USD", "1500.0", False), ("IDR", "1500.0", True), ("IDR", "30000000.0", False), ("JPY", "1500.0", False),
     ("VND", "2000.0", True), ("KRW", "1500.0", True), ("EUR", "5.0", True)],
)  # fmt: skip
def test_dollar_limits_in_another_currency_are_told(currency: str, high: str, doubted: bool) -> None:
    text = (
        preset_text().replace('currency = "USD"', f'currency = "{currency}"').replace("high = 1500.0", f"high = {high}")
    )
    text = text.replace("middle = 200.0", "middle = 1.0").replace("EUR = 1.08", "SEK = 1.08")
    assert find_problems(text) == []
    doubts = doubtful(text, toml.loads(text))
    assert [doubt.key for doubt in doubts] == ["value.high"] * doubted
    assert all(text.splitlines()[doubt.line - 1].startswith("high =") for doubt in doubts)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fits_its_currency(name: str) -> None:
    assert doubtful(preset_text(name), toml.loads(preset_text(name))) == []
