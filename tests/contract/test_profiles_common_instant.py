"""Chances and values of any instant in SQL are those of the engine, for every model, version and calibration."""

from random import Random
from typing import Any, Final

import pytest
from support.messages import DAY, START, Message, batch, schemas, touchpoint
from support.presets import changed, policy_of
from support.report_rows import policy as policy_row
from support.report_rows import profile, table

from processors.policy.policy import Policy
from streams.engine.partition import Partition
from streams.engine.results import PolicyChange, Refused
from streams.log.batches import read_batches
from streams.outputs.policies import policies_table
from streams.outputs.profiles import profiles_table
from streams.reports.sink import Sink

_LEARNT: Final = "10.0\nonce = [-0.2, 0.8, 0.9, 0.0]\nnew = [0.1, 1.1, 0.7, -0.3]\nknown = [0.3, 0.9, 1.2, -0.8]"
POLICIES: Final = {
    "commerce": policy_of("commerce", 2),
    "learnt": changed("commerce", 2, intervals=_LEARNT),
    "bgnbd": changed("b2b", 2, model='"bgnbd"'),
    "hotel": policy_of("hotel", 2),
    "version 1": policy_of("commerce", 1),
    "version 1, bgnbd": changed("b2b", 1, model='"bgnbd"'),
}
CHANCES: Final = ("p_alive", "churn_risk", "p_return")
MONEY: Final = ("expected_purchases", "expected_value_minor", "clv_minor")
KINDS: Final = ("live_chat_started", "referral_made", "email_delivered", "ad_clicked", "signed_in")


def lives(random: Random, customers: int) -> list[tuple[int, bytes]]:
    told: list[tuple[int, bytes]] = []
    for number in range(customers):
        who, day = f"c{number}", random.uniform(0, 700)
        orders, interval = random.choice(((0, 1), (1, 1), (1, 1), (2, 90), (3, 20), (8, 60), (60, 9), (150, 3)))
        for order in range(orders):
            day += min(random.expovariate(1 / interval), 3 * interval)
            told.append(message(random, who, day, "order_completed", f"o{order}"))
            if random.random() < 0.15:
                told.append(message(random, who, day + 2, "order_refunded", f"o{order}"))
        told += [
            message(random, who, day + random.random(), random.choice(KINDS)) for _ in range(random.randrange(1, 4))
        ]
        if random.random() < 0.1:
            told.append(message(random, who, day + 1, "account_deleted"))
    return sorted(told)


def message(random: Random, who: str, day: float, kind: str, order: str | None = None) -> tuple[int, bytes]:
    at = START + int(day * DAY)
    money: dict[str, Any] = {}
    if order is not None:
        money = {"order_id": order, "amount_minor": random.randrange(500, 20_000), "currency": "USD"}
    return at, touchpoint(f"{who} {kind} {at}", who, at, kind, received_at=at, **money)


def lived(policy: Policy) -> Partition:
    partition = Partition(0, policy, schemas())
    data = batch([Message(body, at) for at, body in lives(Random(5), 220)])
    assert not isinstance(partition.apply(read_batches(data, 0)), Refused)
    return partition


def close(told: Any, wanted: Any, relative: float, least: float) -> bool:
    if told is None or wanted is None:
        return told is wanted
    return bool(told == pytest.approx(wanted, rel=relative, abs=least))


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
def test_sql_says_what_the_engine_says(sink: Sink, name: str) -> None:
    partition = lived(POLICIES[name])
    everybody = partition.numbers()
    change = PolicyChange(0, START, POLICIES[name])
    sink.insert("policies_raw", policies_table([change], 0))
    sink.insert("profiles_raw", profiles_table(partition, everybody))
    for day in (1_300.4, 1_350, 1_700, 9_000):
        at = START + int(day * DAY)
        wanted = {row["customer_id"]: row for row in profiles_table(partition, everybody, at).to_pylist()}
        told = sink.query("SELECT * FROM profiles_at(at = {at:DateTime64(3)})", {"at": at / 1000}).to_pylist()
        assert len(told) == len(wanted) == 220
        for row in told:
            engine = wanted[row["customer_id"]]
            for which in CHANCES:
                assert close(row[which], engine[which], 1e-9, 1e-15), (day, which, row, engine[which])
            for which in MONEY:
                assert close(row[which], engine[which], 1e-4, 1e-3), (day, which, row, engine[which])


def test_profiles_are_as_of_the_last_instant_that_is_known_of_anybody(sink: Sink) -> None:
    partition = lived(POLICIES["commerce"])
    everybody = partition.numbers()
    sink.insert("policies_raw", policies_table([PolicyChange(0, START, POLICIES["commerce"])], 0))
    sink.insert("profiles_raw", profiles_table(partition, everybody))
    ((at,),) = [row.values() for row in sink.query("SELECT at FROM known_until").to_pylist()]
    rows = sink.query("SELECT * FROM profiles ORDER BY customer_id").to_pylist()
    assert {row["at"] for row in rows} == {at} == {max(row["as_of"] for row in rows)}
    named = sink.query("SELECT * FROM profiles_at(at = {at:String}) ORDER BY customer_id", {"at": at.isoformat()})
    assert rows == named.to_pylist()
    published = sink.query("SELECT sum(clv_minor) AS value FROM profiles_published").to_pylist()[0]["value"]
    assert sum(row["clv_minor"] for row in rows) < published, (
        "who fell silent long ago was worth more when last heard of"
    )


def test_what_a_policy_from_before_cannot_tell_is_as_published(sink: Sink) -> None:
    sink.insert("policies_raw", table("policies_raw", [policy_row()]))
    sink.insert("profiles_raw", table("profiles_raw", [profile()]))
    (row,) = sink.query("SELECT * FROM profiles").to_pylist()
    assert (row["clv_minor"], row["expected_value_minor"], row["expected_purchases"]) == (25_000.5, 1234.5, None)
    assert 0 < row["p_alive"] < 1
