"""The question that `relasi policy tiers` asks, on the engines that answer it."""

from typing import Any

import pytest

from streams.commands.policy_tiers import VALUES
from streams.reports.sink import Sink

# Of eleven buyers in dollars; one in euros and one who has never bought, both of whom would move every limit.
PROFILES = """(
    SELECT number * 100. AS clv_minor, 1 AS purchases, 'USD' AS currency FROM numbers(11)
    UNION ALL SELECT 1e9, 1, 'EUR'
    UNION ALL SELECT -1e9, 0, 'USD'
)"""


@pytest.mark.parametrize(
    ("currency", "middle", "high", "limits", "buyers"),
    [("USD", 0.5, 0.9, [500.0, 900.0], 11), ("USD", 0.25, 0.75, [250.0, 750.0], 11), ("EUR", 0.1, 0.2, [1e9, 1e9], 1)],
)
def test_limits_come_from_those_who_bought_in_that_currency(
    sink: Sink, currency: str, middle: float, high: float, limits: list[float], buyers: int
) -> None:
    sql = VALUES.replace("FROM profiles", f"FROM {PROFILES}")
    assert sql != VALUES
    found: list[dict[str, Any]] = sink.query(sql, {"middle": middle, "high": high, "currency": currency}).to_pylist()
    assert found == [{"limits": limits, "buyers": buyers}]


def test_without_buyers_none_are_counted(sink: Sink) -> None:
    sql = VALUES.replace("FROM profiles", f"FROM {PROFILES}")
    (row,) = sink.query(sql, {"middle": 0.5, "high": 0.9, "currency": "JPY"}).to_pylist()
    assert row["buyers"] == 0
