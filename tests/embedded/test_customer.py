"""`relasi customer`: one relationship, its history, and what each step was decided on."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import Directory, content, done, relasi
from support.histories import HISTORY, csv_file


def history_of(customer: str, of: list[dict[str, Any]]) -> list[dict[str, Any]]:
    facts = [fact for fact in of if fact["customer_id"] == customer]
    return sorted(facts, key=lambda fact: (fact["at"], fact["known_at"]))


def test_nobody_by_that_name(imported: Directory) -> None:
    ran = relasi("customer", "nobody", "--data", imported.path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"relasi: no customer 'nobody' in {imported.path}\n"


@pytest.mark.slow
def test_a_relationship_and_its_history(imported: Directory) -> None:
    longest = max(imported.content["profiles"], key=lambda profile: int(profile["episode"]))
    customer = longest["customer_id"]
    text = done("customer", customer, "--data", imported.path)
    standing, history = text.partition("\n\n")[0], block(text, "History of stages")

    assert standing.splitlines()[0].startswith(f"Customer {customer}: {longest['stage']} since ")
    assert f"(episode {longest['episode']}, won back)" in standing
    mine = [row for row in HISTORY if row["customer_id"] == customer]
    spent = sum(row["amount"] or 0 for row in mine)
    assert re.search(
        rf"purchases +{longest['purchases']} on {longest['purchase_days']} days, {spent:,.2f} USD", standing
    )
    assert re.search(rf"touchpoints +{len(mine)}, from {mine[0]['occurred_at']:%Y-%m-%d %H:%M} UTC", standing)

    facts = history_of(customer, imported.content["transitions"])
    steps = re.findall(r"^  (\d.*)\n((?:      .*\n?)*)", history, re.MULTILINE)
    assert len(steps) == len(facts)
    for fact, (step, told) in zip(facts, steps, strict=True):
        path = f"{fact['from_stage']} → {fact['to_stage']}  ({fact['cause']})"
        assert step == f"{fact['at']:%Y-%m-%d %H:%M} UTC  {path}"
        expected = evidence_of(fact, {row["event_id"]: row["kind"] for row in mine})
        assert " ".join(told.split()) == expected


def block(text: str, title: str) -> str:
    """What stands below a title."""
    return text.partition(f"\n\n{title}\n")[2].partition("\n\n")[0] + "\n"


def evidence_of(fact: dict[str, Any], kinds: dict[str, str]) -> str:
    """The evidence of a transition as the command tells it."""
    its, told = json.loads(fact["evidence"]), []

    def minute(name: str) -> str:
        return f"{its[name][:10]} {its[name][11:16]} UTC"

    if its["event_id"]:
        told.append(f"{kinds[its['event_id']]} {its['event_id']}")
    if its["purchases"]:
        purchases, weeks = (f"{its[name]} {name[: -1 if its[name] == 1 else None]}" for name in ("purchases", "weeks"))
        span = f"from {minute('first_purchase_at')} to {minute('last_purchase_at')}"
        if its["purchases"] == 1:
            span = f"on {minute('last_purchase_at')}"
        told.append(f"{purchases} {span}, in {weeks} of the episode")
    if its["last_sign_at"]:
        told.append(f"last sign of life {minute('last_sign_at')}")
    return "; ".join(told) or "no initiative of the customer yet"


@pytest.mark.slow
def test_risk_is_that_of_the_time_of_the_log(imported: Directory, data: Path) -> None:
    some = [row for row in HISTORY if row["customer_id"] == "ann-000"]
    done("import", csv_file(some[:20], data.with_name("some.csv")), "--data", data)
    seen = []
    for day in ("2023-07-01", "2023-07-20"):
        done("advance", "--to", day, "--commit", "--data", data)
        said = done("customer", "ann-000", "--data", data)
        assert f"time is         {day} 00:00 UTC" in said
        found = re.search(r"alive +([\d.]+)%", said)
        assert found
        seen.append(float(found[1]))
    assert seen[0] > seen[1]


ORDERS: Final = [HISTORY[0] | {"kind": "order_completed", "amount": "20", "currency": "JPY"}]


@pytest.mark.slow
def test_minor_units_are_those_of_the_currency(data: Path) -> None:
    policy = data.with_name("policy.toml")
    policy.write_text(done("policy", "show", "--data", data).replace('currency = "USD"', 'currency = "JPY"'))
    done("import", csv_file(ORDERS, data.with_name("orders.csv")), "--policy", policy, "--data", data)
    assert "1 days, 20 JPY" in done("customer", str(ORDERS[0]["customer_id"]), "--data", data)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which some touchpoints came late."""
    data = tmp_path_factory.mktemp("corrected") / "data"
    for name, some in (("kept", [*HISTORY[:100], *HISTORY[120:]]), ("missed", HISTORY[100:120])):
        done("import", csv_file(some, data.with_name(f"{name}.csv")), "--data", data)
    return data


def test_corrections_are_shown_on_both_sides(corrected: Path) -> None:
    facts = content(corrected, "transitions")["transitions"]
    fact = next(fact for fact in facts if fact["superseded_by"])
    said = done("customer", fact["customer_id"], "--data", corrected)
    before, after = fact["id"][16:], fact["superseded_by"][16:]
    assert f"no longer true: {before} was corrected by {after}" in said
    assert re.search(rf"\(late\) [^()]*? {after} corrects [0-9a-f, ]*{before}", " ".join(said.split()))
