"""What the reports are told of a policy: the numbers that views need."""

from datetime import UTC, datetime

from processors.policy.policy import read_policy
from streams.engine.results import PolicyChange
from streams.outputs.policies import policies_table
from streams.policies import preset


def test_a_policy_says_what_it_converts_and_the_least_purchase() -> None:
    text = preset().text.replace("[rates] ", "[rates]\nJPY = 0.0065\n", 1).replace("= 0.01 ", "= 1.50 ")
    (row,) = policies_table([PolicyChange(7, 1000, read_policy(text))], 5).to_pylist()
    rates = dict(zip(row["rate_currencies"], row["rates"], strict=True))
    # A yen has no smaller unit, so one is as many minor units as the dollar has hundredths.
    assert rates == {"USD": 1.0, "JPY": 0.65, "EUR": 1.08, "GBP": 1.27}
    assert row["minimum_minor"] == 150
    assert (row["currency"], row["offset"], row["known_at"]) == ("USD", 7, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
