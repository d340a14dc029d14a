"""P(alive) and risk in SQL are those of the model, at any instant."""

import datetime as dt
import random
from typing import Any

import pytest
from support.report_rows import day, policy, profile, table

from processors.models import churn
from streams.reports.sink import Sink

WEEK = 7.0
MODELS = {
    "mbgnbd": (churn.mbg_p_alive, churn.mbg_p_no_purchase),
    "bgnbd": (churn.bg_p_alive, churn.bg_p_no_purchase),
}
PARAMETERS = {"mbgnbd": (0.525, 6.183, 0.891, 1.614), "bgnbd": (0.2426, 4.4136, 0.7929, 2.4259)}
# The second policy counts in days, and its horizon is short.
POLICIES = [
    policy(hash=f"{model}-{unit}", model=model, unit_ms=int(unit * 86_400_000), horizon_ms=int(13 * unit * 86_400_000))
    | dict(zip(("r", "alpha", "a", "b"), PARAMETERS[model], strict=True))
    for model in MODELS
    for unit in (WEEK, 1.0)
]


def history(draw: random.Random, number: int) -> dict[str, Any]:
    first = draw.uniform(0, 300)
    days = draw.choice((1, 1, 2, 3, 10, 200))
    last = first + (draw.uniform(days - 1, 300) if days > 1 else draw.choice((0.0, 0.4)))
    return profile(
        customer_id=f"c{number}",
        purchase_days=days,
        first_purchase_at=day(first),
        last_purchase_at=day(last),
        policy_hash=draw.choice(POLICIES)["hash"],
    )


def expected(row: dict[str, Any], at: dt.datetime) -> tuple[float | None, float | None]:
    first, last = (
        # What is stored has milliseconds.
        instant.replace(microsecond=instant.microsecond // 1000 * 1000)
        for instant in (row["first_purchase_at"], row["last_purchase_at"])
    )
    if at < first:
        return None, None
    rule = next(rule for rule in POLICIES if rule["hash"] == row["policy_hash"])
    unit = dt.timedelta(milliseconds=rule["unit_ms"])
    x, t_x = row["purchase_days"] - 1.0, (last - first) / unit
    age = max((at - first) / unit, t_x)
    alive, silent = MODELS[rule["model"]]
    parameters = PARAMETERS[rule["model"]]
    return (
        alive(*parameters, x, t_x, age),
        silent(*parameters, x, t_x, age, rule["horizon_ms"] / rule["unit_ms"]),
    )


@pytest.mark.parametrize("at", [day(0), day(150), day(299.123), day(700), day(20_000)])
def test_sql_and_the_model_agree(sink: Sink, at: dt.datetime) -> None:
    draw = random.Random(17)
    rows = [history(draw, number) for number in range(300)]
    sink.insert("policies_raw", table("policies_raw", POLICIES))
    sink.insert("profiles_raw", table("profiles_raw", rows))
    moment = at.replace(microsecond=at.microsecond // 1000 * 1000)
    answer = sink.query(
        "SELECT customer_id, p_alive, churn_risk, at FROM profiles_at(at = {moment:String})",
        {"moment": moment.isoformat()},
    ).to_pylist()
    assert len(answer) == len(rows)
    found = {row["customer_id"]: (row["p_alive"], row["churn_risk"]) for row in answer}
    assert {row["at"] for row in answer} == {moment}
    for row in rows:
        for told, wanted in zip(found[row["customer_id"]], expected(row, moment), strict=True):
            assert (told is None) == (wanted is None), row
            assert told is None or told == pytest.approx(wanted, abs=1e-9, rel=1e-9), row


def test_who_has_never_bought_has_no_chances_and_all_else_is_as_published(sink: Sink) -> None:
    unbought = profile(purchase_days=0, purchases=0, first_purchase_at=None, last_purchase_at=None, p_alive=None)
    unjudged = profile(customer_id="bob", policy_hash="a policy that was never stored")
    sink.insert("policies_raw", table("policies_raw", [policy()]))
    sink.insert("profiles_raw", table("profiles_raw", [unbought, unjudged]))
    answer = sink.query("SELECT * FROM profiles_at(at = '2026-06-01') ORDER BY customer_id").to_pylist()
    at = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    unknown = {"p_alive": None, "churn_risk": None, "p_return": None, "expected_purchases": None, "at": at}
    assert answer == [row | unknown for row in (unbought, unjudged)]


@pytest.mark.parametrize(
    "instant",
    [
        "'2026-03-01 10:00:00'",
        "'2026-03-01T10:00:00Z'",
        "'2026-03-01T12:00:00+02:00'",
        "'2026-03-01T10:00:00.000Z'",
        "toDateTime64('2026-03-01 10:00:00', 3, 'UTC')",
    ],
)
def test_the_instant_may_be_written_in_many_ways(sink: Sink, instant: str) -> None:
    sink.insert("profiles_raw", table("profiles_raw", [profile()]))
    (row,) = sink.query(f"SELECT at FROM profiles_at(at = {instant})").to_pylist()
    assert row["at"] == dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
