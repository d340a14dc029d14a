"""What rules bring, in SQL: the units, what they bought, and the adjusted difference against NumPy."""

import hashlib
import math
from random import Random
from typing import Any

import numpy as np
import pytest
from support.report_rows import day, meaning, policy, profile, trigger
from support.report_views import asked, store, touch

from streams.reports.sink import Sink


def shop(sink: Sink, triggers: list[dict[str, Any]], orders: list[dict[str, Any]], until: float = 60) -> None:
    told = [{**each, "id": hashlib.md5(str(i).encode()).hexdigest()} for i, each in enumerate(triggers)]
    store(
        sink,
        orders,
        triggers=told,
        profiles=[profile(as_of=day(until))],
        policies=[policy(currency="USD")],
        meanings=[meaning(kind="order_completed", purchase=True)],
    )


def bought(customer: str, at: float, amount: int) -> dict[str, Any]:
    return touch(customer, "order_completed", at, amount_minor=amount, currency="USD")


def test_a_unit_is_the_first_eligible_firing_and_counts_what_came_within_its_window(sink: Sink) -> None:
    shop(
        sink,
        [
            trigger(outcome="stale", arm="", at=day(-3)),
            trigger(at=day(0), churn_risk=0.25),
            trigger(at=day(5), arm="held", outcome="held"),
            trigger(customer_id="bob", arm="held_from_all", outcome="held", at=day(1)),
            trigger(customer_id="cat", at=day(50)),
        ],
        [
            bought("ann", 0, 100),
            bought("ann", 14, 700),
            bought("ann", 2, 300),
            bought("ann", 15, 9),
            bought("bob", 0.5, 50),
        ],
    )
    found = asked(sink, "SELECT * FROM trigger_outcomes ORDER BY customer_id")
    told = [
        (each["customer_id"], each["held"], each["matured"], each["bought"], each["orders"], each["spend_minor"])
        for each in found
    ]
    assert told == [
        ("ann", False, True, True, 2, 1000),
        ("bob", True, True, False, 0, 0),
        ("cat", False, False, False, 0, 0),
    ]
    assert found[0]["return_chance"] == 0.75


def test_what_was_expected_is_that_of_the_first_firing_also_where_it_was_not_known(sink: Sink) -> None:
    nothing = dict.fromkeys(("churn_risk", "expected_purchases", "expected_value_minor", "expected_margin_minor"))
    shop(sink, [trigger(at=day(0), **nothing), trigger(at=day(20))], [])
    (only,) = asked(sink, "SELECT * FROM trigger_outcomes")
    names = ("return_chance", "expected_purchases", "expected_value_minor", "expected_margin_minor")
    assert [only[name] for name in names] == [None] * 4


def expected(y: Any, x: Any, held: Any) -> dict[str, float]:
    """The arithmetic of shared memory: adjusted difference, interval, share of variance removed."""
    y = np.minimum(y, np.sort(y)[min(len(y) - 1, int(0.99 * len(y)))])
    arms = [(y[~held], x[~held]), (y[held], x[held])]
    spread = sum((len(b) - 1) * np.var(b, ddof=1) for _, b in arms)
    slope = sum((len(a) - 1) * np.cov(b, a)[0, 1] for a, b in arms) / spread
    lift = arms[0][0].mean() - arms[1][0].mean() - slope * (arms[0][1].mean() - arms[1][1].mean())
    plain = sum(np.var(a, ddof=1) / len(a) for a, _ in arms)
    variance = sum(
        (np.var(a, ddof=1) - 2 * slope * np.cov(b, a)[0, 1] + slope**2 * np.var(b, ddof=1)) / len(a) for a, b in arms
    )
    n, tuned = len(y), (-2 * math.log(0.05) + math.log(-2 * math.log(0.05)) + 1) / 5000
    half = math.sqrt(n * variance) * math.sqrt(
        2 * (n * tuned + 1) / (n * n * tuned) * math.log(math.sqrt(n * tuned + 1) / 0.05)
    )
    return {"lift": lift, "low": lift - half, "high": lift + half, "variance_removed": 1 - variance / plain}


def test_the_lift_is_that_of_numpy(sink: Sink) -> None:
    random = Random(10)
    triggers, orders, y, x, held = [], [], [], [], []
    for i in range(900):
        who, hold = f"c{i}", random.random() < 0.4
        expects = random.uniform(0, 3000)
        spend = round(expects * random.uniform(0, 2) + (0 if hold else 900)) if random.random() < 0.7 else 0
        arm = ("held", "held") if hold else ("sent", "treated")
        triggers.append(
            trigger(
                customer_id=who, outcome=arm[0], arm=arm[1], hold_out=0.4, expected_value_minor=expects, churn_risk=0.5
            )
        )
        if spend > 0:
            orders.append(bought(who, 3, spend))
        y.append(float(spend))
        x.append(expects)
        held.append(hold)
    shop(sink, triggers, orders)
    rows = {row["outcome"]: row for row in sink.query("SELECT * FROM trigger_lift").to_pylist()}
    assert (rows["spend_minor"]["treated"], rows["spend_minor"]["held"]) == (held.count(False), held.count(True))
    for name, value in expected(np.array(y), np.array(x), np.array(held)).items():
        # The quantile of the engine and NumPy's sort may choose neighbours.
        assert rows["spend_minor"][name] == pytest.approx(value, rel=0.02), name
    assert rows["spend_minor"]["verdict"] == "brings"
    assert rows["bought"]["verdict"] == "not told apart"
    assert not rows["spend_minor"]["alarm"]


def test_each_outcome_is_adjusted_by_what_was_expected_of_it(sink: Sink) -> None:
    random = Random(11)
    triggers, orders, outcomes, expectations, held = [], [], [], [], []
    for i in range(240):
        who, hold = f"c{i}", random.random() < 0.5
        said = {
            "churn_risk": random.random(),
            "expected_purchases": random.uniform(0, 4),
            "expected_value_minor": random.uniform(0, 3000),
            "expected_margin_minor": random.uniform(0, 900),
        }
        arm = ("held", "held") if hold else ("sent", "treated")
        triggers.append(trigger(customer_id=who, outcome=arm[0], arm=arm[1], hold_out=0.5, **said))
        n = round(said["expected_purchases"] * random.random())
        amounts = [random.randrange(100, 1000) for _ in range(n)]
        margins = [round(said["expected_margin_minor"] * random.random()) for _ in range(n)]
        orders += [{**bought(who, 1 + k, amounts[k]), "margin_minor": margins[k]} for k in range(n)]
        outcomes.append((float(n > 0), float(n), float(sum(amounts)), float(sum(margins))))
        expectations.append((1 - said["churn_risk"], *list(said.values())[1:]))
        held.append(hold)
    shop(sink, triggers, orders)
    rows = {row["outcome"]: row for row in asked(sink, "SELECT * FROM trigger_lift")}
    for place, outcome in enumerate(("bought", "orders", "spend_minor", "margin_minor")):
        y, x = np.array(outcomes)[:, place], np.array(expectations)[:, place]
        for name, value in expected(y, x, np.array(held)).items():
            assert rows[outcome][name] == pytest.approx(value, rel=0.03, abs=0.01), (outcome, name)


def test_there_is_no_verdict_before_200_held_units_and_an_alarm_when_the_arms_are_wrong(sink: Sink) -> None:
    shop(
        sink,
        [
            trigger(customer_id=f"c{i}", outcome="held" if i % 2 else "sent", arm="held" if i % 2 else "treated")
            for i in range(92)
        ],
        [bought("c1", 3, 100)],
    )
    (row,) = asked(sink, "SELECT * FROM trigger_lift WHERE outcome = 'bought'")
    assert (row["verdict"], row["alarm"]) == ("46 of 200", True)


def test_an_arm_of_one_or_none_is_not_compared(sink: Sink) -> None:
    shop(sink, [trigger(), trigger(customer_id="bob")], [bought("bob", 3, 100)])
    rows = asked(sink, "SELECT * FROM trigger_lift")
    assert {(row["outcome"], row["lift"], row["verdict"]) for row in rows} == {
        (name, None, "0 of 200") for name in ("bought", "orders", "spend_minor", "margin_minor")
    }


def merged(before: str, into: str, known_at: float, fact: str = "merged", **changed: Any) -> dict[str, Any]:
    """What became of a link of an anonymous id with a known one."""
    example = {
        "id": hashlib.md5(f"{before} {into} {fact}".encode()).hexdigest()[:16],
        "fact": fact,
        "customer_id": before,
        "namespace": "anonymous",
        "into_id": into,
        "into_namespace": "known",
        "holder_id": into,
        "holder_namespace": "known",
        "why": "",
        "made_by": "touchpoint",
        "at": day(known_at),
        "known_at": day(known_at),
        "epoch": 0,
        "partition": 0,
        "offset": 10,
    }
    return {**example, **changed}


def test_what_was_sent_to_a_visitor_is_shown_under_the_customer_that_goes_on(sink: Sink) -> None:
    told = [
        trigger(id="1" * 32, customer_id="v1", namespace="anonymous", offset=1),
        trigger(id="2" * 32, customer_id="v1", namespace="known", offset=2),
        trigger(id="3" * 32, customer_id="shared", namespace="anonymous", offset=3),
        trigger(id="4" * 32, customer_id="shared", namespace="anonymous", offset=30),
        trigger(id="5" * 32, customer_id="ann", outcome="withdrawn", arm="", takes_back="1" * 32, offset=4),
    ]
    freed = merged(
        "shared",
        "bob",
        2,
        "link_refused",
        why="shared_device",
        holder_id="shared",
        holder_namespace="anonymous",
        offset=20,
    )
    store(sink, triggers=told, identities=[merged("v1", "ann", 1), merged("shared", "ann", 1), freed])
    found = asked(sink, "SELECT id, customer_id, namespace FROM triggers ORDER BY id")
    assert [(each["id"][0], each["customer_id"], each["namespace"]) for each in found] == [
        ("1", "ann", "known"),
        ("2", "v1", "known"),
        ("3", "ann", "known"),
        ("4", "shared", "anonymous"),
        ("5", "ann", "known"),
    ]
