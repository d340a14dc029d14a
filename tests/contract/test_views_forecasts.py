"""Forecasts by month in SQL: those of the engine at that instant, from what had happened until then, and what came."""

from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
from support.messages import DAY, Message, batch, schemas, touchpoint
from support.presets import changed, policy_of
from support.report_rows import profile
from support.report_views import asked, store, touch

from processors.policy.policy import Policy
from streams.engine.partition import Partition
from streams.engine.results import PolicyChange, Refused
from streams.log.batches import read_batches
from streams.outputs.policies import meanings_table, policies_table
from streams.outputs.profiles import profiles_table
from streams.reports.sink import Sink

_LEARNT: Final = "10.0\nonce = [-0.2, 0.8, 0.9, 0.0]\nnew = [0.1, 1.1, 0.7, -0.3]\nknown = [0.3, 0.9, 1.2, -0.8]"
POLICIES: Final = {
    "commerce": policy_of("commerce", 2),
    "learnt": changed("commerce", 2, intervals=_LEARNT),
    "bgnbd": changed("b2b", 2, model='"bgnbd"'),
}
BEGAN: Final = datetime(2025, 1, 10, 9, tzinfo=UTC)
KNOWN: Final = datetime(2026, 1, 20, tzinfo=UTC)


def lives(random: Random) -> list[tuple[str, str, int, int]]:
    """(customer, kind, instant in ms, amount), sorted by instant."""
    told = []
    began = int(BEGAN.timestamp() * 1000)
    for number in range(60):
        who, day = f"c{number}", random.uniform(0, 200)
        orders, interval = random.choice(((1, 1), (2, 60), (4, 30), (12, 12), (30, 5)))
        for _ in range(orders):
            told.append((who, "order_completed", began + int(day * DAY), random.randrange(500, 9_000)))
            if random.random() < 0.1:
                told.append((who, "order_refunded", began + int((day + 2) * DAY), 200))
            day += random.expovariate(1 / interval)
        if random.random() < 0.1:
            told.append((who, "account_deleted", began + int((day + 1) * DAY), 0))
    return sorted((each for each in told if each[2] < KNOWN.timestamp() * 1000), key=lambda each: each[2])


def lived(policy: Policy, until: datetime) -> dict[str, dict[str, Any]]:
    """What the engine publishes at an instant, of who had bought before it."""
    partition = Partition(0, policy, schemas())
    messages = []
    for who, kind, at, amount in lives(Random(7)):
        if at < until.timestamp() * 1000:
            money: dict[str, Any] = {"amount_minor": amount, "currency": policy.currency} if amount else {}
            messages.append(Message(touchpoint(f"{who} {kind} {at}", who, at, kind, received_at=at, **money), at))
    assert not isinstance(partition.apply(read_batches(batch(messages), 0)), Refused)
    rows = profiles_table(partition, partition.numbers(), int(until.timestamp() * 1000)).to_pylist()
    return {row["customer_id"]: row for row in rows if row["purchases"] > 0}


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
def test_each_month_is_forecast_as_the_engine_would_have_and_held_against_what_came(sink: Sink, name: str) -> None:
    policy = POLICIES[name]
    change = PolicyChange(0, int(BEGAN.timestamp() * 1000), policy)
    sink.insert("policies_raw", policies_table([change], 0))
    sink.insert("meanings_raw", meanings_table([change]))
    told = [
        touch(who, kind, 0, event_id=f"{who} {kind} {at}", occurred_at=datetime.fromtimestamp(at / 1000, UTC),
              amount_minor=amount or None)
        for who, kind, at, amount in lives(Random(7))
    ]  # fmt: skip
    store(sink, told, profiles=[profile(policy_hash=policy.hash, purchase_days=40, as_of=KNOWN)])
    rows = asked(sink, "SELECT * FROM forecasts_monthly ORDER BY month")
    assert [row["month"].month for row in rows] == [*range(2, 13), 1]
    for row in rows:
        begins = datetime(row["month"].year, row["month"].month, 1, tzinfo=UTC)
        start, stop = begins.timestamp() * 1000, begins.timestamp() * 1000 + policy.rules.horizon_ms
        wanted = lived(policy, begins)
        assert row["customers"] == len(wanted)
        assert row["matured"] == (stop <= KNOWN.timestamp() * 1000)
        assert row["expected_buyers"] == pytest.approx(sum(1 - each["churn_risk"] for each in wanted.values()), 1e-9)
        for column in ("expected_purchases", "expected_value_minor"):
            assert row[column] == pytest.approx(sum(each[column] for each in wanted.values()), 1e-4), column
        came = [each for each in lives(Random(7)) if start <= each[2] < stop and each[0] in wanted]
        bought = {(who, at // DAY) for who, kind, at, _ in came if kind == "order_completed"}
        assert row["buyers"] == len({who for who, _ in bought})
        assert row["purchase_days"] == len(bought)
        assert row["value_minor"] == sum(-amount if kind == "order_refunded" else amount for _, kind, _, amount in came)
        ratio = row["buyers"] / row["expected_buyers"] if row["matured"] else None
        assert row["buyers_for_expected"] == pytest.approx(ratio)
        assert row["parameters"] == "preset, not yours: run `relasi fit`"
